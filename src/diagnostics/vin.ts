/** Vehicle identification numbers (ISO 3779; check digit 49 CFR 565; reference: diagnostics B.3). */

const SHAPE = /^[A-HJ-NPR-Z0-9]{17}$/;
const WEIGHTS = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2] as const;
const LETTERS: Readonly<Record<string, number>> = {
  A: 1,
  B: 2,
  C: 3,
  D: 4,
  E: 5,
  F: 6,
  G: 7,
  H: 8,
  J: 1,
  K: 2,
  L: 3,
  M: 4,
  N: 5,
  P: 7,
  R: 9,
  S: 2,
  T: 3,
  U: 4,
  V: 5,
  W: 6,
  X: 7,
  Y: 8,
  Z: 9,
};

/** 17 characters, capital letters and digits without I, O and Q. Says nothing about the check digit. */
export function isVin(text: string): boolean {
  return SHAPE.test(text);
}

export interface VinCheckDigit {
  /** What position 9 should hold: a digit or `X`. */
  readonly expected: string;
  readonly matches: boolean;
  /** Only North America (1–5) and China (L) make the digit mandatory; elsewhere a difference means nothing. */
  readonly mandatory: boolean;
}

/** @throws RangeError when the text has not the shape of a VIN */
export function vinCheckDigit(text: string): VinCheckDigit {
  if (!isVin(text)) throw new RangeError('not a VIN: 17 of A–Z and 0–9 without I, O, Q');
  let sum = 0;
  for (const [i, weight] of WEIGHTS.entries()) {
    const character = text.charAt(i);
    sum += weight * (LETTERS[character] ?? Number(character));
  }
  const rest = sum % 11;
  const expected = rest === 10 ? 'X' : String(rest);
  return { expected, matches: text.charAt(8) === expected, mandatory: /^[1-5L]/.test(text) };
}

/** A module that was never given a VIN: 17 equal bytes 00, FF, `-`, space or `0`, or no bytes at all. */
export function isBlankVin(bytes: Uint8Array): boolean {
  const [first] = bytes;
  if (first === undefined) return true;
  return [0x00, 0xff, 0x2d, 0x20, 0x30].includes(first) && bytes.every((byte) => byte === first);
}
