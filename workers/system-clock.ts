import type { Clock } from '#base/clock.ts';

/** From here on a timer's own delay (about 1 ms) does not matter. */
const TIMER_MS = 4;
/** A timer may fire up to this much late: the rest is waited for in turns of the message queue. */
const TIMER_LATE_MS = 1.2;

/** In Node an open port keeps the process alive; browsers have neither method. */
interface Referenced {
  ref?(): void;
  unref?(): void;
}

/**
 * Turns of the worker's event loop without the clamp that nested timers have: browsers stretch the fifth nested
 * `setTimeout` to 4 ms, but not one that a message event starts.
 */
class MessageTurns {
  readonly #channel = new MessageChannel();
  readonly #waiting: (() => void)[] = [];

  constructor() {
    this.#channel.port1.onmessage = () => {
      const run = this.#waiting.shift();
      if (this.#waiting.length === 0) (this.#channel.port1 as Referenced).unref?.();
      run?.();
    };
    (this.#channel.port1 as Referenced).unref?.();
  }

  next(run: () => void): void {
    (this.#channel.port1 as Referenced).ref?.();
    this.#waiting.push(run);
    this.#channel.port2.postMessage(0);
  }
}

/**
 * Real time. Waits of 4 ms and more are plain timers; shorter ones are exact to some tens of microseconds, because
 * the last millisecond is spent in turns of the message queue (which lets every other message through). `coarse` does
 * without that: short waits end up to a millisecond late and cost nothing.
 */
export function systemClock(options: { readonly coarse?: boolean } = {}): Clock {
  const { coarse = false } = options;
  const turns = new MessageTurns();
  const now = () => performance.now();

  function sleep(ms: number, wait?: { readonly signal?: AbortSignal }): Promise<void> {
    const signal = wait?.signal;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const endMs = now() + ms;
    return new Promise((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      let isOver = false;
      const onAbort = () => {
        isOver = true;
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const end = () => {
        isOver = true;
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const turn = () => {
        if (isOver) return;
        const leftMs = endMs - now();
        if (leftMs <= 0) end();
        else if (coarse) timer = setTimeout(end, Math.max(1, Math.floor(leftMs)));
        else if (leftMs >= 1 + TIMER_LATE_MS) {
          timer = setTimeout(() => turns.next(turn), Math.floor(leftMs - TIMER_LATE_MS));
        } else turns.next(turn);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      if (ms >= TIMER_MS) timer = setTimeout(end, ms);
      else if (ms <= 0) turns.next(end);
      else turns.next(turn);
    });
  }

  return { now, wallMs: () => Date.now(), sleep };
}
