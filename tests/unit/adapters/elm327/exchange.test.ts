import { describe, expect, it } from 'vitest';
import { toHex } from '#base/hex.ts';
import { isStackError } from '#contract/errors.ts';
import { bench, bytes, caught, ENGINE, hex, listenTo, OPTIONS, shown, VIN } from './bench.ts';

describe('elm327: one request and its answer', () => {
  it('a short request goes out padded, its answer comes as a message', async () => {
    const { clock, device, ecu, openBus } = bench();
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      await channel.sendPdu(hex('1003'));
      await clock.sleep(200);
      expect(shown(events)).toEqual(['5003']);
      expect(device.wire.map(({ id, data }) => [id, toHex(data)])).toEqual([[0x7e0, '021003CCCCCCCCCC']]);
    });
    expect([device.violations, ecu.violations]).toEqual([[], []]);
  });

  it('a long answer is put together, the chip sends the flow control with an STmin its line can bear', async () => {
    const { clock, device, ecu, openBus } = bench();
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      await channel.sendPdu(hex('22F190'));
      await clock.sleep(500);
      expect(shown(events)).toEqual(['started 21', toHex(VIN)]);
    });
    expect(ecu.flowControls).toEqual(['30000A']);
    expect(device.violations).toEqual([]);
  });

  it.each([
    [2, 20],
    [4, 50],
    [0, 127],
  ])('a long request obeys BS %i and STmin %i', async (blockSize, stMin) => {
    const { clock, device, ecu, openBus } = bench();
    ecu.options = { ...ecu.options, blockSize, stMin };
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      await channel.sendPdu(bytes(60));
      await clock.sleep(500);
      expect(ecu.received).toEqual([bytes(60)]);
      expect(shown(events)).toEqual([toHex(Uint8Array.of(0x6e, 7, 14))]);
    });
    expect([device.violations, ecu.violations]).toEqual([[], []]);
  });

  it('a second request ends the listening of the first with one space and no other byte', async () => {
    const { clock, device, ecu, openBus } = bench();
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      for (const request of ['1003', '3E00', '22F190', '3E00']) {
        const from = clock.now();
        await channel.sendPdu(hex(request));
        await clock.sleep(request === '22F190' ? 200 : 40);
        expect(clock.now() - from).toBeLessThan(400);
      }
      expect(shown(events)).toEqual(['5003', '7E00', 'started 21', toHex(VIN), '7E00']);
    });
    expect([device.violations, ecu.violations]).toEqual([[], []]);
  });

  it('nobody answers: sendPdu resolves all the same, and a late answer is heard seconds later', async () => {
    const { clock, device, ecu, openBus } = bench();
    ecu.options = { ...ecu.options, answers: () => [{ afterMs: 4000, pdu: hex('7F2231') }] };
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      const from = clock.now();
      await channel.sendPdu(hex('22F187'));
      expect(clock.now() - from).toBeLessThan(250);
      await clock.sleep(5000);
      expect(shown(events)).toEqual(['7F2231']);
    });
    expect(device.violations).toEqual([]);
  });

  it('7F 2E 78, then the answer 3 s later: nothing is sent twice (vector N.1 17)', async () => {
    const { clock, device, ecu, openBus } = bench();
    ecu.options = {
      ...ecu.options,
      answers: () => [
        { afterMs: 10, pdu: hex('7F2E78') },
        { afterMs: 3000, pdu: hex('6EF190') },
      ],
    };
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      await channel.sendPdu(hex('2EF19001'));
      await clock.sleep(4000);
      expect(shown(events)).toEqual(['7F2E78', '6EF190']);
    });
    expect(device.wire.filter(({ id }) => id === 0x7e0).map(({ data }) => toHex(data))).toEqual(['042EF19001CCCCCC']);
    expect(device.violations).toEqual([]);
  });

  it('a long answer behind 78 gets its flow control from the host when the chip listens no more', async () => {
    const { clock, device, ecu, openBus } = bench({ missing: ['ATCTM'] });
    ecu.options = {
      ...ecu.options,
      answers: () => [
        { afterMs: 10, pdu: hex('7F2278') },
        { afterMs: 3000, pdu: VIN },
      ],
    };
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      await channel.sendPdu(hex('22F190'));
      await clock.sleep(5000);
      expect(shown(events)).toEqual(['7F2278', 'started 21', toHex(VIN)]);
    });
    expect(ecu.flowControls).toEqual(['30030A']);
    expect(device.violations).toEqual([]);
  });

  it('nobody acknowledges: sendPdu fails with can/bus-error and the bus tells it', async () => {
    const { clock, device, openBus } = bench();
    device.busDead = true;
    await clock.run(async () => {
      const bus = await openBus();
      const flags: string[] = [];
      bus.onBusError((text) => flags.push(text));
      const error = await caught(bus.openChannel(ENGINE, OPTIONS).sendPdu(hex('3E00')));
      expect(isStackError(error, 'can/bus-error') && error.details.flags).toBe('CAN ERROR');
      expect(flags).toEqual(['CAN ERROR']);
      expect(bus.counters.busErrors).toBe(1);
    });
  });
});
