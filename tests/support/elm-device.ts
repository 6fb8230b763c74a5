import { toHex } from '#base/hex.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface WireFrame {
  readonly id: number;
  readonly extended: boolean;
  readonly data: Uint8Array;
  readonly atMs: number;
}

export interface ElmVariant {
  readonly version?: string;
  readonly description?: string;
  readonly stn?: string;
  readonly vtVersion?: string;
  /** Commands it answers with `?`: a prefix, or the whole where it ends with `$`. */
  readonly missing?: readonly string[];
  readonly latencyMs?: number;
  readonly baudRate?: number;
  /** ATE0 is `OK` and changes nothing. */
  readonly echoStays?: boolean;
  /** A change of protocol sets CAF, S, AL (and with `echo` the echo) back. */
  readonly forgets?: readonly ('caf' | 's' | 'al' | 'echo')[];
  /** Characters of an answer before `BUFFER FULL`; counted per command, so a fast answer is a long one. */
  readonly bufferChars?: number;
  /** A byte other than CR while it is busy is lost instead of ending what it does. */
  readonly heedsOnlyCr?: boolean;
  readonly chipFlowControlBroken?: boolean;
  readonly ignoresFilter?: boolean;
  readonly pps?: readonly string[];
  readonly voltage?: string;
  /** No ECU on the K-line. */
  readonly kLineDead?: boolean;
}

const GENUINE_PPS: readonly string[] = Array.from({ length: 12 }, (_, row) =>
  Array.from({ length: 4 }, (_, column) => {
    const number = (row * 4 + column).toString(16).toUpperCase().padStart(2, '0');
    return `${number}:${number === '0C' ? '68' : 'FF'} F`;
  }).join('  '),
);

interface Settings {
  echo: boolean;
  spaces: boolean;
  headers: boolean;
  caf: boolean;
  long: boolean;
  responses: boolean;
  stUnits: number;
  times: number;
  protocol: string;
  header: string;
  priority: string;
  filter: number | null;
  mask: number | null;
  chipFlow: boolean;
  fcMode: string;
  fcHeader: string;
  fcData: string;
}

const defaults = (): Settings => ({
  echo: true,
  spaces: true,
  headers: false,
  caf: true,
  long: false,
  responses: true,
  stUnits: 0x32,
  times: 1,
  protocol: '0',
  header: '7DF',
  priority: '18',
  filter: null,
  mask: null,
  chipFlow: true,
  fcMode: '0',
  fcHeader: '',
  fcData: '',
});

/** A small ELM327 with a bus behind it, for the driver's own tests (reference: adapters A). Times are virtual. */
export class ElmTestDevice {
  readonly commands: string[] = [];
  /** Frames the device put on the bus. */
  readonly wire: WireFrame[] = [];
  /** What a careful driver never does. */
  readonly violations: string[] = [];
  settings = defaults();
  /** Nobody acknowledges. */
  busDead = false;
  /** Answers vanish. */
  mute = false;
  readonly ecus: { receive(frame: WireFrame): void }[] = [];
  readonly clock: VirtualClock;
  readonly #variant: ElmVariant;
  #output: (bytes: Uint8Array) => void = () => undefined;
  #outAtMs = 0;
  #line = '';
  #last = '';
  #busy: { kind: 'request' | 'monitor'; generation: number; lines: number; chars: number } | null = null;
  #generation = 0;

  constructor(clock: VirtualClock, variant: ElmVariant = {}) {
    this.clock = clock;
    this.#variant = variant;
  }

  onOutput(listener: (bytes: Uint8Array) => void): void {
    this.#output = listener;
  }

  get monitoring(): boolean {
    return this.#busy?.kind === 'monitor';
  }

  /** The device restarts by itself (fault S13). */
  selfReset(text = 'LV RESET'): void {
    this.#busy = null;
    this.#line = '';
    this.settings = defaults();
    this.print(`\r\r${text}\r\r>`);
  }

  /** Bytes from the host, after the latency of the way. */
  write(bytes: Uint8Array): void {
    const copy = bytes.slice();
    void this.clock.sleep((this.#variant.latencyMs ?? 10) / 2).then(() => {
      for (const byte of copy) this.#byte(byte);
    });
  }

