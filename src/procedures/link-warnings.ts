import type { PlanWarning } from '#contract/plan.ts';
import type { VehicleLink } from '#procedures/context.ts';

/** What is wrong on the way to the car, though it does not forbid coding. Programming does not begin beside another tester. */
export function linkWarnings(link: VehicleLink): readonly PlanWarning[] {
  return link.foreignTester() ? [{ kind: 'foreign-tester' }] : [];
}
