import { ByteReader } from '#base/bytes.ts';
import { hexNumber, toHexSpaced } from '#base/hex.ts';
import type { Service } from '#contract/diagnostics.ts';

/** The longest message ISO-TP carries without the escape length (ISO 15765-2, 12-bit length). */
const MAX_PDU_BYTES = 4095;

/** Checks a number that goes into one byte. @throws RangeError naming it */
export function byteOf(value: number, what: string, least = 0x00, most = 0xff): number {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`${what} ${value} is not in ${hexNumber(least, 2)}–${hexNumber(most, 2)}`);
  return value;
}

/** Two bytes, high byte first: a DID or RID. @throws RangeError naming it */
export function identifierBytes(value: number, what: string): readonly [number, number] {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff)
    throw new RangeError(`${what} ${value} is not in 0000–FFFF`);
  return [value >> 8, value & 0xff];
}

/** Joins the parts of a request. @throws RangeError when no message can carry it */
export function requestPdu(head: readonly number[], data?: Uint8Array): Uint8Array {
  const pdu = new Uint8Array(head.length + (data?.length ?? 0));
  if (pdu.length > MAX_PDU_BYTES) throw new RangeError(`a request of ${pdu.length} bytes, ${MAX_PDU_BYTES} at most`);
  pdu.set(head);
  if (data) pdu.set(data, head.length);
  return pdu;
}

/**
 * Opens a positive response behind its SID and echo.
 * @throws RangeError when it is not the positive response to this request
 */
export function positiveResponse<Request, Response>(
  service: Pick<Service<Request, Response>, 'sid' | 'name' | 'echo'>,
  request: Request,
  pdu: Uint8Array,
): ByteReader {
  const expected = [service.sid + 0x40, ...service.echo(request)];
  if (expected.some((byte, i) => pdu[i] !== byte))
    throw new RangeError(
      `${service.name}: begins ${toHexSpaced(pdu.subarray(0, expected.length)) || 'with nothing'}, not ${toHexSpaced(Uint8Array.from(expected))}`,
    );
  const reader = new ByteReader(pdu);
  reader.bytes(expected.length);
  return reader;
}

/** @throws RangeError when bytes are left over */
export function expectEnd(reader: ByteReader, name: string): void {
  if (reader.remaining > 0) throw new RangeError(`${name}: ${reader.remaining} bytes too many`);
}

/** Bit 7 of the sub-function: the ECU keeps its positive answer to itself (SPRMIB, ISO 14229-1 clause 8). */
export const SUPPRESS = 0x80;

/** Services whose second byte is a sub-function, so that bit 7 there means "suppress" (reference: diagnostics A.1). */
const WITH_SUB_FUNCTION: ReadonlySet<number> = new Set([
  0x10, 0x11, 0x19, 0x27, 0x28, 0x29, 0x2c, 0x31, 0x3e, 0x83, 0x85, 0x86, 0x87,
]);

export function isSuppressed(pdu: Uint8Array): boolean {
  return WITH_SUB_FUNCTION.has(pdu[0] ?? 0) && ((pdu[1] ?? 0) & SUPPRESS) !== 0;
}
