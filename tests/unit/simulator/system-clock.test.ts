import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../workers/system-clock.ts';

describe('system clock', () => {
  it('never wakes early, and waits 0.3, 1.5 and 6 ms in that order', async () => {
    const clock = systemClock();
    const order: number[] = [];
    const start = clock.now();
    await Promise.all(
      [6, 1.5, 0.3].map(async (ms) => {
        await clock.sleep(ms);
        // A plain timer counts whole milliseconds from its event-loop turn.
        expect(clock.now() - start).toBeGreaterThan(ms - 1);
        order.push(ms);
      }),
    );
    expect(order).toEqual([0.3, 1.5, 6]);
  });

  it('ends a wait with the reason of the signal, before and during it', async () => {
    for (const options of [{}, { coarse: true }]) {
      const clock = systemClock(options);
      const stop = new AbortController();
      const waits = [0.5, 2, 50].map((ms) => clock.sleep(ms, { signal: stop.signal }));
      stop.abort(new Error('enough'));
      for (const wait of waits) await expect(wait).rejects.toThrow('enough');
      await expect(clock.sleep(1, { signal: stop.signal })).rejects.toThrow('enough');
      await clock.sleep(1);
    }
  });

  it('short waits are exact when not coarse: 40 waits of 0.5 ms need no 40 timers of 1 ms', async () => {
    const clock = systemClock();
    const waits: number[] = [];
    for (let i = 0; i < 40; i++) {
      const start = clock.now();
      await clock.sleep(0.5);
      waits.push(clock.now() - start);
    }
    waits.sort((a, b) => a - b);
    expect(waits[0]).toBeGreaterThanOrEqual(0.5);
    expect(waits[10]).toBeLessThan(0.9);
  });
});
