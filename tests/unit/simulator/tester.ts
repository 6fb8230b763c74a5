import { fromHex, toHexSpaced } from '#base/hex.ts';
import type { FaultScript } from '#contract/simulator-control.ts';
import type { BusFrame, BusPort } from '#simulator/can-bus.ts';
import { VirtualCar } from '#simulator/car.ts';
import type { CarData } from '#simulator/car-data.ts';
import type { CarStore } from '#simulator/car-state.ts';
import { V1 } from '#simulator/cars/v1.ts';
import { MemoryCarStore } from '#simulator/memory-store.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

/** A tester clipped to the bus, with the least ISO-TP that works. It shares nothing with the car's or the client's. */
export class Tester {
  /** Every frame of the bus: `778  06 50 03 …`. */
  readonly frames: string[] = [];
  readonly events: BusFrame[] = [];
  /** Frames of this tester; FC it answers first frames with. */
  flowControl = '30 00 00';
  readonly clock: VirtualClock;
  readonly car: VirtualCar;
  readonly store: MemoryCarStore;
  readonly #port: BusPort;
  readonly #pdus: { id: number; pdu: string; atMs: number }[] = [];
  readonly #open = new Map<number, { length: number; bytes: number[]; sn: number }>();
  #rest: { id: number; bytes: Uint8Array; at: number; sn: number } | undefined;

  constructor(clock: VirtualClock, car: VirtualCar, store: MemoryCarStore) {
    this.clock = clock;
    this.car = car;
    this.store = store;
    this.#port = car.bus.attach(() => true);
    car.bus.tap((event) => this.#hear(event));
  }

  /** Sends a PDU to an ECU (label) or an id, lets `waitMs` pass, gives all PDUs that came. */
  async ask(to: string | number, pdu: string, waitMs = 100): Promise<string[]> {
    this.#pdus.length = 0;
    this.send(typeof to === 'number' ? to : this.car.ecu(to).data.requestId, pdu);
    await this.clock.advance(waitMs);
    return this.#pdus.map((entry) => entry.pdu);
  }

  /** As `ask`, with the response id before each PDU. */
  async askAll(id: number, pdu: string, waitMs = 100): Promise<string[]> {
    await this.ask(id, pdu, waitMs);
    return this.#pdus.map((entry) => `${entry.id.toString(16).toUpperCase()}: ${entry.pdu}`);
  }

  send(id: number, pdu: string): void {
    const bytes = fromHex(pdu);
    if (bytes.length <= 7) {
      this.raw(id, Uint8Array.of(bytes.length, ...bytes));
      return;
    }
    this.#rest = { id, bytes, at: 6, sn: 1 };
    this.raw(id, Uint8Array.of(0x10 | (bytes.length >> 8), bytes.length & 0xff, ...bytes.subarray(0, 6)));
  }

  raw(id: number, data: Uint8Array): void {
    const padded = new Uint8Array(8).fill(0x55);
    padded.set(data);
    this.#port.send({ id, extended: false, rtr: false, data: padded });
  }

  #hear(event: BusFrame): void {
    const { id, data } = event.frame;
    this.events.push(event);
    this.frames.push(`${id.toString(16).toUpperCase()}  ${toHexSpaced(data)}`);
    if (event.from === this.#port || data.length === 0) return;
    const [first = 0, second = 0] = data;
    if (first >> 4 === 0) this.#got(id, data.subarray(1, 1 + first), event.endMs);
    else if (first >> 4 === 1) {
      this.#open.set(id, { length: ((first & 15) << 8) | second, bytes: [...data.subarray(2)], sn: 1 });
      const ecu = this.car.ecus.find((candidate) => candidate.data.responseId === id);
      if (ecu && this.flowControl) this.raw(ecu.data.requestId, fromHex(this.flowControl));
    } else if (first >> 4 === 2) this.#consecutive(id, data, event.endMs);
    else if (first >> 4 === 3 && (first & 15) === 0) this.#goOn(second);
  }

  #consecutive(id: number, data: Uint8Array, atMs: number): void {
    const open = this.#open.get(id);
    if (!open) return;
    if (((data[0] ?? 0) & 15) !== open.sn) {
      this.#open.delete(id);
      return;
    }
    open.sn = (open.sn + 1) & 15;
    open.bytes.push(...data.subarray(1));
    if (open.bytes.length < open.length) return;
    this.#open.delete(id);
    this.#got(id, Uint8Array.from(open.bytes.slice(0, open.length)), atMs);
  }

  #goOn(blockSize: number): void {
    const rest = this.#rest;
    if (!rest) return;
    for (let i = 0; rest.at < rest.bytes.length && (blockSize === 0 || i < blockSize); i++) {
      this.raw(rest.id, Uint8Array.of(0x20 | rest.sn, ...rest.bytes.subarray(rest.at, rest.at + 7)));
      rest.at += 7;
      rest.sn = (rest.sn + 1) & 15;
    }
    if (rest.at >= rest.bytes.length) this.#rest = undefined;
  }

  #got(id: number, pdu: Uint8Array, atMs: number): void {
    this.#pdus.push({ id, pdu: toHexSpaced(pdu), atMs });
  }
}

export async function onBench(
  options: { data?: CarData; faults?: FaultScript; store?: MemoryCarStore; seed?: number; other?: CarStore } = {},
): Promise<Tester> {
  const clock = new VirtualClock();
  const store = options.store ?? new MemoryCarStore();
  const car = await VirtualCar.create({
    data: options.data ?? V1,
    store: options.other ?? store,
    clock,
    seed: options.seed ?? 1,
    ...(options.faults ? { faults: options.faults } : {}),
  });
  return new Tester(clock, car, store);
}

/** The prelude and the extended session that a coding block wants. */
export async function prepare(tester: Tester, label: string): Promise<void> {
  await tester.ask(label, '10 03');
  await tester.ask(label, '2E F1 99 26 11 22');
  await tester.ask(label, '2E F1 98 00 00 03 78 1F D7');
}

export const BCM_OLD = '09 19 00 12 24 26 00 0E 30 04 A8 00 40 10 00 00 8A 02 00 5C 00 00 01 33 00 80 00 00 00 12';
export const BCM_NEW = '09 19 00 16 24 26 00 0E 30 04 A8 00 40 10 00 00 8A 02 00 5C 00 00 01 33 00 80 00 00 00 12';
