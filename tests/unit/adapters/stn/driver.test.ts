import { describe, expect, it } from 'vitest';
import { voltsOf } from '#adapters/drivers/stn/adapter.ts';
import { createStnDriver } from '#adapters/drivers/stn/driver.ts';
import { identify } from '#adapters/drivers/stn/identity.ts';
import { isStackError } from '#contract/errors.ts';
import { type BenchOptions, caught, codeOf, hex, openTo, StnBench } from './bench.ts';

const nobody = { elm: '', st: '', vt: '', product: '', serial: '' };

describe('STN identity', () => {
  it.each([
    ['STN1110 v4.2.1', 'STN1110', 2047],
    ['STN1170 v4.3.0', 'STN1170', 2047],
    ['STN2120 v5.6.19', 'STN2120', 4095],
    ['STN2255 v5.6.5', 'STN2255', 4095],
    ['STN2310 v5.8.1', 'STN2310', 240],
  ])('takes %s for an %s that carries %d bytes', (st, chip, longestSendBytes) => {
    const identity = identify({ ...nobody, elm: 'ELM327 v1.4b', st });
    expect(identity).toMatchObject({ chip, firmware: st, limits: { longestSendBytes } });
  });

  it('leaves an STN without STPX (before 4.2.0) to the ELM327 driver', () => {
    expect(identify({ ...nobody, elm: 'ELM327 v1.3a', st: 'STN1110 v4.0.4' })).toBeNull();
    expect(identify({ ...nobody, elm: 'ELM327 v1.3a', st: 'STN1110 v4.1.9' })).toBeNull();
  });

  it('believes VTVERS more than STI, which the owner of a vLinker can set', () => {
    const texts = { ...nobody, elm: 'ELM327 v2.3', st: 'STN2255 v5.6.5', vt: 'MIC3X2X V2.3.08' };
    expect(identify(texts)).toMatchObject({
      family: 'vlinker',
      chip: 'MIC3X2X',
      firmware: 'MIC3X2X V2.3.08',
      limits: { longestSendBytes: 240 },
    });
  });

  it('reads 12.34 and 12.3V as volts, and nothing else', () => {
    expect([voltsOf(['12.34']), voltsOf(['12.3V']), voltsOf(['0.0V'])]).toEqual([12.34, 12.3, 0]);
    for (const line of ['?', '1234', '99.9V', '7E86EF190', '-1.0V', '12.3 C']) expect(voltsOf([line])).toBeNull();
  });
});

