import type { Clock } from '#base/clock.ts';
import type { AdapterJob, AdapterVerdict } from '#contract/adapter.ts';
import type { VoltageReading } from '#contract/backup.ts';
import type { Definition, DefinitionPack, FunctionalAddress } from '#contract/definition.ts';
import type { DiagClient, DiagTiming, FunctionalClient, KeyProvider } from '#contract/diagnostics.ts';
import type { IsoTpAddress, ModuleId } from '#contract/isotp.ts';
import type { OperationEventBody } from '#contract/operation.ts';
import type { PermitVerifier } from '#contract/permit.ts';
import type { Settings } from '#contract/records.ts';
import type { ModuleView, VehicleView } from '#contract/vehicle-api.ts';
import type { Stores } from '#procedures/ports.ts';

/** The car as the stack reaches it. Hands out diag clients, never a link or channel. */
export interface VehicleLink {
  readonly simulated: boolean;
  /** The one client of a module; the same object until `release`. */
  client(address: IsoTpAddress, options?: ClientOptions): Promise<DiagClient>;
  functional(address: FunctionalAddress): Promise<FunctionalClient>;
  /** Closes the client of a module, so that the next one starts afresh. */
  release(moduleId: ModuleId): Promise<void>;
  /** Frames seen on the bus since it was opened: "is there any traffic?" */
  framesSeen(): number;
  /** Somebody else asked a module of this car within the last minute (fault T10). */
  foreignTester(): boolean;
  /** What the adapter in between may do, as far as it is proven; the host asks before every plan and every run. */
  verdict(job: AdapterJob): AdapterVerdict;
  /** The adapter's own voltage, where it can measure. */
  readonly supply: { readVolts(): Promise<number>; readonly errorVolts: number } | null;
}

export interface ClientOptions {
  readonly timing?: Partial<DiagTiming>;
  /** Filler byte; null = none; absent = the default. */
  readonly padding?: number | null;
}

/** How the joined stack makes links out of an adapter: given the verifier that its clients must ask. */
export type VehicleLinkFactory = (verifier: PermitVerifier) => VehicleLink;

/** Names of Web Locks (design 2, I2); the worker brings the browser's, tests bring their own. */
export interface Locks {
  /** Runs the work while the lock is held; null without running it when somebody else has it. */
  withLock<T>(name: 'job' | 'adapter', work: () => Promise<T>): Promise<{ readonly value: T } | null>;
}

export interface ProcedureContext {
  readonly clock: Clock;
  readonly stores: Stores;
  readonly link: VehicleLink;
  readonly packs: readonly DefinitionPack[];
  readonly settings: Settings;
  readonly toolVersion: string;
  /** Aborted by a cancel that the current phase's policy lets through. */
  readonly signal: AbortSignal;
  readonly operationId: string;
  readonly vehicle: VehicleMemory;
  emit(event: OperationEventBody): void;
  /** Voltage now, for a job on this module: never measured by the module itself. */
  readVoltage(besides: ModuleId | null): Promise<VoltageReading>;
  keyProvider(id: string): KeyProvider | null;
  newId(): string;
}

/** What is known of the connected car: written by procedures, shown by the page. */
export interface VehicleMemory {
  readonly view: VehicleView | null;
  begin(view: VehicleView): void;
  update(patch: Partial<Omit<VehicleView, 'modules'>>): void;
  put(module: ModuleView): void;
  module(moduleId: ModuleId): ModuleView | null;
}

export function findDefinition(
  packs: readonly DefinitionPack[],
  packId: string,
  definitionId: string,
): Definition | null {
  return (
    packs.find((pack) => pack.id === packId)?.definitions.find((definition) => definition.id === definitionId) ?? null
  );
}

/** The definition of a module as matched, exact or near; null when there is none. */
export function definitionOf(packs: readonly DefinitionPack[], module: ModuleView): Definition | null {
  const match = module.identity?.match;
  return match === undefined || match.kind === 'none' ? null : findDefinition(packs, match.packId, match.definitionId);
}

export function clientOptionsOf(definition: Definition | null): ClientOptions {
  if (definition === null) return {};
  return {
    ...(definition.timing ? { timing: definition.timing } : {}),
    ...(definition.padding === undefined
      ? {}
      : { padding: definition.padding === null ? null : Number.parseInt(definition.padding, 16) }),
  };
}
