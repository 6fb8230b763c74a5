import type { DriverEntry } from '#contract/adapter.ts';

/** One line per driver: how its devices are recognised on USB (reference: adapters L.3), and how it is loaded. */
export const DRIVERS: readonly DriverEntry[] = [
  {
    id: 'slcan',
    title: 'CANable, CANUSB, USBtin (slcan)',
    usbFilters: [
      { vendorId: 0xad50, productId: 0x60c4 }, // CANable v1
      { vendorId: 0x16d0, productId: 0x117e }, // CANable v2
      { vendorId: 0x0483, productId: 0x5740 }, // STM32 CDC
      { vendorId: 0x2e3c, productId: 0x5740 }, // AT32 CDC
      { vendorId: 0x04d8, productId: 0x000a }, // USBtin
      { vendorId: 0x0403, productId: 0xffa8 }, // LAWICEL CANUSB
      { vendorId: 0x0403, productId: 0x6001 }, // FT232R
      { vendorId: 0x0403, productId: 0x6015 }, // FT230X
    ],
    baudRates: [], // USB CDC, or a rate that the port already has
    load: async () => (await import('./drivers/slcan/driver.ts')).createSlcanDriver(),
  },
];
