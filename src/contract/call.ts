import type { Clock } from '#base/clock.ts';
import { abortError, StackError } from '#contract/errors.ts';

/** Travels through every call that waits. `timeoutMs` bounds the whole call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/**
 * Bounds a wait: settles with the work, or rejects when the signal aborts or `timeoutMs` has passed.
 * The work gets a signal that ends it too.
 * @throws StackError `call/aborted`, `call/timeout` (or what `onTimeout` makes)
 */
export async function bounded<T>(
  clock: Clock,
  what: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
  onTimeout?: () => StackError,
): Promise<T> {
  if (signal?.aborted) throw abortError(signal, what);
  const ended = new AbortController();
  const stop = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
  const limit = clock.sleep(timeoutMs, { signal: stop }).then(
    () => {
      throw onTimeout?.() ?? new StackError('call/timeout', `${what}: nothing in ${timeoutMs} ms`, { what, timeoutMs });
    },
    () => {
      throw abortError(signal ?? stop, what);
    },
  );
  limit.catch(() => undefined); // the losing side of the race is nobody's error
  try {
    return await Promise.race([work(stop), limit]);
  } finally {
    ended.abort();
  }
}
