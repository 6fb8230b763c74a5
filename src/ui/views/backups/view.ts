import type { Backup } from '#contract/backup.ts';
import type { Definition } from '#contract/definition.ts';
import type { ModuleView } from '#contract/vehicle-api.ts';
import type { OperationSummary } from '#store/reading.ts';
import type { AppState } from '#ui/state/app.svelte.ts';
import type { CarNow } from './restorable.ts';

/** What the last command of this screen led to. (A failure is shown by the frame, under the strip.) */
export type Happened =
  | { readonly kind: 'opened'; readonly backup: Backup; readonly known: boolean }
  | { readonly kind: 'saved'; readonly name: string };

export interface BackupActions {
  open(backup: Backup): void;
  openFile(file: File): Promise<void>;
  save(backup: Backup): Promise<void>;
  restore(backup: Backup): Promise<void>;
  readModule(moduleId: string): Promise<void>;
}

/** @param operations newest first; undefined while they are being read: then every module may have had a job just now */
export function carNow(app: AppState, operations: readonly OperationSummary[] | undefined): CarNow {
  const { connection, vehicle, jobs, store } = app;
  const lastJobWallMs = (moduleId: string): number | null => {
    if (operations === undefined) return Number.POSITIVE_INFINITY;
    const last = operations.find(
      ({ plan }) =>
        plan.module.moduleId === moduleId && plan.vin === (vehicle?.vin ?? null) && plan.kind !== 'clear-faults',
    );
    return last?.openedWallMs ?? null;
  };
  return { connection, vehicle, jobs, store, lastJobWallMs };
}

/** The definition that the module had when it was backed up; asks for its pack on the way. */
export function definitionOf(app: AppState, backup: Backup): Definition | null {
  // Only the match of the identity is looked at, and that is as good in a backup as in the car.
  const module: Pick<ModuleView, 'identity'> = { identity: backup.module };
  return app.definition(module as ModuleView);
}
