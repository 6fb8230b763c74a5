/** `>` of every interpreter; `DATA>` of an STN that waits for the bytes of a long message (reference: adapters B.4). */
export type Prompt = '>' | 'DATA>';

/** Callbacks in the order of the bytes, synchronously. They must not throw. */
export interface LineEvents {
  /** A line with at least one character that is no space; its end is not part of it. Latin-1, at most MAX_LINE_CHARS. */
  line(text: string): void;
  prompt(prompt: Prompt): void;
  /** A line that was too long or of which bytes were lost. Nothing of it is used. */
  malformed(lengthBytes: number): void;
}

/** A message of 4095 bytes as one line with spaces and a 29-bit header has some 12 300 characters. */
export const MAX_LINE_CHARS = 16_384;

const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;
const GREATER = 0x3e;

/**
 * Bytes to lines and prompts. Any split of the input gives the same calls (fault S11). NULs vanish (A.1), CR, LF and both
 * together end a line, empty lines vanish, a prompt ends the line before it.
 */
export class LineReader {
  readonly #events: LineEvents;
  readonly #codes: number[] = [];
  #skipping = false;
  #skippedBytes = 0;

  constructor(events: LineEvents) {
    this.#events = events;
  }

  /** Forgets a half-read line. */
  reset(): void {
    this.#codes.length = 0;
    this.#skipping = false;
    this.#skippedBytes = 0;
  }

  /** Bytes were lost (faults S08, S09): nothing up to the next line end is used. A prompt still counts. */
  bytesLost(): void {
    this.#skippedBytes += this.#codes.length;
    this.#codes.length = 0;
    this.#skipping = true;
  }

  push(chunk: Uint8Array): void {
    for (const byte of chunk) {
      if (byte === NUL) continue;
      if (byte === CR || byte === LF) this.#endLine();
      else if (byte === GREATER) this.#prompt();
      else if (this.#skipping) this.#skippedBytes++;
      else this.#keep(byte);
    }
  }

  #keep(byte: number): void {
    this.#codes.push(byte);
    if (this.#codes.length > MAX_LINE_CHARS) this.bytesLost();
  }

  #prompt(): void {
    const asksForData = !this.#skipping && this.#text().trim() === 'DATA';
    if (asksForData) this.reset();
    else this.#endLine();
    this.#events.prompt(asksForData ? 'DATA>' : '>');
  }

  #endLine(): void {
    const skipped = this.#skipping ? this.#skippedBytes : 0;
    const text = this.#skipping ? '' : this.#text();
    this.reset();
    if (skipped > 0) this.#events.malformed(skipped);
    else if (text.trim() !== '') this.#events.line(text);
  }

  #text(): string {
    let text = '';
    for (const code of this.#codes) text += String.fromCharCode(code);
    return text;
  }
}
