import { describe, expect, it } from 'vitest';
import { isStackError } from '#contract/errors.ts';
import type { LineErrors, RxChunk, SerialTransport } from '#contract/transport.ts';
import type { VirtualClock } from '../support/virtual-clock.ts';

/** One serial device with its transport, seen from both ends. */
export interface TransportHarness {
  readonly clock: VirtualClock;
  open(): Promise<SerialTransport>;
  /** All bytes the device got so far. */
  received(): Uint8Array;
  send(bytes: Uint8Array): void;
  lineError(name: keyof LineErrors): void;
  unplug(): void;
  /** From now on the device never confirms a close (fault S17). */
  hangClose(): void;
}

/** Collects chunks from now on. */
export function collect(transport: SerialTransport): {
  readonly bytes: () => Uint8Array;
  readonly ended: Promise<void>;
} {
  const chunks: RxChunk[] = [];
  const ended = (async () => {
    for await (const chunk of transport.chunks as unknown as AsyncIterable<RxChunk>) chunks.push(chunk);
  })();
  return { bytes: () => Uint8Array.from(chunks.flatMap((chunk) => [...chunk.bytes])), ended };
}

const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

/** What every serial transport promises (contract/transport.ts). */
export function transportSuite(name: string, makeHarness: () => TransportHarness): void {
  describe(`${name}: serial transport`, () => {
    it('carries all 256 byte values both ways, in order', async () => {
      const harness = makeHarness();
      const all = Uint8Array.from({ length: 256 }, (_, i) => i);
      await harness.clock.run(async () => {
        const transport = await harness.open();
        const got = collect(transport);
        await transport.write(all.subarray(0, 100));
        await transport.write(all.subarray(100));
        harness.send(all);
        await harness.clock.sleep(1);
        expect(harness.received()).toEqual(all);
        expect(got.bytes()).toEqual(all);
        await transport.close();
        await got.ended;
        expect(await transport.closed).toEqual({ kind: 'closed' });
      });
    });

    it('ends its chunks without an error and settles `closed` when it is closed; twice is once', async () => {
      const harness = makeHarness();
      await harness.clock.run(async () => {
        const transport = await harness.open();
        const got = collect(transport);
        await Promise.all([transport.close(), transport.close()]);
        await got.ended;
        expect(await transport.closed).toEqual({ kind: 'closed' });
        expect(isStackError(await caught(transport.write(Uint8Array.of(1))), 'transport/closed')).toBe(true);
      });
    });

    it('S03 tells the loss of an idle adapter at once, and refuses later writes', async () => {
      const harness = makeHarness();
      await harness.clock.run(async () => {
        const transport = await harness.open();
        const got = collect(transport);
        harness.unplug();
        expect((await transport.closed).kind).toBe('lost');
        await got.ended;
        expect(harness.clock.now()).toBeLessThan(1000);
        expect(isStackError(await caught(transport.write(Uint8Array.of(1))), 'transport/lost')).toBe(true);
        await transport.close();
      });
    });

    it('S08 S09 S10 goes on after a soft error, counts it and tells who must resynchronise', async () => {
      for (const error of ['breaks', 'framing', 'parity', 'overruns', 'unknown'] as const) {
        const harness = makeHarness();
        await harness.clock.run(async () => {
          const transport = await harness.open();
          const told: string[] = [];
          transport.onLineError((name, atMs) => told.push(`${name} @${atMs}`));
          const got = collect(transport);
          harness.send(Uint8Array.of(0x41));
          await harness.clock.sleep(5);
          harness.lineError(error);
          await harness.clock.sleep(5);
          harness.send(Uint8Array.of(0x42));
          await harness.clock.sleep(5);
          expect(got.bytes()).toEqual(Uint8Array.of(0x41, 0x42));
          expect(told).toEqual([`${error} @5`]);
          expect(transport.lineErrors[error]).toBe(1);
          await transport.close();
        });
      }
    });

    it('S08 ends as failed at the third soft error within a second, not at three in three seconds', async () => {
      const harness = makeHarness();
      await harness.clock.run(async () => {
        const transport = await harness.open();
        const got = collect(transport);
        for (let i = 0; i < 3; i++) {
          harness.lineError('framing');
          await harness.clock.sleep(600);
        }
        harness.send(Uint8Array.of(0x41));
        await harness.clock.sleep(2000);
        expect(got.bytes()).toEqual(Uint8Array.of(0x41));
        for (let i = 0; i < 3; i++) {
          harness.lineError('parity');
          await harness.clock.sleep(100);
        }
        const reason = await transport.closed;
        expect(reason.kind).toBe('failed');
        expect(reason.kind === 'failed' && reason.detail).toContain('transport/line-errors');
        await got.ended;
      });
    });

    it('S10 takes one close and open cycle and carries bytes again', async () => {
      const harness = makeHarness();
      await harness.clock.run(async () => {
        const transport = await harness.open();
        const got = collect(transport);
        harness.lineError('unknown');
        await harness.clock.sleep(1);
        await transport.reconfigure({ baudRate: 500_000 });
        expect(transport.line.baudRate).toBe(500_000);
        harness.send(Uint8Array.of(0x42));
        await transport.write(Uint8Array.of(0x43));
        await harness.clock.sleep(1);
        expect(got.bytes()).toEqual(Uint8Array.of(0x42));
        expect(harness.received()).toEqual(Uint8Array.of(0x43));
        await transport.close();
      });
    });

    it('S17 caps a close that never settles and says so', async () => {
      const harness = makeHarness();
      await harness.clock.run(async () => {
        const transport = await harness.open();
        harness.hangClose();
        const error = await caught(transport.close());
        expect(isStackError(error, 'transport/close-timeout')).toBe(true);
        expect((await transport.closed).kind).toBe('failed');
        expect(harness.clock.now()).toBeLessThanOrEqual(6000);
      });
    });
  });
}
