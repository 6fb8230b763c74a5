import { type Clock, sleepUnlessAborted } from '#base/clock.ts';
import { Mutex } from '#base/mutex.ts';
import type { CallOptions } from '#contract/call.ts';
import { abortError, StackError } from '#contract/errors.ts';

/** One request at a time; whoever still waits for its turn can leave the queue. */
export class Turns {
  readonly #mutex = new Mutex();

  /** @throws StackError `call/aborted` (or the signal's own) while the turn has not come; then what the work throws */
  take<T>(what: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    let begun = false;
    const turn = this.#mutex.run(() => {
      if (signal?.aborted) throw abortError(signal, what);
      begun = true;
      return work();
    });
    if (!signal) return turn;
    return new Promise((resolve, reject) => {
      const leave = () => {
        if (!begun) reject(abortError(signal, what));
      };
      if (signal.aborted) leave();
      signal.addEventListener('abort', leave, { once: true });
      void turn.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
    });
  }
}

/** `clock.sleep` whose cancellation is an error of the stack. @throws StackError `call/aborted` (or the signal's own) */
export async function pause(clock: Clock, ms: number, signal: AbortSignal | undefined, what: string): Promise<void> {
  if (!signal) return clock.sleep(ms);
  if (!(await sleepUnlessAborted(clock, ms, signal))) throw abortError(signal, what);
}

/** Bounds what comes before the first byte of a request with an effect; `end` takes the bound away for good. */
export interface StartLimit {
  readonly signal: AbortSignal;
  end(): void;
}

/** The signal aborts with `options.signal`, and with `call/timeout` when `timeoutMs` pass before `end`. */
export function startLimit(clock: Clock, what: string, options: CallOptions): StartLimit {
  const { signal, timeoutMs } = options;
  const late = new AbortController();
  const ended = new AbortController();
  if (timeoutMs !== undefined)
    void sleepUnlessAborted(clock, timeoutMs, ended.signal).then((passed) => {
      if (passed)
        late.abort(new StackError('call/timeout', `${what}: not begun in ${timeoutMs} ms`, { what, timeoutMs }));
    });
  return {
    signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
    end: () => ended.abort(),
  };
}
