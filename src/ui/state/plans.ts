import type { ErrorRecord } from '#contract/errors.ts';
import type { Plan } from '#contract/plan.ts';
import type { ParameterChange, ShopCodeChoice, VehicleApi } from '#contract/vehicle-api.ts';

/**
 * What the person asked to have planned; kept so that it can be planned again with another shop code.
 * `tryKeyAgain`: a key of this module was refused before, and the person wants one more try.
 */
export type PlanRequest = PlanSubject & { readonly tryKeyAgain?: boolean };

type PlanSubject =
  | {
      readonly kind: 'coding';
      readonly moduleId: string;
      readonly changes: readonly ParameterChange[];
      readonly raw: readonly { readonly did: string; readonly hex: string }[];
    }
  | {
      readonly kind: 'restore';
      readonly moduleId: string;
      readonly backupId: string;
      /** When the backup was taken, for the words. */
      readonly takenAtWallMs: number;
    }
  | { readonly kind: 'clear-faults'; readonly moduleId: string }
  | { readonly kind: 'repair'; readonly operationId: string };

/** Asks the worker for the plan. It reads the car and takes the backup; nothing is written. */
export function askPlan(
  api: VehicleApi,
  commandId: string,
  request: PlanRequest,
  shopCode: ShopCodeChoice,
): Promise<Plan> {
  switch (request.kind) {
    case 'coding': {
      const { moduleId, changes, raw } = request;
      return api.planCoding({ commandId, moduleId, changes, shopCode, ...(raw.length > 0 ? { raw } : {}) });
    }
    case 'restore':
      return api.planRestore({ commandId, moduleId: request.moduleId, backupId: request.backupId, shopCode });
    case 'clear-faults':
      return api.planClearFaults({ commandId, moduleId: request.moduleId });
    case 'repair':
      return api.planRepair({ commandId, operationId: request.operationId });
  }
}

/** What has to be typed before a plan may run: the last four of the VIN for risky and raw changes, else nothing. */
export function typedConfirmation(plan: Plan): string | null {
  if (plan.kind === 'clear-faults') return null;
  const isRisky = plan.expertRaw || plan.risk === 'driving-assistance' || plan.risk === 'safety';
  return isRisky && plan.vin !== null ? plan.vin.slice(-4) : null;
}

/** A key of the module was refused, or it takes none for now: only a person may have another one sent (reference: diagnostics D.1). */
export function isKeyProblem(error: ErrorRecord | null | undefined): boolean {
  return (
    error?.code === 'security/key-refused' ||
    error?.code === 'security/attempt-used' ||
    error?.code === 'security/locked-out'
  );
}

/** The parts of the app's state that an approval changes. */
interface Approving {
  readonly api: Pick<VehicleApi, 'approve'>;
  plan: Plan | null;
  planRequest: PlanRequest | null;
  approved: { readonly operationId: string; readonly plan: Plan; readonly request: PlanRequest | null } | null;
  command<T>(name: string, work: (commandId: string) => Promise<T>): Promise<T | null>;
}

/**
 * Runs the plan that is shown, as `AppState.approvePlan`, and lets one more key be sent although one was refused before.
 * @param typed what the person typed where the plan asks for it
 */
export async function approveWithKey(app: Approving, typed: string | null): Promise<boolean> {
  const { plan, planRequest } = app;
  if (plan === null) return false;
  const started = await app.command('approve', async (commandId) => {
    app.approved = { operationId: plan.operationId, plan, request: planRequest };
    try {
      return await app.api.approve({ commandId, planId: plan.id, typed, tryKeyAgain: true });
    } catch (error) {
      app.approved = null;
      throw error;
    }
  });
  if (started === null) return false;
  app.plan = null;
  app.planRequest = null;
  return true;
}
