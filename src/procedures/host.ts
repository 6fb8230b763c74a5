import type { Clock } from '#base/clock.ts';
import type { AdapterJob } from '#contract/adapter.ts';
import type { VoltageReading } from '#contract/backup.ts';
import type { DefinitionPack } from '#contract/definition.ts';
import type { KeyProvider } from '#contract/diagnostics.ts';
import { isStackError, StackError, toErrorRecord } from '#contract/errors.ts';
import type { ModuleId } from '#contract/isotp.ts';
import type { CancelPolicy, OperationEvent, OperationEventBody, OperationKind } from '#contract/operation.ts';
import type { PermitVerifier } from '#contract/permit.ts';
import type { ClearPlan, OperationOutcome, Plan, WritePlan } from '#contract/plan.ts';
import type { Settings } from '#contract/records.ts';
import type {
  ApproveCommand,
  CommandId,
  PlanCodingCommand,
  PlanRestoreCommand,
  Started,
  UnfinishedJob,
} from '#contract/vehicle-api.ts';
import { definitionSha256 } from '#definitions/index.ts';
import type { AdapterBench } from '#procedures/adapter-check/bench.ts';
import { checkAdapter } from '#procedures/adapter-check/run.ts';
import { takeBackup } from '#procedures/backup/take.ts';
import { planCoding } from '#procedures/coding/plan.ts';
import {
  findDefinition,
  type Locks,
  type ProcedureContext,
  type VehicleLink,
  type VehicleMemory,
} from '#procedures/context.ts';
import { planClear, runClear } from '#procedures/faults/clear.ts';
import { readModule, scan } from '#procedures/identify/scan.ts';
import { PermitOffice } from '#procedures/permits.ts';
import type { Stores } from '#procedures/ports.ts';
import { type JobStory, tellStory, unfinishedJobs } from '#procedures/recovery/next-step.ts';
import { checkJob, planRepair } from '#procedures/recovery/repair.ts';
import { planRestore } from '#procedures/restore/plan.ts';
import { type RunContext, type RunHost, runWrite } from '#procedures/write-run.ts';

export interface HostDeps {
  readonly clock: Clock;
  readonly stores: Stores;
  readonly locks: Locks;
  readonly packs: readonly DefinitionPack[];
  readonly toolVersion: string;
  readonly vehicle: VehicleMemory;
  readonly keyProviders: ReadonlyMap<string, KeyProvider>;
  /** The car in reach, null when no adapter is open. */
  link(): VehicleLink | null;
  newId(): string;
  readVoltage(besides: ModuleId | null): Promise<VoltageReading>;
  onEvent(event: OperationEvent): void;
  /** The set of unfinished jobs may have changed. Resolves when everybody was told: before the operation's end is. */
  onJobsChanged(): Promise<void>;
}

interface Running {
  readonly operationId: string;
  readonly abort: AbortController;
  policy: CancelPolicy;
  phase: string;
  cancelAsked: boolean;
  sequence: number;
}

/** Commands remembered for a second tap: far more than a person gives while one is under way. */
const MAX_COMMANDS = 200;

/**
 * Runs operations, one at a time, and is the only one who mints permits. Plans are kept here and approved by id, once;
 * the same command id twice is the same command (fault H01).
 */
export class OperationHost {
  readonly #deps: HostDeps;
  readonly #office = new PermitOffice();
  readonly #plans = new Map<string, Plan>();
  readonly #commands = new Map<CommandId, Promise<unknown>>();
  readonly #ends = new Map<string, Promise<unknown>>();
  #running: Running | null = null;

  constructor(deps: HostDeps) {
    this.#deps = deps;
  }

  /** For the diag clients: what they must ask before a request with an effect. */
  get verifier(): PermitVerifier {
    return this.#office;
  }

  get runningOperationId(): string | null {
    return this.#running?.operationId ?? null;
  }

  /** Resolves when the operation has ended; its events and its end are told by `onEvent`. */
  /** @returns what ended it, null when it ended well */
  ended(operationId: string): Promise<unknown> {
    return this.#ends.get(operationId) ?? Promise.resolve(null);
  }

  scan(command: { readonly commandId: CommandId }): Promise<Started> {
    return this.#start(command.commandId, 'scan', null, async (ctx) => void (await scan(ctx)));
  }

  readModule(command: { readonly commandId: CommandId; readonly moduleId: ModuleId }): Promise<Started> {
    return this.#start(command.commandId, 'read-module', command.moduleId, async (ctx) => {
      ctx.emit({ type: 'phase-started', phase: 'identity', cancel: 'immediate', total: null });
      ctx.vehicle.put(await readModule(ctx, this.#module(command.moduleId)));
      ctx.emit({ type: 'phase-finished', phase: 'identity' });
    });
  }

