import { describe, expect, it } from 'vitest';
import { isStackError } from '#contract/errors.ts';
import { caught, codeOf, heard, hex, message, openTo, StnBench } from './bench.ts';

/**
 * One coding write with a 78 in between, whole life of the adapter around it. After `cutAfter` bytes in both directions
 * together `cut` happens. Returns how many bytes there were.
 */
async function exchange(cutAfter: number, cut: (bench: StnBench) => void, pdu: Uint8Array) {
  const bench = new StnBench();
  bench.ecu.answer = () => [
    { afterMs: 20, hex: '7F2E78' },
    { afterMs: 500, hex: '6E0600' },
  ];
  let count = 0;
  const spend = (bytes: Uint8Array): Uint8Array => {
    const before = count;
    count += bytes.length;
    if (before >= cutAfter || count < cutAfter) return before >= cutAfter ? new Uint8Array() : bytes;
    queueMicrotask(() => cut(bench));
    return bytes.subarray(0, cutAfter - before);
  };
  let armed = false;
  bench.port.onWrite((bytes) => bench.device.write(armed ? spend(bytes) : bytes));
  return bench.clock.run(async () => {
    const adapter = await bench.openAdapter();
    const bus = await adapter?.isoTp?.open({ bitRate: 500_000 });
    if (!adapter || !bus) throw new Error('not opened');
    const channel = openTo(bus, 0x70e, 0x778);
    const events = heard(channel);
    armed = true;
    const from = bench.clock.now();
    const error = await caught(channel.sendPdu(pdu));
    const settledMs = bench.clock.now() - from;
    await bench.clock.sleep(600);
    return { bench, adapter, bus, channel, events, error, settledMs, count };
  });
}

const WRITE = message(12, 0x2e);
const LONG = message(600, 0x2e);

describe('STN loss', () => {
  it.each([
    ['12 bytes in one line', WRITE],
    ['600 bytes behind DATA>', LONG],
  ])('unplugged after any byte to the device (%s): everything ends, bounded, as lost', async (_, pdu) => {
    const whole = await exchange(Number.POSITIVE_INFINITY, () => undefined, pdu);
    expect([codeOf(whole.error), whole.events]).toEqual(['null', ['778 7F2E78', '778 6E0600']]);
    const step = whole.count > 200 ? 37 : 1;
    for (let n = 1; n <= whole.count; n += step) {
      const { error, settledMs, adapter, bus, channel, bench } = await exchange(n, ({ port }) => port.unplug(), pdu);
      await bench.clock.run(async () => {
        expect(isStackError(error, 'transport/lost'), `byte ${n}: ${codeOf(error)}`).toBe(true);
        expect(settledMs).toBeLessThan(1000);
        expect([(await channel.closed).kind, (await bus.closed).kind, (await adapter.closed).kind]).toEqual([
          'lost',
          'lost',
          'lost',
        ]);
        expect(isStackError(await caught(channel.sendPdu(hex('3E00'))), 'transport/lost')).toBe(true);
        await adapter.close();
      });
      expect(bench.device.violations).toEqual([]);
      // A request of which a byte is missing never reached the bus.
      if (n < whole.count) expect(bench.device.sent).toEqual([]);
    }
  });

  it('unplugged after any byte from the device: told by the channel, nothing is sent again', async () => {
    const answer = '7787F2E78\r7786E0600\r';
    for (let n = 1; n <= answer.length; n++) {
      const bench = new StnBench();
      await bench.clock.run(async () => {
        const { adapter, bus } = await bench.openBus();
        const channel = openTo(bus, 0x70e, 0x778);
        const events = heard(channel);
        bench.device.scripted.push({ command: /^STPX/, output: null });
        const sending = caught(channel.sendPdu(hex('2E060001')));
        await bench.clock.sleep(5);
        bench.device.say(answer.slice(0, n));
        await bench.clock.sleep(5);
        bench.port.unplug();
        const error = await sending;
        expect(codeOf(error), `byte ${n}`).toBe(n < 10 ? 'transport/lost' : 'null');
        expect((await channel.closed).kind).toBe('lost');
        expect(events.filter((text) => text.startsWith('778')).length).toBe(n < 10 ? 0 : n < answer.length ? 1 : 2);
        await adapter.close();
      });
      expect(bench.device.commands.filter((text) => text.startsWith('STPX')).length).toBe(1);
    }
  });

  it.each(['ELM327 v1.4b', 'LV RESET', null])(
    'restarted by itself in the middle (%s): an error, then everything is set up anew before the next request',
    async (banner) => {
      const bench = new StnBench();
      await bench.clock.run(async () => {
        const { bus } = await bench.openBus();
        const channel = openTo(bus, 0x70e, 0x778);
        const events = heard(channel);
        const flags: string[] = [];
        bus.onBusError((text) => flags.push(text));
        bench.ecu.answer = () => [];
        const sending = caught(channel.sendPdu(hex('2E060001')));
        await bench.clock.sleep(100);
        bench.device.restart(banner);
        const error = await sending;
        expect(codeOf(error)).toBe(banner === null ? 'null' : 'adapter/reset');
        const from = bench.device.commands.length;
        bench.ecu.answer = () => [{ afterMs: 5, hex: '62060001' }];
        // Without a banner the device does not heed the interrupt, and its echo tells.
        await channel.sendPdu(hex('220600'));
        expect(events).toEqual(['778 62060001']);
        expect(bench.device.commands.slice(from)).toEqual(
          expect.arrayContaining(['STI', 'STP33', 'STCSEGR1', 'STFPA778,7FF', 'STCFCPA70E,778']),
        );
        expect(flags.some((text) => text.startsWith('reset'))).toBe(true);
      });
      expect(bench.device.sent.filter((text) => text.includes('2E')).length).toBe(1);
      expect(bench.device.violations.filter((text) => text.startsWith('STPX'))).toEqual([]);
    },
  );

  it('another device behind the same port after a restart is refused', async () => {
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      bench.device.restart('ELM327 v1.4b');
      await bench.clock.sleep(10);
      bench.device.st = 'STN1110 v4.3.0';
      expect(codeOf(await caught(channel.sendPdu(hex('3E00'))))).toBe('adapter/identity-changed');
    });
    expect(bench.device.sent).toEqual([]);
  });

  it('a device that does not stop for us gets no request until it said who it is', async () => {
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      const events = heard(channel);
      await channel.sendPdu(hex('22F190'));
      bench.port.swallowsWrites = true; // the interrupt does not get through
      const sending = caught(channel.sendPdu(hex('2E060001')));
      await bench.clock.sleep(500);
      bench.port.swallowsWrites = false;
      expect(await sending).toBe(null);
      expect(events).toEqual(['778 62F190', '778 6E0600']);
      const { commands } = bench.device;
      expect(commands.slice(commands.lastIndexOf('ATI'))).toEqual(expect.arrayContaining(['STI', 'STP33']));
    });
    expect(bench.device.sent).toEqual(['70E 22F190', '70E 2E060001']);
    expect(bench.device.violations).toEqual([]);
  });

  it('a device that is dead says so, without the bytes of the request, and the bus lives on', async () => {
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const { adapter, bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      await channel.sendPdu(hex('22F190'));
      bench.port.swallowsWrites = true;
      const error = await caught(channel.sendPdu(hex('2702AABBCCDD')));
      expect(codeOf(error)).toBe('adapter/no-answer');
      expect(String(error)).not.toMatch(/AABB/);
      await adapter.close();
      expect(await adapter.closed).toEqual({ kind: 'closed' });
    });
  });
});
