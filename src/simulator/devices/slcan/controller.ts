import type { BusFrame, BusPort, CanBus } from '#simulator/can-bus.ts';
import type { ByteQueue } from '#simulator/devices/byte-queue.ts';
import type { CanFrame } from '#simulator/frame-bits.ts';
import type { Kernel } from '#simulator/kernel.ts';
import type { FirmwareData } from './firmware.ts';
import { BEL, CR, digitsInPlace, readFrame, writeFrame } from './text.ts';

const LINE_BYTES = 64;
/** Status flags of `F` (reference: adapters C.1). */
const RX_FIFO_FULL = 0x01;
const TX_FIFO_FULL = 0x02;
const ERROR_PASSIVE = 0x20;
const BUS_ERROR = 0x80;
/** Each try that nobody acknowledges adds 8 to the transmit error counter; 128 is error passive (ISO 11898-1, 12.1). */
const TRIES_TO_ERROR_PASSIVE = 16;
/** A long frame with its error frame. */
const TRY_BITS = 160;
/** Received frames that wait for P or A while automatic sending is off. */
const POLL_FRAMES = 32;

export interface SlcanCounters {
  framesToBus: number;
  framesFromBus: number;
  /** Frames the host handed over that found the queue full or the channel closed. */
  dropped: number;
}

/** The firmware: a command line on one side, a CAN controller on the other. */
export class SlcanController {
  readonly counters: SlcanCounters = { framesToBus: 0, framesFromBus: 0, dropped: 0 };
  readonly queueFrames: number;
  readonly #firmware: FirmwareData;
  readonly #kernel: Kernel;
  readonly #bus: CanBus;
  readonly #port: BusPort;
  readonly #out: ByteQueue;
  readonly #onOutput: () => void;
  readonly #untap: () => void;
  readonly #line = new Uint8Array(LINE_BYTES);
  #length = 0;
  #overlong = false;
  #bitRate: number | undefined;
  #open = false;
  #silent = false;
  #stamps = false;
  #autoSend = true;
  #flags = 0;
  #waiting: CanFrame[] = [];
  /** Since when the head of the queue is being tried; each frame on the bus begins it anew. */
  #tryingSinceMs = 0;

  constructor(
    kernel: Kernel,
    bus: CanBus,
    firmware: FirmwareData,
    queueFrames: number,
    out: ByteQueue,
    onOutput: () => void,
  ) {
    this.#kernel = kernel;
    this.#bus = bus;
    this.#firmware = firmware;
    this.queueFrames = queueFrames;
    this.#out = out;
    this.#onOutput = onOutput;
    this.#bitRate = firmware.defaultBitRate;
    this.#port = bus.attach(() => this.#open && !this.#silent && this.#atBusRate);
    this.#untap = bus.tap((event) => this.#received(event));
  }

  get channelOpen(): boolean {
    return this.#open;
  }

