import type { LineErrorListener, LineErrors } from '#contract/transport.ts';

/** So many soft errors within the window end the transport: baud rate or cable (fault S08). */
export const SOFT_ERROR_LIMIT = 3;
export const SOFT_ERROR_WINDOW_MS = 1000;

/** Counts soft errors of a line and tells who has to resynchronise. */
export class LineErrorCounter {
  readonly counts: { -readonly [name in keyof LineErrors]: number } = {
    breaks: 0,
    framing: 0,
    parity: 0,
    overruns: 0,
    unknown: 0,
  };
  readonly #listeners = new Set<LineErrorListener>();
  #recentMs: number[] = [];
  #forgiving = false;

  subscribe(listener: LineErrorListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  forgive(on: boolean): void {
    this.#forgiving = on;
    this.#recentMs = [];
  }

  /** True while the line may go on, false when this one was the third within a second. */
  count(name: keyof LineErrors, atMs: number): boolean {
    this.counts[name]++;
    if (!this.#forgiving) this.#recentMs = [...this.#recentMs.filter((ms) => atMs - ms < SOFT_ERROR_WINDOW_MS), atMs];
    for (const listener of this.#listeners) listener(name, atMs);
    return this.#recentMs.length < SOFT_ERROR_LIMIT;
  }
}
