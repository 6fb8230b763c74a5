import { fromHex, toHex } from '#base/hex.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface StnDeviceOptions {
  readonly clock: VirtualClock;
  /** `ATI`; null = silence. */
  readonly elm?: string | null;
  readonly st?: string | null;
  readonly vt?: string | null;
  readonly product?: string | null;
  readonly serial?: string | null;
  readonly baudRate?: number;
  /** Rate of the host's side; bytes of another rate are noise. Default: always right. */
  readonly lineRate?: () => number;
  readonly longestMessage?: number;
  readonly commandChars?: number;
  /** Commands it does not know. */
  readonly unknown?: RegExp;
  /** Filters and pairs it has room for. */
  readonly tableSize?: number;
  /** Puts out its characters at the line rate instead of at once. */
  readonly paced?: boolean;
  /** In front of each answer with extended addressing. */
  readonly showsAddressByte?: boolean;
}

export interface StnReply {
  readonly afterMs: number;
  readonly hex: string;
}

/** One ECU on the bus, in whole messages. */
export class StnTestEcu {
  readonly requestId: number;
  readonly responseId: number;
  functionalId: number | null = null;
  /** Sends flow controls, hears requests. */
  hears = true;
  /** Instead of the next flow control. */
  refusal: string | null = null;
  readonly received: Uint8Array[] = [];
  answer: (pdu: Uint8Array) => readonly StnReply[] = () => [];

  constructor(requestId: number, responseId: number) {
    this.requestId = requestId;
    this.responseId = responseId;
  }
}

interface Operation {
  readonly listenMs: number;
  left: number;
  heard: boolean;
  endMs: number;
}

const FRAME_MS = 0.25;
const DEFAULTS = { echo: true, spaces: true, headers: false, long: false, caf: true, segr: false, segt: false };

/**
 * A small STN with a bus behind it, for the driver's own tests (reference: adapters A.1, A.3, B). What the reference leaves open
 * is chosen once here: a reply that breaks off is shown as a line with `<DATA ERROR`. It also notes what a careful driver never
 * does: an empty line, R, a byte other than a space into a running command, anything on the bus before it was asked for.
 */
export class StnTestDevice {
  readonly ecus: StnTestEcu[] = [];
  readonly commands: string[] = [];
  readonly violations: string[] = [];
  /** STPX commands that reached the bus, as header and bytes. */
  readonly sent: string[] = [];
  /** The next command that matches gets this instead (with its prompt); `null` = silence. */
  readonly scripted: { readonly command: RegExp; readonly output: string | null }[] = [];
  interrupts = 0;
  baudRate: number;
  /** STSBR says OK and changes nothing. */
  ignoresRate = false;
  /** At this rate the device hears and the host does not. */
  deafAbove = Number.POSITIVE_INFINITY;
  volts = '12.34';
  /** What `STI` says; another text is another device. */
  st: string | null;
  readonly #options: StnDeviceOptions;
  readonly #output: ((bytes: Uint8Array) => void)[] = [];
  #settings = { ...DEFAULTS };
  #preset = '';
  #listenMs = 102;
  #fcTimeoutMs = 75;
  #cfTimeoutMs = 150;
  #rateWaitMs = 75;
  #addressing = 'STCAF0';
  #filters: { readonly id: number; readonly mask: number }[] = [];
  #pairs: { readonly tx: string; readonly rx: string }[] = [];
  #line = '';
  #operation: Operation | null = null;
  #data: { readonly header: string; readonly bytes: number; readonly listenMs: number; digits: string } | null = null;
  #switching = false;
  #pacedUntilMs = 0;

  constructor(options: StnDeviceOptions) {
    this.#options = options;
    this.baudRate = options.baudRate ?? 115_200;
    this.st = options.st === undefined ? 'STN2120 v5.6.19' : options.st;
  }

  /** Resolves when everything it has to say is on its way to the host. */
  saidAll(): Promise<void> {
    return this.#options.clock.sleep(Math.max(0, this.#pacedUntilMs - this.#options.clock.now()));
  }

  get isBusy(): boolean {
    return this.#operation !== null;
  }

  get waitsForData(): boolean {
    return this.#data !== null;
  }

  onOutput(listener: (bytes: Uint8Array) => void): void {
    this.#output.push(listener);
  }

