import { fromHex, toHexSpaced } from '#base/hex.ts';
import type { Backup, IdentRead } from '#contract/backup.ts';
import type { Definition } from '#contract/definition.ts';
import type { DiagClient } from '#contract/diagnostics.ts';
import { isNegativeResponse, isStackError, StackError } from '#contract/errors.ts';
import type { JournalBody } from '#contract/journal.ts';
import type { WritePermit } from '#contract/permit.ts';
import type { Plan, PlanStep } from '#contract/plan.ts';
import { clearDiagnosticInformation, ecuReset, unlock, writeDataByIdentifier } from '#diagnostics/index.ts';
import type { ProcedureContext } from '#procedures/context.ts';
import { assertNotDenied } from '#procedures/deny.ts';
import { describeRead, sameExcept, sameRead } from '#procedures/masked.ts';
import type { PermittedRequest } from '#procedures/permits.ts';
import { ensureSession, readFaults, readIdentifier } from '#procedures/reads.ts';
import { assertSameModule, silence } from '#procedures/recovery/check.ts';
import { assertCodingVoltage } from '#procedures/voltage.ts';

export type EffectStep = Exclude<PlanStep, { kind: 'session' }>;

/** What the host lends to the gate: the only places where permits are minted and revoked. */
export interface PermitMint {
  mint(grant: {
    stepId: string;
    moduleId: string;
    requests: readonly PermittedRequest[];
    noteRepeat: (nrc: number, count: number) => Promise<void>;
  }): WritePermit;
  revoke(permit: WritePermit): void;
}

export interface GateJob {
  readonly plan: Plan;
  readonly definition: Definition | null;
  readonly backup: Backup | null;
  readonly client: DiagClient;
  /** Prelude identifiers this job has written already: met again after a lost session, they hold our value. */
  readonly stamped: Set<string>;
  /** The person asked for a second try after a failed key. */
  readonly tryKeyAgain: boolean;
}

/**
 * One step of an approved plan, through every check of the write gate (design 4), in this order: deny rule · same module ·
 * expected old bytes · backup covers what is destroyed (I1) · voltage (I10) · intent in the journal (I3) · permit · request ·
 * result in the journal. A check that fails sends nothing.
 */
export async function performStep(
  ctx: ProcedureContext,
  mint: PermitMint,
  job: GateJob,
  step: EffectStep,
): Promise<'accepted' | 'skipped'> {
  const { plan, client } = job;
  const requests = requestsOf(step);
  for (const request of requests)
    assertNotDenied(request.pdu, {
      definition: job.definition,
      expertRaw: plan.kind !== 'clear-faults' && plan.expertRaw,
    });
  await assertSameModule(ctx, client, plan);
  const found = await assertExpected(ctx, job, step);
  assertBackupCovers(job, step);
  assertCodingVoltage(await ctx.readVoltage(plan.module.moduleId));

  const note = (body: JournalBody) =>
    ctx.stores.journal.append({ operationId: plan.operationId, simulated: plan.simulated, body });
  await note({
    type: 'intent',
    stepId: step.id,
    requests: requests.map(shown),
    found,
    ...(step.kind === 'clear' ? { faults: step.faults } : {}),
  });
  const permit = mint.mint({
    stepId: step.id,
    moduleId: plan.module.moduleId,
    requests,
    noteRepeat: async (nrc, count) => void (await note({ type: 'repeat', stepId: step.id, nrc, count })),
  });
  try {
    await send(ctx, job, step, permit);
  } catch (error) {
    if (step.kind === 'write' && step.optional && isNegativeResponse(error, 0x31, 0x7f)) {
      await note({ type: 'done', stepId: step.id, result: 'skipped', nrc: error.details.nrc });
      return 'skipped';
    }
    const nrc = isNegativeResponse(error)
      ? error.details.nrc
      : isStackError(error, 'diag/session-lost')
        ? (error.details.nrc ?? null)
        : null;
    await note({ type: 'done', stepId: step.id, result: nrc === null || nrc === 0x72 ? 'unknown' : 'refused', nrc });
    throw error;
  } finally {
    mint.revoke(permit);
  }
  if (step.kind === 'write' && step.purpose === 'prelude') job.stamped.add(step.did);
  await note({ type: 'done', stepId: step.id, result: 'accepted', nrc: null });
  return 'accepted';
}

