import { arbitrationKey, type CanFrame, frameBits, INTERMISSION_BITS } from './frame-bits.ts';
import type { Kernel } from './kernel.ts';

/** One frame as it was on the wire. `endMs` is the end of its end-of-frame field; intermission follows. */
export interface BusFrame {
  readonly frame: CanFrame;
  readonly startMs: number;
  readonly endMs: number;
  readonly from: BusPort;
}

export type BusListener = (event: BusFrame) => void;

interface Outgoing {
  readonly frame: CanFrame;
  readonly onSent: ((endMs: number) => void) | undefined;
}

/** One node's controller: its frames leave in order, when they win the bus. */
export class BusPort {
  readonly #bus: CanBus;
  /** Takes part at all: powered, at the bus's bit rate, not listen-only. Such nodes acknowledge what others send. */
  readonly active: () => boolean;
  readonly queue: Outgoing[] = [];

  constructor(bus: CanBus, active: () => boolean) {
    this.#bus = bus;
    this.active = active;
  }

  /** Frames that wait or are on the wire. */
  get queued(): number {
    return this.queue.length;
  }

  send(frame: CanFrame, onSent?: (endMs: number) => void): void {
    this.queue.push({ frame, onSent });
    this.#bus.wake();
  }

  /** Drops what waits; a frame already on the wire is finished, but nobody is told. */
  clear(): void {
    this.queue.length = 0;
  }

  detach(): void {
    this.clear();
    this.#bus.remove(this);
  }
}

/**
 * A CAN bus with time: one frame at a time, the lowest identifier first, each as long as its stuffed bits at the bit
 * rate. Without a second active node nobody acknowledges, and frames stay where they are.
 */
export class CanBus {
  readonly bitRate: number;
  readonly #kernel: Kernel;
  readonly #ports: BusPort[] = [];
  readonly #byId = new Map<number, BusListener[]>();
  readonly #taps: BusListener[] = [];
  #idleFromMs = Number.NEGATIVE_INFINITY;
  #busy = false;
  #arbitrationSet = false;

  constructor(kernel: Kernel, bitRate: number) {
    this.#kernel = kernel;
    this.bitRate = bitRate;
  }

  attach(active: () => boolean): BusPort {
    const port = new BusPort(this, active);
    this.#ports.push(port);
    return port;
  }

  remove(port: BusPort): void {
    const at = this.#ports.indexOf(port);
    if (at >= 0) this.#ports.splice(at, 1);
  }

  /** Hears frames with this 11-bit or 29-bit identifier at their end. */
  listen(id: number, extended: boolean, listener: BusListener): () => void {
    const key = extended ? id + 0x20000000 : id;
    const listeners = this.#byId.get(key) ?? [];
    listeners.push(listener);
    this.#byId.set(key, listeners);
    return () => drop(listeners, listener);
  }

  /** Hears every frame at its end, before the ECUs. */
  tap(listener: BusListener): () => void {
    this.#taps.push(listener);
    return () => drop(this.#taps, listener);
  }

  /** Something may have become sendable: a frame was queued, a node woke up. */
  wake(): void {
    if (this.#busy || this.#arbitrationSet) return;
    this.#arbitrationSet = true;
    // An event of its own, so that all that is queued at this instant takes part.
    this.#kernel.at(Math.max(this.#kernel.nowMs, this.#idleFromMs), () => this.#arbitrate());
  }

  #arbitrate(): void {
    this.#arbitrationSet = false;
    let winner: BusPort | undefined;
    let best = Number.POSITIVE_INFINITY;
    let activeNodes = 0;
    for (const port of this.#ports) {
      if (!port.active()) continue;
      activeNodes++;
      const head = port.queue[0];
      if (!head) continue;
      const key = arbitrationKey(head.frame);
      if (key >= best) continue;
      best = key;
      winner = port;
    }
    const outgoing = winner?.queue[0];
    if (!winner || !outgoing || activeNodes < 2) return;
    this.#transmit(winner, outgoing);
  }

  #transmit(from: BusPort, outgoing: Outgoing): void {
    const bitMs = 1000 / this.bitRate;
    const startMs = this.#kernel.nowMs;
    const endMs = startMs + frameBits(outgoing.frame) * bitMs;
    this.#busy = true;
    this.#kernel.at(endMs, () => {
      this.#busy = false;
      this.#idleFromMs = endMs + INTERMISSION_BITS * bitMs;
      const stillThere = from.queue[0] === outgoing;
      if (stillThere) from.queue.shift();
      this.#deliver({ frame: outgoing.frame, startMs, endMs, from });
      if (stillThere) outgoing.onSent?.(endMs);
      this.wake();
    });
  }

  #deliver(event: BusFrame): void {
    for (const listener of this.#taps) listener(event);
    const { id, extended } = event.frame;
    for (const listener of this.#byId.get(extended ? id + 0x20000000 : id) ?? []) listener(event);
  }
}

function drop(listeners: BusListener[], listener: BusListener): void {
  const at = listeners.indexOf(listener);
  if (at >= 0) listeners.splice(at, 1);
}
