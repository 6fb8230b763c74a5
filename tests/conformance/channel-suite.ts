import { describe, expect, it } from 'vitest';
import { isStackError } from '#contract/errors.ts';
import type { ChannelEvent, DiagChannel } from '#contract/isotp.ts';
import type { VirtualClock } from '../support/virtual-clock.ts';

/** One channel with its ECU, seen from both ends, in whole messages: where the segmentation happens does not show. */
export interface ChannelHarness {
  readonly clock: VirtualClock;
  open(): Promise<DiagChannel>;
  /** Whole messages the ECU got so far. */
  received(): readonly Uint8Array[];
  /** The ECU sends a message; resolves when its last frame was on the wire. */
  answer(pdu: Uint8Array): Promise<void>;
  /** The ECU begins a message of `lengthBytes` and stops after its first frame. */
  beginAnswer(lengthBytes: number): Promise<void>;
  /** `false`: the ECU hears nothing from now on, so it sends no flow control either. */
  listen(on: boolean): void;
  /** The ECU meets the next segmented message with this answer instead of its first flow control. */
  refuseNext(pdu: Uint8Array): void;
  /** The adapter goes away. */
  unplug(): void;
}

const LIMIT_MS = 60_000;

const message = (lengthBytes: number, first = 0x36) =>
  Uint8Array.from({ length: lengthBytes }, (_, i) => (i === 0 ? first : (i * 7) & 0xff));

const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

function listenTo(channel: DiagChannel): ChannelEvent[] {
  const events: ChannelEvent[] = [];
  channel.onEvent((event) => events.push(event));
  return events;
}

const messagesOf = (events: readonly ChannelEvent[]) =>
  events.flatMap((event) => (event.type === 'message' ? [event.pdu] : []));

