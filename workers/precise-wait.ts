import type { PreciseWait } from '#link/isotp/index.ts';
import { systemClock } from './system-clock.ts';

/** `Atomics.wait` wakes late by some tenths of a millisecond: this much of a wait is spent in a loop. */
const SPIN_MS = 0.4;

/**
 * Waits of at most 2 ms where the page is cross-origin isolated: the worker's thread really stops, to within a few
 * microseconds (reference: performance 5.1). What has already arrived is let through first, so a message with many gaps
 * cannot keep the reads out.
 * @throws ReferenceError where there is no SharedArrayBuffer: not isolated
 */
export function preciseWaitIsolated(): PreciseWait {
  const clock = systemClock();
  const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));
  return async (ms, { signal }) => {
    const endMs = clock.now() + ms;
    await clock.sleep(0, { signal });
    const stopMs = endMs - SPIN_MS - clock.now();
    if (stopMs > 0) Atomics.wait(nobodyWakes, 0, 0, stopMs);
    while (clock.now() < endMs) {
      // nothing to do but to look at the clock
    }
  };
}

/**
 * The same without isolation: turns of the message queue until the time has come. They have no clamp, as nested timers
 * have (4 ms), and everything else that arrives gets its turn in between.
 */
export function preciseWaitPlain(): PreciseWait {
  const clock = systemClock();
  return (ms, { signal }) => clock.sleep(ms, { signal });
}
