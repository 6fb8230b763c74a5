import * as v from 'valibot';
import type { SecurityRecord } from '#contract/diagnostics.ts';
import type { ScanRecord, Settings } from '#contract/records.ts';
import { FaultSchema, IdentitySchema } from './module.ts';
import { finite, hex, id, list, moduleId, type Same, text, whole } from './primitives.ts';

export const ScanSchema = v.strictObject({
  id,
  simulated: v.boolean(),
  vin: text(64),
  scannedAtWallMs: finite,
  complete: v.boolean(),
  modules: list(
    v.strictObject({
      moduleId,
      status: v.picklist(['ok', 'faults', 'not-answering', 'boot-loader', 'locked', 'unknown-variant']),
      identity: v.nullable(IdentitySchema),
      faults: v.nullable(list(FaultSchema)),
    }),
    2000,
  ),
});

export const SettingsSchema = v.strictObject({
  version: v.literal(1),
  shopCode: v.nullable(hex),
  shopName: text(200),
  expert: v.boolean(),
});

export const SecuritySchema = v.strictObject({
  moduleKey: text(200),
  level: whole(0, 0xff),
  failedKeys: whole(0, 1_000_000),
  lastFailureWallMs: v.nullable(finite),
  lockedUntilWallMs: v.nullable(finite),
});

/** Does not compile when a schema and its contract type differ. */
export const recordSchemasAreTheContract: readonly [
  Same<v.InferOutput<typeof ScanSchema>, ScanRecord>,
  Same<v.InferOutput<typeof SettingsSchema>, Settings>,
  Same<v.InferOutput<typeof SecuritySchema>, SecurityRecord>,
] = [true, true, true];
