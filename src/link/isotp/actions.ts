import type { CanFrame } from '#contract/adapter.ts';
import type { StackError } from '#contract/errors.ts';
import type { ModuleId } from '#contract/isotp.ts';

/**
 * What a machine wants done. It calls these synchronously, after its own state is settled: an action may feed the
 * machine again. Timers are no action: after each input read `timeoutAtMs` and `nextFrameAtMs` and call `tick` then.
 */
export interface IsoTpActions {
  /** Send these frames in order, as one batch; then call `confirmed` or `refused` with the token. */
  handOver(frames: readonly CanFrame[], token: number): void;
  /** Send our flow control, a batch of one; then call `confirmed` or `refused` with the token. */
  answer(frames: readonly CanFrame[], token: number): void;
  /** A first frame arrived (N_USData_FF.indication). */
  started(source: ModuleId, lengthBytes: number, atMs: number): void;
  /** A whole message arrived. The bytes belong to the receiver of the call. */
  deliver(source: ModuleId, pdu: Uint8Array, atMs: number): void;
  /** A running reception ended without a message. */
  receptionFailed(source: ModuleId, error: StackError, atMs: number): void;
  /** The last frame of our message is confirmed. */
  sent(): void;
  /** Our message ended before its last frame was confirmed. */
  sendFailed(error: StackError): void;
}

/** The inputs a channel feeds; `IsoTpMachine` for one ECU, `FunctionalMachine` for all. Pure: no I/O, no clock. */
export interface IsoTpEngine {
  /** When `tick` must be called at the latest because a wait ends; Infinity = no wait. */
  readonly timeoutAtMs: number;
  /** When the next consecutive frame may start (STmin); call `tick` as precisely as possible, never before. */
  readonly nextFrameAtMs: number;
  /** A reception is running that a request has to wait for (half duplex). It ends by itself, at N_Cr. */
  readonly sendMustWait: boolean;
  /** @throws StackError `isotp/message-too-long`; RangeError for an empty message */
  check(pdu: Uint8Array): void;
  /** Starts sending. @throws StackError `isotp/busy` while sending or receiving, and what `check` throws */
  send(pdu: Uint8Array, nowMs: number): void;
  /** Forgets the message being sent: no further frame of it goes out, no action tells of it. */
  cancelSend(): void;
  /** Would this machine send the flow control to a first frame with this id and address byte? */
  answersTo(responseId: number, responseByte: number | null): boolean;
  onFrame(frame: CanFrame, atMs: number): void;
  /** The batch with this token is on its way, by `onWireByMs` (SendReceipt) it has left the wire. */
  confirmed(token: number, nowMs: number, onWireByMs: number): void;
  /** The batch with this token failed; it is unknown which frames left. */
  refused(token: number, error: StackError, nowMs: number): void;
  tick(nowMs: number): void;
}

/** Tokens are unique among all parts of one machine, so that a late confirmation can hit nobody else. */
export class TokenSource {
  #last = 0;

  next(): number {
    return ++this.#last;
  }
}
