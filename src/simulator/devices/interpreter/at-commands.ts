import { fromHex, hexNumber } from '#base/hex.ts';
import { type Answer, OK } from './answer.ts';
import { startBaudChange } from './baud-job.ts';
import type { Chip } from './chip.ts';
import { startMonitor } from './monitor-job.ts';
import type { Protocol } from './protocols.ts';
import { startInit } from './request-job.ts';
import { PARAMETERS, parameter, type Settings } from './settings.ts';

type Handler = (chip: Chip, ...parts: string[]) => Answer;

interface Command {
  /** First version of ELM327 that knows it; 1.41 is v1.4b (reference: adapters A.3). */
  readonly since: number;
  readonly pattern: RegExp;
  readonly run: Handler;
}

const ALL_BITS = 0x1fffffff;
/** One count of ST, ms. */
const TIMEOUT_STEP_MS = 4.096;
/** One count of BRT, ms; 00 counts as 256. */
const BAUD_STEP_MS = 5;

function command(since: number, pattern: RegExp, run: Handler): Command {
  return { since, pattern, run };
}

/** Changes settings and says OK. */
function set(since: number, pattern: RegExp, change: (...parts: string[]) => Partial<Settings>): Command {
  return command(since, pattern, (chip, ...parts) => {
    Object.assign(chip.settings, change(...parts));
    return OK;
  });
}

/** A switch: `E0` and `E1`. */
function toggle(since: number, letters: string, name: keyof Settings & string): Command {
  return set(since, new RegExp(`^${letters}([01])$`), (digit) => ({ [name]: digit === '1' }));
}

/** Taken and without effect in a car that has CAN only. */
function accepted(since: number, pattern: RegExp): Command {
  return command(since, pattern, () => OK);
}

const hex = (digits: string) => Number.parseInt(digits, 16);

