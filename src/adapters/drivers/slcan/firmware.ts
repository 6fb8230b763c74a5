import type { AdapterInfo, AdapterJob, AdapterVerdict, CanConfig } from '#contract/adapter.ts';
import { StackError } from '#contract/errors.ts';
import type { UsbIdentity } from '#contract/transport.ts';

/** The firmware families and what tells them apart (reference: adapters C.2). */
export type FirmwareFamily = 'lawicel' | 'canable-v1' | 'canable-v2' | 'elmue' | 'unknown';

export interface Firmware {
  readonly family: FirmwareFamily;
  /** Its own version text, printable and at most 64 characters. */
  readonly text: string;
  readonly product: string;
  /** CR and BEL answers? Where a firmware is not known by name, only if it acknowledged a configuration command. */
  readonly acknowledges: boolean;
  /** Frames it can hold before it drops silently. */
  readonly queueFrames: number;
}

const MAX_TEXT_LENGTH = 64;

/** Usable frames of the transmit rings: 28 − 1 and 64 − 1 (reference: adapters C.3). */
const QUEUE_CANABLE_V1 = 27;
const QUEUE_CANABLE_V2 = 63;
/** Not documented elsewhere: taken as the smallest known ring, so that 16 are ahead of the wire. */
const QUEUE_ASSUMED = 27;
/** The three transmit buffers of the MCP2515; whether the firmware queues more is not documented. */
const QUEUE_USBTIN = 3;

/** The family a version text belongs to, or null when it is not an slcan device's. */
export function familyOf(versionText: string): FirmwareFamily | null {
  if (versionText.startsWith('+Board')) return 'elmue'; // before "canable": it names the board
  if (/canable-?2/i.test(versionText)) return 'canable-v2';
  if (/canable/i.test(versionText)) return 'canable-v1';
  if (/^V[0-9A-Fa-f]{4}$/.test(versionText)) return 'lawicel';
  return null;
}

/** CANable firmware never acknowledges; every other one is asked. */
export function neverAcknowledges(family: FirmwareFamily): boolean {
  return family === 'canable-v1' || family === 'canable-v2';
}

export function describeFirmware(
  family: FirmwareFamily,
  versionText: string,
  acknowledges: boolean,
  usb: UsbIdentity | undefined,
): Firmware {
  const product = productOf(family, usb);
  const queueFrames =
    family === 'canable-v1'
      ? QUEUE_CANABLE_V1
      : family === 'canable-v2'
        ? QUEUE_CANABLE_V2
        : product === 'USBtin'
          ? QUEUE_USBTIN
          : QUEUE_ASSUMED;
  return { family, text: printable(versionText), product, acknowledges, queueFrames };
}

function productOf(family: FirmwareFamily, usb: UsbIdentity | undefined): string {
  switch (family) {
    case 'canable-v1':
      return 'CANable';
    case 'canable-v2':
      return 'CANable 2';
    case 'elmue':
      return 'CANable 2.5';
    case 'lawicel':
      if (usb?.vendorId === 0x04d8 && usb.productId === 0x000a) return 'USBtin';
      return usb?.vendorId === 0x0403 ? 'CANUSB' : 'LAWICEL-compatible adapter';
    case 'unknown':
      return 'slcan adapter';
  }
}

/** Foreign text, made printable and short. */
export function printable(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, MAX_TEXT_LENGTH);
}

/** What an slcan adapter may do (reference: adapters L.1). Programming waits for a drop-free qualification run. */
export function verdictOf(firmware: Firmware): AdapterInfo['verdict'] {
  const program: AdapterVerdict = {
    may: false,
    reason: firmware.acknowledges ? 'not-qualified' : 'no-transmit-confirmation',
  };
  return { read: { may: true }, code: { may: true }, program } satisfies Record<AdapterJob, AdapterVerdict>;
}

const RATE_CODES: Readonly<Record<CanConfig['bitRate'], string>> = {
  10000: 'S0',
  20000: 'S1',
  50000: 'S2',
  83300: 'S9',
  100000: 'S3',
  125000: 'S4',
  250000: 'S5',
  500000: 'S6',
  800000: 'S7',
  1000000: 'S8',
};

/** A command of the init sequence; `optional` ones may be refused or ignored. */
export interface InitCommand {
  readonly text: string;
  readonly optional: boolean;
}

/**
 * The sequence that opens the channel.
 * @throws StackError `adapter/unsupported` for a bit rate or listen-only that this firmware does not have: a CANable is
 * always a node that acknowledges, and its S7 is 750 kbit/s or 1.43 Mbit/s, never 800 (reference: adapters C.1, C.2)
 */
export function initCommands(firmware: Firmware, config: CanConfig): readonly InitCommand[] {
  const rate = rateCode(firmware, config.bitRate);
  const open = openCode(firmware, config.listenOnly ?? false);
  const must = (text: string): InitCommand => ({ text, optional: false });
  const may = (text: string): InitCommand => ({ text, optional: true });
  switch (firmware.family) {
    case 'canable-v1':
    case 'canable-v2':
      return canableInit(rate, open);
    case 'unknown':
      return firmware.acknowledges ? [may('C'), must(rate), must(open)] : canableInit(rate, open);
    case 'elmue':
      return [may('C'), must(rate), must(open)];
    case 'lawicel':
      // auto-poll on, time stamps off, filters open: what another program may have left in its memory
      return [may('C'), may('X1'), may('Z0'), may('M00000000'), may('mFFFFFFFF'), must(rate), must(open)];
  }
}

/** Always with A1: the ELM probe `ATI` switches automatic retransmission off. Never M or m masks: they are modes. */
function canableInit(rate: string, open: string): readonly InitCommand[] {
  return ['C', 'A1', 'M0', rate, open].map((text) => ({ text, optional: false }));
}

function rateCode(firmware: Firmware, bitRate: CanConfig['bitRate']): string {
  const code = RATE_CODES[bitRate];
  const { family } = firmware;
  const missing = (code === 'S7' && family !== 'lawicel') || (code === 'S9' && family !== 'canable-v2');
  if (!missing) return code;
  const ability = `${bitRate} bit/s`;
  throw new StackError('adapter/unsupported', `${firmware.product} has no bit rate of ${ability}`, { ability });
}

/** A CANable acknowledges on the bus whatever is set: it never only listens. */
export function hasListenOnly({ family, acknowledges }: Firmware): boolean {
  return family === 'elmue' || family === 'lawicel' || (family === 'unknown' && acknowledges);
}

function openCode(firmware: Firmware, listenOnly: boolean): string {
  const { family } = firmware;
  if (!listenOnly) return family === 'elmue' ? 'ON' : 'O';
  if (family === 'elmue') return 'OS';
  if (hasListenOnly(firmware)) return 'L';
  const ability = 'listen-only';
  throw new StackError('adapter/unsupported', `${firmware.product} always takes part on the bus`, { ability });
}
