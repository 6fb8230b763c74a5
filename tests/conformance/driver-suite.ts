import { describe, expect, it } from 'vitest';
import { toHex } from '#base/hex.ts';
import type { Adapter, CanFrame, CanLink, Driver, RxCanFrame } from '#contract/adapter.ts';
import { isStackError } from '#contract/errors.ts';
import type { SerialTransport } from '#contract/transport.ts';
import type { VirtualClock } from '../support/virtual-clock.ts';

/** One device of a family with a bus behind it, on a virtual clock. */
export interface DriverHarness {
  readonly clock: VirtualClock;
  readonly driver: Driver;
  openTransport(): Promise<SerialTransport>;
  /** Frames that left on the bus, in order, with the time of their end. */
  wire(): readonly { readonly frame: CanFrame; readonly startMs: number; readonly endMs: number }[];
  /** Frames the device dropped because its queue was full. */
  dropped(): number;
  /** What the driver did that it must never do to this device. */
  violations(): readonly string[];
  /** A frame of another node, 11-bit id. */
  receive(id: number, hexData: string): void;
  unplug(): void;
}

export interface DriverExpectations {
  readonly driverId: string;
  readonly acknowledges: boolean;
  readonly queueFrames: number;
  readonly listenOnly: boolean;
  /** Least share of the wire that a long batch reaches at 500 kbit/s. */
  readonly wireShare: number;
}

export const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

/** Frames as a long ISO-TP message has them: `21 …`, `22 …` with counting data. */
export function batchOf(count: number, id = 0x7e0): CanFrame[] {
  return Array.from({ length: count }, (_, i) => ({
    id,
    extended: false,
    data: Uint8Array.from({ length: 8 }, (_, at) => (at === 0 ? 0x20 | (i & 0x0f) : (i * 7 + at * 37) & 0xff)),
  }));
}

