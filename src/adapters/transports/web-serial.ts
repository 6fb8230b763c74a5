import { type Clock, sleepUnlessAborted } from '#base/clock.ts';
import { bounded, type CallOptions } from '#contract/call.ts';
import { StackError } from '#contract/errors.ts';
import type {
  CloseReason,
  LineErrorListener,
  LineErrors,
  LineSettings,
  SerialTransport,
  UsbIdentity,
} from '#contract/transport.ts';
import { ChunkQueue, CLOSE_STEP_MS, endError } from './chunk-queue.ts';
import { LineErrorCounter, SOFT_ERROR_LIMIT, SOFT_ERROR_WINDOW_MS } from './line-error-counter.ts';
import { openError, reasonOf, softErrorOf, writeError } from './serial-errors.ts';

/** The platform's default of 255 bytes loses frames (reference: platform 2). */
const BUFFER_BYTES = 64 * 1024;
const OPEN_LIMIT_MS = 5000;

/** The part of `SerialPort` used here. */
export type SerialPortLike = Pick<SerialPort, 'open' | 'close' | 'readable' | 'writable' | 'setSignals' | 'getInfo'>;

/** One opening of the port: what a reconfiguration ends and starts anew. */
interface Session {
  readonly stop: AbortController;
  readonly reading: Promise<void>;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
}

/**
 * Opens a granted port (worker side; only the page can ask for the grant).
 * @throws StackError `transport/busy`, `transport/permission-lost`, `transport/unavailable`, `call/*`
 */
export async function openWebSerial(
  port: SerialPortLike,
  line: LineSettings,
  context: { readonly clock: Clock },
  options: CallOptions = {},
): Promise<SerialTransport> {
  await openPort(port, line, context.clock, options);
  return new WebSerialTransport(port, line, context.clock);
}

async function openPort(port: SerialPortLike, line: LineSettings, clock: Clock, options: CallOptions): Promise<void> {
  const { signal, timeoutMs = OPEN_LIMIT_MS } = options;
  await bounded(clock, 'open the serial port', timeoutMs, signal, async (ended) => {
    try {
      await port.open({ ...line, bufferSize: BUFFER_BYTES });
    } catch (error) {
      throw openError(error);
    }
    // it opened after nobody waited any more: let go of it, or it stays busy until the worker ends
    if (ended.aborted) await port.close();
  });
}

class WebSerialTransport implements SerialTransport {
  readonly kind = 'serial';
  readonly usb: UsbIdentity | undefined;
  readonly #port: SerialPortLike;
  readonly #clock: Clock;
  readonly #queue = new ChunkQueue();
  readonly #errors = new LineErrorCounter();
  #line: LineSettings;
  #session: Session | null;
  #closing: Promise<void> | null = null;

  constructor(port: SerialPortLike, line: LineSettings, clock: Clock) {
    const { usbVendorId, usbProductId } = port.getInfo();
    this.usb =
      usbVendorId === undefined || usbProductId === undefined
        ? undefined
        : { vendorId: usbVendorId, productId: usbProductId };
    this.#port = port;
    this.#clock = clock;
    this.#line = line;
    this.#session = this.#start();
  }

  get chunks(): SerialTransport['chunks'] {
    return this.#queue.chunks;
  }
  get closed(): Promise<CloseReason> {
    return this.#queue.closed;
  }
  get line(): LineSettings {
    return this.#line;
  }
  get lineErrors(): LineErrors {
    return this.#errors.counts;
  }

  onLineError(listener: LineErrorListener): () => void {
    return this.#errors.subscribe(listener);
  }

  forgiveLineErrors(on: boolean): void {
    this.#errors.forgive(on);
  }

