import type { SerialLike } from '#adapters/transports/web-serial-ports.ts';
import type { UsbIdentity } from '#contract/transport.ts';

export type SoftErrorName = 'BreakError' | 'FramingError' | 'ParityError' | 'BufferOverrunError' | 'UnknownError';
/** How sent bytes reach the reader: one chunk per send, one chunk per byte, or all of one turn in one chunk. */
export type Delivery = 'as-sent' | 'one-byte' | 'coalesced';

/**
 * A serial port as Chromium's behaves (measured; reference: web-serial-testing): a soft error ends only the stream at
 * hand and `readable` then holds a fresh one; a loss makes `readable` null, lets the first write after it resolve and
 * rejects the next; `close()` needs unlocked streams; `open()` of a lost object rejects.
 */
export class FakeSerialPort extends EventTarget {
  readonly usb: UsbIdentity;
  /** Fault S17: `close()` never settles. */
  closeHangs = false;
  /** Fault S02: `open()` fails so often with NetworkError (a predecessor's worker, another program). */
  busyOpens = 0;
  delivery: Delivery = 'as-sent';
  /** Fault S16: writes resolve and nothing arrives. */
  swallowsWrites = false;
  /** The device takes nothing: writes never settle. */
  writesHang = false;
  readonly opens: SerialOptions[] = [];
  readonly signals: SerialOutputSignals[] = [];
  #onWrite: (bytes: Uint8Array) => void = () => undefined;
  #state: 'closed' | 'open' | 'lost' = 'closed';
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | null = null;
  #writable: WritableStream<Uint8Array<ArrayBufferLike>> | null = null;
  #source: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | null = null;
  #writesAfterLoss = 0;
  #batch: number[] | null = null;

  constructor(usb: UsbIdentity) {
    super();
    this.usb = usb;
  }

  // the platform's side ------------------------------------------------------------------------------------------
  getInfo(): SerialPortInfo {
    return { usbVendorId: this.usb.vendorId, usbProductId: this.usb.productId };
  }

  async open(options: SerialOptions): Promise<void> {
    if (this.#state === 'lost') throw new DOMException('Failed to open serial port.', 'NetworkError');
    if (this.#state === 'open') throw new DOMException('The port is already open.', 'InvalidStateError');
    if (this.busyOpens > 0) {
      this.busyOpens--;
      throw new DOMException('Failed to open serial port.', 'NetworkError');
    }
    this.opens.push(options);
    this.#state = 'open';
    this.#writable = this.#newWritable();
  }

  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    if (this.#state !== 'open') return null;
    this.#readable ??= new ReadableStream({
      start: (controller) => {
        this.#source = controller;
      },
      cancel: () => {
        this.#source = null;
        this.#readable = null;
      },
    });
    return this.#readable;
  }

  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> | null {
    return this.#writable;
  }

  async setSignals(signals: SerialOutputSignals = {}): Promise<void> {
    if (this.#state !== 'open') throw new DOMException('Failed to set signals.', 'NetworkError');
    this.signals.push(signals);
  }

  async close(): Promise<void> {
    if (this.#readable?.locked || this.#writable?.locked)
      throw new TypeError('Cannot close a port with locked streams');
    if (this.closeHangs) return new Promise(() => undefined);
    if (this.#state === 'open') this.#state = 'closed';
    this.#readable = null;
    this.#writable = null;
  }

  #newWritable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    return new WritableStream({
      write: (bytes) => {
        if (this.writesHang) return new Promise(() => undefined);
        if (this.#state === 'lost' && this.#writesAfterLoss++ > 0)
          throw new DOMException('The device has been lost.', 'NetworkError');
        if (this.#state === 'open' && !this.swallowsWrites) this.#onWrite(bytes.slice());
        return undefined;
      },
    });
  }

  // the device's side --------------------------------------------------------------------------------------------
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  onWrite(listener: (bytes: Uint8Array) => void): void {
    this.#onWrite = listener;
  }

  send(bytes: Uint8Array): void {
    if (this.delivery !== 'coalesced') {
      this.#enqueue(bytes);
      return;
    }
    if (this.#batch) {
      this.#batch.push(...bytes);
      return;
    }
    this.#batch = [...bytes];
    queueMicrotask(() => {
      const batch = this.#batch ?? [];
      this.#batch = null;
      this.#enqueue(Uint8Array.from(batch));
    });
  }

  #enqueue(bytes: Uint8Array): void {
    if (!this.readable) return;
    if (this.delivery === 'one-byte') for (const byte of bytes) this.#source?.enqueue(Uint8Array.of(byte));
    else this.#source?.enqueue(Uint8Array.from(bytes));
  }

  softError(name: SoftErrorName): void {
    if (!this.readable) return;
    this.#source?.error(new DOMException('A line error.', name));
    this.#source = null;
    this.#readable = null;
  }

  /** Fault S03, S04: the cable is pulled. */
  unplug(): void {
    if (this.#state !== 'open') {
      this.#state = 'lost';
      return;
    }
    this.#state = 'lost';
    this.#source?.error(new DOMException('The device has been lost.', 'NetworkError'));
    this.#source = null;
    this.#readable = null;
  }
}

/** `navigator.serial` with hot-plug: what is granted, and the events. */
export class FakeSerial extends EventTarget implements SerialLike<FakeSerialPort> {
  #granted: FakeSerialPort[] = [];

  async getPorts(): Promise<FakeSerialPort[]> {
    return [...this.#granted];
  }

  plugIn(usb: UsbIdentity): FakeSerialPort {
    const port = new FakeSerialPort(usb);
    this.#granted.push(port);
    this.#tell('connect', port);
    return port;
  }

  unplug(port: FakeSerialPort): void {
    this.#granted = this.#granted.filter((other) => other !== port);
    port.unplug();
    this.#tell('disconnect', port);
  }

  /** Fault S05: the same adapter again is a new port object. */
  replug(port: FakeSerialPort): FakeSerialPort {
    this.unplug(port);
    return this.plugIn(port.usb);
  }

  #tell(type: 'connect' | 'disconnect', port: FakeSerialPort): void {
    const event = new Event(type);
    Object.defineProperty(event, 'target', { value: port }); // events bubble from the port to navigator.serial
    this.dispatchEvent(event);
  }
}
