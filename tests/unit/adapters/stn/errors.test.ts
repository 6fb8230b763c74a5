import { describe, expect, it } from 'vitest';
import { isStackError, StackError } from '#contract/errors.ts';
import type { DiagChannel } from '#contract/isotp.ts';
import { caught, codeOf, heard, hex, message, openTo, StnBench } from './bench.ts';

/** What a device says to a request of 2 bytes: the words, the error of the sending, what the channel tells. */
const WORDS: readonly (readonly [string, string, readonly string[]])[] = [
  ['NO DATA', 'null', []],
  ['?', 'adapter/refused', []],
  ['CAN ERROR', 'can/bus-error', []],
  ['BUS BUSY', 'can/bus-error', []],
  ['BUS ERROR', 'can/bus-error', []],
  ['FB ERROR', 'can/bus-error', []],
  ['UNABLE TO CONNECT', 'can/bus-error', []],
  ['BUFFER FULL', 'null', ['failed adapter/buffer-full']],
  ['OUT OF MEMORY', 'adapter/buffer-full', []],
  ['UART RX OVERFLOW', 'adapter/stopped', []],
  ['FC RX TIMEOUT', 'isotp/timeout-n-bs', []],
  ['DATA ERROR', 'null', ['failed isotp/unexpected-pdu']],
  ['77862F190<DATA ERROR', 'null', ['started 3', 'failed isotp/unexpected-pdu']],
  ['77862F190 <RX ERROR', 'null', ['started 3', 'failed isotp/unexpected-pdu']],
  ['77862F19041BUFFER FULL', 'null', ['failed adapter/buffer-full']],
  ['STOPPED', 'adapter/stopped', []],
  ['77862F190STOPPED', 'adapter/stopped', []],
  ['ERR12', 'adapter/stopped', []],
  ['ERR94', 'adapter/reset', []],
  ['LV RESET', 'adapter/reset', []],
  ['ELM327 v1.4b', 'adapter/reset', []],
  ['STN2120 v5.6.19', 'adapter/reset', []],
  ['LP ALERT', 'adapter/asleep', []],
  ['!LP ALERT', 'adapter/asleep', []],
  ['ACT ALERT', 'adapter/asleep', []],
  ['77862F19', 'null', ['failed isotp/unexpected-pdu']], // half a byte is missing
  ['778', 'null', ['failed isotp/unexpected-pdu']],
  ['0001', 'null', ['failed isotp/unexpected-pdu']],
  ['778 62 F1 90', 'null', ['778 62F190']], // spaces came back on
  ['SEARCHING...77862F190', 'null', ['778 62F190']],
  ['HELLO', 'null', ['failed isotp/unexpected-pdu']],
];

interface Outcome {
  readonly error: unknown;
  readonly events: readonly string[];
  /** Whatever it was, the next request goes its way: its outcome and events. */
  readonly next: readonly string[];
}

/** The answer to one STPX, put out in two parts at each of the splits, or one byte at a time; on one and the same bus. */
async function say(
  words: string,
  splits: readonly (number | 'one-byte')[],
  pdu = '3E00',
): Promise<{ readonly outcomes: readonly Outcome[]; readonly bench: StnBench }> {
  const bench = new StnBench();
  const { device, port, clock } = bench;
  const output = `${words}\r\r>`;
  const once = async (channel: DiagChannel, told: string[], split: number | 'one-byte'): Promise<Outcome> => {
    told.length = 0;
    device.scripted.push({ command: /^STPX/, output: null });
    port.delivery = split === 'one-byte' ? 'one-byte' : 'as-sent';
    const sending = caught(channel.sendPdu(hex(pdu)));
    await clock.sleep(100);
    if (split !== 'one-byte') {
      device.say(output.slice(0, split));
      await clock.sleep(3);
    }
    device.say(split === 'one-byte' ? output : output.slice(split));
    const error = await sending;
    await clock.sleep(3000);
    const events = told.splice(0);
    const again = await caught(channel.sendPdu(hex('22F190')));
    await clock.sleep(100);
    return { error, events, next: [codeOf(again), ...told] };
  };
  const outcomes = await clock.run(async () => {
    const { bus } = await bench.openBus();
    const channel = openTo(bus, 0x70e, 0x778);
    const told = heard(channel);
    const all: Outcome[] = [];
    for (const split of splits) all.push(await once(channel, told, split));
    return all;
  });
  return { outcomes, bench };
}

