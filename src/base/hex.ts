/** Upper-case hex without separators: `[0x22, 0xF1]` → `22F1`. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** Upper-case hex for people, a space between bytes: `22 F1 90`. */
export function toHexSpaced(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => HEX[byte]).join(' ');
}

/**
 * Parses hex digits; spaces between bytes are allowed, everything else is refused.
 * @throws RangeError naming the position of the first bad character or the odd digit count.
 */
export function fromHex(text: string): Uint8Array {
  const digits: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x20) {
      if (digits.length % 2 !== 0) throw new RangeError(`hex: a space splits a byte at position ${at}`);
      continue;
    }
    const digit = hexDigit(code);
    if (digit < 0) throw new RangeError(`hex: not a hex digit at position ${at}`);
    digits.push(digit);
  }
  if (digits.length % 2 !== 0) throw new RangeError(`hex: ${digits.length} digits do not make whole bytes`);
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = ((digits[2 * i] ?? 0) << 4) | (digits[2 * i + 1] ?? 0);
  return bytes;
}

/** A number as hex with a fixed count of digits: `hexNumber(0x7E0, 3)` → `7E0`. */
export function hexNumber(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}

/** The value of one ASCII hex digit, −1 for anything else. */
export function hexDigit(charCode: number): number {
  if (charCode >= 0x30 && charCode <= 0x39) return charCode - 0x30;
  if (charCode >= 0x41 && charCode <= 0x46) return charCode - 0x37;
  if (charCode >= 0x61 && charCode <= 0x66) return charCode - 0x57;
  return -1;
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).toUpperCase().padStart(2, '0'),
);
