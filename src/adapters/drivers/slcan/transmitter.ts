import { type Clock, sleepUnlessAborted } from '#base/clock.ts';
import type { CanFrame, SendReceipt } from '#contract/adapter.ts';
import { StackError } from '#contract/errors.ts';
import { encodeFrames } from './encoder.ts';
import type { TransmitPacer } from './pacer.ts';
import { wireBits, worstWireBits } from './wire-bits.ts';

/** N_As: nothing acknowledged, or nothing taken by the platform, for so long (ISO 15765-2, table 15). */
export const N_AS_MS = 1000;
/** Every batch ends by then, also on a slow bus. */
export const SEND_LIMIT_MS = 60_000;
/** Above this way to the device, answers come in bursts of many: waiting for more of them only loses time. */
const BURST_TRANSIT_MS = 2;
/** The least a wait for the wire takes: two times that differ by rounding only are no reason to spin. */
const SHORTEST_WAIT_MS = 0.001;

export interface TransmitterOptions {
  readonly clock: Clock;
  readonly pacer: TransmitPacer;
  readonly bitRate: number;
  readonly acknowledges: boolean;
  /** Frames without acknowledgement; only where the firmware acknowledges. */
  readonly windowFrames: number;
  /** Ends all waits. */
  readonly ended: AbortSignal;
  /** Resolves when the platform took the bytes. */
  write(bytes: Uint8Array): Promise<void>;
}

interface Batch {
  readonly frames: readonly CanFrame[];
  readonly untilMs: number;
  next: number;
  resolve(receipt: SendReceipt): void;
  reject(error: unknown): void;
}

/**
 * Moves one batch of frames at a time to the device, within its queue: the pacer never lets more frames be ahead of the
 * wire than the queue holds with a margin, and where the firmware acknowledges, no more than a window is outstanding;
 * acknowledgements are matched by order.
 *
 * A state machine, not a loop of awaits: acknowledgements are counted, and only the one that makes room for a useful
 * write, or completes the batch, sets it in motion. No promise and no timer per frame or acknowledgement.
 */
export class Transmitter {
  readonly #options: TransmitterOptions;
  readonly #pacer: TransmitPacer;
  /** Frames worth a write of their own: half of what may be under way. */
  readonly #quantum: number;
  /** Room in the window worth a write: half the window still covers the latency where answers come every millisecond. */
  readonly #step: number;
  /** Frames handed over and answered since open; the difference is outstanding. */
  #handed = 0;
  #acked = 0;
  #lastAckMs = 0;
  #writtenMs = 0;
  #progressMs = 0;
  #batch: Batch | null = null;
  #writing = false;
  /** The count of answers from which there is something to do. */
  #usefulAcked = Number.POSITIVE_INFINITY;
  #alarmAtMs = Number.POSITIVE_INFINITY;
  #alarms = 0;
  #watching = false;

  constructor(options: TransmitterOptions) {
    this.#options = options;
    this.#pacer = options.pacer;
    const { acknowledges, windowFrames, pacer } = options;
    const underWay = acknowledges ? Math.min(pacer.aheadFrames, windowFrames) : pacer.aheadFrames;
    this.#quantum = Math.max(1, underWay >> 1);
    this.#step = pacer.transitMs > BURST_TRANSIT_MS ? 1 : Math.max(1, Math.min(this.#quantum, windowFrames >> 1));
  }

  get outstanding(): number {
    return this.#handed - this.#acked;
  }

