import { type ErrorRecord, isStackError, StackError } from '#contract/errors.ts';
import type { UnfinishedJob } from '#contract/vehicle-api.ts';
import type { OperationSummary } from '#store/reading.ts';
import type { AppState } from '#ui/state/app.svelte.ts';

/**
 * Does the one next step of a job as far as one press carries: connects what is not connected, reads the car where a plan needs
 * it, then checks the module or shows the plan that ends the job. Everything up to the plan's own button only reads.
 * @param tryKeyAgain the last try to end it failed at the module's key: the plan asks for one more
 */
export async function takeNextStep(app: AppState, job: UnfinishedJob, tryKeyAgain: boolean): Promise<void> {
  if (!app.connected && !(await connect(app, job))) return;
  if (job.next.kind === 'check') {
    await check(app, job);
    return;
  }
  if (app.module(job.moduleId)?.identity == null && !(await scan(app))) return;
  await app.makePlan({ kind: 'repair', operationId: job.operationId, ...(tryKeyAgain ? { tryKeyAgain } : {}) });
}

/** What the newest job that should have ended this one failed with; null: none was tried, or it was about to end well. */
export function failedRepair(
  job: Pick<UnfinishedJob, 'operationId'>,
  operations: readonly OperationSummary[],
): ErrorRecord | null {
  const last = operations.find(({ plan }) => plan.kind !== 'clear-faults' && plan.repairs === job.operationId);
  return last?.ended?.kind === 'closed' ? (last.ended.outcome.error ?? null) : null;
}

function connect(app: AppState, job: UnfinishedJob): Promise<boolean> {
  if (job.plan.simulated) return app.connectSimulator();
  const { connection } = app;
  const usb = connection.kind === 'lost' ? connection.usb : null;
  return app.connectSerial(usb, 'if-needed');
}

async function check(app: AppState, job: UnfinishedJob): Promise<void> {
  const started = await app.command('check', (commandId) =>
    app.api.checkJob({ commandId, operationId: job.operationId }),
  );
  if (started === null) return;
  const end = await app.ended(started.operationId);
  if (end.error !== null && end.outcome === null) app.failure = { error: end.error };
  // With an outcome the look closed the job: say how it ended. Without one there is a next step, and the card shows it.
  else if (end.outcome !== null) app.showResult(started.operationId, job.plan);
}

async function scan(app: AppState): Promise<boolean> {
  const started = await app.command('scan', (commandId) => app.api.scan({ commandId }));
  if (started === null) return false;
  const end = await app.ended(started.operationId);
  if (end.result === 'done') return true;
  const error = end.error ?? new StackError('operation/cancelled', 'the scan was stopped', {});
  app.failure = {
    error: isStackError(error) ? { code: error.code, message: error.message, details: error.details } : error,
  };
  return false;
}
