import type {
  CloseReason,
  LineErrors,
  LineSettings,
  MessagePortLike,
  SimulatedLineMessage,
  UsbIdentity,
} from '#contract/transport.ts';
import type { VirtualCar } from '#simulator/car.ts';
import { isRecord } from '#simulator/car-state.ts';
import { ByteQueue } from './byte-queue.ts';

export interface LineOptions {
  /** Bytes of the device reach the host at multiples of this (ms): 1 for USB CDC, 16 behind an FTDI chip. Default 1. */
  readonly tickMs?: number;
  /** Bytes of the host reach the device at multiples of this (ms). FTDI does not hold these back. Default 1. */
  readonly outTickMs?: number;
  readonly usb?: UsbIdentity;
  /** Default true. */
  readonly plugged?: boolean;
  /** The device was plugged, pulled, opened or closed. */
  readonly onChange?: () => void;
}

/** Bytes of the host, and the end of the USB frame in which they cross. */
interface Crossing {
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/** More in one message is no serial line. */
const MAX_MESSAGE_BYTES = 1 << 20;
const MAX_BAUD_RATE = 20_000_000;

/**
 * The serial line of a simulated adapter: a USB cable that carries `SimulatedLineMessage` through a MessagePort, in
 * ticks, and that can be pulled. What sits behind it (a firmware, or a UART and then a firmware) is the subclass's.
 */
export abstract class SerialLine {
  /** What waits to cross to the host. */
  protected readonly out = new ByteQueue();
  protected readonly car: VirtualCar;
  readonly #port: MessagePortLike;
  readonly #inTickMs: number;
  readonly #outTickMs: number;
  readonly #usb: UsbIdentity;
  readonly #onChange: () => void;
  readonly #listener = (event: { readonly data: unknown }) => this.#fromHost(event.data);
  #unlisten: () => void = () => undefined;
  #toDevice: Crossing[] = [];
  #flushSet = false;
  #damaged: keyof LineErrors | undefined;
  #plugged: boolean;
  #lineOpen = false;
  #detached = false;
  #bytesLeft = Number.POSITIVE_INFINITY;

  constructor(car: VirtualCar, port: MessagePortLike, usb: UsbIdentity, options: LineOptions) {
    this.car = car;
    this.#port = port;
    this.#inTickMs = options.tickMs ?? 1;
    this.#outTickMs = options.outTickMs ?? 1;
    this.#usb = options.usb ?? usb;
    this.#plugged = options.plugged ?? true;
    this.#onChange = options.onChange ?? (() => undefined);
  }

  /** A byte of the host is in the firmware. */
  protected abstract feed(byte: number): void;
  /** The firmware lost its power and forgot everything. */
  protected abstract powerLost(): void;
  /** The firmware restarts by itself (fault S13). */
  protected abstract restart(): void;
  /** The adapter leaves the bus for good. */
  protected abstract leave(): void;

  /** A byte of the host crossed the cable. Where a UART follows, it reaches the firmware later: see `arrive`. */
  protected crossed(byte: number): void {
    this.arrive(byte);
  }

  /** The host opened the line with these settings. To a device without a UART the rate says nothing. */
  protected lineSet(_line: LineSettings): void {}

  /** Listens from here on; called when the device is complete. */
  protected begin(): void {
    this.#unlisten = this.car.onEvent((event) => {
      if (event.type === 'unplug') this.unplug();
      else if (event.type === 'line-error') this.lineError(event.name);
      else if (event.type === 'adapter-reset' && this.#plugged) this.restart();
    });
    this.#port.addEventListener('message', this.#listener);
    this.#port.start?.();
  }

  get plugged(): boolean {
    return this.#plugged;
  }
  /** The host has the serial line open. */
  get lineOpen(): boolean {
    return this.#lineOpen;
  }