function requestsOf(step: EffectStep): readonly PermittedRequest[] {
  switch (step.kind) {
    case 'write':
      return [{ pdu: writeDataByIdentifier.encode(writeRequest(step)) }];
    case 'reset':
      return [{ pdu: ecuReset.encode({ type: step.type }) }];
    case 'clear':
      return [{ pdu: clearDiagnosticInformation.encode({ group: fromHex(step.group) }) }];
    case 'unlock':
      return [{ pdu: Uint8Array.of(0x27, step.level) }, { pdu: Uint8Array.of(0x27, step.level + 1), anyTail: true }];
  }
}

function writeRequest(step: Extract<EffectStep, { kind: 'write' }>): { did: number; data: Uint8Array } {
  return { did: Number.parseInt(step.did, 16), data: fromHex(step.newHex) };
}

/** Requests for the journal: in full, but a key is never written down. */
function shown(request: PermittedRequest): string {
  return toHexSpaced(request.pdu) + (request.anyTail ? ' **' : '');
}

async function send(ctx: ProcedureContext, job: GateJob, step: EffectStep, permit: WritePermit): Promise<void> {
  const { client } = job;
  switch (step.kind) {
    case 'write':
      await client.perform(writeDataByIdentifier, writeRequest(step), permit, { signal: ctx.signal });
      return;
    case 'reset':
      await client.perform(ecuReset, { type: step.type }, permit, { signal: ctx.signal });
      return;
    case 'clear':
      await client.perform(clearDiagnosticInformation, { group: fromHex(step.group) }, permit, { signal: ctx.signal });
      return;
    case 'unlock': {
      const provider = ctx.keyProvider(step.provider);
      if (provider === null)
        throw new StackError('security/no-provider', `level ${step.level}: no key provider`, { level: step.level });
      await ensureSession(client, step.session, ctx.signal);
      await unlock(client, {
        level: step.level,
        provider,
        permit,
        memory: ctx.stores.security,
        moduleKey: job.plan.module.moduleKey,
        clock: ctx.clock,
        signal: ctx.signal,
        confirmedByPerson: job.tryKeyAgain,
      });
    }
  }
}

/** The compare immediately before the write: any difference ends with `plan/stale`, nothing written (design 4). */
export async function assertExpected(ctx: ProcedureContext, job: GateJob, step: EffectStep): Promise<IdentRead | null> {
  if (step.kind === 'clear') {
    const now = await readFaults(job.client, ctx.signal);
    const same =
      now !== null &&
      now.length === step.faults.length &&
      step.faults.every((fault) => now.some((other) => other.code === fault.code));
    if (!same)
      throw new StackError('plan/stale', 'the fault codes are others than in the plan', {
        what: 'block',
        id: 'faults',
        expected: step.faults.map((fault) => fault.code).join(' '),
        actual: (now ?? []).map((fault) => fault.code).join(' '),
      });
    return null;
  }
  if (step.kind !== 'write') return null;
  const found = await readIdentifier(job.client, step.did, ctx.signal);
  const ours = job.stamped.has(step.did) && found.kind === 'bytes' && sameExcept(found.hex, step.newHex);
  if (ours || sameRead(found, step.expected, step.unstableMask)) return found;
  if (step.expected.kind !== 'silent' && found.kind === 'silent') throw silence(job.plan.module.moduleId, step.did);
  throw new StackError(
    'plan/stale',
    `${step.did} holds ${describeRead(found)}, the plan expected ${describeRead(step.expected)}`,
    {
      what: 'block',
      id: step.did,
      expected: describeRead(step.expected),
      actual: describeRead(found),
    },
  );
}

/**
 * I1: what the step overwrites is in the durable backup, byte by byte (unstable bits aside), or its refusal is.
 * The backup was read back from disk, hashes checked, when the job opened.
 */
function assertBackupCovers(job: GateJob, step: EffectStep): void {
  if (step.kind !== 'write') return;
  const held = job.backup?.blocks.find((block) => block.did === step.did);
  const covered =
    step.expected.kind === 'bytes'
      ? held !== undefined && sameExcept(held.hex, step.expected.hex, step.unstableMask)
      : job.backup?.unreadable.some((read) => read.did === step.did) === true;
  if (!covered)
    throw new StackError('backup/missing', `the backup does not hold what ${step.did} holds now`, { what: step.did });
}
