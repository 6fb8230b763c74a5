import type { FaultEntry } from '#contract/backup.ts';
import type { DiagClient } from '#contract/diagnostics.ts';
import { isNegativeResponse, isStackError, StackError, toErrorRecord } from '#contract/errors.ts';
import type { JournalBody } from '#contract/journal.ts';
import type { CancelPolicy, Phase } from '#contract/operation.ts';
import type { OperationOutcome, Plan, PlanStep, WritePlan } from '#contract/plan.ts';
import { clientOptionsOf, type ProcedureContext } from '#procedures/context.ts';
import { assertExpected, type GateJob, type PermitMint, performStep } from '#procedures/gate.ts';
import { lockoutsOf } from '#procedures/lockouts.ts';
import { sameExcept } from '#procedures/masked.ts';
import { ensureSession, freshSession, readFaults, readIdentifier } from '#procedures/reads.ts';
import { assertSameModule, type Checked, checkModule, waitForModule } from '#procedures/recovery/check.ts';
import { assertCodingVoltage } from '#procedures/voltage.ts';
import { tellWaiting } from '#procedures/waiting.ts';

export interface RunContext extends ProcedureContext {
  /** Between steps: ends the run here when the person asked for it. @throws StackError `operation/cancelled` */
  checkpoint(): void;
  /** The person asked for a second try of a key that failed before. */
  readonly tryKeyAgain: boolean;
}

/** The host's part: what only it may do. */
export interface RunHost extends PermitMint {
  /** Refuses when another unfinished job concerns this car (I4). @throws StackError `job/unfinished` */
  assertNoOtherJob(plan: Plan): Promise<void>;
  /** The job this plan repairs is over too, once the repair is proven. */
  closeRepaired(plan: WritePlan, outcome: OperationOutcome): Promise<void>;
}

/** Steps are restarted from the session at most once: a session that is lost twice is a fault, not bad luck. */
const MAX_RESTARTS = 1;

/**
 * Runs an approved write plan: preflight · write · verify · reset · verify again · compare faults.
 * Ends with an outcome; when bytes may be on the car that are not proven, the job stays open with its one next step (I4).
 */
export async function runWrite(plan: WritePlan, ctx: RunContext, host: RunHost): Promise<OperationOutcome> {
  const definition =
    plan.definition === null
      ? null
      : (ctx.packs
          .find((pack) => pack.id === plan.definition?.packId)
          ?.definitions.find((known) => known.id === plan.definition?.id) ?? null);
  const client = await ctx.link.client(plan.module.address, clientOptionsOf(definition));
  const keep = client.keepSession();
  const silence = tellWaiting(ctx, client);
  const job: Run = {
    plan,
    definition,
    client,
    backup: null,
    stamped: new Set(),
    tryKeyAgain: ctx.tryKeyAgain,
    faultsBefore: [],
    touched: false,
    opened: false,
  };
  try {
    await phase(ctx, job, 'preflight', 'immediate', () => preflight(ctx, host, job));
    await phase(ctx, job, 'write', 'at-checkpoint', () => writeAll(ctx, host, job));
    await phase(ctx, job, 'verify', 'never', () => verify(ctx, job, 'after-write'));
    if (plan.reset !== null) await phase(ctx, job, 'reset', 'never', () => reset(ctx, host, job));
    await phase(ctx, job, 'verify-again', 'never', () => verifyAgain(ctx, job));
    showHeld(ctx, job, new Map(plan.blocks.map((block) => [block.did, block.newHex])));
    return await close(ctx, host, job, { state: provenState(plan), proven: true }, 'run');
  } catch (error) {
    if (isStackError(error, 'security/locked-out', 'security/key-refused')) await showLockouts(ctx, job);
    return await settle(ctx, host, job, error);
  } finally {
    keep();
    silence();
  }
}

