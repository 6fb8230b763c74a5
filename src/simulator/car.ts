import type { Clock } from '#base/clock.ts';
import { fromHex } from '#base/hex.ts';
import { type Random, seededRandom } from '#base/random.ts';
import { StackError } from '#contract/errors.ts';
import type { FaultEffect, FaultScript, IsoTpQuirks } from '#contract/simulator-control.ts';
import { CanBus } from './can-bus.ts';
import type { CarData } from './car-data.ts';
import { applyChange, type CarState, type CarStateChange, type CarStore, factoryState } from './car-state.ts';
import { Ecu, type EcuEvent } from './ecu.ts';
import { FaultEngine } from './faults.ts';
import { Kernel } from './kernel.ts';
import type { Conditions } from './uds/core.ts';

export interface CarOptions {
  readonly data: CarData;
  readonly store: CarStore;
  readonly clock: Clock;
  /** Seed of all chance in the car: seeds of 27, jitter, noise of the battery. Default 1. */
  readonly seed?: number;
  readonly faults?: FaultScript;
  readonly conditions?: Partial<Conditions>;
  /** Variant of a car that has no memory yet. Default `standard`. */
  readonly variant?: string;
  /** Added to each ECU's own ISO-TP quirks. */
  readonly isotp?: Partial<IsoTpQuirks>;
  /** Other than the car's own, for measurements. */
  readonly bitRate?: CarData['bitRate'];
  readonly quantumMs?: number;
  readonly minSleepMs?: number;
  /** The car stopped because its store failed. Without it the error is thrown where nobody catches it. */
  readonly onError?: (error: unknown) => void;
}

export type CarEvent =
  | EcuEvent
  | { readonly type: 'commit'; readonly atMs: number; readonly change: CarStateChange }
  | { readonly type: 'conditions'; readonly conditions: Conditions }
  /** A fault pulls every adapter, restarts it or disturbs its line. */
  | { readonly type: 'unplug' | 'adapter-reset' }
  | { readonly type: 'line-error'; readonly name: Extract<FaultEffect, { kind: 'line-error' }>['name'] };

/** A supply with everything off and a charged battery. */
const QUIET: Conditions = { volts: 12.6, ignition: true, rpm: 0, speedKmh: 0 };
/** Noise of a measured voltage, to both sides. */
const VOLTS_NOISE = 0.03;

/** A car on a bench: its bus, its ECUs, its battery, its memory, and the faults that are switched on. */
export class VirtualCar {
  readonly kernel: Kernel;
  readonly bus: CanBus;
  readonly data: CarData;
  readonly faults: FaultEngine;
  readonly ecus: readonly Ecu[];
  readonly #store: CarStore;
  readonly #random: Random;
  readonly #listeners = new Set<(event: CarEvent) => void>();
  /** Who waits for an event of the car: told when it stops. */
  readonly #waiting = new Set<(error: StackError) => void>();
  #state: CarState;
  #conditions: Conditions;
  #powered: boolean;
  #ignitionMs = 0;
  #ignitionSinceMs: number;

  /** Loads the car's memory, or sets it up as delivered. @throws StackError of the store */
  static async create(options: CarOptions): Promise<VirtualCar> {
    const { store, data } = options;
    let state = await store.load();
    if (!state) {
      state = factoryState(data, options.variant);
      await store.commit({ kind: 'factory', state });
    }
    return new VirtualCar(options, state);
  }

  private constructor(options: CarOptions, state: CarState) {
    const { data, clock } = options;
    this.data = data;
    this.#store = options.store;
    this.#state = state;
    this.#random = seededRandom(options.seed ?? 1);
    this.kernel = new Kernel(clock, {
      ...(options.quantumMs === undefined ? {} : { quantumMs: options.quantumMs }),
      ...(options.minSleepMs === undefined ? {} : { minSleepMs: options.minSleepMs }),
      onError: (error) => {
        this.close();
        if (!options.onError) throw error;
        options.onError(error);
      },
    });
    this.bus = new CanBus(this.kernel, options.bitRate ?? data.bitRate);
    this.faults = new FaultEngine(seededRandom((options.seed ?? 1) ^ 0x5eed));
    this.faults.set(options.faults ?? []);
    this.#conditions = { ...QUIET, ...options.conditions };
    this.#powered = this.#conditions.ignition;
    this.#ignitionSinceMs = this.kernel.nowMs;
    const around = {
      kernel: this.kernel,
      bus: this.bus,
      conditions: () => this.#conditions,
      measureVolts: () => this.measureVolts(),
      random: () => this.#random.next(),
      ignitionMs: () => this.ignitionMs,
      powered: () => this.#powered,
      memoryOf: (label: string) => this.#memory(label),
      commit: (change: CarStateChange) => this.#commit(change),
      matchFaults: (label: string, head: Uint8Array) => this.faults.match(label, head),
      carEffect: (effect: FaultEffect) => this.#carEffect(effect),
      pullAdapter: () => this.#emit({ type: 'unplug' }),
      powerCut: (offMs: number) => this.#cut(offMs),
      note: (event: CarEvent) => this.#emit(event),
    };
    this.ecus = data.ecus.map((ecu) => new Ecu({ ...ecu, isotp: { ...ecu.isotp, ...options.isotp } }, around));
  }

