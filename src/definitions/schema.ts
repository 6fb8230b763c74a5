import * as v from 'valibot';
import type * as contract from '#contract/definition.ts';

/**
 * The shape of a definition pack, bounded everywhere: a text, list or number that is not limited here does not pass.
 * What needs more than one field to judge is a rule in `lint.ts`. Also the source of `public/definitions/schema.json`.
 */

/** A pack is read whole: longer texts are refused before they are parsed. */
export const MAX_PACK_CHARACTERS = 4 * 1024 * 1024;
export const MAX_PACK_DEPTH = 16;
/** Longest value of one identifier: an ISO-TP message of 4095 bytes without SID and identifier. */
const MAX_BLOCK_BYTES = 4092;
const MAX_TEXT_BYTES = 64;

const count = (least: number, most: number) => v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
const list = <Item extends v.GenericSchema>(item: Item, most: number) => v.pipe(v.array(item), v.maxLength(most));

/** Without control, format (bidi) and lone surrogate characters: foreign text stays text (I9). */
const CLEAN = /^[^\p{Cc}\p{Cf}\p{Cs}]*$/u;
const isClean = v.check((text: string) => CLEAN.test(text), 'holds control or invisible characters');
const text = (most: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(most), isClean);
const localized = (most: number) => v.strictObject({ en: text(most), de: text(most) });

const Id = v.pipe(
  v.string(),
  v.maxLength(64),
  v.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'not lower-case words joined by "-"'),
);
const Title = localized(120);
const ShortName = text(16);
const Source = text(300);
const Did = v.pipe(v.string(), v.regex(/^[0-9A-F]{4}$/, 'not four upper-case hex digits'));
const hexBytes = (least: number, most: number) =>
  v.pipe(
    v.string(),
    v.minLength(least * 2),
    v.maxLength(most * 2),
    v.regex(/^([0-9A-F]{2})*$/, 'not upper-case hex bytes'),
  );
const HexByte = hexBytes(1, 1);
/** 11 bit as three digits, 29 bit as eight. */
const CanId = v.pipe(
  v.string(),
  v.regex(/^([0-7][0-9A-F]{2}|[01][0-9A-F]{7})$/, 'not a CAN id of three or eight hex digits'),
);
/** Printable ASCII, as modules hold their part and version numbers. */
const Ascii = v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[ -~]+$/, 'not printable ASCII'));
/** 01 default, 03 extended, 40–5F the maker's; programming (02), safety (04) and 60–7E are never opened to code. */
const Session = v.pipe(
  count(0x01, 0x5f),
  v.check(
    (session) => session === 0x01 || session === 0x03 || session >= 0x40,
    'not a session to code in: 1, 3 or 64–95',
  ),
);
const Level = v.pipe(
  count(0x01, 0x41),
  v.check((level) => level % 2 === 1, 'a level is the odd sub-function that asks for the seed'),
);
const Coded = count(0, 0xffff_ffff);

const FunctionalAddress = v.strictObject({
  requestId: CanId,
  extendedId: v.boolean(),
  responseFrom: CanId,
  responseTo: CanId,
});

const pair = { requestId: CanId, responseId: CanId, extendedId: v.boolean() };
const SlotAddress = v.variant('format', [
  v.strictObject({ format: v.literal('normal'), ...pair }),
  v.strictObject({ format: v.literal('normal-fixed'), target: HexByte, source: HexByte }),
  v.strictObject({ format: v.literal('extended'), ...pair, target: HexByte, source: HexByte }),
  v.strictObject({ format: v.literal('mixed'), ...pair, addressExtension: HexByte }),
]);

const ModuleSlot = v.strictObject({
  label: text(8),
  shortName: ShortName,
  title: Title,
  group: Title,
  address: SlotAddress,
  gateway: v.exactOptional(v.literal(true)),
});

const IdentifyPattern = v.strictObject({
  did: Did,
  rule: v.variant('kind', [
    v.strictObject({ kind: v.literal('equals'), text: Ascii }),
    v.strictObject({ kind: v.literal('prefix'), text: Ascii }),
    v.strictObject({ kind: v.literal('range'), from: Ascii, to: Ascii }),
  ]),
  near: v.boolean(),
});

const IdentificationItem = v.strictObject({
  did: Did,
  role: v.picklist([
    'vin',
    'part',
    'hardware',
    'software',
    'software-version',
    'serial',
    'system-name',
    'odx',
    'odx-version',
    'date',
    'shop-code',
    'other',
  ]),
  title: Title,
  format: v.picklist(['ascii', 'hex', 'bcd']),
});

