import type { ErrorRecord } from '#contract/errors.ts';
import type { JournalBody, JournalRecord } from '#contract/journal.ts';
import type { Phase } from '#contract/operation.ts';
import type { OperationOutcome, Plan } from '#contract/plan.ts';

type Body<T extends JournalBody['type']> = Extract<JournalBody, { readonly type: T }>;

/** One thing that happened in a job, made of one or several records of the journal. */
export type TimelineEntry = { readonly sequence: number; readonly wallMs: number } & (
  | { readonly kind: 'opened'; readonly plan: Plan; readonly approvedBy: string; readonly toolVersion: string }
  | {
      readonly kind: 'phase';
      readonly phase: Phase;
      /** `open`: it began, and no end of it was recorded. */
      readonly state: 'open' | 'finished' | 'failed';
      /** Null while open, or when the clock began anew in between (a new worker). */
      readonly durationMs: number | null;
      readonly error: ErrorRecord | null;
    }
  | {
      readonly kind: 'step';
      readonly stepId: string;
      readonly requests: readonly string[];
      /** `open`: the intent is on disk, what came of it is not. */
      readonly result: Body<'done'>['result'] | 'open';
      readonly nrc: number | null;
      readonly repeats: number;
    }
  | {
      readonly kind: 'read-back';
      readonly did: string;
      readonly isEqual: boolean;
      readonly stage: Body<'read-back'>['stage'];
    }
  | { readonly kind: 'checked'; readonly body: Body<'checked'> }
  | { readonly kind: 'closed'; readonly outcome: OperationOutcome; readonly by: Body<'job-closed'>['by'] }
  | { readonly kind: 'parked'; readonly name: string }
);

/** The story of a job: what belongs together becomes one entry, in the order in which things began. */
export function timelineOf(records: readonly JournalRecord[]): readonly TimelineEntry[] {
  const entries: TimelineEntry[] = [];
  const ordered = [...records].sort((a, b) => a.sequence - b.sequence);
  const startMs = new Map<number, number>();
  for (const { sequence, wallMs, monotonicMs, body } of ordered) {
    const at = { sequence, wallMs };
    switch (body.type) {
      case 'job-opened':
        entries.push({ ...at, kind: 'opened', ...pick(body) });
        break;
      case 'phase':
        if (body.edge === 'started') {
          startMs.set(sequence, monotonicMs);
          entries.push({ ...at, kind: 'phase', phase: body.phase, state: 'open', durationMs: null, error: null });
        } else endPhase(entries, at, monotonicMs, body, startMs);
        break;
      case 'intent':
        entries.push({
          ...at,
          kind: 'step',
          stepId: body.stepId,
          requests: body.requests,
          result: 'open',
          nrc: null,
          repeats: 0,
        });
        break;
      case 'repeat':
        changeStep(entries, body.stepId, (step) => ({ ...step, repeats: body.count }));
        break;
      case 'done':
        changeStep(entries, body.stepId, (step) => ({ ...step, result: body.result, nrc: body.nrc }));
        break;
      case 'read-back':
        entries.push({ ...at, kind: 'read-back', did: body.did, isEqual: body.equal, stage: body.stage });
        break;
      case 'checked':
        entries.push({ ...at, kind: 'checked', body });
        break;
      case 'job-closed':
        entries.push({ ...at, kind: 'closed', outcome: body.outcome, by: body.by });
        break;
      case 'job-parked':
        entries.push({ ...at, kind: 'parked', name: body.name });
        break;
      case 'note':
        break; // notes belong to no job
    }
  }
  return entries;
}

function pick({ plan, approvedBy, toolVersion }: Body<'job-opened'>) {
  return { plan, approvedBy, toolVersion };
}

function endPhase(
  entries: TimelineEntry[],
  at: { readonly sequence: number; readonly wallMs: number },
  monotonicMs: number,
  { phase, edge, error }: Body<'phase'>,
  startMs: ReadonlyMap<number, number>,
): void {
  const state = edge === 'failed' ? 'failed' : 'finished';
  const index = entries.findLastIndex(
    (entry) => entry.kind === 'phase' && entry.phase === phase && entry.state === 'open',
  );
  const begun = entries[index];
  if (begun?.kind !== 'phase') {
    entries.push({ ...at, kind: 'phase', phase, state, durationMs: null, error: error ?? null });
    return;
  }
  const tookMs = monotonicMs - (startMs.get(begun.sequence) ?? Number.POSITIVE_INFINITY);
  entries[index] = { ...begun, state, durationMs: tookMs >= 0 ? tookMs : null, error: error ?? null };
}

type Step = Extract<TimelineEntry, { readonly kind: 'step' }>;

function changeStep(entries: TimelineEntry[], stepId: string, change: (step: Step) => Step): void {
  const index = entries.findLastIndex((entry) => entry.kind === 'step' && entry.stepId === stepId);
  const step = entries[index];
  if (step?.kind === 'step') entries[index] = change(step);
}

/** What the last read-back of each block said: equal or not. A block that was not read back is not in it. */
export function provenDids(entries: readonly TimelineEntry[]): ReadonlyMap<string, boolean> {
  return new Map(entries.flatMap((entry) => (entry.kind === 'read-back' ? [[entry.did, entry.isEqual] as const] : [])));
}