/** What every driver with raw CAN promises (contract/adapter.ts). */
export function driverSuite(name: string, expected: DriverExpectations, makeHarness: () => DriverHarness): void {
  const withLink = async (
    work: (link: CanLink, harness: DriverHarness, adapter: Adapter) => Promise<void>,
  ): Promise<DriverHarness> => {
    const harness = makeHarness();
    await harness.clock.run(async () => {
      const adapter = await harness.driver.open(await harness.openTransport(), { clock: harness.clock });
      if (!adapter?.can) throw new Error('not recognised');
      const link = await adapter.can.open({ bitRate: 500_000 });
      await work(link, harness, adapter);
      await adapter.close();
    });
    expect(harness.violations()).toEqual([]);
    return harness;
  };

  describe(`${name}: driver`, () => {
    it('recognises the device without a frame on the bus and says what it may do', async () => {
      const harness = makeHarness();
      await harness.clock.run(async () => {
        const adapter = await harness.driver.open(await harness.openTransport(), { clock: harness.clock });
        expect(adapter?.info).toMatchObject({
          driver: expected.driverId,
          acknowledges: expected.acknowledges,
          transmitQueueFrames: expected.queueFrames,
          verdict: {
            read: { may: true },
            code: { may: true },
            program: { may: false, reason: expected.acknowledges ? 'not-qualified' : 'no-transmit-confirmation' },
          },
        });
        expect(harness.clock.now()).toBeLessThan(2000);
        await adapter?.close();
        expect(await adapter?.closed).toEqual({ kind: 'closed' });
      });
      expect(harness.wire()).toEqual([]);
      expect(harness.violations()).toEqual([]);
    });

    it('sends a batch of 600 frames in order, drops none and keeps the bus busy', async () => {
      const frames = batchOf(600);
      const harness = await withLink(async (link, { clock, wire }) => {
        const receipt = await link.send(frames);
        await clock.sleep(100);
        expect(wire().length).toBe(600);
        expect(receipt.onWireByMs).toBeGreaterThanOrEqual((wire().at(-1)?.endMs ?? Number.POSITIVE_INFINITY) - 1e-6);
        expect(link.counters.sent).toBe(600);
      });
      expect(harness.dropped()).toBe(0);
      expect(harness.wire().map(({ frame }) => toHex(frame.data))).toEqual(frames.map(({ data }) => toHex(data)));
      const busyMs = harness.wire().reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
      const wholeMs = (harness.wire().at(-1)?.endMs ?? 0) - (harness.wire()[0]?.startMs ?? 0);
      expect(busyMs / wholeMs).toBeGreaterThan(expected.wireShare);
    });

    it('keeps batches of several callers apart', async () => {
      const harness = await withLink(async (link, { clock }) => {
        await Promise.all([link.send(batchOf(40, 0x700)), link.send(batchOf(40, 0x701)), link.send(batchOf(3, 0x702))]);
        await clock.sleep(50);
      });
      const ids = harness.wire().map(({ frame }) => frame.id);
      expect(ids).toEqual([...Array(40).fill(0x700), ...Array(40).fill(0x701), ...Array(3).fill(0x702)]);
    });

    it('times its round trips with the channel open, between batches, without a frame on the bus', async () => {
      const harness = await withLink(async (link, { clock, receive }, adapter) => {
        const { roundTrips } = adapter;
        if (roundTrips === undefined) return; // a device that never answers anything
        const sending = link.send(batchOf(40, 0x700));
        const timed = roundTrips(20);
        receive(0x7e8, '065003003201F4AA');
        const [trips] = await Promise.all([timed, sending]);
        expect(trips).toHaveLength(20);
        expect(Math.min(...trips)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...trips)).toBeLessThan(300);
        await clock.sleep(50);
        expect(link.counters.received).toBe(1);
      });
      expect(harness.wire().length % 40).toBe(0);
    });

    it('hands every received frame to every listener, in order, until it unsubscribes', async () => {
      await withLink(async (link, { clock, receive }) => {
        const got: RxCanFrame[] = [];
        const stop = link.onFrame((frame) => got.push(frame));
        receive(0x7e8, '065003003201F4AA');
        receive(0x123, '');
        await clock.sleep(40);
        stop();
        receive(0x124, '00');
        await clock.sleep(40);
        expect(got.map(({ id, data }) => `${id.toString(16)} ${toHex(data)}`)).toEqual([
          '7e8 065003003201F4AA',
          '123 ',
        ]);
        expect(link.counters.received).toBe(3);
      });
    });

    it('receives while it sends', async () => {
      const harness = await withLink(async (link, { clock, receive }) => {
        const sending = link.send(batchOf(200));
        for (let i = 0; i < 20; i++) {
          receive(0x7e8, '3000000000000000');
          await clock.sleep(1.3);
        }
        await sending;
        await clock.sleep(50);
        expect(link.counters.received).toBe(20);
      });
      expect(harness.dropped()).toBe(0);
      expect(harness.wire().length).toBe(200);
    });

    it('stops handing frames over when the caller cancels, and goes on with the next batch', async () => {
      const harness = await withLink(async (link, { clock }) => {
        const stop = new AbortController();
        const sending = caught(link.send(batchOf(400, 0x700), { signal: stop.signal }));
        await clock.sleep(20);
        stop.abort();
        expect(isStackError(await sending, 'call/aborted')).toBe(true);
        await link.send(batchOf(5, 0x701));
        await clock.sleep(50);
      });
      const sent = harness.wire().map(({ frame }) => frame.id);
      expect(sent.filter((id) => id === 0x700).length).toBeLessThan(200);
      expect(sent.slice(-5)).toEqual(Array(5).fill(0x701));
    });

    it('refuses what classic CAN cannot carry before anything leaves', async () => {
      const harness = await withLink(async (link) => {
        const frames = [...batchOf(2), { id: 0x800, extended: false, data: new Uint8Array() }];
        expect(isStackError(await caught(link.send(frames)), 'adapter/unsupported')).toBe(true);
      });
      expect(harness.wire()).toEqual([]);
    });

    it('opens one channel at a time, and again after it was closed', async () => {
      await withLink(async (link, _harness, adapter) => {
        const again = adapter.can?.open({ bitRate: 500_000 }) ?? Promise.reject(new Error('no can'));
        expect(isStackError(await caught(again), 'adapter/in-use')).toBe(true);
        await link.close();
        expect(await link.closed).toEqual({ kind: 'closed' });
        expect(isStackError(await caught(link.send(batchOf(1))), 'can/closed')).toBe(true);
        await adapter.can?.open({ bitRate: 250_000 });
      });
    });

    it(`${expected.listenOnly ? 'opens' : 'refuses'} listen-only`, async () => {
      const harness = makeHarness();
      await harness.clock.run(async () => {
        const adapter = await harness.driver.open(await harness.openTransport(), { clock: harness.clock });
        const opening =
          adapter?.can?.open({ bitRate: 500_000, listenOnly: true }) ?? Promise.reject(new Error('no can'));
        const error = await caught(opening);
        if (expected.listenOnly) expect(error).toBe(null);
        else expect(isStackError(error, 'adapter/unsupported')).toBe(true);
      });
    });

    it('tells the loss of the adapter to the link, to a send under way and to later ones', async () => {
      const harness = makeHarness();
      await harness.clock.run(async () => {
        const adapter = await harness.driver.open(await harness.openTransport(), { clock: harness.clock });
        const link = await adapter?.can?.open({ bitRate: 500_000 });
        const sending = caught(link?.send(batchOf(600)) ?? Promise.resolve());
        await harness.clock.sleep(20);
        harness.unplug();
        expect(isStackError(await sending, 'transport/lost')).toBe(true);
        expect((await link?.closed)?.kind).toBe('lost');
        expect((await adapter?.closed)?.kind).toBe('lost');
        expect(isStackError(await caught(link?.send(batchOf(1)) ?? Promise.resolve()))).toBe(true);
      });
    });
  });
}