  /** Pulls the cable: the line is lost, the device forgets everything. */
  unplug(detail = 'The device has been lost.'): void {
    if (!this.#plugged || this.#detached) return;
    this.#plugged = false;
    this.#bytesLeft = Number.POSITIVE_INFINITY;
    this.#toDevice = [];
    this.#discard();
    this.powerLost();
    if (this.#lineOpen) this.#endLine({ kind: 'lost', detail });
    this.#onChange();
  }

  plug(): void {
    if (this.#plugged || this.#detached) return;
    this.#plugged = true;
    this.#onChange();
  }

  /** Pulls the cable when `bytes` more have reached the device; the last of them still does. */
  unplugAtByte(bytes: number): void {
    this.#bytesLeft = bytes;
  }

  /** Reports a soft error of the line; what was on its way to the host is lost, as with a real one. */
  lineError(name: keyof LineErrors): void {
    if (!this.#lineOpen) return;
    this.#discard();
    this.#post({ type: 'line-error', name });
  }

  /** Takes the device off the bus and closes the port. */
  detach(): void {
    if (this.#detached) return;
    this.unplug('The adapter was given to another session.');
    this.#detached = true;
    this.leave();
    this.#unlisten();
    this.#port.removeEventListener('message', this.#listener);
    this.#port.close();
  }

  /** A byte of the host reaches the firmware. */
  protected arrive(byte: number): void {
    if (!this.#plugged) return;
    this.feed(byte);
    if (--this.#bytesLeft <= 0) this.unplug();
  }

  /** The next bytes cross with the next tick. */
  protected scheduleFlush(): void {
    if (this.#flushSet || this.out.length === 0) return;
    this.#flushSet = true;
    const { kernel } = this.car;
    kernel.at(nextTick(kernel.nowMs, this.#inTickMs), () => {
      this.#flushSet = false;
      const damaged = this.#damaged;
      this.#damaged = undefined;
      if (this.out.length === 0) return;
      const bytes = this.out.take();
      if (!this.#lineOpen) return;
      this.#post({ type: 'bytes', bytes });
      if (damaged) this.#post({ type: 'line-error', name: damaged });
    });
  }

  /** What waits to cross contains a byte that came damaged; the host learns so behind it. */
  protected damaged(name: keyof LineErrors): void {
    this.#damaged ??= name;
  }

  #fromHost(data: unknown): void {
    const message = parseHostMessage(data);
    if (!message || this.#detached) return;
    if (message.type === 'bytes') {
      if (!this.#plugged || !this.#lineOpen) return;
      this.#cross(message.bytes);
    } else if (message.type === 'open') {
      const { line } = message;
      this.#atTick(() => this.#openLine(line));
    } else if (message.type === 'close') {
      this.#atTick(() => {
        if (this.#lineOpen) this.#endLine({ kind: 'closed' });
      });
    }
  }

  #openLine(line: LineSettings | undefined): void {
    if (!this.#plugged) {
      this.#post({ type: 'closed', reason: { kind: 'lost', detail: 'The device is not plugged in.' } });
      return;
    }
    if (!line) {
      this.#post({ type: 'closed', reason: { kind: 'failed', detail: 'The device has no such line settings.' } });
      return;
    }
    this.#lineOpen = true;
    this.lineSet(line);
    this.#discard(); // what it said before nobody was listening
    this.#post({ type: 'opened', usb: this.#usb });
    this.#onChange();
  }

  #endLine(reason: CloseReason): void {
    this.#lineOpen = false;
    this.#post({ type: 'closed', reason });
    this.#onChange();
  }

  /**
   * Bytes cross in the USB frame in which they arrived, also when the car runs late and several frames are overdue at
   * once: else those written later would reach the device before the wire had drained what was written earlier.
   */
  #cross(bytes: Uint8Array): void {
    const { kernel } = this.car;
    const atMs = nextTick(kernel.arrivalMs, this.#outTickMs);
    const newFrame = this.#toDevice.at(-1)?.atMs !== atMs;
    this.#toDevice.push({ atMs, bytes });
    if (newFrame) kernel.at(atMs, () => this.#deliver(atMs));
  }

  /** All bytes that crossed up to this USB frame. */
  #deliver(untilMs: number): void {
    for (let next = this.#toDevice[0]; next && next.atMs <= untilMs; next = this.#toDevice[0]) {
      this.#toDevice.shift();
      for (const byte of next.bytes) {
        if (!this.#plugged) return;
        this.crossed(byte);
      }
    }
    this.scheduleFlush();
  }

  #discard(): void {
    this.out.take();
    this.#damaged = undefined;
  }

  #atTick(run: () => void): void {
    const { kernel } = this.car;
    kernel.at(nextTick(kernel.arrivalMs, this.#outTickMs), run);
  }

  #post(message: SimulatedLineMessage): void {
    if (!this.#detached) this.#port.postMessage(message);
  }
}

/** What arrives within one frame of the line crosses at its end. */
function nextTick(nowMs: number, tickMs: number): number {
  return (Math.floor(nowMs / tickMs + 1e-6) + 1) * tickMs;
}

type HostMessage =
  | { readonly type: 'bytes'; readonly bytes: Uint8Array }
  | { readonly type: 'open'; readonly line: LineSettings | undefined }
  | { readonly type: 'close' };

function parseHostMessage(data: unknown): HostMessage | undefined {
  if (!isRecord(data)) return undefined;
  switch (data.type) {
    case 'bytes': {
      const bytes = data.bytes;
      return bytes instanceof Uint8Array && bytes.length <= MAX_MESSAGE_BYTES ? { type: 'bytes', bytes } : undefined;
    }
    case 'open':
      return { type: 'open', line: parseLine(data.line) };
    case 'close':
      return { type: 'close' };
    default:
      return undefined;
  }
}

/** The rate of a line with eight data bits, no parity and one stop bit, which is all that these adapters speak. */
function parseLine(line: unknown): LineSettings | undefined {
  if (!isRecord(line)) return undefined;
  const { baudRate } = line;
  if (typeof baudRate !== 'number' || !Number.isInteger(baudRate)) return undefined;
  return baudRate > 0 && baudRate <= MAX_BAUD_RATE ? { baudRate } : undefined;
}
