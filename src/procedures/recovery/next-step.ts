import type { JournalBody, JournalRecord } from '#contract/journal.ts';
import type { EcuState, Plan } from '#contract/plan.ts';
import type { NextStep, UnfinishedJob } from '#contract/vehicle-api.ts';

type Checked = Extract<JournalBody, { type: 'checked' }>;

/** What the journal alone tells about a job. */
export interface JobStory {
  readonly plan: Plan;
  readonly openedWallMs: number;
  readonly intents: number;
  /** The last look at the ECU that no later intent made stale. */
  readonly checked: Checked | null;
  readonly closed: boolean;
  /** A reset was sent (or may have been) after the last write. */
  readonly resetDone: boolean;
}

/** Reads a job's records; null when its opening is missing (then nothing was ever sent: the intent comes after it). */
export function tellStory(records: readonly JournalRecord[]): JobStory | null {
  let story: JobStory | null = null;
  for (const { body, wallMs } of records) {
    if (body.type === 'job-opened')
      story = { plan: body.plan, openedWallMs: wallMs, intents: 0, checked: null, closed: false, resetDone: false };
    if (story === null) continue;
    switch (body.type) {
      case 'intent':
        story = { ...story, intents: story.intents + 1, checked: null, resetDone: false };
        break;
      case 'done':
        if (isReset(story.plan, body.stepId) && body.result === 'accepted') story = { ...story, resetDone: true };
        break;
      case 'checked':
        story = { ...story, checked: body };
        break;
      case 'job-closed':
      case 'job-parked':
        story = { ...story, closed: true };
        break;
      default:
        break;
    }
  }
  return story;
}

/**
 * The one next step of a job that is not closed (I4). A pure function of the journal: the same after every restart.
 * Unchecked → look first (I6). Then: everything new → only restart and proof are missing; anything else → put the backup back.
 * (Everything old closes the job in the check itself.)
 */
export function nextStepOf(story: JobStory): NextStep {
  const { checked, plan } = story;
  if (checked === null) return { kind: 'check' };
  if (plan.kind === 'clear-faults') return { kind: 'check' };
  if (checked.blocks.every((block) => block.holds === 'new')) return { kind: 'finish' };
  if (checked.blocks.some((block) => block.holds === 'unreadable')) return { kind: 'check' };
  return { kind: 'put-back', backupId: originalOf(plan) };
}

/** What goes back is what was there before the job: for a rollback, what was there before the job it repairs. */
export function originalOf(plan: Exclude<Plan, { kind: 'clear-faults' }>): string {
  return plan.kind === 'rollback' && plan.sourceBackupId !== null ? plan.sourceBackupId : plan.backupId;
}

export function stateOf(story: JobStory): EcuState {
  return story.checked?.state ?? 'unknown';
}

/** One card per job; a job that an open repair is about is spoken for by that repair. */
export function unfinishedJobs(
  stories: ReadonlyMap<string, JobStory>,
  runningOperationId: string | null,
): readonly UnfinishedJob[] {
  const open = [...stories].filter(([, story]) => !story.closed);
  const repaired = new Set(
    open.flatMap(([, { plan }]) => (plan.kind !== 'clear-faults' && plan.repairs !== null ? [plan.repairs] : [])),
  );
  return open
    .filter(([operationId]) => !repaired.has(operationId))
    .map(([operationId, story]) => ({
      operationId,
      kind: story.plan.kind,
      vin: story.plan.vin,
      moduleId: story.plan.module.moduleId,
      title: story.plan.module.title,
      openedWallMs: story.openedWallMs,
      state: stateOf(story),
      next: operationId === runningOperationId ? { kind: 'wait' } : nextStepOf(story),
      backupId: story.plan.kind === 'clear-faults' ? null : originalOf(story.plan),
      plan: story.plan,
    }));
}

function isReset(plan: Plan, stepId: string): boolean {
  return plan.steps.some((step) => step.id === stepId && step.kind === 'reset');
}