  get state(): CarState {
    return this.#state;
  }

  get conditions(): Conditions {
    return this.#conditions;
  }

  /** Ignition on since the car was built, ms. */
  get ignitionMs(): number {
    return this.#ignitionMs + (this.#powered ? this.kernel.nowMs - this.#ignitionSinceMs : 0);
  }

  /** @throws RangeError for an unknown label */
  ecu(label: string): Ecu {
    const ecu = this.ecus.find((candidate) => candidate.label === label);
    if (!ecu) throw new RangeError(`no ECU ${label}`);
    return ecu;
  }

  /** What lasting memory holds: bytes of an identifier. @throws RangeError for an unknown ECU or identifier */
  memory(label: string, did: string): Uint8Array {
    const value = this.#memory(label).dids[did];
    if (value === undefined) throw new RangeError(`${label} has no ${did}`);
    return fromHex(value);
  }

  measureVolts(): number {
    return this.#conditions.volts + (this.#random.next() * 2 - 1) * VOLTS_NOISE;
  }

  onEvent(listener: (event: CarEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Changes what the car does; resolves when the car has taken it (ignition off is stored first).
   * @throws StackError `store/unavailable` when the car has stopped
   */
  set(conditions: Partial<Conditions>): Promise<void> {
    return this.#inCar(() => this.#applyConditions(conditions));
  }

  /** The whole car without power for this long; RAM is lost. */
  powerCut(offMs: number): Promise<void> {
    return this.#inCar(() => this.#cut(offMs));
  }

  /** As delivered, at once. @throws RangeError for an unknown variant */
  factoryReset(variant = 'standard'): Promise<void> {
    const state = factoryState(this.data, variant);
    return this.#inCar(async () => {
      await this.#commit({ kind: 'factory', state });
      for (const ecu of this.ecus) {
        ecu.reset(0);
        ecu.restoreLocks();
        ecu.wakeNow();
      }
    });
  }

  /** Nothing of it runs any more. */
  close(): void {
    this.kernel.close();
    this.#listeners.clear();
    for (const tell of this.#waiting) tell(stopped());
    this.#waiting.clear();
  }

  /** Runs as an event of the car, so that it never falls between a commit and its answer. */
  #inCar(work: () => void | Promise<void>): Promise<void> {
    if (this.kernel.closed) return Promise.reject(stopped());
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      this.kernel.at(this.kernel.arrivalMs, async () => {
        try {
          await work();
          resolve();
        } catch (error) {
          reject(error);
          throw error; // half done: the car stops
        } finally {
          this.#waiting.delete(reject);
        }
      });
    });
  }

  async #applyConditions(change: Partial<Conditions>): Promise<void> {
    const before = this.#conditions;
    this.#conditions = { ...before, ...change };
    this.#emit({ type: 'conditions', conditions: this.#conditions });
    if (before.ignition && !this.#conditions.ignition) await this.#powerOff();
    if (!before.ignition && this.#conditions.ignition) this.#powerOn();
  }

  async #powerOff(): Promise<void> {
    if (!this.#powered) return;
    this.#ignitionMs = this.ignitionMs;
    this.#powered = false;
    for (const ecu of this.ecus) {
      ecu.reset(0);
      for (const change of ecu.locksToStore()) await this.#commit(change);
    }
  }

  #powerOn(): void {
    if (this.#powered) return;
    this.#powered = true;
    this.#ignitionSinceMs = this.kernel.nowMs;
    for (const ecu of this.ecus) ecu.reset(ecu.data.resetSilentMs);
  }

  async #cut(offMs: number): Promise<void> {
    await this.#powerOff();
    this.kernel.after(offMs, () => {
      if (this.#conditions.ignition) this.#powerOn();
    });
  }

  #carEffect(effect: FaultEffect): void {
    const { kernel } = this;
    if (effect.kind === 'conditions') {
      const { kind: _, ...change } = effect;
      kernel.at(kernel.nowMs, () => this.#applyConditions(change));
    } else if (effect.kind === 'line-error') {
      this.#emit({ type: 'line-error', name: effect.name });
    } else if (effect.kind === 'adapter-reset') {
      this.#emit({ type: 'adapter-reset' });
    } else if (effect.kind === 'other-responder') {
      kernel.after(effect.delayMs, () => this.#guestFrame(effect));
    }
  }

  /** A frame of a node that is not one of the car's ECUs. */
  #guestFrame(effect: Extract<FaultEffect, { kind: 'other-responder' }>): void {
    const guest = this.bus.attach(() => true);
    const frame = { id: effect.canId, extended: effect.extended, rtr: false, data: fromHex(effect.data) };
    guest.send(frame, () => guest.detach());
  }

  #memory(label: string) {
    const memory = this.#state.ecus[label];
    if (!memory) throw new RangeError(`no ECU ${label}`);
    return memory;
  }

  async #commit(change: CarStateChange): Promise<void> {
    await this.#store.commit(change);
    this.#state = applyChange(this.#state, change);
    this.#emit({ type: 'commit', atMs: this.kernel.nowMs, change });
  }

  #emit(event: CarEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

function stopped(): StackError {
  return new StackError('store/unavailable', 'the virtual car has stopped', { reason: 'stopped' });
}
