import type { CanBus } from '#simulator/can-bus.ts';
import type { Kernel } from '#simulator/kernel.ts';
import type { Conditions } from '#simulator/uds/core.ts';
import type { Answer, Job } from './answer.ts';
import { runAtCommand } from './at-commands.ts';
import { CanSide } from './can-side.ts';
import type { InterpreterData } from './models.ts';
import { ELM_PROTOCOLS, type Protocol, userProtocol } from './protocols.ts';
import { requestOfHex } from './request-text.ts';
import { blankEeprom, defaultSettings, type Eeprom, parameter, type Settings } from './settings.ts';
import { runStCommand, runVtCommand } from './st-commands.ts';
import type { UartWire } from './uart.ts';

const CR = 0x0d;
const LF = 0x0a;
/** A line that stays without its CR is given up after this (the exact time is not documented: adapters A.1). */
const INCOMPLETE_MS = 20_000;
/** After such a time without a byte the sleeping chip is woken and ready again. */
const WAKE_MS = 100;

export interface ChipSurroundings {
  readonly kernel: Kernel;
  readonly bus: CanBus;
  conditions(): Conditions;
  /** Bytes to the host. */
  readonly uart: UartWire;
  /** Both directions of the chip's UART. */
  setBaudRate(baudRate: number): void;
}

/** What the chip prints when it starts: alone, after `LV RESET`, or after ATZ. */
export type RestartCause = 'command' | 'warm' | 'low-voltage' | 'by-itself';

/** The interpreter itself: a line of text in, what it does about it, lines and a prompt out (reference: adapters A.1). */
export class Chip {
  readonly model: InterpreterData;
  readonly kernel: Kernel;
  readonly can: CanSide;
  readonly eeprom: Eeprom;
  settings: Settings;
  /** The protocol in use; undefined = to be searched for. */
  protocol: Protocol | undefined;
  /** The protocol was or is to be found by searching. */
  isAutomatic = true;
  /** Where the search begins. */
  searchFirst: string | undefined;
  /** How long answers took lately (AT1, AT2); undefined = nothing known. */
  learnedMs: number | undefined;
  baudRate: number;
  readonly #around: ChipSurroundings;
  #user: Record<'B' | 'C', { options: number; divisor: number }>;
  #text = '';
  #isOverlong = false;
  #lastByte = 0;
  #last = '';
  #incompleteAtMs = Number.POSITIVE_INFINITY;
  #job: Job | undefined;
  /** The prompt is on its way: bytes are lost until it is through. */
  #isClosing = false;
  #isAsleep = false;

