import { toHexSpaced } from '#base/hex.ts';

const SECURITY_ACCESS = 0x27;
const SECURITY_ACCESS_ANSWER = 0x67;

/** From where on the bytes of a message are secret (seeds and keys), undefined = nowhere (reference: diagnostics D.2). */
export function secretFrom(pdu: Uint8Array): number | undefined {
  const isSecurity = pdu[0] === SECURITY_ACCESS || pdu[0] === SECURITY_ACCESS_ANSWER;
  return isSecurity && pdu.length > 2 ? 2 : undefined;
}

/** At most `maxBytes` of a message as hex for events, errors and comments; secret bytes are `**`. */
export function shownPdu(pdu: Uint8Array, maxBytes = pdu.length): string {
  const shown = pdu.subarray(0, maxBytes);
  const from = secretFrom(pdu);
  if (from === undefined || shown.length <= from) return toHexSpaced(shown);
  return toHexSpaced(shown.subarray(0, from)) + ' **'.repeat(shown.length - from);
}
