import { fromHex, hexDigit } from '#base/hex.ts';
import type { Answer, Job } from './answer.ts';
import type { Chip } from './chip.ts';
import { longestRequest } from './flow.ts';
import type { StData } from './models.ts';
import { type Request, startRequest } from './request-job.ts';

const CR = 0x0d;
/** A payload that stays unfinished is given up like any other line. */
const INCOMPLETE_MS = 20_000;

/** What each field of STPX looks like (reference: adapters B.4). */
const FIELDS: Readonly<Record<string, RegExp>> = {
  H: /^(?:[0-9A-F]{3}|[0-9A-F]{8})$/,
  D: /^(?:[0-9A-F]{2})+$/,
  L: /^\d{1,4}$/,
  T: /^\d{1,5}$/,
  R: /^\d{1,3}$/,
  X: /^[0-9A-F]*$/,
  F: /^[0-9A-F]+$/,
};

/** `H:7E0,D:22F190,T:1000,R:1`: all fields optional but one of D and L, in any order. X and F change nothing on CAN. */
export function runStpx(chip: Chip, st: StData, text: string): Answer {
  const fields = readFields(text);
  if (!fields || fields.has('D') === fields.has('L')) return '?';
  const data = fields.get('D');
  const lengthBytes = data === undefined ? Number(fields.get('L')) : data.length / 2;
  if (lengthBytes === 0) return '?';
  if (lengthBytes > st.messageBytes) return ['OUT OF MEMORY'];
  if (lengthBytes > longestRequest(chip)) return '?';
  const header = fields.get('H');
  const { protocol, settings } = chip;
  if (header !== undefined && protocol && protocol.extended !== (header.length === 8)) return '?';
  const expected = fields.get('R');
  const timeoutMs = fields.get('T');
  const request: Omit<Request, 'payload'> = {
    header: header === undefined ? undefined : Number.parseInt(header, 16),
    expected: expected === undefined ? undefined : Number(expected),
    timeoutMs: timeoutMs === undefined ? settings.timeoutMs * settings.timeoutFactor : Number(timeoutMs),
  };
  if (data !== undefined) return startRequest(chip, { ...request, payload: fromHex(data) });
  new PayloadJob(chip, lengthBytes, (payload) => startRequest(chip, { ...request, payload })).start();
  return 'later';
}

/** Undefined when a field is unknown, malformed or there twice. */
function readFields(text: string): ReadonlyMap<string, string> | undefined {
  const fields = new Map<string, string>();
  for (const part of text.split(',')) {
    const name = part.slice(0, 1);
    const value = part.slice(2);
    const shape = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
    if (part[1] !== ':' || !shape?.test(value) || fields.has(name)) return undefined;
    fields.set(name, value);
  }
  return fields;
}

/** `DATA>`: takes so many bytes as hex digits; spaces and line ends between them do not count. */
class PayloadJob implements Job {
  readonly #chip: Chip;
  readonly #payload: Uint8Array;
  readonly #then: (payload: Uint8Array) => void;
  #digits = 0;
  #isOver = false;

  constructor(chip: Chip, lengthBytes: number, then: (payload: Uint8Array) => void) {
    this.#chip = chip;
    this.#payload = new Uint8Array(lengthBytes);
    this.#then = then;
  }

  start(): void {
    const { kernel } = this.#chip;
    this.#chip.work(this);
    this.#chip.print('DATA>');
    kernel.after(INCOMPLETE_MS, () => {
      if (!this.#isOver) this.#refuse();
    });
  }

  input(byte: number): void {
    const chip = this.#chip;
    if (chip.settings.echo) chip.print(byte === CR ? chip.newline : String.fromCharCode(byte));
    if (byte <= 0x20) return;
    const digit = hexDigit(byte);
    if (digit < 0) {
      this.#refuse();
      return;
    }
    const at = this.#digits >> 1;
    this.#payload[at] = ((this.#payload[at] ?? 0) << 4) | digit;
    this.#digits++;
    if (this.#digits < 2 * this.#payload.length) return;
    this.#isOver = true;
    this.#then(this.#payload);
  }

  drop(): void {
    this.#isOver = true;
  }

  #refuse(): void {
    this.#isOver = true;
    this.#chip.line('?');
    this.#chip.finish();
  }
}
