/**
 * An ECU definition: what a module is, which options it has and how they may be written. Words of ODX (ISO 22901):
 * base variant, ECU variant, identify pattern, coding block, parameter, coded and physical value, compu method.
 * Plain JSON; bytes are upper-case hex, identifiers are four hex digits. The shape is checked by `definitions/schema.ts`.
 */
export type LocalizedText = { readonly en: string; readonly de: string };
export type HexText = string;
export type DidText = string;

/** A file of `public/definitions/`: the modules of one family of cars. */
export interface DefinitionPack {
  /** For editors only. */
  readonly $schema?: './schema.json';
  readonly schemaVersion: 1;
  readonly id: string;
  readonly title: LocalizedText;
  readonly source: string;
  readonly licence: string;
  /** A pack of virtual cars: never matches a real one, and the other way round. */
  readonly simulated: boolean;
  /** VINs this pack is for, as start of the VIN; empty = any (the generic pack). */
  readonly vinPrefixes: readonly string[];
  /** Functional request ids to ask on a scan. */
  readonly functional: readonly FunctionalAddress[];
  /** Where modules of this family live: asked one by one on a scan. */
  readonly modules: readonly ModuleSlot[];
  readonly definitions: readonly Definition[];
}

export interface FunctionalAddress {
  readonly requestId: HexText;
  readonly extendedId: boolean;
  readonly responseFrom: HexText;
  readonly responseTo: HexText;
}

export interface ModuleSlot {
  /** Short label of the make, e.g. `09`. */
  readonly label: string;
  readonly shortName: string;
  readonly title: LocalizedText;
  /** Which part of the car, for the tree: a free word, the same for all modules of a group. */
  readonly group: LocalizedText;
  readonly address: SlotAddress;
  /** All other modules but the OBD ones are reached through this one: it may filter requests (fault T09). */
  readonly gateway?: true;
}

/** Hex forms of an ISO-TP address; only what the link offers. */
export type SlotAddress =
  | {
      readonly format: 'normal';
      readonly requestId: HexText;
      readonly responseId: HexText;
      readonly extendedId: boolean;
    }
  | { readonly format: 'normal-fixed'; readonly target: HexText; readonly source: HexText }
  | {
      readonly format: 'extended';
      readonly requestId: HexText;
      readonly responseId: HexText;
      readonly extendedId: boolean;
      readonly target: HexText;
      readonly source: HexText;
    }
  | {
      readonly format: 'mixed';
      readonly requestId: HexText;
      readonly responseId: HexText;
      readonly extendedId: boolean;
      readonly addressExtension: HexText;
    };

export interface Definition {
  readonly id: string;
  readonly title: LocalizedText;
  readonly shortName: string;
  readonly source: string;
  /** All must hold for an exact match; if only patterns marked `near` fail, the match is near: shown, never written. */
  readonly identify: readonly IdentifyPattern[];
  /** Identification to read and show, in order. */
  readonly identification: readonly IdentificationItem[];
  readonly timing?: {
    readonly p2FloorMs?: number;
    readonly p2StarFloorMs?: number;
    readonly pendingLimitMs?: number;
    readonly equalSessions?: readonly number[];
  };
  readonly padding?: HexText | null;
  readonly codingBlocks: readonly CodingBlock[];
  readonly parameters: readonly Parameter[];
  /** Identifiers to write in the same session before a coding block, in order (VW: F199 date, F198 shop code). */
  readonly prelude: readonly PreludeStep[];
  readonly securityLevels: readonly SecurityLevel[];
  readonly resetAfterWrite: { readonly type: 1 | 2 | 3; readonly bootMs: number } | null;
  /** Supply voltage this module reports; used only for jobs on *other* modules. volts = raw × factor. */
  readonly supply?: { readonly did: DidText; readonly lengthBytes: 1 | 2; readonly factor: number };
  /** Engine state identifiers for the pre-flight list. */
  readonly keepAwake: 'functional' | 'physical';
  readonly ignitionCycle: 'none' | 'after-write';
  /** A gateway or maker's online release that coding needs; said before staging. */
  readonly release: 'none' | 'gateway' | 'online';
  /** Identifiers never written, beside the rules that hold for all modules. */
  readonly denied: readonly DidText[];
  readonly faults: readonly { readonly code: HexText; readonly text: LocalizedText }[];
}

