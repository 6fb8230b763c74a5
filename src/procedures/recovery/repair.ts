import { StackError } from '#contract/errors.ts';
import type { JournalBody } from '#contract/journal.ts';
import type { OperationOutcome, Plan, PlanWarning, WritePlan } from '#contract/plan.ts';
import type { ModuleView } from '#contract/vehicle-api.ts';
import { takeBackup } from '#procedures/backup/take.ts';
import { planModule, writableModule } from '#procedures/coding/plan.ts';
import { estimate } from '#procedures/coding/steps.ts';
import { clientOptionsOf, findDefinition, type ProcedureContext } from '#procedures/context.ts';
import { judgeClear } from '#procedures/faults/clear.ts';
import { checkModule } from '#procedures/recovery/check.ts';
import { type JobStory, nextStepOf, originalOf } from '#procedures/recovery/next-step.ts';
import { putBack } from '#procedures/restore/plan.ts';
import { voltageWarnings } from '#procedures/voltage.ts';

/**
 * The next step `check`: reads what the module holds and writes it into the journal. Closes the job where that settles it:
 * everything as before, or everything new with nothing left to do. Returns the outcome when closed, null when a step remains.
 */
export async function checkJob(
  ctx: ProcedureContext,
  operationId: string,
  story: JobStory,
  closeRepaired: (plan: Plan, outcome: OperationOutcome) => Promise<void>,
): Promise<OperationOutcome | null> {
  const { plan } = story;
  const note = async (body: JournalBody) =>
    void (await ctx.stores.journal.append({ operationId, simulated: plan.simulated, body }));
  const definition =
    plan.definition === null ? null : findDefinition(ctx.packs, plan.definition.packId, plan.definition.id);
  const client = await ctx.link.client(plan.module.address, clientOptionsOf(definition));
  ctx.emit({ type: 'phase-started', phase: 'compare', cancel: 'immediate', total: null });
  if (plan.kind === 'clear-faults') {
    const outcome = await judgeClear(ctx, client, plan.faults);
    await note({ type: 'job-closed', outcome, by: 'check' });
    ctx.emit({ type: 'phase-finished', phase: 'compare' });
    return outcome;
  }
  const checked = await checkModule(ctx, client, plan);
  await note(checked);
  ctx.emit({ type: 'phase-finished', phase: 'compare' });
  const base = {
    faultsNew: [],
    faultsGone: [],
    backupId: plan.backupId,
    stampsWritten: checked.stampsWritten,
  } as const;
  const allNew = checked.blocks.every((block) => block.holds === 'new');
  // A fresh session has just read every byte back (I5); where the definition wants a restart, that must have happened too.
  const proven = allNew && (plan.reset === null || story.resetDone);
  if (checked.state !== 'untouched' && !proven) return null;
  const outcome: OperationOutcome = { ...base, state: checked.state, proven: true };
  if (outcome.state !== 'untouched') await closeRepaired(plan, outcome); // before its own end, as in a run
  await note({ type: 'job-closed', outcome, by: 'check' });
  return outcome;
}

/** The next steps `put-back` and `finish`: a plan that ends the interrupted job, to be approved like any other. */
export async function planRepair(ctx: ProcedureContext, operationId: string, story: JobStory): Promise<WritePlan> {
  const { plan } = story;
  const next = nextStepOf(story);
  if (plan.kind === 'clear-faults' || (next.kind !== 'put-back' && next.kind !== 'finish'))
    throw new StackError('operation/unknown', `the next step of ${operationId} is to check the module`, {
      operationId,
    });
  const { module, definition } = writableModule(ctx, plan.module.moduleId);
  const live = await takeBackup(ctx, module, 'before-restore');
  if (next.kind === 'finish') return finishPlan(ctx, plan, operationId, module, live.id);
  const source = await ctx.stores.backups.get(originalOf(plan));
  if (source === null)
    throw new StackError('backup/missing', `backup ${originalOf(plan)} is not on disk`, { what: originalOf(plan) });
  return putBack(ctx, {
    kind: 'rollback',
    module,
    definition,
    source,
    live,
    // The stamp of whoever wrote last is already in the module; a rollback repeats it and asks nobody.
    shopCode: shopCodeOf(plan),
    repairs: operationId,
    warnings: adapterWarnings(ctx),
    only: plan.blocks.map((block) => block.did),
  });
}

/** The way back is open behind an adapter that may begin nothing new; the plan says so. */
function adapterWarnings(ctx: ProcedureContext): readonly PlanWarning[] {
  return ctx.link.verdict('code').may ? [] : [{ kind: 'adapter-unproven' }];
}

function finishPlan(
  ctx: ProcedureContext,
  plan: WritePlan,
  operationId: string,
  module: ModuleView,
  backupId: string,
): WritePlan {
  const steps = plan.steps.filter((step) => step.kind === 'session' || step.kind === 'reset');
  return {
    ...plan,
    kind: 'finish',
    id: ctx.newId(),
    operationId: ctx.newId(),
    madeAtWallMs: ctx.clock.wallMs(),
    module: planModule(module),
    steps,
    warnings: [...voltageWarnings(plan.voltage), ...adapterWarnings(ctx)],
    estimateMs: estimate(steps),
    backupId,
    repairs: operationId,
    changes: [],
    blocks: plan.blocks.map((block) => ({ ...block, oldHex: block.newHex })),
    expertRaw: false,
    risk: 'comfort',
  };
}

function shopCodeOf(plan: WritePlan): { readonly kind: 'typed'; readonly hex: string } | { readonly kind: 'module' } {
  const step = plan.steps.find(
    (candidate) => candidate.kind === 'write' && candidate.purpose === 'prelude' && candidate.newHex.length === 12,
  );
  return step?.kind === 'write' ? { kind: 'typed', hex: step.newHex } : { kind: 'module' };
}