const COMMANDS: readonly Command[] = [
  command(1, /^Z$/, (chip) => restarted(chip, 'command')),
  command(1, /^WS$/, (chip) => restarted(chip, 'warm')),
  command(1, /^D$/, (chip) => {
    chip.setDefaults();
    return OK;
  }),
  command(1, /^I$/, (chip) => [chip.model.banner]),
  command(1, /^@1$/, ({ model }) => (model.description ? [model.description] : '?')),
  command(1.3, /^@2$/, () => '?'),
  toggle(1, 'E', 'echo'),
  toggle(1, 'L', 'linefeeds'),
  toggle(1, 'H', 'headers'),
  toggle(1.3, 'S', 'spaces'),
  toggle(1, 'R', 'responses'),
  toggle(1, 'M', 'memory'),
  toggle(1, 'CAF', 'formatting'),
  toggle(1, 'CFC', 'chipFlowControl'),
  toggle(1.3, 'V', 'variableDlc'),
  toggle(1.3, 'D', 'showDlc'),
  toggle(1.41, 'CSM', 'silentMonitor'),
  set(1, /^AL$/, () => ({ allowLong: true })),
  set(1, /^NL$/, () => ({ allowLong: false })),
  command(1, /^ST([0-9A-F]{2})$/, (chip, count = '') => {
    const { defaultTimeoutMs } = chip.model;
    chip.settings.timeoutMs = hex(count) === 0 ? defaultTimeoutMs : hex(count) * TIMEOUT_STEP_MS;
    return OK;
  }),
  command(1.2, /^AT([012])$/, (chip, mode) => {
    chip.settings.adaptive = mode === '0' ? 0 : mode === '1' ? 1 : 2;
    chip.learnedMs = undefined;
    return OK;
  }),
  set(2.1, /^CTM([15])$/, (factor) => ({ timeoutFactor: factor === '5' ? 5 : 1 })),
  // protocols
  command(1, /^SP(A?)([0-9A-C])$/, (chip, auto = '', number = '') => selectProtocol(chip, auto, number, true)),
  command(1, /^TP(A?)([0-9A-C])$/, (chip, auto = '', number = '') => selectProtocol(chip, auto, number, false)),
  command(1, /^SP00$/, (chip) => selectProtocol(chip, '', '0', true)),
  command(1, /^DP$/, ({ protocol, isAutomatic }) => [`${isAutomatic ? 'AUTO' : ''}${titleOf(protocol, isAutomatic)}`]),
  command(1, /^DPN$/, ({ protocol, isAutomatic }) => [`${isAutomatic ? 'A' : ''}${numberOf(protocol)}`]),
  command(1, /^PC$/, (chip) => {
    chip.can.close();
    return OK;
  }),
  command(1.4, /^PB([0-9A-F]{2})([0-9A-F]{2})$/, (chip, options = '', divisor = '') => {
    if (hex(divisor) === 0) return '?';
    chip.setUserProtocol(hex(options), hex(divisor));
    return OK;
  }),
  // identifiers
  set(1, /^SH([0-9A-F]{3}|[0-9A-F]{6})$/, (id = '') => ({ header: hex(id) })),
  command(2, /^SH([0-9A-F]{8})$/, (chip, id = '') => {
    chip.settings.priority = hex(id) >>> 24;
    chip.settings.header = hex(id) & 0xffffff;
    return OK;
  }),
  set(1, /^CP([0-9A-F]{2})$/, (priority = '') => ({ priority: hex(priority) & 0x1f })),
  set(1.4, /^CEA$/, () => ({ targetByte: undefined })),
  set(1.4, /^CEA([0-9A-F]{2})$/, (target = '') => ({ targetByte: hex(target) })),
  command(1.3, /^CRA([0-9A-FX]{3}|[0-9A-FX]{8})$/, receiveAddress),
  set(1.41, /^CRA$/, () => ({ filterId: undefined, filterMask: undefined })),
  set(1, /^CF([0-9A-F]{3}|[0-9A-F]{8})$/, (id = '') => ({ filterId: hex(id) })),
  set(1, /^CM([0-9A-F]{3}|[0-9A-F]{8})$/, (mask = '') => ({ filterMask: hex(mask) })),
  set(1.1, /^FCSH([0-9A-F]{3}|[0-9A-F]{8})$/, (id = '') => ({ flowId: hex(id), flowExtended: id.length === 8 })),
  set(1.1, /^FCSD((?:[0-9A-F]{2}){1,5})$/, (data = '') => ({ flowData: fromHex(data) })),
  command(1.1, /^FCSM([012])$/, (chip, digit) => {
    const { flowId, flowData } = chip.settings;
    if (digit !== '0' && flowData === undefined) return '?';
    if (digit === '1' && flowId === undefined) return '?';
    chip.settings.flowMode = digit === '0' ? 0 : digit === '1' ? 1 : 2;
    return OK;
  }),
  // the state of things
  command(1, /^RV$/, ({ conditions, model }) => [`${(conditions.volts + model.voltsOff).toFixed(1)}V`]),
  accepted(1.4, /^CV[0-9]{4}$/),
  command(1.4, /^IGN$/, ({ conditions }) => [conditions.ignition ? 'ON' : 'OFF']),
  command(1, /^CS$/, ({ can }) => [`T:${hexNumber(can.transmitErrors, 2)} R:00`]),
  command(1, /^MA$/, (chip) => startMonitor(chip, true)),
  command(2, /^AMC$/, () => ['00']),
  accepted(2, /^AMT[0-9A-F]{2}$/),
  accepted(2, /^FE$/),
  command(1.4, /^LP$/, (chip) => {
    chip.line('OK');
    chip.uart.whenEmpty(() => chip.sleep());
    return 'later';
  }),
  // the line
  command(1.2, /^BRD([0-9A-F]{2})$/, (chip, divisor = '') => {
    const baudRate = rateOfDivisor(hex(divisor));
    const { model, settings } = chip;
    return baudRate === undefined
      ? '?'
      : startBaudChange(chip, { baudRate, waitMs: settings.baudTimeoutMs, banner: model.banner });
  }),
  set(1.2, /^BRT([0-9A-F]{2})$/, (count = '') => ({ baudTimeoutMs: (hex(count) || 0x100) * BAUD_STEP_MS })),
  // programmable parameters
  command(1.1, /^PPS$/, parameterTable),
  command(1.1, /^PP([0-9A-F]{2})SV([0-9A-F]{2})$/, (chip, number = '', value = '') => {
    if (!PARAMETERS.has(hex(number))) return '?';
    chip.eeprom.values.set(hex(number), hex(value));
    return OK;
  }),
  command(1.1, /^PP([0-9A-F]{2})(ON|OFF)$/, switchParameter),
  // K-line and J1850
  accepted(1, /^IB(?:10|12|15|48|96)$/),
  accepted(1.2, /^IIA[0-9A-F]{2}$/),
  accepted(1, /^SW[0-9A-F]{2}$/),
  accepted(1, /^WM(?:[0-9A-F]{2}){1,6}$/),
  accepted(1, /^BI$/),
  command(1.4, /^[SF]I$/, startInit),
  accepted(1.2, /^KW[01]$/),
  accepted(1.3, /^J[ES]$/),
  accepted(1.2, /^SR[0-9A-F]{2}$/),
  accepted(1.4, /^TA[0-9A-F]{2}$/),
];

