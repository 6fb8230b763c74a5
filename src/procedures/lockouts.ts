import type { Definition } from '#contract/definition.ts';
import type { ModuleView } from '#contract/vehicle-api.ts';
import { moduleKey } from '#procedures/coding/plan.ts';
import type { ProcedureContext } from '#procedures/context.ts';

/** Levels of a module that are locked after failed keys, with the end of the delay: kept on disk, so a restart changes nothing. */
export async function lockoutsOf(
  ctx: ProcedureContext,
  definition: Definition | null,
  module: ModuleView,
): Promise<ModuleView['lockouts']> {
  const lockouts: { level: number; untilWallMs: number }[] = [];
  for (const { level } of definition?.securityLevels ?? []) {
    const record = await ctx.stores.security.read(moduleKey(module), level);
    if (record?.lockedUntilWallMs != null && record.lockedUntilWallMs > ctx.clock.wallMs())
      lockouts.push({ level, untilWallMs: record.lockedUntilWallMs });
  }
  return lockouts;
}
