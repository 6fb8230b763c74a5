import * as v from 'valibot';
import type { Backup } from '#contract/backup.ts';
import { StackError } from '#contract/errors.ts';
import { FaultSchema, IdentitySchema, IdentReadSchema, VoltageSchema } from './module.ts';
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
} from './primitives.ts';

export const BlocksSchema = list(
  v.strictObject({
    service: v.literal('22'),
    did,
    role: v.picklist(['coding', 'prelude']),
    hex,
    unstableMask: v.exactOptional(hex),
  }),
  2000,
);

const entries = {
  format: v.literal('codebay-backup'),
  version: v.literal(1),
  id,
  simulated: v.boolean(),
  sequence,
  takenAtWallMs: finite,
  tool: v.strictObject({ name: v.literal('codebay'), version: text(200) }),
  vehicle: v.strictObject({
    vin: v.nullable(text()),
    sources: list(v.strictObject({ moduleId, vin: v.nullable(text()) }), 2000),
  }),
  module: IdentitySchema,
  unreadable: list(IdentReadSchema, 2000),
  faults: v.nullable(list(FaultSchema)),
  session: byte,
  securityLevel: v.nullable(byte),
  voltage: VoltageSchema,
  reason: v.picklist(['asked', 'before-write', 'before-restore', 'imported']),
  operationId: v.nullable(id),
  parent: v.nullable(id),
  pinned: v.nullable(v.literal('as-received')),
  contentHash: sha256,
  recordHash: sha256,
};

const BackupSchema = v.strictObject({ ...entries, blocks: BlocksSchema });

/** A backup without its blocks, which are kept once per content (fault D08). */
export const BackupHeadSchema = v.strictObject(entries);
export type BackupHead = Omit<Backup, 'blocks'>;

/**
 * The shape of a backup from a file or from disk. Hashes are not judged here.
 * @param name for messages
 * @throws StackError `file/malformed` with the JSON path
 */
export function parseBackup(value: unknown, name: string): Backup {
  const parsed = v.safeParse(BackupSchema, value, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const { at, why } = describeIssue(parsed.issues);
  throw new StackError('file/malformed', `${name}: ${at}: ${why}`, { name, at, why });
}

/** Does not compile when schema and contract differ. */
export const backupSchemaIsTheContract: Same<v.InferOutput<typeof BackupSchema>, Backup> = true;
