import { describe, expect, it } from 'vitest';
import { detectAdapter } from '#adapters/detect.ts';
import { createElm327Driver } from '#adapters/drivers/elm327/driver.ts';
import { createSlcanDriver } from '#adapters/drivers/slcan/driver.ts';
import { openWebSerial } from '#adapters/transports/web-serial.ts';
import type { DriverEntry } from '#contract/adapter.ts';
import { DEFAULT_DIAG_TIMING } from '#contract/diagnostics.ts';
import { isNegativeResponse, isStackError } from '#contract/errors.ts';
import type { DiagChannel } from '#contract/isotp.ts';
import { openDiagClient, openFunctionalClient, readDataByIdentifier } from '#diagnostics/index.ts';
import { ElmTestEcu } from '../../../support/elm-ecu.ts';
import { bench, caught, ENGINE, hex, OPTIONS, VIN } from './bench.ts';

const V14B = { missing: ['ATCTM', 'ATAMC'] };
const refuseAll = { spend: () => caught(Promise.resolve()) };

function clientOn(channel: DiagChannel, clock: Parameters<typeof openDiagClient>[0]['clock']) {
  const verifier = refuseAll as unknown as Parameters<typeof openDiagClient>[0]['verifier'];
  return openDiagClient({ channel, clock, timing: DEFAULT_DIAG_TIMING, verifier });
}

describe('elm327 under the diagnostic client', () => {
  it('reads the VIN twenty times without one lost or doubled', async () => {
    const { clock, device, ecu, openBus } = bench(V14B);
    await clock.run(async () => {
      const client = clientOn((await openBus()).openChannel(ENGINE, OPTIONS), clock);
      const strays: unknown[] = [];
      client.onEvent((event) => {
        if (event.type === 'stray') strays.push(event);
      });
      for (let i = 0; i < 20; i++)
        expect(await client.call(readDataByIdentifier, { did: 0xf190 })).toEqual({ data: VIN.slice(3) });
      expect(strays).toEqual([]);
      await client.close();
    });
    expect([ecu.received.length, device.violations]).toEqual([20, []]);
  });

  it('an absent module costs its two repeats and less than three seconds', async () => {
    const { clock, device, ecu, openBus } = bench(V14B);
    ecu.options = { ...ecu.options, answers: () => [] };
    await clock.run(async () => {
      const client = clientOn((await openBus()).openChannel(ENGINE, OPTIONS), clock);
      const from = clock.now();
      const error = await caught(client.call(readDataByIdentifier, { did: 0xf190 }));
      expect(isStackError(error, 'diag/module-lost')).toBe(true);
      expect(clock.now() - from).toBeLessThan(3000);
      await client.close();
    });
    expect(device.violations).toEqual([]);
  });

  it('follows 78 for nine seconds and gets its answer', async () => {
    const { clock, device, ecu, openBus } = bench(V14B);
    ecu.options = {
      ...ecu.options,
      answers: () => [
        { afterMs: 20, pdu: hex('7F2278') },
        { afterMs: 4500, pdu: hex('7F2278') },
        { afterMs: 4500, pdu: VIN },
      ],
    };
    await clock.run(async () => {
      const client = clientOn((await openBus()).openChannel(ENGINE, OPTIONS), clock);
      expect(await client.call(readDataByIdentifier, { did: 0xf190 })).toEqual({ data: VIN.slice(3) });
      await client.close();
    });
    expect([ecu.received.length, device.violations]).toEqual([1, []]);
  });

  it('a refusal is the refusal of this request', async () => {
    const { clock, ecu, openBus } = bench(V14B);
    ecu.options = { ...ecu.options, answers: () => [{ afterMs: 5, pdu: hex('7F2231') }] };
    await clock.run(async () => {
      const client = clientOn((await openBus()).openChannel(ENGINE, OPTIONS), clock);
      expect(isNegativeResponse(await caught(client.call(readDataByIdentifier, { did: 0xf190 })), 0x31)).toBe(true);
      await client.close();
    });
  });

  it('a broadcast collects the VINs of three ECUs within a second and a half', async () => {
    const { clock, device, openBus } = bench(V14B);
    for (const n of [1, 2])
      new ElmTestEcu(device, {
        requestId: 0x7e0 + n,
        responseId: 0x7e8 + n,
        functionalId: 0x7df,
        answers: () => [{ afterMs: 5 * n, pdu: VIN }],
      });
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(
        { format: 'normal', requestId: 0x7df, responseId: 0x7e8, extendedId: false },
        { ...OPTIONS, functional: true, responseRange: { from: 0x7e8, to: 0x7ef } },
      );
      const sources: string[] = [];
      await openFunctionalClient({ channel, clock }).broadcast(
        readDataByIdentifier,
        { did: 0xf190 },
        ({ source }) => sources.push(source),
        { collectMs: 1500 },
      );
      expect(sources.sort()).toEqual(['7E0-7E8', '7E1-7E9', '7E2-7EA']);
    });
    expect(device.violations).toEqual([]);
  });
});

describe('elm327 in the probe order', () => {
  it('is found behind the slcan driver, whose probes are only ? to it', async () => {
    const { clock, port, device } = bench(V14B);
    const entry = (id: string, load: DriverEntry['load']): DriverEntry => ({
      id,
      family: 'interpreter',
      title: id,
      usbFilters: [],
      baudRates: [],
      load,
    });
    const drivers = [
      entry('slcan', async () => createSlcanDriver()),
      entry('elm327', async () => createElm327Driver()),
    ];
    const transport = await openWebSerial(port, { baudRate: 38_400 }, { clock });
    const adapter = await clock.run(detectAdapter(transport, { clock }, { drivers }));
    expect([adapter.info.driver, adapter.info.firmware, device.wire]).toEqual(['elm327', 'ELM327 v1.4b', []]);
  });
});
