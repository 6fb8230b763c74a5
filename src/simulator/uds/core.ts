import type { DecisionStep, EcuData } from '#simulator/car-data.ts';
import type { CarStateChange, EcuMemory } from '#simulator/car-state.ts';

/** What the car does at the moment. */
export interface Conditions {
  readonly volts: number;
  readonly ignition: boolean;
  readonly rpm: number;
  readonly speedKmh: number;
}

/** What an ECU forgets at reset, and partly when it falls back to the default session. */
export interface EcuRam {
  session: number;
  unlockedLevel: number | undefined;
  pendingSeed: { readonly level: number; readonly seed: Uint8Array } | undefined;
  /** Identifiers written since this session began. */
  readonly writtenDids: Set<string>;
  dtcSettingOn: boolean;
  /** Values that are not in lasting memory yet (fault `hold-until-reset`). */
  readonly held: Map<string, { readonly value: string; readonly survives: boolean }>;
}

/** What the services know of their ECU. */
export interface EcuCore {
  readonly data: EcuData;
  readonly ram: EcuRam;
  readonly memory: EcuMemory;
  /** Time since power-on or reset, ms. */
  readonly upMs: number;
  conditions(): Conditions;
  /** The battery as this ECU measures it now, volts (with noise). */
  measureVolts(): number;
  /** How long a security level stays locked, ms (0 = not). */
  lockedMs(level: number): number;
  randomByte(): number;
  /** The value 22 gives now, undefined for an unknown identifier. */
  readDid(did: string): Uint8Array | undefined;
  /** Any 10, S3 timeout: locked again, prelude forgotten; the default session restores 85. */
  enterSession(session: number): void;
}

export interface ServerRequest {
  readonly pdu: Uint8Array;
  readonly sid: number;
  /** Without bit 7; 0 for services that have none. */
  readonly sub: number;
}

/** What happens when a request passed all decisions. */
export interface Outcome {
  readonly answer: Uint8Array;
  /** Durable before the answer. */
  readonly changes?: readonly CarStateChange[];
  /** Time to execute; default the ECU's answer time. */
  readonly durationMs?: number;
  /** What changes in RAM, after the commit and before the answer. */
  readonly apply?: () => void;
  readonly resets?: boolean;
}

/** One decision: the NRC to refuse with, or undefined to go on. */
export type Check = (request: ServerRequest, ecu: EcuCore) => number | undefined;

export interface ServerService {
  readonly sid: number;
  readonly sessions: readonly number[];
  /** Absent = the service has no sub-function byte. */
  readonly subFunctions?: (ecu: EcuCore) => readonly number[];
  readonly minLengthBytes: number;
  readonly checks?: Partial<Record<Exclude<DecisionStep, 'service' | 'session' | 'min-length'>, Check>>;
  execute(request: ServerRequest, ecu: EcuCore): Outcome;
}

export function didText(high: number | undefined, low: number | undefined): string {
  return (((high ?? 0) << 8) | (low ?? 0)).toString(16).toUpperCase().padStart(4, '0');
}
