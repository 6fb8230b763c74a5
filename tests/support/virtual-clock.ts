import type { Clock } from '#base/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  fire(): void;
}

/**
 * Time that jumps. While `run` waits for its work, the clock lets everything that is ready happen (promises, streams,
 * message ports: several turns of Node's event loop without news), then jumps to the next timer. No real time passes.
 */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  #timers: Timer[] = [];
  readonly #wallStartMs: number;
  #wallOffsetMs = 0;
  /** Turns of the event loop without a new timer that count as "nothing left to do at this instant". */
  readonly #idleTurns: number;

  constructor(options: { readonly wallStartMs?: number; readonly idleTurns?: number } = {}) {
    this.#wallStartMs = options.wallStartMs ?? Date.UTC(2026, 10, 22, 10, 0, 0);
    this.#idleTurns = options.idleTurns ?? 3;
  }

  now(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallStartMs + this.#wallOffsetMs + Math.floor(this.#nowMs);
  }

  /** The time of day jumps (sleep of the computer, a wrong clock set right); monotonic time does not. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  get pendingTimers(): number {
    return this.#timers.length;
  }

  sleep(ms: number, options?: { readonly signal?: AbortSignal }): Promise<void> {
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const timer: Timer = {
        atMs: this.#nowMs + Math.max(0, ms),
        order: this.#order++,
        fire: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const onAbort = () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#timers.push(timer);
    });
  }

  /** Runs the work to its end. Fails when nothing is left that could end it (a dead wait), or past `limitMs`. */
  async run<T>(work: Promise<T> | (() => Promise<T>), limitMs = 24 * 3600 * 1000): Promise<T> {
    const state: { settled: boolean } = { settled: false };
    const running = (typeof work === 'function' ? work() : work).finally(() => {
      state.settled = true;
    });
    running.catch(() => undefined);
    const end = this.#nowMs + limitMs;
    while (!state.settled) {
      await this.#drain(() => state.settled);
      if (state.settled) break;
      if (!this.#fireNext()) {
        for (let i = 0; i < 20 && !state.settled && this.#timers.length === 0; i++) await macroTurn();
        if (!state.settled && this.#timers.length === 0)
          throw new Error(`virtual clock: nothing left to wait for at ${this.#nowMs} ms`);
      }
      if (this.#nowMs > end) throw new Error(`virtual clock: still running after ${limitMs} ms`);
    }
    return running;
  }

  /** Lets `ms` pass. */
  async advance(ms: number): Promise<void> {
    const until = this.#nowMs + ms;
    for (;;) {
      await this.#drain(() => false);
      const next = this.#peek();
      if (!next || next.atMs > until) break;
      this.#fireNext();
    }
    this.#nowMs = until;
    await this.#drain(() => false);
  }

  #peek(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers)
      if (!first || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order)) first = timer;
    return first;
  }

  #fireNext(): boolean {
    const first = this.#peek();
    if (!first) return false;
    this.#timers = this.#timers.filter((timer) => timer !== first);
    this.#nowMs = Math.max(this.#nowMs, first.atMs);
    first.fire();
    return true;
  }

  async #drain(done: () => boolean): Promise<void> {
    let quiet = 0;
    let seen = this.#order;
    while (quiet < this.#idleTurns && !done()) {
      await macroTurn();
      quiet = this.#order === seen ? quiet + 1 : 0;
      seen = this.#order;
    }
  }
}

/** One turn of the event loop: all microtasks, next-ticks and immediates that are ready have run. */
function macroTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
