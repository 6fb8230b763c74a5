import type { ErrorDetails, ErrorRecord } from '#contract/errors.ts';
import type { Plan } from '#contract/plan.ts';
import type { ModuleView } from '#contract/vehicle-api.ts';
import { wallMsNow } from '#ui/components/clock.svelte.ts';

/** How long a module still takes no key, ms; null: it takes one. Counts down while it is shown. `level`: only this one. */
export function lockedForMs(module: Pick<ModuleView, 'lockouts'> | null, level?: number): number | null {
  const ends = (module?.lockouts ?? [])
    .filter((lockout) => level === undefined || lockout.level === level)
    .map(({ untilWallMs }) => untilWallMs);
  return leftMs(ends);
}

/** The same, where the end of a job tells it too. */
export function lockedAfterMs(module: Pick<ModuleView, 'lockouts'> | null, error: ErrorRecord | null): number | null {
  const told =
    error?.code === 'security/locked-out'
      ? [(error.details as ErrorDetails['security/locked-out']).untilWallMs] // the code says which details
      : [];
  return leftMs([...(module?.lockouts ?? []).map(({ untilWallMs }) => untilWallMs), ...told]);
}

/** The level that a plan unlocks; undefined: it needs no key. */
export function unlockLevel(plan: Plan): number | undefined {
  const unlock = plan.steps.find((step) => step.kind === 'unlock');
  return unlock?.kind === 'unlock' ? unlock.level : undefined;
}

function leftMs(ends: readonly number[]): number | null {
  if (ends.length === 0) return null;
  const left = Math.max(...ends) - wallMsNow();
  return left > 0 ? left : null;
}