const CodingBlock = v.strictObject({
  id: Id,
  title: Title,
  did: Did,
  lengthBytes: count(1, MAX_BLOCK_BYTES),
  readSession: Session,
  writeSession: Session,
  securityLevel: v.exactOptional(Level),
  unstableMask: v.exactOptional(hexBytes(1, MAX_BLOCK_BYTES)),
  checksum: v.exactOptional(
    v.strictObject({
      algorithm: v.picklist(['sum8', 'crc16-ccitt-false']),
      fromByte: count(0, MAX_BLOCK_BYTES - 1),
      toByte: count(0, MAX_BLOCK_BYTES - 1),
      atByte: count(0, MAX_BLOCK_BYTES - 1),
    }),
  ),
  otherScheme: v.exactOptional(v.strictObject({ name: text(40), firstByte: count(0, 16) })),
  needsPrelude: v.boolean(),
});

const ParameterCondition = v.strictObject({
  parameter: Id,
  coded: v.pipe(list(Coded, 64), v.minLength(1)),
  when: v.exactOptional(v.pipe(list(Coded, 64), v.minLength(1))),
  reason: localized(300),
});

const TextTable = v.strictObject({
  kind: v.literal('texttable'),
  values: v.pipe(
    list(v.strictObject({ coded: Coded, text: localized(80), factory: v.exactOptional(v.boolean()) }), 512),
    v.minLength(1),
  ),
  control: v.exactOptional(v.picklist(['switch', 'choice'])),
});

const Linear = v.strictObject({
  kind: v.literal('linear'),
  factor: v.pipe(
    v.number(),
    v.check(
      (factor) => factor !== 0 && Math.abs(factor) >= 1e-9 && Math.abs(factor) <= 1e9,
      'zero, or beyond 1e-9 … 1e9',
    ),
  ),
  offset: v.pipe(v.number(), v.minValue(-1e12), v.maxValue(1e12)),
  unit: v.pipe(v.string(), v.maxLength(16), isClean),
  minCoded: Coded,
  maxCoded: Coded,
  stepCoded: count(1, 0xffff_ffff),
});

/**
 * Character classes with counts, nothing else: `[A-Z]{3}`, `[0-9]{1,10}`. Matching such a pattern takes bounded time, which
 * a pattern with groups and stars of a stranger does not.
 */
const CHARACTER_CLASSES = /^(\[[A-Za-z0-9 ._/+:-]+\]\{\d{1,2}(,\d{1,2})?\}){1,4}$/;
const AsciiText = v.strictObject({
  kind: v.literal('ascii'),
  lengthBytes: count(1, MAX_TEXT_BYTES),
  pattern: v.pipe(
    v.string(),
    v.maxLength(120),
    v.regex(CHARACTER_CLASSES, 'not one to four character classes with counts, as [A-Z]{3}[0-9]{1,10}'),
    v.check(compiles, 'not a usable pattern'),
  ),
});

function compiles(pattern: string): boolean {
  try {
    new RegExp(pattern, 'u');
    return true;
  } catch {
    return false;
  }
}

const Compu = v.variant('kind', [TextTable, Linear, AsciiText]);

const Parameter = v.strictObject({
  id: Id,
  block: Id,
  title: Title,
  help: localized(600),
  group: Title,
  position: v.strictObject({
    byte: count(0, MAX_BLOCK_BYTES - 1),
    bit: count(0, 7),
    lengthBits: count(1, MAX_TEXT_BYTES * 8),
    endian: v.picklist(['big', 'little']),
  }),
  compu: Compu,
  risk: v.picklist(['comfort', 'road-law', 'driving-assistance', 'safety']),
  source: Source,
  verifiedOn: list(v.strictObject({ part: Ascii, softwareVersion: Ascii }), 200),
  minSoftware: v.exactOptional(Ascii),
  requires: v.exactOptional(list(ParameterCondition, 16)),
  excludes: v.exactOptional(list(ParameterCondition, 16)),
});

const PreludeStep = v.strictObject({
  did: Did,
  title: Title,
  value: v.variant('kind', [
    v.strictObject({ kind: v.literal('date-bcd-yymmdd') }),
    v.strictObject({ kind: v.literal('shop-code'), lengthBytes: count(1, 32), currentFrom: Did }),
  ]),
  optional: v.boolean(),
});

