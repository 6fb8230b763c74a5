import type { CanConfig, CanFrame, CanLink, RxCanFrame, SendReceipt } from '#contract/adapter.ts';
import type { CallOptions } from '#contract/call.ts';
import type { StackError } from '#contract/errors.ts';
import type { CloseReason } from '#contract/transport.ts';
import type { VirtualClock } from '../../support/virtual-clock.ts';

export interface WireRecord {
  readonly id: number;
  readonly data: Uint8Array;
  readonly startMs: number;
  readonly endMs: number;
}

/** A CAN bus with one adapter: every frame, ours or an ECU's, takes its time on the wire, one after the other. */
export class FakeCanLink implements CanLink {
  readonly config: CanConfig = { bitRate: 500_000 };
  readonly closed: Promise<CloseReason>;
  readonly counters = { received: 0, sent: 0, busErrors: 0, dropped: 0 };
  /** Our frames as they were on the wire. */
  readonly wire: WireRecord[] = [];
  /** How many frames each `send` brought. */
  readonly batches: number[] = [];
  readonly clock: VirtualClock;
  /** Nodes on the bus: called at the end of each of our frames. */
  readonly nodes: ((frame: CanFrame) => void)[] = [];
  /** The adapter confirms this much after the last frame's end. */
  confirmDelayMs = 0;
  /** The next hand-over fails with this. */
  failNext: StackError | null = null;
  /** Frames sent while this is set vanish, and are never confirmed. */
  mute = false;
  readonly #listeners = new Set<(frame: RxCanFrame) => void>();
  #settle: (reason: CloseReason) => void = () => undefined;
  #freeAtMs = 0;

  constructor(clock: VirtualClock) {
    this.clock = clock;
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get listening(): number {
    return this.#listeners.size;
  }

  async send(frames: readonly CanFrame[], options: CallOptions = {}): Promise<SendReceipt> {
    this.batches.push(frames.length);
    if (this.failNext) {
      const error = this.failNext;
      this.failNext = null;
      throw error;
    }
    const signal = options.signal;
    const sleep = (ms: number) => this.clock.sleep(ms, signal ? { signal } : {});
    if (this.mute) await sleep(1e9);
    let endMs = this.clock.now();
    for (const frame of frames) {
      const startMs = Math.max(this.clock.now(), this.#freeAtMs);
      endMs = startMs + wireMs(frame);
      this.#freeAtMs = endMs;
      await sleep(endMs - this.clock.now());
      this.counters.sent++;
      this.wire.push({ id: frame.id, data: frame.data.slice(), startMs, endMs });
      for (const node of this.nodes) node(frame);
    }
    if (this.confirmDelayMs > 0) await sleep(this.confirmDelayMs);
    return { acceptedAtMs: endMs, onWireByMs: endMs };
  }

  /** An ECU sends a frame; resolves when it was on the wire and the listeners had it. */
  async fromBus(id: number, data: readonly number[] | Uint8Array, extended = false): Promise<void> {
    const frame = { id, extended, data: Uint8Array.from(data) };
    this.#freeAtMs = Math.max(this.clock.now(), this.#freeAtMs) + wireMs(frame);
    await this.clock.sleep(this.#freeAtMs - this.clock.now());
    this.counters.received++;
    for (const listener of this.#listeners) listener({ ...frame, atMs: this.clock.now() });
  }

  onFrame(listener: (frame: RxCanFrame) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onBusError(): () => void {
    return () => undefined;
  }

  async close(): Promise<void> {
    this.#settle({ kind: 'closed' });
  }

  lose(detail = 'unplugged'): void {
    this.#settle({ kind: 'lost', detail });
  }
}

/** Typical stuffing at 500 kbit/s: 8 bytes take 233 µs. */
function wireMs(frame: CanFrame): number {
  return ((frame.extended ? 69 : 52) + 8.05 * frame.data.length) / 500;
}
