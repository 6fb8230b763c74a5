import { toHexSpaced } from '#base/hex.ts';
import type { CanFrame } from '#contract/adapter.ts';
import { StackError } from '#contract/errors.ts';
import type { IsoTpOptions, ModuleId } from '#contract/isotp.ts';
import type { IsoTpActions, TokenSource } from './actions.ts';
import {
  FLOW_CONTINUE,
  FLOW_OVERFLOW,
  FRAME_BYTES,
  firstFrameLength,
  flowControlFrame,
  singleFrameLength,
} from './frames.ts';
import type { FrameLayout } from './layout.ts';

/**
 * Who answers a first frame: `ours`, `others` (another channel on the same link owns this ECU; we listen along), or
 * `nobody` (the id to answer on is unknown: such a message cannot be received).
 */
export type FlowControlRole = 'ours' | 'others' | 'nobody';

/**
 * The receiving half for one sender of messages (ISO 15765-2; reference: adapters J.2–J.4). Frames arrive already
 * matched to their address; `at` is the place of the PCI byte. Consecutive frames are copied into the one buffer the
 * first frame allocated, and nothing else is allocated for them.
 */
export class IsoTpReceiver {
  readonly #options: IsoTpOptions;
  readonly #source: ModuleId;
  readonly #tokens: TokenSource;
  readonly #actions: IsoTpActions;
  readonly #role: () => FlowControlRole;
  readonly #continue: readonly CanFrame[];
  readonly #overflow: readonly CanFrame[];

  #buffer: Uint8Array | null = null;
  #filled = 0;
  #sequence = 1;
  #blockLeft = 0;
  #timeoutAtMs = Number.POSITIVE_INFINITY;
  /** Token of our unconfirmed flow control; 0 = none. */
  #token = 0;
  #sendsFlowControl = true;

  /** `layout` is the one of the flow control: its request id and byte. */
  constructor(
    layout: FrameLayout,
    options: IsoTpOptions,
    source: ModuleId,
    tokens: TokenSource,
    actions: IsoTpActions,
    role: () => FlowControlRole = () => 'ours',
  ) {
    const { padding, blockSize, stMin } = options;
    this.#options = options;
    this.#source = source;
    this.#tokens = tokens;
    this.#actions = actions;
    this.#role = role;
    this.#continue = [flowControlFrame(layout, padding, FLOW_CONTINUE, blockSize, stMin)];
    this.#overflow = [flowControlFrame(layout, padding, FLOW_OVERFLOW, 0, 0)];
  }

  get receiving(): boolean {
    return this.#buffer !== null;
  }

  get timeoutAtMs(): number {
    return this.#timeoutAtMs;
  }

  single(data: Uint8Array, at: number, atMs: number): void {
    const length = singleFrameLength(data, at);
    if (length === 0) return;
    this.#endForNew(data, atMs);
    this.#actions.deliver(this.#source, data.slice(at + 1, at + 1 + length), atMs);
  }

  first(data: Uint8Array, at: number, atMs: number): void {
    const length = firstFrameLength(data, at);
    if (length === 0) return;
    const role = this.#role();
    if (role === 'nobody') return;
    this.#endForNew(data, atMs);
    const maxBytes = this.#options.maxReceiveBytes;
    if (length > maxBytes) {
      if (role === 'ours') this.#actions.answer(this.#overflow, this.#tokens.next());
      const error = new StackError(
        'isotp/message-too-long',
        `${this.#source} announces a message of ${length} bytes: at most ${maxBytes} are received`,
        { lengthBytes: length, maxBytes },
      );
      this.#actions.receptionFailed(this.#source, error, atMs);
      return;
    }
    this.#begin(data, at, length, role, atMs);
  }

