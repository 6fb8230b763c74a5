import { type Answer, OK } from './answer.ts';
import { startBaudChange } from './baud-job.ts';
import type { Chip } from './chip.ts';
import type { StData } from './models.ts';
import { startMonitor } from './monitor-job.ts';
import { ST_PROTOCOLS } from './protocols.ts';
import type { IdRule, Settings } from './settings.ts';
import { runStpx } from './stpx.ts';

type Handler = (chip: Chip, st: StData, ...parts: string[]) => Answer;
type Command = readonly [pattern: RegExp, run: Handler];

/** The UART's clock is divided by a whole number; an error beyond this is refused (reference: adapters B.2). */
const UART_CLOCK = 16_000_000;
const BAUD_ERROR = 0.03;
const BAUD_RATES = { lowest: 300, highest: 2_000_000 };
const LONGEST_MS = 65_535;
const ID = '([0-9A-F]{3}|[0-9A-F]{8})';

function set(pattern: RegExp, change: (...parts: string[]) => Partial<Settings> | undefined): Command {
  return [
    pattern,
    (chip, _st, ...parts) => {
      const changed = change(...parts);
      if (changed === undefined) return '?';
      Object.assign(chip.settings, changed);
      return OK;
    },
  ];
}

const accepted = (pattern: RegExp): Command => [pattern, () => OK];

/** Taken without effect in a car that has CAN only: PCB, PTOT, PTRQ, CTR. */
const COMMANDS: readonly Command[] = [
  [/^I$/, (_chip, st) => [st.firmware]],
  [/^IX$/, (_chip, st) => [`${st.firmware} ${st.built}`]],
  [/^DI$/, (_chip, st) => [st.device]],
  [/^DIX$/, (_chip, st) => [`${st.device} ${st.built}`]],
  [/^MFR$/, (_chip, st) => [st.manufacturer]],
  [/^SN$/, (_chip, st) => [st.serial]],
  // protocols
  [/^P(\d\d)$/, (chip, _st, number = '') => selectPreset(chip, number)],
  [/^PR$/, ({ protocol }) => [protocol?.number ?? '0']],
  [/^PRS$/, ({ protocol }) => [protocol?.title ?? 'AUTO']],
  [/^PBR(\d+)$/, (chip, _st, rate = '') => overrideBitRate(chip, Number(rate))],
  [/^PBRR$/, ({ protocol }) => (protocol ? [String(Math.round(protocol.bitRate))] : '?')],
  [/^PO$/, openProtocol],
  [/^PC$/, closeProtocol],
  set(/^PTO(\d{1,5})$/, (ms) => (Number(ms) <= LONGEST_MS ? { timeoutMs: Number(ms) } : undefined)),
  accepted(/^PTOT\d{1,5}$/),
  accepted(/^PTRQ\d{1,5}$/),
  accepted(/^PCB[01]$/),
  [/^PX(.+)$/, (chip, st, fields = '') => runStpx(chip, st, fields)],
  // ISO-TP
  set(/^CAF0$/, () => ({ targetByte: undefined })),
  set(/^CAF[12],([0-9A-F]{2})$/, (target = '') => ({ targetByte: Number.parseInt(target, 16) })),
  [new RegExp(`^C(?:FCPA|AFCP)${ID},${ID}$`), addPair],
  set(/^C(?:FCPC|CFCP)$/, () => ({ flowPairs: [] })),
  set(/^CSEGR([01])$/, (digit) => ({ reassemble: digit === '1' })),
  set(/^CSEGT([01])$/, (digit) => ({ segment: digit === '1' })),
  set(/^CSTM(\d{1,3}(?:\.\d{1,3})?)$/, (ms) => (Number(ms) <= 127 ? { extraStMinMs: Number(ms) } : undefined)),
  set(/^CTOR(\d{1,5}),(\d{1,5})$/, (flow, consecutive) => ({
    flowTimeoutMs: Number(flow),
    consecutiveTimeoutMs: Number(consecutive),
  })),
  accepted(/^CTR[0-9A-F]{6}$/),
  set(/^CMM([012])$/, (mode) => ({ monitorAcks: mode !== '0' })),
  // filters
  [/^F(?:PA|AP)([0-9A-F]+),([0-9A-F]+)$/, (chip, _st, ...rule) => addRule(chip, 'pass', rule)],
  [/^F(?:BA|AB)([0-9A-F]+),([0-9A-F]+)$/, (chip, _st, ...rule) => addRule(chip, 'block', rule)],
  [/^F(?:FCA|AFC)([0-9A-F]+),([0-9A-F]+)$/, (chip, _st, ...rule) => addRule(chip, 'flowFilter', rule)],
  set(/^F(?:AC|A)$/, () => ({ pass: [], block: [], flowFilter: [], filterId: undefined, filterMask: undefined })),
  [/^M$/, (chip) => startMonitor(chip, false)],
  [/^MA$/, (chip) => startMonitor(chip, true)],
  // the line
  [/^BR(\d+)$/, (chip, st, rate = '') => changeRate(chip, Number(rate), st.firmware)],
  [/^SBR(\d+)$/, (chip, _st, rate = '') => changeRate(chip, Number(rate))],
  set(/^BRT(\d{1,5})$/, (ms) => (Number(ms) <= LONGEST_MS ? { stBaudTimeoutMs: Number(ms) } : undefined)),
  [/^WBR$/, storeRate],
  [/^RSTNVM$/, resetStored],
  [/^VR([0-3])?$/, ({ conditions, model }, _st, digits) => [volts(conditions.volts + model.voltsOff, digits)]],
];

