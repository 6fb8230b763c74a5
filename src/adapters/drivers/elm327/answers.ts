/**
 * As much of a message's meaning as the device's listening needs: is more to come? Everything else about answers is the
 * client's (reference: diagnostics A.2).
 */
export type AnswerKind = 'final' | 'pending' | 'other';

const NEGATIVE = 0x7f;
const RESPONSE_PENDING = 0x78;
/** An ECU begins to answer within P2; the client's floor. */
export const P2_MS = 150;
/** After `7F xx 78` it may take this long. */
export const P2_STAR_MS = 5000;

/** A chain of 78 may last so long (P4; reference: diagnostics A.2). */
export const PENDING_LIMIT_MS = 60_000;

export function answerKind(pdu: Uint8Array, requestSid: number): AnswerKind {
  if (pdu[0] === NEGATIVE && pdu[1] === requestSid) return pdu[2] === RESPONSE_PENDING ? 'pending' : 'final';
  return pdu[0] === requestSid + 0x40 ? 'final' : 'other';
}