describe('STN driver', () => {
  const open = async (options: BenchOptions) => {
    const bench = new StnBench(options);
    return bench.clock.run(async () => {
      const adapter = await bench.openAdapter();
      const info = adapter?.info ?? null;
      await adapter?.close();
      expect(bench.device.sent).toEqual([]);
      expect(bench.device.violations).toEqual([]);
      return { bench, info };
    });
  };

  it('recognises an OBDLink EX without a frame on the bus, and says what it may do', async () => {
    const { info } = await open({});
    expect(info).toMatchObject({
      driver: 'stn',
      product: 'OBDLink EX r1.0.0',
      firmware: 'STN2120 v5.6.19',
      serialNumber: '212010012345',
      genuine: 'genuine',
      chip: 'STN2120',
      longestSendBytes: 4095,
      longestReceiveBytes: 4095,
      wireless: false,
      baudRate: 115_200,
      verdict: { read: { may: true }, code: { may: true }, program: { may: false, reason: 'not-qualified' } },
    });
    expect(info?.roundTripMs).not.toBeNull();
  });

  it('is sure of an MX+ on a Bluetooth port: reads and codes, never programs', async () => {
    const device = { st: 'STN2255 v5.6.5', product: 'OBDLink MX+ r3.2.1' };
    const { info } = await open({ wireless: true, device });
    expect(info).toMatchObject({ wireless: true, verdict: { program: { may: false, reason: 'wireless' } } });
    const unsaid = await open({ device });
    expect(unsaid.info?.wireless).toBe(true);
  });

  it('lets a vLinker code only after the check', async () => {
    const { info } = await open({ device: { elm: 'ELM327 v2.3', st: 'STN2255 v5.6.5', vt: 'MIC3322 V2.3.08' } });
    expect(info).toMatchObject({
      chip: 'MIC3322',
      genuine: 'unknown',
      verdict: {
        read: { may: true },
        code: { may: false, reason: 'not-qualified' },
        program: { may: false, reason: 'untested' },
      },
    });
  });

  it('says null to a plain ELM327, to another device, to silence; the port stays usable', async () => {
    const plain = { elm: 'ELM327 v2.1', st: null, vt: null };
    for (const device of [plain, { elm: '?', st: null }, { elm: 'V1013', st: null }]) {
      const { info, bench } = await open({ device });
      expect(info).toBeNull();
      expect(bench.device.commands.filter((command) => command === 'STI').length).toBe(device === plain ? 1 : 0);
    }
    const bench = new StnBench();
    bench.port.swallowsWrites = true;
    await bench.clock.run(async () => {
      const transport = await bench.openTransport();
      expect(await createStnDriver().open(transport, { clock: bench.clock })).toBeNull();
      expect(bench.clock.now()).toBeLessThan(1000);
      bench.port.swallowsWrites = false;
      const adapter = await createStnDriver({ lineRates: [] }).open(transport, { clock: bench.clock });
      expect(adapter?.info.chip).toBe('STN2120');
    });
  });

  it('recognises it after the probe of another driver (C, V, N) left its half lines and question marks', async () => {
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const transport = await bench.openTransport();
      for (const probe of ['430D', '430D', '560D', '4E0D', 'E7E7F109', '82F1F1FDFD5E']) {
        await transport.write(hex(probe));
        await bench.clock.sleep(50);
      }
      const adapter = await createStnDriver({ lineRates: [] }).open(transport, { clock: bench.clock });
      expect(adapter?.info.chip).toBe('STN2120');
      expect(bench.device.sent).toEqual([]);
    });
  });

  it('recognises it while it still listens for a session that was killed', async () => {
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const { bus } = await bench.openBus();
      await openTo(bus, 0x70e, 0x778).sendPdu(hex('22F190'));
      expect(bench.device.isBusy).toBe(true); // the tab dies here
      bench.device.violations.length = 0;
      await bench.port.close().catch(() => undefined);
      const second = new StnBench();
      second.device.onOutput(() => undefined);
      const transport = await second.openTransport();
      second.port.onWrite((bytes) => bench.device.write(bytes));
      bench.device.onOutput((bytes) => second.port.send(bytes));
      const adapter = await createStnDriver({ lineRates: [] }).open(transport, { clock: bench.clock });
      expect(adapter?.info.chip).toBe('STN2120');
    });
  });

  it('tells the supply by STVR, by ATRV where STVR is unknown, and that it cannot where both are', async () => {
    const volts = async (unknown?: RegExp) => {
      const bench = new StnBench({ device: unknown ? { unknown } : {} });
      return bench.clock.run(async () => {
        const adapter = await bench.openAdapter();
        return caught(adapter?.supply?.readVolts().then((value) => Promise.reject(value)) ?? Promise.resolve());
      });
    };
    expect(await volts()).toBe(12.34);
    expect(await volts(/^STVR$/)).toBe(12.3);
    expect(codeOf(await volts(/^(STVR|ATRV)$/))).toBe('adapter/unsupported');
  });

  it('measures as many round trips as asked, inside the device', async () => {
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const adapter = await bench.openAdapter();
      expect((await adapter?.roundTrips?.(7))?.length).toBe(7);
    });
    expect(bench.device.sent).toEqual([]);
  });

  it('opens one bus at a time, and again after it was closed; listen-only it does not', async () => {
    const bench = new StnBench();
    await bench.clock.run(async () => {
      const { adapter, bus } = await bench.openBus();
      const again = () => adapter.isoTp?.open({ bitRate: 250_000 }) ?? Promise.reject(new Error('no isoTp'));
      expect(isStackError(await caught(again()), 'adapter/in-use')).toBe(true);
      await bus.close();
      expect(await bus.closed).toEqual({ kind: 'closed' });
      expect(isStackError(await caught(Promise.resolve().then(() => openTo(bus, 0x70e, 0x778))), 'can/closed')).toBe(
        true,
      );
      await again();
      expect(bench.device.commands).toContain('STP35');
      await adapter.close();
      const other = new StnBench();
      const { adapter: fresh, bus: second } = await other.clock.run(() => other.openBus());
      await other.clock.run(() => second.close());
      const silent = fresh.isoTp?.open({ bitRate: 500_000, listenOnly: true });
      expect(isStackError(await caught(silent ?? Promise.resolve()), 'adapter/unsupported')).toBe(true);
    });
  });

  it('refuses the bus where the device does not put messages together', async () => {
    const bench = new StnBench({ device: { unknown: /^STCSEGR1$/ } });
    await bench.clock.run(async () => {
      const error = await caught(bench.openBus());
      expect(isStackError(error, 'adapter/unsupported') && error.details.ability).toBe('STCSEGR1');
    });
  });
});