  /**
   * The caller sends one batch at a time.
   * @throws StackError what `stop` was given, `transport/*`, `adapter/no-answer`, `call/timeout` after a minute
   */
  transmit(frames: readonly CanFrame[]): Promise<SendReceipt> {
    const nowMs = this.#options.clock.now();
    const done = new Promise<SendReceipt>((resolve, reject) => {
      this.#batch = { frames, untilMs: nowMs + SEND_LIMIT_MS, next: 0, resolve, reject };
    });
    this.#progressMs = nowMs;
    if (!this.#watching) void this.#watchProgress();
    this.#proceed();
    return done;
  }

  /** Ends the batch under way, if there is one. What was handed over may still leave. */
  stop(error: unknown): void {
    const batch = this.#batch;
    this.#batch = null;
    this.#usefulAcked = Number.POSITIVE_INFINITY;
    batch?.reject(error);
  }

  /** Counts an answer. @returns its number, 0 when nothing is outstanding: a leftover */
  answered(atMs: number): number {
    if (this.#acked >= this.#handed) return 0;
    this.#acked++;
    this.#lastAckMs = atMs;
    this.#progressMs = atMs;
    return this.#acked;
  }

  /** After the answer was judged: goes on when it made enough room. */
  afterAnswer(): void {
    if (this.#acked >= this.#usefulAcked) this.#proceed();
  }

  /** "frame 3 of 8", counted since the channel was opened. */
  name(frame: number): string {
    return `frame ${frame} of ${this.#handed}`;
  }

  /** Answers that will not come, or cannot be told apart any more. */
  forgetOutstanding(): void {
    this.#acked = this.#handed;
  }

  #proceed(): void {
    const batch = this.#batch;
    if (!batch || this.#writing) return;
    const left = batch.frames.length - batch.next;
    if (left > 0) this.#continue(batch, left);
    else this.#complete(batch);
  }

  #continue(batch: Batch, left: number): void {
    const { clock, acknowledges, windowFrames } = this.#options;
    this.#usefulAcked = Number.POSITIVE_INFINITY;
    const window = acknowledges ? windowFrames - (this.#handed - this.#acked) : left;
    const step = Math.min(this.#step, left);
    if (acknowledges && window < step) {
      this.#usefulAcked = this.#acked + step - window;
      return;
    }
    const nowMs = clock.now();
    const wanted = Math.min(this.#quantum, left, window);
    const room = Math.min(this.#pacer.room(nowMs), window);
    const roomAtMs = room < wanted ? this.#pacer.roomAtMs(wanted, nowMs) : nowMs;
    if (roomAtMs > nowMs || room < 1) this.#wakeAt(Math.max(roomAtMs, nowMs + SHORTEST_WAIT_MS), nowMs);
    else this.#write(batch, Math.min(batch.frames.length, batch.next + room), nowMs);
  }

  #write(batch: Batch, to: number, nowMs: number): void {
    const { frames, next } = batch;
    const startMs = Math.max(this.#pacer.lastEndMs, nowMs);
    for (let i = next; i < to; i++) this.#pacer.handOver(frames[i] ?? NO_FRAME, nowMs);
    this.#handed += to - next;
    batch.next = to;
    this.#writing = true;
    this.#options.write(encodeFrames(frames, next, to)).then(
      () => this.#written(to - next, startMs),
      (error: unknown) => {
        this.#writing = false;
        this.stop(error);
      },
    );
  }

  #written(frames: number, startMs: number): void {
    this.#writing = false;
    const nowMs = this.#options.clock.now();
    // The platform took them only now, also where the thread was away between its look at the clock and the write: none
    // of them began before. Later ends are the safe side, for the queue and for STmin.
    if (nowMs > startMs) this.#pacer.delayLast(frames, nowMs - startMs);
    this.#writtenMs = nowMs;
    this.#progressMs = nowMs;
    this.#proceed();
  }

  #complete(batch: Batch): void {
    const { clock, acknowledges } = this.#options;
    const { frames } = batch;
    if (acknowledges && this.#acked < this.#handed) {
      this.#usefulAcked = this.#handed;
      return;
    }
    this.#batch = null;
    this.#usefulAcked = Number.POSITIVE_INFINITY;
    if (frames.length === 0) {
      const nowMs = clock.now();
      batch.resolve({ acceptedAtMs: nowMs, onWireByMs: nowMs });
    } else if (acknowledges) {
      const delayMs = Math.max(0, this.#lastAckMs - this.#writtenMs);
      batch.resolve(this.#receipt(frames, this.#lastAckMs, delayMs));
    } else {
      this.#acked = this.#handed;
      batch.resolve(this.#receipt(frames, Math.max(clock.now(), this.#pacer.lastEndMs), this.#pacer.transitMs));
    }
  }

  /**
   * The last frame leaves the wire after the computed end, later by what it may have needed to the device, and by the
   * stuff bits that its worst case has above its own.
   */
  #receipt(frames: readonly CanFrame[], acceptedAtMs: number, delayMs: number): SendReceipt {
    const last = frames.at(-1) ?? NO_FRAME;
    const spareBits = worstWireBits(last.extended, last.data.length) - wireBits(last);
    const onWireByMs = this.#pacer.lastEndMs + delayMs + (spareBits * 1000) / this.#options.bitRate;
    return { acceptedAtMs, onWireByMs: Math.max(onWireByMs, acceptedAtMs) };
  }

  /** One wait at a time, only replaced by an earlier one; a replaced one finds out and does nothing. */
  #wakeAt(atMs: number, nowMs: number): void {
    if (this.#alarmAtMs <= atMs) return; // looks again then
    const alarm = ++this.#alarms;
    this.#alarmAtMs = atMs;
    // not cut off when the link ends: it is no longer than the wire needs for one queue, and then does nothing
    void this.#options.clock.sleep(atMs - nowMs).then(() => {
      if (alarm !== this.#alarms) return;
      this.#alarmAtMs = Number.POSITIVE_INFINITY;
      this.#proceed();
    });
  }

  /** N_As, and the limit of a whole batch, for all batches with one timer: stops the one under way. */
  async #watchProgress(): Promise<void> {
    const { clock, acknowledges, ended } = this.#options;
    this.#watching = true;
    for (let batch = this.#batch; batch; batch = this.#batch) {
      const nowMs = clock.now();
      const leftMs = Math.min(this.#progressMs + N_AS_MS, batch.untilMs) - nowMs;
      if (leftMs > 0) {
        if (!(await sleepUnlessAborted(clock, leftMs, ended))) break;
        continue;
      }
      if (nowMs >= batch.untilMs) {
        const details = { what: 'send CAN frames', timeoutMs: SEND_LIMIT_MS };
        this.stop(new StackError('call/timeout', `${batch.frames.length} frames took more than a minute`, details));
        continue;
      }
      const command = acknowledges ? this.name(this.#acked + 1) : 'frame';
      this.forgetOutstanding();
      const what = `the adapter did not take ${command} in ${N_AS_MS} ms`;
      this.stop(new StackError('adapter/no-answer', what, { command, timeoutMs: N_AS_MS }));
    }
    this.#watching = false;
  }
}

const NO_FRAME: CanFrame = { id: 0, extended: false, data: new Uint8Array() };
