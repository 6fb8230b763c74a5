import { type Clock, sleepUnlessAborted } from '#base/clock.ts';

export interface SessionKeeperParts {
  readonly clock: Clock;
  readonly everyMs: number;
  lastRequestMs(): number | null;
  /** Is there a session to keep? */
  wanted(): boolean;
  /** Sends 3E 80 between requests, never within one: it waits for its turn, and leaves the queue when the signal aborts. */
  send(signal: AbortSignal): Promise<void>;
  onLost(): void;
}

const FAILURES = 3;

/**
 * Tester present: while somebody holds it, sends 3E 80 whenever S3client has passed since the last request of any kind. Every
 * request counts as presence (reference: diagnostics A.2).
 */
export class SessionKeeper {
  readonly #parts: SessionKeeperParts;
  #holders = 0;
  #stop: AbortController | null = null;
  #ended = false;

  constructor(parts: SessionKeeperParts) {
    this.#parts = parts;
  }

  hold(): () => void {
    this.#holders++;
    if (this.#holders === 1 && !this.#ended) void this.#run();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holders--;
      if (this.#holders === 0) this.#pause();
    };
  }

  /** For good: the channel is closed. */
  end(): void {
    this.#ended = true;
    this.#pause();
  }

  #pause(): void {
    this.#stop?.abort();
    this.#stop = null;
  }

  async #run(): Promise<void> {
    const { clock, everyMs, lastRequestMs, wanted, send, onLost } = this.#parts;
    const stop = new AbortController();
    this.#stop = stop;
    let failures = 0;
    while (!stop.signal.aborted) {
      const dueMs = (lastRequestMs() ?? clock.now()) + everyMs;
      if (!(await sleepUnlessAborted(clock, Math.max(1, dueMs - clock.now()), stop.signal))) return;
      const isDue = clock.now() - (lastRequestMs() ?? clock.now()) >= everyMs;
      if (!isDue && lastRequestMs() !== null) continue;
      if (!wanted()) {
        if (!(await sleepUnlessAborted(clock, everyMs, stop.signal))) return;
        continue;
      }
      try {
        await send(stop.signal);
        failures = 0;
      } catch {
        if (stop.signal.aborted) return;
        // What failed shows at the next request as well; three in a row mean that the session is gone.
        failures++;
        if (failures === FAILURES) onLost();
        // Soon again: a whole S3client more, and the ECU would have left the session over one lost frame.
        if (!(await sleepUnlessAborted(clock, everyMs / 4, stop.signal))) return;
      }
    }
  }
}
