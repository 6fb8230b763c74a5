/** The lines of a trace by index, without an array of strings: only where each line begins is kept. */
export class TraceLines {
  readonly #text: string;
  readonly #starts: Uint32Array;
  readonly count: number;

  constructor(text: string) {
    let lines = 0;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
    const hasRest = text.length > 0 && !text.endsWith('\n');
    this.count = lines + (hasRest ? 1 : 0);
    this.#starts = new Uint32Array(this.count);
    for (let line = 1, at = 0; line < this.count; line++) {
      at = text.indexOf('\n', at) + 1;
      this.#starts[line] = at;
    }
    this.#text = text;
  }

  /** Empty outside the trace. */
  line(index: number): string {
    const start = this.#starts[index];
    if (start === undefined) return '';
    const end = this.#text.indexOf('\n', start);
    return this.#text.slice(start, end < 0 ? undefined : end);
  }
}
