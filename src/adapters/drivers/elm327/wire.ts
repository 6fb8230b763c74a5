import { fromHex, hexNumber, toHex } from '#base/hex.ts';
import type { CanFrame } from '#contract/adapter.ts';

/** Data bytes of a classic CAN frame. */
const FRAME_BYTES = 8;
const LARGEST_STANDARD_ID = 0x7ff;
const LARGEST_EXTENDED_ID = 0x1fff_ffff;

/**
 * A line that the chip prints with H1: 3 or 8 digits of the id, then the data, spaces or not (reference: adapters A.6).
 * An odd count of digits is an 11-bit frame, an even one a 29-bit frame. null when it is no frame, e.g. half of one.
 *
 *     7E8101462F190574241          18DAF110037F2231AAAAAAAA
 */
export function parseFrame(text: string): CanFrame | null {
  const digits = text.replace(/ /g, '');
  if (!/^[0-9A-Fa-f]+$/.test(digits)) return null;
  const extended = digits.length % 2 === 0;
  const idDigits = extended ? 8 : 3;
  const bytes = (digits.length - idDigits) / 2;
  if (bytes < 0 || bytes > FRAME_BYTES) return null;
  const id = Number.parseInt(digits.slice(0, idDigits), 16);
  if (id > allBits(extended)) return null;
  return { id, extended, data: fromHex(digits.slice(idDigits)) };
}

/** What to send for a frame: its data with CAF0, without the PCI of a single frame with CAF1 (A.4). */
export function requestText(frame: CanFrame, rawFrames: boolean): string {
  if (rawFrames) return toHex(frame.data);
  const lengthBytes = (frame.data[0] ?? 0) & 0x0f;
  return toHex(frame.data.subarray(1, 1 + lengthBytes));
}

/** Which ids pass: those that agree with `id` wherever `mask` has a bit. */
export interface IdFilter {
  readonly id: number;
  readonly mask: number;
  readonly extended: boolean;
}

/** The narrowest filter that lets all these ids pass. */
export function filterFor(ids: readonly number[], extended: boolean): IdFilter {
  const all = allBits(extended);
  const first = ids[0] ?? 0;
  const mask = ids.reduce((kept, id) => kept & ~(id ^ first), all) & all;
  return { id: first & mask, mask, extended };
}

/** The narrowest filter for every id from `from` to `to`. */
export function filterForRange(from: number, to: number, extended: boolean): IdFilter {
  const all = allBits(extended);
  let mask = all;
  while ((from & mask) !== (to & mask)) mask = (mask << 1) & all;
  return { id: from & mask, mask, extended };
}

export function isExact({ mask, extended }: IdFilter): boolean {
  return mask === allBits(extended);
}

export function joinFilters(a: IdFilter, b: IdFilter): IdFilter {
  const mask = a.mask & b.mask & ~(a.id ^ b.id) & allBits(a.extended);
  return { id: a.id & mask, mask, extended: a.extended };
}

export function idText(id: number, extended: boolean): string {
  return hexNumber(id, extended ? 8 : 3);
}

function allBits(extended: boolean): number {
  return extended ? LARGEST_EXTENDED_ID : LARGEST_STANDARD_ID;
}
