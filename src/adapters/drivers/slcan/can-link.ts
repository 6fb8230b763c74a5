import { sleepUnlessAborted } from '#base/clock.ts';
import { Mutex } from '#base/mutex.ts';
import type { CanConfig, CanFrame, CanLink, RxCanFrame, SendReceipt } from '#contract/adapter.ts';
import { bounded, type CallOptions } from '#contract/call.ts';
import { abortError, isStackError, StackError } from '#contract/errors.ts';
import type { CloseReason } from '#contract/transport.ts';
import { ACK_LIMIT_MS, type ChannelListener, DRAIN_MS, type SlcanDevice, TEXT_LIMIT_MS } from './device.ts';
import { checkFrames } from './encoder.ts';
import { type Firmware, familyOf, printable } from './firmware.ts';
import { readFlags } from './flags.ts';
import { TransmitPacer } from './pacer.ts';
import { SEND_LIMIT_MS, Transmitter } from './transmitter.ts';
import { worstWireBits } from './wire-bits.ts';

/** No frame at all for so long after a batch: ask the device how the bus is (fault T08). */
const SILENCE_MS = 100;
const LONGEST_DRAIN_MS = 1000;

export interface CanLinkOptions {
  readonly device: SlcanDevice;
  readonly firmware: Firmware;
  readonly config: CanConfig;
  readonly transitMs: number;
  /** Frames without acknowledgement, by the latency; the pacer bounds the queue. Only where the firmware acknowledges. */
  readonly windowFrames: number;
  /** Resynchronises and opens the channel again after the device reset itself. */
  reinitialise(signal: AbortSignal): Promise<void>;
  onClosed(): void;
}

/** Frames over an slcan channel: one batch after the other through the transmitter, and what the device says meanwhile. */
export class SlcanCanLink implements CanLink {
  readonly config: CanConfig;
  readonly closed: Promise<CloseReason>;
  readonly counters = { received: 0, sent: 0, busErrors: 0, dropped: 0 };
  readonly #options: CanLinkOptions;
  readonly #device: SlcanDevice;
  readonly #pacer: TransmitPacer;
  readonly #transmitter: Transmitter;
  readonly #mutex = new Mutex();
  /** Who holds the mutex or waits for it. */
  #inLine = 0;
  readonly #ended = new AbortController();
  readonly #frameListeners = new Set<(frame: RxCanFrame) => void>();
  readonly #errorListeners = new Set<(flags: string, atMs: number) => void>();
  #settleClosed: (reason: CloseReason) => void = () => undefined;
  #busFault: string | null = null;
  #watchingSilence = false;
  #reinitialising = false;
  #closing: Promise<void> | null = null;

