import { hexNumber } from '#base/hex.ts';

/** Status of one trouble code, bit by bit (ISO 14229-1 annex D; reference: diagnostics A.4, 19). */
export interface DtcStatusBits {
  readonly testFailed: boolean;
  readonly testFailedThisOperationCycle: boolean;
  readonly pendingDtc: boolean;
  readonly confirmedDtc: boolean;
  readonly testNotCompletedSinceLastClear: boolean;
  readonly testFailedSinceLastClear: boolean;
  readonly testNotCompletedThisOperationCycle: boolean;
  readonly warningIndicatorRequested: boolean;
}

/** One trouble code as the ECU tells it. */
export interface Dtc {
  /** The three bytes. Some makes number their codes without the SAE pattern: show them beside `text`. */
  readonly code: Uint8Array;
  /** SAE J2012 form with the failure type byte: `B1A02-15`. */
  readonly text: string;
  readonly status: number;
  readonly bits: DtcStatusBits;
}

const SYSTEMS = ['P', 'C', 'B', 'U'] as const;

/**
 * Three bytes in the SAE form: `9A 02 15` → `B1A02-15`.
 *
 *     9A       02       15
 *     10 01 1010 00000010  00010101
 *     B  1  A    02        failure type 15
 *
 * @throws RangeError when these are not three bytes
 */
export function dtcText(code: Uint8Array): string {
  const [high, middle, failureType] = code;
  if (code.length !== 3 || high === undefined || middle === undefined || failureType === undefined)
    throw new RangeError(`a trouble code has 3 bytes, not ${code.length}`);
  const system = SYSTEMS[high >> 6] ?? 'P';
  return `${system}${(high >> 4) & 3}${hexNumber(((high & 0x0f) << 8) | middle, 3)}-${hexNumber(failureType, 2)}`;
}

export function dtcStatusBits(status: number): DtcStatusBits {
  const bit = (n: number) => ((status >> n) & 1) === 1;
  return {
    testFailed: bit(0),
    testFailedThisOperationCycle: bit(1),
    pendingDtc: bit(2),
    confirmedDtc: bit(3),
    testNotCompletedSinceLastClear: bit(4),
    testFailedSinceLastClear: bit(5),
    testNotCompletedThisOperationCycle: bit(6),
    warningIndicatorRequested: bit(7),
  };
}

/** @throws RangeError when the code has not three bytes or the status is not a byte */
export function dtcOf(code: Uint8Array, status: number): Dtc {
  if (!Number.isInteger(status) || status < 0 || status > 0xff)
    throw new RangeError(`the status ${status} is not a byte`);
  return { code, text: dtcText(code), status, bits: dtcStatusBits(status) };
}
