import { detectAdapter } from '#adapters/detect.ts';
import { openSimulated } from '#adapters/transports/simulated.ts';
import type { Adapter, AdapterInfo } from '#contract/adapter.ts';
import type { AdapterReport } from '#contract/adapter-check.ts';
import type { OperationEvent } from '#contract/operation.ts';
import type { SlcanFirmware } from '#contract/simulator-control.ts';
import type { ConnectionView, WorkerEvent } from '#contract/vehicle-api.ts';
import { EventSender } from '#rpc/events.ts';
import { attachSlcanDevice, type SlcanDevice } from '#simulator/devices/slcan/device.ts';
import { parseBackup } from '#store/index.ts';
import { VehicleService } from '../../workers/vehicle/service.ts';
import { type MemoryDisk, memoryStores } from '../support/memory-stores.ts';
import { portPair } from '../support/port-pair.ts';
import type { Garage } from '../support/workshop.ts';
import { PACK } from './jobs.ts';

type Open = Extract<ConnectionView, { kind: 'open' }>;

/** A cable that the browser holds the permission for. */
export interface Cable {
  readonly firmware: SlcanFirmware;
  /** What its handshake tells otherwise than the firmware's own text, e.g. the serial number of two alike. */
  readonly dressed?: Partial<AdapterInfo>;
  /** Another program has it. */
  readonly busy?: StackErrorMaker;
  plugged: boolean;
  device: SlcanDevice | null;
  opened: number;
}
type StackErrorMaker = () => Error;

export function cable(firmware: SlcanFirmware, more: Partial<Pick<Cable, 'dressed' | 'busy'>> = {}): Cable {
  return { firmware, plugged: true, device: null, opened: 0, ...more };
}

/** The vehicle worker as the real world's adapters see it: cables at serial ports, real stores of a real car. */
export class Desk {
  readonly garage: Garage;
  readonly disk: MemoryDisk;
  readonly cables: readonly Cable[];
  readonly events: WorkerEvent[] = [];
  readonly service: VehicleService;
  #ids = 0;

  constructor(garage: Garage, disk: MemoryDisk, cables: readonly Cable[]) {
    this.garage = garage;
    this.disk = disk;
    this.cables = cables;
    const { clock } = garage;
    const ports = portPair();
    ports.far.addEventListener('message', ({ data }) => {
      this.events.push(...(data as { events: readonly WorkerEvent[] }).events); // our own sender's batch
    });
    ports.far.start?.();
    const events = new EventSender(clock);
    events.connect(ports.near);
    const dresses = new Map<unknown, Partial<AdapterInfo>>();
    this.service = new VehicleService({
      clock,
      events,
      release: '1.2.3',
      keyProviders: new Map(),
      locks: { withLock: async (_, work) => ({ value: await work() }), hold: async () => async () => {} },
      openStores: async () => ({ ...memoryStores(disk, clock, false), close: async () => {} }),
      loadPacks: async () => [{ ...PACK, simulated: false }],
      parseBackup,
      grantedAdapters: async () => this.#granted().map(({ usb }) => ({ usb, title: 'adapter' })),
      grantedPorts: async (usb) =>
        this.#granted()
          .filter(
            (port) => usb === null || (port.usb.vendorId === usb.vendorId && port.usb.productId === usb.productId),
          )
          .map(({ usb: identity, cable: one }) => ({
            usb: identity,
            open: async () => {
              if (one.busy) throw one.busy();
              one.opened++;
              const line = portPair();
              one.device = attachSlcanDevice(garage.car, line.far, { firmware: one.firmware });
              const transport = await openSimulated(line.near, { baudRate: 115_200 }, { clock });
              if (one.dressed) dresses.set(transport, one.dressed);
              return transport;
            },
          })),
      openSimulated: () => Promise.reject(new Error('there is no virtual car here')),
      recognise: async (transport) => dressed(await detectAdapter(transport, { clock }), dresses.get(transport)),
      newId: () => `d${++this.#ids}`,
    });
  }

  async begin(): Promise<void> {
    await this.service.hello({ world: 'real', storagePersistent: true });
  }

  async view(): Promise<ConnectionView> {
    return (await this.service.hello({ world: 'real', storagePersistent: true })).connection;
  }

  async open(): Promise<Open> {
    const view = await this.view();
    if (view.kind !== 'open') throw new Error(`the connection is ${view.kind}`);
    return view;
  }

  async done(started: Promise<{ operationId: string }>): Promise<Extract<OperationEvent, { type: 'ended' }>> {
    const { operationId } = await started;
    for (;;) {
      for (const event of this.events)
        if (event.type === 'operation' && event.event.operationId === operationId && event.event.type === 'ended')
          return event.event;
      await this.garage.clock.sleep(5);
    }
  }

  async scan(): Promise<void> {
    await this.done(this.service.scan({ commandId: this.id() }));
  }

  async check(): Promise<AdapterReport | null> {
    await this.done(this.service.checkAdapter({ commandId: this.id() }));
    return (await this.open()).check;
  }

  /** Pulls a cable out, and waits until that is known. */
  async pull(one: Cable): Promise<void> {
    one.plugged = false;
    one.device?.unplug();
    while ((await this.view()).kind === 'open') await this.garage.clock.sleep(5);
  }

  id(): string {
    return `c${++this.#ids}`;
  }

  #granted() {
    return this.cables.filter(({ plugged }) => plugged).map((one) => ({ cable: one, usb: USB[one.firmware] }));
  }
}

const USB: Readonly<Record<SlcanFirmware, { readonly vendorId: number; readonly productId: number }>> = {
  canusb: { vendorId: 0x0403, productId: 0xffa8 },
  usbtin: { vendorId: 0x04d8, productId: 0x000a },
  'canable-v1': { vendorId: 0xad50, productId: 0x60c4 },
  'canable-v2': { vendorId: 0x16d0, productId: 0x117e },
};

/** The same adapter under another name: what its driver would have told of another device. */
function dressed(adapter: Adapter, info: Partial<AdapterInfo> | undefined): Adapter {
  if (info === undefined) return adapter;
  return new Proxy(adapter, {
    get: (target, name) => {
      if (name === 'info') return { ...target.info, ...info };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
