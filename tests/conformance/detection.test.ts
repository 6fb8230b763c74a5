import { describe, expect, it } from 'vitest';
import { detectAdapter } from '#adapters/detect.ts';
import { DRIVERS } from '#adapters/registry.ts';
import { openSimulated } from '#adapters/transports/simulated.ts';
import type { DriverEntry } from '#contract/adapter.ts';
import { VIRTUAL_ADAPTERS, type VirtualAdapter } from '#contract/simulator-control.ts';
import { VirtualCar } from '#simulator/car.ts';
import { V1 } from '#simulator/cars/v1.ts';
import { attachDevice } from '#simulator/devices/attach.ts';
import { MemoryCarStore } from '#simulator/memory-store.ts';
import { portPair } from '../support/port-pair.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

for (const driver of DRIVERS) await driver.load(); // a module being loaded stands still for the virtual clock

const DRIVER_OF: Readonly<Record<VirtualAdapter, string>> = {
  'canable-v1': 'slcan',
  'canable-v2': 'slcan',
  canusb: 'slcan',
  usbtin: 'slcan',
  'elm327-v14b': 'elm327',
  'elm327-v23': 'elm327',
  'clone-good': 'elm327',
  'clone-bad': 'elm327',
  stn1110: 'stn',
  stn2120: 'stn',
  vlinker: 'stn',
};

/** All orders of the drivers, as they would be tried for a device whose USB identity says nothing. */
const ORDERS: readonly (readonly DriverEntry[])[] = orders(DRIVERS.map((entry) => ({ ...entry, usbFilters: [] })));

function orders<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) =>
    orders([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
  );
}

interface Detected {
  readonly driver: string;
  readonly ms: number;
  /** What the adapter itself put on the bus. */
  readonly framesToBus: number;
  readonly heard: string;
}

async function detect(
  model: VirtualAdapter,
  options: {
    readonly drivers?: readonly DriverEntry[];
    readonly baudRate?: number;
    readonly thenSend?: boolean;
    readonly deafMs?: number;
  } = {},
): Promise<Detected> {
  const clock = new VirtualClock();
  const car = await VirtualCar.create({ data: V1, clock, store: new MemoryCarStore() });
  const heard: string[] = [];
  const ports = portPair((direction, message) => {
    const bytes =
      direction === 'out' && typeof message === 'object' && message !== null && 'bytes' in message
        ? message.bytes
        : null;
    if (bytes instanceof Uint8Array) heard.push(new TextDecoder('latin1').decode(bytes));
    const isBytes = typeof message === 'object' && message !== null && 'bytes' in message;
    return direction === 'in' && isBytes && clock.now() < (options.deafMs ?? 0) ? [] : [message];
  });
  const device = attachDevice(car, ports.far, { model, tickMs: 1, onChange: () => undefined });
  return clock.run(async () => {
    const transport = await openSimulated(ports.near, { baudRate: options.baudRate ?? 115_200 }, { clock });
    const startMs = clock.now();
    const adapter = await detectAdapter(transport, { clock }, options.drivers ? { drivers: options.drivers } : {});
    const ms = clock.now() - startMs;
    const { framesToBus } = device.counters;
    if (options.thenSend === true) {
      const link = await adapter.can?.open({ bitRate: 500_000 });
      await link?.send([{ id: 0x7df, extended: false, data: Uint8Array.of(0x02, 0x3e, 0x00, 0, 0, 0, 0, 0) }]);
    }
    await adapter.close();
    return { driver: adapter.info.driver, ms, framesToBus, heard: heard.join('') };
  });
}

describe('detection on an open port', () => {
  it.each(VIRTUAL_ADAPTERS)(
    '%s is recognised by its own driver, in five seconds, without a frame on the bus',
    async (model) => {
      const found = await detect(model);
      expect(found.driver).toBe(DRIVER_OF[model]);
      expect(found.framesToBus).toBe(0);
      expect(found.ms).toBeLessThan(5000);
    },
  );

  it.each(VIRTUAL_ADAPTERS)(
    '%s: in whichever order the drivers ask, its own one has it, and no other has put a frame on the bus',
    async (model) => {
      for (const drivers of ORDERS) {
        const found = await detect(model, { drivers });
        const order = drivers.map(({ id }) => id).join(', ');
        expect(found.driver, order).toBe(DRIVER_OF[model]);
        expect(found.framesToBus, order).toBe(0);
      }
    },
  );

  it.each(VIRTUAL_ADAPTERS)(
    '%s: no probe is a bare CR (it would repeat a command), and none resets before it knows whom',
    async (model) => {
      for (const drivers of ORDERS) {
        const { heard } = await detect(model, { drivers });
        expect(heard).not.toMatch(/(^|\r)\r/);
        const known = heard.search(/ATI\r/i);
        const reset = heard.search(/ATZ\r/i);
        if (reset >= 0) expect(reset).toBeGreaterThan(known);
      }
    },
  );

  it('a CANable that was asked ATI first (its automatic repeat is off now) gets A1 before its channel is opened', async () => {
    for (const model of ['canable-v1', 'canable-v2'] as const) {
      const elmFirst = ORDERS.find(([first]) => first?.id === 'elm327') ?? [];
      const { heard } = await detect(model, { drivers: elmFirst, thenSend: true });
      const asked = heard.indexOf('ATI\r');
      const repeatOn = heard.lastIndexOf('A1\r');
      expect(asked).toBeGreaterThanOrEqual(0);
      expect(repeatOn).toBeGreaterThan(asked);
      expect(heard.indexOf('\rO\r')).toBeGreaterThan(repeatOn);
    }
  });

  it('a host that heard nothing for two seconds, while the usual speed had its turn, asks once more with patience', async () => {
    const found = await detect('elm327-v14b', { deafMs: 2000 });
    expect(found.driver).toBe('elm327');
    expect(found.framesToBus).toBe(0);
  });

  it.each([
    ['elm327-v14b', 500_000],
    ['clone-good', 9600],
    ['stn1110', 38_400],
    ['stn2120', 9600],
  ] as const)('%s at its own speed is found by a host that opened the port at %i', async (model, baudRate) => {
    expect((await detect(model, { baudRate })).driver).toBe(DRIVER_OF[model]);
  });
});