  /** One byte from the host. */
  feed(byte: number): void {
    if (byte !== CR) {
      if (this.#length < LINE_BYTES) this.#line[this.#length++] = byte;
      else this.#overlong = true;
      return;
    }
    const length = this.#length;
    const overlong = this.#overlong;
    this.#length = 0;
    this.#overlong = false;
    if (this.#firmware.acknowledges) this.#runAcknowledged(length, overlong);
    else this.#runSilently(length);
  }

  /** Loss of power: as after plugging in. */
  reset(): void {
    this.#close();
    this.#length = 0;
    this.#line.fill(0);
    this.#bitRate = this.#firmware.defaultBitRate;
    this.#stamps = false;
    this.#autoSend = true;
    this.#flags = 0;
  }

  detach(): void {
    this.#close();
    this.#untap();
    this.#port.detach();
  }

  get #atBusRate(): boolean {
    return this.#bitRate === this.#bus.bitRate;
  }

  /** CANUSB and USBtin: every command is answered with CR or BEL. */
  #runAcknowledged(length: number, overlong: boolean): void {
    if (length === 0) {
      this.#answer(this.#firmware.emptyLine === 'ack');
      return;
    }
    const verb = String.fromCharCode(this.#line[0] ?? 0);
    const clean = digitsInPlace(this.#line, length) && !overlong;
    if (clean && 'tTrR'.includes(verb)) this.#transmitAcknowledged(verb, length);
    else this.#answer(clean && this.#command(verb, length));
  }

  #transmitAcknowledged(verb: string, length: number): void {
    const frame = readFrame(this.#line, length);
    const taken = frame !== undefined && this.#open && !this.#silent && this.#enqueue(frame);
    if (frame && !taken) this.counters.dropped++;
    if (taken && this.#autoSend) this.#out.text(verb < 'Z' ? 'Z' : 'z');
    this.#answer(taken);
  }

  #command(verb: string, length: number): boolean {
    const digit = this.#line[1] ?? 0;
    const { version, detailedVersion, serial, bitRates } = this.#firmware;
    switch (verb) {
      case 'S':
        if (this.#open || length !== 2 || bitRates[digit] === undefined) return false;
        this.#bitRate = bitRates[digit];
        return true;
      case 'O':
      case 'L':
        if (this.#open || this.#bitRate === undefined || length !== 1) return false;
        this.#openChannel(verb === 'L');
        return true;
      case 'C':
        if (!this.#open) return false;
        this.#close();
        return true;
      case 'V':
        this.#out.text(version);
        return true;
      case 'v':
        this.#out.text(detailedVersion ?? version);
        return true;
      case 'N':
        this.#out.text(serial ?? '');
        return serial !== undefined;
      case 'F':
        return this.#reportFlags();
      case 'Z':
        if (this.#open) return false;
        this.#stamps = digit === 1;
        return digit <= 1;
      case 'X':
        this.#autoSend = digit === 1;
        return digit <= 1;
      case 'P':
      case 'A':
        return this.#poll(verb === 'A');
      case 'M':
      case 'm':
        // The filter is accepted and lets everything through, as with its default values.
        return !this.#open && length === 9;
      case 'U':
        return true;
      default:
        return false;
    }
  }

  #reportFlags(): boolean {
    if (!this.#open) return false;
    this.#out.text('F');
    this.#out.hex(this.#flags | this.#busFlags(), 2);
    this.#flags = 0;
    return true;
  }

  /** A node at another rate sees errors only; one that nobody acknowledges goes error passive and stays so, never bus-off. */
  #busFlags(): number {
    if (!this.#atBusRate) return BUS_ERROR;
    const passiveAfterMs = (TRIES_TO_ERROR_PASSIVE * TRY_BITS * 1000) / this.#bus.bitRate;
    const unheard = this.#port.queued > 0 && this.#kernel.nowMs - this.#tryingSinceMs > passiveAfterMs;
    return unheard ? ERROR_PASSIVE | BUS_ERROR : 0;
  }

  #poll(all: boolean): boolean {
    if (this.#autoSend || !this.#open) return false;
    for (const frame of this.#waiting.splice(0, all ? POLL_FRAMES : 1)) writeFrame(this.#out, frame, this.#stamp());
    if (all) this.#out.text('A');
    return true;
  }

  #answer(ok: boolean): void {
    this.#out.push(ok ? CR : BEL);
  }

  /**
   * CANable v1 and v2: no answer to anything but V. The line buffer is never cleared, so an empty line runs the
   * last command again and a short one ends in the bytes of an earlier one (reference: adapters C.2).
   */
  #runSilently(length: number): void {
    digitsInPlace(this.#line, length);
    const verb = String.fromCharCode(this.#line[0] ?? 0);
    const digit = this.#line[1] ?? 0;
    const rate = this.#firmware.bitRates[digit];
    if (verb === 'O') this.#openChannel(false);
    else if (verb === 'C') this.#close();
    else if (verb === 'S' && !this.#open && rate !== undefined) this.#bitRate = rate;
    else if (verb === 'V') this.#out.text(`${this.#firmware.version}\r`);
    else if ('tTrR'.includes(verb)) {
      const frame = readFrame(this.#line, LINE_BYTES);
      if (frame && !(this.#open && this.#enqueue(frame))) this.counters.dropped++;
    }
  }

  #enqueue(frame: CanFrame): boolean {
    if (this.#port.queued >= this.queueFrames) {
      this.#flags |= TX_FIFO_FULL;
      return false;
    }
    if (this.#port.queued === 0) this.#tryingSinceMs = this.#kernel.nowMs;
    this.#port.send(frame, () => {
      this.counters.framesToBus++;
    });
    return true;
  }

  #openChannel(silent: boolean): void {
    this.#open = true;
    this.#silent = silent;
    this.#bus.wake();
  }

  #close(): void {
    this.#open = false;
    this.#port.clear();
    this.#waiting = [];
  }

  #stamp(): number | undefined {
    return this.#stamps ? this.#kernel.nowMs : undefined;
  }

  #received({ frame, from, endMs }: BusFrame): void {
    this.#tryingSinceMs = endMs; // a frame that ended was acknowledged: there is somebody
    if (from === this.#port || !this.#open || !this.#atBusRate) return;
    this.counters.framesFromBus++;
    if (this.#autoSend) {
      writeFrame(this.#out, frame, this.#stamp());
      this.#onOutput();
    } else if (this.#waiting.length < POLL_FRAMES) this.#waiting.push(frame);
    else this.#flags |= RX_FIFO_FULL;
  }
}