  /** Bytes from the host. */
  write(bytes: Uint8Array): void {
    if (this.#isNoise()) return;
    for (const byte of bytes) this.#byte(byte);
  }

  /** An ECU sends a whole message; resolves when it was on the wire. */
  async fromEcu(ecu: StnTestEcu, pdu: Uint8Array): Promise<void> {
    await this.#options.clock.sleep(framesOf(pdu.length) * FRAME_MS);
    this.#hear(ecu, pdu);
  }

  /** An ECU begins a message and stops after the first frame. */
  async beginFromEcu(ecu: StnTestEcu): Promise<void> {
    const { clock } = this.#options;
    await clock.sleep(FRAME_MS);
    void clock.sleep(this.#cfTimeoutMs).then(() => {
      const operation = this.#operation;
      if (operation === null) return;
      operation.heard = true;
      this.say(`${this.#idText(ecu.responseId)}000000000000<DATA ERROR\r`);
    });
  }

  /** Fault S13: starts anew, all settings are gone; says so or not. */
  restart(banner: string | null): void {
    this.#operation = null;
    this.#data = null;
    this.#line = '';
    this.#settings = { ...DEFAULTS };
    this.#preset = '';
    this.#filters = [];
    this.#pairs = [];
    this.#addressing = 'STCAF0';
    this.baudRate = this.#options.baudRate ?? 115_200;
    if (banner !== null) this.say(`\r${banner}\r\r>`);
  }