  /** Characters to the host at the speed of the line. */
  print(text: string): void {
    const charMs = 10_000 / (this.#variant.baudRate ?? 38_400);
    const now = this.clock.now() + (this.#variant.latencyMs ?? 10) / 2;
    this.#outAtMs = Math.max(now, this.#outAtMs) + text.length * charMs;
    void this.clock.sleep(this.#outAtMs - this.clock.now()).then(() => {
      if (!this.mute) this.#output(Uint8Array.from(text, (character) => character.charCodeAt(0)));
    });
  }

  /** A frame from the bus. */
  hear(frame: WireFrame): void {
    const busy = this.#busy;
    if (!busy || !this.#passes(frame)) return;
    const id = frame.id
      .toString(16)
      .toUpperCase()
      .padStart(frame.extended ? 8 : 3, '0');
    const bytes = toHex(frame.data);
    const { spaces, headers, chipFlow } = this.settings;
    const text = `${headers ? id : ''}${bytes}`;
    const line = spaces
      ? text.slice(0, text.length % 2 ? 3 : 0) + text.slice(text.length % 2 ? 3 : 0).replace(/../g, ' $&')
      : text;
    busy.lines++;
    busy.chars += line.length + 1;
    const limit = this.#variant.bufferChars;
    if (limit !== undefined && busy.chars > limit) {
      this.#endBusy('BUFFER FULL');
      return;
    }
    this.print(`${line}\r`);
    if (busy.kind !== 'request') return;
    if (chipFlow && (frame.data[0] ?? 0) >> 4 === 1 && !this.#variant.chipFlowControlBroken)
      this.#chipFlowControl(frame);
    this.#waitAnswer();
  }

  #byte(byte: number): void {
    const character = String.fromCharCode(byte);
    if (this.#busy) {
      if (this.#variant.heedsOnlyCr && byte !== 0x0d) return;
      if (character !== ' ') this.violations.push(`${JSON.stringify(character)} while busy`);
      this.#endBusy('STOPPED');
      return;
    }
    if (byte === 0x0a) return;
    if (this.settings.echo) this.print(character);
    if (byte !== 0x0d) {
      this.#line += character;
      return;
    }
    const line = this.#line.replace(/\s/g, '').toUpperCase();
    this.#line = '';
    if (line === '') this.violations.push('a bare CR');
    const command = line === '' ? this.#last : line;
    this.#last = command;
    this.commands.push(command);
    this.#execute(command);
  }

  #execute(command: string): void {
    const missing = this.#variant.missing?.some((prefix) =>
      prefix.endsWith('$') ? command === prefix.slice(0, -1) : command.startsWith(prefix),
    );
    if (missing) this.#answer('?');
    else if (command === 'ATMA') this.#begin('monitor');
    else if (command === 'ATZ' || command === 'ATWS') {
      this.settings = defaults();
      this.#answer(this.#version);
    } else if (/^[0-9A-F]+$/.test(command)) this.#request(command);
    else this.#answer(this.#at(command));
  }

  get #version(): string {
    return `ELM327 ${this.#variant.version ?? 'v1.4b'}`;
  }

