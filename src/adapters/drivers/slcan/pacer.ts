import type { CanFrame } from '#contract/adapter.ts';
import { wireBits } from './wire-bits.ts';

/** Of a ring of 27 so many stay free, for transit jitter and for frames of others that we see late (adapters C.3). */
const MARGIN_FRAMES = 11;
const SMALLEST_RING_WITH_MARGIN = 27;
const USB_FRAME_MS = 1;
const UNKNOWN_TRANSIT_MS = 2;

/** A round trip slower than this share of the others counts as a hiccup of the machine: 2 of 20. */
const HICCUP_SHARE = 0.1;

/**
 * The longest of the measured round trips that the path itself makes. Of twenty, the two slowest are left out: one stall
 * of the page at connect would else slow a device without acknowledgements for the whole session, while whatever befalls
 * more than every tenth trip belongs to the path and stays in. The queue does not hang on what is left out: a single
 * late write is made good by the time at which the platform took it (`delayLast`), and by the free margin of the ring.
 */
export function usualRoundTripMs(tripsMs: readonly number[]): number | null {
  const sorted = [...tripsMs].sort((a, b) => a - b);
  return sorted[sorted.length - 1 - Math.floor(sorted.length * HICCUP_SHARE)] ?? null;
}

/**
 * Longest time bytes may need to the device: half the usual round trip. Of the two directions the way in is the slow
 * one (an FTDI chip holds answers back for up to 16 ms and passes commands on at once), so half is an upper bound.
 */
export function transitMsOf(roundTripMs: number | null): number {
  return roundTripMs === null ? UNKNOWN_TRANSIT_MS : Math.max(USB_FRAME_MS, roundTripMs / 2);
}

/** Smaller queues leave the pacer no margin for frames of others. */
const SMALLEST_QUEUE_TO_EXCEED = 16;
/** Beyond the latency: for the write that follows an answer, and the frames of one wake-up (reference: performance 5.2). */
const WINDOW_SPARE_MS = 3;
/** An 8-byte frame with 11 bits and typical stuffing, intermission included. */
const TYPICAL_FRAME_BITS = 116.4;

/**
 * Unacknowledged frames that keep the wire busy until the answers come: 21 at a round trip of 2 ms, 81 at 16 ms, at
 * 500 kbit/s. At least the queue, which that many cannot overflow; it may be more, because the pacer bounds the queue and
 * the others are on their way, or their answers are. A tiny queue stays the limit.
 */
export function windowFramesOf(roundTripMs: number | null, bitRate: number, queueFrames: number): number {
  if (roundTripMs === null || queueFrames < SMALLEST_QUEUE_TO_EXCEED) return queueFrames;
  return Math.max(queueFrames, Math.floor(((roundTripMs + WINDOW_SPARE_MS) * bitRate) / 1000 / TYPICAL_FRAME_BITS));
}

/** Frames that may be ahead of the wire: 16 of 27, 52 of 63, in proportion below. */
export function aheadLimit(queueFrames: number): number {
  if (queueFrames >= SMALLEST_RING_WITH_MARGIN) return queueFrames - MARGIN_FRAMES;
  return Math.max(
    1,
    Math.floor((queueFrames * (SMALLEST_RING_WITH_MARGIN - MARGIN_FRAMES)) / SMALLEST_RING_WITH_MARGIN),
  );
}

/**
 * How many frames the device may be handed without overflowing a queue that drops silently. The bus drains the queue at
 * a rate that is known exactly: the stuffed bits of each frame. Two bounds hold at once:
 *   ahead of the wire, had every frame reached the device at once      ≤ aheadLimit (16 of 27)
 *   ahead of the wire, had every frame needed the longest transit time ≤ queue − 1
 * The second one matters on slow paths, where what was sent over several milliseconds arrives as one burst.
 * Frames of others occupy the bus too: each one seen moves our ends back.
 */
export class TransmitPacer {
  readonly aheadFrames: number;
  readonly #queueFrames: number;
  readonly #transitMs: number;
  readonly #msPerBit: number;
  /** Computed ends of the frames on the wire, a ring; the counters only grow. */
  readonly #endsMs: Float64Array;
  #handed = 0;
  #ended = 0;
  #endedLate = 0;
  #lastEndMs = Number.NEGATIVE_INFINITY;

  constructor(options: { readonly bitRate: number; readonly queueFrames: number; readonly transitMs: number }) {
    this.#queueFrames = Math.max(1, options.queueFrames - 1);
    this.aheadFrames = Math.min(aheadLimit(options.queueFrames), this.#queueFrames);
    this.#transitMs = options.transitMs;
    this.#msPerBit = 1000 / options.bitRate;
    this.#endsMs = new Float64Array(this.#queueFrames + 1);
  }

  /** When the last frame handed over has left the wire, if the bus was ours and it reached the device at once. */
  get lastEndMs(): number {
    return this.#lastEndMs;
  }

  get transitMs(): number {
    return this.#transitMs;
  }

  /** Frames that may be handed over now. */
  room(nowMs: number): number {
    while (this.#ended < this.#handed && this.#end(this.#ended) <= nowMs) this.#ended++;
    while (this.#endedLate < this.#ended && this.#end(this.#endedLate) + this.#transitMs <= nowMs) this.#endedLate++;
    return Math.min(
      this.aheadFrames - (this.#handed - this.#ended),
      this.#queueFrames - (this.#handed - this.#endedLate),
    );
  }

  /**
   * When `frames` (at most `aheadFrames`) will fit. Where the slow path is the limit, a few frames are enough: waiting for
   * half a window would leave the bus idle.
   */
  roomAtMs(frames: number, nowMs: number): number {
    this.room(nowMs);
    const ahead = this.#ended + frames - (this.aheadFrames - (this.#handed - this.#ended)) - 1;
    const few = Math.min(frames, 4);
    const late = this.#endedLate + few - (this.#queueFrames - (this.#handed - this.#endedLate)) - 1;
    return Math.max(
      ahead < this.#ended ? nowMs : this.#end(Math.min(ahead, this.#handed - 1)),
      late < this.#endedLate ? nowMs : this.#end(Math.min(late, this.#handed - 1)) + this.#transitMs,
    );
  }

  /** One frame goes to the device now; `room` said that it fits. */
  handOver(frame: CanFrame, nowMs: number): void {
    this.#lastEndMs = Math.max(this.#lastEndMs, nowMs) + wireBits(frame) * this.#msPerBit;
    this.#endsMs[this.#handed % this.#endsMs.length] = this.#lastEndMs;
    this.#handed++;
  }

  /** The last `frames` frames begin so much later than `handOver` reckoned. */
  delayLast(frames: number, delayMs: number): void {
    const first = this.#handed - frames;
    for (let i = first; i < this.#handed; i++) this.#endsMs[i % this.#endsMs.length] = this.#end(i) + delayMs;
    this.#lastEndMs += delayMs;
    this.#ended = Math.min(this.#ended, first);
    this.#endedLate = Math.min(this.#endedLate, first);
  }

  /** A frame of another node was seen: while it was on the bus, ours waited. */
  foreignFrame(bits: number, nowMs: number): void {
    if (this.#lastEndMs <= nowMs) return;
    const delayMs = bits * this.#msPerBit;
    this.room(nowMs);
    for (let i = this.#ended; i < this.#handed; i++) this.#endsMs[i % this.#endsMs.length] = this.#end(i) + delayMs;
    this.#lastEndMs += delayMs;
  }

  #end(index: number): number {
    return this.#endsMs[index % this.#endsMs.length] ?? 0;
  }
}