const SecurityLevel = v.strictObject({
  level: Level,
  session: Session,
  seedBytes: count(1, 64),
  keyBytes: count(1, 64),
  provider: v.picklist(['simulator', 'user']),
});

const Definition = v.strictObject({
  id: Id,
  title: Title,
  shortName: ShortName,
  source: Source,
  identify: list(IdentifyPattern, 16),
  identification: list(IdentificationItem, 64),
  timing: v.exactOptional(
    v.strictObject({
      p2FloorMs: v.exactOptional(count(10, 60_000)),
      p2StarFloorMs: v.exactOptional(count(100, 600_000)),
      pendingLimitMs: v.exactOptional(count(1000, 1_800_000)),
      equalSessions: v.exactOptional(list(Session, 8)),
    }),
  ),
  padding: v.exactOptional(v.nullable(HexByte)),
  codingBlocks: list(CodingBlock, 64),
  parameters: list(Parameter, 4000),
  prelude: list(PreludeStep, 8),
  securityLevels: list(SecurityLevel, 8),
  resetAfterWrite: v.nullable(v.strictObject({ type: v.picklist([1, 2, 3]), bootMs: count(0, 120_000) })),
  supply: v.exactOptional(
    v.strictObject({
      did: Did,
      lengthBytes: v.picklist([1, 2]),
      factor: v.pipe(v.number(), v.minValue(0.0001), v.maxValue(1)),
    }),
  ),
  keepAwake: v.picklist(['functional', 'physical']),
  ignitionCycle: v.picklist(['none', 'after-write']),
  release: v.picklist(['none', 'gateway', 'online']),
  denied: list(Did, 256),
  faults: list(v.strictObject({ code: hexBytes(3, 3), text: localized(200) }), 4000),
});

export const PackSchema = v.strictObject({
  $schema: v.exactOptional(v.literal('./schema.json')),
  schemaVersion: v.literal(1),
  id: Id,
  title: Title,
  source: Source,
  licence: text(120),
  simulated: v.boolean(),
  vinPrefixes: list(v.pipe(v.string(), v.regex(/^[A-HJ-NPR-Z0-9]{1,17}$/, 'not the start of a VIN')), 256),
  functional: list(FunctionalAddress, 8),
  modules: list(ModuleSlot, 256),
  definitions: list(Definition, 1000),
});

/** `index.json`: which packs there are, so that a worker loads small things first and knows what it should get. */
export const PackIndexSchema = v.strictObject({
  format: v.literal('codebay-definition-index'),
  version: v.literal(1),
  packs: list(
    v.strictObject({
      id: Id,
      file: v.pipe(v.string(), v.maxLength(80), v.regex(/^[a-z0-9-]+\.json$/, 'not a file name')),
      title: Title,
      simulated: v.boolean(),
      vinPrefixes: PackSchema.entries.vinPrefixes,
      definitions: count(0, 1000),
      sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'not a SHA-256')),
    }),
    500,
  ),
});

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;
type Output<Schema extends v.GenericSchema> = DeepReadonly<v.InferOutput<Schema>>;
type Identical<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Same<Schema extends v.GenericSchema, Type> = Identical<Output<Schema>, DeepReadonly<Type>>;

export type PackIndex = Output<typeof PackIndexSchema>;

/**
 * Does not compile when schema and contract differ in any member, also an optional one. Part by part, because the compiler
 * takes types for identical from some depth of nesting on.
 */
export const schemaIsTheContract: readonly [
  Same<typeof FunctionalAddress, contract.FunctionalAddress>,
  Same<typeof SlotAddress, contract.SlotAddress>,
  Same<typeof ModuleSlot, contract.ModuleSlot>,
  Same<typeof IdentifyPattern, contract.IdentifyPattern>,
  Same<typeof IdentificationItem, contract.IdentificationItem>,
  Same<typeof CodingBlock, contract.CodingBlock>,
  Same<typeof ParameterCondition, contract.ParameterCondition>,
  Same<typeof Compu, contract.CompuMethod>,
  Same<typeof Parameter, contract.Parameter>,
  Same<typeof PreludeStep, contract.PreludeStep>,
  Same<typeof SecurityLevel, contract.SecurityLevel>,
  Same<typeof Definition, contract.Definition>,
  Same<typeof PackSchema, contract.DefinitionPack>,
] = [true, true, true, true, true, true, true, true, true, true, true, true, true];
