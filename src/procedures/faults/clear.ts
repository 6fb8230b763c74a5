import type { FaultEntry } from '#contract/backup.ts';
import type { DiagClient } from '#contract/diagnostics.ts';
import { StackError, toErrorRecord } from '#contract/errors.ts';
import type { JournalBody } from '#contract/journal.ts';
import type { ClearPlan, OperationOutcome } from '#contract/plan.ts';
import { keyIdentityOf, pinned, planModule } from '#procedures/coding/plan.ts';
import { clientOptionsOf, definitionOf, type ProcedureContext } from '#procedures/context.ts';
import { performStep } from '#procedures/gate.ts';
import { identify } from '#procedures/identify/module.ts';
import { readFaults } from '#procedures/reads.ts';
import { linkWarnings } from '#procedures/link-warnings.ts';
import { voltageWarnings } from '#procedures/voltage.ts';
import type { RunContext, RunHost } from '#procedures/write-run.ts';

/** All fault codes of the module (reference: diagnostics A.4, 14). */
const ALL_GROUPS = 'FFFFFF';

/** Plans to clear a module's fault codes: the full snapshot first (I1), kept in plan and journal. */
export async function planClear(ctx: ProcedureContext, moduleId: string): Promise<ClearPlan> {
  const module = ctx.vehicle.module(moduleId);
  if (module === null)
    throw new StackError('vehicle/module-unknown', `no module ${moduleId} in this car`, { moduleId });
  const definition = definitionOf(ctx.packs, module);
  const client = await ctx.link.client(module.address, clientOptionsOf(definition));
  const identity = await identify(ctx, client, module);
  const faults = await readFaults(client, ctx.signal);
  if (faults === null)
    throw new StackError('backup/missing', `${module.shortName} does not tell its fault codes`, { what: 'faults' });
  ctx.vehicle.put({
    ...module,
    identity,
    faults: { entries: faults, readAtWallMs: ctx.clock.wallMs() },
    status: faults.length === 0 ? 'ok' : 'faults',
  });
  if (faults.length === 0) throw new StackError('plan/nothing-to-do', 'there are no fault codes to clear', {});
  const voltage = await ctx.readVoltage(moduleId);
  return {
    kind: 'clear-faults',
    id: ctx.newId(),
    operationId: ctx.newId(),
    simulated: ctx.stores.simulated,
    madeAtWallMs: ctx.clock.wallMs(),
    vin: ctx.vehicle.view?.vin ?? null,
    module: planModule({ ...module, identity }),
    identity: keyIdentityOf(identity),
    definition: pinned({ ...module, identity }),
    steps: [{ kind: 'clear', id: 'clear', group: ALL_GROUPS, faults }],
    warnings: [...voltageWarnings(voltage), ...linkWarnings(ctx.link)],
    voltage,
    estimateMs: { least: 300, most: 6000 },
    faults,
  };
}

/**
 * Clears, then reads again. What comes back at once is told; the clear itself is proven by the second reading.
 * An interrupted clear stays open until the codes were read again.
 */
export async function runClear(plan: ClearPlan, ctx: RunContext, host: RunHost): Promise<OperationOutcome> {
  const module = ctx.vehicle.module(plan.module.moduleId);
  const definition = module === null ? null : definitionOf(ctx.packs, module);
  const client = await ctx.link.client(plan.module.address, clientOptionsOf(definition));
  const note = async (body: JournalBody) =>
    void (await ctx.stores.journal.append({ operationId: plan.operationId, simulated: plan.simulated, body }));
  const none = { faultsNew: [], faultsGone: [], backupId: null, stampsWritten: [] } as const;
  ctx.emit({ type: 'phase-started', phase: 'write', cancel: 'never', total: null });
  let touched = false;
  await host.assertNoOtherJob(plan);
  await note({
    type: 'job-opened',
    plan,
    backupRecordHash: null,
    approvedBy: 'this-browser',
    toolVersion: ctx.toolVersion,
  });
  try {
    for (const step of plan.steps) {
      if (step.kind === 'session') continue;
      await performStep(
        ctx,
        {
          mint: (grant) => {
            touched = true;
            return host.mint(grant);
          },
          revoke: (permit) => host.revoke(permit),
        },
        { plan, definition, backup: null, client, stamped: new Set(), tryKeyAgain: false },
        step,
      );
    }
    const outcome = await judgeClear(ctx, client, plan.faults, plan.module.moduleId);
    await note({ type: 'job-closed', outcome, by: 'run' });
    ctx.emit({ type: 'phase-finished', phase: 'write' });
    return outcome;
  } catch (error) {
    const record = toErrorRecord(error);
    ctx.emit({ type: 'phase-failed', phase: 'write', error: record });
    if (touched) return { ...none, state: 'unknown', proven: false, error: record };
    const outcome: OperationOutcome = { ...none, state: 'untouched', proven: false, error: record };
    await note({ type: 'job-closed', outcome, by: 'run' });
    return outcome;
  }
}

/** Reads the codes again and says what a clear did: gone, still there, new. Reads only; a named module shows them from now on. */
export async function judgeClear(
  ctx: ProcedureContext,
  client: DiagClient,
  before: readonly FaultEntry[],
  moduleId: string | null = null,
): Promise<OperationOutcome> {
  const after = await readFaults(client, ctx.signal);
  if (after === null)
    throw new StackError('backup/missing', 'the fault codes cannot be read again', { what: 'faults' });
  const shown = moduleId === null ? null : ctx.vehicle.module(moduleId);
  if (shown !== null)
    ctx.vehicle.put({
      ...shown,
      faults: { entries: after, readAtWallMs: ctx.clock.wallMs() },
      status: after.length === 0 ? 'ok' : 'faults',
    });
  const gone = before.filter((fault) => !after.some((other) => other.code === fault.code));
  const fresh = after.filter((fault) => !before.some((other) => other.code === fault.code));
  const unchanged =
    gone.length === 0 &&
    fresh.length === 0 &&
    before.every((fault) => after.some((other) => other.code === fault.code && other.status === fault.status));
  return {
    state: unchanged ? 'untouched' : 'written-verified',
    proven: !unchanged,
    faultsNew: fresh,
    faultsGone: gone,
    backupId: null,
    stampsWritten: [],
  };
}
