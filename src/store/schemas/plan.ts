import * as v from 'valibot';
import type { OperationOutcome, Plan } from '#contract/plan.ts';
import { ErrorRecordSchema } from './error-record.ts';
import { AddressSchema, FaultSchema, IdentReadSchema, VoltageSchema } from './module.ts';
import { byte, did, finite, hex, id, list, localized, moduleId, type Same, sha256, text, whole } from './primitives.ts';

const bootMs = whole(0, 3_600_000);
const resetType = v.picklist([1, 2, 3]);
const risk = v.picklist(['comfort', 'road-law', 'driving-assistance', 'safety']);

export const PlanStepSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('session'), id, session: byte }),
  v.strictObject({ kind: v.literal('unlock'), id, level: byte, session: byte, provider: id }),
  v.strictObject({
    kind: v.literal('write'),
    id,
    purpose: v.picklist(['prelude', 'coding']),
    did,
    title: localized,
    expected: IdentReadSchema,
    newHex: hex,
    unstableMask: v.exactOptional(hex),
    optional: v.boolean(),
  }),
  v.strictObject({ kind: v.literal('reset'), id, type: resetType, bootMs }),
  v.strictObject({ kind: v.literal('clear'), id, group: hex, faults: list(FaultSchema) }),
]);

const PlanWarningSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('voltage-unknown') }),
  v.strictObject({ kind: v.literal('voltage-low'), volts: finite }),
  v.strictObject({ kind: v.literal('voltage-high'), volts: finite }),
  v.strictObject({ kind: v.literal('storage-not-persistent') }),
  v.strictObject({ kind: v.literal('backup-is-old'), takenAtWallMs: finite }),
  v.strictObject({ kind: v.literal('software-differs'), backup: text(), now: text(), leftOut: whole(0, 100_000) }),
  v.strictObject({ kind: v.literal('shop-code-of-module') }),
  v.strictObject({ kind: v.literal('unknown-bits'), count: whole(0, 1_000_000) }),
  v.strictObject({ kind: v.literal('adapter-unproven') }),
  v.strictObject({ kind: v.literal('foreign-tester') }),
]);

const head = {
  id,
  operationId: id,
  simulated: v.boolean(),
  madeAtWallMs: finite,
  vin: v.nullable(text()),
  module: v.strictObject({ moduleId, address: AddressSchema, label: text(), title: localized, moduleKey: text() }),
  identity: list(IdentReadSchema, 2000),
  definition: v.nullable(v.strictObject({ packId: id, id, sha256 })),
  steps: list(PlanStepSchema, 2000),
  warnings: list(PlanWarningSchema, 200),
  voltage: VoltageSchema,
  estimateMs: v.strictObject({ least: finite, most: finite }),
};

const WritePlanSchema = v.strictObject({
  ...head,
  kind: v.picklist(['coding', 'restore', 'rollback', 'finish']),
  backupId: id,
  sourceBackupId: v.nullable(id),
  repairs: v.nullable(id),
  changes: list(
    v.strictObject({
      parameterId: v.nullable(id),
      blockDid: did,
      title: localized,
      from: localized,
      to: localized,
      risk,
    }),
  ),
  blocks: list(
    v.strictObject({ did, title: localized, oldHex: hex, newHex: hex, unstableMask: v.exactOptional(hex) }),
    2000,
  ),
  keepAwake: v.picklist(['functional', 'physical']),
  equalSessions: list(byte, 256),
  writeSession: byte,
  reset: v.nullable(v.strictObject({ type: resetType, bootMs })),
  ignitionCycle: v.boolean(),
  expertRaw: v.boolean(),
  risk,
});

/** Deep enough that recovery can work from it: every step, every byte, every identifier. */
export const PlanSchema = v.variant('kind', [
  WritePlanSchema,
  v.strictObject({ ...head, kind: v.literal('clear-faults'), faults: list(FaultSchema) }),
]);

export const EcuStateSchema = v.picklist([
  'untouched',
  'written-verified',
  'restored',
  'partially-written',
  'in-bootloader',
  'unknown',
]);

export const OutcomeSchema = v.strictObject({
  state: EcuStateSchema,
  proven: v.boolean(),
  error: v.exactOptional(ErrorRecordSchema),
  faultsNew: list(FaultSchema),
  faultsGone: list(FaultSchema),
  backupId: v.nullable(id),
  stampsWritten: list(did, 200),
});

/** Does not compile when a schema and its contract type differ. */
export const planSchemasAreTheContract: readonly [
  Same<v.InferOutput<typeof PlanSchema>, Plan>,
  Same<v.InferOutput<typeof OutcomeSchema>, OperationOutcome>,
] = [true, true];