  async write(bytes: Uint8Array, options: CallOptions = {}): Promise<void> {
    const { writer } = this.#open();
    const written = writer.write(bytes).catch((error: unknown) => {
      const translated = writeError(error);
      if (translated.code === 'transport/lost') this.#lost(reasonOf(error));
      throw this.#queue.reason ? endError(this.#queue.reason) : translated;
    });
    if (!options.signal && options.timeoutMs === undefined) return written; // the frame path: its own watchdog bounds it
    const { signal, timeoutMs = CLOSE_STEP_MS } = options;
    return bounded(this.#clock, 'write to the serial port', timeoutMs, signal, () => written);
  }

  async reconfigure(line: LineSettings, options: CallOptions = {}): Promise<void> {
    const session = this.#open();
    this.#session = null;
    if (!(await this.#stop(session))) {
      this.#queue.end({ kind: 'failed', detail: 'the port did not close to change its line settings' });
      throw closeTimeout();
    }
    try {
      await openPort(this.#port, line, this.#clock, options);
    } catch (error) {
      this.#queue.end({ kind: 'failed', detail: reasonOf(error) });
      throw error;
    }
    this.#line = line;
    this.#session = this.#start();
  }

  async setSignals(signals: { readonly dtr?: boolean; readonly rts?: boolean; readonly brk?: boolean }): Promise<void> {
    this.#open();
    const { dtr, rts, brk } = signals;
    const wanted: SerialOutputSignals = {
      ...(dtr === undefined ? {} : { dataTerminalReady: dtr }),
      ...(rts === undefined ? {} : { requestToSend: rts }),
      ...(brk === undefined ? {} : { break: brk }),
    };
    await bounded(this.#clock, 'set DTR, RTS or break', CLOSE_STEP_MS, undefined, async () => {
      try {
        await this.#port.setSignals(wanted);
      } catch (error) {
        throw writeError(error);
      }
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    if (!session || this.#queue.reason) return;
    if (await this.#stop(session)) {
      this.#queue.end({ kind: 'closed' });
      return;
    }
    this.#queue.end({ kind: 'failed', detail: `close did not settle in ${CLOSE_STEP_MS} ms: unplug the adapter` });
    throw closeTimeout();
  }

  #open(): Session {
    if (this.#queue.reason) throw endError(this.#queue.reason);
    if (!this.#session) throw new StackError('transport/closed', 'the serial port is closed', {});
    return this.#session;
  }

  #start(): Session {
    const writable = this.#port.writable;
    if (!writable) throw new StackError('transport/lost', 'the port opened without a stream', { reason: 'no stream' });
    const stop = new AbortController();
    return { stop, writer: writable.getWriter(), reading: this.#readForever(stop.signal) };
  }

  /** Reads until stopped, lost, or too noisy. Soft errors end only the stream at hand (reference: platform 2). */
  async #readForever(stop: AbortSignal): Promise<void> {
    for (let last: ReadableStream | null = null; !stop.aborted; ) {
      const stream: ReadableStream<Uint8Array> | null = this.#port.readable;
      if (!stream || stream === last) break; // null = lost or closed
      last = stream;
      const reader = stream.getReader();
      const cancel = () => void reader.cancel().catch(() => undefined); // rejects when the stream failed first: read() tells
      stop.addEventListener('abort', cancel, { once: true });
      try {
        for (;;) {
          const { value, done } = await reader.read();
          if (done) break;
          if (!this.#queue.push(value, this.#clock.now()) && !this.#soft('overruns')) return;
        }
      } catch (error) {
        const name = softErrorOf(error);
        if (!name) {
          if (!stop.aborted) this.#lost(reasonOf(error));
          return;
        }
        if (!this.#soft(name)) return;
      } finally {
        stop.removeEventListener('abort', cancel);
        reader.releaseLock();
      }
    }
    if (!stop.aborted) this.#lost('the port has no stream any more');
  }

  #soft(name: keyof LineErrors): boolean {
    if (this.#errors.count(name, this.#clock.now())) return true;
    const code = 'transport/line-errors';
    this.#fail({ kind: 'failed', detail: `${code}: ${SOFT_ERROR_LIMIT} in ${SOFT_ERROR_WINDOW_MS} ms, last ${name}` });
    return false;
  }

  #lost(detail: string): void {
    this.#fail({ kind: 'lost', detail });
  }

  /** The end we did not ask for: tell at once, then let go of the port object so that a later open can succeed. */
  #fail(reason: CloseReason): void {
    const session = this.#session;
    this.#session = null;
    this.#queue.end(reason);
    if (session) void this.#stop(session);
  }

  /** Reader, writer, port, each step capped. False when the port did not close. */
  async #stop(session: Session): Promise<boolean> {
    session.stop.abort();
    await this.#capped(session.reading);
    // close() drains what was written, a last `C` among it; abort() is for a device that takes nothing any more
    if (!(await this.#capped(session.writer.close()))) await this.#capped(session.writer.abort());
    session.writer.releaseLock();
    return this.#capped(this.#port.close());
  }

  /** True when the work ended in time, however it ended. */
  async #capped(work: Promise<unknown>): Promise<boolean> {
    const ended = new AbortController();
    const settled = work.then(
      () => true,
      () => true, // a stream that failed is closed as well
    );
    const limit = sleepUnlessAborted(this.#clock, CLOSE_STEP_MS, ended.signal).then(() => false);
    try {
      return await Promise.race([settled, limit]);
    } finally {
      ended.abort();
    }
  }
}

function closeTimeout(): StackError {
  const details = { timeoutMs: CLOSE_STEP_MS };
  return new StackError('transport/close-timeout', `the port did not close in ${CLOSE_STEP_MS} ms`, details);
}