/** A command line without its `ST`, spaces and lower case (reference: adapters B). */
export function runStCommand(chip: Chip, st: StData, text: string): Answer {
  const word = /^[A-Z]+/.exec(text)?.[0] ?? '';
  if (st.lacks.includes(word)) return '?';
  for (const [pattern, run] of COMMANDS) {
    const match = pattern.exec(text);
    if (match) return run(chip, st, ...match.slice(1));
  }
  return '?';
}

/** What a vLinker says about itself, and its voltage (reference: adapters B.6); the rest of its commands is not known here. */
export function runVtCommand(chip: Chip, st: StData, text: string): Answer {
  if (!st.vt) return '?';
  if (text === 'VLRD') return [volts(chip.conditions.volts, undefined)];
  const said = Object.hasOwn(st.vt, text) ? st.vt[text] : undefined;
  return said === undefined ? '?' : [said];
}

function volts(value: number, digits: string | undefined): string {
  return value.toFixed(digits === undefined ? 2 : Number(digits));
}

function selectPreset(chip: Chip, number: string): Answer {
  const protocol = Object.hasOwn(ST_PROTOCOLS, number) ? ST_PROTOCOLS[number] : undefined;
  if (!protocol) return '?';
  chip.selectProtocol(protocol, false);
  return OK;
}

/** Another bit rate for the protocol in use, until the next is chosen. */
function overrideBitRate(chip: Chip, bitRate: number): Answer {
  const { protocol } = chip;
  if (!protocol || bitRate < 10_000 || bitRate > 1_000_000) return '?';
  chip.selectProtocol({ ...protocol, bitRate }, false);
  return OK;
}

function openProtocol(chip: Chip): Answer {
  if (!chip.protocol) return '?';
  chip.can.open(chip.protocol);
  return OK;
}

function closeProtocol(chip: Chip): Answer {
  chip.can.close();
  return OK;
}

/** The first pair switches the automatic ones off. */
function addPair(chip: Chip, _st: StData, txId = '', rxId = ''): Answer {
  const pair = { txId: Number.parseInt(txId, 16), rxId: Number.parseInt(rxId, 16) };
  chip.settings.flowPairs = [...chip.settings.flowPairs, pair];
  return OK;
}

function addRule(chip: Chip, list: 'pass' | 'block' | 'flowFilter', [id = '', mask = '']: readonly string[]): Answer {
  const isId = (digits: string) => digits.length === 3 || digits.length === 8;
  if (!isId(id) || id.length !== mask.length) return '?';
  const rule: IdRule = { id: Number.parseInt(id, 16), mask: Number.parseInt(mask, 16) };
  chip.settings[list] = [...chip.settings[list], rule];
  return OK;
}

function changeRate(chip: Chip, wanted: number, banner?: string): Answer {
  if (wanted < BAUD_RATES.lowest || wanted > BAUD_RATES.highest) return '?';
  const baudRate = UART_CLOCK / Math.round(UART_CLOCK / wanted);
  if (Math.abs(baudRate / wanted - 1) > BAUD_ERROR) return '?';
  const waitMs = chip.settings.stBaudTimeoutMs;
  return startBaudChange(chip, { baudRate, waitMs, ...(banner === undefined ? {} : { banner }) });
}

function storeRate(chip: Chip): Answer {
  chip.eeprom.baudRate = chip.baudRate;
  return OK;
}

function resetStored(chip: Chip): Answer {
  chip.eeprom.values.clear();
  chip.eeprom.on.clear();
  chip.eeprom.protocol = '0';
  chip.eeprom.baudRate = chip.model.baudRate;
  return OK;
}
