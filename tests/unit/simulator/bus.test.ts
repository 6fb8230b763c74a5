import { describe, expect, it } from 'vitest';
import { fromHex } from '#base/hex.ts';
import { CanBus } from '#simulator/can-bus.ts';
import { type CanFrame, frameBits } from '#simulator/frame-bits.ts';
import { IsoTpServer, PLAIN_ISOTP } from '#simulator/isotp-server.ts';
import { Kernel } from '#simulator/kernel.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

function frame(id: number, data: string, extended = false): CanFrame {
  return { id, extended, rtr: false, data: fromHex(data) };
}

/** The slow way: every bit of the frame in a string, stuffed by replacing. */
function bitsByString({ id, extended, data }: CanFrame): number {
  const binary = (value: number, digits: number) => value.toString(2).padStart(digits, '0');
  let bits = extended ? `0${binary(id >>> 18, 11)}11${binary(id & 0x3ffff, 18)}000` : `0${binary(id, 11)}000`;
  bits += binary(data.length, 4) + Array.from(data, (byte) => binary(byte, 8)).join('');
  let crc = 0;
  for (const bit of bits) {
    const feedback = Number(bit) ^ (crc >> 14);
    crc = ((crc << 1) & 0x7fff) ^ (feedback ? 0x4599 : 0);
  }
  bits += binary(crc, 15);
  let stuffed = '';
  for (const bit of bits) {
    stuffed += bit;
    if (/(00000|11111)$/.test(stuffed) && stuffable(stuffed)) stuffed += bit === '0' ? '1' : '0';
  }
  return stuffed.length + 10;
}

/** Five equal bits in a row since the run began (a run of ten is two stuff bits, not six). */
function stuffable(bits: string): boolean {
  return /(^|[^0])0{5}$|(^|[^1])1{5}$/.test(bits);
}

describe('bit timing', () => {
  it('counts stuff bits exactly as a bit-by-bit string does, for 11 and 29 bits', () => {
    for (let seed = 1; seed < 400; seed++) {
      const data = Uint8Array.from({ length: seed % 9 }, (_, i) => (seed * (i + 3) * 37) & (seed % 3 ? 0xff : 0x81));
      const extended = seed % 2 === 0;
      const one = { id: (seed * 7919) & (extended ? 0x1fffffff : 0x7ff), extended, rtr: false, data };
      expect(frameBits(one)).toBe(bitsByString(one));
    }
  });

  it('gives 8 bytes at 11 bits 108 bits and up to 24 stuff bits', () => {
    expect(frameBits(frame(0x555, '55 55 55 55 55 55 55 55'))).toBeGreaterThanOrEqual(108);
    expect(frameBits(frame(0x000, '00 00 00 00 00 00 00 00'))).toBeLessThanOrEqual(132);
    expect(frameBits(frame(0x000, '00 00 00 00 00 00 00 00'))).toBeGreaterThan(
      frameBits(frame(0x555, '55 55 55 55 55 55 55 55')),
    );
  });
});

