import { parseLine } from '#adapters/drivers/interpreter/lines.ts';
import { fromHex } from '#base/hex.ts';

/**
 * Answers of a chip that knows no headers (H0, CAF1), one message per line, or in numbered lines behind a line with the
 * length (reference: adapters A.6). A message with a line missing is left out: this form shows no more than that.
 *
 *     014
 *     0: 49 02 01 31 47 31
 *     1: 4A 43 35 34 34 34 52
 *     2: 37 32 35 32 33 36 37
 */
export function readFormatted(lines: readonly string[]): Uint8Array[] {
  const messages: Uint8Array[] = [];
  let long: { readonly length: number; readonly bytes: number[]; next: number } | null = null;
  for (const line of lines) {
    const { text, statuses } = parseLine(line);
    const damaged = statuses.some(({ name }) => name === 'damaged-line');
    const numbered = /^([0-9A-F]): ?([0-9A-F ]+)$/i.exec(text);
    if (/^[0-9A-F]{3}$/i.test(text)) {
      long = { length: Number.parseInt(text, 16), bytes: [], next: 0 };
    } else if (numbered && long) {
      const bytes = damaged || Number.parseInt(numbered[1] ?? '', 16) !== long.next ? null : bytesOf(numbered[2] ?? '');
      if (bytes === null) {
        long = null;
        continue;
      }
      long.bytes.push(...bytes);
      long.next = (long.next + 1) % 16;
      if (long.bytes.length < long.length) continue;
      messages.push(Uint8Array.from(long.bytes.slice(0, long.length)));
      long = null;
    } else if (text !== '' && !damaged && !numbered) {
      const bytes = bytesOf(text);
      if (bytes !== null && bytes.length > 0) messages.push(bytes);
    }
  }
  return messages;
}

function bytesOf(text: string): Uint8Array | null {
  const digits = text.replace(/ /g, '');
  return digits.length % 2 === 0 && /^[0-9A-F]*$/i.test(digits) ? fromHex(digits) : null;
}
