import { fromHex } from '#base/hex.ts';

/** A message line: one complete message, because the device puts it together itself (STCSEGR1). */
export interface StnMessage {
  readonly id: number;
  readonly payload: Uint8Array;
}

const LARGEST_ID = 0x1fff_ffff;
const LARGEST_SHORT_ID = 0x7ff;
/** The longest message any device of the family carries, and one address byte. */
const MAX_PAYLOAD_BYTES = 4096;

/**
 * Takes a message line apart (reference: adapters B.4; ATH1, ATS0, STCSEGR1):
 *
 *     7E8 62F190574241…          18DAF110 62F190574241…
 *     └┬┘ └─ payload             └──┬───┘ └─ payload
 *     id, 3 digits               id, 8 digits
 *
 * A device that lost ATS0 puts spaces between: they do not count. Returns null for what is no whole message of this
 * width: a text, an odd digit, a header alone.
 */
export function parseMessage(line: string, extendedId: boolean): StnMessage | null {
  const digits = line.replace(/ /g, '');
  if (!/^[0-9A-Fa-f]+$/.test(digits)) return null;
  const headerDigits = extendedId ? 8 : 3;
  const payloadDigits = digits.length - headerDigits;
  if (payloadDigits < 2 || payloadDigits % 2 !== 0 || payloadDigits > 2 * MAX_PAYLOAD_BYTES) return null;
  const id = Number.parseInt(digits.slice(0, headerDigits), 16);
  if (id > (extendedId ? LARGEST_ID : LARGEST_SHORT_ID)) return null;
  return { id, payload: fromHex(digits.slice(headerDigits)) };
}

/** How an answer stands to the request with this service. */
export type AnswerKind = 'final' | 'negative' | 'pending' | 'other';

const NEGATIVE = 0x7f;
const RESPONSE_PENDING = 0x78;

/**
 * Is this the end of the wait? The device hears only while a command runs, so a driver has to know that `7F xx 78` is not
 * (reference: adapters B.4, test vector N.1 17). `other`: late or foreign; it is delivered, and the wait goes on.
 */
export function kindOfAnswer(payload: Uint8Array, sid: number): AnswerKind {
  if (payload[0] === NEGATIVE) {
    if (payload.length !== 3 || payload[1] !== sid) return 'other';
    return payload[2] === RESPONSE_PENDING ? 'pending' : 'negative';
  }
  return payload[0] === sid + 0x40 ? 'final' : 'other';
}

const TESTER_PRESENT = 0x3e;
const SUPPRESS = 0x80;

/** The one request that is never answered, not even by 78: tester present with its answer suppressed. */
export function isNeverAnswered(pdu: Uint8Array): boolean {
  return pdu.length === 2 && pdu[0] === TESTER_PRESENT && pdu[1] === SUPPRESS;
}
