import * as v from 'valibot';
import { StackError } from '#contract/errors.ts';
import { JOURNAL_VERSION, type JournalBody, type JournalRecord, journalHash, type OpenJob } from '#contract/journal.ts';
import type { Phase } from '#contract/operation.ts';
import { ErrorRecordSchema } from './error-record.ts';
import { FaultSchema, IdentReadSchema } from './module.ts';
import { EcuStateSchema, OutcomeSchema, PlanSchema } from './plan.ts';
import {
  byte,
  describeIssue,
  did,
  finite,
  hex,
  id,
  list,
  moduleId,
  type Same,
  sequence,
  sha256,
  text,
  whole,
} from './primitives.ts';

const PHASES = [
  'wake',
  'vin',
  'modules',
  'identity',
  'first-pass',
  'second-pass',
  'store',
  'preflight',
  'write',
  'verify',
  'reset',
  'verify-again',
  'faults-before',
  'faults-after',
  'faults',
  'compare',
  'round-trips',
  'long-answers',
  'long-requests',
  'drop-free',
] as const satisfies readonly Phase[];

/** Version 1. A later version gets a schema of its own beside this one: the old one stays, so that its records stay readable (I7). */
const BodyV1 = v.variant('type', [
  v.strictObject({
    type: v.literal('job-opened'),
    plan: PlanSchema,
    backupRecordHash: v.nullable(sha256),
    approvedBy: text(200),
    toolVersion: text(200),
  }),
  v.strictObject({
    type: v.literal('phase'),
    phase: v.picklist(PHASES),
    edge: v.picklist(['started', 'finished', 'failed']),
    error: v.exactOptional(ErrorRecordSchema),
  }),
  v.strictObject({
    type: v.literal('intent'),
    stepId: id,
    requests: list(text(), 10_000),
    found: v.nullable(IdentReadSchema),
    faults: v.exactOptional(list(FaultSchema)),
  }),
  v.strictObject({ type: v.literal('repeat'), stepId: id, nrc: byte, count: whole(0, 1_000_000) }),
  v.strictObject({
    type: v.literal('done'),
    stepId: id,
    result: v.picklist(['accepted', 'refused', 'unknown', 'skipped']),
    nrc: v.nullable(byte),
  }),
  v.strictObject({
    type: v.literal('read-back'),
    did,
    hex: v.nullable(hex),
    equal: v.boolean(),
    stage: v.picklist(['after-write', 'after-reset', 'fresh-session']),
  }),
  v.strictObject({
    type: v.literal('checked'),
    state: EcuStateSchema,
    blocks: list(
      v.strictObject({ did, holds: v.picklist(['old', 'new', 'other', 'unreadable']), hex: v.nullable(hex) }),
      2000,
    ),
    stampsWritten: list(did, 200),
  }),
  v.strictObject({
    type: v.literal('job-closed'),
    outcome: OutcomeSchema,
    by: v.picklist(['run', 'check', 'repair']),
  }),
  v.strictObject({ type: v.literal('job-parked'), name: text(200), fileSha256: sha256 }),
  v.strictObject({
    type: v.literal('note'),
    what: v.picklist([
      'scan',
      'backup',
      'connected',
      'disconnected',
      'imported',
      'exported',
      'adapter-checked',
      'adapter-accepted',
    ]),
    detail: text(),
  }),
]);

const RecordV1 = v.strictObject({
  journalVersion: v.pipe(v.number(), v.value(1)),
  sequence,
  operationId: id,
  simulated: v.boolean(),
  wallMs: finite,
  monotonicMs: finite,
  body: BodyV1,
  previous: sha256,
  hash: sha256,
});

const OpenJobSchema = v.strictObject({
  operationId: id,
  vin: v.nullable(text()),
  moduleId,
  openedWallMs: finite,
});

/** What a stored row is: a record (its own hash right or wrong), or not readable at all. */
export type JudgedRow =
  | { readonly kind: 'record'; readonly record: JournalRecord; readonly hashHolds: boolean }
  | { readonly kind: 'unreadable'; readonly why: string };

/**
 * Parses one stored row of the journal.
 * @throws StackError `store/newer-schema` for a record of a later journal version: it is not damaged, this release is too old
 */
export function judgeRow(row: unknown): JudgedRow {
  const version = typeof row === 'object' && row !== null && 'journalVersion' in row ? row.journalVersion : undefined;
  if (typeof version === 'number' && Number.isInteger(version) && version > JOURNAL_VERSION)
    throw new StackError('store/newer-schema', `the journal holds records of version ${version}`, {
      installed: version,
      known: JOURNAL_VERSION,
    });
  const parsed = v.safeParse(RecordV1, row, { abortEarly: true });
  if (!parsed.success) {
    const { at, why } = describeIssue(parsed.issues);
    return { kind: 'unreadable', why: `${at}: ${why}` };
  }
  const record: JournalRecord = parsed.output;
  return { kind: 'record', record, hashHolds: journalHash(record) === record.hash };
}

/**
 * The body as it will be read back: members that are undefined are gone. What would not be readable later is refused now.
 * @throws StackError `store/write-failed`
 */
export function checkedBody(body: JournalBody): JournalBody {
  const parsed = v.safeParse(BodyV1, JSON.parse(JSON.stringify(body)), { abortEarly: true });
  if (parsed.success) return parsed.output;
  const { at, why } = describeIssue(parsed.issues);
  const reason = `${at}: ${why}`;
  throw new StackError('store/write-failed', `a ${body.type} record is not of the journal's shape: ${reason}`, {
    table: 'journal',
    reason,
  });
}

export function parseOpenJob(row: unknown): OpenJob | null {
  const parsed = v.safeParse(OpenJobSchema, row);
  return parsed.success ? parsed.output : null;
}

/** Does not compile when a schema and its contract type differ. */
export const journalSchemasAreTheContract: readonly [
  Same<v.InferOutput<typeof BodyV1>, JournalBody>,
  Same<v.InferOutput<typeof RecordV1>, JournalRecord>,
  Same<v.InferOutput<typeof OpenJobSchema>, OpenJob>,
  Same<(typeof PHASES)[number], Phase>,
] = [true, true, true, true];
