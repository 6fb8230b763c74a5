import type { DriverEntry } from '#contract/adapter.ts';

/**
 * One line per driver: how its devices are recognised on USB (reference: adapters L.3), how fast they speak, how it is loaded. The
 * order is that of the probes for a device whose USB identity says nothing: command interpreters first, because what asks an
 * interpreter is harmless to an slcan device, and a lone `C` is a hex digit to an interpreter (L.2).
 */
export const DRIVERS: readonly DriverEntry[] = [
  {
    id: 'stn',
    family: 'interpreter',
    title: 'OBDLink, vLinker (STN)',
    usbFilters: [
      { vendorId: 0x0403, productId: 0x6015 }, // FT230X: OBDLink SX, EX
      { vendorId: 0x0403, productId: 0x6010 }, // vLinker (uncertain)
      { vendorId: 0x1a86, productId: 0x7584 }, // vLinker (uncertain)
      { vendorId: 0x0403, productId: 0x6001 }, // FT232R: older vLinker, ELS27
    ],
    baudRates: [115_200, 38_400, 9600, 2_000_000, 500_000], // the last two: a tab that was killed while the line was raised
    load: async () => (await import('./drivers/stn/driver.ts')).createStnDriver(),
  },
  {
    id: 'elm327',
    family: 'interpreter',
    title: 'ELM327',
    usbFilters: [
      { vendorId: 0x10c4, productId: 0xea60 }, // CP210x
      { vendorId: 0x1a86, productId: 0x7523 }, // CH340
      { vendorId: 0x1a86, productId: 0x55d4 }, // CH9102
      { vendorId: 0x067b, productId: 0x2303 }, // PL2303
      { vendorId: 0x0403, productId: 0x6001 }, // FT232R
    ],
    baudRates: [38_400, 115_200, 9600, 230_400, 500_000],
    load: async () => (await import('./drivers/elm327/driver.ts')).createElm327Driver(),
  },
  {
    id: 'slcan',
    family: 'slcan',
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
    baudRates: [115_200, 57_600], // USB CDC takes any; 57600: a CANUSB as delivered
    load: async () => (await import('./drivers/slcan/driver.ts')).createSlcanDriver(),
  },
];
