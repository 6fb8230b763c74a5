import type { Backup } from '#contract/backup.ts';
import type { Definition } from '#contract/definition.ts';
import type { ErrorDetails, ErrorRecord, RestoreRefusal } from '#contract/errors.ts';
import type { ConnectionView, ModuleView, StoreHealth, UnfinishedJob, VehicleView } from '#contract/vehicle-api.ts';
import { type Comparison, compareBlocks } from './compare.ts';

/** What the page knows of the car when it judges a backup. */
export interface CarNow {
  readonly connection: ConnectionView;
  readonly vehicle: VehicleView | null;
  readonly jobs: readonly UnfinishedJob[];
  readonly store: StoreHealth;
  /** When the last job on this module began, whatever became of it; null: none is known. */
  readonly lastJobWallMs: (moduleId: string) => number | null;
}

/** What has to be there first, in the order in which a person can mend it. */
export type Missing =
  | 'connection'
  | 'scan'
  | 'other-car'
  | 'module'
  | 'module-silent'
  | 'adapter'
  | 'storage'
  | 'vin-conflict'
  | 'open-job';

/**
 * May this backup go back right now? Only a preview: the plan asks the module itself, and the gate asks again.
 * `ready` with `comparison` null: it fits, but the values in the car have not been read since it was connected.
 */
export type Restorability =
  | { readonly kind: 'ready'; readonly module: ModuleView; readonly comparison: Comparison | null }
  | { readonly kind: 'equal'; readonly module: ModuleView; readonly comparison: Comparison }
  | { readonly kind: 'refused'; readonly error: ErrorRecord; readonly comparison: Comparison | null }
  | { readonly kind: 'missing'; readonly what: Missing };

/** The module at the address of the backup in the connected car; null when the car is another one or not there. */
export function moduleInCar(backup: Backup, { vehicle }: Pick<CarNow, 'vehicle'>): ModuleView | null {
  if (vehicle === null || vehicle.vin !== backup.vehicle.vin) return null;
  return vehicle.modules.find((module) => module.moduleId === backup.module.moduleId) ?? null;
}

/** The values of the module when they can be trusted to be there now: read since it was connected and since the last job on it. */
export function freshBlocks(
  module: ModuleView | null,
  { connection, lastJobWallMs }: Pick<CarNow, 'connection' | 'lastJobWallMs'>,
): ModuleView['blocks'] {
  if (connection.kind !== 'open' || module === null || module.stale || module.blocks === null) return null;
  // A job reads the module before it begins: what was read then is what the job may have changed.
  const jobWallMs = lastJobWallMs(module.moduleId);
  return jobWallMs !== null && jobWallMs >= module.blocks.readAtWallMs ? null : module.blocks;
}

/**
 * Is this the content that the module holds, by values just read? Green rests on it, so anything unknown is no: also blocks
 * that only one of the two holds, another serial number, a lost adapter.
 */
export function isOnTheCar(backup: Backup, car: CarNow): boolean {
  const module = moduleInCar(backup, car);
  const blocks = freshBlocks(module, car);
  if (module?.identity == null || blocks === null) return false;
  const { serial, part, hardware } = backup.module;
  const same =
    module.identity.serial === serial && module.identity.part === part && module.identity.hardware === hardware;
  if (!same || !backup.blocks.some((block) => block.role === 'coding')) return false;
  const { isEqual, onlyAfter } = compareBlocks(backup.blocks, blocks.entries, null);
  return isEqual && onlyAfter.length === 0;
}

export function restorability(backup: Backup, car: CarNow, definition: Definition | null): Restorability {
  const missing = whatIsMissing(backup, car);
  if (missing !== null) return { kind: 'missing', what: missing };
  const module = moduleInCar(backup, car);
  if (module === null) return { kind: 'missing', what: 'module' };
  const live = freshBlocks(module, car);
  const comparison = live === null ? null : compareBlocks(live.entries, onlyCoding(backup), definition);
  const error = refusal(backup, module, car.connection);
  if (error !== null) return { kind: 'refused', error, comparison };
  // The module may hold blocks that the backup has not; those stay, so they are no difference.
  if (comparison !== null && comparison.differences.length === 0 && comparison.onlyAfter.length === 0)
    return { kind: 'equal', module, comparison };
  return { kind: 'ready', module, comparison };
}

function onlyCoding(backup: Backup) {
  return backup.blocks.filter((block) => block.role === 'coding');
}

function whatIsMissing(backup: Backup, { connection, vehicle, jobs, store }: CarNow): Missing | null {
  if (connection.kind !== 'open') return 'connection';
  if (vehicle === null || vehicle.scannedAtWallMs === null) return 'scan';
  if (vehicle.vin !== backup.vehicle.vin) return 'other-car';
  const module = vehicle.modules.find(({ moduleId }) => moduleId === backup.module.moduleId);
  if (module === undefined) return 'module';
  if (module.identity === null || module.status === 'not-answering') return 'module-silent';
  if (!connection.adapter.verdict.code.may) return 'adapter';
  if (store.kind === 'read-only') return 'storage';
  if (vehicle.vinConflict) return 'vin-conflict';
  return jobs.some((job) => job.vin === vehicle.vin) ? 'open-job' : null;
}

/** The same questions in the same order as the plan asks them (design 5, fault D09). */
function refusal(backup: Backup, module: ModuleView, connection: ConnectionView): ErrorRecord | null {
  const here = module.identity;
  if (here === null) return null;
  const there = backup.module;
  if (connection.kind === 'open' && connection.simulated !== backup.simulated)
    return refused('simulated', String(backup.simulated), String(connection.simulated));
  if (here.match.kind === 'none') return record('definition/no-match', { moduleId: module.moduleId });
  if (here.match.kind === 'near') {
    const { definitionId, differs } = here.match;
    return record('definition/near-match', { definitionId, differs });
  }
  const checks: readonly (readonly [RestoreRefusal, string | null, string | null])[] = [
    ['other-vin', there.vin, here.vin],
    ['other-hardware', there.hardware, here.hardware],
    ['other-hardware', there.part, here.part],
    ['other-serial', there.serial, here.serial],
    ['other-software', there.softwareVersion, here.softwareVersion],
    ['other-definition', there.match.kind === 'none' ? null : there.match.definitionId, here.match.definitionId],
  ];
  const failed = checks.find(([, expected, actual]) => expected !== actual);
  return failed === undefined ? null : refused(failed[0], failed[1] ?? '', failed[2] ?? '');
}

function refused(reason: RestoreRefusal, expected: string, actual: string): ErrorRecord {
  return record('restore/refused', { reason, expected, actual });
}

function record<C extends keyof ErrorDetails>(code: C, details: ErrorDetails[C]): ErrorRecord {
  return { code, message: `${code}, seen before planning`, details };
}
