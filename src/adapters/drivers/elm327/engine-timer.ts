import { type Clock, sleepUnlessAborted } from '#base/clock.ts';
import type { IsoTpEngine } from '#link/isotp/machine.ts';

/** A time-out noticed this late means that we were not listening; what arrived meanwhile goes first. */
const LATE_WAKE_MS = 20;

/** The time-outs of a channel's machines: one sleep to the earliest, then look again. */
export class EngineTimer {
  readonly #clock: Clock;
  readonly #engines: () => readonly IsoTpEngine[];
  readonly #ticked: () => void;
  #wake: AbortController | null = null;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #stopped = false;

  /** `ticked` is called after each look at the machines. */
  constructor(clock: Clock, engines: () => readonly IsoTpEngine[], ticked: () => void) {
    this.#clock = clock;
    this.#engines = engines;
    this.#ticked = ticked;
  }

  /** After each input to a machine. A wake-up is only replaced by an earlier one: most are put off meanwhile. */
  look(): void {
    const atMs = Math.min(...this.#engines().map((engine) => engine.timeoutAtMs));
    if (atMs >= this.#wakeAtMs || this.#stopped) return;
    this.#wake?.abort();
    const wake = new AbortController();
    this.#wake = wake;
    this.#wakeAtMs = atMs;
    void this.#sleepAndTick(wake.signal);
  }

  stop(): void {
    this.#stopped = true;
    this.#wake?.abort();
  }

  async #sleepAndTick(signal: AbortSignal): Promise<void> {
    if (!(await sleepUnlessAborted(this.#clock, this.#wakeAtMs - this.#clock.now(), signal))) return;
    const lateMs = this.#clock.now() - this.#wakeAtMs;
    if (lateMs > LATE_WAKE_MS && !(await sleepUnlessAborted(this.#clock, LATE_WAKE_MS, signal))) return;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    for (const engine of this.#engines()) engine.tick(this.#clock.now());
    this.#ticked();
    this.look();
  }
}
