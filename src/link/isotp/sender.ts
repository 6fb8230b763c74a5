import type { CanFrame } from '#contract/adapter.ts';
import { StackError } from '#contract/errors.ts';
import type { IsoTpOptions, ModuleId } from '#contract/isotp.ts';
import type { IsoTpActions, TokenSource } from './actions.ts';
import {
  consecutiveFrames,
  FLOW_CONTINUE,
  FLOW_OVERFLOW,
  FLOW_WAIT,
  firstFrame,
  LONGEST_PLAIN_LENGTH,
  singleFrame,
} from './frames.ts';
import { capacityOf, type FrameLayout } from './layout.ts';
import { stMinMs } from './st-min.ts';

/**
 * `handed`: a batch is with the adapter, unconfirmed (N_As) · `awaiting`: it is the ECU's turn to send a flow control
 * (N_Bs) · `gap`: STmin until the next consecutive frame.
 */
export type SenderState = 'idle' | 'handed' | 'awaiting' | 'gap';

/** What the unconfirmed batch ends with, hence what the ECU may say before its confirmation reaches us. */
export type HandedPart = 'last' | 'first' | 'block-end' | 'middle';

/** A batch is one block of frames; more than this many (messages above 7 kB) go in several. */
const MAX_BATCH_FRAMES = 1024;

/**
 * Hand-over time granted to each frame of a batch on top of N_As, which the standard means per frame: a 29-bit frame is
 * 27 characters of slcan, 7 ms on the slowest line (38400 baud).
 */
const HAND_OVER_MS_PER_FRAME = 8;

/** The sending half (ISO 15765-2 N_PCI handling of the sender; reference: adapters J.2–J.4). */
export class IsoTpSender {
  readonly #layout: FrameLayout;
  readonly #options: IsoTpOptions;
  readonly #moduleId: ModuleId;
  readonly #actions: IsoTpActions;
  readonly #tokens: TokenSource;
  /** Shortest time an 8-byte frame can take on the wire; 0 = bit rate unknown. */
  readonly #shortestFrameMs: number;

  #state: SenderState = 'idle';
  #timeoutAtMs = Number.POSITIVE_INFINITY;
  #nextFrameAtMs = Number.POSITIVE_INFINITY;
  #pdu: Uint8Array = NOTHING;
  /** Bytes of the message handed over so far. */
  #offset = 0;
  /** Of the next consecutive frame, counted on beyond 15. */
  #sequence = 1;
  #blockLeft = 0;
  #stMinMs = 0;
  #waits = 0;
  #token = 0;
  /** The unconfirmed batch cannot have ended on the wire before this. */
  #earliestEndMs = 0;
  /** When the last consecutive frame has surely left the wire; −Infinity before the first. */
  #lastEndMs = Number.NEGATIVE_INFINITY;

  constructor(
    layout: FrameLayout,
    options: IsoTpOptions,
    bitRate: number | null,
    moduleId: ModuleId,
    tokens: TokenSource,
    actions: IsoTpActions,
  ) {
    this.#layout = layout;
    this.#options = options;
    this.#moduleId = moduleId;
    this.#tokens = tokens;
    this.#actions = actions;
    this.#shortestFrameMs = bitRate === null ? 0 : ((layout.extended ? 128 : 108) * 1000) / bitRate; // no stuff bit
  }

  get state(): SenderState {
    return this.#state;
  }

  get timeoutAtMs(): number {
    return this.#timeoutAtMs;
  }

  get nextFrameAtMs(): number {
    return this.#nextFrameAtMs;
  }