  constructor(model: InterpreterData, around: ChipSurroundings) {
    this.model = model;
    this.kernel = around.kernel;
    this.#around = around;
    this.eeprom = blankEeprom(model);
    this.settings = defaultSettings(model, this.eeprom);
    this.baudRate = model.baudRate;
    this.#user = this.#userDefaults();
    this.can = new CanSide(around.kernel, around.bus, (event) => this.#job?.received?.(event));
  }

  get conditions(): Conditions {
    return this.#around.conditions();
  }
  get uart(): UartWire {
    return this.#around.uart;
  }

  /** One byte of the host. */
  feed(byte: number): void {
    const before = this.#lastByte;
    this.#lastByte = byte;
    if (byte === LF && before === CR) return;
    if (this.#isAsleep) this.#wake();
    else if (this.#job) this.#job.input(byte);
    else if (!this.#isClosing) this.#collect(byte);
  }

  /** Loss of power: everything but the EEPROM is gone; ready again at once when it comes back. */
  powerLost(): void {
    this.#forget();
    this.can.close();
    this.setBaudRate(this.eeprom.baudRate);
    this.settings = defaultSettings(this.model, this.eeprom);
    this.#user = this.#userDefaults();
    this.useStoredProtocol();
    this.#last = '';
  }

  /** Starts anew and says so with its name. ATZ takes its time, the others do not. */
  restart(cause: RestartCause): void {
    const { baudRate } = this;
    this.powerLost();
    if (cause === 'warm') this.setBaudRate(baudRate);
    this.work({ input: () => undefined, drop: () => undefined });
    const job = this.#job;
    this.kernel.after(cause === 'command' ? this.model.resetMs : this.model.commandMs, () => {
      if (this.#job !== job) return;
      if (this.model.st && cause === 'command') this.print('\0\0\0');
      this.print(this.newline + this.newline);
      if (cause === 'low-voltage') this.line('LV RESET');
      this.line(this.model.banner);
      this.finish();
    });
  }

  /** `ATD`: the settings, but not the rate of the line. */
  setDefaults(): void {
    this.can.close();
    this.settings = defaultSettings(this.model, this.eeprom);
    this.useStoredProtocol();
  }

  useStoredProtocol(): void {
    const stored = this.eeprom.protocol;
    this.selectProtocol(stored === '0' ? undefined : this.elmProtocol(stored), stored === '0');
  }

  /** A protocol by the digit of `ATSP`, B and C as they are set up now. */
  elmProtocol(number: string): Protocol | undefined {
    if (number !== 'B' && number !== 'C') return ELM_PROTOCOLS[number];
    const { options, divisor } = this.#user[number];
    return userProtocol(number, options, divisor);
  }

  setUserProtocol(options: number, divisor: number): void {
    this.#user.B = { options, divisor };
    if (this.protocol?.number === 'B') this.selectProtocol(this.elmProtocol('B'), false);
  }

  /** The bus is left; the next request takes part with the new protocol. */
  selectProtocol(protocol: Protocol | undefined, isAutomatic: boolean, searchFirst?: string): void {
    this.can.close();
    this.protocol = protocol;
    this.isAutomatic = isAutomatic;
    this.searchFirst = searchFirst;
    this.learnedMs = undefined;
  }

  /** SP and TP of some chips take three settings back (reference: adapters A.9, B.6). */
  forgetAtProtocol(): void {
    if (!this.model.forgetsAtProtocol) return;
    Object.assign(this.settings, { formatting: true, spaces: true, allowLong: false });
  }

  setBaudRate(baudRate: number): void {
    this.baudRate = baudRate;
    this.#around.setBaudRate(baudRate);
  }

  get newline(): string {
    return this.settings.linefeeds ? '\r\n' : '\r';
  }

  print(text: string): void {
    for (let i = 0; i < text.length; i++) this.uart.send(text.charCodeAt(i));
  }

  line(text: string): void {
    this.print(text + this.newline);
  }

  /** Like `line`, but false when the text no longer fits between chip and UART: nothing was printed then. */
  tryLine(text: string): boolean {
    if (this.uart.pending + text.length + this.newline.length > this.model.outputBytes) return false;
    this.line(text);
    return true;
  }

  /** From here on bytes of the host go to this job, until `finish`. */
  work(job: Job): void {
    if (this.#job !== job) this.#job?.drop();
    this.#job = job;
  }

  /** The prompt. */
  finish(): void {
    this.#job?.drop();
    this.#job = undefined;
    this.#isClosing = true;
    this.print(`${this.newline}>`);
    this.uart.whenEmpty(() => {
      this.#isClosing = false;
    });
  }

  /** A byte came in where it must not: the job ends with `STOPPED`. */
  stop(): void {
    this.#job?.drop();
    this.can.callOff();
    this.line('STOPPED');
    this.finish();
  }

  /** Low power: hears nothing but the next byte, which wakes it and is lost. */
  sleep(): void {
    this.#forget();
    this.can.close();
    this.#isAsleep = true;
  }

  /** Says a line that nobody asked for. */
  announce(text: string): void {
    this.line(text);
  }

  detach(): void {
    this.#forget();
    this.can.detach();
  }

  #wake(): void {
    this.#isAsleep = false;
    const job: Job = { input: () => undefined, drop: () => undefined };
    this.work(job);
    this.kernel.after(WAKE_MS, () => {
      if (this.#job === job) this.finish();
    });
  }

  #forget(): void {
    this.#job?.drop();
    this.#job = undefined;
    this.#isClosing = false;
    this.#isAsleep = false;
    this.#text = '';
    this.#isOverlong = false;
    this.learnedMs = undefined;
    this.uart.clear();
  }

  #userDefaults() {
    const of = (options: number, divisor: number) => ({
      options: parameter(this.eeprom, options),
      divisor: parameter(this.eeprom, divisor),
    });
    return { B: of(0x2c, 0x2d), C: of(0x2e, 0x2f) };
  }

  /** NUL is ignored, and so is everything else that cannot be seen. */
  #collect(byte: number): void {
    if (byte === 0) return;
    if (this.settings.echo) this.print(byte === CR ? this.newline : String.fromCharCode(byte));
    if (byte === CR) {
      this.#execute();
      return;
    }
    if (byte <= 0x20) return;
    if (this.#text.length < this.model.commandChars) this.#text += String.fromCharCode(byte);
    else this.#isOverlong = true;
    this.#watchIncomplete();
  }

  #watchIncomplete(): void {
    const isWatched = this.#incompleteAtMs !== Number.POSITIVE_INFINITY;
    this.#incompleteAtMs = this.kernel.nowMs + INCOMPLETE_MS;
    if (!isWatched) this.#lookAtIncomplete();
  }

  #lookAtIncomplete(): void {
    this.kernel.at(this.#incompleteAtMs, () => {
      if (this.#text === '') this.#incompleteAtMs = Number.POSITIVE_INFINITY;
      else if (this.kernel.nowMs < this.#incompleteAtMs) this.#lookAtIncomplete();
      else {
        this.#incompleteAtMs = Number.POSITIVE_INFINITY;
        this.#text = '';
        this.#isOverlong = false;
        this.line('?');
        this.finish();
      }
    });
  }

  /** An empty line runs the last command again: a write is written twice. */
  #execute(): void {
    const typed = this.#text.toUpperCase();
    const isOverlong = this.#isOverlong;
    this.#text = '';
    this.#isOverlong = false;
    const command = typed === '' ? this.#last : typed;
    this.#last = isOverlong ? '' : command;
    const thinking: Job = { input: () => this.stop(), drop: () => undefined };
    this.work(thinking);
    this.kernel.after(this.model.commandMs, () => {
      if (this.#job !== thinking) return;
      const answer = isOverlong ? '?' : this.#run(command);
      if (answer === 'later') return;
      for (const line of answer === '?' ? ['?'] : answer) this.line(line);
      this.finish();
    });
  }

  #run(command: string): Answer {
    if (command === '') return [];
    if (command.startsWith('AT')) return runAtCommand(this, command.slice(2));
    if (command.startsWith('ST') && this.model.st) return runStCommand(this, this.model.st, command.slice(2));
    if (command.startsWith('VT') && this.model.st) return runVtCommand(this, this.model.st, command.slice(2));
    return requestOfHex(this, command);
  }
}
