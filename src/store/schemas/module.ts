import * as v from 'valibot';
import type { FaultEntry, IdentRead, ModuleIdentity, VoltageReading } from '#contract/backup.ts';
import type { IsoTpAddress } from '#contract/isotp.ts';
import { byte, did, finite, hex, id, list, moduleId, type Same, sha256, text, whole } from './primitives.ts';

const canId = whole(0, 0x1fff_ffff);
const pair = { requestId: canId, responseId: canId, extendedId: v.boolean() };

export const AddressSchema = v.variant('format', [
  v.strictObject({ format: v.literal('normal'), ...pair }),
  v.strictObject({
    format: v.literal('normal-fixed'),
    target: byte,
    source: byte,
    functional: v.exactOptional(v.boolean()),
  }),
  v.strictObject({ format: v.literal('extended'), ...pair, target: byte, source: byte }),
  v.strictObject({ format: v.literal('mixed'), ...pair, addressExtension: byte }),
]);

export const IdentReadSchema = v.variant('kind', [
  v.strictObject({ did, kind: v.literal('bytes'), hex }),
  v.strictObject({ did, kind: v.literal('refused'), nrc: byte }),
  v.strictObject({ did, kind: v.literal('silent') }),
]);

export const FaultSchema = v.strictObject({ code: hex, status: byte });

export const VoltageSchema = v.variant('kind', [
  v.strictObject({
    kind: v.literal('known'),
    volts: finite,
    errorVolts: finite,
    source: v.picklist(['adapter', 'module', 'signed']),
    from: text(),
    atMs: finite,
  }),
  v.strictObject({ kind: v.literal('unknown'), why: v.picklist(['no-source', 'no-answer', 'implausible']) }),
]);

const MatchSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('exact'), packId: id, definitionId: id, sha256 }),
  v.strictObject({ kind: v.literal('near'), packId: id, definitionId: id, sha256, differs: list(text(), 200) }),
  v.strictObject({ kind: v.literal('none') }),
]);

export const IdentitySchema = v.strictObject({
  moduleId,
  address: AddressSchema,
  label: text(),
  shortName: text(),
  part: v.nullable(text()),
  hardware: v.nullable(text()),
  softwareVersion: v.nullable(text()),
  serial: v.nullable(text()),
  vin: v.nullable(text()),
  reads: list(IdentReadSchema, 2000),
  match: MatchSchema,
});

/** These lines do not compile when a schema and its contract type differ. */
export const moduleSchemasAreTheContract: readonly [
  Same<v.InferOutput<typeof AddressSchema>, IsoTpAddress>,
  Same<v.InferOutput<typeof IdentReadSchema>, IdentRead>,
  Same<v.InferOutput<typeof FaultSchema>, FaultEntry>,
  Same<v.InferOutput<typeof VoltageSchema>, VoltageReading>,
  Same<v.InferOutput<typeof IdentitySchema>, ModuleIdentity>,
] = [true, true, true, true, true];
