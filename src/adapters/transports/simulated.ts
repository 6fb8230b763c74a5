import type { Clock } from '#base/clock.ts';
import { bounded, type CallOptions } from '#contract/call.ts';
import { isStackError, StackError } from '#contract/errors.ts';
import type {
  CloseReason,
  LineErrorListener,
  LineErrors,
  LineSettings,
  MessagePortLike,
  SerialTransport,
  SimulatedLineMessage,
  UsbIdentity,
} from '#contract/transport.ts';
import { ChunkQueue, CLOSE_STEP_MS, endError } from './chunk-queue.ts';
import { LineErrorCounter, SOFT_ERROR_LIMIT, SOFT_ERROR_WINDOW_MS } from './line-error-counter.ts';
import { lineSettings, parseFromSimulatedDevice } from './simulated-messages.ts';

const OPEN_LIMIT_MS = 2000;

/**
 * Opens the serial device at the other end of a message port: the virtual car. Behaves as Web Serial does: a write
 * resolves when the port took it, soft errors are counted, the third within a second ends the transport.
 * @throws StackError `call/timeout` when nobody answers, `transport/lost` when the device refuses, `call/aborted`
 */
export async function openSimulated(
  port: MessagePortLike,
  line: LineSettings,
  context: { readonly clock: Clock },
  options: CallOptions = {},
): Promise<SerialTransport> {
  const transport = new SimulatedTransport(port, line, context.clock);
  try {
    await transport.open(line, options);
    return transport;
  } catch (error) {
    transport.dispose();
    throw error;
  }
}

class SimulatedTransport implements SerialTransport {
  readonly kind = 'simulated';
  readonly #port: MessagePortLike;
  readonly #clock: Clock;
  readonly #queue = new ChunkQueue();
  readonly #errors = new LineErrorCounter();
  readonly #onMessage = (event: { readonly data: unknown }) => this.#receive(event.data);
  #usb: UsbIdentity | undefined;
  #line: LineSettings;
  #opened: (() => void) | null = null;
  #closing: Promise<void> | null = null;

  constructor(port: MessagePortLike, line: LineSettings, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
    this.#line = line;
    port.addEventListener('message', this.#onMessage);
    port.start?.();
  }

  get chunks(): SerialTransport['chunks'] {
    return this.#queue.chunks;
  }
  get closed(): Promise<CloseReason> {
    return this.#queue.closed;
  }
  get usb(): UsbIdentity | undefined {
    return this.#usb;
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

  async open(line: LineSettings, options: CallOptions): Promise<void> {
    const { signal, timeoutMs = OPEN_LIMIT_MS } = options;
    await bounded(this.#clock, 'open the simulated adapter', timeoutMs, signal, async () => {
      const answer = new Promise<void>((resolve) => {
        this.#opened = resolve;
      });
      this.#post({ type: 'open', line: lineSettings(line) });
      const ended = await Promise.race([answer, this.#queue.closed]);
      this.#opened = null;
      if (ended) throw endError(ended);
    });
    this.#line = line;
  }

  // async: a transport that ended rejects, it does not throw
  async write(bytes: Uint8Array): Promise<void> {
    this.#checkOpen();
    if (bytes.length > 0) this.#post({ type: 'bytes', bytes: bytes.slice() });
  }

  async reconfigure(line: LineSettings, options: CallOptions = {}): Promise<void> {
    this.#checkOpen();
    await this.open(line, options);
  }

  async setSignals(signals: { readonly dtr?: boolean; readonly rts?: boolean; readonly brk?: boolean }): Promise<void> {
    this.#checkOpen();
    this.#post({ type: 'signals', ...signals });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#queue.reason) return;
    this.#post({ type: 'close' });
    try {
      await bounded(this.#clock, 'close the simulated adapter', CLOSE_STEP_MS, undefined, () => this.#queue.closed);
    } catch (error) {
      if (!isStackError(error, 'call/timeout')) throw error;
      this.#end({ kind: 'failed', detail: `close did not settle in ${CLOSE_STEP_MS} ms` });
      const details = { timeoutMs: CLOSE_STEP_MS };
      throw new StackError('transport/close-timeout', `the port did not close in ${CLOSE_STEP_MS} ms`, details, {
        cause: error,
      });
    }
  }

  dispose(): void {
    this.#end({ kind: 'closed' });
  }

  #checkOpen(): void {
    if (this.#queue.reason) throw endError(this.#queue.reason);
    if (this.#closing) throw new StackError('transport/closed', 'the transport is closing', {});
  }

  #receive(data: unknown): void {
    const message = parseFromSimulatedDevice(data);
    const atMs = this.#clock.now();
    switch (message?.type) {
      case undefined:
        this.#soft('unknown', atMs);
        break;
      case 'opened':
        this.#usb = message.usb;
        this.#opened?.();
        break;
      case 'bytes':
        if (!this.#queue.push(message.bytes, atMs)) this.#soft('overruns', atMs);
        break;
      case 'line-error':
        this.#soft(message.name, atMs);
        break;
      case 'closed':
        this.#end(message.reason);
        break;
    }
  }

  #soft(name: keyof LineErrors, atMs: number): void {
    if (this.#errors.count(name, atMs)) return;
    const detail = `transport/line-errors: ${SOFT_ERROR_LIMIT} in ${SOFT_ERROR_WINDOW_MS} ms, last ${name}`;
    this.#end({ kind: 'failed', detail });
  }

  #end(reason: CloseReason): void {
    if (this.#queue.reason) return;
    this.#port.removeEventListener('message', this.#onMessage);
    if (reason.kind !== 'lost') this.#port.close();
    this.#queue.end(reason);
  }

  #post(message: SimulatedLineMessage): void {
    this.#port.postMessage(message);
  }
}
