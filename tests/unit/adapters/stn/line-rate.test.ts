import { describe, expect, it } from 'vitest';
import { isStackError } from '#contract/errors.ts';
import { type BenchOptions, caught, heard, hex, openTo, StnBench } from './bench.ts';

const FAST: BenchOptions = { lineRates: [2_000_000, 500_000] };
const rates = (bench: StnBench) => bench.port.opens.map(({ baudRate }) => baudRate);

describe('STN line rate', () => {
  it('goes to 2 Mbit/s with RTS/CTS, proves it, works there, and leaves the device at 115200', async () => {
    const bench = new StnBench(FAST);
    await bench.clock.run(async () => {
      const { adapter, bus } = await bench.openBus();
      expect(adapter.info.baudRate).toBe(2_000_000);
      expect(bench.device.baudRate).toBe(2_000_000);
      expect(bench.port.opens.at(-1)).toMatchObject({ baudRate: 2_000_000, flowControl: 'hardware' });
      const channel = openTo(bus, 0x70e, 0x778);
      const events = heard(channel);
      await channel.sendPdu(hex('22F190'));
      expect(events).toEqual(['778 62F190']);
      await adapter.close();
    });
    expect(bench.device.commands).toContain('STBRT1000');
    expect(bench.device.commands.slice(-3)).toEqual(['STPC', 'STBRT50', 'STSBR115200']);
    expect(bench.device.baudRate).toBe(115_200);
    expect(bench.device.violations).toEqual([]);
    const next = await bench.clock.run(async () => {
      await bench.clock.sleep(100);
      return bench.openAdapter();
    });
    expect(next?.info).toMatchObject({ chip: 'STN2120', baudRate: 115_200 });
  });

  it('takes the next rate where the device refuses one (?), and stays where it refuses all', async () => {
    const bench = new StnBench(FAST);
    bench.device.scripted.push({ command: /^STSBR2000000$/, output: '?\r\r>' });
    const { adapter } = await bench.clock.run(() => bench.openBus());
    expect(adapter.info.baudRate).toBe(500_000);
    const stubborn = new StnBench(FAST);
    for (const rate of [2_000_000, 500_000])
      stubborn.device.scripted.push({ command: new RegExp(`^STSBR${rate}$`), output: '?\r\r>' });
    const { adapter: same } = await stubborn.clock.run(() => stubborn.openBus());
    expect(same.info.baudRate).toBe(115_200);
    expect(rates(stubborn)).toEqual([115_200]);
  });

  it('goes back when the device said OK and did not change', async () => {
    const bench = new StnBench({ lineRates: [2_000_000] });
    bench.device.ignoresRate = true;
    await bench.clock.run(async () => {
      const { adapter, bus } = await bench.openBus();
      expect(adapter.info.baudRate).toBe(115_200);
      const channel = openTo(bus, 0x70e, 0x778);
      const events = heard(channel);
      await channel.sendPdu(hex('22F190'));
      expect(events).toEqual(['778 62F190']);
    });
    expect(rates(bench)).toEqual([115_200, 2_000_000, 2_000_000, 115_200]);
    expect(bench.device.violations).toEqual([]);
  });

  it('goes back when the device changed and cannot be heard there', async () => {
    const bench = new StnBench({ lineRates: [2_000_000] });
    bench.device.deafAbove = 1_000_000;
    await bench.clock.run(async () => {
      const { adapter } = await bench.openBus();
      expect(adapter.info.baudRate).toBe(115_200);
      expect(bench.device.baudRate).toBe(115_200);
    });
    expect(bench.clock.now()).toBeLessThan(8000);
  });

  it('goes back when nothing can be written at the new rate (RTS/CTS not wired)', async () => {
    const bench = new StnBench({ lineRates: [2_000_000] });
    const open = bench.port.open.bind(bench.port);
    bench.port.open = async (options) => {
      bench.port.writesHang = options.flowControl === 'hardware';
      await open(options);
    };
    await bench.clock.run(async () => {
      const { adapter } = await bench.openBus();
      expect(adapter.info.baudRate).toBe(115_200);
      expect(bench.device.baudRate).toBe(115_200);
    });
  });

  it('says that it is gone when it answers at neither rate', async () => {
    const bench = new StnBench({ lineRates: [2_000_000] });
    bench.device.deafAbove = 1_000_000;
    const { device } = bench;
    device.scripted.push({ command: /^STSBR115200$/, output: null });
    await bench.clock.run(async () => {
      expect(isStackError(await caught(bench.openBus()), 'adapter/no-answer', 'call/timeout')).toBe(true);
    });
    expect(device.baudRate).toBe(2_000_000);
  });

  it('never touches the rate over radio, or of a device without a serial line behind its USB', async () => {
    for (const options of [
      { ...FAST, wireless: true },
      { ...FAST, vendorId: 0x0483 },
    ]) {
      const bench = new StnBench(options);
      const { adapter } = await bench.clock.run(() => bench.openBus());
      expect(adapter.info.baudRate).toBe(options.vendorId === undefined ? 115_200 : null);
      expect(rates(bench)).toEqual([115_200]);
      expect(bench.device.commands.some((text) => text.startsWith('STSBR'))).toBe(false);
    }
  });

  it('finds the device again at its own rate after it restarted at ours', async () => {
    const bench = new StnBench({ lineRates: [500_000] });
    await bench.clock.run(async () => {
      const { adapter, bus } = await bench.openBus();
      const channel = openTo(bus, 0x70e, 0x778);
      const events = heard(channel);
      await channel.sendPdu(hex('22F190'));
      bench.device.restart('ELM327 v1.4b');
      await channel.sendPdu(hex('22F191'));
      expect(events).toEqual(['778 62F190', '778 62F191']);
      expect(adapter.info.baudRate).toBe(115_200);
    });
    expect(bench.device.sent).toEqual(['70E 22F190', '70E 22F191']);
  });
});
