import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Kernel } from '#simulator/kernel.ts';
import { parseControl } from '#simulator/parse-control.ts';
import { plugIn } from '../../conformance/simulator-suite.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { onBench } from './tester.ts';

describe('whatever comes in', () => {
  it('an ECU still answers 7E 00 after any frames on its identifier', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 8 }), { maxLength: 30 }), async (frames) => {
        const tester = await onBench();
        for (const data of frames) tester.raw(0x70e, data);
        // Its longest wait (N_Cr), and any answer or reset that the frames asked for.
        await tester.clock.advance(4000);
        expect(await tester.ask('09', '3E 00')).toContain('7E 00');
        tester.car.close();
      }),
      { seed: 11, numRuns: 100 },
    );
  });

  it('an ECU answers any request with its own SID: positive, or 7F and an NRC; and never writes without being asked to', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 7 }), async (request) => {
        const tester = await onBench();
        const before = tester.store.changes.length;
        const answers = await tester.ask('09', Buffer.from(request).toString('hex'), 300);
        const sid = request[0] ?? 0;
        for (const answer of answers) {
          const [first = 0, second] = answer.split(' ').map((byte) => Number.parseInt(byte, 16));
          if (first === 0x7f) expect(second).toBe(sid);
          else expect(first).toBe((sid + 0x40) & 0xff);
        }
        if (sid !== 0x14) expect(tester.store.changes).toHaveLength(before);
        tester.car.close();
      }),
      { seed: 12, numRuns: 300 },
    );
  });

  it('an slcan device still works after any bytes, once its channel is closed and opened again', async () => {
    for (const firmware of ['canusb', 'canable-v1'] as const)
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
          const terminal = await plugIn({ firmware });
          terminal.post({ type: 'bytes', bytes });
          await terminal.clock.advance(50);
          await terminal.say('\rC\rC\r');
          expect(await terminal.say('S6\rX1\rZ0\rO\rt7E08023E005555555555\r')).toContain('t7E88027E00AAAAAAAAAA|');
          terminal.end();
        }),
        { seed: 13, numRuns: 60 },
      );
  });

  it('control messages are read or refused, never worse', () => {
    fc.assert(
      fc.property(fc.anything(), (message) => {
        try {
          parseControl(message);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { seed: 14, numRuns: 500 },
    );
  });
});

describe('kernel', () => {
  it('runs events in order of time, then of asking, each at its own time, within one wake', async () => {
    const clock = new VirtualClock();
    const kernel = new Kernel(clock);
    const log: string[] = [];
    const note = (name: string) => () => void log.push(`${name} ${kernel.nowMs.toFixed(2)} of ${clock.now()}`);
    kernel.at(0.7, note('c'));
    kernel.at(0.2, note('a'));
    kernel.at(0.2, note('b'));
    kernel.at(1.5, note('e'));
    const cancel = kernel.at(0.9, note('never'));
    kernel.at(0.8, () => {
      cancel();
      kernel.after(0.1, note('d'));
    });
    await clock.advance(5);
    expect(log).toEqual(['a 0.20 of 1', 'b 0.20 of 1', 'c 0.70 of 1', 'd 0.90 of 1', 'e 1.50 of 2']);
  });

  it('wakes for an event that is earlier than the one it sleeps for', async () => {
    const clock = new VirtualClock();
    const kernel = new Kernel(clock);
    const log: number[] = [];
    kernel.at(5000, () => void log.push(5000));
    await clock.advance(100);
    kernel.at(200, () => void log.push(clock.now()));
    await clock.advance(6000);
    expect(log).toEqual([200, 5000]);
  });

  it('stands still while a commit is open, then catches up with the times as they were', async () => {
    const clock = new VirtualClock();
    const kernel = new Kernel(clock);
    const log: string[] = [];
    kernel.at(1, async () => {
      await clock.sleep(50);
      log.push('committed');
    });
    kernel.at(2, () => void log.push(`after ${kernel.nowMs} of ${clock.now()}`));
    await clock.advance(40);
    expect(log).toEqual([]);
    await clock.advance(40);
    expect(log).toEqual(['committed', 'after 2 of 51']);
  });

  it('runs nothing any more once it is closed', async () => {
    const clock = new VirtualClock();
    const kernel = new Kernel(clock);
    let ran = false;
    kernel.at(3, () => {
      ran = true;
    });
    await clock.advance(1);
    kernel.close();
    await clock.advance(10);
    expect(ran).toBe(false);
  });
});
