import type { SlcanFirmware } from '#contract/simulator-control.ts';
import type { UsbIdentity } from '#contract/transport.ts';

/** How one slcan firmware behaves (reference: adapters C.1, C.2). */
export interface FirmwareData {
  readonly usb: UsbIdentity;
  /** Answers commands with CR or BEL. CANable's firmware never does, and drops silently. */
  readonly acknowledges: boolean;
  /** Frames that fit between host and wire, the one on the wire included. */
  readonly queueFrames: number;
  readonly version: string;
  readonly detailedVersion?: string;
  readonly serial?: string;
  /** Bit rate of S0, S1, …; absent = refused. */
  readonly bitRates: readonly number[];
  readonly defaultBitRate?: number;
  /** What an empty line is answered with, where commands are acknowledged. */
  readonly emptyLine: 'ack' | 'nak';
}

const COMMON_RATES = [10_000, 20_000, 50_000, 100_000, 125_000, 250_000, 500_000];

/** The texts of `V` and `N` are our own in the form that the real devices use. */
export const FIRMWARES: Readonly<Record<SlcanFirmware, FirmwareData>> = {
  canusb: {
    usb: { vendorId: 0x0403, productId: 0xffa8 },
    acknowledges: true,
    queueFrames: 32,
    version: 'V1013',
    serial: 'NCB01',
    bitRates: [...COMMON_RATES, 800_000, 1_000_000],
    emptyLine: 'ack',
  },
  usbtin: {
    usb: { vendorId: 0x04d8, productId: 0x000a },
    acknowledges: true,
    queueFrames: 32,
    version: 'V0108',
    detailedVersion: 'v0108',
    serial: 'NFFFF',
    bitRates: [...COMMON_RATES, 800_000, 1_000_000],
    emptyLine: 'nak',
  },
  'canable-v1': {
    usb: { vendorId: 0xad50, productId: 0x60c4 },
    acknowledges: false,
    queueFrames: 27,
    version: 'b158aa7 github.com/normaldotcom/canable-fw.git',
    bitRates: [...COMMON_RATES, 750_000, 1_000_000],
    defaultBitRate: 125_000,
    emptyLine: 'ack',
  },
  'canable-v2': {
    usb: { vendorId: 0x16d0, productId: 0x117e },
    acknowledges: false,
    queueFrames: 63,
    version: '16ac342 github.com/normaldotcom/canable2-fw.git',
    // Its divisor for S7 gives 1.43 Mbit/s.
    bitRates: [...COMMON_RATES, 1_428_571, 1_000_000, 83_333],
    defaultBitRate: 125_000,
    emptyLine: 'ack',
  },
};
