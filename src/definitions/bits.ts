import type { Parameter } from '#contract/definition.ts';

export type Position = Parameter['position'];

/** One bit of a block: byte from 0, bit 0 = least significant. */
export interface BitPlace {
  readonly byte: number;
  readonly bit: number;
}

/** Bytes that a position touches, from `position.byte` on. */
export function byteSpan({ bit, lengthBits }: Position): number {
  return Math.ceil((bit + lengthBits) / 8);
}

/**
 * Where the bits of a parameter are, least significant first.
 *
 *     big, byte 2, bit 4, 8 bits:     byte 2  ....7654   byte 3  3210....
 *     little, byte 2, bit 4, 8 bits:  byte 2  3210....   byte 3  ....7654
 */
export function bitPlaces(position: Position): readonly BitPlace[] {
  const last = byteSpan(position) - 1;
  return Array.from({ length: position.lengthBits }, (_, i) => {
    const at = position.bit + i;
    const step = Math.floor(at / 8);
    return { byte: position.byte + (position.endian === 'little' ? step : last - step), bit: at % 8 };
  });
}

/** Unsigned number of up to 32 bits. @throws RangeError when the position lies outside the bytes */
export function readBits(bytes: Uint8Array, position: Position): number {
  return bitPlaces(position).reduce(
    (value, { byte, bit }, i) => value + ((byteAt(bytes, byte) >> bit) & 1) * 2 ** i,
    0,
  );
}

/** A copy in which only the bits of the position differ. @throws RangeError outside the bytes, or when the value does not fit */
export function writeBits(bytes: Uint8Array, position: Position, value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** position.lengthBits)
    throw new RangeError(`${value} does not fit ${position.lengthBits} bits`);
  const copy = bytes.slice();
  bitPlaces(position).forEach(({ byte, bit }, i) => {
    const isSet = Math.floor(value / 2 ** i) % 2 === 1;
    copy[byte] = setBit(byteAt(copy, byte), bit, isSet);
  });
  return copy;
}

/** Do both hold the same bits at this position? */
export function sameBits(a: Uint8Array, b: Uint8Array, position: Position): boolean {
  return bitPlaces(position).every(({ byte, bit }) => (((byteAt(a, byte) ^ byteAt(b, byte)) >> bit) & 1) === 0);
}

/** Bits set to 1 where any of the positions lies. */
export function maskOf(lengthBytes: number, positions: readonly Position[]): Uint8Array {
  const mask = new Uint8Array(lengthBytes);
  for (const position of positions)
    for (const { byte, bit } of bitPlaces(position))
      if (byte < lengthBytes) mask[byte] = setBit(mask[byte] ?? 0, bit, true);
  return mask;
}

function setBit(byte: number, bit: number, isSet: boolean): number {
  return isSet ? byte | (1 << bit) : byte & ~(1 << bit);
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new RangeError(`byte ${at} of ${bytes.length}`);
  return byte;
}
