import { describe, expect, it } from 'vitest';
import { toHex } from '#base/hex.ts';
import { isStackError } from '#contract/errors.ts';
import type { ElmVariant } from '../../../support/elm-device.ts';
import { AT_500K, bench, bytes, caught, ENGINE, GATEWAY, hex, listenTo, OPTIONS, shown, VIN } from './bench.ts';

const V14B: ElmVariant = { missing: ['ATCTM', 'ATAMC'] };

describe('S13 elm327: the device restarts by itself', () => {
  it.each(['LV RESET', 'ELM327 v1.4b', 'ERR94'])(
    '%s while an answer is due: failed, once; the next request works',
    async (text) => {
      const { clock, device, ecu, openBus } = bench(V14B);
      ecu.options = { ...ecu.options, answers: () => [] };
      await clock.run(async () => {
        const bus = await openBus();
        const channel = bus.openChannel(ENGINE, OPTIONS);
        const events = listenTo(channel);
        await channel.sendPdu(hex('22F187'));
        device.selfReset(text);
        await clock.sleep(1000);
        expect(shown(events)).toEqual(['failed adapter/reset']);
        ecu.options = { ...ecu.options, answers: (pdu) => [{ afterMs: 5, pdu: hex(`7F${toHex(pdu.slice(0, 1))}11`) }] };
        await channel.sendPdu(hex('3E00'));
        await clock.sleep(300);
        expect(shown(events).at(-1)).toBe('7F3E11');
      });
      expect(ecu.received).toEqual([hex('22F187'), hex('3E00')]);
      expect(device.settings).toMatchObject({ headers: true, caf: false, long: true, spaces: false });
      expect(device.violations).toEqual([]);
    },
  );

  it('in the middle of a long request: sendPdu fails with adapter/reset, nothing is sent again', async () => {
    const { clock, device, ecu, openBus } = bench(V14B);
    ecu.options = { ...ecu.options, blockSize: 2, stMin: 50 };
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const sending = caught(channel.sendPdu(bytes(60)));
      while (device.wire.length < 4) await clock.sleep(5);
      device.selfReset();
      expect(isStackError(await sending, 'adapter/reset')).toBe(true);
      await clock.sleep(2000);
      expect(device.wire.length).toBeLessThan(6);
    });
    expect([ecu.received, device.violations]).toEqual([[], []]);
  });

  it('without a word, in the middle of the session: its echo gives it away', async () => {
    const { clock, device, openBus } = bench(V14B);
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      await channel.sendPdu(hex('3E00'));
      await clock.sleep(5000);
      device.selfReset('');
      await clock.sleep(500);
      const error = await caught(channel.sendPdu(hex('22F190')));
      if (error === null) await clock.sleep(500);
      const told = isStackError(error, 'adapter/reset') || shown(events).includes('failed adapter/reset');
      expect(told || shown(events).includes(toHex(VIN))).toBe(true);
      await channel.sendPdu(hex('22F190'));
      await clock.sleep(500);
      expect(shown(events).at(-1)).toBe(toHex(VIN));
    });
  });

  it('four times in a minute: the bus ends, its channels with it', async () => {
    const { clock, device, openBus } = bench(V14B);
    await clock.run(async () => {
      const bus = await openBus();
      const channel = bus.openChannel(ENGINE, OPTIONS);
      for (let i = 0; i < 4; i++) {
        await caught(channel.sendPdu(hex('3E00')));
        await clock.sleep(100);
        device.selfReset();
        await clock.sleep(3000);
      }
      expect((await bus.closed).kind).toBe('failed');
      expect((await channel.closed).kind).toBe('failed');
      expect(isStackError(await caught(channel.sendPdu(hex('3E00'))), 'transport/lost')).toBe(true);
    });
  });

  it('another device answers after the restart: adapter/identity-changed, the bus ends', async () => {
    const variant: { -readonly [K in keyof ElmVariant]: ElmVariant[K] } = { ...V14B };
    const { clock, device, openBus } = bench(variant);
    await clock.run(async () => {
      const bus = await openBus();
      const channel = bus.openChannel(ENGINE, OPTIONS);
      await channel.sendPdu(hex('3E00'));
      variant.version = 'v1.5';
      device.selfReset();
      await clock.sleep(500);
      expect(isStackError(await caught(channel.sendPdu(hex('3E00'))))).toBe(true);
      expect((await bus.closed).kind).toBe('failed');
    });
  });
});