export interface IdentifyPattern {
  readonly did: DidText;
  /** `equals`: text after trimming 00, 20 and FF at the end. `prefix`: it starts so. `range`: text order, inclusive, same length. */
  readonly rule:
    | { readonly kind: 'equals'; readonly text: string }
    | { readonly kind: 'prefix'; readonly text: string }
    | { readonly kind: 'range'; readonly from: string; readonly to: string };
  readonly near: boolean;
}

export interface IdentificationItem {
  readonly did: DidText;
  readonly role:
    | 'vin'
    | 'part'
    | 'hardware'
    | 'software'
    | 'software-version'
    | 'serial'
    | 'system-name'
    | 'odx'
    | 'odx-version'
    | 'date'
    | 'shop-code'
    | 'other';
  readonly title: LocalizedText;
  readonly format: 'ascii' | 'hex' | 'bcd';
}

export interface CodingBlock {
  readonly id: string;
  readonly title: LocalizedText;
  readonly did: DidText;
  readonly lengthBytes: number;
  readonly readSession: number;
  readonly writeSession: number;
  readonly securityLevel?: number;
  /** Bits that change by themselves (counters): left out of every compare. Same length as the block. */
  readonly unstableMask?: HexText;
  readonly checksum?: {
    readonly algorithm: 'sum8' | 'crc16-ccitt-false';
    readonly fromByte: number;
    readonly toByte: number;
    readonly atByte: number;
  };
  /** How other tools number byte n of this block, for the raw view. */
  readonly otherScheme?: { readonly name: string; readonly firstByte: number };
  readonly needsPrelude: boolean;
}

export type RiskClass = 'comfort' | 'road-law' | 'driving-assistance' | 'safety';

export interface Parameter {
  readonly id: string;
  readonly block: string;
  readonly title: LocalizedText;
  readonly help: LocalizedText;
  readonly group: LocalizedText;
  /** Byte from 0, bit 0 = least significant of that byte (for `big`: of the last byte). Length up to 32 bits, or whole bytes for text. */
  readonly position: {
    readonly byte: number;
    readonly bit: number;
    readonly lengthBits: number;
    readonly endian: 'big' | 'little';
  };
  readonly compu: CompuMethod;
  readonly risk: RiskClass;
  readonly source: string;
  /** Part and software numbers it was proven on; safety class is locked until one matches. */
  readonly verifiedOn: readonly { readonly part: string; readonly softwareVersion: string }[];
  readonly minSoftware?: string;
  readonly requires?: readonly ParameterCondition[];
  readonly excludes?: readonly ParameterCondition[];
}

export interface ParameterCondition {
  readonly parameter: string;
  /** Values the other parameter must have (`requires`) or must not have (`excludes`). */
  readonly coded: readonly number[];
  /** Holds only while this parameter has one of these values, e.g. switched on; absent = always. */
  readonly when?: readonly number[];
  readonly reason: LocalizedText;
}

/** coded ⇄ physical. `texttable`: only listed values may be written. `linear`: physical = coded × factor + offset, in steps. */
export type CompuMethod =
  | {
      readonly kind: 'texttable';
      readonly values: readonly { readonly coded: number; readonly text: LocalizedText; readonly factory?: boolean }[];
      readonly control?: 'switch' | 'choice';
    }
  | {
      readonly kind: 'linear';
      readonly factor: number;
      readonly offset: number;
      readonly unit: string;
      readonly minCoded: number;
      readonly maxCoded: number;
      readonly stepCoded: number;
    }
  | { readonly kind: 'ascii'; readonly lengthBytes: number; readonly pattern: string };

export interface PreludeStep {
  readonly did: DidText;
  readonly title: LocalizedText;
  readonly value:
    | { readonly kind: 'date-bcd-yymmdd' }
    | { readonly kind: 'shop-code'; readonly lengthBytes: number; readonly currentFrom: DidText };
  /** Modules without this identifier answer 31 or 7F: then the step is left out. */
  readonly optional: boolean;
}

export interface SecurityLevel {
  readonly level: number;
  readonly session: number;
  readonly seedBytes: number;
  readonly keyBytes: number;
  /** Which key provider fits; `simulator` exists for virtual cars only, `user` is the person's own. */
  readonly provider: 'simulator' | 'user';
}

/** How sure we are that a definition is this module's. Only `exact` may be written. */
export type DefinitionMatch =
  | { readonly kind: 'exact'; readonly packId: string; readonly definitionId: string; readonly sha256: string }
  | {
      readonly kind: 'near';
      readonly packId: string;
      readonly definitionId: string;
      readonly sha256: string;
      readonly differs: readonly string[];
    }
  | { readonly kind: 'none' };
