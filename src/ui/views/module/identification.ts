import { fromHex, toHexSpaced } from '#base/hex.ts';

/** An identifier as people read it: text without padding, else its bytes. What is no text in a text field stays hex. */
export function identificationText(hex: string, format: 'ascii' | 'hex' | 'bcd'): string {
  const bytes = fromHex(hex);
  if (format === 'bcd') return (hex.match(/../g) ?? []).join('-');
  if (format === 'hex') return toHexSpaced(bytes);
  const end = bytes.findLastIndex((byte) => byte !== 0x00 && byte !== 0x20 && byte !== 0xff) + 1;
  const text = bytes.subarray(0, end);
  const isText = text.length > 0 && text.every((byte) => byte >= 0x20 && byte < 0x7f);
  return isText ? String.fromCharCode(...text) : toHexSpaced(bytes);
}
