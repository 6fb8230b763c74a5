import type { AdapterInfo, AdapterLimit, AdapterVerdict } from '#contract/adapter.ts';
import type { UsbIdentity } from '#contract/transport.ts';

/** What the device said of itself: the lines of each answer, empty where it said nothing or `?`. */
export interface StnTexts {
  /** `ATI` → `ELM327 v1.4b`. */
  readonly elm: string;
  /** `STI` → `STN2120 v5.6.19`; settable by the user on a vLinker, so it proves little there (reference: adapters B.6). */
  readonly st: string;
  /** `VTVERS` → `MIC3X2X V2.3.08` on a vLinker, `?` elsewhere. */
  readonly vt: string;
  /** `STDI` → `OBDLink EX r1.0.0`. */
  readonly product: string;
  /** `STSN` → 12 digits. */
  readonly serial: string;
}

export type StnFamily = 'stn1' | 'stn2' | 'stn-other' | 'vlinker';

/** One device of the family, as far as its words and the reference tell (adapters B.1, B.4, B.6). */
export interface StnIdentity {
  readonly family: StnFamily;
  /** `STN2120`; of a vLinker the name its own command gives, e.g. `MIC3X2X`. */
  readonly chip: string;
  readonly product: string;
  /** The whole identity text. The same text is asked for after a restart: another one means another device. */
  readonly firmware: string;
  /** Which command gave `firmware`. */
  readonly firmwareCommand: 'STI' | 'VTVERS';
  readonly serialNumber: string | null;
  readonly limits: StnLimits;
}

export interface StnLimits {
  readonly longestSendBytes: number;
  readonly longestReceiveBytes: number;
  /** Characters of one command, its CR included. */
  readonly commandChars: number;
}

/** "2 kB" in the table of the maker: what fits whichever way it is counted. */
const TWO_KB = 2047;
/** The longest message of ISO 15765-2 with a 12-bit length. */
const FOUR_KB = 4095;
/** What the shortest command line of the family carries as one STPX with its data: certain for any of them. */
const CERTAIN_BYTES = 240;
const COMMAND_CHARS_STN1 = 0x1ff;
const COMMAND_CHARS_STN2 = 0x3ff;

const LIMITS: Readonly<Record<StnFamily, StnLimits>> = {
  stn1: { longestSendBytes: TWO_KB, longestReceiveBytes: TWO_KB, commandChars: COMMAND_CHARS_STN1 },
  stn2: { longestSendBytes: FOUR_KB, longestReceiveBytes: FOUR_KB, commandChars: COMMAND_CHARS_STN2 },
  // Not in the maker's table (STN2310 of the CX, STN2320): no more than every other one surely does.
  'stn-other': {
    longestSendBytes: CERTAIN_BYTES,
    longestReceiveBytes: CERTAIN_BYTES,
    commandChars: COMMAND_CHARS_STN1,
  },
  vlinker: { longestSendBytes: CERTAIN_BYTES, longestReceiveBytes: CERTAIN_BYTES, commandChars: COMMAND_CHARS_STN1 },
};

/** STPX exists since this firmware (reference: adapters B.4). */
const FIRST_STPX: readonly [number, number, number] = [4, 2, 0];

const MAX_TEXT_LENGTH = 64;

/**
 * Who this is, or null when it is not of the family: a plain ELM327, or an STN whose firmware has no STPX, which is as
 * good as an ELM327 and driven as one.
 */
export function identify(texts: StnTexts): StnIdentity | null {
  if (!isElm(texts.elm)) return null;
  const serial = /\d{12}/.exec(texts.serial)?.[0] ?? null;
  const vlinker = /\bMIC[0-9A-Z]{4,6}\b/i.exec(texts.vt);
  if (vlinker !== null) {
    const firmware = printable(texts.vt);
    const chip = vlinker[0].toUpperCase();
    const product = printable(texts.product);
    return {
      family: 'vlinker',
      chip,
      product: /vlinker/i.test(product) ? product : `vLinker (${chip})`,
      firmware,
      firmwareCommand: 'VTVERS',
      serialNumber: serial,
      limits: LIMITS.vlinker,
    };
  }
  const stn = /\bSTN([12]\d{3})\b/i.exec(texts.st);
  if (stn?.[1] === undefined || !hasStpx(texts.st)) return null;
  const family = familyOf(stn[1]);
  return {
    family,
    chip: `STN${stn[1]}`,
    product: printable(texts.product) || `STN${stn[1]}`,
    firmware: printable(texts.st),
    firmwareCommand: 'STI',
    serialNumber: serial,
    limits: LIMITS[family],
  };
}

export function isElm(text: string): boolean {
  return /ELM\s?327/i.test(text);
}

function familyOf(number: string): StnFamily {
  if (number.startsWith('11')) return 'stn1';
  return number.startsWith('21') || number.startsWith('22') ? 'stn2' : 'stn-other';
}

/** A version that cannot be read is taken for a new one: the first refused STPX would tell. */
function hasStpx(text: string): boolean {
  const version = /v(\d+)\.(\d+)(?:\.(\d+))?/i.exec(text);
  if (version === null) return true;
  const parts = [version[1], version[2], version[3] ?? '0'].map(Number);
  for (const [i, wanted] of FIRST_STPX.entries()) {
    const part = parts[i] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}

/** Bluetooth and Wi-Fi models by their own name, for a port that does not tell (B.1, L.1). */
export function isWirelessProduct(product: string): boolean {
  return /\bOBDLink\s+(?:MX\+?|LX|CX)(?![A-Z])/i.test(product) || /\bvLinker\s+(?:MC|FD|BM)/i.test(product);
}

/**
 * What it may do (reference: adapters L.1). A vLinker codes once the check has measured it; nothing of it is known well
 * enough to program with. Programming over radio never.
 */
export function verdictOf(identity: StnIdentity, wireless: boolean): AdapterInfo['verdict'] {
  const yes: AdapterVerdict = { may: true };
  const no = (reason: AdapterLimit): AdapterVerdict => ({ may: false, reason });
  const isVlinker = identity.family === 'vlinker';
  return {
    read: yes,
    code: isVlinker ? no('not-qualified') : yes,
    program: no(wireless ? 'wireless' : isVlinker ? 'untested' : 'not-qualified'),
  };
}

/** USB chips with a real serial line behind them: FTDI, CP210x, CH34x, PL2303. Elsewhere the rate changes nothing. */
const BRIDGE_VENDORS: ReadonlySet<number> = new Set([0x0403, 0x10c4, 0x1a86, 0x067b]);

export function hasSerialLine(usb: UsbIdentity | undefined): boolean {
  return usb !== undefined && BRIDGE_VENDORS.has(usb.vendorId);
}

/**
 * Faster line rates to try, best first. Only where the reference knows them: wired OBDLink up to 2 Mbit/s with the echo off,
 * and with RTS/CTS, without which it loses what comes faster than 115200 (adapters B.1, B.2, B.5).
 */
export function fasterRates(identity: StnIdentity): readonly number[] {
  return /\bOBDLink\s+(?:SX|EX)\b/i.test(identity.product) ? [2_000_000, 500_000] : [];
}

/** Foreign text, made printable and short. */
export function printable(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, MAX_TEXT_LENGTH);
}
