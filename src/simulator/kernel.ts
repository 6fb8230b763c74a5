import type { Clock } from '#base/clock.ts';

export interface KernelOptions {
  /**
   * Events run in batches at multiples of this (ms); each still has its own exact time. Nothing crosses a USB line
   * more finely than its 1 ms frame, so nobody outside can tell. 0 = one wake per event time. Default 1.
   */
  readonly quantumMs?: number;
  /** A host whose timers burn a core below this (ms) sleeps at least so long and catches up. Default 0. */
  readonly minSleepMs?: number;
  /** An event failed: the car stops. */
  readonly onError?: (error: unknown) => void;
}

interface Entry {
  readonly atMs: number;
  readonly order: number;
  run: (() => void | Promise<void>) | undefined;
}

/** Two times that differ by rounding only. */
const SAME_MS = 1e-6;

/**
 * The time line of the virtual car: events in order of their exact time, driven by one `Clock.sleep` per batch.
 * While an event's promise is open (a commit to the database), the car's time stands still; afterwards it catches up.
 */
export class Kernel {
  readonly #clock: Clock;
  readonly #quantumMs: number;
  readonly #minSleepMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #heap: Entry[] = [];
  #order = 0;
  #nowMs: number;
  #pumping = false;
  #running = false;
  #closed = false;
  #sleepUntilMs = Number.NEGATIVE_INFINITY;
  #wake: AbortController | undefined;

  constructor(clock: Clock, options: KernelOptions = {}) {
    this.#clock = clock;
    this.#quantumMs = options.quantumMs ?? 1;
    this.#minSleepMs = options.minSleepMs ?? 0;
    this.#onError =
      options.onError ??
      ((error) => {
        throw error;
      });
    this.#nowMs = clock.now();
  }

  /** Inside an event its own time, outside the clock's. */
  get nowMs(): number {
    return this.#running ? this.#nowMs : Math.max(this.#nowMs, this.#clock.now());
  }

  /** The clock's time: when something from outside arrives. Never earlier than what already happened in the car. */
  get arrivalMs(): number {
    return Math.max(this.#nowMs, this.#clock.now());
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Runs `run` at `atMs` (not before now); returns how to call it off. Same time: in the order of the calls. */
  at(atMs: number, run: () => void | Promise<void>): () => void {
    const entry: Entry = { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, run };
    if (this.#closed) return () => undefined;
    this.#push(entry);
    if (!this.#pumping) {
      this.#pumping = true;
      void this.#pump();
    } else if (this.#wake && this.#wakeTime(entry.atMs) < this.#sleepUntilMs - SAME_MS) {
      this.#wake.abort();
    }
    return () => {
      entry.run = undefined;
    };
  }

  after(delayMs: number, run: () => void | Promise<void>): () => void {
    return this.at(this.nowMs + delayMs, run);
  }

  /** No event runs any more. */
  close(): void {
    this.#closed = true;
    this.#heap.length = 0;
    this.#wake?.abort();
  }

  async #pump(): Promise<void> {
    await Promise.resolve(); // whoever schedules goes on first
    try {
      while (!this.#closed) {
        const next = this.#heap[0];
        if (!next) break;
        if (!next.run) {
          this.#pop();
          continue;
        }
        const dueMs = this.#wakeTime(next.atMs) - this.#clock.now();
        if (dueMs > SAME_MS) await this.#sleep(dueMs);
        else await this.#runDue();
      }
    } catch (error) {
      this.close();
      this.#onError(error);
    } finally {
      this.#pumping = false;
    }
  }

  async #sleep(dueMs: number): Promise<void> {
    const ms = Math.max(dueMs, this.#minSleepMs);
    const wake = new AbortController();
    this.#wake = wake;
    this.#sleepUntilMs = this.#clock.now() + ms;
    try {
      await this.#clock.sleep(ms, { signal: wake.signal });
    } catch (error) {
      if (!wake.signal.aborted) throw error; // an earlier event came in: look again
    } finally {
      this.#wake = undefined;
    }
  }

  /** Everything that is due now, without giving the thread away unless an event waits for the database. */
  async #runDue(): Promise<void> {
    const untilMs = this.#clock.now() + SAME_MS;
    for (let next = this.#heap[0]; next && next.atMs <= untilMs && !this.#closed; next = this.#heap[0]) {
      this.#pop();
      const { run } = next;
      if (!run) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.#running = true;
      try {
        const work = run();
        if (work) await work;
      } finally {
        this.#running = false;
      }
    }
  }

  #wakeTime(atMs: number): number {
    return this.#quantumMs > 0 ? Math.ceil((atMs - SAME_MS) / this.#quantumMs) * this.#quantumMs : atMs;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (!parent || !before(entry, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      let child = heap[left];
      if (!child) break;
      let index = left;
      const right = heap[left + 1];
      if (right && before(right, child)) {
        child = right;
        index = left + 1;
      }
      if (!before(child, last)) break;
      heap[at] = child;
      at = index;
    }
    heap[at] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