  /** Functional requests are single frames (J.5). */
  check(pdu: Uint8Array, functional: boolean): void {
    if (pdu.length === 0) throw new RangeError('a message has at least one byte');
    const maxBytes = functional
      ? capacityOf(this.#layout).single
      : (this.#options.maxSendBytes ?? LONGEST_PLAIN_LENGTH);
    if (pdu.length > maxBytes)
      throw new StackError(
        'isotp/message-too-long',
        `message of ${pdu.length} bytes to ${this.#moduleId}: at most ${maxBytes} can be sent`,
        { lengthBytes: pdu.length, maxBytes },
      );
  }

  start(pdu: Uint8Array, nowMs: number): void {
    this.#pdu = pdu;
    this.#sequence = 1;
    this.#blockLeft = 0;
    this.#waits = 0;
    this.#lastEndMs = Number.NEGATIVE_INFINITY;
    if (pdu.length <= capacityOf(this.#layout).single) {
      this.#offset = pdu.length;
      this.#handOver([singleFrame(this.#layout, this.#options.padding, pdu)], nowMs);
      return;
    }
    const first = firstFrame(this.#layout, pdu);
    this.#offset = first.payloadBytes;
    this.#handOver([first.frame], nowMs);
  }

  stop(): void {
    this.#state = 'idle';
    this.#timeoutAtMs = Number.POSITIVE_INFINITY;
    this.#nextFrameAtMs = Number.POSITIVE_INFINITY;
    this.#token = 0;
    this.#pdu = NOTHING;
  }

  fail(error: StackError): void {
    this.stop();
    this.#actions.sendFailed(error);
  }

  /** Only while `handed`. */
  get handedPart(): HandedPart {
    if (this.#offset >= this.#pdu.length) return 'last';
    if (this.#sequence === 1) return 'first';
    return this.#blockLeft === 0 ? 'block-end' : 'middle';
  }

  /** Could the unconfirmed batch have left the wire by then? A second copy of the last flow control comes earlier. */
  mayHaveLeftBy(atMs: number): boolean {
    return atMs >= this.#earliestEndMs;
  }

  confirmed(token: number, nowMs: number, onWireByMs: number): void {
    if (this.#state !== 'handed' || token !== this.#token) return;
    const part = this.handedPart;
    if (part === 'last') {
      this.stop();
      this.#actions.sent();
      return;
    }
    if (part !== 'first') this.#lastEndMs = onWireByMs;
    if (part === 'middle') {
      this.#continueBlock(nowMs);
      return;
    }
    this.#state = 'awaiting';
    this.#timeoutAtMs = Math.max(nowMs, onWireByMs) + this.#options.nBsMs;
  }

  refused(token: number, error: StackError): void {
    if (this.#state === 'handed' && token === this.#token) this.fail(error);
  }

  /** A flow control while `awaiting`; `at` is the place of its PCI byte. */
  flowControl(data: Uint8Array, at: number, atMs: number): void {
    const blockSize = data[at + 1];
    const stMin = data[at + 2];
    if (blockSize === undefined || stMin === undefined) return; // malformed: do not start sending
    const flowStatus = (data[at] ?? 0) & 0x0f;
    switch (flowStatus) {
      case FLOW_CONTINUE:
        this.#waits = 0;
        this.#blockLeft = blockSize === 0 ? Number.POSITIVE_INFINITY : blockSize;
        this.#stMinMs = stMinMs(stMin); // both from every CTS: an ECU may change them per block
        this.#continueBlock(atMs);
        return;
      case FLOW_WAIT:
        this.#wait(atMs);
        return;
      case FLOW_OVERFLOW:
        this.fail(
          new StackError(
            'isotp/overflow',
            `${this.#moduleId} has no room for a message of ${this.#pdu.length} bytes (flow control: overflow)`,
            { lengthBytes: this.#pdu.length },
          ),
        );
        return;
      default:
        this.fail(
          new StackError(
            'isotp/invalid-fs',
            `${this.#moduleId} answered with the reserved flow status ${flowStatus} after ${this.#offset} of ${this.#pdu.length} bytes`,
            { flowStatus },
          ),
        );
    }
  }

  tick(nowMs: number): void {
    if (this.#state === 'gap' && nowMs >= this.#nextFrameAtMs) {
      this.#sendBatch(nowMs);
      return;
    }
    if (nowMs < this.#timeoutAtMs) return;
    if (this.#state === 'handed') {
      const timeoutMs = this.#options.nAsMs;
      this.fail(
        new StackError(
          'isotp/timeout-n-as',
          `a frame to ${this.#moduleId} was not confirmed in ${timeoutMs} ms (N_As)`,
          {
            timeoutMs,
          },
        ),
      );
    } else if (this.#state === 'awaiting') {
      const timeoutMs = this.#options.nBsMs;
      this.fail(
        new StackError(
          'isotp/timeout-n-bs',
          `no flow control from ${this.#moduleId} in ${timeoutMs} ms (N_Bs), ${this.#offset} of ${this.#pdu.length} bytes sent`,
          { timeoutMs, sentBytes: this.#offset },
        ),
      );
    }
  }

  /** The first frame after a flow control keeps STmin to the block before it, too: slower is always legal. */
  #continueBlock(nowMs: number): void {
    const nextMs = this.#lastEndMs + this.#stMinMs;
    if (this.#stMinMs === 0 || nowMs >= nextMs) {
      this.#sendBatch(nowMs);
      return;
    }
    this.#state = 'gap';
    this.#timeoutAtMs = Number.POSITIVE_INFINITY;
    this.#nextFrameAtMs = nextMs;
  }

  #sendBatch(nowMs: number): void {
    const count = this.#stMinMs > 0 ? 1 : Math.min(this.#blockLeft, MAX_BATCH_FRAMES);
    const { padding } = this.#options;
    const frames = consecutiveFrames(this.#layout, padding, this.#pdu, this.#offset, this.#sequence, count);
    this.#offset = Math.min(this.#pdu.length, this.#offset + frames.length * capacityOf(this.#layout).consecutive);
    this.#sequence += frames.length;
    this.#blockLeft -= frames.length;
    this.#handOver(frames, nowMs);
  }

  #handOver(frames: readonly CanFrame[], nowMs: number): void {
    this.#state = 'handed';
    this.#nextFrameAtMs = Number.POSITIVE_INFINITY;
    this.#timeoutAtMs = nowMs + this.#options.nAsMs + (frames.length - 1) * HAND_OVER_MS_PER_FRAME;
    this.#earliestEndMs = nowMs + frames.length * this.#shortestFrameMs;
    this.#token = this.#tokens.next();
    this.#actions.handOver(frames, this.#token);
  }

  #wait(atMs: number): void {
    this.#waits++;
    if (this.#waits > this.#options.maxWaits) {
      this.fail(
        new StackError(
          'isotp/wait-limit',
          `${this.#moduleId} asked to wait ${this.#waits} times in a row, ${this.#options.maxWaits} are accepted`,
          { waits: this.#waits },
        ),
      );
      return;
    }
    this.#timeoutAtMs = Math.max(this.#timeoutAtMs, atMs + this.#options.nBsMs);
  }
}

const NOTHING = new Uint8Array(0);
