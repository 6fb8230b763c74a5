import { describe, expect, it } from 'vitest';
import { type ChannelEvent, DEFAULT_ISOTP_OPTIONS, type IsoTpAddress, type IsoTpOptions } from '#contract/isotp.ts';
import { type IsoTpChannelExtras, openIsoTpChannel } from '#link/isotp/index.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { FakeCanLink } from './fake-can-link.ts';
import { ENGINE, recordFunctional } from './machine-recorder.ts';

const OBD: IsoTpAddress = { format: 'normal', requestId: 0x7df, responseId: 0x7e8, extendedId: false };
const OBD_RANGE = { responseRange: { from: 0x7e8, to: 0x7ef } };
const physicalOf = (responseId: number): IsoTpAddress => ({
  format: 'normal',
  requestId: responseId - 8,
  responseId,
  extendedId: false,
});

function open(
  link: FakeCanLink,
  clock: VirtualClock,
  address: IsoTpAddress,
  options: Partial<IsoTpOptions>,
  extras: IsoTpChannelExtras = {},
) {
  const channel = openIsoTpChannel(link, address, { ...DEFAULT_ISOTP_OPTIONS, ...options }, clock, extras);
  const events: ChannelEvent[] = [];
  channel.onEvent((event) => events.push(event));
  return { channel, events };
}

const messages = (events: readonly ChannelEvent[]) =>
  events.flatMap((event) => (event.type === 'message' ? [`${event.source} ${event.pdu.join(' ')}`] : []));