  takeBackup(command: { readonly commandId: CommandId; readonly moduleId: ModuleId }): Promise<Started> {
    return this.#start(
      command.commandId,
      'backup',
      command.moduleId,
      async (ctx) => void (await takeBackup(ctx, this.#module(command.moduleId), 'asked')),
    );
  }

  /** Measures the open adapter; reads only. `bench`: what only the one who opened it can count. */
  checkAdapter(command: { readonly commandId: CommandId }, bench: AdapterBench): Promise<Started> {
    return this.#start(command.commandId, 'check-adapter', null, async (ctx) => void (await checkAdapter(ctx, bench)));
  }

  planCoding(command: PlanCodingCommand): Promise<WritePlan> {
    return this.#plan(command.commandId, 'coding', command.moduleId, (ctx) => planCoding(ctx, command));
  }

  planRestore(command: PlanRestoreCommand): Promise<WritePlan> {
    return this.#plan(command.commandId, 'restore', command.moduleId, (ctx) => planRestore(ctx, command));
  }

  planClearFaults(command: { readonly commandId: CommandId; readonly moduleId: ModuleId }): Promise<ClearPlan> {
    return this.#plan(command.commandId, 'clear-faults', command.moduleId, (ctx) => planClear(ctx, command.moduleId));
  }

  planRepair(command: { readonly commandId: CommandId; readonly operationId: string }): Promise<WritePlan> {
    return this.#plan(
      command.commandId,
      'rollback',
      null,
      async (ctx) => {
        const story = await this.#story(command.operationId);
        try {
          return await planRepair(ctx, command.operationId, story);
        } catch (error) {
          // Somebody put it right meanwhile: another look closes the job instead of asking for what is done.
          if (isStackError(error, 'plan/nothing-to-do'))
            await checkJob(ctx, command.operationId, story, (plan, end) => this.#closeRepaired(plan, end));
          throw error;
        }
      },
      command.operationId,
    );
  }

  discardPlan(planId: string): void {
    this.#plans.delete(planId);
  }

  /**
   * Runs a plan that a person approved. `typed` is what they typed where the plan's risk asks for it: the last four of the VIN.
   * @throws StackError `plan/unknown`, `plan/used`, `operation/busy`
   */
  approve(command: ApproveCommand): Promise<Started> {
    return this.#once(command.commandId, async () => {
      const plan = this.#plans.get(command.planId);
      if (plan === undefined)
        throw new StackError('plan/unknown', 'this plan is not here any more: make it again', {
          planId: command.planId,
        });
      if (needsTyping(plan) && command.typed?.toUpperCase() !== plan.vin?.slice(-4))
        throw new StackError('gate/denied', 'type the last four characters of the VIN to approve this', {
          request: plan.id,
          rule: 'typed-confirmation',
        });
      this.#assertPinned(plan);
      this.#assertIdle();
      this.#plans.delete(command.planId); // approved once, run once
      return this.#launch(plan.kind, plan.module.moduleId, plan.operationId, (ctx) =>
        this.#run(plan, { ...ctx, tryKeyAgain: command.tryKeyAgain === true }),
      );
    });
  }

  /** The next step `check` of an unfinished job. */
  checkJob(command: { readonly commandId: CommandId; readonly operationId: string }): Promise<Started> {
    return this.#start(command.commandId, 'check-module', null, async (ctx) => {
      const story = await this.#story(command.operationId);
      const outcome = await checkJob(ctx, command.operationId, story, (plan, end) => this.#closeRepaired(plan, end));
      return outcome;
    });
  }

  /** Follows the policy of the running phase. @throws StackError `operation/unknown`, `operation/not-cancellable` */
  cancel(operationId: string): void {
    const running = this.#running;
    if (running?.operationId !== operationId)
      throw new StackError('operation/unknown', 'this operation is not running', { operationId });
    if (running.policy === 'never')
      throw new StackError('operation/not-cancellable', `${running.phase} cannot be interrupted`, {
        phase: running.phase,
      });
    running.cancelAsked = true;
    if (running.policy === 'immediate') running.abort.abort(new StackError('operation/cancelled', 'cancelled', {}));
    else this.#emit(running, { type: 'waiting', reason: 'cancel-at-checkpoint', untilWallMs: null, count: 0 });
  }

  /** Ends whatever runs because the car is out of reach. */
  abandon(reason: StackError): void {
    this.#running?.abort.abort(reason);
  }

  async unfinishedJobs(): Promise<readonly UnfinishedJob[]> {
    const stories = new Map<string, JobStory>();
    for (const { operationId } of await this.#deps.stores.journal.openJobs()) {
      const story = tellStory(await this.#deps.stores.journal.recordsOf(operationId));
      if (story !== null) stories.set(operationId, story);
    }
    return unfinishedJobs(stories, this.runningOperationId);
  }

  async #run(plan: Plan, ctx: RunContext): Promise<OperationOutcome> {
    // The plan may have been made behind another adapter than the one that is plugged in now.
    assertAdapterMay('code', ctx.link, plan.kind !== 'clear-faults' && plan.repairs !== null);
    const runHost: RunHost = {
      mint: (grant) => this.#office.mint(grant),
      revoke: (permit) => this.#office.revoke(permit),
      assertNoOtherJob: (own) => this.#assertNoOtherJob(own),
      closeRepaired: (own, outcome) => this.#closeRepaired(own, outcome),
    };
    // The lock tells other tabs, the service worker and a schema upgrade that a job is on (I2, I7).
    const held = await this.#deps.locks.withLock('job', () =>
      plan.kind === 'clear-faults' ? runClear(plan, ctx, runHost) : runWrite(plan, ctx, runHost),
    );
    if (held === null)
      throw new StackError('operation/busy', 'a job runs in another tab', { operationId: plan.operationId });
    return held.value;
  }

  #assertNoOtherJob(plan: Plan): Promise<void> {
    return this.#assertNoUnfinishedJob(plan.vin, [
      plan.operationId,
      plan.kind === 'clear-faults' ? null : plan.repairs,
    ]);
  }

  async #closeRepaired(plan: Plan, outcome: OperationOutcome): Promise<void> {
    let repaired = plan.kind === 'clear-faults' ? null : plan.repairs;
    while (repaired !== null) {
      const story = tellStory(await this.#deps.stores.journal.recordsOf(repaired));
      if (story === null || story.closed) return;
      await this.#deps.stores.journal.append({
        operationId: repaired,
        simulated: plan.simulated,
        body: { type: 'job-closed', outcome, by: 'repair' },
      });
      repaired = story.plan.kind === 'clear-faults' ? null : story.plan.repairs;
    }
  }

  /** The definition must still be the one the plan was made with, by content. */
  #assertPinned(plan: Plan): void {
    if (plan.definition === null) return;
    const definition = findDefinition(this.#deps.packs, plan.definition.packId, plan.definition.id);
    const actual = definition === null ? 'none' : definitionSha256(definition);
    if (actual !== plan.definition.sha256)
      throw new StackError('plan/stale', 'the definition has changed since the plan was made', {
        what: 'definition',
        id: plan.definition.id,
        expected: plan.definition.sha256,
        actual,
      });
  }

  async #story(operationId: string): Promise<JobStory> {
    const story = tellStory(await this.#deps.stores.journal.recordsOf(operationId));
    if (story === null || story.closed)
      throw new StackError('operation/unknown', 'this job is not open', { operationId });
    return story;
  }

  #module(moduleId: ModuleId) {
    const module = this.#deps.vehicle.module(moduleId);
    if (module === null)
      throw new StackError('vehicle/module-unknown', `no module ${moduleId} in this car`, { moduleId });
    return module;
  }

  async #plan<P extends Plan>(
    commandId: CommandId,
    kind: OperationKind,
    moduleId: ModuleId | null,
    make: (ctx: ProcedureContext) => Promise<P>,
    repairs: string | null = null,
  ): Promise<P> {
    return this.#once(commandId, async () => {
      this.#assertIdle();
      let made: P | null = null;
      const operationId = this.#deps.newId();
      this.#launch(kind, moduleId, operationId, async (ctx) => {
        assertAdapterMay('code', ctx.link, repairs !== null);
        await this.#assertNoUnfinishedJob(this.#deps.vehicle.view?.vin ?? null, [repairs]);
        made = await make(ctx);
        this.#plans.set(made.id, made);
        ctx.emit({ type: 'planned', plan: made });
      });
      const failure = await this.ended(operationId);
      if (made === null) throw failure ?? new StackError('operation/cancelled', 'cancelled', {});
      return made;
    });
  }

  /** A job that is not finished blocks writes to its own car only (I4). */
  async #assertNoUnfinishedJob(vin: string | null, except: readonly (string | null)[]): Promise<void> {
    for (const job of await this.unfinishedJobs())
      if (!except.includes(job.operationId) && (job.vin === null || job.vin === vin))
        throw new StackError('job/unfinished', 'an earlier job on this car is not finished', {
          operationId: job.operationId,
          vin: job.vin,
        });
  }

  #start(
    commandId: CommandId,
    kind: OperationKind,
    moduleId: ModuleId | null,
    work: (ctx: RunContext) => Promise<OperationOutcome | null | undefined | void>,
  ): Promise<Started> {
    return this.#once(commandId, async () => {
      this.#assertIdle();
      return this.#launch(kind, moduleId, this.#deps.newId(), work);
    });
  }

  #once<T>(commandId: CommandId, work: () => Promise<T>): Promise<T> {
    const before = this.#commands.get(commandId);
    if (before !== undefined) return before as Promise<T>; // the map's values are made two lines below, one type per command id
    const result = work();
    this.#commands.set(commandId, result);
    for (const old of [...this.#commands.keys()].slice(0, -MAX_COMMANDS)) this.#commands.delete(old);
    // A command that failed may be given again; one that worked never runs twice.
    result.catch(() => this.#commands.delete(commandId));
    return result;
  }

  #assertIdle(): void {
    if (this.#running !== null)
      throw new StackError('operation/busy', 'another operation is running', {
        operationId: this.#running.operationId,
      });
  }

  #launch(
    kind: OperationKind,
    moduleId: ModuleId | null,
    operationId: string,
    work: (ctx: RunContext) => Promise<OperationOutcome | null | undefined | void>,
  ): Started {
    const running: Running = {
      operationId,
      abort: new AbortController(),
      policy: 'immediate',
      phase: 'start',
      cancelAsked: false,
      sequence: 0,
    };
    this.#running = running;
    this.#emit(running, { type: 'started', kind, moduleId });
    this.#ends.set(operationId, this.#attend(running, work));
    return { operationId };
  }

  async #attend(
    running: Running,
    work: (ctx: RunContext) => Promise<OperationOutcome | null | undefined | void>,
  ): Promise<unknown> {
    let end: OperationEventBody;
    let failure: unknown = null;
    try {
      const outcome = (await work(await this.#context(running))) ?? null;
      end = {
        type: 'ended',
        result: outcome?.error === undefined ? 'done' : 'failed',
        outcome,
        error: outcome?.error ?? null,
      };
      if (outcome?.error?.code === 'operation/cancelled') end = { ...end, result: 'cancelled' };
    } catch (error) {
      failure = error;
      const cancelled =
        isStackError(error, 'operation/cancelled') || (running.cancelAsked && isStackError(error, 'call/aborted'));
      end = { type: 'ended', result: cancelled ? 'cancelled' : 'failed', outcome: null, error: toErrorRecord(error) };
    }
    this.#running = null;
    await this.#deps.onJobsChanged();
    this.#emit(running, end);
    return failure;
  }

  async #context(running: Running): Promise<RunContext> {
    const { clock, stores, packs, toolVersion, vehicle, keyProviders, newId, readVoltage } = this.#deps;
    const link = this.#deps.link();
    if (link === null) throw new StackError('vehicle/not-connected', 'no adapter is connected', {});
    const settings: Settings = await stores.settings.read();
    return {
      clock,
      stores,
      packs,
      toolVersion,
      vehicle,
      newId,
      readVoltage,
      link,
      settings,
      signal: running.abort.signal,
      operationId: running.operationId,
      emit: (event) => this.#emit(running, event),
      keyProvider: (id) => keyProviders.get(id) ?? null,
      tryKeyAgain: false,
      checkpoint: () => {
        if (running.cancelAsked) throw new StackError('operation/cancelled', 'cancelled before the next step', {});
      },
    };
  }

  #emit(running: Running, body: OperationEventBody): void {
    if (body.type === 'phase-started') {
      running.policy = body.cancel;
      running.phase = body.phase;
    }
    this.#deps.onEvent({
      ...body,
      operationId: running.operationId,
      sequence: running.sequence++,
      atMs: this.#deps.clock.now(),
    });
  }
}

function needsTyping(plan: Plan): boolean {
  return (
    plan.kind !== 'clear-faults' && (plan.expertRaw || plan.risk === 'driving-assistance' || plan.risk === 'safety')
  );
}

/**
 * Nothing new is planned or written behind an adapter that is not proven fit for it. The way back of a job that was begun stays
 * open (I4), with a warning in its plan: every step is read before and after, and the module as it stands is the greater
 * danger; only an adapter that cannot carry the message at all is refused.
 * @throws StackError `adapter/may-not`
 */
function assertAdapterMay(job: AdapterJob, link: VehicleLink, repairs: boolean): void {
  const verdict = link.verdict(job);
  if (!verdict.may && !(repairs && verdict.reason !== 'cannot-send-long-messages'))
    throw new StackError('adapter/may-not', `this adapter may not ${job}: ${verdict.reason}`, {
      job,
      reason: verdict.reason,
    });
}