describe('bus', () => {
  it('lets the lowest identifier win, 11 bits before 29 with the same base, and spaces frames by the intermission', async () => {
    const clock = new VirtualClock();
    const kernel = new Kernel(clock);
    const bus = new CanBus(kernel, 500_000);
    const order: string[] = [];
    const spans: [number, number][] = [];
    bus.tap((event) => {
      order.push(`${event.frame.id.toString(16)}${event.frame.extended ? 'x' : ''}`);
      spans.push([event.startMs, event.endMs]);
    });
    for (const one of [frame(0x7e8, '01'), frame(0x123, '02'), frame(0x123 << 18, '03', true), frame(0x7df, '04')])
      bus.attach(() => true).send(one);
    await clock.advance(10);
    expect(order).toEqual(['123', '48c0000x', '7df', '7e8']);
    for (let i = 1; i < spans.length; i++)
      expect((spans[i]?.[0] ?? 0) - (spans[i - 1]?.[1] ?? 0)).toBeCloseTo(0.006, 9);
  });

  it('keeps a frame where it is while nobody could acknowledge it', async () => {
    const clock = new VirtualClock();
    const kernel = new Kernel(clock);
    const bus = new CanBus(kernel, 500_000);
    let awake = false;
    const port = bus.attach(() => true);
    bus.attach(() => awake);
    port.send(frame(0x7e0, '02 10 03'));
    await clock.advance(1000);
    expect(port.queued).toBe(1);
    awake = true;
    bus.wake();
    await clock.advance(2);
    expect(port.queued).toBe(0);
  });

  it('takes 136.7 ms for 4095 bytes at 500 kbit/s with typical stuffing, flow control included', async () => {
    const clock = new VirtualClock();
    const kernel = new Kernel(clock);
    const bus = new CanBus(kernel, 500_000);
    const times: number[] = [];
    const sender = new IsoTpServer(
      kernel,
      bus,
      { requestId: 0x7e8, responseId: 0x7e0, functionalIds: [] },
      {
        listening: () => true,
        begins: () => ({ quirks: PLAIN_ISOTP, note: undefined }),
        received: () => undefined,
      },
    );
    let got: Uint8Array | undefined;
    new IsoTpServer(
      kernel,
      bus,
      { requestId: 0x7e0, responseId: 0x7e8, functionalIds: [] },
      {
        listening: () => true,
        begins: () => ({ quirks: PLAIN_ISOTP, note: undefined }),
        received: (pdu) => {
          got = pdu;
        },
      },
    );
    bus.tap((event) => times.push(event.startMs, event.endMs));
    let state = 1;
    const pdu = Uint8Array.from({ length: 4095 }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    });
    sender.send(pdu, PLAIN_ISOTP);
    await clock.advance(300);
    expect(got).toEqual(pdu);
    const took = Math.max(...times) - Math.min(...times);
    expect(took).toBeGreaterThan(135);
    expect(took).toBeLessThan(138);
    expect(times).toHaveLength(2 * (1 + 1 + 585));
  });

  it('waits STmin F5 (0.5 ms) from the end of one consecutive frame to the start of the next', async () => {
    const clock = new VirtualClock();
    const kernel = new Kernel(clock);
    const bus = new CanBus(kernel, 500_000);
    const starts: number[] = [];
    const ends: number[] = [];
    const server = new IsoTpServer(
      kernel,
      bus,
      { requestId: 0x7e0, responseId: 0x7e8, functionalIds: [] },
      {
        listening: () => true,
        begins: () => ({ quirks: PLAIN_ISOTP, note: undefined }),
        received: () => undefined,
      },
    );
    const tester = bus.attach(() => true);
    bus.tap((event) => {
      if ((event.frame.data[0] ?? 0) >> 4 === 1) tester.send(frame(0x7e0, '30 00 F5'));
      if ((event.frame.data[0] ?? 0) >> 4 !== 2) return;
      starts.push(event.startMs);
      ends.push(event.endMs);
    });
    server.send(new Uint8Array(40), PLAIN_ISOTP);
    await clock.advance(20);
    expect(starts).toHaveLength(5);
    for (let i = 1; i < starts.length; i++) expect((starts[i] ?? 0) - (ends[i - 1] ?? 0)).toBeCloseTo(0.5, 6);
  });

  it('wakes in batches: a long message needs about one sleep per millisecond, not one per frame', async () => {
    const clock = new VirtualClock();
    let sleeps = 0;
    const counting = {
      now: () => clock.now(),
      wallMs: () => clock.wallMs(),
      sleep: (ms: number, options?: { readonly signal?: AbortSignal }) => {
        sleeps++;
        return clock.sleep(ms, options);
      },
    };
    const kernel = new Kernel(counting);
    const bus = new CanBus(kernel, 500_000);
    bus.attach(() => true);
    const port = bus.attach(() => true);
    for (let i = 0; i < 585; i++) port.send(frame(0x7e0, '21 01 02 03 04 05 06 07'));
    await clock.advance(200);
    expect(port.queued).toBe(0);
    expect(sleeps).toBeLessThan(160);
  });
});