interface Run extends GateJob {
  readonly plan: WritePlan;
  readonly client: DiagClient;
  backup: GateJob['backup'];
  faultsBefore: readonly FaultEntry[] | null;
  /** A request with an effect on the module's memory may have left. */
  touched: boolean;
  opened: boolean;
}

async function preflight(ctx: RunContext, host: RunHost, job: Run): Promise<void> {
  const { plan } = job;
  await host.assertNoOtherJob(plan);
  await assertSameModule(ctx, job.client, plan);
  assertCodingVoltage(await ctx.readVoltage(plan.module.moduleId));
  // Read from disk again, with both hashes: what is not on disk is no backup (I1).
  job.backup = await ctx.stores.backups.get(plan.backupId);
  if (job.backup === null)
    throw new StackError('backup/missing', `backup ${plan.backupId} is not on disk`, { what: plan.backupId });
  job.faultsBefore = await readFaults(job.client, ctx.signal);
  // Every block before the first byte: a plan that is stale in its last step must not leave stamps of its first behind (H03).
  for (const step of plan.steps) if (step.kind === 'write') await assertExpected(ctx, job, step);
  ctx.checkpoint();
  await note(ctx, plan, {
    type: 'job-opened',
    plan,
    backupRecordHash: job.backup.recordHash,
    approvedBy: 'this-browser',
    toolVersion: ctx.toolVersion,
  });
  job.opened = true;
}

async function writeAll(ctx: RunContext, host: RunHost, job: Run): Promise<void> {
  const steps = job.plan.steps.filter((step) => step.kind !== 'reset');
  const written = new Set<string>();
  let restarts = 0;
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i];
    if (step === undefined) continue;
    ctx.checkpoint();
    ctx.emit({
      type: 'progress',
      phase: 'write',
      done: i,
      total: steps.length,
      subject: step.kind === 'write' ? step.did : step.kind,
    });
    if (step.kind === 'session') {
      await ensureSession(job.client, step.session, ctx.signal);
      continue;
    }
    if (written.has(step.id)) continue;
    try {
      await effect(ctx, host, job, step);
      if (step.kind === 'write' && step.purpose === 'coding') written.add(step.id);
    } catch (error) {
      if (await wasWrittenAfterAll(ctx, job, step, error)) {
        written.add(step.id);
        continue;
      }
      // The ECU said no because session or lock were gone: it did not execute. Re-entry and unlock are steps of their own.
      if (restarts < MAX_RESTARTS && lostSessionOrLock(error, job.plan)) {
        restarts++;
        i = -1;
        continue;
      }
      throw error;
    }
  }
}

/** A step through the gate; from the first byte on the job counts as having touched the module. */
async function effect(
  ctx: RunContext,
  host: RunHost,
  job: Run,
  step: Exclude<PlanStep, { kind: 'session' }>,
): Promise<void> {
  await performStep(
    ctx,
    {
      mint: (grant) => {
        job.touched = true;
        return host.mint(grant);
      },
      revoke: (permit) => host.revoke(permit),
    },
    job,
    step,
  );
}

/** No answer to a write: wait until the module is back and look (I6, U12, U15). True when it holds the new bytes. */
async function wasWrittenAfterAll(ctx: RunContext, job: Run, step: PlanStep, error: unknown): Promise<boolean> {
  if (!isStackError(error, 'diag/outcome-unknown') || step.kind !== 'write') return false;
  await waitForModule(ctx, job.client, job.plan.reset?.bootMs ?? 3000, job.plan.module.moduleId);
  await ensureSession(job.client, job.plan.writeSession, ctx.signal);
  const now = await readIdentifier(job.client, step.did, ctx.signal);
  const equal = now.kind === 'bytes' && sameExcept(now.hex, step.newHex, step.unstableMask);
  await note(ctx, job.plan, {
    type: 'read-back',
    did: step.did,
    hex: now.kind === 'bytes' ? now.hex : null,
    equal,
    stage: 'after-write',
  });
  if (equal && step.purpose === 'prelude') job.stamped.add(step.did);
  return equal;
}

