import type { CanFrame } from '#contract/adapter.ts';
import { bounded, type CallOptions } from '#contract/call.ts';
import { abortError, isStackError, StackError } from '#contract/errors.ts';
import {
  type ChannelEvent,
  type DiagChannel,
  type IsoTpAddress,
  type IsoTpOptions,
  type ModuleId,
  moduleIdOf,
} from '#contract/isotp.ts';
import type { CloseReason } from '#contract/transport.ts';
import { type IsoTpActions, type IsoTpEngine, IsoTpMachine } from '#link/isotp/machine.ts';
import { isFunctional, responders, type Target, targetOf } from './addressing.ts';
import { answerKind, P2_MS, P2_STAR_MS, PENDING_LIMIT_MS } from './answers.ts';
import type { ChannelHost, Job } from './channel-host.ts';
import { EngineTimer } from './engine-timer.ts';
import { stMinMs, withoutStMin } from './flow-control.ts';

interface PendingSend {
  readonly pdu: Uint8Array;
  readonly stop: AbortController;
  begun: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** Functional answers come from all over the bus: this long the chip listens before the first flow control goes out. */
const COLLECT_MS = 150;
/**
 * N_As of the machine is for a device that confirms a block at once; here each frame is a command with a limit of its own
 * (`adapter/no-answer`), so the machine's must never end a slow block.
 */
const N_AS_OF_A_BLOCK_MS = 300_000;
const MAX_RESPONDERS = 256;

/** Whole messages to one ECU, or to all with a functional address, by turns on the one interpreter. */
export class ElmChannel implements DiagChannel {
  readonly moduleId: ModuleId;
  readonly functional: boolean;
  readonly closed: Promise<CloseReason>;
  readonly latencyMs: number;
  readonly address: IsoTpAddress;
  readonly target: Target;
  readonly options: IsoTpOptions;
  readonly #host: ChannelHost;
  readonly #range: { readonly from: number; readonly to: number };
  readonly #listeners = new Set<(event: ChannelEvent) => void>();
  readonly #responders = new Map<number, IsoTpEngine>();
  #sender: IsoTpEngine;
  #settleClosed: (reason: CloseReason) => void = () => undefined;
  #reason: CloseReason | null = null;
  #pending: PendingSend | null = null;
  #jobs = new Set<Job>();
  /** Until when an answer to the last request is waited for. */
  #expectUntilMs = Number.NEGATIVE_INFINITY;
  #requestSid: number | null = null;
  /** The ECU said that it works on the last request; its answer is due until then. */
  #pendingUntilMs = Number.NEGATIVE_INFINITY;
  #stMinMs = 0;
  /** The running reception was begun by the chip's flow control. */
  #chipReceives = false;
  readonly #timer: EngineTimer;

  /** @throws RangeError for an address that no frame can carry */
  constructor(address: IsoTpAddress, options: IsoTpOptions, host: ChannelHost) {
    this.address = address;
    this.functional = isFunctional(address, options);
    this.latencyMs = host.latencyMs;
    this.#host = host;
    const { receive, latencyMs, longestSendBytes } = host;
    this.options = {
      ...options,
      blockSize: receive.blockSize,
      stMin: Math.max(options.stMin, receive.stMin),
      nAsMs: N_AS_OF_A_BLOCK_MS,
      nBsMs: options.nBsMs + latencyMs,
      nCrMs: options.nCrMs + latencyMs,
      maxSendBytes: Math.min(options.maxSendBytes ?? longestSendBytes, longestSendBytes),
    };
    this.#sender = this.#engine(address);
    this.#timer = new EngineTimer(
      host.clock,
      () => [this.#sender, ...this.#responders.values()],
      () => host.changed(),
    );
    this.moduleId = moduleIdOf(address);
    this.target = targetOf(address, options);
    this.#range = responders(address, options);
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
  }

  get isClosed(): boolean {
    return this.#reason !== null;
  }

