/** Waits before a repeat that the ECU asked for, by NRC; null = enough (reference: diagnostics A.5). */
export class RetryBudget {
  readonly #startMs: number;
  #busy = 0;
  #unavailable = 0;
  #subnet = 0;
  #general = 0;

  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  /** For reads. */
  forRead(nrc: number, nowMs: number): number | null {
    if (nrc === 0x10) return this.#general++ === 0 ? 500 : null;
    if (nrc === 0x25) return this.#subnet++ < 2 ? 200 : null;
    if (nrc === 0x94) return this.#unavailable++ < 5 ? 1000 : null;
    return this.forEffect(nrc, nowMs);
  }

  /** For requests with an effect: only 21 proves that the ECU did not execute (37 belongs to `unlock`). */
  forEffect(nrc: number, nowMs: number): number | null {
    if (nrc !== 0x21) return null;
    if (this.#busy >= 10 || nowMs - this.#startMs > 10_000) return null;
    return Math.min(2000, 200 * 1.5 ** this.#busy++);
  }
}
