import type { ErrorRecord } from '#contract/errors.ts';
import type { OperationOutcome, Plan } from '#contract/plan.ts';

export type CancelPolicy = 'immediate' | 'at-checkpoint' | 'never';
export type OperationKind =
  | 'scan'
  | 'read-module'
  | 'faults'
  | 'backup'
  | 'coding'
  | 'restore'
  | 'rollback'
  | 'finish'
  | 'clear-faults'
  | 'check-module'
  | 'check-adapter';
export type Phase =
  | 'wake'
  | 'vin'
  | 'modules'
  | 'identity'
  | 'first-pass'
  | 'second-pass'
  | 'store'
  | 'preflight'
  | 'write'
  | 'verify'
  | 'reset'
  | 'verify-again'
  | 'faults-before'
  | 'faults-after'
  | 'faults'
  | 'compare'
  | 'round-trips'
  | 'long-answers'
  | 'long-requests'
  | 'drop-free';

/**
 * What happens to one run of a procedure. The order is part of the contract:
 * `started` · `planned`? · (`phase-started` · (`progress` | `waiting`)* · (`phase-finished` | `phase-failed`))* · `ended`.
 * Nothing follows `ended`; after `phase-failed` only `ended` follows, or phases that make safe (verify, check).
 */
export type OperationEvent = { readonly operationId: string; readonly sequence: number; readonly atMs: number } & (
  | { readonly type: 'started'; readonly kind: OperationKind; readonly moduleId: string | null }
  | { readonly type: 'planned'; readonly plan: Plan }
  | {
      readonly type: 'phase-started';
      readonly phase: Phase;
      readonly cancel: CancelPolicy;
      readonly total: number | null;
    }
  | {
      readonly type: 'progress';
      readonly phase: Phase;
      readonly done: number;
      readonly total: number | null;
      readonly subject: string | null;
    }
  | {
      readonly type: 'waiting';
      readonly reason: 'module-working' | 'module-busy' | 'locked-out' | 'module-restarting' | 'cancel-at-checkpoint';
      readonly untilWallMs: number | null;
      readonly count: number;
    }
  | { readonly type: 'phase-finished'; readonly phase: Phase }
  | { readonly type: 'phase-failed'; readonly phase: Phase; readonly error: ErrorRecord }
  | {
      readonly type: 'ended';
      readonly result: 'done' | 'cancelled' | 'failed';
      readonly outcome: OperationOutcome | null;
      readonly error: ErrorRecord | null;
    }
);

/** Without the parts that only the host fills in. */
export type OperationEventBody = OperationEvent extends infer E
  ? E extends OperationEvent
    ? Omit<E, 'operationId' | 'sequence' | 'atMs'>
    : never
  : never;
