import { canonicalJson } from '#base/canonical-json.ts';
import { sha256Hex } from '#base/sha256.ts';
import type { FaultEntry, IdentRead } from '#contract/backup.ts';
import type { DidText, HexText } from '#contract/definition.ts';
import type { ErrorRecord } from '#contract/errors.ts';
import type { ModuleId } from '#contract/isotp.ts';
import type { Phase } from '#contract/operation.ts';
import type { EcuState, OperationOutcome, Plan } from '#contract/plan.ts';

/** Written into every record; every release reads every earlier version (I7). */
export const JOURNAL_VERSION = 1;

/**
 * The journal is the truth about what was done (I3, I11): append-only, hash-chained, durable before the effect.
 * Records are self-contained: the opening record holds the whole plan and the hashes of definition and backup.
 */
export type JournalBody =
  | {
      readonly type: 'job-opened';
      readonly plan: Plan;
      readonly backupRecordHash: string | null;
      readonly approvedBy: string;
      readonly toolVersion: string;
    }
  | {
      readonly type: 'phase';
      readonly phase: Phase;
      readonly edge: 'started' | 'finished' | 'failed';
      readonly error?: ErrorRecord;
    }
  /** Before the first byte of a step with an effect. Requests in full, keys never (`27 04 **`). */
  | {
      readonly type: 'intent';
      readonly stepId: string;
      readonly requests: readonly string[];
      readonly found: IdentRead | null;
      readonly faults?: readonly FaultEntry[];
    }
  | { readonly type: 'repeat'; readonly stepId: string; readonly nrc: number; readonly count: number }
  | {
      readonly type: 'done';
      readonly stepId: string;
      readonly result: 'accepted' | 'refused' | 'unknown' | 'skipped';
      readonly nrc: number | null;
    }
  | {
      readonly type: 'read-back';
      readonly did: DidText;
      readonly hex: HexText | null;
      readonly equal: boolean;
      readonly stage: 'after-write' | 'after-reset' | 'fresh-session';
    }
  /** Recovery looked at the ECU (reads only). */
  | {
      readonly type: 'checked';
      readonly state: EcuState;
      readonly blocks: readonly {
        readonly did: DidText;
        readonly holds: 'old' | 'new' | 'other' | 'unreadable';
        readonly hex: HexText | null;
      }[];
      readonly stampsWritten: readonly DidText[];
    }
  | { readonly type: 'job-closed'; readonly outcome: OperationOutcome; readonly by: 'run' | 'check' | 'repair' }
  | { readonly type: 'job-parked'; readonly name: string; readonly fileSha256: string }
  /** Things that are no job but belong to the record: scans, backups, connections, what a shop lets an adapter do. */
  | {
      readonly type: 'note';
      readonly what:
        | 'scan'
        | 'backup'
        | 'connected'
        | 'disconnected'
        | 'imported'
        | 'exported'
        | 'adapter-checked'
        | 'adapter-accepted';
      readonly detail: string;
    };

export interface JournalRecord {
  readonly journalVersion: number;
  /** Global and gap-free on one machine: the order of things. */
  readonly sequence: number;
  readonly operationId: string;
  readonly simulated: boolean;
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly body: JournalBody;
  /** Hash of the record before; the first has 64 zeros. */
  readonly previous: string;
  readonly hash: string;
}

export const CHAIN_START = '0'.repeat(64);

export function journalHash(record: Omit<JournalRecord, 'hash'>): string {
  const { journalVersion, sequence, operationId, simulated, wallMs, monotonicMs, body, previous } = record;
  return sha256Hex(
    canonicalJson({ journalVersion, sequence, operationId, simulated, wallMs, monotonicMs, body, previous }),
  );
}

/** Where a chain breaks: the first record whose hash, place or predecessor is wrong; null = whole. */
export function findChainBreak(
  records: readonly JournalRecord[],
  start: string = CHAIN_START,
): { readonly sequence: number; readonly why: 'hash' | 'order' | 'link' } | null {
  let previous = start;
  let sequence: number | null = null;
  for (const record of records) {
    if (sequence !== null && record.sequence !== sequence + 1) return { sequence: record.sequence, why: 'order' };
    if (record.previous !== previous) return { sequence: record.sequence, why: 'link' };
    if (record.hash !== journalHash(record)) return { sequence: record.sequence, why: 'hash' };
    previous = record.hash;
    sequence = record.sequence;
  }
  return null;
}

/** A job that has begun and is neither closed nor parked. */
export interface OpenJob {
  readonly operationId: string;
  readonly vin: string | null;
  readonly moduleId: ModuleId;
  readonly openedWallMs: number;
}

/**
 * What a record does to the list of open jobs, which is kept beside the journal in the same transaction: the service worker
 * and other tabs look there. Null: nothing; `open: null`: the job is over.
 */
export function openJobChange(record: JournalRecord): { readonly open: OpenJob | null } | null {
  const { body, operationId, wallMs } = record;
  if (body.type === 'job-opened')
    return { open: { operationId, vin: body.plan.vin, moduleId: body.plan.module.moduleId, openedWallMs: wallMs } };
  return body.type === 'job-closed' || body.type === 'job-parked' ? { open: null } : null;
}