describe('elm327: a device that misbehaves', () => {
  it('LP ALERT while an answer is due: failed with adapter/asleep, the next request wakes it and says all settings', async () => {
    const { clock, device, ecu, openBus } = bench(V14B);
    ecu.options = { ...ecu.options, answers: () => [] };
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      await channel.sendPdu(hex('3E00'));
      device.print('\rLP ALERT\r');
      await clock.sleep(1500);
      expect(shown(events)).toEqual(['failed adapter/asleep']);
      const before = device.commands.length;
      await channel.sendPdu(hex('3E00'));
      expect(device.commands.slice(before)).toContain('ATCAF0');
    });
  });

  it('no error tells the bytes of a message: they may be a key', async () => {
    const { clock, device, openBus } = bench(V14B);
    await clock.run(async () => {
      const bus = await openBus();
      const channel = bus.openChannel(ENGINE, OPTIONS);
      await channel.sendPdu(hex('3E00'));
      await clock.sleep(300);
      device.busDead = true;
      const dead = await caught(channel.sendPdu(hex('2704AABBCCDD')));
      device.busDead = false;
      await clock.sleep(300);
      const sending = caught(channel.sendPdu(hex('2704AABBCCDD')));
      await clock.sleep(30);
      device.selfReset();
      for (const error of [dead, await sending])
        expect(JSON.stringify([String(error), isStackError(error) ? error.details : null])).not.toMatch(/AABB/i);
    });
  });

  it('an echo that stays on changes nothing', async () => {
    const { clock, device, ecu, openBus } = bench({ ...V14B, echoStays: true });
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      await channel.sendPdu(hex('22F190'));
      await clock.sleep(500);
      await channel.sendPdu(bytes(40));
      await clock.sleep(500);
      expect(shown(events)).toEqual(['started 21', toHex(VIN), '6E070E']);
    });
    expect([ecu.received.length, device.violations]).toEqual([2, []]);
  });

  it('one that ignores its filter floods the listening: it is left alone then, requests still work', async () => {
    const { clock, device, openBus } = bench({ ...V14B, ignoresFilter: true, bufferChars: 400 });
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      for (let i = 0; i < 40; i++) {
        await clock.sleep(20);
        device.hear({ id: 0x123, extended: false, data: hex('0011223344556677'), atMs: clock.now() });
      }
      await clock.sleep(3000);
      const monitors = device.commands.filter((command) => command === 'ATMA').length;
      await clock.sleep(5000);
      expect(device.commands.filter((command) => command === 'ATMA').length).toBe(monitors);
      await channel.sendPdu(hex('22F190'));
      await clock.sleep(500);
      expect(shown(events)).toEqual(['started 21', toHex(VIN)]);
    });
    expect(device.violations).toEqual([]);
  });

  it('a lively bus does not fill the buffer while interrupts are tried: the device listens afterwards', async () => {
    const { clock, device, openBus } = bench({ ...V14B, bufferChars: 100 });
    const traffic = { on: true };
    const noise = (async () => {
      while (traffic.on) {
        await clock.sleep(1);
        device.hear({ id: 0x123, extended: false, data: hex('0011223344556677'), atMs: clock.now() });
      }
    })();
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      await channel.sendPdu(hex('3E00'));
      await clock.sleep(3000);
      expect(device.monitoring).toBe(true);
      traffic.on = false;
      await noise;
    });
    expect(device.violations).toEqual([]);
  });

  it('ACT ALERT while nothing runs: it is kept awake, and the next request says all settings', async () => {
    const { clock, device, openBus } = bench({ ...V14B, missing: ['ATCTM', 'ATAMC', 'ATMA'] });
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      await channel.sendPdu(hex('3E00'));
      await clock.sleep(3000);
      device.print('\r!ACT ALERT\r\r>');
      await clock.sleep(300);
      expect(device.commands.at(-1)).toBe('ATI');
      const before = device.commands.length;
      await channel.sendPdu(hex('3E00'));
      await clock.sleep(300);
      expect(device.commands.slice(before)).toContain('ATCAF0');
      expect(shown(events)).toEqual(['7E00', '7E00']);
    });
    expect(device.violations).toEqual([]);
  });

  it('it falls silent: adapter/no-answer in bounded time, and it works again when it comes back', async () => {
    const { clock, device, openBus } = bench(V14B);
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      device.mute = true;
      await clock.sleep(1000);
      const from = clock.now();
      expect(isStackError(await caught(channel.sendPdu(hex('3E00'))))).toBe(true);
      expect(clock.now() - from).toBeLessThan(10_000);
      device.mute = false;
      await channel.sendPdu(hex('22F190'));
      await clock.sleep(2500);
      expect(shown(events).at(-1)).toBe(toHex(VIN));
    });
  });

  it('SEARCHING... on the line of the answer, NO DATA and half a frame: only whole frames count', async () => {
    const { clock, device, ecu, openBus } = bench(V14B);
    ecu.options = { ...ecu.options, answers: () => [] };
    await clock.run(async () => {
      const bus = await openBus();
      const channel = bus.openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      await channel.sendPdu(hex('22F187'));
      device.print('SEARCHING...7E8037F2278AAAAAAAA\r7E80462F\r7E8 03 7F 22 31 AA AA AA AA <RX ERROR\r');
      await clock.sleep(300);
      expect(shown(events)).toEqual(['7F2278']);
      expect(bus.counters.dropped).toBe(2);
    });
  });
});

