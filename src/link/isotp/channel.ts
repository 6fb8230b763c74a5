import { type Clock, sleepUnlessAborted } from '#base/clock.ts';
import type { CanFrame, CanLink } from '#contract/adapter.ts';
import { bounded, type CallOptions } from '#contract/call.ts';
import { abortError, StackError } from '#contract/errors.ts';
import type { ChannelEvent, DiagChannel, IsoTpAddress, IsoTpOptions, ModuleId } from '#contract/isotp.ts';
import type { CloseReason } from '#contract/transport.ts';
import type { IsoTpActions, IsoTpEngine } from './actions.ts';
import { claimFlowControl, type FlowControlOwnership } from './flow-control-owners.ts';
import { FunctionalMachine, type PhysicalOf } from './functional-machine.ts';
import { IsoTpMachine } from './machine.ts';

/** What a channel may be given beside its options. */
export interface IsoTpChannelExtras {
  /** Host ⇄ adapter latency, ms, added to N_As, N_Bs and N_Cr, and told to the client. */
  readonly latencyMs?: number;
  /**
   * Waits of at most 2 ms as exactly as the place allows (STmin; reference: performance 5.1). Resolves after `ms`, rejects
   * or resolves when aborted; waking early costs another wait, never a gap that is too short. Default `clock.sleep`.
   */
  readonly preciseWait?: PreciseWait;
  /** Functional channels: whom a flow control to a responder goes to. */
  readonly physicalOf?: PhysicalOf;
}

export type PreciseWait = (ms: number, options: { readonly signal: AbortSignal }) => Promise<void>;

/** Above this a precise wait would hold up the reads (performance 5.1). */
const LONGEST_PRECISE_WAIT_MS = 2;

/** A time-out noticed this much too late means that we were not listening; what arrived meanwhile goes first. */
const LATE_WAKE_MS = 20;

/**
 * Opens a channel on a CAN link: whole messages to the ECU (or, functional, to all ECUs) at an address. The link stays
 * the caller's: closing the channel leaves it open, the end of the link ends the channel.
 * @throws RangeError for an address that no frame can carry
 */
export function openIsoTpChannel(
  link: CanLink,
  address: IsoTpAddress,
  options: IsoTpOptions,
  clock: Clock,
  extras: IsoTpChannelExtras = {},
): DiagChannel {
  return new IsoTpChannel(link, address, options, clock, extras);
}

interface PendingSend {
  readonly pdu: Uint8Array;
  /** Ends the hand-over of frames when the message ends early. */
  readonly stop: AbortController;
  begun: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** The shell around a machine: moves frames, keeps its time, turns its actions into promises and events. */
class IsoTpChannel implements DiagChannel {
  readonly moduleId: ModuleId;
  readonly functional: boolean;
  readonly closed: Promise<CloseReason>;
  readonly latencyMs: number;

  readonly #link: CanLink;
  readonly #clock: Clock;
  readonly #engine: IsoTpEngine;
  readonly #preciseWait: PreciseWait | undefined;
  readonly #listeners = new Set<(event: ChannelEvent) => void>();
  readonly #flowControl: FlowControlOwnership;
  readonly #stopListening: () => void;
  /** Ends all waits of the channel. */
  readonly #ending = new AbortController();
  #settleClosed: (reason: CloseReason) => void = () => undefined;
  #reason: CloseReason | null = null;
  #pending: PendingSend | null = null;
  /** The one scheduled wake-up; it is only replaced by an earlier one. */
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #wake: AbortController | null = null;
  #pacing = false;

  constructor(link: CanLink, address: IsoTpAddress, options: IsoTpOptions, clock: Clock, extras: IsoTpChannelExtras) {
    this.functional = options.functional === true || (address.format === 'normal-fixed' && address.functional === true);
    this.latencyMs = extras.latencyMs ?? 0;
    this.#link = link;
    this.#clock = clock;
    this.#preciseWait = extras.preciseWait;
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    const relaxed = withLatency(options, this.latencyMs);
    const machine = this.functional
      ? new FunctionalMachine(address, relaxed, this.#routing(extras.physicalOf), this.#actions())
      : new IsoTpMachine(address, relaxed, link.config.bitRate, this.#actions());
    this.#engine = machine;
    this.moduleId = machine.moduleId;
    this.#flowControl = claimFlowControl(link, {
      functional: this.functional,
      covers: (id, byte) => machine.answersTo(id, byte),
    });
    this.#stopListening = link.onFrame((frame) => {
      machine.onFrame(frame, frame.atMs);
      this.#afterInput();
    });
    void link.closed.then((reason) => this.#end(reason));
  }

