import type { ErrorRecord } from '#contract/errors.ts';
import type { CancelPolicy, OperationEvent, OperationKind, Phase } from '#contract/operation.ts';
import type { OperationOutcome } from '#contract/plan.ts';

/** One run of a procedure as the page sees it: the fold of its events. */
export interface OperationView {
  readonly operationId: string;
  readonly kind: OperationKind;
  readonly moduleId: string | null;
  readonly startedAt: number;
  readonly phase: Phase | null;
  readonly phasesDone: readonly Phase[];
  readonly cancel: CancelPolicy;
  readonly done: number;
  readonly total: number | null;
  readonly subject: string | null;
  readonly waiting: Pick<Extract<OperationEvent, { type: 'waiting' }>, 'reason' | 'untilWallMs' | 'count'> | null;
  readonly cancelAsked: boolean;
  readonly result: 'running' | 'done' | 'cancelled' | 'failed';
  readonly outcome: OperationOutcome | null;
  readonly error: ErrorRecord | null;
}

export function foldOperation(view: OperationView | undefined, event: OperationEvent): OperationView {
  const before: OperationView = view ?? {
    operationId: event.operationId,
    kind: event.type === 'started' ? event.kind : 'scan',
    moduleId: event.type === 'started' ? event.moduleId : null,
    startedAt: Date.now(),
    phase: null,
    phasesDone: [],
    cancel: 'immediate',
    done: 0,
    total: null,
    subject: null,
    waiting: null,
    cancelAsked: false,
    result: 'running',
    outcome: null,
    error: null,
  };
  switch (event.type) {
    case 'started':
      return { ...before, kind: event.kind, moduleId: event.moduleId };
    case 'planned':
      return before;
    case 'phase-started':
      return {
        ...before,
        phase: event.phase,
        cancel: event.cancel,
        total: event.total,
        done: 0,
        subject: null,
        waiting: null,
      };
    case 'progress':
      return { ...before, done: event.done, total: event.total, subject: event.subject, waiting: null };
    case 'waiting':
      return { ...before, waiting: event, cancelAsked: before.cancelAsked || event.reason === 'cancel-at-checkpoint' };
    case 'phase-finished':
      return { ...before, phasesDone: [...before.phasesDone, event.phase], waiting: null };
    case 'phase-failed':
      return { ...before, error: event.error, waiting: null };
    case 'ended':
      return {
        ...before,
        result: event.result,
        outcome: event.outcome,
        error: event.error ?? before.error,
        waiting: null,
        phase: null,
      };
  }
}

/** The running operation and the last ended ones, newest last. */
export class Operations {
  #all = $state.raw<readonly OperationView[]>([]);

  readonly #keep = 20;

  get all(): readonly OperationView[] {
    return this.#all;
  }

  get running(): OperationView | null {
    return this.#all.find((operation) => operation.result === 'running') ?? null;
  }

  get(operationId: string): OperationView | null {
    return this.#all.find((operation) => operation.operationId === operationId) ?? null;
  }

  /** The last operation of a kind on a module, running or ended. */
  last(kinds: readonly OperationKind[], moduleId?: string): OperationView | null {
    return (
      this.#all.findLast(
        (operation) => kinds.includes(operation.kind) && (moduleId === undefined || operation.moduleId === moduleId),
      ) ?? null
    );
  }

  receive(event: OperationEvent): OperationView {
    const next = foldOperation(this.get(event.operationId) ?? undefined, event);
    const others = this.#all.filter((operation) => operation.operationId !== event.operationId);
    this.#all = [...others, next].slice(-this.#keep);
    return next;
  }

  dismiss(operationId: string): void {
    this.#all = this.#all.filter(
      (operation) => operation.operationId !== operationId || operation.result === 'running',
    );
  }

  /** The worker is gone: nothing that ran will tell its end. */
  forgetRunning(): void {
    this.#all = this.#all.filter((operation) => operation.result !== 'running');
  }
}
