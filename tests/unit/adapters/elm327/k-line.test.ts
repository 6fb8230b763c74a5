import { describe, expect, it } from 'vitest';
import { initialiseKLine, kLineCommands, parseKeyBytes } from '#adapters/drivers/elm327/k-line.ts';
import { InterpreterConsole } from '#adapters/drivers/interpreter/console.ts';
import { openWebSerial } from '#adapters/transports/web-serial.ts';
import { isStackError } from '#contract/errors.ts';
import { ElmTestDevice, type ElmVariant } from '../../../support/elm-device.ts';
import { FakeSerialPort } from '../../../support/fake-serial.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';
import { caught } from './bench.ts';

const AT_10 = { target: 0x10, source: 0xf1 };

async function bench(variant: ElmVariant = {}) {
  const clock = new VirtualClock();
  const device = new ElmTestDevice(clock, variant);
  const port = new FakeSerialPort({ vendorId: 0x0403, productId: 0x6001 });
  port.onWrite((bytes) => device.write(bytes));
  device.onOutput((bytes) => port.send(bytes));
  const transport = await openWebSerial(port, { baudRate: 38_400 }, { clock });
  const console = new InterpreterConsole(transport, clock);
  return {
    clock,
    device,
    start: (preset: Parameters<typeof initialiseKLine>[1], options = {}) =>
      clock.run(console.turn((ask) => initialiseKLine(ask, preset, AT_10, options))),
  };
}

describe('elm327: K-line presets (A.12)', () => {
  it('fast init: SP5, header 81 10 F1, wakeup 81 10 F1 3E, 10400 baud', () => {
    expect(kLineCommands('iso14230-fast', AT_10)).toEqual([
      'ATSP5',
      'ATSH8110F1',
      'ATSW96',
      'ATWM8110F13E',
      'ATIB10',
      'ATSTFF',
      'ATAT0',
    ]);
  });

  it('slow init: the five-baud address is the ECU, unless another is named', () => {
    expect(kLineCommands('iso14230-slow', AT_10).slice(0, 3)).toEqual(['ATSP4', 'ATIIA10', 'ATSH8110F1']);
    expect(kLineCommands('iso14230-slow', { ...AT_10, initAddress: 0x33 })[1]).toBe('ATIIA33');
  });

  it('ISO 9141-2: address 33, header 68 6A F1', () => {
    expect(kLineCommands('iso9141', AT_10).slice(0, 3)).toEqual(['ATSP3', 'ATIIA33', 'ATSH686AF1']);
  });

  it.each([
    ['iso14230-fast', 'ATFI'],
    ['iso14230-slow', 'ATSI'],
    ['iso9141', 'ATSI'],
  ] as const)('%s: configures, then %s, and reads the key bytes EF 8F', async (preset, init) => {
    const { device, start } = await bench();
    expect(await start(preset, { checkKeyWords: false })).toEqual({ keyBytes: [0xef, 0x8f] });
    expect(device.commands).toEqual([...kLineCommands(preset, AT_10), 'ATKW0', init, 'ATKW']);
    expect(device.violations).toEqual([]);
  });

  it('BUS INIT: ...ERROR is can/bus-error', async () => {
    const { start } = await bench({ kLineDead: true });
    const error = await caught(start('iso14230-fast'));
    expect(isStackError(error, 'can/bus-error') && error.details.flags).toBe('BUS INIT: ...ERROR');
  });

  it('a chip without slow init is adapter/refused', async () => {
    const { start } = await bench({ missing: ['ATSI'] });
    expect(isStackError(await caught(start('iso9141')), 'adapter/refused')).toBe(true);
  });

  it('key bytes that the chip does not know are null', () => {
    expect([parseKeyBytes(['1:EF 2:8F']), parseKeyBytes(['1:-- 2:--']), parseKeyBytes(['?'])]).toEqual([
      [0xef, 0x8f],
      null,
      null,
    ]);
  });
});
