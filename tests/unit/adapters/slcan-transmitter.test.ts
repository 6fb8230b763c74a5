import { describe, expect, it } from 'vitest';
import { TransmitPacer } from '#adapters/drivers/slcan/pacer.ts';
import { Transmitter } from '#adapters/drivers/slcan/transmitter.ts';
import { worstWireBits } from '#adapters/drivers/slcan/wire-bits.ts';
import { batchOf } from '../../conformance/driver-suite.ts';
import { bitsByHand } from '../../support/slcan-device.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const BIT_RATE = 500_000;
const LINE_BYTES = 22;

/** The transmitter alone; `takesMs`: how long the platform needs for each write. */
function rig(options: { acknowledges: boolean; queueFrames: number; windowFrames: number; takesMs?: number }) {
  const { acknowledges, queueFrames, windowFrames, takesMs = 0 } = options;
  const clock = new VirtualClock();
  const pacer = new TransmitPacer({ bitRate: BIT_RATE, queueFrames, transitMs: 1 });
  const writes: { readonly atMs: number; readonly frames: number }[] = [];
  const transmitter = new Transmitter({
    clock,
    pacer,
    bitRate: BIT_RATE,
    acknowledges,
    windowFrames,
    ended: new AbortController().signal,
    write: async (bytes) => {
      if (takesMs > 0) await clock.sleep(takesMs);
      writes.push({ atMs: clock.now(), frames: bytes.length / LINE_BYTES });
    },
  });
  const acknowledge = (frames: number) => {
    for (let i = 0; i < frames; i++) {
      transmitter.answered(clock.now());
      transmitter.afterAnswer();
    }
  };
  return { clock, pacer, writes, transmitter, acknowledge };
}

describe('slcan transmitter', () => {
  it('STmin is counted from when the platform took the bytes: a write that is taken 7 ms late ends 7 ms later', async () => {
    const { clock, transmitter } = rig({ acknowledges: false, queueFrames: 63, windowFrames: 63, takesMs: 7 });
    const frames = batchOf(1);
    const receipt = await clock.run(() => transmitter.transmit(frames));
    const worstMs = (worstWireBits(false, 8) * 1000) / BIT_RATE;
    expect(receipt.onWireByMs).toBeCloseTo(7 + 1 + worstMs, 6);
    const typicalMs = (bitsByHand(frames[0] ?? { id: 0, extended: false, data: new Uint8Array() }) * 1000) / BIT_RATE;
    expect(receipt.acceptedAtMs).toBeCloseTo(7 + typicalMs, 6);
  });

  it('STmin is counted from the acknowledgement where there is one, not from the write before it', async () => {
    const { clock, transmitter, acknowledge } = rig({ acknowledges: true, queueFrames: 63, windowFrames: 21 });
    const sending = transmitter.transmit(batchOf(1));
    const receipt = await clock.run(async () => {
      await clock.sleep(40);
      acknowledge(1);
      return sending;
    });
    expect(receipt.acceptedAtMs).toBe(40);
    expect(receipt.onWireByMs).toBeCloseTo(40 + (worstWireBits(false, 8) * 1000) / BIT_RATE, 6);
  });

  it('the queue never holds more than it can, also when each write is taken 3 ms late', async () => {
    const { clock, transmitter, writes } = rig({ acknowledges: false, queueFrames: 27, windowFrames: 27, takesMs: 3 });
    const frames = batchOf(300);
    await clock.run(() => transmitter.transmit(frames));
    let endMs = 0;
    let sent = 0;
    const ends: number[] = [];
    for (const { atMs, frames: count } of writes) {
      for (const frame of frames.slice(sent, sent + count)) {
        endMs = Math.max(endMs, atMs) + (bitsByHand(frame) * 1000) / BIT_RATE;
        ends.push(endMs);
      }
      sent += count;
      expect(ends.filter((end) => end > atMs).length).toBeLessThanOrEqual(16);
    }
    expect(sent).toBe(300);
  });

  it('an acknowledgement that makes no room for a useful write moves nothing; the tenth of a window of 21 does', async () => {
    const { clock, transmitter, writes, acknowledge } = rig({ acknowledges: true, queueFrames: 63, windowFrames: 21 });
    const sending = transmitter.transmit(batchOf(60));
    await clock.run(async () => {
      await clock.sleep(20);
      expect(writes.map(({ frames }) => frames)).toEqual([21]);
      acknowledge(9);
      await clock.sleep(20);
      expect(writes).toHaveLength(1);
      acknowledge(1);
      await clock.sleep(1);
      expect(writes.map(({ frames }) => frames)).toEqual([21, 10]);
      for (let left = 50; left > 0; left -= 5) {
        acknowledge(5);
        await clock.sleep(5);
      }
      await sending;
    });
    expect(writes.reduce((sum, { frames }) => sum + frames, 0)).toBe(60);
  });
});
