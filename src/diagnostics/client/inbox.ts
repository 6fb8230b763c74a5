import { type Clock, sleepUnlessAborted } from '#base/clock.ts';
import { abortError } from '#contract/errors.ts';
import type { ChannelEvent, DiagChannel } from '#contract/isotp.ts';

/**
 * Events of a channel for the one request under way. What comes while nobody waits is handed to `onStray` at once: it can
 * never be mistaken for the answer to a later request.
 */
export class Inbox {
  readonly #clock: Clock;
  #open = false;
  #events: ChannelEvent[] = [];
  #wake: (() => void) | null = null;
  readonly #onStray: (event: ChannelEvent) => void;

  constructor(channel: DiagChannel, clock: Clock, onStray: (event: ChannelEvent) => void) {
    this.#clock = clock;
    this.#onStray = onStray;
    channel.onEvent((event) => this.#receive(event));
  }

  /** From here on events belong to the request that is about to be sent. */
  begin(): void {
    this.#events = [];
    this.#open = true;
  }

  end(): void {
    this.#open = false;
    for (const event of this.#events.splice(0)) this.#onStray(event);
  }

  /** The next event, or null when `ms` pass without one. @throws the signal's reason */
  async next(ms: number, signal: AbortSignal | undefined): Promise<ChannelEvent | null> {
    const ready = this.#events.shift();
    if (ready) return ready;
    if (signal?.aborted) throw abortError(signal, 'waiting for an answer');
    const done = new AbortController();
    const arrived = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const stop = signal ? AbortSignal.any([signal, done.signal]) : done.signal;
    const slept = sleepUnlessAborted(this.#clock, ms, stop);
    await Promise.race([arrived, slept]);
    this.#wake = null;
    done.abort();
    if (signal?.aborted) throw abortError(signal, 'waiting for an answer');
    return this.#events.shift() ?? null;
  }

  #receive(event: ChannelEvent): void {
    if (!this.#open) {
      this.#onStray(event);
      return;
    }
    this.#events.push(event);
    this.#wake?.();
  }
}
