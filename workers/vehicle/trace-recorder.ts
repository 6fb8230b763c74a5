import type { Clock } from '#base/clock.ts';
import { formatTraceLine, type TraceLine, type TraceSink } from '#contract/trace.ts';

/** Text held until it is stored or shown; beyond this the oldest part is dropped and said so. */
const MAX_PENDING_CHARS = 512 * 1024;

/**
 * Turns what passes on the wire into trace text. Lines are collected and handed on in pieces by whoever asks (the page's
 * batch, the store): never a message per frame.
 */
export class TraceRecorder implements TraceSink {
  readonly #clock: Clock;
  readonly #startMs: number;
  #pending: string[] = [];
  #pendingChars = 0;
  #dropped = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startMs = clock.now();
  }

  record(line: TraceLine): void {
    const text = formatTraceLine(
      line.kind === 'comment' ? line : { ...line, atMs: Math.max(0, line.atMs - this.#startMs) },
    );
    this.#pending.push(text);
    this.#pendingChars += text.length + 1;
    while (this.#pendingChars > MAX_PENDING_CHARS) {
      this.#pendingChars -= (this.#pending.shift()?.length ?? 0) + 1;
      this.#dropped++;
    }
  }

  comment(text: string): void {
    this.record({ kind: 'comment', text: `${text} (at ${Math.round(this.#clock.now() - this.#startMs)} ms)` });
  }

  /** Everything since the last call, as text with a line end after each line. */
  take(): string {
    if (this.#pending.length === 0) return '';
    const lost = this.#dropped > 0 ? [`# ${this.#dropped} lines were dropped here`] : [];
    const text = `${[...lost, ...this.#pending].join('\n')}\n`;
    this.#pending = [];
    this.#pendingChars = 0;
    this.#dropped = 0;
    return text;
  }
}
