import { describe, expect, it } from 'vitest';
import type { Clock } from '#base/clock.ts';
import { toHexSpaced } from '#base/hex.ts';
import { StackError } from '#contract/errors.ts';
import { type ChannelEvent, DEFAULT_ISOTP_OPTIONS, type IsoTpOptions } from '#contract/isotp.ts';
import { type IsoTpChannelExtras, openIsoTpChannel } from '#link/isotp/index.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { FakeCanLink } from './fake-can-link.ts';
import { ENGINE } from './machine-recorder.ts';
import { PeerReceiver, peerFrames } from './reference-peer.ts';

const NORMAL = { expects: null, sends: null };
const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => i & 0xff);

function setUp(options: Partial<IsoTpOptions> = {}, extras: IsoTpChannelExtras = {}) {
  const clock = new VirtualClock();
  const link = new FakeCanLink(clock);
  const channel = openIsoTpChannel(link, ENGINE, { ...DEFAULT_ISOTP_OPTIONS, ...options }, clock, extras);
  const events: ChannelEvent[] = [];
  channel.onEvent((event) => events.push(event));
  return { clock, link, channel, events };
}

/** An ECU on 7E0/7E8 that takes messages and answers each first frame and block with these flow controls. */
function ecuOn(link: FakeCanLink, blockSize: number, stMin: number) {
  const peer = new PeerReceiver(NORMAL, () => ({ waits: 0, blockSize, stMin }));
  link.nodes.push((frame) => {
    if (frame.id !== 0x7e0) return;
    for (const flow of peer.frame(frame.data)) void link.fromBus(0x7e8, flow);
  });
  return peer;
}

/** Gaps on the wire between the end of a consecutive frame and the start of the next. */
function gapsMs(link: FakeCanLink): number[] {
  const frames = link.wire.filter(({ data }) => (data[0] ?? 0) >> 4 === 2);
  return frames.slice(1).map((frame, i) => frame.startMs - (frames[i]?.endMs ?? 0));
}