describe('STN words', () => {
  it.each(WORDS)('%s ends the request with %s and tells %j, at every split', async (words, code, told) => {
    const splits = [...Array(words.length + 4).keys(), 'one-byte' as const];
    const { outcomes, bench } = await say(words, splits);
    for (const [i, { error, events, next }] of outcomes.entries()) {
      expect([codeOf(error), events], `split ${splits[i]}`).toEqual([code, told]);
      expect(next, `split ${splits[i]}`).toEqual(['null', '778 62F190']);
    }
    expect(outcomes.length).toBe(splits.length);
    expect(bench.device.violations).toEqual([]);
  });

  it('no error carries the bytes of the request: they may be a key', async () => {
    for (const words of ['?', 'STOPPED', 'OUT OF MEMORY', 'UART RX OVERFLOW', 'CAN ERROR', 'ERR12']) {
      const { outcomes } = await say(words, [0], '2702AABBCCDD');
      const error = outcomes[0]?.error;
      expect(error).toBeInstanceOf(StackError);
      expect(JSON.stringify([String(error), error])).not.toMatch(/AABBCC/);
    }
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      bench.device.scripted.push({ command: /^STPX/, output: null });
      const channel = openTo(bus, 0x70e, 0x778);
      const events: unknown[] = [];
      channel.onEvent((event) => void (event.type === 'failed' && events.push(event.error.message)));
      await channel.sendPdu(hex('2702AABBCCDD'));
      await bench.clock.sleep(70_000);
      expect(events.length).toBe(1);
      expect(String(events)).not.toMatch(/AABBCC/);
    });
  });

  it('an answer cut by the loss of bytes on the line is reported, not delivered', async () => {
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      const events = heard(channel);
      bench.device.scripted.push({ command: /^STPX/, output: null });
      const sending = channel.sendPdu(hex('22F190'));
      await bench.clock.sleep(10);
      bench.device.say('77862F19041');
      await bench.clock.sleep(1);
      bench.port.softError('BufferOverrunError');
      await bench.clock.sleep(1);
      bench.device.say('42434445\r\r>');
      await sending;
      expect(events).toEqual(['failed isotp/unexpected-pdu']);
    });
  });

  it('an answer that the device drops without a word is silence, in bounded time', async () => {
    const bench = new StnBench();
    bench.ecu.answer = () => [];
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      const events = heard(channel);
      const from = bench.clock.now();
      await channel.sendPdu(hex('22F190'));
      expect(bench.clock.now() - from).toBeLessThan(600);
      await bench.clock.sleep(61_000);
      expect(events).toEqual([]);
      expect(bench.device.isBusy).toBe(false);
    });
  });
});

