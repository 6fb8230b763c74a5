const MAX_LENGTH = 200;

/**
 * Foreign text (of an ECU, a file, a device, a browser) inside a sentence: as it is, but one line, bounded, with control and
 * direction characters made visible or dropped, and isolated so that its direction cannot turn the sentence (I9, fault I08).
 * It is still only text: views put sentences into text nodes.
 */
export function plainText(text: string): string {
  const oneLine = [...text].map(visible).join('');
  const bounded = oneLine.length > MAX_LENGTH ? `${oneLine.slice(0, MAX_LENGTH)}…` : oneLine;
  return `\u2068${bounded}\u2069`;
}

/** C0 and C1 controls as their Unicode pictures, direction controls left out (Unicode TR 9, 2.1–2.4). */
function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  if (code >= 0x80 && code < 0xa0) return '\u2426';
  const turns = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return turns || code === 0x200e || code === 0x200f || code === 0x061c ? '' : character;
}
