import type { CanFrame } from '#contract/adapter.ts';
import type { VirtualClock } from './virtual-clock.ts';

export type SlcanVariant = 'canusb' | 'usbtin' | 'canable-v1' | 'canable-v2' | 'elmue' | 'unnamed';

const VERSIONS: Readonly<Record<SlcanVariant, string | null>> = {
  canusb: 'V1013',
  usbtin: 'V0101',
  'canable-v1': 'e1a77fc https://github.com/normaldotcom/canable-fw.git',
  'canable-v2': 'b158aa7 https://github.com/normaldotcom/canable2-fw.git',
  elmue: '+Board: MksMakerbase\tMCU: STM32G431\tSlcan: 105',
  unnamed: null,
};
const RATES: Readonly<Record<string, number>> = {
  S0: 10_000,
  S1: 20_000,
  S2: 50_000,
  S3: 100_000,
  S4: 125_000,
  S5: 250_000,
  S6: 500_000,
  S7: 800_000,
  S8: 1_000_000,
  S9: 83_300,
};

export interface SlcanDeviceOptions {
  readonly clock: VirtualClock;
  readonly variant: SlcanVariant;
  /** Frames it holds; one more is dropped without a word, or refused with BEL where `refuses` is set. */
  readonly queueFrames?: number;
  readonly refuses?: boolean;
  /** Answers reach the host only at multiples of this: 1 for USB CDC, 16 behind an FTDI chip. */
  readonly inTickMs?: number;
  /** Commands reach the device only at multiples of this. */
  readonly outTickMs?: number;
}

/**
 * A small slcan device with a bus behind it, for the driver's own tests (reference: adapters C.1, C.2). It also notes
 * what a careful driver never does: empty or truncated lines, S7 on a CANable, mask commands that are modes there.
 */
export class SlcanTestDevice {
  readonly wire: { readonly frame: CanFrame; readonly startMs: number; readonly endMs: number }[] = [];
  readonly lines: string[] = [];
  readonly violations: string[] = [];
  dropped = 0;
  highestQueue = 0;
  isOpen = false;
  listenOnly = false;
  flags = 0;
  /** No other node: nothing leaves, the controller repeats for ever. */
  busDead = false;
  /** Answers of the device vanish (commands are still obeyed). */
  mute = false;
  readonly #options: SlcanDeviceOptions;
  readonly #queue: CanFrame[] = [];
  readonly #output: ((bytes: Uint8Array) => void)[] = [];
  #bitRate = 125_000;
  #line = '';
  #sending = false;

  constructor(options: SlcanDeviceOptions) {
    this.#options = options;
  }

  get acknowledges(): boolean {
    return !this.#options.variant.startsWith('canable');
  }

  onOutput(listener: (bytes: Uint8Array) => void): void {
    this.#output.push(listener);
  }

