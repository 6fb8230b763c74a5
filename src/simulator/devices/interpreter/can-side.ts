import type { BusFrame, BusPort, CanBus } from '#simulator/can-bus.ts';
import type { CanFrame } from '#simulator/frame-bits.ts';
import type { Kernel } from '#simulator/kernel.ts';
import type { Protocol } from './protocols.ts';

/** So long a frame that nobody acknowledges is tried, until the chip gives up with `CAN ERROR`. */
const TRY_MS = 100;
/** Error passive (ISO 11898-1, 12.1): as far as missing acknowledgements bring the transmit error counter. */
const ERROR_PASSIVE = 0x80;
/** Nodes within this of each other's bit rate understand each other. */
const SAME_RATE = 0.015;

export interface InterpreterCounters {
  framesToBus: number;
  framesFromBus: number;
  /** Frames that the host never heard of because the UART was too slow. */
  dropped: number;
}

export interface SendOutcome {
  sent(endMs: number): void;
  /** Nobody acknowledged: another bit rate, other wires, everybody asleep. */
  failed(): void;
}

/** The chip's CAN controller on the bus of the car. */
export class CanSide {
  readonly counters: InterpreterCounters = { framesToBus: 0, framesFromBus: 0, dropped: 0 };
  readonly #kernel: Kernel;
  readonly #bus: CanBus;
  readonly #port: BusPort;
  readonly #untap: () => void;
  #protocol: Protocol | undefined;
  #silent = false;
  #transmitErrors = 0;
  /** Grows when what waits is called off. */
  #era = 0;

  constructor(kernel: Kernel, bus: CanBus, receive: (event: BusFrame) => void) {
    this.#kernel = kernel;
    this.#bus = bus;
    this.#port = bus.attach(() => this.#isOnBus && !this.#silent);
    this.#untap = bus.tap((event) => {
      if (event.from === this.#port || !this.#isOnBus) return;
      this.counters.framesFromBus++;
      receive(event);
    });
  }

  /** A protocol is in use: the chip takes part on the bus. */
  get isOpen(): boolean {
    return this.#protocol !== undefined;
  }

  get transmitErrors(): number {
    return this.#transmitErrors;
  }

  /** Takes part with this protocol; listening only, it acknowledges nothing. */
  open(protocol: Protocol, isSilent = false): void {
    this.#protocol = protocol;
    this.#silent = isSilent;
    this.#bus.wake();
  }

  close(): void {
    this.callOff();
    this.#protocol = undefined;
    this.#silent = false;
  }

  /** Exactly one of the outcomes follows, unless the frame is called off. */
  send(frame: CanFrame, outcome: SendOutcome): void {
    const era = this.#era;
    let isSent = false;
    this.#port.send(frame, (endMs) => {
      isSent = true;
      this.counters.framesToBus++;
      this.#transmitErrors = Math.max(0, this.#transmitErrors - 1);
      if (era === this.#era) outcome.sent(endMs);
    });
    this.#kernel.after(TRY_MS, () => {
      if (isSent || era !== this.#era) return;
      this.callOff();
      this.#transmitErrors = ERROR_PASSIVE;
      outcome.failed();
    });
  }

  /** What has not left stays here; nobody is told. */
  callOff(): void {
    this.#era++;
    this.#port.clear();
  }

  detach(): void {
    this.close();
    this.#untap();
    this.#port.detach();
  }

  get #isOnBus(): boolean {
    const { wires, bitRate } = this.#protocol ?? {};
    return wires === 'hs-can' && bitRate !== undefined && Math.abs(bitRate / this.#bus.bitRate - 1) < SAME_RATE;
  }
}