  /** A message waits for its turn. */
  get hasMessage(): boolean {
    return this.#pending !== null && !this.#pending.begun;
  }

  /** … and no answer that is still coming in keeps it. */
  get isReady(): boolean {
    return this.hasMessage && !this.#receives;
  }

  /** Nobody else should get the device before: −Infinity when nothing is expected. */
  get holdUntilMs(): number {
    const busy = this.#pending?.begun === true || this.#jobs.size > 0 || this.#receives;
    return busy ? Number.POSITIVE_INFINITY : this.#expectUntilMs;
  }

  /** Its ECU still owes an answer: it must be heard in the turns of others, too. */
  get awaitsAnswer(): boolean {
    return Math.max(this.#pendingUntilMs, this.holdUntilMs) > this.#host.clock.now();
  }

  get #receives(): boolean {
    return [this.#sender, ...this.#responders.values()].some((engine) => engine.sendMustWait);
  }

  sendPdu(pdu: Uint8Array, options: CallOptions = {}): Promise<void> {
    const { signal, timeoutMs } = options;
    if (timeoutMs === undefined) return this.#send(pdu, signal);
    const what = `sending to ${this.moduleId}`;
    return bounded(this.#host.clock, what, timeoutMs, signal, (stop) => this.#send(pdu, stop));
  }

  onEvent(listener: (event: ChannelEvent) => void): () => void {
    const entry = (event: ChannelEvent) => listener(event);
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  async close(): Promise<void> {
    this.end({ kind: 'closed' });
  }

  /** Would this channel answer a first frame of that responder? */
  covers(responseId: number, responseByte: number | null): boolean {
    if (responseByte !== this.target.responseByte) return false;
    return responseId >= this.#range.from && responseId <= this.#range.to;
  }

  /** The device is ours: the waiting message begins, unless an answer is still coming in. */
  begin(): void {
    const pending = this.#pending;
    if (!pending || !this.isReady) return;
    pending.begun = true;
    this.#pendingUntilMs = Number.NEGATIVE_INFINITY;
    this.#requestSid = pending.pdu[0] ?? null;
    this.#stMinMs = 0;
    this.#sender.send(pending.pdu, this.#host.clock.now());
    this.#timer.look();
  }

  /** A frame from the bus; those of others are ignored. */
  hear(frame: CanFrame, atMs: number): void {
    if (this.#reason || frame.extended !== this.target.extended || !this.covers(frame.id, this.#addressByte(frame)))
      return;
    if (this.functional) this.#responder(frame.id)?.onFrame(frame, atMs);
    else this.#hearPhysical(frame, atMs);
    this.#timer.look();
  }

  /** A message that the device put together itself. */
  hearMessage(pdu: Uint8Array, atMs: number): void {
    this.#emit({ type: 'message', source: this.moduleId, pdu, atMs });
  }

  /** The last frame of the job surely is on its way. */
  confirm({ engine, token, cancelled }: Job): void {
    if (cancelled) return;
    const now = this.#host.clock.now();
    if (this.#pending?.begun) this.#expectUntilMs = now + P2_MS + this.latencyMs;
    engine.confirmed(token, now, now);
    this.#timer.look();
  }

  /** The job failed; it is unknown which of its frames left. */
  refuse({ engine, token, cancelled }: Job, error: StackError): void {
    if (cancelled) return;
    engine.refused(token, error, this.#host.clock.now());
    this.#timer.look();
  }

  done(job: Job): void {
    this.#jobs.delete(job);
  }

  /**
   * The device failed: what is under way is over. A message that waits for another turn than the failed one (`turn` = the
   * signal it was requested with) stays.
   */
  fail(error: StackError, turn?: AbortSignal): void {
    const expected = this.holdUntilMs > this.#host.clock.now();
    this.#expectUntilMs = Number.NEGATIVE_INFINITY;
    if (this.#chipReceives && isStackError(error, 'adapter/buffer-full')) this.#host.chipFlowControlFailed();
    const sending = this.#pending !== null && (this.#pending.begun || this.#pending.stop.signal === turn);
    this.#forget();
    if (sending) this.#settle(error);
    if (!sending && expected)
      this.#emit({ type: 'failed', source: this.moduleId, error, atMs: this.#host.clock.now() });
  }

  end(reason: CloseReason): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#forget();
    this.#settle(endError(reason, this.moduleId));
    this.#expectUntilMs = Number.NEGATIVE_INFINITY;
    this.#timer.stop();
    this.#settleClosed(reason);
    this.#listeners.clear();
    this.#host.closed(this);
  }

  async #send(pdu: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const what = `sending to ${this.moduleId}`;
    if (this.#reason) throw endError(this.#reason, this.moduleId);
    if (signal?.aborted) throw abortError(signal, what);
    if (this.#pending) throw new StackError('isotp/busy', `a message to ${this.moduleId} is still on its way`, {});
    this.#check(pdu);
    this.#expectUntilMs = Number.NEGATIVE_INFINITY; // whoever asks again waits for nothing older
    const onAbort = () => {
      if (!signal) return;
      this.#sender.cancelSend();
      this.#dropJobs();
      this.#settle(abortError(signal, what));
      this.#host.changed();
    };
    try {
      await new Promise<void>((resolve, reject) => {
        const stop = new AbortController();
        this.#pending = { pdu, stop, begun: false, resolve, reject };
        signal?.addEventListener('abort', onAbort, { once: true });
        this.#host.requestTurn(this, stop.signal);
        this.#host.changed();
      });
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #check(pdu: Uint8Array): void {
    this.#sender.check(pdu);
    const single = this.target.hasAddressByte ? 6 : 7;
    const longest = this.options.maxSendBytes ?? single;
    const maxBytes = this.functional || longest <= 7 ? Math.min(single, longest) : longest;
    if (pdu.length <= maxBytes) return;
    throw new StackError(
      'isotp/message-too-long',
      `message of ${pdu.length} bytes to ${this.moduleId}: at most ${maxBytes} can be sent`,
      { lengthBytes: pdu.length, maxBytes },
    );
  }

  /**
   * STmin is kept where the frames leave one by one, in the turn: the machine gets the flow control without it and hands
   * over a whole block.
   */
  #hearPhysical(frame: CanFrame, atMs: number): void {
    const at = this.target.hasAddressByte ? 1 : 0;
    const type = (frame.data[at] ?? 0xf0) >> 4;
    if (type === 1) this.#chipReceives = this.#host.chipAnswers(this);
    if (type !== 3) {
      this.#sender.onFrame(frame, atMs);
      return;
    }
    this.#stMinMs = stMinMs(frame.data[at + 2] ?? 0);
    this.#sender.onFrame(withoutStMin(frame, at), atMs);
  }

  #engine(address: IsoTpAddress): IsoTpEngine {
    const actions: IsoTpActions = {
      handOver: (frames, token) => this.#enqueue(engine, frames, token, 0),
      answer: (frames, token) => this.#answer(engine, address, frames, token),
      started: (source, lengthBytes, atMs) => this.#emit({ type: 'started', source, lengthBytes, atMs }),
      deliver: (source, pdu, atMs) => this.#deliver(source, pdu, atMs),
      receptionFailed: (source, error, atMs) => this.#receptionFailed(source, error, atMs),
      sent: () => this.#settle(null),
      sendFailed: (error) => this.#settle(error),
    };
    const engine = new IsoTpMachine(address, this.options, null, actions);
    return engine;
  }

  #enqueue(engine: IsoTpEngine, frames: readonly CanFrame[], token: number, delayMs: number): void {
    const dueMs = this.#host.clock.now() + delayMs;
    const job: Job = { channel: this, engine, token, frames, stMinMs: this.#stMinMs, dueMs, cancelled: false };
    this.#jobs.add(job);
    this.#host.enqueue(job);
  }

  /** Our flow control: the chip's, another channel's, or a job. */
  #answer(engine: IsoTpEngine, address: IsoTpAddress, frames: readonly CanFrame[], token: number): void {
    const { responseId, responseByte } = targetOf(address, this.options);
    if (this.#chipReceives || !this.#host.ownsFlowControl(this, responseId, responseByte)) {
      const now = this.#host.clock.now();
      engine.confirmed(token, now, now);
      return;
    }
    this.#enqueue(engine, frames, token, this.functional ? COLLECT_MS : 0);
  }

  #deliver(source: ModuleId, pdu: Uint8Array, atMs: number): void {
    this.#chipReceives = false;
    if (!this.functional && this.#requestSid !== null) {
      const kind = answerKind(pdu, this.#requestSid);
      const now = this.#host.clock.now();
      if (kind === 'pending') {
        this.#expectUntilMs = now + P2_STAR_MS + this.latencyMs;
        this.#pendingUntilMs = now + PENDING_LIMIT_MS;
      } else if (kind === 'final') {
        this.#expectUntilMs = Number.NEGATIVE_INFINITY;
        this.#pendingUntilMs = Number.NEGATIVE_INFINITY;
      }
    }
    this.#emit({ type: 'message', source, pdu, atMs });
  }

  #receptionFailed(source: ModuleId, error: StackError, atMs: number): void {
    if (this.#chipReceives && isStackError(error, 'isotp/timeout-n-cr') && error.details.receivedBytes <= 6)
      this.#host.chipFlowControlFailed();
    this.#chipReceives = false;
    this.#expectUntilMs = Number.NEGATIVE_INFINITY;
    this.#emit({ type: 'failed', source, error, atMs });
  }

  #responder(responseId: number): IsoTpEngine | undefined {
    const known = this.#responders.get(responseId);
    if (known || this.#responders.size >= MAX_RESPONDERS) return known;
    const physical = this.#host.physicalOf(this, responseId) ?? this.#unknownResponder(responseId);
    if (physical === null) return undefined;
    const engine = this.#engine(physical);
    this.#responders.set(responseId, engine);
    return engine;
  }

  /** Nobody knows where its flow control would go: it is heard, and a first frame of it times out (N_Cr). */
  #unknownResponder(responseId: number): IsoTpAddress | null {
    return this.address.format === 'normal-fixed' ? null : { ...this.address, responseId };
  }

  #addressByte(frame: CanFrame): number | null {
    return this.target.hasAddressByte ? (frame.data[0] ?? null) : null;
  }

  #emit(event: ChannelEvent): void {
    for (const listener of this.#listeners) listener(event);
    this.#host.changed();
  }

  #settle(error: StackError | null): void {
    const pending = this.#pending;
    if (pending === null) return;
    this.#pending = null;
    if (error === null) {
      pending.resolve();
      return;
    }
    if (!isStackError(error, 'isotp/refused-while-sending')) this.#expectUntilMs = Number.NEGATIVE_INFINITY;
    this.#dropJobs();
    pending.stop.abort(error);
    pending.reject(error);
  }

  #dropJobs(): void {
    for (const job of this.#jobs) job.cancelled = true;
    this.#jobs.clear();
  }

  /** Machines have no way back from the middle of a message: new ones take their place. */
  #forget(): void {
    this.#dropJobs();
    this.#chipReceives = false;
    this.#responders.clear();
    this.#sender = this.#engine(this.address);
  }
}

function endError(reason: CloseReason, moduleId: ModuleId): StackError {
  return reason.kind === 'closed'
    ? new StackError('can/closed', `the channel to ${moduleId} is closed`, {})
    : new StackError('transport/lost', `the adapter was lost: ${reason.detail}`, { reason: reason.detail });
}
