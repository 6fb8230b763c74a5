import { fromHex, toHex } from '#base/hex.ts';
import type { IdentRead } from '#contract/backup.ts';
import type { HexText } from '#contract/definition.ts';

/** Equal in every bit that the mask does not call unstable. Different lengths are never equal. */
export function sameExcept(a: HexText, b: HexText, unstableMask?: HexText): boolean {
  if (a.length !== b.length) return false;
  if (unstableMask === undefined || a === b) return a === b;
  const [left, right, mask] = [fromHex(a), fromHex(b), fromHex(unstableMask)];
  return left.every((byte, i) => ((byte ^ (right[i] ?? 0)) & ~(mask[i] ?? 0) & 0xff) === 0);
}

/** Takes the unstable bits from `live`, all others from `wanted`: what must be written so that a counter is not set back. */
export function withUnstableFrom(wanted: HexText, live: HexText, unstableMask?: HexText): HexText {
  if (unstableMask === undefined) return wanted;
  const [target, now, mask] = [fromHex(wanted), fromHex(live), fromHex(unstableMask)];
  return toHex(target.map((byte, i) => (byte & ~(mask[i] ?? 0)) | ((now[i] ?? 0) & (mask[i] ?? 0))));
}

export function sameRead(a: IdentRead, b: IdentRead, unstableMask?: HexText): boolean {
  if (a.kind === 'bytes' && b.kind === 'bytes') return sameExcept(a.hex, b.hex, unstableMask);
  return a.kind === b.kind && (a.kind !== 'refused' || b.kind !== 'refused' || a.nrc === b.nrc);
}

/** For messages and the journal: `62 hex`, `refused 31`, `silent`. */
export function describeRead(read: IdentRead): string {
  if (read.kind === 'bytes') return read.hex;
  return read.kind === 'refused' ? `refused ${read.nrc.toString(16).toUpperCase()}` : 'no answer';
}
