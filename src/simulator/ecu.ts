import { fromHex } from '#base/hex.ts';
import type { FaultEffect } from '#contract/simulator-control.ts';
import type { CanBus } from './can-bus.ts';
import type { EcuData } from './car-data.ts';
import type { CarStateChange, EcuMemory } from './car-state.ts';
import { Exchange } from './exchange.ts';
import { effectOf } from './faults.ts';
import { IsoTpServer, PLAIN_ISOTP } from './isotp-server.ts';
import type { Kernel } from './kernel.ts';
import type { Conditions, EcuCore, EcuRam, ServerRequest } from './uds/core.ts';
import { decide, SILENT_WHEN_FUNCTIONAL, serviceOf } from './uds/decide.ts';

/** What an ECU needs of its car. */
export interface EcuSurroundings {
  readonly kernel: Kernel;
  readonly bus: CanBus;
  conditions(): Conditions;
  measureVolts(): number;
  /** 0 ≤ value < 1, from the car's seed. */
  random(): number;
  /** Time with ignition on since the car was built, ms. */
  ignitionMs(): number;
  powered(): boolean;
  memoryOf(label: string): EcuMemory;
  /** Durable when it resolves. */
  commit(change: CarStateChange): Promise<void>;
  matchFaults(label: string, head: Uint8Array): readonly FaultEffect[];
  /** Effects beyond this ECU: conditions, other nodes, the adapter's line. */
  carEffect(effect: FaultEffect): void;
  pullAdapter(): void;
  powerCut(offMs: number): Promise<void>;
  note(event: EcuEvent): void;
}

export type EcuEvent =
  | {
      readonly type: 'request' | 'answer';
      readonly ecu: string;
      readonly atMs: number;
      readonly pdu: Uint8Array;
      readonly functional: boolean;
    }
  | { readonly type: 'reset' | 'session'; readonly ecu: string; readonly atMs: number };

const WITHOUT_RESPONSE = 0x80;

/** One control unit: power, sessions, memory and the order in which it answers. */
export class Ecu implements EcuCore {
  readonly data: EcuData;
  readonly ram: EcuRam = {
    session: 1,
    unlockedLevel: undefined,
    pendingSeed: undefined,
    writtenDids: new Set(),
    dtcSettingOn: true,
    held: new Map(),
  };
  readonly isotp: IsoTpServer<readonly FaultEffect[]>;
  readonly around: EcuSurroundings;
  /** Grows with each reset; what was begun before is void. */
  era = 0;
  /** The exchange that runs; others are refused meanwhile. */
  running: Exchange | undefined;
  #awakeFromMs = 0;
  #upSinceMs: number;
  #lastActivityMs = 0;
  #lockedUntilIgnitionMs = new Map<number, number>();
  #unstableReads = 0;

  constructor(data: EcuData, around: EcuSurroundings) {
    this.data = data;
    this.around = around;
    this.#upSinceMs = around.kernel.nowMs;
    this.restoreLocks();
    this.isotp = new IsoTpServer(around.kernel, around.bus, data, {
      listening: () => this.awake,
      begins: (head) => this.#begins(head),
      received: (pdu, functional, effects) => this.#received(pdu, functional, effects),
    });
  }

  get label(): string {
    return this.data.label;
  }
  get memory(): EcuMemory {
    return this.around.memoryOf(this.data.label);
  }
  get nowMs(): number {
    return this.around.kernel.nowMs;
  }
  get upMs(): number {
    return this.nowMs - this.#upSinceMs;
  }
  /** Powered and through with its start: hears the bus. */
  get awake(): boolean {
    return this.around.powered() && this.nowMs >= this.#awakeFromMs - 1e-6;
  }
  /** The diagnostic session, after S3 has been looked at. */
  get session(): number {
    this.#expireSession();
    return this.ram.session;
  }

  conditions(): Conditions {
    return this.around.conditions();
  }
  measureVolts(): number {
    return this.around.measureVolts();
  }
  randomByte(): number {
    return Math.floor(this.around.random() * 256);
  }
  /** Grows with each call (fault `unstable-byte`). */
  countRead(): number {
    return ++this.#unstableReads;
  }

  lockedMs(level: number): number {
    return Math.max(0, (this.#lockedUntilIgnitionMs.get(level) ?? 0) - this.around.ignitionMs());
  }

  /** Takes the delays as the memory holds them; they run on with the ignition. */
  restoreLocks(): void {
    this.#lockedUntilIgnitionMs.clear();
    for (const [level, { lockedMs }] of Object.entries(this.memory.security))
      if (lockedMs > 0) this.#lockedUntilIgnitionMs.set(Number(level), this.around.ignitionMs() + lockedMs);
  }

  /** What is left of the delays, to be stored when power goes. */
  locksToStore(): CarStateChange[] {
    return [...this.#lockedUntilIgnitionMs.keys()].map((level) => ({
      kind: 'security',
      ecu: this.label,
      level,
      wrongKeys: this.memory.security[String(level)]?.wrongKeys ?? 0,
      lockedMs: Math.round(this.lockedMs(level)),
    }));
  }

  readDid(did: string): Uint8Array | undefined {
    const { source } = this.data.dids[did] ?? {};
    const { rpm, speedKmh } = this.conditions();
    switch (source) {
      case 'session':
        return Uint8Array.of(this.ram.session);
      case 'supply-mv':
        return word(this.measureVolts() * 1000);
      case 'engine-speed':
        return word(rpm * 4);
      case 'vehicle-speed':
        return Uint8Array.of(Math.min(255, Math.round(speedKmh)));
      case undefined: {
        const value = this.ram.held.get(did)?.value ?? this.memory.dids[did];
        return value === undefined ? undefined : fromHex(value);
      }
    }
  }