describe('sending', () => {
  it('STmin 0 and BS 0: the first frame, then all 585 consecutive frames of 4095 bytes as one batch', async () => {
    const { clock, link, channel } = setUp();
    const peer = ecuOn(link, 0, 0);
    await clock.run(channel.sendPdu(bytes(4095)));
    expect(link.batches).toEqual([1, 585]);
    expect(peer.messages).toEqual([[...bytes(4095)]]);
    expect(Math.max(...gapsMs(link))).toBeLessThan(1e-9);
  });

  it('9000 bytes without blocks go in batches of 1024 frames', async () => {
    const { clock, link, channel } = setUp({ maxSendBytes: 9000 });
    const peer = ecuOn(link, 0, 0);
    await clock.run(channel.sendPdu(bytes(9000)));
    expect(link.batches).toEqual([1, 1024, 262]);
    expect(peer.messages).toEqual([[...bytes(9000)]]);
  });

  it('BS 8: one batch per block', async () => {
    const { clock, link, channel } = setUp();
    const peer = ecuOn(link, 8, 0);
    await clock.run(channel.sendPdu(bytes(134)));
    expect(link.batches).toEqual([1, 8, 8, 3]);
    expect(peer.messages).toEqual([[...bytes(134)]]);
  });

  it.each([
    ['0.1 ms (F1)', 0xf1, 0.1],
    ['1 ms (01)', 0x01, 1],
    ['20 ms (14)', 0x14, 20],
    ['127 ms (reserved 80)', 0x80, 127],
  ])('STmin %s is kept exactly between frames on the wire, over blocks too', async (_name, stMin, ms) => {
    const { clock, link, channel } = setUp();
    ecuOn(link, 4, stMin);
    await clock.run(channel.sendPdu(bytes(76)));
    const gaps = gapsMs(link);
    expect(gaps).toHaveLength(9);
    for (const [i, gap] of gaps.entries()) {
      expect(gap).toBeGreaterThanOrEqual(ms - 1e-9);
      if ((i + 1) % 4 !== 0) expect(gap).toBeLessThan(ms + 1e-6); // inside a block no flow control delays it
    }
  });

  it('a clock that wakes early by a millisecond never shortens STmin', async () => {
    const clock = new VirtualClock();
    const hasty: Clock = {
      now: () => clock.now(),
      wallMs: () => clock.wallMs(),
      sleep: (ms, options) => clock.sleep(ms > 1 ? ms - 1 : ms, options),
    };
    const link = new FakeCanLink(clock);
    const channel = openIsoTpChannel(link, ENGINE, DEFAULT_ISOTP_OPTIONS, hasty);
    ecuOn(link, 0, 5);
    await clock.run(channel.sendPdu(bytes(40)));
    expect(Math.min(...gapsMs(link))).toBeGreaterThanOrEqual(5 - 1e-9);
  });

  it('a late confirmation does not widen STmin: it counts from the end on the wire', async () => {
    const { clock, link, channel } = setUp();
    link.confirmDelayMs = 3;
    ecuOn(link, 0, 5);
    await clock.run(channel.sendPdu(bytes(40)));
    for (const gap of gapsMs(link)) expect(gap).toBeCloseTo(5, 6);
  });

  it('the precise wait gets the last 2 ms of each gap, the clock the rest', async () => {
    const waits: number[] = [];
    const clock = new VirtualClock();
    const link = new FakeCanLink(clock);
    const preciseWait = (ms: number) => {
      waits.push(ms);
      return clock.sleep(ms);
    };
    const channel = openIsoTpChannel(link, ENGINE, DEFAULT_ISOTP_OPTIONS, clock, { preciseWait });
    ecuOn(link, 0, 10);
    await clock.run(channel.sendPdu(bytes(27)));
    expect(waits).toHaveLength(2);
    for (const wait of waits) expect(wait).toBeCloseTo(2, 6);
    for (const gap of gapsMs(link)) expect(gap).toBeCloseTo(10, 6);
  });

  it('time-outs of a long message cost one timer: with STmin 0 no sleep per frame', async () => {
    const { clock, link, channel } = setUp();
    const sleeps: number[] = [];
    const counting: Clock = {
      now: () => clock.now(),
      wallMs: () => clock.wallMs(),
      sleep: (ms, options) => {
        sleeps.push(ms);
        return clock.sleep(ms, options);
      },
    };
    await channel.close();
    const counted = openIsoTpChannel(link, ENGINE, DEFAULT_ISOTP_OPTIONS, counting);
    ecuOn(link, 0, 0);
    await clock.run(counted.sendPdu(bytes(4095)));
    for (const frame of peerFrames([...bytes(4095)], NORMAL)) await clock.run(link.fromBus(0x7e8, frame));
    expect(sleeps.length).toBeLessThanOrEqual(3);
  });

  it('N_Bs carries the adapter’s latency', async () => {
    const { clock, channel } = setUp({}, { latencyMs: 16 });
    const sending = channel.sendPdu(bytes(20));
    await expect(clock.run(sending)).rejects.toMatchObject({
      code: 'isotp/timeout-n-bs',
      details: { timeoutMs: 1016, sentBytes: 6 },
    });
    expect(channel.latencyMs).toBe(16);
  });

  it('an adapter that takes nothing ends the message at N_As, and the hand-over is called off', async () => {
    const { clock, link, channel } = setUp();
    link.mute = true;
    await expect(clock.run(channel.sendPdu(bytes(3)))).rejects.toMatchObject({ code: 'isotp/timeout-n-as' });
    expect(clock.now()).toBe(1000);
    await clock.advance(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it('the link’s error reaches the caller as it is', async () => {
    const { clock, link, channel } = setUp();
    const error = new StackError('can/bus-error', 'bus off', { flags: '80' });
    link.failNext = error;
    await expect(clock.run(channel.sendPdu(bytes(3)))).rejects.toBe(error);
  });

  it('a second message at the same time is busy; the first is not disturbed', async () => {
    const { clock, link, channel } = setUp();
    const peer = ecuOn(link, 0, 0);
    const first = channel.sendPdu(bytes(20));
    await expect(channel.sendPdu(bytes(3))).rejects.toMatchObject({ code: 'isotp/busy' });
    await clock.run(first);
    expect(peer.messages).toEqual([[...bytes(20)]]);
  });

  it('cancelling stops between frames: call/aborted, and no further frame', async () => {
    const { clock, link, channel } = setUp();
    ecuOn(link, 0, 20);
    const cancel = new AbortController();
    const sending = channel.sendPdu(bytes(100), { signal: cancel.signal });
    const seen = expect(sending).rejects.toMatchObject({ code: 'call/aborted' });
    await clock.advance(50);
    cancel.abort();
    await seen;
    const before = link.wire.length;
    await clock.advance(500);
    expect([before, link.wire.length]).toEqual([4, 4]);
  });

  it('timeoutMs bounds the whole message', async () => {
    const { clock, link, channel } = setUp();
    ecuOn(link, 0, 127);
    await expect(clock.run(channel.sendPdu(bytes(200), { timeoutMs: 300 }))).rejects.toMatchObject({
      code: 'call/timeout',
    });
    const sent = link.wire.length;
    await clock.advance(2000);
    expect(link.wire.length).toBe(sent);
  });

  it('a request waits while a message is being received, then goes', async () => {
    const { clock, link, channel, events } = setUp();
    await clock.run(link.fromBus(0x7e8, [0x10, 0x0a, 1, 2, 3, 4, 5, 6]));
    const sending = channel.sendPdu(bytes(3));
    await clock.advance(100);
    expect(link.wire.map(({ data }) => data[0])).toEqual([0x30]);
    await clock.run(link.fromBus(0x7e8, [0x21, 7, 8, 9, 10]));
    await clock.run(sending);
    expect(clock.now()).toBeLessThan(102);
    expect(events.map(({ type }) => type)).toEqual(['started', 'message']);
    expect(link.wire.map(({ data }) => data[0])).toEqual([0x30, 3]);
  });

  it('cancelling a request that waits for a reception leaves our flow controls alone', async () => {
    const { clock, link, channel, events } = setUp({ blockSize: 1 });
    await clock.run(link.fromBus(0x7e8, [0x10, 0x0e, 1, 2, 3, 4, 5, 6]));
    await clock.advance(1);
    const cancel = new AbortController();
    const seen = expect(channel.sendPdu(bytes(3), { signal: cancel.signal })).rejects.toMatchObject({
      code: 'call/aborted',
    });
    await clock.run(link.fromBus(0x7e8, [0x21, 7, 8, 9, 10, 11, 12, 13]));
    cancel.abort(); // the second flow control is on its way to the wire
    await seen;
    await clock.advance(1);
    await clock.run(link.fromBus(0x7e8, [0x22, 14]));
    expect(link.wire.map(({ data }) => data[0])).toEqual([0x30, 0x30]);
    expect(events.map(({ type }) => type)).toEqual(['started', 'message']);
  });

  it('a reception that never ends lets the request go after N_Cr', async () => {
    const { clock, link, channel, events } = setUp();
    await clock.run(link.fromBus(0x7e8, [0x10, 0x0a, 1, 2, 3, 4, 5, 6]));
    await clock.run(channel.sendPdu(bytes(3)));
    expect(events.map((event) => (event.type === 'failed' ? event.error.code : event.type))).toEqual([
      'started',
      'isotp/timeout-n-cr',
    ]);
    expect(clock.now()).toBeGreaterThan(1500);
  });
});

describe('receiving', () => {
  it('reports the begin with its length and the message with the time of its last frame', async () => {
    const { clock, link, events } = setUp();
    for (const frame of peerFrames([...bytes(20)], NORMAL)) await clock.run(link.fromBus(0x7e8, frame));
    expect(events.map((event) => [event.type, event.source])).toEqual([
      ['started', '7E0-7E8'],
      ['message', '7E0-7E8'],
    ]);
    const [started, message] = events;
    expect(started?.type === 'started' && started.lengthBytes).toBe(20);
    expect(message?.type === 'message' && toHexSpaced(message.pdu)).toBe(toHexSpaced(bytes(20)));
    expect(message?.atMs).toBe(clock.now());
    await clock.advance(1);
    expect(link.wire.map(({ data }) => toHexSpaced(data))).toEqual(['30 00 00 CC CC CC CC CC']);
  });

  it('N_Cr without further frames ends the reception by itself', async () => {
    const { clock, link, events } = setUp();
    await clock.run(link.fromBus(0x7e8, [0x10, 0x0a, 1, 2, 3, 4, 5, 6]));
    await clock.advance(1600);
    expect(events.map((event) => (event.type === 'failed' ? event.error.code : event.type))).toEqual([
      'started',
      'isotp/timeout-n-cr',
    ]);
  });

  it('a time-out noticed late lets what arrived meanwhile go first', async () => {
    const { clock, link, channel: plain } = setUp();
    await plain.close();
    // A frozen worker: time has passed when the sleep ends, the frames are still in the stream.
    const frozen: Clock = {
      now: () => clock.now(),
      wallMs: () => clock.wallMs(),
      sleep: (ms, options) => clock.sleep(ms > 100 ? ms + 5000 : ms, options),
    };
    const channel = openIsoTpChannel(link, ENGINE, DEFAULT_ISOTP_OPTIONS, frozen);
    const events: ChannelEvent[] = [];
    channel.onEvent((event) => events.push(event));
    await clock.run(link.fromBus(0x7e8, [0x10, 0x0a, 1, 2, 3, 4, 5, 6]));
    await clock.advance(6001);
    await clock.run(link.fromBus(0x7e8, [0x21, 7, 8, 9, 10]));
    expect(events.map(({ type }) => type)).toEqual(['started', 'message']);
  });

  it('a listener may send the next request from within the message event', async () => {
    const { clock, link, channel } = setUp();
    const done = new Promise<void>((resolve, reject) => {
      channel.onEvent((event) => {
        if (event.type === 'message') channel.sendPdu(Uint8Array.of(0x3e, 0)).then(resolve, reject);
      });
    });
    for (const frame of peerFrames([...bytes(20)], NORMAL)) await clock.run(link.fromBus(0x7e8, frame));
    await clock.run(done);
    expect(link.wire.map(({ data }) => data[0])).toEqual([0x30, 2]);
  });

  it('a listener that unsubscribed hears nothing more; one that subscribed twice is called twice', async () => {
    const { clock, link, channel } = setUp();
    const heard: string[] = [];
    const listener = (event: ChannelEvent) => heard.push(event.type);
    const first = channel.onEvent(listener);
    channel.onEvent(listener);
    await clock.run(link.fromBus(0x7e8, [0x01, 0x7e]));
    first();
    await clock.run(link.fromBus(0x7e8, [0x01, 0x7e]));
    expect(heard).toEqual(['message', 'message', 'message']);
  });
});

describe('the end', () => {
  it('closing settles closed, rejects the message on its way, stops listening and leaves no timer and the link open', async () => {
    const { clock, link, channel } = setUp();
    const sending = channel.sendPdu(bytes(20));
    const seen = expect(sending).rejects.toMatchObject({ code: 'can/closed' });
    await clock.advance(10);
    await channel.close();
    await channel.close();
    await seen;
    expect(await channel.closed).toEqual({ kind: 'closed' });
    expect([link.listening, clock.pendingTimers]).toEqual([0, 0]);
    await expect(channel.sendPdu(bytes(3))).rejects.toMatchObject({ code: 'can/closed' });
  });

  it('nothing goes out after the close, also when the adapter confirms only then', async () => {
    const { clock, link, channel } = setUp();
    const released: (() => void)[] = [];
    const batches: number[] = [];
    link.send = (frames) => {
      batches.push(frames.length);
      return new Promise((resolve) => released.push(() => resolve({ acceptedAtMs: 0, onWireByMs: 0 })));
    };
    const seen = expect(channel.sendPdu(bytes(20))).rejects.toMatchObject({ code: 'can/closed' });
    await clock.run(link.fromBus(0x7e8, [0x30, 0, 0])); // queued: the first frame is not confirmed yet
    await channel.close();
    for (const release of released) release();
    await seen;
    await clock.advance(10);
    expect(batches).toEqual([1]);
  });

  it('a lost link closes the channel with its reason and rejects the message on its way', async () => {
    const { clock, link, channel } = setUp();
    const seen = expect(channel.sendPdu(bytes(20))).rejects.toMatchObject({
      code: 'transport/lost',
      details: { reason: 'unplugged' },
    });
    await clock.advance(10);
    link.lose();
    await seen;
    expect(await channel.closed).toEqual({ kind: 'lost', detail: 'unplugged' });
    await expect(channel.sendPdu(bytes(3))).rejects.toMatchObject({ code: 'transport/lost' });
  });

  it('an address that no frame can carry is refused at once', () => {
    const clock = new VirtualClock();
    const address = { ...ENGINE, requestId: 0x800 };
    expect(() => openIsoTpChannel(new FakeCanLink(clock), address, DEFAULT_ISOTP_OPTIONS, clock)).toThrow(RangeError);
  });
});
