/** The pins that a protocol uses. The virtual car has nothing but HS-CAN. */
export type Wires = 'hs-can' | 'ms-can' | 'sw-can' | 'k-line' | 'j1850';

/** One protocol of a command interpreter (reference: adapters A.3, B.3). */
export interface Protocol {
  /** As `DPN` and `STPR` print it: `6`, `33`. */
  readonly number: string;
  readonly title: string;
  readonly wires: Wires;
  readonly bitRate: number;
  readonly extended: boolean;
  /** Frames carry ISO 15765-2: the chip adds and checks PCI bytes, and answers first frames. */
  readonly isoTp: boolean;
  /** Frames are only as long as their data. */
  readonly variableDlc: boolean;
  /** K-line: how long it takes to find out that nobody is there. */
  readonly initMs?: number;
}

function can(
  number: string,
  title: string,
  extended: boolean,
  bitRate: number,
  more: Partial<Protocol> = {},
): Protocol {
  return { number, title, wires: 'hs-can', bitRate, extended, isoTp: true, variableDlc: false, ...more };
}

function slow(number: string, title: string, wires: 'k-line' | 'j1850', initMs?: number): Protocol {
  const frame = { bitRate: 10_400, extended: false, isoTp: false, variableDlc: true };
  return { number, title, wires, ...frame, ...(initMs === undefined ? {} : { initMs }) };
}

const RAW: Partial<Protocol> = { isoTp: false, variableDlc: true };
const MS: Partial<Protocol> = { wires: 'ms-can' };
const SW: Partial<Protocol> = { wires: 'sw-can' };

/** `ATSP n`; B and C come from programmable parameters. */
export const ELM_PROTOCOLS: Readonly<Record<string, Protocol>> = Object.fromEntries(
  [
    slow('1', 'SAE J1850 PWM', 'j1850'),
    slow('2', 'SAE J1850 VPW', 'j1850'),
    slow('3', 'ISO 9141-2', 'k-line', 2600),
    slow('4', 'ISO 14230-4 (KWP 5BAUD)', 'k-line', 2600),
    slow('5', 'ISO 14230-4 (KWP FAST)', 'k-line', 350),
    can('6', 'ISO 15765-4 (CAN 11/500)', false, 500_000),
    can('7', 'ISO 15765-4 (CAN 29/500)', true, 500_000),
    can('8', 'ISO 15765-4 (CAN 11/250)', false, 250_000),
    can('9', 'ISO 15765-4 (CAN 29/250)', true, 250_000),
    can('A', 'SAE J1939 (CAN 29/250)', true, 250_000, { isoTp: false }),
  ].map((protocol) => [protocol.number, protocol]),
);

/** In this order an automatic search tries them. */
export const SEARCH_ORDER: readonly string[] = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];

/** `STP n`. */
export const ST_PROTOCOLS: Readonly<Record<string, Protocol>> = Object.fromEntries(
  [
    slow('11', 'SAE J1850 PWM', 'j1850'),
    slow('12', 'SAE J1850 VPW', 'j1850'),
    slow('21', 'ISO 9141 (no init)', 'k-line', 300),
    slow('22', 'ISO 9141-2', 'k-line', 2600),
    slow('23', 'ISO 14230 (no init)', 'k-line', 300),
    slow('24', 'ISO 14230 (5-baud)', 'k-line', 2600),
    slow('25', 'ISO 14230 (fast)', 'k-line', 350),
    can('31', 'HS CAN (ISO 11898, 11-bit, 500 kbps)', false, 500_000, RAW),
    can('32', 'HS CAN (ISO 11898, 29-bit, 500 kbps)', true, 500_000, RAW),
    can('33', 'HS CAN (ISO 15765, 11-bit, 500 kbps)', false, 500_000),
    can('34', 'HS CAN (ISO 15765, 29-bit, 500 kbps)', true, 500_000),
    can('35', 'HS CAN (ISO 15765, 11-bit, 250 kbps)', false, 250_000),
    can('36', 'HS CAN (ISO 15765, 29-bit, 250 kbps)', true, 250_000),
    can('41', 'J1939 (11-bit, 250 kbps)', false, 250_000, { isoTp: false }),
    can('42', 'J1939 (29-bit, 250 kbps)', true, 250_000, { isoTp: false }),
    can('51', 'MS CAN (ISO 11898, 11-bit, 125 kbps)', false, 125_000, { ...RAW, ...MS }),
    can('52', 'MS CAN (ISO 11898, 29-bit, 125 kbps)', true, 125_000, { ...RAW, ...MS }),
    can('53', 'MS CAN (ISO 15765, 11-bit, 125 kbps)', false, 125_000, MS),
    can('54', 'MS CAN (ISO 15765, 29-bit, 125 kbps)', true, 125_000, MS),
    can('61', 'SW CAN (ISO 11898, 11-bit, 33.3 kbps)', false, 33_333, { ...RAW, ...SW }),
    can('62', 'SW CAN (ISO 11898, 29-bit, 33.3 kbps)', true, 33_333, { ...RAW, ...SW }),
    can('63', 'SW CAN (ISO 15765, 11-bit, 33.3 kbps)', false, 33_333, SW),
    can('64', 'SW CAN (ISO 15765, 29-bit, 33.3 kbps)', true, 33_333, SW),
  ].map((protocol) => [protocol.number, protocol]),
);

/** A user protocol: `xx` says what frames look like, `yy` divides 500 kbit/s. Undefined for a divisor of 0. */
export function userProtocol(number: 'B' | 'C', options: number, divisor: number): Protocol | undefined {
  if (divisor === 0) return undefined;
  const extended = (options & 0x80) === 0;
  const bitRate = (500_000 / divisor) * ((options & 0x10) === 0 ? 1 : 8 / 7);
  const title = `USER${number === 'B' ? 1 : 2} (CAN ${extended ? 29 : 11}/${Math.round(bitRate / 1000)})`;
  return can(number, title, extended, bitRate, {
    isoTp: (options & 0x07) === 1,
    variableDlc: (options & 0x40) !== 0,
  });
}
