import type { InterpreterData } from './models.ts';
import type { Protocol } from './protocols.ts';

/** A rule for identifiers: those that equal `id` where `mask` has ones. */
export interface IdRule {
  readonly id: number;
  readonly mask: number;
}

export interface IdPair {
  readonly txId: number;
  readonly rxId: number;
}

/** What commands change and `ATD`, `ATZ` and loss of power take back (defaults: reference adapters A.3, B.5). */
export interface Settings {
  echo: boolean;
  linefeeds: boolean;
  headers: boolean;
  spaces: boolean;
  responses: boolean;
  formatting: boolean;
  chipFlowControl: boolean;
  variableDlc: boolean;
  showDlc: boolean;
  allowLong: boolean;
  /** 0 = for ever (`STPTO 0`). */
  timeoutMs: number;
  timeoutFactor: 1 | 5;
  adaptive: 0 | 1 | 2;
  silentMonitor: boolean;
  memory: boolean;
  /** Bits 0–23 of the identifier, as SH gives them; undefined = that of functional requests. */
  header: number | undefined;
  priority: number;
  /** An address byte before the PCI, and the tester's own in answers. */
  targetByte: number | undefined;
  filterId: number | undefined;
  filterMask: number | undefined;
  flowId: number | undefined;
  flowExtended: boolean;
  flowData: Uint8Array | undefined;
  flowMode: 0 | 1 | 2;
  filler: number;
  baudTimeoutMs: number;
  // STN
  reassemble: boolean;
  segment: boolean;
  flowTimeoutMs: number;
  consecutiveTimeoutMs: number;
  extraStMinMs: number;
  flowPairs: readonly IdPair[];
  pass: readonly IdRule[];
  block: readonly IdRule[];
  flowFilter: readonly IdRule[];
  monitorAcks: boolean;
  stBaudTimeoutMs: number;
  bitRate: number | undefined;
}

/** What survives in EEPROM: programmable parameters and the protocol that was set last. */
export interface Eeprom {
  /** Values by number; only those that are on take effect, with the next reset. */
  readonly values: Map<number, number>;
  readonly on: Set<number>;
  protocol: string;
  baudRate: number;
}

/** Programmable parameters with the values that they have from the factory (reference: adapters A.3). */
export const PARAMETERS: ReadonlyMap<number, number> = new Map(
  Array.from({ length: 0x30 }, (_, number): [number, number] => [number, 0xff]).concat([
    [0x03, 0x32],
    [0x07, 0x00],
    [0x09, 0x00],
    [0x0c, 0x68],
    [0x21, 0xff],
    [0x26, 0x00],
    [0x2a, 0x3c],
    [0x2c, 0xe0],
    [0x2d, 0x04],
    [0x2e, 0xe0],
    [0x2f, 0x0a],
  ]),
);

export function blankEeprom(model: InterpreterData): Eeprom {
  return { values: new Map(), on: new Set(), protocol: '0', baudRate: model.baudRate };
}

/** The value in force: the stored one where it is switched on. */
export function parameter(eeprom: Eeprom, number: number): number {
  const stored = eeprom.on.has(number) ? eeprom.values.get(number) : undefined;
  return stored ?? PARAMETERS.get(number) ?? 0xff;
}

export function defaultSettings(model: InterpreterData, eeprom: Eeprom): Settings {
  return {
    echo: parameter(eeprom, 0x09) !== 0xff,
    linefeeds: false,
    headers: false,
    spaces: true,
    responses: true,
    formatting: true,
    chipFlowControl: true,
    variableDlc: false,
    showDlc: false,
    allowLong: false,
    timeoutMs: (eeprom.on.has(0x03) ? parameter(eeprom, 0x03) * 4.096 : 0) || model.defaultTimeoutMs,
    timeoutFactor: 1,
    adaptive: 1,
    silentMonitor: parameter(eeprom, 0x21) === 0xff,
    memory: true,
    header: undefined,
    priority: 0x18,
    targetByte: undefined,
    filterId: undefined,
    filterMask: undefined,
    flowId: undefined,
    flowExtended: false,
    flowData: undefined,
    flowMode: 0,
    filler: parameter(eeprom, 0x26),
    baudTimeoutMs: 75,
    reassemble: false,
    segment: false,
    flowTimeoutMs: 75,
    consecutiveTimeoutMs: 150,
    extraStMinMs: 0,
    flowPairs: [],
    pass: [],
    block: [],
    flowFilter: [],
    monitorAcks: false,
    stBaudTimeoutMs: 75,
    bitRate: undefined,
  };
}

/** The identifier that requests go to. */
export function requestId(settings: Settings, protocol: Protocol): number {
  if (!protocol.extended) return (settings.header ?? 0x7df) & 0x7ff;
  return settings.header === undefined ? 0x18db33f1 : ((settings.priority & 0x1f) << 24) | settings.header;
}

/**
 * Whether a frame with this identifier is heard. Without a filter of the user's the chip takes what OBD allows: 7E8 to 7EF,
 * 18DAF1xx; on a protocol without ISO-TP it takes everything.
 */
export function passes(settings: Settings, protocol: Protocol, id: number): boolean {
  const isIn = (rule: IdRule) => ((id ^ rule.id) & rule.mask) === 0;
  if (settings.block.some(isIn)) return false;
  if (settings.pass.length > 0) return settings.pass.some(isIn);
  const { filterId, filterMask } = settings;
  if (filterId === undefined && filterMask === undefined && !protocol.isoTp) return true;
  return isIn({
    id: filterId ?? (protocol.extended ? 0x18daf100 : 0x7e8),
    mask: filterMask ?? (protocol.extended ? 0x1fffff00 : 0x7f8),
  });
}
