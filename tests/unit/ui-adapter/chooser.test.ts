import { describe, expect, it } from 'vitest';
import { DRIVERS } from '#adapters/registry.ts';
import { ADAPTER_FILTERS, chooserOptions, portOf } from '#ui/platform/serial.ts';

const asText = (vendorId: number, productId: number | undefined) =>
  `${vendorId.toString(16)}:${productId?.toString(16) ?? '*'}`;

describe("the browser's list of ports", () => {
  it('shows every adapter that the driver registry names, and nothing besides', () => {
    const registry = new Set(
      DRIVERS.flatMap(({ usbFilters }) => usbFilters.map(({ vendorId, productId }) => asText(vendorId, productId))),
    );
    const chooser = ADAPTER_FILTERS.map(({ usbVendorId = 0, usbProductId }) => asText(usbVendorId, usbProductId));
    expect(new Set(chooser)).toEqual(registry);
    expect(chooser).toHaveLength(new Set(chooser).size);
  });

  it('over Bluetooth shows serial ports (service class 0x1101), and all of them where it is asked for all', () => {
    expect(chooserOptions('bluetooth')).toEqual({
      filters: [{ bluetoothServiceClassId: 0x1101 }],
      allowedBluetoothServiceClassIds: [0x1101],
    });
    expect(chooserOptions('all')).toEqual({});
  });

  it('a port with a service class is wireless, one with 16D0:117E is a cable, one with neither is neither', () => {
    expect(portOf({ bluetoothServiceClassId: '00001101-0000-1000-8000-00805f9b34fb' })).toEqual({
      usb: null,
      wireless: true,
    });
    expect(portOf({ usbVendorId: 0x16d0, usbProductId: 0x117e })).toEqual({
      usb: { vendorId: 0x16d0, productId: 0x117e },
      wireless: false,
    });
    expect(portOf({})).toEqual({ usb: null, wireless: false });
  });
});
