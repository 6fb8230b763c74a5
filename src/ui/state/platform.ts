import { StackError } from '#contract/errors.ts';
import { createWorker } from '#ui/platform/scripts.ts';
import type { AppPlatform } from './app.svelte.ts';
import { VirtualCarOwner } from './virtual-car.ts';

/** USB vendors of adapters that speak slcan today; "show all ports" is the chooser without this list. */
const SERIAL_FILTERS: readonly SerialPortFilter[] = [
  { usbVendorId: 0x0483, usbProductId: 0x5740 },
  { usbVendorId: 0xad50, usbProductId: 0x60c4 },
  { usbVendorId: 0x16d0, usbProductId: 0x117e },
  { usbVendorId: 0x2e3c, usbProductId: 0x5740 },
  { usbVendorId: 0x04d8, usbProductId: 0x000a },
  { usbVendorId: 0x0403 },
];

/** What the browser does for the page: workers, the chooser, storage. Translated to stack errors here, once. */
export function createPlatform(): AppPlatform & { readonly virtualCar: VirtualCarOwner } {
  const virtualCar = new VirtualCarOwner();
  return {
    virtualCar,
    startVehicleWorker: () => createWorker('vehicle'),
    openVirtualCar: () => virtualCar.open(),
    async requestSerialPort(all: boolean) {
      if (!('serial' in navigator))
        throw new StackError('transport/unavailable', 'this browser has no Web Serial', {
          api: 'serial',
          reason: 'navigator.serial is missing',
        });
      try {
        const port = await navigator.serial.requestPort(all ? {} : { filters: [...SERIAL_FILTERS] });
        const { usbVendorId: vendorId, usbProductId: productId } = port.getInfo();
        return vendorId === undefined || productId === undefined ? null : { vendorId, productId };
      } catch (error) {
        const { name, message } = error as DOMException;
        if (name === 'NotFoundError')
          throw new StackError('transport/chooser-dismissed', 'no port was chosen', {}, { cause: error });
        throw new StackError(
          'transport/unavailable',
          `the browser does not offer ports: ${message}`,
          { api: 'serial', reason: name },
          { cause: error },
        );
      }
    },
    persisted: async () => (await navigator.storage?.persisted?.()) ?? false,
    askPersistent: async () => (await navigator.storage?.persist?.()) ?? false,
  };
}
