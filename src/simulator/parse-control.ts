import { fromHex } from '#base/hex.ts';
import {
  type FaultEffect,
  type FaultRule,
  type FaultScript,
  type FaultTrigger,
  SCENARIO_NAMES,
  type SimulatorControl,
  VIRTUAL_ADAPTERS,
} from '#contract/simulator-control.ts';
import { isRecord } from './car-state.ts';

/** What is wrong with a control message, in words; the host answers with it. */
export class ControlRefused extends RangeError {}

type Field =
  | { readonly type: 'number'; readonly lowest: number; readonly highest: number; readonly whole: boolean }
  | { readonly type: 'boolean' }
  | { readonly type: 'hex'; readonly maxBytes: number }
  | { readonly type: 'word'; readonly words: readonly string[] }
  | { readonly type: 'text'; readonly maxLength: number }
  | { readonly type: 'object'; readonly fields: Fields }
  | { readonly type: 'script' };

/** A name that ends in `?` may be left out. */
type Fields = Readonly<Record<string, Field>>;

const count = (highest: number, lowest = 0): Field => ({ type: 'number', lowest, highest, whole: true });
const amount = (highest: number): Field => ({ type: 'number', lowest: 0, highest, whole: false });
const flag: Field = { type: 'boolean' };
const byte = count(0xff);
const ms = amount(3_600_000);
const hex = (maxBytes: number): Field => ({ type: 'hex', maxBytes });
const word = (...words: readonly string[]): Field => ({ type: 'word', words });
const lineError = word('breaks', 'framing', 'parity', 'overruns', 'unknown');
const memory = word('old', 'half', 'new');

const QUIRKS: Fields = {
  'stMin?': byte,
  'blockSize?': byte,
  'waits?': count(255),
  'waitEveryMs?': ms,
  'overflow?': flag,
  'flowControlDelayMs?': ms,
  'dropFlowControl?': count(4095),
  'loseFlowControl?': count(4095),
  'loseConsecutive?': count(4095),
  'strictStMin?': flag,
  'padding?': count(0xff, -1),
  'dropConsecutive?': count(4095),
  'duplicateConsecutive?': count(4095),
  'wrongSnAt?': count(4095),
};

const TRIGGER: Fields = {
  'ecu?': { type: 'text', maxLength: 8 },
  'sid?': byte,
  'sub?': count(0x7f),
  'did?': count(0xffff),
  'nth?': count(1_000_000, 1),
  'times?': count(1_000_000, 1),
  'chance?': amount(1),
};

const EFFECTS: Readonly<Record<FaultEffect['kind'], Fields>> = {
  pending: { count: count(10_000), everyMs: ms },
  'pending-forever': { everyMs: { type: 'number', lowest: 1, highest: 60_000, whole: false } },
  late: { pendings: count(100), delayMs: ms },
  negative: { nrc: byte },
  'no-answer': { executes: flag },
  mute: { forMs: ms },
  'wrong-echo': { did: count(0xffff) },
  'answer-length': { byBytes: count(4095, -4095) },
  answer: { pdu: hex(4095) },
  'store-masked': { offset: count(4095), and: byte, or: byte },
  'store-partly': {},
  'hold-until-reset': { survives: flag },
  reset: { memory, silentMs: ms },
  'power-cut': { memory, offMs: ms },
  'reset-style': { answers: flag, silentMs: ms },
  'unstable-byte': { offset: count(4095) },
  'foreign-answer': { pdu: hex(7), leadMs: ms },
  'other-responder': { canId: count(0x1fffffff), extended: flag, data: hex(8), delayMs: ms },
  'repeat-answer': { delayMs: ms },
  isotp: { quirks: { type: 'object', fields: QUIRKS } },
  conditions: { 'volts?': amount(32), 'rpm?': amount(16_000), 'speedKmh?': amount(400), 'ignition?': flag },
  unplug: { at: word('request', 'answer') },
  'adapter-reset': {},
  'line-error': { name: lineError },
  'log-dtc': { dtc: hex(3), status: byte },
};

