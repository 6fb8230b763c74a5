import type { Plan } from '#contract/plan.ts';
import type { ParameterChange, ShopCodeChoice, VehicleApi } from '#contract/vehicle-api.ts';

/** What the person asked to have planned; kept so that it can be planned again with another shop code. */
export type PlanRequest =
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
