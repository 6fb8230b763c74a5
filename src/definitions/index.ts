/**
 * Definitions: what a module is, which options it has, and how they become bytes. Pure data and its rules; knows nothing of
 * adapters, sessions or storage. Worker and page use the same codec. The page imports single files
 * (`#definitions/codec.ts` …): through here it would also get the schema and valibot, 10 kB gzip it has no use for.
 */
export {
  type Availability,
  availabilityOf,
  type BrokenCondition,
  brokenConditions,
  type ModuleFacts,
  type UnavailableReason,
} from './availability.ts';
export { bitPlaces, maskOf } from './bits.ts';
export {
  applyChanges,
  describeParameter,
  hasRightChecksum,
  type ParameterValue,
  readParameter,
  withChecksum,
  writeParameter,
} from './codec.ts';
export { countLegalValues, isLegalText, type PhysicalValue, physicalText, toCoded, toPhysical } from './compu.ts';
export { type BlockDifference, countUnknownBits, diffBlocks } from './diff.ts';
export { definitionSha256, packSha256 } from './hash.ts';
export { type LintProblem, lintPack } from './lint.ts';
export { importPack, parseListedPack, parsePack, parsePackIndex } from './parse.ts';
export {
  definitionTitle,
  IDENTIFY_IDENTIFIERS,
  type ModuleEvidence,
  matchDefinition,
  slotsOf,
  toIsoTpAddress,
} from './resolve.ts';
export { roundTripPack } from './round-trip.ts';
export type { PackIndex } from './schema.ts';