const CONTROLS: Readonly<Record<SimulatorControl['type'], Fields>> = {
  report: {},
  voltage: { volts: amount(32) },
  ignition: { on: flag },
  engine: { rpm: amount(16_000) },
  speed: { speedKmh: amount(400) },
  scenario: { name: word(...SCENARIO_NAMES) },
  faults: { script: { type: 'script' } },
  unplug: {},
  plug: {},
  'unplug-at-byte': { bytes: count(1e9, 1) },
  'line-error': { name: lineError },
  'adapter-alert': { alert: word('act', 'lp') },
  adapter: { firmware: word(...VIRTUAL_ADAPTERS), tickMs: count(16, 1) },
  'factory-reset': { variant: { type: 'text', maxLength: 40 } },
  'power-cut': { offMs: ms },
};

const MAX_RULES = 200;

/** @throws ControlRefused naming the part that is wrong */
export function parseControl(value: unknown): SimulatorControl {
  if (!isRecord(value) || typeof value.type !== 'string' || !Object.hasOwn(CONTROLS, value.type))
    throw new ControlRefused('control: unknown type');
  const type = value.type as SimulatorControl['type'];
  const fields = readFields(value, CONTROLS[type], type);
  if (type === 'adapter' && fields.tickMs !== 1 && fields.tickMs !== 16)
    throw new ControlRefused('adapter.tickMs: 1 or 16');
  // Every field was checked against its table just now.
  return { type, ...fields } as SimulatorControl;
}

/** @throws ControlRefused naming the part that is wrong */
export function parseFaultScript(value: unknown): FaultScript {
  if (!Array.isArray(value) || value.length > MAX_RULES)
    throw new ControlRefused(`script: a list of at most ${MAX_RULES} rules`);
  return value.map((rule: unknown, i) => parseRule(rule, `script[${i}]`));
}

function parseRule(rule: unknown, path: string): FaultRule {
  if (!isRecord(rule) || !isRecord(rule.on) || !isRecord(rule.effect))
    throw new ControlRefused(`${path}: needs on and effect`);
  const { kind } = rule.effect;
  if (typeof kind !== 'string' || !Object.hasOwn(EFFECTS, kind))
    throw new ControlRefused(`${path}.effect: unknown kind`);
  const on = readFields(rule.on, TRIGGER, `${path}.on`);
  const effect = readFields(rule.effect, EFFECTS[kind as FaultEffect['kind']], `${path}.effect`);
  return { on: on as FaultTrigger, effect: { kind, ...effect } as FaultEffect };
}

function readFields(record: Readonly<Record<string, unknown>>, fields: Fields, path: string): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  for (const [label, field] of Object.entries(fields)) {
    const isOptional = label.endsWith('?');
    const name = isOptional ? label.slice(0, -1) : label;
    const value = record[name];
    if (value === undefined && isOptional) continue;
    read[name] = readField(value, field, `${path}.${name}`);
  }
  return read;
}

function readField(value: unknown, field: Field, path: string): unknown {
  switch (field.type) {
    case 'number':
      if (typeof value === 'number' && value >= field.lowest && value <= field.highest)
        if (!field.whole || Number.isInteger(value)) return value;
      throw new ControlRefused(`${path}: a number from ${field.lowest} to ${field.highest}`);
    case 'boolean':
      if (typeof value === 'boolean') return value;
      throw new ControlRefused(`${path}: true or false`);
    case 'word':
      if (typeof value === 'string' && field.words.includes(value)) return value;
      throw new ControlRefused(`${path}: one of ${field.words.join(', ')}`);
    case 'text':
      if (typeof value === 'string' && value.length <= field.maxLength) return value;
      throw new ControlRefused(`${path}: at most ${field.maxLength} characters`);
    case 'hex':
      return readHex(value, field.maxBytes, path);
    case 'object':
      if (isRecord(value)) return readFields(value, field.fields, path);
      throw new ControlRefused(`${path}: an object`);
    case 'script':
      return parseFaultScript(value);
  }
}

function readHex(value: unknown, maxBytes: number, path: string): string {
  if (typeof value === 'string' && value.length <= 3 * maxBytes) {
    try {
      const { length } = fromHex(value);
      if (length >= 1 && length <= maxBytes) return value.replaceAll(' ', '').toUpperCase();
    } catch {
      // said below
    }
  }
  throw new ControlRefused(`${path}: 1 to ${maxBytes} bytes in hex`);
}