  constructor(options: CanLinkOptions) {
    const { device, firmware, config, transitMs, windowFrames } = options;
    this.#options = options;
    this.config = config;
    this.#device = device;
    this.#pacer = new TransmitPacer({ bitRate: config.bitRate, queueFrames: firmware.queueFrames, transitMs });
    this.#transmitter = new Transmitter({
      clock: device.clock,
      pacer: this.#pacer,
      bitRate: config.bitRate,
      acknowledges: firmware.acknowledges,
      windowFrames,
      ended: this.#ended.signal,
      write: (bytes) => device.write(bytes),
    });
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    device.listener = this.#listener();
    void device.transport.closed.then((reason) => this.#end(reason));
  }

  onFrame(listener: (frame: RxCanFrame) => void): () => void {
    this.#frameListeners.add(listener);
    return () => this.#frameListeners.delete(listener);
  }

  onBusError(listener: (flags: string, atMs: number) => void): () => void {
    this.#errorListeners.add(listener);
    return () => this.#errorListeners.delete(listener);
  }

  /**
   * `acceptedAtMs` is the acknowledgement of the last frame, or, on firmware without any, the computed end of the last
   * frame on the wire: that may lie some milliseconds ahead of now, as `onWireByMs` may in both cases.
   */
  async send(frames: readonly CanFrame[], options: CallOptions = {}): Promise<SendReceipt> {
    this.#checkOpen();
    checkFrames(frames);
    const { signal, timeoutMs } = options;
    // Alone and without a limit of its own, a batch is bounded by the transmitter, which costs nothing.
    if (timeoutMs === undefined && this.#inLine === 0 && !signal?.aborted) return this.#inTurn(frames, signal);
    return bounded(this.#device.clock, 'send CAN frames', timeoutMs ?? SEND_LIMIT_MS, signal, (ended) =>
      this.#inTurn(frames, ended),
    );
  }

  async #inTurn(frames: readonly CanFrame[], signal: AbortSignal | undefined): Promise<SendReceipt> {
    return this.#exclusively(() => this.#sendBatch(frames, signal ?? this.#ended.signal));
  }

  /** One at a time talks to the device: a batch, or a question between batches. */
  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    this.#inLine++;
    try {
      return await this.#mutex.run(work);
    } finally {
      this.#inLine--;
    }
  }

  /** A question to the device between batches; the wait for its turn ends with the signal. */
  askBetween<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    this.#checkOpen();
    return this.#exclusively(() => {
      if (signal.aborted) throw abortError(signal, 'ask the adapter');
      this.#checkOpen();
      return work(signal);
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#transmitter.stop(closedError());
    await this.#exclusively(async () => {
      const { clock } = this.#device;
      const signal = this.#ended.signal;
      const leftMs = Math.min(LONGEST_DRAIN_MS, this.#pacer.lastEndMs + this.#pacer.transitMs - clock.now());
      if (leftMs > 0) await sleepUnlessAborted(clock, leftMs, signal); // `C` would throw away what is queued
      try {
        if (this.#options.firmware.acknowledges) await this.#device.exchange('C', 'ack', ACK_LIMIT_MS, signal);
        else await this.#device.post(['C'], signal);
      } catch (error) {
        if (!isStackError(error)) throw error; // a device that is gone is closed as well
      }
    });
    this.#end({ kind: 'closed' });
  }

  #end(reason: CloseReason): void {
    if (this.#ended.signal.aborted) return;
    this.#device.listener = null;
    const detail = reason.kind === 'closed' ? 'closed' : reason.detail;
    this.#transmitter.stop(
      reason.kind === 'lost'
        ? new StackError('transport/lost', `the adapter went away while sending: ${detail}`, { reason: detail })
        : closedError(),
    );
    this.#ended.abort();
    this.#settleClosed(reason);
    this.#options.onClosed();
  }

  #checkOpen(): void {
    if (this.#ended.signal.aborted || this.#closing) throw closedError();
  }

  // sending ------------------------------------------------------------------------------------------------------

  async #sendBatch(frames: readonly CanFrame[], signal: AbortSignal): Promise<SendReceipt> {
    if (signal.aborted) throw abortError(signal, 'send CAN frames');
    this.#checkOpen();
    if (this.#reinitialising) throw resetError(''); // was queued before the channel is open again
    if (this.#busFault) {
      await this.#recheckBus(signal);
      this.#checkOpen();
    }
    const onAbort = () => this.#transmitter.stop(abortError(signal, 'send CAN frames'));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const receipt = await this.#transmitter.transmit(frames);
      if (this.#options.firmware.acknowledges) this.#watchSilence();
      else this.counters.sent += frames.length;
      return receipt;
    } catch (error) {
      if (!isStackError(error, 'adapter/refused')) throw error;
      throw await bounded(this.#device.clock, 'send CAN frames', SEND_LIMIT_MS, signal, () =>
        this.#explainRefusal(error),
      );
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  // what the device says -----------------------------------------------------------------------------------------

  #listener(): ChannelListener {
    return {
      frame: (id, extended, data, atMs) => {
        this.counters.received++;
        this.#busFault = null; // nothing arrives through a bus that fails
        this.#pacer.foreignFrame(worstWireBits(extended, data.length), atMs);
        const frame: RxCanFrame = { id, extended, data, atMs };
        for (const listener of this.#frameListeners) listener(frame);
      },
      remoteFrame: () => {
        this.counters.received++;
      },
      answer: (kind, atMs) => this.#answer(kind, atMs),
      errorLine: (text, atMs) => this.#busError(text, atMs),
      stateLine: (text, state, atMs) => {
        const fault = state === 'p' || state === 'b';
        this.#busFault = fault ? text : null;
        if (fault) this.#busError(text, atMs);
        if (fault) this.#transmitter.stop(busError(text));
      },
      text: (line, atMs) => {
        if (familyOf(line) !== null || printable(line) === this.#options.firmware.text) this.#reset(line, atMs);
      },
      malformed: () => {
        this.counters.dropped++;
      },
      lineError: (name) => this.#bytesLost(name),
    };
  }

  #answer(kind: 'ack' | 'nak', atMs: number): void {
    const frame = this.#transmitter.answered(atMs);
    if (frame === 0) return; // nothing is outstanding: a leftover
    if (kind === 'ack') this.counters.sent++;
    else {
      const command = this.#transmitter.name(frame);
      this.#transmitter.stop(new StackError('adapter/refused', `the adapter refused ${command}`, { command }));
    }
    this.#transmitter.afterAnswer();
  }

  #busError(text: string, atMs: number): void {
    this.counters.busErrors++;
    for (const listener of this.#errorListeners) listener(text, atMs);
  }

  /** Lost bytes may have held acknowledgements: which frame the next one belongs to is not known (faults S08, S09). */
  #bytesLost(name: string): void {
    this.counters.dropped++;
    if (!this.#options.firmware.acknowledges || this.#transmitter.outstanding === 0) return;
    this.#transmitter.forgetOutstanding();
    const details = { name, count: 1, windowMs: 0 };
    this.#transmitter.stop(
      new StackError('transport/line-errors', `answers of the adapter were lost (${name})`, details),
    );
  }

  /**
   * The device started anew, its channel is closed (fault S13): what was under way fails, the channel is opened again
   * before anything else is sent.
   */
  #reset(banner: string, atMs: number): void {
    if (this.#reinitialising) return;
    this.#reinitialising = true;
    this.#transmitter.forgetOutstanding();
    this.#busError(`reset: ${printable(banner)}`, atMs);
    this.#transmitter.stop(resetError(banner));
    void this.#exclusively(async () => {
      try {
        await this.#options.reinitialise(this.#ended.signal);
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        this.#end({ kind: 'failed', detail: `the adapter reset itself and did not open again: ${detail}` });
      } finally {
        this.#reinitialising = false;
      }
    });
  }

  // is it the bus? (fault T08) -----------------------------------------------------------------------------------

  /** A refused frame is a full queue, a failing bus, or a channel that is closed because the device started anew. */
  async #explainRefusal(refused: StackError): Promise<StackError> {
    const signal = this.#ended.signal;
    if (signal.aborted) return refused;
    await sleepUnlessAborted(this.#device.clock, DRAIN_MS, signal); // the answers to the frames behind it
    this.#transmitter.forgetOutstanding();
    const state = await this.#askBus(signal);
    if (state === 'closed') {
      this.#reset('', this.#device.clock.now());
      return resetError('');
    }
    return this.#busFault ? busError(this.#busFault) : refused;
  }

  async #recheckBus(signal: AbortSignal): Promise<void> {
    await this.#askBus(signal);
    if (this.#busFault) throw busError(this.#busFault);
  }

  #watchSilence(): void {
    if (this.#watchingSilence) return;
    this.#watchingSilence = true;
    const { received } = this.counters;
    void (async () => {
      const slept = await sleepUnlessAborted(this.#device.clock, SILENCE_MS, this.#ended.signal);
      this.#watchingSilence = false;
      if (!slept || this.counters.received !== received) return;
      await this.#exclusively(async () => {
        if (!this.#ended.signal.aborted) await this.#askBus(this.#ended.signal);
      });
    })().catch(() => undefined); // a device that went away tells so by `closed`
  }

  /** Reads the status flags; only between batches. A closed channel refuses the command. */
  async #askBus(signal: AbortSignal): Promise<'told' | 'closed' | 'silent'> {
    const answer = await this.#device.exchange('F', 'flags', TEXT_LIMIT_MS, signal);
    if (answer.kind === 'nak') return 'closed';
    if (answer.kind !== 'flags') return 'silent';
    const { fault, lostFrames, text } = readFlags(answer.value);
    if (lostFrames) this.counters.dropped++;
    this.#busFault = fault ? text : null;
    if (fault) this.#busError(text, this.#device.clock.now());
    return 'told';
  }
}

function closedError(): StackError {
  return new StackError('can/closed', 'the CAN channel is closed', {});
}

function busError(flags: string): StackError {
  return new StackError('can/bus-error', `the bus does not work (${flags}): wiring, bit rate, or no other node`, {
    flags,
  });
}

function resetError(banner: string): StackError {
  return new StackError('adapter/reset', 'the adapter started anew', { banner: printable(banner) });
}