describe('a functional channel', () => {
  it('sends single frames only: 7 bytes go, 8 do not', () => {
    const all = recordFunctional(OBD, OBD_RANGE);
    expect(all.send('01 02 03 04 05 06 07').confirm().take()).toEqual(['> 7DF 07 01 02 03 04 05 06 07', 'sent']);
    expect(() => all.send('01 02 03 04 05 06 07 08')).toThrow(
      expect.objectContaining({ code: 'isotp/message-too-long', details: { lengthBytes: 8, maxBytes: 7 } }),
    );
  });

  it('T07 answers of several ECUs are told apart by their source; ids outside the range are not heard', async () => {
    const clock = new VirtualClock();
    const link = new FakeCanLink(clock);
    const { channel, events } = open(link, clock, OBD, { ...OBD_RANGE, functional: true }, { physicalOf });
    expect(channel.functional).toBe(true);
    await clock.run(channel.sendPdu(Uint8Array.of(0x3e, 0x00)));
    for (const id of [0x7e8, 0x7e9, 0x7f0, 0x7e7, 0x7ef]) await clock.run(link.fromBus(id, [2, 0x7e, 0]));
    expect(messages(events)).toEqual(['7E0-7E8 126 0', '7E1-7E9 126 0', '7E7-7EF 126 0']);
  });

  it('T07 two interleaved multi-frame answers are put together per id, each with a flow control to its own ECU', async () => {
    const clock = new VirtualClock();
    const link = new FakeCanLink(clock);
    const { events } = open(link, clock, OBD, { ...OBD_RANGE, functional: true }, { physicalOf });
    await clock.run(link.fromBus(0x7e8, [0x10, 9, 1, 2, 3, 4, 5, 6]));
    await clock.run(link.fromBus(0x7ea, [0x10, 8, 11, 12, 13, 14, 15, 16]));
    await clock.run(link.fromBus(0x7ea, [0x21, 17, 18]));
    await clock.run(link.fromBus(0x7e8, [0x21, 7, 8, 9]));
    await clock.advance(1);
    expect(link.wire.map(({ id, data }) => [id, data[0]])).toEqual([
      [0x7e0, 0x30],
      [0x7e2, 0x30],
    ]);
    expect(messages(events)).toEqual(['7E2-7EA 11 12 13 14 15 16 17 18', '7E0-7E8 1 2 3 4 5 6 7 8 9']);
  });

  it('an unknown responder’s single frame is delivered with its id; its first frame gets no flow control and is ignored', () => {
    const all = recordFunctional(OBD, OBD_RANGE);
    all.feed('10 09 01 02 03 04 05 06', 0x7e9).feed('21 07 08 09', 0x7e9).feed('02 7E 00', 0x7e9);
    expect(all.take()).toEqual(['message 7E 00']);
  });

  it('the source of an unknown responder names the functional id and the id it answered with', async () => {
    const clock = new VirtualClock();
    const link = new FakeCanLink(clock);
    const { events } = open(link, clock, OBD, { ...OBD_RANGE, functional: true });
    await clock.run(link.fromBus(0x7e9, [2, 0x7e, 0]));
    expect(messages(events)).toEqual(['7DF-7E9 126 0']);
  });

  it('normal fixed: 18DB33F1 out, flow control to 18DA10F1, the address of the responder is in its id', async () => {
    const clock = new VirtualClock();
    const link = new FakeCanLink(clock);
    const address: IsoTpAddress = { format: 'normal-fixed', target: 0x33, source: 0xf1, functional: true };
    const { channel, events } = open(link, clock, address, {});
    await clock.run(channel.sendPdu(Uint8Array.of(0x22, 0xf1, 0x90)));
    await clock.run(link.fromBus(0x18daf110, [0x10, 8, 1, 2, 3, 4, 5, 6], true));
    await clock.run(link.fromBus(0x18daf110, [0x21, 7, 8], true));
    await clock.run(link.fromBus(0x18daf210, [0x02, 0x7e, 0], true)); // answers another tester
    await clock.advance(1);
    expect(link.wire.map(({ id }) => id.toString(16))).toEqual(['18db33f1', '18da10f1']);
    expect(messages(events)).toEqual(['18DA10F1-18DAF110 1 2 3 4 5 6 7 8']);
  });

  it('BMW: request to DF on 6F1; the flow control carries the address byte of the ECU that answers', async () => {
    const clock = new VirtualClock();
    const link = new FakeCanLink(clock);
    const ecu = (responseId: number): IsoTpAddress => ({
      format: 'extended',
      requestId: 0x6f1,
      responseId,
      extendedId: false,
      target: responseId - 0x600,
      source: 0xf1,
    });
    const address = { ...ecu(0x612), target: 0xdf } as IsoTpAddress;
    const options = { functional: true, padding: 0xff, responseRange: { from: 0x600, to: 0x6f0 } };
    const { channel, events } = open(link, clock, address, options, { physicalOf: ecu });
    await clock.run(channel.sendPdu(Uint8Array.of(0x3e, 0x00)));
    await clock.run(link.fromBus(0x612, [0xf1, 0x10, 7, 1, 2, 3, 4, 5]));
    await clock.run(link.fromBus(0x612, [0xf1, 0x21, 6, 7]));
    await clock.run(link.fromBus(0x640, [0xf1, 2, 0x7e, 0]));
    await clock.advance(1);
    expect(link.wire.map(({ data }) => [...data])).toEqual([
      [0xdf, 2, 0x3e, 0, 0xff, 0xff, 0xff, 0xff],
      [0x12, 0x30, 0, 0, 0xff, 0xff, 0xff, 0xff],
    ]);
    expect(messages(events)).toEqual(['6F1-612/12 1 2 3 4 5 6 7', '6F1-640/40 126 0']);
  });

  it('an ECU with a channel of its own gets one flow control, not two; both channels hear the message', async () => {
    const clock = new VirtualClock();
    const link = new FakeCanLink(clock);
    const all = open(link, clock, OBD, { ...OBD_RANGE, functional: true }, { physicalOf });
    const second = open(link, clock, OBD, { ...OBD_RANGE, functional: true }, { physicalOf });
    const own = open(link, clock, ENGINE, {});
    const receive = async () => {
      await clock.run(link.fromBus(0x7e8, [0x10, 8, 1, 2, 3, 4, 5, 6]));
      await clock.run(link.fromBus(0x7e8, [0x21, 7, 8]));
      await clock.advance(1);
      return link.wire.splice(0).length;
    };
    expect(await receive()).toBe(1);
    for (const { events } of [all, second, own]) expect(messages(events)).toEqual(['7E0-7E8 1 2 3 4 5 6 7 8']);
    await own.channel.close();
    expect(await receive()).toBe(1);
    await all.channel.close();
    expect(await receive()).toBe(1);
    expect(messages(second.events)).toHaveLength(3);
  });

  it('hears 256 ids at most, and no 29-bit id on an 11-bit address', () => {
    const all = recordFunctional(OBD, { responseRange: { from: 0x600, to: 0x7ff } });
    for (let id = 0x600; id <= 0x7ff; id++) all.feed('01 7E', id);
    expect(all.take()).toHaveLength(256);
    all.machine.onFrame({ id: 0x600, extended: true, data: Uint8Array.of(1, 0x7e) }, 0);
    expect(all.take()).toEqual([]);
  });

  it('a message too long gets its OVERFLOW from the ECU’s own channel alone', async () => {
    const clock = new VirtualClock();
    const link = new FakeCanLink(clock);
    const { events } = open(link, clock, OBD, { ...OBD_RANGE, functional: true, maxReceiveBytes: 10 }, { physicalOf });
    open(link, clock, ENGINE, { maxReceiveBytes: 10 });
    await clock.run(link.fromBus(0x7e8, [0x10, 20, 1, 2, 3, 4, 5, 6]));
    await clock.advance(1);
    expect(link.wire.map(({ data }) => data[0])).toEqual([0x32]);
    expect(events.map(({ type }) => type)).toEqual(['failed']);
  });

  it('a lost frame of one responder does not disturb the other', async () => {
    const clock = new VirtualClock();
    const link = new FakeCanLink(clock);
    const { events } = open(link, clock, OBD, { ...OBD_RANGE, functional: true }, { physicalOf });
    await clock.run(link.fromBus(0x7e8, [0x10, 20, 1, 2, 3, 4, 5, 6]));
    await clock.run(link.fromBus(0x7e9, [0x10, 8, 1, 2, 3, 4, 5, 6]));
    await clock.run(link.fromBus(0x7e8, [0x22, 0, 0, 0, 0, 0, 0, 0]));
    await clock.run(link.fromBus(0x7e9, [0x21, 7, 8]));
    expect(events.map((event) => `${event.source} ${event.type === 'failed' ? event.error.code : event.type}`)).toEqual(
      ['7E0-7E8 started', '7E1-7E9 started', '7E0-7E8 isotp/wrong-sn', '7E1-7E9 message'],
    );
  });
});
