import { createWorker } from '#ui/platform/scripts.ts';
import { isAdapterTaken, onPortBack, requestPort } from '#ui/platform/serial.ts';
import type { AppPlatform } from './app.svelte.ts';
import { VirtualCarOwner } from './virtual-car.ts';

/** What the browser does for the page: workers, the chooser, storage. Translated to stack errors here, once. */
export function createPlatform(): AppPlatform & { readonly virtualCar: VirtualCarOwner } {
  const virtualCar = new VirtualCarOwner();
  return {
    virtualCar,
    startVehicleWorker: () => createWorker('vehicle'),
    openVirtualCar: () => virtualCar.open(),
    requestSerialPort: requestPort,
    onPortBack,
    isAdapterTaken,
    persisted: async () => (await navigator.storage?.persisted?.()) ?? false,
    askPersistent: async () => (await navigator.storage?.persist?.()) ?? false,
  };
}