describe('STN long messages', () => {
  it('sends 4095 bytes behind DATA> and takes an answer of 4095', async () => {
    const bench = new StnBench();
    const answer = message(4095, 0x76);
    bench.ecu.answer = () => [{ afterMs: 30, hex: Buffer.from(answer).toString('hex') }];
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      const pdus: Uint8Array[] = [];
      channel.onEvent((event) => void (event.type === 'message' && pdus.push(event.pdu)));
      await channel.sendPdu(message(4095));
      expect(bench.ecu.received).toEqual([message(4095)]);
      expect(pdus).toEqual([answer]);
      expect(bench.device.commands.at(-1)).toBe('STPXH:70E,L:4095,T:60000');
    });
    expect(bench.device.violations).toEqual([]);
  });

  it('at 115200 baud a second of text is not taken for silence', async () => {
    const bench = new StnBench({ device: { paced: true } });
    const answer = Buffer.from(message(4095, 0x62)).toString('hex');
    bench.ecu.answer = (pdu) => [{ afterMs: 30, hex: pdu[0] === 0x3e ? '7E00' : answer }];
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      const events = heard(channel);
      await channel.sendPdu(hex('3E00'));
      const from = bench.clock.now();
      await channel.sendPdu(hex('22F190'));
      expect(bench.clock.now() - from).toBeGreaterThan(700);
      expect(events.map((text) => text.slice(0, 12))).toEqual(['778 7E00', 'started 4095', '778 62070E15']);
    });
  });

  it.each([0, 1, 2, 3, 4])('DATA> split after %d characters is DATA>', async (split) => {
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      bench.device.scripted.push({ command: /^STPX/, output: null });
      const sending = caught(channel.sendPdu(message(600)));
      await bench.clock.sleep(10);
      bench.device.say('DATA>'.slice(0, split));
      await bench.clock.sleep(50);
      expect(bench.device.waitsForData).toBe(false);
      const writes: number[] = [];
      bench.port.onWrite((bytes) => writes.push(bytes.length));
      bench.device.say('DATA>'.slice(split));
      await bench.clock.sleep(50);
      expect(writes).toEqual([1200]);
      bench.device.say('7787601\r\r>');
      expect(await sending).toBe(null);
    });
  });

  it('OUT OF MEMORY: not one byte of the message is written, and it proves that nothing was sent', async () => {
    const bench = new StnBench({ device: { longestMessage: 2000 } });
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      const error = await caught(channel.sendPdu(message(2001)));
      expect(isStackError(error, 'isotp/message-too-long') && error.details).toEqual({
        lengthBytes: 2001,
        maxBytes: 2000,
      });
      expect(bench.device.commands.at(-1)).toBe('STPXH:70E,L:2001,T:60000');
      await channel.sendPdu(message(2000));
      expect(bench.ecu.received).toEqual([message(2000)]);
    });
    expect(bench.device.violations).toEqual([]);
  });

  it('a message longer than the chip carries is refused without a byte to the device', async () => {
    const bench = new StnBench({ device: { st: 'STN1110 v4.3.0', product: 'OBDLink SX r4.2' } });
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      const before = bench.device.commands.length;
      const error = await caught(channel.sendPdu(message(2048)));
      expect(isStackError(error, 'isotp/message-too-long') && error.details.maxBytes).toBe(2047);
      expect(bench.device.commands.length).toBe(before);
    });
  });

  it.each([
    ['STN1110 v4.3.0', 0x1ff, 244, 245],
    ['STN2120 v5.6.19', 0x3ff, 500, 501],
  ])('%s: a line of %i characters is not exceeded, DATA> from there on', async (st, commandChars, line, data) => {
    const bench = new StnBench({ device: { st, commandChars } });
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      await channel.sendPdu(message(line));
      expect(bench.device.commands.at(-1)).toMatch(/,D:/);
      await channel.sendPdu(message(data));
      expect(bench.device.commands.at(-1)).toMatch(/,L:/);
      expect(bench.ecu.received).toEqual([message(line), message(data)]);
    });
    expect(bench.device.violations).toEqual([]);
  });

  it('a refusal after the whole message is no refusal instead of a flow control', async () => {
    const bench = new StnBench();
    bench.ecu.answer = () => [{ afterMs: 5, hex: '7F2E31' }];
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      const events = heard(channel);
      const from = bench.clock.now();
      await channel.sendPdu(message(40, 0x2e));
      expect(events).toEqual(['778 7F2E31']);
      expect(bench.clock.now() - from).toBeLessThan(1500);
      bench.ecu.refusal = '7F2E33';
      expect(codeOf(await caught(channel.sendPdu(message(40, 0x2e))))).toBe('isotp/refused-while-sending');
      expect(bench.ecu.received.length).toBe(1);
    });
  });

  it('cancelled while the device waits for its bytes: it gets them and is stopped at the first frame', async () => {
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      bench.device.scripted.push({ command: /^STPX/, output: null });
      const stop = new AbortController();
      const sending = caught(channel.sendPdu(message(600), { signal: stop.signal }));
      await bench.clock.sleep(10);
      const from = bench.clock.now();
      stop.abort();
      expect(codeOf(await sending)).toBe('call/aborted');
      expect(bench.clock.now()).toBe(from);
      const writes: number[] = [];
      bench.port.onWrite((bytes) => writes.push(bytes.length));
      bench.device.say('DATA>');
      await bench.clock.sleep(10);
      expect(writes).toEqual([1200, 1]);
      bench.port.onWrite((bytes) => bench.device.write(bytes));
      bench.device.say('STOPPED\r\r>');
      await channel.sendPdu(hex('3E00'));
      expect(bench.device.sent).toEqual(['70E 3E00']);
    });
  });
});
