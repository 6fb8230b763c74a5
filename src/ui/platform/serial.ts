import { StackError } from '#contract/errors.ts';
import type { UsbIdentity } from '#contract/transport.ts';

/**
 * The window's half of Web Serial: the chooser needs a click and a page, everything else is the worker's
 * (reference: platform 2). Platform errors are translated here, once.
 */

/** Serial port profile of Bluetooth (assigned number 0x1101): what an adapter with a Bluetooth serial port offers. */
export const BLUETOOTH_SERIAL_PORT = 0x1101;

/**
 * USB identities of the adapters that Codebay has drivers for, as the driver registry lists them (reference: adapters L.3).
 * The page knows no drivers, so they are named again; `tests/unit/ui-adapter/chooser.test.ts` holds the two lists together.
 */
export const ADAPTER_FILTERS: readonly SerialPortFilter[] = [
  { usbVendorId: 0xad50, usbProductId: 0x60c4 },
  { usbVendorId: 0x16d0, usbProductId: 0x117e },
  { usbVendorId: 0x0483, usbProductId: 0x5740 },
  { usbVendorId: 0x2e3c, usbProductId: 0x5740 },
  { usbVendorId: 0x04d8, usbProductId: 0x000a },
  { usbVendorId: 0x0403, usbProductId: 0xffa8 },
  { usbVendorId: 0x0403, usbProductId: 0x6001 },
  { usbVendorId: 0x0403, usbProductId: 0x6015 },
  { usbVendorId: 0x0403, usbProductId: 0x6010 },
  { usbVendorId: 0x1a86, usbProductId: 0x7584 },
  { usbVendorId: 0x10c4, usbProductId: 0xea60 },
  { usbVendorId: 0x1a86, usbProductId: 0x7523 },
  { usbVendorId: 0x1a86, usbProductId: 0x55d4 },
  { usbVendorId: 0x067b, usbProductId: 0x2303 },
];

/** What the browser's list is to show: adapters we know, Bluetooth serial ports, or whatever there is. */
export type PortKind = 'known' | 'bluetooth' | 'all';

export interface ChosenPort {
  /** Null for ports that are no USB device. */
  readonly usb: UsbIdentity | null;
  readonly wireless: boolean;
}

export function chooserOptions(kind: PortKind): SerialPortRequestOptions {
  switch (kind) {
    case 'known':
      return { filters: [...ADAPTER_FILTERS] };
    case 'bluetooth':
      return {
        filters: [{ bluetoothServiceClassId: BLUETOOTH_SERIAL_PORT }],
        allowedBluetoothServiceClassIds: [BLUETOOTH_SERIAL_PORT],
      };
    case 'all':
      return {};
  }
}

/** A port as the browser tells it. Text and numbers are the browser's own; what is no number is not there. */
export function portOf(info: SerialPortInfo): ChosenPort {
  const { usbVendorId: vendorId, usbProductId: productId, bluetoothServiceClassId } = info;
  const isUsb = vendorId !== undefined && productId !== undefined;
  return { usb: isUsb ? { vendorId, productId } : null, wireless: !isUsb && bluetoothServiceClassId !== undefined };
}

/**
 * Opens the browser's list. Call it from a click.
 * @throws StackError `transport/unavailable`, `transport/chooser-dismissed` (fault S01)
 */
export async function requestPort(kind: PortKind): Promise<ChosenPort> {
  if (!('serial' in navigator))
    throw new StackError('transport/unavailable', 'this browser has no Web Serial', {
      api: 'serial',
      reason: 'navigator.serial is missing',
    });
  try {
    return portOf((await navigator.serial.requestPort(chooserOptions(kind))).getInfo());
  } catch (error) {
    const name = error instanceof Error ? error.name : 'Error';
    if (name === 'NotFoundError')
      throw new StackError('transport/chooser-dismissed', 'no port was chosen', {}, { cause: error });
    throw new StackError(
      'transport/unavailable',
      `the browser does not offer ports: ${error instanceof Error ? error.message : String(error)}`,
      { api: 'serial', reason: name },
      { cause: error },
    );
  }
}

/**
 * Tells of a granted port that was plugged in again. Ports whose grant died with the plug are not told (fault S06): for them
 * only a click helps.
 * @returns the way to stop listening
 */
export function onPortBack(listener: (port: ChosenPort) => void): () => void {
  if (!('serial' in navigator)) return () => undefined;
  const { serial } = navigator;
  const tell = ({ target }: Event) => {
    // The event starts at the port and bubbles up to `navigator.serial`.
    if (target !== null && 'getInfo' in target) listener(portOf((target as SerialPort).getInfo()));
  };
  serial.addEventListener('connect', tell);
  return () => serial.removeEventListener('connect', tell);
}

/** Does another tab hold the adapter's lock now (invariant I2)? Unknown counts as yes: what is not certain is not opened. */
export async function isAdapterTaken(): Promise<boolean> {
  try {
    const { held = [] } = await navigator.locks.query();
    return held.some(({ name }) => name === 'adapter');
  } catch {
    return true;
  }
}
