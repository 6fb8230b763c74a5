import { fromHex, toHex } from '#base/hex.ts';
import type { CarData, StoredDtc } from './car-data.ts';

/** All that outlives power: plain data, as the store keeps it. */
export interface CarState {
  readonly carId: string;
  readonly variant: string;
  readonly ecus: Readonly<Record<string, EcuMemory>>;
}

export interface EcuMemory {
  /** Identifier (4 hex digits) → value (hex). What is overwritten is gone. */
  readonly dids: Readonly<Record<string, string>>;
  readonly dtcs: readonly StoredDtc[];
  /** Per security level: wrong keys in a row, and how long (ignition on) it stays locked. */
  readonly security: Readonly<Record<string, SecurityMemory>>;
}

export interface SecurityMemory {
  readonly wrongKeys: number;
  readonly lockedMs: number;
}

export type CarStateChange =
  | { readonly kind: 'dids'; readonly ecu: string; readonly values: Readonly<Record<string, string>> }
  | { readonly kind: 'dtcs'; readonly ecu: string; readonly dtcs: readonly StoredDtc[] }
  | {
      readonly kind: 'security';
      readonly ecu: string;
      readonly level: number;
      readonly wrongKeys: number;
      readonly lockedMs: number;
    }
  | { readonly kind: 'factory'; readonly state: CarState };

/**
 * Where the car's memory lives. `commit` resolves when the change is durable; only then does the ECU answer, so that a
 * kill never shows a car older than what the client was told.
 */
export interface CarStore {
  load(): Promise<CarState | null>;
  /** @throws when the change could not be made durable: the car stops */
  commit(change: CarStateChange): Promise<void>;
}

/** @throws RangeError for an unknown variant */
export function factoryState(data: CarData, variant = 'standard'): CarState {
  const patches = variant === 'standard' ? [] : data.variants[variant];
  if (!patches) throw new RangeError(`no variant ${variant}`);
  const ecus: Record<string, EcuMemory> = {};
  for (const ecu of data.ecus) {
    const dids: Record<string, string> = {};
    for (const [did, { value }] of Object.entries(ecu.dids)) if (value !== undefined) dids[did] = plainHex(value);
    for (const patch of patches)
      if ((patch.ecu === ecu.label || patch.ecu === '*') && dids[patch.did] !== undefined)
        dids[patch.did] = plainHex(patch.value);
    ecus[ecu.label] = { dids, dtcs: ecu.dtcs, security: {} };
  }
  return { carId: data.carId, variant, ecus };
}

/** The state after the change; an ECU the state does not know is ignored. */
export function applyChange(state: CarState, change: CarStateChange): CarState {
  if (change.kind === 'factory') return change.state;
  const memory = state.ecus[change.ecu];
  if (!memory) return state;
  return { ...state, ecus: { ...state.ecus, [change.ecu]: changedMemory(memory, change) } };
}

function changedMemory(memory: EcuMemory, change: Exclude<CarStateChange, { kind: 'factory' }>): EcuMemory {
  switch (change.kind) {
    case 'dids':
      return { ...memory, dids: { ...memory.dids, ...change.values } };
    case 'dtcs':
      return { ...memory, dtcs: change.dtcs };
    case 'security': {
      const entry = { wrongKeys: change.wrongKeys, lockedMs: change.lockedMs };
      return { ...memory, security: { ...memory.security, [String(change.level)]: entry } };
    }
  }
}

/**
 * What a store holds, parsed. Null when it is not this car's memory (other car, other identifiers or lengths, damaged):
 * then the car begins as delivered.
 */
export function parseCarState(data: CarData, stored: unknown): CarState | null {
  if (!isRecord(stored) || stored.carId !== data.carId || !isRecord(stored.ecus)) return null;
  const variant = stored.variant;
  if (typeof variant !== 'string' || (variant !== 'standard' && !Object.hasOwn(data.variants, variant))) return null;
  const ecus: Record<string, EcuMemory> = {};
  const factory = factoryState(data);
  for (const [label, delivered] of Object.entries(factory.ecus)) {
    const memory = parseMemory(delivered, stored.ecus[label]);
    if (!memory) return null;
    ecus[label] = memory;
  }
  return { carId: data.carId, variant, ecus };
}

function parseMemory(delivered: EcuMemory, stored: unknown): EcuMemory | null {
  if (!isRecord(stored) || !isRecord(stored.dids) || !Array.isArray(stored.dtcs) || !isRecord(stored.security))
    return null;
  const dids: Record<string, string> = {};
  for (const [did, factory] of Object.entries(delivered.dids)) {
    const value = stored.dids[did];
    if (typeof value !== 'string' || value.length !== factory.length || !/^[0-9A-F]*$/.test(value)) return null;
    dids[did] = value;
  }
  const dtcs: StoredDtc[] = [];
  for (const entry of stored.dtcs.slice(0, 256) as unknown[]) {
    if (!isRecord(entry) || typeof entry.dtc !== 'string' || !/^[0-9A-F]{6}$/.test(entry.dtc)) return null;
    if (!isCount(entry.status, 255)) return null;
    dtcs.push({ dtc: entry.dtc, status: entry.status });
  }
  const security: Record<string, SecurityMemory> = {};
  for (const [level, entry] of Object.entries(stored.security)) {
    if (!/^\d{1,2}$/.test(level) || !isRecord(entry)) return null;
    const { wrongKeys, lockedMs } = entry;
    if (!isCount(wrongKeys, 255) || !isCount(lockedMs, 1e9)) return null;
    security[level] = { wrongKeys, lockedMs };
  }
  return { dids, dtcs, security };
}

function isCount(value: unknown, highest: number): value is number {
  return typeof value === 'number' && value >= 0 && value <= highest;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function plainHex(text: string): string {
  return toHex(fromHex(text));
}
