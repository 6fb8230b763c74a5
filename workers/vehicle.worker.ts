import { detectAdapter } from '#adapters/detect.ts';
import { DRIVERS } from '#adapters/registry.ts';
import { openSimulated } from '#adapters/transports/simulated.ts';
import { findGrantedPorts, openGrantedPort } from '#adapters/transports/web-serial-ports.ts';
import type { GrantedAdapter } from '#contract/vehicle-api.ts';
import { EventSender } from '#rpc/events.ts';
import { exposeVehicleApi } from '#rpc/vehicle-client.ts';
import { openStores, parseBackup } from '#store/index.ts';
import { preciseWaitIsolated, preciseWaitPlain } from './precise-wait.ts';
import { systemClock } from './system-clock.ts';
import { fetchPacks } from './vehicle/packs.ts';
import { VehicleService } from './vehicle/service.ts';
import { SIMULATOR_KEY } from './vehicle/simulator-key.ts';
import { webLocks, webSchemaLocks } from './web-locks.ts';

/**
 * The vehicle worker: owns the adapter, the stack and the stores. Joins them and says nothing more; what they do together
 * is in `vehicle/service.ts`, which tests run in Node.
 */
declare const __RELEASE__: string;

/** Native USB devices ignore the rate; adapters with a UART bridge are opened at what most are delivered with. */
const BAUD_RATE = 115_200;
const clock = systemClock();
const events = new EventSender(clock);

const service = new VehicleService({
  clock,
  events,
  locks: webLocks(navigator.locks),
  release: __RELEASE__,
  preciseWait: self.crossOriginIsolated ? preciseWaitIsolated() : preciseWaitPlain(),
  keyProviders: new Map([[SIMULATOR_KEY.id, SIMULATOR_KEY]]),
  openStores: (world) =>
    openStores({ world, clock, locks: webSchemaLocks(navigator.locks), storage: navigator.storage }),
  loadPacks: () => fetchPacks(new URL('../definitions/', self.location.href)),
  parseBackup,
  async grantedAdapters() {
    if (!('serial' in navigator)) return [];
    return (await navigator.serial.getPorts()).map((port): Omit<GrantedAdapter, 'known'> => {
      const { usbVendorId: vendorId, usbProductId: productId } = port.getInfo();
      return vendorId === undefined || productId === undefined
        ? { usb: null, title: 'serial port' }
        : { usb: { vendorId, productId }, title: titleOf(vendorId, productId) };
    });
  },
  async grantedPorts(usb) {
    return (await findGrantedPorts(navigator.serial, usb ?? undefined)).map((port) => ({
      usb,
      open: () => openGrantedPort(port, { baudRate: BAUD_RATE }, { clock }),
    }));
  },
  openSimulated: (port) => openSimulated(port, { baudRate: BAUD_RATE }, { clock }),
  recognise: (transport, wireless) => detectAdapter(transport, { clock, wireless }),
  newId: () => crypto.randomUUID(),
});

function titleOf(vendorId: number, productId: number): string {
  return (
    DRIVERS.find(({ usbFilters }) =>
      usbFilters.some((filter) => filter.vendorId === vendorId && (filter.productId ?? productId) === productId),
    )?.title ?? 'USB serial port'
  );
}

exposeVehicleApi(service);