  enterSession(session: number): void {
    const { ram } = this;
    ram.session = session;
    ram.unlockedLevel = undefined;
    ram.pendingSeed = undefined;
    ram.writtenDids.clear();
    if (session === 1) ram.dtcSettingOn = true;
    this.around.note({ type: 'session', ecu: this.label, atMs: this.nowMs });
  }

  /** Commits and takes what follows from it. */
  async store(changes: readonly CarStateChange[]): Promise<void> {
    for (const change of changes) {
      await this.around.commit(change);
      if (change.kind === 'security')
        this.#lockedUntilIgnitionMs.set(change.level, this.around.ignitionMs() + change.lockedMs);
      if (change.kind === 'dids') for (const did of Object.keys(change.values)) this.ram.held.delete(did);
    }
  }

  /** RAM is gone; hears nothing for `silentMs`. */
  reset(silentMs: number): void {
    const { kernel } = this.around;
    this.era++;
    this.running = undefined;
    this.isotp.clear();
    this.ram.held.clear();
    this.enterSession(1);
    this.#upSinceMs = kernel.nowMs;
    this.mute(silentMs);
    this.around.note({ type: 'reset', ecu: this.label, atMs: kernel.nowMs });
  }

  /** Hears nothing for this long, but keeps its state. */
  mute(forMs: number): void {
    const { kernel, bus } = this.around;
    this.#awakeFromMs = Math.max(this.#awakeFromMs, this.nowMs + forMs);
    this.isotp.clear();
    kernel.at(this.#awakeFromMs, () => bus.wake());
  }

  /** Wakes at once: the car leaves the workshop as delivered. */
  wakeNow(): void {
    this.#awakeFromMs = this.nowMs;
    this.around.bus.wake();
  }

  /** S3 starts anew. */
  touch(): void {
    this.#lastActivityMs = this.nowMs;
  }

  #begins(head: Uint8Array) {
    this.#expireSession();
    this.touch();
    const note = this.around.matchFaults(this.label, head);
    return { quirks: this.quirksFor(note), note };
  }

  #expireSession(): void {
    if (this.ram.session === 1 || this.running) return;
    if (this.nowMs - this.#lastActivityMs > this.data.s3Ms) this.enterSession(1);
  }

  #received(pdu: Uint8Array, functional: boolean, effects: readonly FaultEffect[]): void {
    this.#expireSession();
    this.touch();
    const { kernel } = this.around;
    this.around.note({ type: 'request', ecu: this.label, atMs: kernel.nowMs, pdu, functional });
    for (const effect of effects) this.around.carEffect(effect);
    if (effectOf(effects, 'unplug')?.at === 'request') this.around.pullAdapter();
    const log = effectOf(effects, 'log-dtc');
    if (log) kernel.at(kernel.nowMs, () => this.logDtc(log.dtc, log.status));
    const mute = effectOf(effects, 'mute');
    if (mute) this.mute(mute.forMs);
    const silent = effectOf(effects, 'no-answer');
    if (mute || silent?.executes === false || !this.awake) return;
    const foreign = effectOf(effects, 'foreign-answer');
    if (foreign) this.#later(foreign.leadMs, () => this.isotp.send(fromHex(foreign.pdu), this.quirksFor(effects)));
    this.#serve(pdu, functional, effects);
  }

  #serve(pdu: Uint8Array, functional: boolean, effects: readonly FaultEffect[]): void {
    const sid = pdu[0] ?? 0;
    const hasSub = serviceOf(sid)?.subFunctions !== undefined;
    const second = hasSub ? (pdu[1] ?? 0) : 0;
    const request: ServerRequest = { pdu, sid, sub: second & ~WITHOUT_RESPONSE };
    const suppressed = (second & WITHOUT_RESPONSE) !== 0;
    if (this.running) {
      // Tester present is heard beside a running request.
      if (!(sid === 0x3e && suppressed) && !functional && this.data.whileBusy === 'refuse')
        this.isotp.send(Uint8Array.of(0x7f, sid, 0x21), this.quirksFor(effects));
      return;
    }
    const nrc = effectOf(effects, 'negative')?.nrc ?? decide(request, this);
    const outcome = nrc === undefined ? serviceOf(sid)?.execute(request, this) : undefined;
    const answer = outcome ?? { answer: Uint8Array.of(0x7f, sid, nrc ?? 0x10) };
    const exchange = new Exchange(this, { request, functional, suppressed, effects, outcome: answer });
    this.running = exchange;
    exchange.begin();
  }

  /** Whether an answer is kept to itself; after a 78 it is always sent. */
  isSilent(answer: Uint8Array, functional: boolean, suppressed: boolean): boolean {
    if (answer[0] !== 0x7f) return suppressed;
    return functional && SILENT_WHEN_FUNCTIONAL.has(answer[2] ?? 0);
  }

  quirksFor(effects: readonly FaultEffect[]) {
    return { ...PLAIN_ISOTP, ...this.data.isotp, ...effectOf(effects, 'isotp')?.quirks };
  }

  /** Stores a fault memory entry unless 85 02 switched that off. */
  async logDtc(dtc: string, status: number): Promise<void> {
    if (!this.ram.dtcSettingOn) return;
    const others = this.memory.dtcs.filter((entry) => entry.dtc !== dtc);
    await this.store([{ kind: 'dtcs', ecu: this.label, dtcs: [...others, { dtc, status }] }]);
  }

  #later(delayMs: number, run: () => void): void {
    const { era } = this;
    this.around.kernel.after(delayMs, () => {
      if (era === this.era && this.awake) run();
    });
  }
}

function word(value: number): Uint8Array {
  const whole = Math.max(0, Math.min(0xffff, Math.round(value)));
  return Uint8Array.of(whole >> 8, whole & 0xff);
}
