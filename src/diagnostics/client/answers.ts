import { equalBytes } from '#base/bytes.ts';
import type { Service } from '#contract/diagnostics.ts';
import { StackError } from '#contract/errors.ts';
import { nrcInfo } from '#diagnostics/uds/nrc.ts';
import { shownPdu } from './shown.ts';

/** How a message relates to the request under way (reference: diagnostics A.1 echo check, A.8 step 3). */
export type Classified =
  | { readonly kind: 'positive' }
  | { readonly kind: 'pending' }
  | { readonly kind: 'negative'; readonly nrc: number }
  /** Late, foreign or malformed: not the answer, whatever it is. */
  | { readonly kind: 'stray' };

const NEGATIVE = 0x7f;
const PENDING = 0x78;

export function classify(pdu: Uint8Array, sid: number, echo: Uint8Array): Classified {
  if (pdu[0] === NEGATIVE) {
    const nrc = pdu[2];
    if (pdu.length !== 3 || pdu[1] !== sid || nrc === undefined) return { kind: 'stray' };
    return nrc === PENDING ? { kind: 'pending' } : { kind: 'negative', nrc };
  }
  const echoed = pdu[0] === sid + 0x40 && equalBytes(pdu.subarray(1, 1 + echo.length), echo);
  return { kind: echoed ? 'positive' : 'stray' };
}

/** Decodes an answer that passed `classify`. @throws StackError `diag/malformed-response` with the bytes, seeds hidden */
export function decodeAnswer<Request, Response>(
  service: Service<Request, Response>,
  request: Request,
  pdu: Uint8Array,
): Response {
  try {
    return service.decode(pdu, request);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new StackError(
      'diag/malformed-response',
      `${service.name}: ${error.message} in ${shownPdu(pdu, 40)}`,
      { sid: service.sid, service: service.name, pdu: shownPdu(pdu), why: error.message },
      { cause: error },
    );
  }
}

export function negativeResponse(
  service: { readonly sid: number; readonly name: string },
  request: Uint8Array,
  nrc: number,
): StackError<'diag/negative-response'> {
  const { name } = nrcInfo(nrc);
  return new StackError(
    'diag/negative-response',
    `${service.name} ${shownPdu(request, 4)} refused: ${name} (0x${nrc.toString(16).toUpperCase()})`,
    {
      sid: service.sid,
      service: service.name,
      nrc,
      nrcName: name,
    },
  );
}