  /** Bytes from the host. */
  write(bytes: Uint8Array): void {
    const copy = bytes.slice();
    this.#atNextTick(this.#options.outTickMs, () => {
      for (const byte of copy) {
        if (byte === 0x0d) this.#command();
        else this.#line += String.fromCharCode(byte);
      }
    });
  }

  /** A frame of another node arrives. */
  receive(id: number, hexData: string): void {
    if (this.isOpen) this.say(`t${id.toString(16).toUpperCase().padStart(3, '0')}${hexData.length / 2}${hexData}\r`);
  }

  say(text: string): void {
    if (this.mute) return;
    const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    this.#atNextTick(this.#options.inTickMs, () => {
      for (const listener of this.#output) listener(bytes);
    });
  }

  /** Fault S13: it starts anew, forgets channel and queue, and may say who it is. */
  reset(banner: string | null): void {
    this.isOpen = false;
    this.#queue.length = 0;
    if (banner !== null) this.say(banner);
  }

  #atNextTick(tickMs: number | undefined, work: () => void): void {
    const { clock } = this.#options;
    if (tickMs === undefined) {
      work();
      return;
    }
    const dueMs = (Math.floor(clock.now() / tickMs + 1e-9) + 1) * tickMs;
    void clock.sleep(dueMs - clock.now()).then(work);
  }

  #command(): void {
    const line = this.#line;
    this.#line = '';
    this.lines.push(line);
    this.#judge(line);
    const answer = /^[tT]/.test(line) ? this.#transmit(line) : this.#obey(line);
    if (this.acknowledges || answer.length > 1) this.say(answer);
  }

  #judge(line: string): void {
    const canable = !this.acknowledges;
    if (line === '') this.violations.push('empty line');
    if (/^[SsOLAMm]/.test(line) && this.isOpen) this.violations.push(`${line} while open`);
    if (canable && (line === 'S7' || /^[Mm].{2,}/.test(line))) this.violations.push(`${line} on a CANable`);
  }

  /** The answer: CR, BEL, or a text. */
  #obey(line: string): string {
    const { variant } = this.#options;
    const version = VERSIONS[variant];
    if (line === 'C') {
      const wasOpen = this.isOpen;
      this.isOpen = false;
      this.#queue.length = 0;
      return !wasOpen && variant === 'canusb' ? '\x07' : '\r';
    }
    if (line === 'V' && version !== null) return `${version}\r`;
    if (line === 'N' && (variant === 'canusb' || variant === 'usbtin')) return 'NA123\r';
    if (line === 'F' && this.acknowledges && this.isOpen)
      return `F${this.flags.toString(16).toUpperCase().padStart(2, '0')}\r`;
    if (RATES[line]) {
      this.#bitRate = RATES[line];
      return '\r';
    }
    if (/^(O|ON|OS|L)$/.test(line)) {
      this.isOpen = true;
      this.listenOnly = line === 'OS' || line === 'L';
      return '\r';
    }
    return variant === 'canusb' && /^(X1|Z0|M0{8}|mF{8})$/.test(line) ? '\r' : '\x07';
  }

  #transmit(line: string): string {
    const match = /^(?:t([0-9A-F]{3})|T([0-9A-F]{8}))([0-8])((?:[0-9A-F]{2})*)$/.exec(line);
    const digits = match?.[4] ?? '';
    if (!match || digits.length !== 2 * Number(match[3])) this.violations.push(`truncated line ${line}`);
    if (!match || !this.isOpen) return '\x07';
    const frame: CanFrame = {
      id: Number.parseInt(match[1] ?? match[2] ?? '', 16),
      extended: match[1] === undefined,
      data: Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
    };
    const { variant, queueFrames = variant === 'canable-v2' ? 63 : 27, refuses } = this.#options;
    const full = this.#queue.length >= queueFrames;
    if (full) this.dropped++;
    else this.#queue.push(frame);
    this.highestQueue = Math.max(this.highestQueue, this.#queue.length);
    if (!this.#sending && !this.busDead) void this.#drain();
    if (full && refuses) return '\x07';
    return this.acknowledges && variant === 'canusb' ? (frame.extended ? 'Z\r' : 'z\r') : '\r';
  }

  async #drain(): Promise<void> {
    this.#sending = true;
    for (let frame = this.#queue[0]; frame; frame = this.#queue[0]) {
      const startMs = this.#options.clock.now();
      await this.#options.clock.sleep((bitsByHand(frame) * 1000) / this.#bitRate);
      if (this.#queue[0] !== frame) break; // closed or reset meanwhile
      this.#queue.shift();
      this.wire.push({ frame, startMs, endMs: this.#options.clock.now() });
    }
    this.#sending = false;
  }
}

/** The frame bit by bit after ISO 11898-1, without tables; counts the bits on the wire with intermission. */
export function bitsByHand(frame: CanFrame): number {
  const bits: number[] = [0];
  const add = (value: number, count: number) => {
    for (let i = count - 1; i >= 0; i--) bits.push(Math.floor(value / 2 ** i) % 2);
  };
  if (frame.extended) {
    add(Math.floor(frame.id / 2 ** 18), 11);
    add(0b11, 2);
    add(frame.id % 2 ** 18, 18);
    add(0, 3);
  } else {
    add(frame.id, 11);
    add(0, 3);
  }
  add(frame.data.length, 4);
  for (const byte of frame.data) add(byte, 8);
  let crc = 0;
  for (const bit of bits) {
    const next = bit ^ ((crc >> 14) & 1);
    crc = (crc << 1) & 0x7fff;
    if (next) crc ^= 0x4599;
  }
  add(crc, 15);
  let count = 0;
  let run = 0;
  let last = -1;
  for (const bit of bits) {
    run = bit === last ? run + 1 : 1;
    last = bit;
    count++;
    if (run === 5) {
      count++;
      last = 1 - bit;
      run = 1;
    }
  }
  return count + 13;
}