  consecutive(data: Uint8Array, at: number, atMs: number): void {
    const buffer = this.#buffer;
    if (buffer === null) return;
    const actual = (data[at] ?? 0) & 0x0f;
    if (actual !== this.#sequence) {
      this.#fail(this.#wrongSequence(actual), atMs);
      return;
    }
    const filled = this.#filled;
    const size = Math.min(FRAME_BYTES - at - 1, buffer.length - filled);
    if (data.length < at + 1 + size) return; // cut short: ignored, so the next sequence number is wrong
    for (let i = 0; i < size; i++) buffer[filled + i] = data[at + 1 + i] ?? 0;
    this.#filled = filled + size;
    if (this.#filled === buffer.length) {
      this.#reset();
      this.#actions.deliver(this.#source, buffer, atMs);
      return;
    }
    this.#sequence = (actual + 1) & 0x0f;
    this.#token = 0; // frames come: the flow control was sent, whether or not its confirmation reached us
    this.#timeoutAtMs = atMs + this.#options.nCrMs;
    this.#blockLeft--;
    if (this.#blockLeft === 0) this.#sendFlowControl(atMs);
  }

  confirmed(token: number, nowMs: number, onWireByMs: number): void {
    if (token !== this.#token || this.#buffer === null) return;
    this.#token = 0;
    this.#timeoutAtMs = Math.max(nowMs, onWireByMs) + this.#options.nCrMs;
  }

  refused(token: number, error: StackError, nowMs: number): void {
    if (token === this.#token && this.#buffer !== null) this.#fail(error, nowMs);
  }

  tick(nowMs: number): void {
    if (nowMs < this.#timeoutAtMs || this.#buffer === null) return;
    const expectedBytes = this.#buffer.length;
    if (this.#token !== 0) {
      const timeoutMs = this.#options.nAsMs;
      const what = `our flow control to ${this.#source} was not confirmed in ${timeoutMs} ms (N_Ar)`;
      this.#fail(new StackError('isotp/timeout-n-as', what, { timeoutMs }), nowMs);
      return;
    }
    const timeoutMs = this.#options.nCrMs;
    const what = `${this.#source} stopped after ${this.#filled} of ${expectedBytes} bytes: no frame in ${timeoutMs} ms (N_Cr)`;
    const details = { timeoutMs, receivedBytes: this.#filled, expectedBytes };
    this.#fail(new StackError('isotp/timeout-n-cr', what, details), nowMs);
  }

  #begin(data: Uint8Array, at: number, length: number, role: FlowControlRole, atMs: number): void {
    const from = at + (length > 0xfff ? 6 : 2);
    const buffer = new Uint8Array(length);
    buffer.set(data.subarray(from));
    this.#buffer = buffer;
    this.#filled = FRAME_BYTES - from;
    this.#sequence = 1;
    this.#sendsFlowControl = role === 'ours';
    this.#blockLeft = 0;
    this.#timeoutAtMs = atMs + this.#options.nCrMs;
    this.#sendFlowControl(atMs);
    this.#actions.started(this.#source, length, atMs);
  }

  #sendFlowControl(atMs: number): void {
    const { blockSize, nAsMs } = this.#options;
    this.#blockLeft = this.#sendsFlowControl && blockSize > 0 ? blockSize : Number.POSITIVE_INFINITY;
    if (!this.#sendsFlowControl) return;
    this.#token = this.#tokens.next();
    this.#timeoutAtMs = atMs + nAsMs;
    this.#actions.answer(this.#continue, this.#token);
  }

  #endForNew(data: Uint8Array, atMs: number): void {
    if (this.#buffer === null) return;
    const frame = toHexSpaced(data);
    const what = `${this.#source} began a new message (${frame}) after ${this.#filled} of ${this.#buffer.length} bytes`;
    this.#fail(new StackError('isotp/unexpected-pdu', what, { frame }), atMs);
  }

  #wrongSequence(actual: number): StackError {
    return new StackError(
      'isotp/wrong-sn',
      `${this.#source} sent consecutive frame ${actual} where ${this.#sequence} was due, after ${this.#filled} of ${this.#buffer?.length ?? 0} bytes`,
      { expected: this.#sequence, actual },
    );
  }

  #fail(error: StackError, atMs: number): void {
    this.#reset();
    this.#actions.receptionFailed(this.#source, error, atMs);
  }

  #reset(): void {
    this.#buffer = null;
    this.#token = 0;
    this.#timeoutAtMs = Number.POSITIVE_INFINITY;
  }
}