function lostSessionOrLock(error: unknown, plan: WritePlan): boolean {
  if (isStackError(error, 'diag/session-lost') || isNegativeResponse(error, 0x7e, 0x7f)) return true;
  return isNegativeResponse(error, 0x33) && plan.steps.some((step) => step.kind === 'unlock');
}

/** Reads every block back. With a reset to come a difference may still be a buffered write: then the second look decides. */
async function verify(
  ctx: RunContext,
  job: Run,
  stage: 'after-write' | 'after-reset' | 'fresh-session',
): Promise<void> {
  const final = stage !== 'after-write' || job.plan.reset === null;
  for (const [i, block] of job.plan.blocks.entries()) {
    const now = await readIdentifier(job.client, block.did, ctx.signal);
    const hex = now.kind === 'bytes' ? now.hex : null;
    const equal = hex !== null && sameExcept(hex, block.newHex, block.unstableMask);
    await note(ctx, job.plan, { type: 'read-back', did: block.did, hex, equal, stage });
    ctx.emit({
      type: 'progress',
      phase: stage === 'after-write' ? 'verify' : 'verify-again',
      done: i + 1,
      total: job.plan.blocks.length,
      subject: block.did,
    });
    if (!equal && final)
      throw new StackError('verify/mismatch', `${block.did} was written but reads back differently`, {
        did: block.did,
        expected: block.newHex,
        actual: hex ?? 'unreadable',
      });
  }
}

async function reset(ctx: RunContext, host: RunHost, job: Run): Promise<void> {
  for (const step of job.plan.steps) {
    if (step.kind !== 'reset') continue;
    try {
      await effect(ctx, host, job, step);
    } catch (error) {
      // Many modules restart before they answer (reference: diagnostics A.4, 11): it is back or it is not, that is asked next.
      if (!isStackError(error, 'diag/outcome-unknown')) throw error;
    }
    await waitForModule(ctx, job.client, step.bootMs, job.plan.module.moduleId);
  }
}

async function verifyAgain(ctx: RunContext, job: Run): Promise<void> {
  await freshSession(job.client, job.plan.writeSession, ctx.signal);
  await assertSameModule(ctx, job.client, job.plan);
  await verify(ctx, job, job.plan.reset === null ? 'fresh-session' : 'after-reset');
}

function provenState(plan: WritePlan): 'written-verified' | 'restored' {
  return plan.kind === 'restore' || plan.kind === 'rollback' ? 'restored' : 'written-verified';
}

/**
 * Something failed. Nothing sent: the car is untouched. Else look what the module holds: all old → untouched and closed;
 * anything else → the job stays open and its next step is offered. Cannot look → the job stays open, the next step is to look.
 */
async function settle(ctx: RunContext, host: RunHost, job: Run, error: unknown): Promise<OperationOutcome> {
  const failure = toErrorRecord(error);
  const base = {
    error: failure,
    faultsNew: [],
    faultsGone: [],
    backupId: job.plan.backupId,
    stampsWritten: [],
  } as const;
  if (!job.opened) return { ...base, state: 'untouched', proven: false };
  if (!job.touched) return close(ctx, host, job, { state: 'untouched', proven: false, error: failure }, 'run');
  let checked: Checked;
  try {
    checked = await checkModule({ ...ctx, signal: NEVER }, job.client, job.plan);
    await note(ctx, job.plan, checked);
  } catch {
    // The adapter or the module is gone too: what it holds is asked when it is back. The first failure is the one to tell.
    showHeld(ctx, job, null);
    return { ...base, state: 'unknown', proven: false };
  }
  const read = checked.blocks.flatMap(({ did, hex }): readonly (readonly [string, string])[] =>
    hex === null ? [] : [[did, hex]],
  );
  showHeld(ctx, job, read.length === checked.blocks.length ? new Map(read) : null);
  if (checked.state === 'untouched')
    return close(
      ctx,
      host,
      job,
      { state: 'untouched', proven: true, error: failure, stampsWritten: checked.stampsWritten },
      'run',
    );
  return { ...base, state: checked.state, proven: false, stampsWritten: checked.stampsWritten };
}