  say(text: string): void {
    const { clock, paced } = this.#options;
    const noise = this.#isNoise() || this.baudRate > this.deafAbove;
    const bytes = Uint8Array.from(text, (char) => (noise ? 0xf8 : char.charCodeAt(0)));
    if (!paced) {
      for (const listener of this.#output) listener(bytes);
      return;
    }
    const byteMs = 10_000 / this.baudRate;
    const from = Math.max(clock.now(), this.#pacedUntilMs);
    this.#pacedUntilMs = from + bytes.length * byteMs;
    for (let at = 0; at < bytes.length; at += 64) {
      const part = bytes.slice(at, at + 64);
      void clock.sleep(from + (at + part.length) * byteMs - clock.now()).then(() => {
        for (const listener of this.#output) listener(part);
      });
    }
  }

  #isNoise(): boolean {
    const rate = this.#options.lineRate?.();
    return rate !== undefined && rate !== this.baudRate;
  }

  #byte(byte: number): void {
    if (this.#switching) return;
    if (this.#operation !== null) {
      if (byte !== 0x20) this.violations.push(`byte ${byte} into a running command`);
      this.interrupts++;
      this.#operation = null;
      this.say('STOPPED\r\r>');
      return;
    }
    const char = String.fromCharCode(byte);
    if (this.#data !== null) {
      this.#dataChar(char);
      return;
    }
    if (byte === 0x0a || byte === 0x00) return;
    if (byte !== 0x0d) {
      this.#line += char;
      return;
    }
    const line = this.#line;
    this.#line = '';
    if (this.#settings.echo) this.say(`${line}\r`);
    this.#command(line);
  }

  #dataChar(char: string): void {
    const data = this.#data;
    if (data === null || char === ' ' || char === '\r') return;
    if (!/[0-9A-F]/i.test(char)) {
      this.#data = null;
      this.say('?\r\r>');
      return;
    }
    data.digits += char;
    if (data.digits.length < 2 * data.bytes) return;
    this.#data = null;
    this.#transmit(data.header, fromHex(data.digits), data.listenMs, 0);
  }

  #command(line: string): void {
    const command = line.replace(/ /g, '').toUpperCase();
    this.commands.push(command);
    if (command === '') this.violations.push('an empty line repeats the last command');
    const script = this.scripted.findIndex((each) => each.command.test(command));
    if (script >= 0) {
      const [{ output } = { output: null }] = this.scripted.splice(script, 1);
      if (output !== null) this.say(output);
      return;
    }
    if (line.length + 1 > (this.#options.commandChars ?? 0x3ff)) {
      this.violations.push(`a line of ${line.length} characters`);
      this.say('?\r\r>');
      return;
    }
    if (command.startsWith('STPX')) this.#stpx(command);
    else if (command.startsWith('STSBR')) this.#changeRate(Number(command.slice(5)));
    else {
      const answer = this.#options.unknown?.test(command) ? null : this.#obey(command);
      this.say(`${answer ?? '?'}\r\r>`);
    }
  }

  #obey(command: string): string | null {
    const { st } = this;
    const { elm = 'ELM327 v1.4b', vt = null, product = 'OBDLink EX r1.0.0' } = this.#options;
    const { serial = '212010012345', tableSize = 100 } = this.#options;
    if (command === 'ATI') return elm;
    if (command === 'STI') return st;
    if (command === 'VTVERS') return vt;
    if (st === null && vt === null && !command.startsWith('AT')) return null;
    if (command === 'STDI') return product;
    if (command === 'STSN') return serial;
    if (command === 'STVR') return this.volts;
    if (command === 'ATRV') return `${Number(this.volts).toFixed(1)}V`;
    const flag = /^(?:AT([ESH])|STCSEG([RT]))([01])$/.exec(command);
    if (flag) {
      const on = flag[3] === '1';
      if (flag[1] === 'E') this.#settings.echo = on;
      if (flag[1] === 'S') this.#settings.spaces = on;
      if (flag[1] === 'H') this.#settings.headers = on;
      if (flag[2] === 'R') this.#settings.segr = on;
      if (flag[2] === 'T') this.#settings.segt = on;
      return 'OK';
    }
    if (command === 'ATAL') this.#settings.long = true;
    if (/^ATCAF[01]$/.test(command)) this.#settings.caf = command.endsWith('1');
    if (/^STP\d\d$/.test(command)) {
      this.#preset = command;
      this.#settings.caf = false; // as vLinkers do (B.6)
      this.#settings.long = false;
      this.#settings.spaces = true;
    }
    if (/^STCAF/.test(command)) this.#addressing = command;
    const listen = /^STPTO(\d+)$/.exec(command);
    if (listen) this.#listenMs = Number(listen[1]);
    const segment = /^STCTOR(\d+),(\d+)$/.exec(command);
    if (segment) {
      this.#fcTimeoutMs = Number(segment[1]);
      this.#cfTimeoutMs = Number(segment[2]);
    }
    const wait = /^STBRT(\d+)$/.exec(command);
    if (wait) this.#rateWaitMs = Number(wait[1]);
    if (command === 'STFAC') this.#filters = [];
    if (command === 'STCFCPC') this.#pairs = [];
    const filter = /^STFPA([0-9A-F]+),([0-9A-F]+)$/.exec(command);
    if (filter) {
      if (this.#filters.length >= tableSize) return null;
      this.#filters.push({ id: Number.parseInt(filter[1] ?? '', 16), mask: Number.parseInt(filter[2] ?? '', 16) });
    }
    const pair = /^STCFCPA([0-9A-F]+),([0-9A-F]+)$/.exec(command);
    if (pair) {
      if (this.#pairs.length >= tableSize) return null;
      this.#pairs.push({ tx: pair[1] ?? '', rx: pair[2] ?? '' });
    }
    return /^(?:AT(?:AL|AT0|CAF[01]|L0|TA..)|ST(?:P\d\d|PBR\d+|PTO\d+|CTOR\d+,\d+|FAC|CFCPC|CFCPA.*|FPA.*|CAF.*|BRT\d+|PC))$/.test(
      command,
    )
      ? 'OK'
      : null;
  }

  #changeRate(rate: number): void {
    const { clock } = this.#options;
    this.say('OK\r');
    if (!this.ignoresRate) this.baudRate = rate;
    this.#switching = true;
    void clock.sleep(this.#rateWaitMs).then(() => {
      this.#switching = false;
      this.say('\r>');
    });
  }

  #stpx(command: string): void {
    const fields = new Map(
      command
        .slice(4)
        .split(',')
        .map((field): [string, string] => [field.slice(0, 1), field.slice(2)]),
    );
    const header = fields.get('H') ?? '';
    const listenMs = Number(fields.get('T') ?? this.#listenMs);
    const length = fields.get('L');
    if (fields.has('R')) this.violations.push('R: 7F xx 78 would end the wait');
    const { caf, segr, segt, headers, long, spaces, echo } = this.#settings;
    if (!caf || !segr || !segt || !headers || !long || spaces || echo || this.#preset === '')
      this.violations.push(`STPX with ${JSON.stringify(this.#settings)}`);
    if (length !== undefined) {
      if (Number(length) > (this.#options.longestMessage ?? 4095)) {
        this.say('OUT OF MEMORY\r\r>');
        return;
      }
      this.#data = { header, bytes: Number(length), listenMs, digits: '' };
      this.say('DATA>');
      return;
    }
    this.#transmit(header, fromHex(fields.get('D') ?? ''), listenMs, Number(fields.get('R') ?? 0));
  }

  #transmit(header: string, pdu: Uint8Array, listenMs: number, responses: number): void {
    const { clock } = this.#options;
    const operation: Operation = { listenMs, left: responses, heard: false, endMs: Number.POSITIVE_INFINITY };
    this.#operation = operation;
    const isOver = () => this.#operation !== operation;
    const id = Number.parseInt(header, 16);
    const target = this.ecus.find(({ requestId }) => requestId === id);
    const all = this.ecus.filter((ecu) => ecu === target || ecu.functionalId === id);
    void (async () => {
      await clock.sleep(FRAME_MS);
      if (isOver()) return;
      if (pdu.length > 7) {
        const refusal = target?.refusal ?? null;
        if (target && refusal !== null) {
          target.refusal = null;
          this.#hear(target, fromHex(refusal));
        }
        if (!target?.hears || refusal !== null || !this.#isPaired(target)) {
          await clock.sleep(this.#fcTimeoutMs);
          if (!isOver()) this.#finish('FC RX TIMEOUT\r');
          return;
        }
        for (let i = 1; i < framesOf(pdu.length); i++) {
          await clock.sleep(FRAME_MS);
          if (isOver()) return; // the rest was never sent
        }
      }
      this.sent.push(`${header} ${toHex(pdu)}`);
      this.#listen(operation);
      for (const ecu of all) {
        if (!ecu.hears) continue;
        ecu.received.push(pdu.slice());
        for (const { afterMs, hex } of ecu.answer(pdu))
          void clock.sleep(afterMs).then(() => this.fromEcu(ecu, fromHex(hex)));
      }
    })();
  }

  #listen(operation: Operation): void {
    const { clock } = this.#options;
    operation.endMs = clock.now() + operation.listenMs;
    const endMs = operation.endMs;
    void clock.sleep(operation.listenMs).then(() => {
      if (this.#operation !== operation || operation.endMs !== endMs) return;
      this.#finish(operation.heard ? '' : 'NO DATA\r');
    });
  }

  #finish(words: string): void {
    this.#operation = null;
    this.say(`${words}\r>`);
  }

  #hear(ecu: StnTestEcu, pdu: Uint8Array): void {
    const operation = this.#operation;
    if (operation === null) return;
    if (pdu.length > 7 && !this.#isPaired(ecu)) return;
    if (!this.#filters.some(({ id, mask }) => (ecu.responseId & mask) === (id & mask))) return;
    operation.heard = true;
    const address = this.#options.showsAddressByte && this.#addressing !== 'STCAF0' ? 'F1' : '';
    this.say(`${this.#idText(ecu.responseId)}${address}${toHex(pdu)}\r`);
    if (operation.left > 0 && --operation.left === 0) this.#finish('');
    else this.#listen(operation);
  }

  /** Does the ECU get our flow control, and are its own ones known? */
  #isPaired(ecu: StnTestEcu): boolean {
    const rx = this.#idText(ecu.responseId);
    const tx = this.#idText(ecu.requestId);
    if (this.#pairs.length > 0) return this.#pairs.some((pair) => pair.rx.startsWith(rx) && pair.tx.startsWith(tx));
    if (rx.length === 3) return ecu.requestId === ecu.responseId - 8;
    return tx === `${rx.slice(0, 4)}${rx.slice(6)}${rx.slice(4, 6)}`;
  }

  #idText(id: number): string {
    const digits = this.#preset === 'STP34' || this.#preset === 'STP36' ? 8 : 3;
    return id.toString(16).toUpperCase().padStart(digits, '0');
  }
}

function framesOf(lengthBytes: number): number {
  return lengthBytes <= 7 ? 1 : 1 + Math.ceil((lengthBytes - 6) / 7);
}