/** What every channel to one ECU promises (contract/isotp.ts). */
export function channelSuite(name: string, makeHarness: () => ChannelHarness): void {
  /** Opens, runs, closes, all in virtual time. */
  const withChannel =
    (test: (harness: ChannelHarness, channel: DiagChannel, events: readonly ChannelEvent[]) => Promise<void>) =>
    async (): Promise<void> => {
      const harness = makeHarness();
      await harness.clock.run(async () => {
        const channel = await harness.open();
        await test(harness, channel, listenTo(channel));
        await channel.close();
      });
    };

  describe(`${name}: channel`, () => {
    it(
      'carries messages of 1, 6, 7, 8, 62, 300 and 4095 bytes to the ECU, whole and in order',
      withChannel(async (harness, channel) => {
        const sent = [1, 6, 7, 8, 62, 300, 4095].map((length) => message(length));
        for (const pdu of sent) await channel.sendPdu(pdu);
        await harness.clock.sleep(100);
        expect(harness.received()).toEqual(sent);
      }),
    );

    it(
      'carries messages of 1, 6, 7, 8, 62, 300 and 4095 bytes from the ECU, whole and in order',
      withChannel(async (harness, channel, events) => {
        const sent = [1, 6, 7, 8, 62, 300, 4095].map((length) => message(length, 0x62));
        for (const pdu of sent) await harness.answer(pdu);
        await harness.clock.sleep(100);
        expect(messagesOf(events)).toEqual(sent);
        expect(new Set(events.map(({ source }) => source))).toEqual(new Set([channel.moduleId]));
      }),
    );

    it(
      'tells the begin of a long answer with its length before the message, never of a short one',
      withChannel(async (harness, _channel, events) => {
        await harness.answer(message(5, 0x62));
        await harness.answer(message(40, 0x62));
        await harness.clock.sleep(100);
        expect(events.map(({ type }) => type)).toEqual(['message', 'started', 'message']);
        const [, started, last] = events;
        expect(started?.type === 'started' && started.lengthBytes).toBe(40);
        expect(started?.atMs).toBeLessThanOrEqual(last?.atMs ?? -1);
      }),
    );

    it(
      'gives each message its own bytes: what a listener does to one does not reach another',
      withChannel(async (harness, _channel, events) => {
        await harness.answer(message(20, 0x62));
        await harness.clock.sleep(100);
        messagesOf(events)[0]?.fill(0xee);
        await harness.answer(message(20, 0x62));
        await harness.clock.sleep(100);
        expect(messagesOf(events)[1]).toEqual(message(20, 0x62));
      }),
    );

    it(
      'takes one message at a time: the second is isotp/busy and leaves the first alone',
      withChannel(async (harness, channel) => {
        const first = channel.sendPdu(message(100));
        expect(isStackError(await caught(channel.sendPdu(message(3))), 'isotp/busy')).toBe(true);
        await first;
        await harness.clock.sleep(100);
        expect(harness.received()).toEqual([message(100)]);
      }),
    );

    it(
      'an ECU that never sends a flow control ends a long message with an error, in bounded time, and the channel goes on',
      withChannel(async (harness, channel) => {
        harness.listen(false);
        const from = harness.clock.now();
        const error = await caught(channel.sendPdu(message(40)));
        expect(isStackError(error)).toBe(true);
        expect(harness.clock.now() - from).toBeLessThan(LIMIT_MS);
        harness.listen(true);
        await channel.sendPdu(message(40));
        await harness.clock.sleep(100);
        expect(harness.received()).toEqual([message(40)]);
      }),
    );

    it(
      'an answer instead of a flow control stops the message (isotp/refused-while-sending) and is delivered',
      withChannel(async (harness, channel, events) => {
        harness.refuseNext(Uint8Array.of(0x7f, 0x2e, 0x33));
        expect(isStackError(await caught(channel.sendPdu(message(40, 0x2e))), 'isotp/refused-while-sending')).toBe(
          true,
        );
        await harness.clock.sleep(100);
        expect(messagesOf(events)).toEqual([Uint8Array.of(0x7f, 0x2e, 0x33)]);
        expect(harness.received()).toEqual([]);
      }),
    );

    it(
      'an answer that stops after its first frame is reported as failed, once, and the next one arrives',
      withChannel(async (harness, _channel, events) => {
        await harness.beginAnswer(40);
        await harness.clock.sleep(10_000);
        expect(events.map(({ type }) => type)).toEqual(['started', 'failed']);
        await harness.answer(message(40, 0x62));
        await harness.clock.sleep(100);
        expect(messagesOf(events)).toEqual([message(40, 0x62)]);
      }),
    );

    it(
      'cancelling ends the wait with call/aborted; a signal that was aborted before sends nothing',
      withChannel(async (harness, channel) => {
        const before = await caught(channel.sendPdu(message(3), { signal: AbortSignal.abort() }));
        expect(isStackError(before, 'call/aborted')).toBe(true);
        await harness.clock.sleep(100);
        expect(harness.received()).toEqual([]);
        harness.listen(false);
        const cancel = new AbortController();
        const sending = caught(channel.sendPdu(message(40), { signal: cancel.signal }));
        await harness.clock.sleep(50);
        const from = harness.clock.now();
        cancel.abort();
        expect(isStackError(await sending, 'call/aborted')).toBe(true);
        expect(harness.clock.now()).toBe(from);
        harness.listen(true);
        await channel.sendPdu(message(40));
        await harness.clock.sleep(100);
        expect(harness.received()).toEqual([message(40)]);
      }),
    );

    it(
      'timeoutMs bounds the whole call',
      withChannel(async (harness, channel) => {
        harness.listen(false);
        const from = harness.clock.now();
        expect(isStackError(await caught(channel.sendPdu(message(40), { timeoutMs: 200 })), 'call/timeout')).toBe(true);
        expect(harness.clock.now() - from).toBeCloseTo(200, 6);
      }),
    );

    it(
      'a listener that unsubscribed hears nothing more, the others do',
      withChannel(async (harness, channel, events) => {
        const heard: ChannelEvent[] = [];
        const stop = channel.onEvent((event) => heard.push(event));
        await harness.answer(message(3, 0x62));
        await harness.clock.sleep(100);
        stop();
        stop();
        await harness.answer(message(3, 0x62));
        await harness.clock.sleep(100);
        expect([heard.length, events.length]).toEqual([1, 2]);
      }),
    );

    it('closing settles `closed`, ends the message on its way and all events; twice is once', async () => {
      const harness = makeHarness();
      await harness.clock.run(async () => {
        const channel = await harness.open();
        const events = listenTo(channel);
        harness.listen(false);
        const sending = caught(channel.sendPdu(message(40)));
        await harness.clock.sleep(10);
        await Promise.all([channel.close(), channel.close()]);
        expect(await channel.closed).toEqual({ kind: 'closed' });
        expect(isStackError(await sending)).toBe(true);
        expect(isStackError(await caught(channel.sendPdu(message(3))))).toBe(true);
        harness.listen(true);
        await harness.answer(message(3, 0x62));
        await harness.clock.sleep(100);
        expect(events).toEqual([]);
        expect(harness.received()).toEqual([]);
      });
    });

    it('the loss of the adapter settles `closed` as lost and ends the message on its way', async () => {
      const harness = makeHarness();
      await harness.clock.run(async () => {
        const channel = await harness.open();
        harness.listen(false);
        const sending = caught(channel.sendPdu(message(40)));
        await harness.clock.sleep(10);
        harness.unplug();
        expect((await channel.closed).kind).toBe('lost');
        expect(isStackError(await sending)).toBe(true);
        expect(harness.clock.now()).toBeLessThan(1000);
        expect(isStackError(await caught(channel.sendPdu(message(3))))).toBe(true);
      });
    });
  });
}