  #answer(text: string): void {
    this.print(`${text}\r\r>`);
  }

  #at(command: string): string {
    const s = this.settings;
    const v = this.#variant;
    if (command === 'ATI') return this.#version;
    if (command === 'AT@1') return v.description ?? 'OBDII to RS232 Interpreter';
    if (command === 'STI') return v.stn ?? '?';
    if (command === 'VTVERS') return v.vtVersion ?? '?';
    if (command === 'ATRV') return v.voltage ?? '12.3V';
    if (command === 'ATPPS') return (v.pps ?? GENUINE_PPS).join('\r');
    if (command === 'ATKW') return '1:EF 2:8F';
    if (command === 'ATFI' || command === 'ATSI') return v.kLineDead ? 'BUS INIT: ...ERROR' : 'BUS INIT: OK';
    if (!command.startsWith('AT')) return '?';
    const set = (pattern: RegExp, apply: (...groups: string[]) => void): boolean => {
      const match = pattern.exec(command.slice(2));
      if (match) apply(...match.slice(1));
      return match !== null;
    };
    if (set(/^FCSM([012])$/, () => undefined)) {
      const mode = command.slice(-1);
      if ((mode === '1' && (s.fcHeader === '' || s.fcData === '')) || (mode === '2' && s.fcData === '')) return '?';
      s.fcMode = mode;
      return 'OK';
    }
    const known =
      set(/^D$/, () => {
        const protocol = s.protocol;
        this.settings = { ...defaults(), protocol };
      }) ||
      set(/^E([01])$/, (x) => {
        s.echo = x === '1' || v.echoStays === true;
      }) ||
      set(/^S([01])$/, (x) => {
        s.spaces = x === '1';
      }) ||
      set(/^H([01])$/, (x) => {
        s.headers = x === '1';
      }) ||
      set(/^CAF([01])$/, (x) => {
        s.caf = x === '1';
      }) ||
      set(/^(AL|NL)$/, (x) => {
        s.long = x === 'AL';
      }) ||
      set(/^R([01])$/, (x) => {
        s.responses = x === '1';
      }) ||
      set(/^ST([0-9A-F]{2})$/, (x = '') => {
        s.stUnits = Number.parseInt(x, 16) || 0x32;
      }) ||
      set(/^CTM([15])$/, (x) => {
        s.times = Number(x);
      }) ||
      set(/^(?:TP|SP)([0-9A-C])$/, (x = '') => {
        if (s.protocol !== x) this.#forget();
        this.settings.protocol = x;
      }) ||
      set(/^SH([0-9A-F]{3}|[0-9A-F]{6}|[0-9A-F]{8})$/, (x = '') => {
        s.header = x;
      }) ||
      set(/^CP([0-9A-F]{2})$/, (x = '') => {
        s.priority = x;
      }) ||
      set(/^CRA([0-9A-F]{3}|[0-9A-F]{8})?$/, (x) => {
        s.filter = x === undefined ? null : Number.parseInt(x, 16);
        s.mask = x === undefined ? null : 0x1fff_ffff;
      }) ||
      set(/^CF([0-9A-F]{3}|[0-9A-F]{8})$/, (x = '') => {
        s.filter = Number.parseInt(x, 16);
      }) ||
      set(/^CM([0-9A-F]{3}|[0-9A-F]{8})$/, (x = '') => {
        s.mask = Number.parseInt(x, 16);
      }) ||
      set(/^CFC([01])$/, (x) => {
        s.chipFlow = x === '1';
      }) ||
      set(/^FCSH([0-9A-F]{3}|[0-9A-F]{8})$/, (x = '') => {
        s.fcHeader = x;
      }) ||
      set(/^FCSD((?:[0-9A-F]{2}){1,5})$/, (x = '') => {
        s.fcData = x;
      }) ||
      set(
        /^(?:L[01]|AT[012]|V[01]|CEA(?:[0-9A-F]{2})?|CSM[01]|JE|JS|AMC|PC|PB[0-9A-F]{4}|IB\d\d|IIA[0-9A-F]{2}|SW[0-9A-F]{2}|WM[0-9A-F]+|KW[01]|M0)$/,
        () => undefined,
      );
    return known ? 'OK' : '?';
  }

  #forget(): void {
    const fresh = defaults();
    for (const name of this.#variant.forgets ?? []) {
      if (name === 'caf') this.settings.caf = fresh.caf;
      else if (name === 's') this.settings.spaces = fresh.spaces;
      else if (name === 'al') this.settings.long = fresh.long;
      else this.settings.echo = fresh.echo;
    }
  }

  #request(text: string): void {
    const { caf, long, responses } = this.settings;
    const bytes = Array.from({ length: Math.floor(text.length / 2) }, (_, i) =>
      Number.parseInt(text.slice(2 * i, 2 * i + 2), 16),
    );
    if (bytes.length === 0 || bytes.length > (caf || !long ? 7 : 8)) {
      this.#answer('?');
      return;
    }
    const data = Uint8Array.from(caf ? [bytes.length, ...bytes] : bytes);
    const padded = new Uint8Array(8);
    padded.set(data);
    this.#begin('request');
    if (this.busDead) {
      void this.clock.sleep(20).then(() => this.#endBusy('CAN ERROR'));
      return;
    }
    const generation = this.#generation;
    const { id, extended } = this.#headerId(this.settings.header);
    this.#transmit(id, extended, padded);
    if (!responses) void this.clock.sleep(1).then(() => generation === this.#generation && this.#endBusy(''));
    else this.#waitAnswer();
  }

  #headerId(header: string): { id: number; extended: boolean } {
    if (header.length === 3) return { id: Number.parseInt(header, 16), extended: false };
    return { id: Number.parseInt(header.length === 6 ? this.settings.priority + header : header, 16), extended: true };
  }

  #transmit(id: number, extended: boolean, data: Uint8Array): void {
    const frame = { id, extended, data, atMs: this.clock.now() };
    this.wire.push(frame);
    for (const ecu of this.ecus) ecu.receive(frame);
  }

  #chipFlowControl(first: WireFrame): void {
    const { fcMode, fcHeader, fcData } = this.settings;
    const automatic = first.id - (first.extended ? 0 : 8);
    const { id, extended } = fcMode === '1' ? this.#headerId(fcHeader) : { id: automatic, extended: first.extended };
    const text = fcMode === '0' ? '300000' : fcData;
    const data = new Uint8Array(8);
    for (let i = 0; 2 * i < text.length; i++) data[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
    void this.clock.sleep(1).then(() => this.#transmit(id, extended, data));
  }

  #passes({ id, extended }: WireFrame): boolean {
    if (extended !== ['7', '9', 'A'].includes(this.settings.protocol)) return false;
    const { filter, mask } = this.settings;
    if (filter === null || this.#variant.ignoresFilter) return true;
    return (id & (mask ?? 0x1fff_ffff)) === (filter & (mask ?? 0x1fff_ffff));
  }

  #begin(kind: 'request' | 'monitor'): void {
    this.#busy = { kind, generation: ++this.#generation, lines: 0, chars: 0 };
  }

  #waitAnswer(): void {
    const busy = this.#busy;
    if (!busy) return;
    busy.generation = ++this.#generation;
    const { generation } = busy;
    const { stUnits, times } = this.settings;
    void this.clock.sleep(stUnits * 4.096 * times).then(() => {
      if (this.#busy === busy && busy.generation === generation) this.#endBusy(busy.lines === 0 ? 'NO DATA' : '');
    });
  }

  #endBusy(text: string): void {
    if (!this.#busy) return;
    this.#busy = null;
    this.#generation++;
    this.print(`${text === '' ? '' : `${text}\r`}\r>`);
  }
}