  sendPdu(pdu: Uint8Array, options: CallOptions = {}): Promise<void> {
    const { signal, timeoutMs } = options;
    if (timeoutMs === undefined) return this.#send(pdu, signal);
    return bounded(this.#clock, `sending to ${this.moduleId}`, timeoutMs, signal, (stop) => this.#send(pdu, stop));
  }

  onEvent(listener: (event: ChannelEvent) => void): () => void {
    // A wrapper of its own: the same function may listen twice, and each unsubscribes only itself.
    const entry = (event: ChannelEvent) => listener(event);
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  async close(): Promise<void> {
    this.#end({ kind: 'closed' });
  }

  async #send(pdu: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    if (this.#reason) throw endError(this.#reason, this.moduleId);
    if (signal?.aborted) throw abortError(signal, `sending to ${this.moduleId}`);
    if (this.#pending) throw new StackError('isotp/busy', `a message to ${this.moduleId} is still on its way`, {});
    this.#engine.check(pdu);
    const onAbort = () => {
      if (signal) this.#abandon(abortError(signal, `sending to ${this.moduleId}`));
    };
    try {
      await new Promise<void>((resolve, reject) => {
        this.#pending = { pdu, stop: new AbortController(), begun: false, resolve, reject };
        signal?.addEventListener('abort', onAbort, { once: true });
        this.#afterInput();
      });
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Ends the pending message from our side; frames not yet taken by the adapter stay unsent. */
  #abandon(error: StackError): void {
    if (this.#pending === null) return;
    this.#settle(error);
    this.#engine.cancelSend();
    this.#afterInput();
  }

  #settle(error: StackError | null): void {
    const pending = this.#pending;
    if (pending === null) return;
    this.#pending = null;
    if (error === null) {
      pending.resolve();
      return;
    }
    pending.reject(error);
    pending.stop.abort(error);
  }

  #actions(): IsoTpActions {
    return {
      handOver: (frames, token) =>
        void this.#handOver(frames, token, this.#pending?.stop.signal ?? this.#ending.signal),
      answer: (frames, token) => void this.#handOver(frames, token, this.#ending.signal),
      started: (source, lengthBytes, atMs) => this.#emit({ type: 'started', source, lengthBytes, atMs }),
      deliver: (source, pdu, atMs) => this.#emit({ type: 'message', source, pdu, atMs }),
      receptionFailed: (source, error, atMs) => this.#emit({ type: 'failed', source, error, atMs }),
      sent: () => this.#settle(null),
      sendFailed: (error) => this.#settle(error),
    };
  }

  #emit(event: ChannelEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  async #handOver(frames: readonly CanFrame[], token: number, signal: AbortSignal): Promise<void> {
    const outcome = await this.#link.send(frames, { signal }).catch(asStackError);
    if (this.#reason) return; // closed meanwhile: nothing more may go out
    if (outcome instanceof StackError) this.#engine.refused(token, outcome, this.#clock.now());
    else this.#engine.confirmed(token, this.#clock.now(), outcome.onWireByMs);
    this.#afterInput();
  }

  #afterInput(): void {
    if (this.#reason) return;
    const pending = this.#pending;
    if (pending && !pending.begun && !this.#engine.sendMustWait) {
      pending.begun = true;
      this.#engine.send(pending.pdu, this.#clock.now());
    }
    if (this.#engine.timeoutAtMs < this.#wakeAtMs) void this.#watch();
    if (!this.#pacing && this.#engine.nextFrameAtMs !== Number.POSITIVE_INFINITY) void this.#pace();
  }

  /** Time-outs. Sleeps to the one that was due when it began and then looks again: most are put off meanwhile. */
  async #watch(): Promise<void> {
    this.#wake?.abort();
    const wake = new AbortController();
    this.#wake = wake;
    for (let at = this.#engine.timeoutAtMs; at !== Number.POSITIVE_INFINITY; at = this.#engine.timeoutAtMs) {
      this.#wakeAtMs = at;
      if (!(await sleepUnlessAborted(this.#clock, at - this.#clock.now(), wake.signal))) return;
      const nowMs = this.#clock.now();
      if (nowMs - at > LATE_WAKE_MS && this.#engine.timeoutAtMs <= nowMs) {
        if (!(await sleepUnlessAborted(this.#clock, LATE_WAKE_MS, wake.signal))) return;
      }
      this.#engine.tick(this.#clock.now());
      if (wake.signal.aborted) return;
    }
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    this.#wake = null;
    this.#afterInput();
  }

  /** STmin. The next frame goes no earlier than the machine says, and as little later as the waits allow. */
  async #pace(): Promise<void> {
    this.#pacing = true;
    while (this.#engine.nextFrameAtMs !== Number.POSITIVE_INFINITY && !this.#reason) {
      const waitMs = this.#engine.nextFrameAtMs - this.#clock.now();
      if (waitMs > 0) await this.#waitForGap(waitMs);
      else this.#engine.tick(this.#clock.now());
    }
    this.#pacing = false;
    this.#afterInput();
  }

  async #waitForGap(waitMs: number): Promise<void> {
    const { signal } = this.#ending;
    if (this.#preciseWait === undefined) {
      await sleepUnlessAborted(this.#clock, waitMs, signal);
      return;
    }
    if (waitMs > LONGEST_PRECISE_WAIT_MS) {
      await sleepUnlessAborted(this.#clock, waitMs - LONGEST_PRECISE_WAIT_MS, signal);
      return;
    }
    try {
      await this.#preciseWait(waitMs, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #routing(physicalOf: PhysicalOf = () => null) {
    return {
      physicalOf,
      ownedByOthers: (id: number, byte: number | null) => this.#flowControl.ownedByOthers(id, byte),
    };
  }

  #end(reason: CloseReason): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#stopListening();
    this.#flowControl.release();
    const error = endError(reason, this.moduleId);
    this.#settle(error);
    this.#ending.abort(error);
    this.#wake?.abort();
    this.#settleClosed(reason);
    this.#listeners.clear();
  }
}

function withLatency(options: IsoTpOptions, latencyMs: number): IsoTpOptions {
  return {
    ...options,
    nAsMs: options.nAsMs + latencyMs,
    nBsMs: options.nBsMs + latencyMs,
    nCrMs: options.nCrMs + latencyMs,
  };
}

function endError(reason: CloseReason, moduleId: ModuleId): StackError {
  return reason.kind === 'closed'
    ? new StackError('can/closed', `the channel to ${moduleId} is closed`, {})
    : new StackError('transport/lost', `the adapter was lost: ${reason.detail}`, { reason: reason.detail });
}

function asStackError(error: unknown): StackError {
  if (error instanceof StackError) return error;
  return new StackError(
    'transport/lost',
    'the link failed without a reason of its own',
    { reason: String(error) },
    { cause: error },
  );
}
