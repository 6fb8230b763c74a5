import type { Asked } from '#procedures/adapter-check/ask.ts';

/** An identifier that the module has, and how long its value is. */
export interface KnownValue {
  readonly did: number;
  readonly lengthBytes: number;
}

/** What else was seen, to judge the answer to a long request by. */
export interface Evidence {
  /** Frames leave as we made them. */
  readonly sendsOurFrames: boolean;
  /** The module answered a request for one identifier with its value. */
  readonly oneAnswered: boolean;
  /** The answer to three identifiers (7 bytes: the most that one frame carries); null where it was not asked. */
  readonly three: (Pick<Asked, 'kind'> & { readonly nrc?: number }) | null;
}

const TOO_LONG_OR_MALFORMED = 0x13;
const RESPONSE_TOO_LONG = 0x14;
const OUT_OF_RANGE = 0x31;

/**
 * Does this answer prove that the whole of a long request arrived (reference: adapters A.9)?
 *
 * Known faults of adapters cut a request: to its first two bytes, or to what one frame holds. The module then answers the rest
 * that it got, and that answer must not pass for proof:
 *
 * - **Values** prove it when they go on to the last identifier asked for: a request that was cut names fewer. (Modules that leave
 *   out what they do not have prove nothing then; only identifiers that were read before are asked for.)
 * - **13, 31, 14** (wrong length, not these, answer too long) are what a module says that has read the request and does not do
 *   several identifiers. Any other refusal may have been given before the length was looked at.
 * - **13** is also what a cut request gets (`22 F1`): it counts only of a module that answers one identifier with its value, so
 *   that "cut to two bytes" is out of the question.
 * - Where frames leave as we made them, that is all: the first frame names the length, and a module answers after the last one.
 * - Where the adapter segments, it may have made one frame of it. Then the refusal must differ from the answer to three
 *   identifiers, which is what is left of the request in one frame; or a second frame was heard, and nothing else was said: the
 *   flow control, which only a message of several frames gets.
 */
export function provesWhole(asked: Asked, values: readonly KnownValue[], evidence: Evidence): boolean {
  if (asked.kind === 'answered') return evidence.sendsOurFrames || goesToTheLast(asked.data, values);
  if (asked.kind !== 'refused') return false;
  const { nrc } = asked;
  if (nrc !== TOO_LONG_OR_MALFORMED && nrc !== OUT_OF_RANGE && nrc !== RESPONSE_TOO_LONG) return false;
  if (nrc === TOO_LONG_OR_MALFORMED && !evidence.oneAnswered) return false;
  if (evidence.sendsOurFrames) return true;
  return differs(nrc, evidence.three) || flowControlHeard(asked);
}

/** `data` without the 62: identifier and value, one after the other, in the order asked. */
function goesToTheLast(data: Uint8Array, values: readonly KnownValue[]): boolean {
  let at = 0;
  for (const { did, lengthBytes } of values) {
    if (data[at] !== did >> 8 || data[at + 1] !== (did & 0xff)) return false;
    at += 2 + lengthBytes;
  }
  return at === data.length;
}

function differs(nrc: number, three: Evidence['three']): boolean {
  if (three === null) return false;
  return three.kind === 'answered' || (three.kind === 'refused' && three.nrc !== nrc);
}

/** A refusal is one frame. Counts prove nothing where something was repeated or the module spoke in between. */
function flowControlHeard({ frames, lost, delayed }: Asked): boolean {
  return frames >= 2 && lost === 0 && !delayed;
}
