import type { Clock } from '#base/clock.ts';
import { bounded, type CallOptions } from '#contract/call.ts';
import { abortError, StackError } from '#contract/errors.ts';
import type { ChannelEvent, DiagChannel, IsoTpOptions, ModuleId } from '#contract/isotp.ts';
import type { CloseReason } from '#contract/transport.ts';
import type { ChannelAddress } from './addressing.ts';

/** What a channel needs of its bus. */
export interface ChannelBus {
  readonly clock: Clock;
  readonly latencyMs: number;
  readonly longestSendBytes: number;
  /** Sends; settles as `DiagChannel.sendPdu` promises. */
  transmit(channel: StnChannel, pdu: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Nobody waits for answers on this channel any more. */
  release(channel: StnChannel): void;
  /** The channel is closed. */
  gone(channel: StnChannel): void;
}

/** Longest broadcast: one frame. */
const FUNCTIONAL_BYTES = 7;
const LONGEST_PDU_BYTES = 4095;

/** Whole messages to one ECU, or to all; the bus takes care of whose turn it is. */
export class StnChannel implements DiagChannel {
  readonly address: ChannelAddress;
  readonly options: IsoTpOptions;
  readonly moduleId: ModuleId;
  readonly functional: boolean;
  readonly closed: Promise<CloseReason>;
  readonly latencyMs: number;
  /** The last request was answered: a silence may then be a long answer on its way. */
  answersUsually = false;
  readonly #bus: ChannelBus;
  readonly #listeners = new Set<(event: ChannelEvent) => void>();
  readonly #ending = new AbortController();
  #settleClosed: (reason: CloseReason) => void = () => undefined;
  #reason: CloseReason | null = null;
  #isSending = false;

  constructor(bus: ChannelBus, address: ChannelAddress, options: IsoTpOptions) {
    this.#bus = bus;
    this.address = address;
    this.options = options;
    this.moduleId = address.moduleId;
    this.functional = address.functional;
    this.latencyMs = bus.latencyMs;
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
  }

  /** Longest message it sends. */
  get maxSendBytes(): number {
    if (this.functional) return Math.min(FUNCTIONAL_BYTES, this.address.singleBytes);
    return Math.min(this.#bus.longestSendBytes, this.options.maxSendBytes ?? LONGEST_PDU_BYTES);
  }

  /**
   * Resolves when an answer arrived (it proves that the request did), or when the device said nothing against it for as long as
   * it would have. `isotp/timeout-n-bs`, `isotp/refused-while-sending` and `isotp/message-too-long` prove that the ECU has not
   * got the whole message; every other error leaves it open.
   */
  sendPdu(pdu: Uint8Array, options: CallOptions = {}): Promise<void> {
    const { signal, timeoutMs } = options;
    const what = `sending to ${this.moduleId}`;
    if (timeoutMs === undefined) return this.#send(pdu, what, signal);
    return bounded(this.#bus.clock, what, timeoutMs, signal, (stop) => this.#send(pdu, what, stop));
  }

  onEvent(listener: (event: ChannelEvent) => void): () => void {
    // A wrapper of its own: the same function may listen twice, and each unsubscribes only itself.
    const entry = (event: ChannelEvent) => listener(event);
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
      if (this.#listeners.size === 0) this.#bus.release(this);
    };
  }

  async close(): Promise<void> {
    this.end({ kind: 'closed' });
  }

  /** Does it hear answers with this id? */
  hears(id: number, extendedId: boolean): boolean {
    const { from, to, needs } = this.address;
    return extendedId === needs.extendedId && id >= from && id <= to;
  }

  /** A message for it. A segmented one is told as begun and arrived at once: the device shows it when it is whole. */
  deliver(source: ModuleId, pdu: Uint8Array, atMs: number): void {
    const { maxReceiveBytes } = this.options;
    if (pdu.length > maxReceiveBytes) {
      const why = `an answer of ${pdu.length} bytes, ${maxReceiveBytes} are allowed`;
      this.fail(source, new StackError('isotp/overflow', why, { lengthBytes: pdu.length }), atMs);
      return;
    }
    if (pdu.length > this.address.singleBytes) this.begin(source, pdu.length, atMs);
    this.#emit({ type: 'message', source, pdu: pdu.slice(), atMs });
  }

  /** An answer began; of one that came damaged the length is what the device showed of it. */
  begin(source: ModuleId, lengthBytes: number, atMs: number): void {
    this.#emit({ type: 'started', source, lengthBytes, atMs });
  }

  fail(source: ModuleId, error: StackError, atMs: number): void {
    this.#emit({ type: 'failed', source, error, atMs });
  }

  end(reason: CloseReason): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#ending.abort(endError(reason, this.moduleId));
    this.#listeners.clear();
    this.#settleClosed(reason);
    this.#bus.gone(this);
  }

  async #send(pdu: Uint8Array, what: string, signal: AbortSignal | undefined): Promise<void> {
    if (this.#reason) throw endError(this.#reason, this.moduleId);
    if (signal?.aborted) throw abortError(signal, what);
    if (this.#isSending) throw new StackError('isotp/busy', `a message to ${this.moduleId} is still on its way`, {});
    this.#check(pdu);
    this.#isSending = true;
    try {
      const stop = signal ? AbortSignal.any([signal, this.#ending.signal]) : this.#ending.signal;
      await this.#bus.transmit(this, pdu.slice(), stop);
    } finally {
      this.#isSending = false;
    }
  }

  #check(pdu: Uint8Array): void {
    if (pdu.length === 0) throw new RangeError('an empty message cannot be sent');
    const maxBytes = this.maxSendBytes;
    if (pdu.length <= maxBytes) return;
    const why = `a message of ${pdu.length} bytes, ${maxBytes} are possible`;
    throw new StackError('isotp/message-too-long', why, { lengthBytes: pdu.length, maxBytes });
  }

  #emit(event: ChannelEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

export function endError(reason: CloseReason, what: string): StackError {
  return reason.kind === 'closed'
    ? new StackError('can/closed', `the channel to ${what} is closed`, {})
    : new StackError('transport/lost', `the adapter was lost: ${reason.detail}`, { reason: reason.detail });
}
