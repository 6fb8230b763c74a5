import { describe, expect, it } from 'vitest';
import { isStackError } from '#contract/errors.ts';
import { DEFAULT_ISOTP_OPTIONS } from '#contract/isotp.ts';
import { caught, codeOf, heard, hex, message, openTo, StnBench } from './bench.ts';

const FIRST_ANSWER_MS = 250;

describe('STN bus', () => {
  it('sets the device up, filters for the channel and sends the request as one STPX without R', async () => {
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      const events = heard(channel);
      const from = bench.device.commands.indexOf('STP33') - 5;
      await channel.sendPdu(hex('22F190'));
      expect(events).toEqual(['778 62F190']);
      expect(bench.device.commands.slice(from)).toEqual([
        ...['ATE0', 'ATL0', 'ATS0', 'ATH1', 'ATAL', 'STP33', 'ATCAF1', 'ATS0', 'ATAL', 'ATH1', 'STCSEGR1', 'STCSEGT1'],
        ...['ATAT0', 'STCTOR1000,1000', 'STFAC', 'STCFCPC', 'STPTO60000'],
        ...['STFPA778,7FF', 'STCFCPA70E,778', 'STPXH:70E,D:22F190,T:60000'],
      ]);
    });
    expect(bench.device.violations).toEqual([]);
  });

  it('resolves with the answer, not with the end of the listening, and asks again at once', async () => {
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      const events = heard(channel);
      const from = bench.clock.now();
      for (let i = 0; i < 10; i++) await channel.sendPdu(hex('22F190'));
      expect(events.length).toBe(10);
      expect(bench.clock.now() - from).toBeLessThan(100);
      expect(bench.device.interrupts).toBe(9);
      expect(bench.device.sent.length).toBe(10);
    });
    expect(bench.device.violations).toEqual([]);
  });

  it('holds the device through 7F 2E 78 until the final answer, whoever waits, and sends nothing twice', async () => {
    const bench = new StnBench();
    const other = bench.addEcu(0x710, 0x77a);
    bench.ecu.answer = () => [
      { afterMs: 20, hex: '7F2E78' },
      { afterMs: 4900, hex: '7F2E78' },
      { afterMs: 9800, hex: '6E0600' },
    ];
    await bench.clock.run(async () => {
      const { adapter, bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      const events = heard(channel);
      const from = bench.clock.now();
      await channel.sendPdu(hex('2E0600AABBCCDD'));
      expect(bench.clock.now() - from).toBeLessThan(100);
      const volts = adapter.supply?.readVolts({ timeoutMs: 20_000 });
      const second = openTo(bus, 0x710, 0x77a);
      await second.sendPdu(hex('3E00'));
      expect(bench.clock.now() - from).toBeGreaterThan(9800);
      expect(events).toEqual(['778 7F2E78', '778 7F2E78', '778 6E0600']);
      expect(await volts).toBe(12.34);
    });
    expect(bench.device.sent).toEqual(['70E 2E0600AABBCCDD', '710 3E00']);
    expect(other.received.length).toBe(1);
    expect(bench.device.violations).toEqual([]);
  });

  it('a module that is not there costs a quarter of a second, one that fell silent two and a half', async () => {
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const nobody = openTo(bus, 0x711, 0x77b);
      const channel = openTo(bus, 0x70e, 0x778);
      let from = bench.clock.now();
      await nobody.sendPdu(hex('3E00'));
      expect(bench.clock.now() - from).toBeGreaterThanOrEqual(FIRST_ANSWER_MS);
      expect(bench.clock.now() - from).toBeLessThan(FIRST_ANSWER_MS + 100);
      await channel.sendPdu(hex('3E00'));
      bench.ecu.hears = false;
      from = bench.clock.now();
      await channel.sendPdu(hex('22F190'));
      expect(bench.clock.now() - from).toBeGreaterThan(2000);
      expect(bench.clock.now() - from).toBeLessThan(3000);
      from = bench.clock.now();
      await channel.sendPdu(hex('22F190'));
      expect(bench.clock.now() - from).toBeLessThan(FIRST_ANSWER_MS + 100);
    });
    expect(bench.device.violations).toEqual([]);
  });

  it('hears a late answer after it counted as sent, also for a module whose turn it is not', async () => {
    const bench = new StnBench();
    const other = bench.addEcu(0x710, 0x77a);
    other.answer = () => [];
    bench.ecu.answer = () => [{ afterMs: 400, hex: '62F19041' }];
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      const second = openTo(bus, 0x710, 0x77a);
      const [events, others] = [heard(channel), heard(second)];
      await channel.sendPdu(hex('22F190'));
      expect(events).toEqual([]);
      await bench.clock.sleep(200);
      expect(events).toEqual(['778 62F19041']);
      const sending = second.sendPdu(hex('22F190'));
      await bench.clock.sleep(50);
      await bench.device.fromEcu(bench.ecu, hex('62F19042'));
      await sending;
      expect([events, others]).toEqual([['778 62F19041', '778 62F19042'], []]);
    });
  });

  it('waits for the prompt after 3E 80, which nobody answers, and no longer', async () => {
    const bench = new StnBench();
    bench.ecu.answer = () => [];
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      const from = bench.clock.now();
      await channel.sendPdu(hex('3E80'));
      expect(bench.clock.now() - from).toBeLessThan(100);
      expect(bench.device.isBusy).toBe(false);
    });
    expect(bench.device.commands.at(-1)).toBe('STPXH:70E,D:3E80,T:50');
  });

  it('a broadcast collects three responders until its channel is closed, then the device is free', async () => {
    const bench = new StnBench();
    const ecus = [bench.addEcu(0x7e0, 0x7e8), bench.addEcu(0x7e1, 0x7e9), bench.addEcu(0x7e2, 0x7ea)];
    for (const [i, ecu] of ecus.entries()) {
      ecu.functionalId = 0x7df;
      ecu.answer = (pdu) => (pdu[0] === 0x09 ? [{ afterMs: 100 * (i + 1), hex: `490201${'41'.repeat(17)}` }] : []);
    }
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const known = openTo(bus, 0x7e1, 0x7e9);
      const all = openTo(bus, 0x7df, 0x7e8, { functional: true, responseRange: { from: 0x7e8, to: 0x7ef } });
      const sources: string[] = [];
      all.onEvent((event) => void (event.type === 'message' && sources.push(`${event.source} ${event.pdu.length}`)));
      await all.sendPdu(hex('0902'));
      const next = known.sendPdu(hex('3E00'));
      await bench.clock.sleep(700);
      expect(bench.device.sent).toEqual(['7DF 0902']);
      const from = bench.clock.now();
      await all.close();
      await next;
      expect(bench.clock.now() - from).toBeLessThanOrEqual(FIRST_ANSWER_MS + 20);
      expect(sources).toEqual(['7DF-7E8 20', '7E1-7E9 20', '7DF-7EA 20']);
    });
    expect(bench.device.commands).toContain('STFPA7E8,7F8');
    expect(bench.device.commands).toContain('STCFCPA7E2,7EA');
    expect(bench.device.violations).toEqual([]);
  });

  it('a broadcast is one frame', async () => {
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const all = openTo(bus, 0x7df, 0x7e8, { functional: true });
      expect(codeOf(await caught(all.sendPdu(message(8))))).toBe('isotp/message-too-long');
    });
    expect(bench.device.sent).toEqual([]);
  });

  it('speaks 29 bit: STP34, eight digits, automatic flow control for a broadcast', async () => {
    const bench = new StnBench();
    const ecus = [bench.addEcu(0x18da10f1, 0x18daf110), bench.addEcu(0x18da11f1, 0x18daf111)];
    for (const ecu of ecus) ecu.functionalId = 0x18db33f1;
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = bus.openChannel({ format: 'normal-fixed', target: 0x10, source: 0xf1 }, DEFAULT_ISOTP_OPTIONS);
      const all = bus.openChannel(
        { format: 'normal-fixed', target: 0x33, source: 0xf1, functional: true },
        DEFAULT_ISOTP_OPTIONS,
      );
      const events = heard(channel);
      for (const ecu of ecus) ecu.answer = () => [{ afterMs: 10, hex: `62F190${'42'.repeat(17)}` }];
      await channel.sendPdu(message(40, 0x2e));
      expect(ecus[0]?.received).toEqual([message(40, 0x2e)]);
      const everybody = heard(all);
      await all.sendPdu(hex('22F190'));
      await bench.clock.sleep(50);
      expect(events.filter((text) => !text.startsWith('started')).length).toBe(2);
      expect(everybody.filter((text) => text.startsWith('started 20')).length).toBe(2);
      expect(bench.device.commands).toContain('STP34');
      expect(bench.device.commands).toContain('STCFCPA18DA10F1,18DAF110');
      expect(bench.device.commands.some((text) => text.startsWith('STPXH:18DB33F1,D:22F190'))).toBe(true);
    });
    expect(bench.device.violations).toEqual([]);
  });

  it.each([
    [125_000, ['STP33', 'STPBR125000']],
    [250_000, ['STP35']],
    [1_000_000, ['STP33', 'STPBR1000000']],
  ] as const)('a bus of %d bit/s is %j', async (bitRate, commands) => {
    const bench = new StnBench();
    await bench.clock.run(() => bench.openBus({ bitRate }));
    expect(bench.device.commands.filter((text) => /^STP(\d|BR)/.test(text))).toEqual(commands);
  });

  it('a full table of filters or pairs starts over with what the message needs', async () => {
    const bench = new StnBench({ device: { tableSize: 3 } });
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channels = [0, 1, 2, 3, 4].map((i) => {
        bench.addEcu(0x730 + i, 0x740 + i);
        return openTo(bus, 0x730 + i, 0x740 + i);
      });
      for (const channel of [...channels, ...channels]) {
        const events = heard(channel);
        await channel.sendPdu(message(20, 0x22));
        expect(events.length).toBe(1);
      }
    });
    expect(bench.device.violations).toEqual([]);
  });

  it('extended addressing: STCAF with the ECU and ATTA with ourselves, whether or not answers show the address', async () => {
    for (const showsAddressByte of [false, true]) {
      const bench = new StnBench({ device: { showsAddressByte } });
      bench.addEcu(0x6f1, 0x612);
      await bench.clock.run(async () => {
        const { bus } = await bench.openBus();
        const address = {
          format: 'extended',
          requestId: 0x6f1,
          responseId: 0x612,
          extendedId: false,
          target: 0x12,
          source: 0xf1,
        } as const;
        const channel = bus.openChannel(address, DEFAULT_ISOTP_OPTIONS);
        const events = heard(channel);
        await channel.sendPdu(hex('22F190'));
        expect(events).toEqual(['612/12 62F190']);
        expect(bench.device.commands.slice(-6)).toEqual([
          ...['ATTAF1', 'STCAF1,12', 'STCFCPC', 'STFPA612,7FF', 'STCFCPA6F112,612F1', 'STPXH:6F1,D:22F190,T:60000'],
        ]);
        const normal = openTo(bus, 0x70e, 0x778);
        await normal.sendPdu(hex('22F190'));
        expect(bench.device.commands).toContain('STCAF0');
      });
      expect(bench.device.violations).toEqual([]);
    }
  });

  it('refuses what nobody can prove: an address byte that could be data, mixed addressing, frames without filler', async () => {
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const ids = { requestId: 0x6f1, responseId: 0x612, extendedId: false };
      const refused = [
        { ...ids, format: 'extended', target: 0x12, source: 0x62 },
        { ...ids, format: 'mixed', addressExtension: 0xf2 },
      ] as const;
      for (const address of refused)
        expect(() => bus.openChannel(address, DEFAULT_ISOTP_OPTIONS)).toThrowError(/cannot do/);
      expect(() => openTo(bus, 0x70e, 0x778, { padding: null })).toThrowError(/as short as their data/);
      expect(() => openTo(bus, 0x70e, 0x800)).toThrowError(RangeError);
    });
    const without = new StnBench({ device: { unknown: /^STCAF/ } });
    await without.clock.run(async () => {
      const { bus } = await without.openBus();
      const address = { format: 'extended', requestId: 0x6f1, responseId: 0x612, extendedId: false } as const;
      expect(() => bus.openChannel({ ...address, target: 0x12, source: 0xf1 }, DEFAULT_ISOTP_OPTIONS)).toThrowError(
        /STCAF/,
      );
    });
  });

  it('a request that is given up while another module is working is never sent', async () => {
    const bench = new StnBench();
    bench.addEcu(0x710, 0x77a);
    bench.ecu.answer = () => [
      { afterMs: 20, hex: '7F3178' },
      { afterMs: 4000, hex: '710100' },
    ];
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const [working, other] = [openTo(bus, 0x70e, 0x778), openTo(bus, 0x710, 0x77a)];
      const events = heard(working);
      await working.sendPdu(hex('310100'));
      const from = bench.clock.now();
      expect(codeOf(await caught(other.sendPdu(hex('2E0001'), { timeoutMs: 300 })))).toBe('call/timeout');
      expect(bench.clock.now() - from).toBeCloseTo(300, 6);
      const stop = new AbortController();
      const second = caught(other.sendPdu(hex('2E0002'), { signal: stop.signal }));
      await bench.clock.sleep(100);
      stop.abort();
      expect(codeOf(await second)).toBe('call/aborted');
      const closing = caught(other.sendPdu(hex('2E0003')));
      await other.close();
      expect(codeOf(await closing)).toBe('can/closed');
      await bench.clock.sleep(10_000);
      expect(events).toEqual(['778 7F3178', '778 710100']);
    });
    expect(bench.device.sent).toEqual(['70E 310100']);
    expect(bench.device.violations).toEqual([]);
  });

  it('an answer that the interrupt cuts is not taken for the answer to the next request', async () => {
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      const events = heard(channel);
      bench.device.scripted.push({ command: /^STPX/, output: '77862F19057424131' });
      await channel.sendPdu(hex('22F190')); // given up in the middle of a long line
      bench.port.onWrite((bytes) => {
        if (bytes.length === 1) bench.device.say('3233\r\rSTOPPED\r\r>');
        else bench.device.write(bytes);
      });
      await channel.sendPdu(hex('22F190'));
      expect(events).toEqual(['778 62F190']);
    });
  });

  it('closing the bus ends the listening, closes the protocol and settles `closed`', async () => {
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      await channel.sendPdu(hex('22F190'));
      const from = bench.clock.now();
      await bus.close();
      expect(bench.clock.now() - from).toBeLessThan(100);
      expect([await channel.closed, await bus.closed]).toEqual([{ kind: 'closed' }, { kind: 'closed' }]);
      expect(bench.device.commands.at(-1)).toBe('STPC');
      expect(bench.device.isBusy).toBe(false);
      expect(isStackError(await caught(channel.sendPdu(hex('3E00'))), 'can/closed')).toBe(true);
    });
    expect(bench.device.violations).toEqual([]);
  });
});
