import type { Kernel } from '#simulator/kernel.ts';

/** Start bit, eight data bits, stop bit. */
const BITS = 10;
/** A receiver whose clock is off by less than this samples every bit of a byte where it is. */
const SAME_RATE = 0.03;

export interface ReceivedByte {
  readonly byte: number;
  /** The stop bit was low. */
  readonly isDamaged: boolean;
}

interface SentByte {
  readonly byte: number;
  readonly startMs: number;
  readonly bitMs: number;
}

/**
 * One direction of a UART line: bytes leave one after another at the sender's rate and are read at the receiver's.
 * At different rates the receiver samples the real wave form, so that it gets what a real one would: other bytes, fewer
 * or more of them, with low stop bits.
 */
export class UartWire {
  readonly #kernel: Kernel;
  readonly #receive: (received: ReceivedByte) => void;
  #sendRate: number;
  #readRate: number;
  #waiting: number[] = [];
  #sending = false;
  /** Of the sampled wave form: what the receiver has not looked at yet. */
  #wave: SentByte[] = [];
  #readyMs = 0;
  #onEmpty: (() => void) | undefined;
  #era = 0;

  constructor(kernel: Kernel, baudRate: number, receive: (received: ReceivedByte) => void) {
    this.#kernel = kernel;
    this.#sendRate = baudRate;
    this.#readRate = baudRate;
    this.#receive = receive;
  }

  /** Bytes that are not through yet, the one on the wire included. */
  get pending(): number {
    return this.#waiting.length + (this.#sending ? 1 : 0);
  }

  set sendRate(baudRate: number) {
    this.#sendRate = baudRate;
  }

  set readRate(baudRate: number) {
    this.#readRate = baudRate;
    this.#wave = [];
  }

  send(byte: number): void {
    this.#waiting.push(byte);
    if (!this.#sending) this.#next();
  }

  /** Runs once, when nothing waits any more: at once if that is now. Replaces what was to run before. */
  whenEmpty(run: () => void): void {
    if (this.pending === 0) run();
    else this.#onEmpty = run;
  }

  /** What waits is lost. */
  clear(): void {
    this.#era++;
    this.#waiting = [];
    this.#wave = [];
    this.#sending = false;
    this.#onEmpty = undefined;
  }

  #next(): void {
    const byte = this.#waiting.shift();
    this.#sending = byte !== undefined;
    if (byte === undefined) {
      const run = this.#onEmpty;
      this.#onEmpty = undefined;
      run?.();
      return;
    }
    const bitMs = 1000 / this.#sendRate;
    const startMs = this.#kernel.nowMs;
    const isSampled = Math.abs(this.#sendRate / this.#readRate - 1) >= SAME_RATE;
    if (isSampled) this.#wave.push({ byte, startMs, bitMs });
    const era = this.#era;
    this.#kernel.at(startMs + BITS * bitMs, () => {
      if (era !== this.#era) return;
      if (isSampled) this.#sample();
      else this.#receive({ byte, isDamaged: false });
      this.#next();
    });
  }

  /** What the receiver has seen by now, and once more when it has read to its end what began meanwhile. */
  #sample(): void {
    const { nowMs } = this.#kernel;
    this.#read(nowMs);
    const era = this.#era;
    this.#kernel.at(nowMs + (BITS * 1000) / this.#readRate, () => {
      if (era === this.#era) this.#read(this.#kernel.nowMs);
    });
  }

  /** Takes every byte whose stop bit the receiver has sampled by now. */
  #read(untilMs: number): void {
    const bitMs = 1000 / this.#readRate;
    for (;;) {
      const edgeMs = this.#nextLow(this.#readyMs);
      const stopMs = edgeMs + (BITS - 0.5) * bitMs;
      if (stopMs > untilMs) return;
      let byte = 0;
      for (let bit = 0; bit < 8; bit++) if (this.#isHigh(edgeMs + (bit + 1.5) * bitMs)) byte |= 1 << bit;
      this.#readyMs = stopMs;
      this.#receive({ byte, isDamaged: !this.#isHigh(stopMs) });
      const passed = this.#wave.findIndex((sent) => endOf(sent) > stopMs);
      this.#wave.splice(0, passed < 0 ? this.#wave.length : passed);
    }
  }

  /** When the line is low for the first time from here on; never = infinity. */
  #nextLow(fromMs: number): number {
    for (const sent of this.#wave)
      for (let bit = 0; bit < BITS - 1; bit++) {
        if (levelOf(sent, bit)) continue;
        const endMs = sent.startMs + (bit + 1) * sent.bitMs;
        if (endMs > fromMs) return Math.max(fromMs, sent.startMs + bit * sent.bitMs);
      }
    return Number.POSITIVE_INFINITY;
  }

  #isHigh(atMs: number): boolean {
    const sent = this.#wave.find((one) => one.startMs <= atMs && atMs < endOf(one));
    return sent === undefined || levelOf(sent, Math.floor((atMs - sent.startMs) / sent.bitMs));
  }
}

function endOf({ startMs, bitMs }: SentByte): number {
  return startMs + BITS * bitMs;
}

/** Start bit low, the lowest data bit first, stop bit high. */
function levelOf({ byte }: SentByte, bit: number): boolean {
  return bit >= BITS - 1 || (bit > 0 && ((byte >> (bit - 1)) & 1) === 1);
}
