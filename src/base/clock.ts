/**
 * The only source of time below the page. `now()` is monotonic milliseconds with a fraction, from an arbitrary start;
 * `wallMs()` is the time of day (ms since 1970), for display only: order comes from sequence numbers (fault D05).
 */
export interface Clock {
  now(): number;
  wallMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, options?: { readonly signal?: AbortSignal }): Promise<void>;
}

/** `sleep` that ends quietly when aborted: true = slept, false = aborted. */
export async function sleepUnlessAborted(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  try {
    await clock.sleep(ms, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