describe('elm327: the cable is pulled', () => {
  /** Bytes to the host of the exchange alone, and where it begins. */
  async function measured() {
    const { clock, cut, openBus } = bench(V14B);
    return clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const from = cut.saidBytes;
      await channel.sendPdu(hex('22F190'));
      await clock.sleep(300);
      await channel.sendPdu(bytes(20));
      await clock.sleep(300);
      return { from, to: cut.saidBytes };
    });
  }

  it('behind every byte of a long answer and a long request: all ends as lost, nothing waits', async () => {
    const { from, to } = await measured();
    for (let after = from + 1; after < to; after++) {
      const { clock, cut, openBus } = bench(V14B);
      cut.afterBytes = after;
      await clock.run(async () => {
        const bus = await openBus();
        const channel = bus.openChannel(ENGINE, OPTIONS);
        const errors = [await caught(channel.sendPdu(hex('22F190')))];
        await clock.sleep(300);
        errors.push(await caught(channel.sendPdu(bytes(20))));
        await clock.sleep(300);
        const codes = errors.flatMap((error) => (isStackError(error) ? [error.code] : []));
        expect(codes.every((code) => code === 'transport/lost' || code === 'transport/write-failed')).toBe(true);
        expect((await bus.closed).kind).toBe('lost');
        expect((await channel.closed).kind).toBe('lost');
      }, 60_000);
    }
  }, 120_000);

  it('while it is recognised and opened: transport/lost, in bounded time', async () => {
    for (let after = 0; after < 1100; after += 23) {
      const { clock, cut, openBus } = bench(V14B);
      cut.afterBytes = after;
      const error = await clock.run(caught(openBus()), 60_000);
      if (error !== null) expect(isStackError(error, 'transport/lost', 'transport/write-failed')).toBe(true);
    }
  }, 120_000);
});

describe('elm327: closing', () => {
  it('a closed channel hears nothing more, the other goes on', async () => {
    const { clock, device, ecu, openBus } = bench(V14B);
    await clock.run(async () => {
      const bus = await openBus();
      const [first, second] = [bus.openChannel(ENGINE, OPTIONS), bus.openChannel(GATEWAY, OPTIONS)];
      const events = listenTo(first);
      await first.close();
      expect(isStackError(await caught(first.sendPdu(hex('3E00'))), 'can/closed')).toBe(true);
      await second.sendPdu(hex('3E00'));
      await clock.sleep(500);
      await ecu.send(hex('7F2231'));
      await clock.sleep(500);
      expect(events).toEqual([]);
    });
    expect(device.violations).toEqual([]);
  });

  it('closing the bus ends the listening, its channels, and closes the protocol; twice is once', async () => {
    const { clock, device, connect } = bench(V14B);
    await clock.run(async () => {
      const adapter = await connect();
      const bus = await adapter.isoTp?.open(AT_500K);
      const channel = bus?.openChannel(ENGINE, OPTIONS);
      await channel?.sendPdu(hex('3E00'));
      await clock.sleep(3000);
      expect(device.monitoring).toBe(true);
      await Promise.all([bus?.close(), bus?.close()]);
      expect([device.monitoring, device.commands.at(-1)]).toEqual([false, 'ATPC']);
      expect([await bus?.closed, await channel?.closed]).toEqual([{ kind: 'closed' }, { kind: 'closed' }]);
      await adapter.close();
      expect(await adapter.closed).toEqual({ kind: 'closed' });
    });
    expect(device.violations).toEqual([]);
  });
});
