import type { DiagClient } from '#contract/diagnostics.ts';
import { isStackError, StackError } from '#contract/errors.ts';
import type { ModuleId } from '#contract/isotp.ts';
import type { JournalBody } from '#contract/journal.ts';
import type { EcuState, Plan, PlanBlock, WritePlan } from '#contract/plan.ts';
import { testerPresent } from '#diagnostics/index.ts';
import type { ProcedureContext } from '#procedures/context.ts';
import { readKeyIdentity } from '#procedures/identify/module.ts';
import { describeRead, sameExcept, sameRead } from '#procedures/masked.ts';
import { freshSession, readIdentifier } from '#procedures/reads.ts';

export type Checked = Extract<JournalBody, { type: 'checked' }>;

/**
 * Looks what a module holds after something went wrong: reads only, in a fresh session, each block twice.
 * @throws StackError `plan/stale` when another module answers (fault S07), `diag/*`, `transport/*`
 */
export async function checkModule(ctx: ProcedureContext, client: DiagClient, plan: WritePlan): Promise<Checked> {
  await waitForModule(ctx, client, plan.reset?.bootMs ?? 3000, plan.module.moduleId);
  await assertSameModule(ctx, client, plan);
  await freshSession(client, plan.writeSession, ctx.signal);
  const blocks: Checked['blocks'][number][] = [];
  for (const block of plan.blocks) blocks.push(await lookAt(ctx, client, block));
  const stampsWritten: string[] = [];
  for (const step of plan.steps) {
    if (step.kind !== 'write' || step.purpose !== 'prelude') continue;
    const now = await readIdentifier(client, step.did, ctx.signal);
    if (!sameRead(now, step.expected)) stampsWritten.push(step.did);
  }
  return { type: 'checked', state: stateFrom(blocks, plan.kind), blocks, stampsWritten };
}

/** Re-reads who is there and compares with the plan (H02, S07): another car, serial or software is another module. */
export async function assertSameModule(ctx: ProcedureContext, client: DiagClient, plan: Plan): Promise<void> {
  const now = await readKeyIdentity(client, ctx.signal);
  for (const expected of plan.identity) {
    const found = now.find((read) => read.did === expected.did) ?? { did: expected.did, kind: 'silent' as const };
    if (expected.kind !== 'silent' && found.kind === 'silent') throw silence(plan.module.moduleId, expected.did);
    if (!sameRead(expected, found))
      throw new StackError(
        'plan/stale',
        `another module answers: ${expected.did} is ${describeRead(found)}, the plan was made for ${describeRead(expected)}`,
        {
          what: 'identity',
          id: expected.did,
          expected: describeRead(expected),
          actual: describeRead(found),
        },
      );
  }
}

/** No answer is no other module: nothing can be said about who is there. */
export function silence(moduleId: ModuleId, did: string): StackError {
  return new StackError('diag/module-lost', `${moduleId} does not answer ${did} any more`, { moduleId });
}

/**
 * Waits until a module that may be restarting answers again (U15): asks every 250 ms, twice its boot time and 10 s at most.
 * @throws StackError `diag/module-lost`
 */
export async function waitForModule(
  ctx: ProcedureContext,
  client: DiagClient,
  bootMs: number,
  moduleId: ModuleId,
): Promise<void> {
  const until = ctx.clock.now() + bootMs * 2 + 10_000;
  for (;;) {
    try {
      await client.call(testerPresent, {}, { signal: ctx.signal });
      return;
    } catch (error) {
      const patient = isStackError(
        error,
        'diag/timeout',
        'diag/module-lost',
        'diag/negative-response',
        'diag/pending-limit',
      );
      if (!patient) throw error;
      if (error.code === 'diag/negative-response') return;
      if (ctx.clock.now() >= until)
        throw new StackError(
          'diag/module-lost',
          `${moduleId} does not answer any more`,
          { moduleId },
          { cause: error },
        );
      ctx.emit({ type: 'waiting', reason: 'module-restarting', untilWallMs: null, count: 0 });
      await ctx.clock.sleep(250, { signal: ctx.signal });
    }
  }
}

async function lookAt(ctx: ProcedureContext, client: DiagClient, block: PlanBlock): Promise<Checked['blocks'][number]> {
  const first = await readIdentifier(client, block.did, ctx.signal);
  const second = await readIdentifier(client, block.did, ctx.signal);
  if (first.kind !== 'bytes' || second.kind !== 'bytes') return { did: block.did, holds: 'unreadable', hex: null };
  if (!sameExcept(first.hex, second.hex, block.unstableMask))
    return { did: block.did, holds: 'other', hex: second.hex };
  // New before old: in a finish plan both are the same, and the block is as it shall be.
  if (sameExcept(second.hex, block.newHex, block.unstableMask))
    return { did: block.did, holds: 'new', hex: second.hex };
  if (sameExcept(second.hex, block.oldHex, block.unstableMask))
    return { did: block.did, holds: 'old', hex: second.hex };
  return { did: block.did, holds: 'other', hex: second.hex };
}

function stateFrom(blocks: Checked['blocks'], kind: WritePlan['kind']): EcuState {
  if (blocks.every((block) => block.holds === 'new'))
    return kind === 'restore' || kind === 'rollback' ? 'restored' : 'written-verified';
  if (blocks.every((block) => block.holds === 'old')) return 'untouched';
  return blocks.some((block) => block.holds === 'unreadable') ? 'unknown' : 'partially-written';
}