/** The values shown with the module are the ones just read back; when they could not be read, the old ones are marked as of before. */
function showHeld(ctx: RunContext, job: Run, held: ReadonlyMap<string, string> | null): void {
  const module = ctx.vehicle.module(job.plan.module.moduleId);
  if (module === null || module.blocks === null) return;
  if (held === null) {
    ctx.vehicle.put({ ...module, stale: true });
    return;
  }
  const entries = module.blocks.entries.map((block) =>
    block.role === 'coding' ? { ...block, hex: held.get(block.did) ?? block.hex } : block,
  );
  ctx.vehicle.put({ ...module, blocks: { ...module.blocks, entries, readAtWallMs: ctx.clock.wallMs() } });
}

/** The countdown is shown with the module from now on, also after a restart (U05). */
async function showLockouts(ctx: RunContext, job: Run): Promise<void> {
  const module = ctx.vehicle.module(job.plan.module.moduleId);
  if (module !== null) ctx.vehicle.put({ ...module, lockouts: await lockoutsOf(ctx, job.definition, module) });
}

/** A check after a failure is never cut short by the cancel that may have caused it; each of its waits has its own limit. */
const NEVER = new AbortController().signal;

/** Ends the job in the journal (the last word of I3) and with it the job it repairs. */
async function close(
  ctx: RunContext,
  host: RunHost,
  job: Run,
  end: Pick<OperationOutcome, 'state' | 'proven'> & Partial<OperationOutcome>,
  by: 'run',
): Promise<OperationOutcome> {
  const faults = end.state === 'untouched' && !job.touched ? null : await faultsAfter(job);
  const outcome: OperationOutcome = {
    faultsNew: difference(faults, job.faultsBefore),
    faultsGone: difference(job.faultsBefore, faults),
    backupId: job.plan.backupId,
    stampsWritten: [...job.stamped],
    ...end,
  };
  // The repaired job first: a crash between the two leaves this one open, and a check ends it. The other way round the repaired
  // job would ask for something that is done already.
  if (outcome.proven && outcome.state !== 'untouched') await host.closeRepaired(job.plan, outcome);
  await note(ctx, job.plan, { type: 'job-closed', outcome, by });
  return outcome;
}

async function faultsAfter(job: Run): Promise<readonly FaultEntry[] | null> {
  try {
    return await readFaults(job.client, NEVER);
  } catch {
    // The compare of fault codes is information beside the proof; the bytes are already proven or told.
    return null;
  }
}

function difference(these: readonly FaultEntry[] | null, without: readonly FaultEntry[] | null): readonly FaultEntry[] {
  if (these === null || without === null) return [];
  return these.filter((fault) => !without.some((other) => other.code === fault.code));
}

/** Announces a phase, keeps its end in the journal once the job is open, and reports its failure before passing it on. */
async function phase(
  ctx: RunContext,
  job: Run,
  name: Phase,
  cancel: CancelPolicy,
  work: () => Promise<void>,
): Promise<void> {
  ctx.emit({ type: 'phase-started', phase: name, cancel, total: null });
  try {
    await work();
  } catch (error) {
    const record = toErrorRecord(error);
    ctx.emit({ type: 'phase-failed', phase: name, error: record });
    if (job.opened) await note(ctx, job.plan, { type: 'phase', phase: name, edge: 'failed', error: record });
    throw error;
  }
  await note(ctx, job.plan, { type: 'phase', phase: name, edge: 'finished' });
  ctx.emit({ type: 'phase-finished', phase: name });
}

async function note(ctx: RunContext, plan: WritePlan, body: JournalBody): Promise<void> {
  await ctx.stores.journal.append({ operationId: plan.operationId, simulated: plan.simulated, body });
}
