import type { SlcanFirmware } from '#contract/simulator-control.ts';
import type {
  CloseReason,
  LineErrors,
  MessagePortLike,
  SimulatedLineMessage,
  UsbIdentity,
} from '#contract/transport.ts';
import type { VirtualCar } from '#simulator/car.ts';
import { isRecord } from '#simulator/car-state.ts';
import { SlcanController, type SlcanCounters } from './controller.ts';
import { FIRMWARES } from './firmware.ts';
import { ByteQueue } from './text.ts';

export interface SlcanOptions {
  /** Default `canable-v2`. */
  readonly firmware?: SlcanFirmware;
  /** Bytes of the device reach the host at multiples of this (ms): 1 for USB CDC, 16 behind an FTDI chip. Default 1. */
  readonly tickMs?: number;
  /** Bytes of the host reach the device at multiples of this (ms). FTDI does not hold these back. Default 1. */
  readonly outTickMs?: number;
  /** Other than the firmware's own queue. */
  readonly queueFrames?: number;
  readonly usb?: UsbIdentity;
  /** Default true. */
  readonly plugged?: boolean;
  /** The device was plugged, pulled, opened or closed. */
  readonly onChange?: () => void;
}

export interface SlcanDevice {
  readonly model: SlcanFirmware;
  readonly counters: Readonly<SlcanCounters>;
  readonly queueFrames: number;
  readonly plugged: boolean;
  /** The host has the serial line open. */
  readonly lineOpen: boolean;
  /** The CAN channel is open (command O). */
  readonly channelOpen: boolean;
  /** Pulls the cable: the line is lost, the device forgets everything. */
  unplug(detail?: string): void;
  plug(): void;
  /** Pulls the cable when `bytes` more have reached the device; the last of them still does. */
  unplugAtByte(bytes: number): void;
  /** Reports a soft error of the line; what was on its way to the host is lost, as with a real one. */
  lineError(name: keyof LineErrors): void;
  /** Takes the device off the bus and closes the port. */
  detach(): void;
}

/** Bytes of the host, and the end of the USB frame in which they cross. */
interface Crossing {
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/** More in one message is no serial line. */
const MAX_MESSAGE_BYTES = 1 << 20;

/** An slcan adapter between the car's bus and a MessagePort that carries `SimulatedLineMessage`. */
export function attachSlcanDevice(car: VirtualCar, port: MessagePortLike, options: SlcanOptions = {}): SlcanDevice {
  return new SlcanLine(car, port, options);
}

class SlcanLine implements SlcanDevice {
  readonly model: SlcanFirmware;
  readonly queueFrames: number;
  readonly #car: VirtualCar;
  readonly #port: MessagePortLike;
  readonly #controller: SlcanController;
  readonly #out = new ByteQueue();
  readonly #inTickMs: number;
  readonly #outTickMs: number;
  readonly #usb: UsbIdentity;
  readonly #onChange: () => void;
  readonly #listener = (event: { readonly data: unknown }) => this.#fromHost(event.data);
  readonly #unlisten: () => void;
  #toDevice: Crossing[] = [];
  #flushSet = false;
  #plugged: boolean;
  #lineOpen = false;
  #detached = false;
  #bytesLeft = Number.POSITIVE_INFINITY;

  constructor(car: VirtualCar, port: MessagePortLike, options: SlcanOptions) {
    this.model = options.firmware ?? 'canable-v2';
    const firmware = FIRMWARES[this.model];
    this.#car = car;
    this.#port = port;
    this.#inTickMs = options.tickMs ?? 1;
    this.#outTickMs = options.outTickMs ?? 1;
    this.#usb = options.usb ?? firmware.usb;
    this.#plugged = options.plugged ?? true;
    this.#onChange = options.onChange ?? (() => undefined);
    this.queueFrames = options.queueFrames ?? firmware.queueFrames;
    this.#controller = new SlcanController(car.kernel, car.bus, firmware, this.queueFrames, this.#out, () =>
      this.#scheduleFlush(),
    );
    this.#unlisten = car.onEvent((event) => {
      if (event.type === 'unplug') this.unplug();
      else if (event.type === 'line-error') this.lineError(event.name);
    });
    port.addEventListener('message', this.#listener);
    port.start?.();
  }

  get counters(): Readonly<SlcanCounters> {
    return this.#controller.counters;
  }
  get plugged(): boolean {
    return this.#plugged;
  }
  get lineOpen(): boolean {
    return this.#lineOpen;
  }
  get channelOpen(): boolean {
    return this.#controller.channelOpen;
  }

  unplug(detail = 'The device has been lost.'): void {
    if (!this.#plugged || this.#detached) return;
    this.#plugged = false;
    this.#bytesLeft = Number.POSITIVE_INFINITY;
    this.#toDevice = [];
    this.#out.take();
    this.#controller.reset();
    if (this.#lineOpen) this.#endLine({ kind: 'lost', detail });
    this.#onChange();
  }

  plug(): void {
    if (this.#plugged || this.#detached) return;
    this.#plugged = true;
    this.#onChange();
  }

  unplugAtByte(bytes: number): void {
    this.#bytesLeft = bytes;
  }

  lineError(name: keyof LineErrors): void {
    if (!this.#lineOpen) return;
    this.#out.take();
    this.#post({ type: 'line-error', name });
  }

  detach(): void {
    if (this.#detached) return;
    this.unplug('The adapter was given to another session.');
    this.#detached = true;
    this.#controller.detach();
    this.#unlisten();
    this.#port.removeEventListener('message', this.#listener);
    this.#port.close();
  }

  #fromHost(data: unknown): void {
    const message = parseHostMessage(data);
    if (!message || this.#detached) return;
    if (message.type === 'bytes') {
      if (!this.#plugged || !this.#lineOpen) return;
      this.#cross(message.bytes);
    } else if (message.type === 'open') {
      this.#atTick(() => this.#openLine());
    } else if (message.type === 'close') {
      this.#atTick(() => {
        if (this.#lineOpen) this.#endLine({ kind: 'closed' });
      });
    }
  }

  #openLine(): void {
    if (!this.#plugged) {
      this.#post({ type: 'closed', reason: { kind: 'lost', detail: 'The device is not plugged in.' } });
      return;
    }
    this.#lineOpen = true;
    this.#out.take(); // what it said before nobody was listening
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
    const { kernel } = this.#car;
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
        this.#controller.feed(byte);
        if (--this.#bytesLeft <= 0) this.unplug();
      }
    }
    this.#scheduleFlush();
  }

  #scheduleFlush(): void {
    if (this.#flushSet || this.#out.length === 0) return;
    this.#flushSet = true;
    const { kernel } = this.#car;
    kernel.at(nextTick(kernel.nowMs, this.#inTickMs), () => {
      this.#flushSet = false;
      if (this.#out.length === 0) return;
      const bytes = this.#out.take();
      if (this.#lineOpen) this.#post({ type: 'bytes', bytes });
    });
  }

  #atTick(run: () => void): void {
    const { kernel } = this.#car;
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

function parseHostMessage(data: unknown): SimulatedLineMessage | undefined {
  if (!isRecord(data)) return undefined;
  switch (data.type) {
    case 'bytes': {
      const bytes = data.bytes;
      return bytes instanceof Uint8Array && bytes.length <= MAX_MESSAGE_BYTES ? { type: 'bytes', bytes } : undefined;
    }
    case 'open':
      return { type: 'open', line: { baudRate: 115_200 } }; // USB: the rate changes nothing
    case 'close':
      return { type: 'close' };
    default:
      return undefined;
  }
}