/** Since when an ELM knows eight digits after SH; STN chips do although they call themselves v1.4b. */
const LONG_HEADER = /^SH[0-9A-F]{8}$/;

/** A command line without its `AT`, spaces and lower case. */
export function runAtCommand(chip: Chip, text: string): Answer {
  const { model } = chip;
  if (model.lacks.some((beginning) => text.startsWith(beginning))) return '?';
  const level = model.st && (LONG_HEADER.test(text) || text.includes('X')) ? 2 : model.level;
  for (const { since, pattern, run } of COMMANDS) {
    const match = since <= level ? pattern.exec(text) : null;
    if (match) return run(chip, ...match.slice(1));
  }
  return '?';
}

/** `ELM327` counts baud rates in parts of 4 MHz; 00 is 9600. Undefined: faster than it can. */
export function rateOfDivisor(divisor: number): number | undefined {
  if (divisor === 0) return 9600;
  return divisor < 8 ? undefined : 4_000_000 / divisor;
}

function restarted(chip: Chip, cause: 'command' | 'warm'): Answer {
  chip.restart(cause);
  return 'later';
}

function selectProtocol(chip: Chip, auto: string, number: string, isStored: boolean): Answer {
  const isAutomatic = auto !== '' || number === '0';
  const protocol = number === '0' ? undefined : chip.elmProtocol(number);
  if (number !== '0' && !protocol) return '?';
  if (isAutomatic) chip.selectProtocol(undefined, true, number === '0' ? undefined : number);
  else chip.selectProtocol(protocol, false);
  if (isStored) chip.eeprom.protocol = isAutomatic ? '0' : number;
  chip.forgetAtProtocol();
  return OK;
}

function titleOf(protocol: Protocol | undefined, isAutomatic: boolean): string {
  return protocol ? `${isAutomatic ? ', ' : ''}${protocol.title}` : '';
}

/** The digit of ATSP that is the same protocol as a preset of STP, where there is one. */
const ELM_NUMBERS: Readonly<Record<string, string>> = { '33': '6', '34': '7', '35': '8', '36': '9' };

function numberOf(protocol: Protocol | undefined): string {
  if (!protocol) return '0';
  return ELM_NUMBERS[protocol.number] ?? protocol.number;
}

/** `CRA7E8`; an X stands for any digit from v2.0 on. */
function receiveAddress(chip: Chip, text = ''): Answer {
  if (text.includes('X') && chip.model.level < 2 && !chip.model.st) return '?';
  const mask = text.replaceAll(/[0-9A-F]/g, 'F').replaceAll('X', '0');
  chip.settings.filterId = hex(text.replaceAll('X', '0'));
  chip.settings.filterMask = hex(mask) & ALL_BITS;
  chip.settings.pass = [];
  return OK;
}

function switchParameter(chip: Chip, digits = '', state = ''): Answer {
  const number = hex(digits);
  const numbers = number === 0xff ? [...PARAMETERS.keys()] : [number];
  if (number !== 0xff && !PARAMETERS.has(number)) return '?';
  for (const each of numbers)
    if (state === 'ON') chip.eeprom.on.add(each);
    else chip.eeprom.on.delete(each);
  return OK;
}

/** Four to a line: `00:FF F`; N where the stored value is on. */
function parameterTable(chip: Chip): Answer {
  const { eeprom } = chip;
  const cells = [...PARAMETERS.keys()].map((number) => {
    const value = eeprom.values.get(number) ?? parameter(eeprom, number);
    return `${hexNumber(number, 2)}:${hexNumber(value, 2)} ${eeprom.on.has(number) ? 'N' : 'F'}`;
  });
  return Array.from({ length: cells.length / 4 }, (_, row) => cells.slice(4 * row, 4 * row + 4).join('  '));
}
