import { canonicalJson } from '#base/canonical-json.ts';
import { sha256Hex } from '#base/sha256.ts';
import type { DefinitionMatch, DidText, HexText } from '#contract/definition.ts';
import type { IsoTpAddress, ModuleId } from '#contract/isotp.ts';

/** One identifier as read: its bytes, the ECU's refusal, or silence. Raw; what people see is derived. */
export type IdentRead =
  | { readonly did: DidText; readonly kind: 'bytes'; readonly hex: HexText }
  | { readonly did: DidText; readonly kind: 'refused'; readonly nrc: number }
  | { readonly did: DidText; readonly kind: 'silent' };

/** Who a module is. The five key identifiers decide whether a backup may go back (design 5). */
export interface ModuleIdentity {
  readonly moduleId: ModuleId;
  readonly address: IsoTpAddress;
  readonly label: string;
  readonly shortName: string;
  /** Trimmed text of F187, F191, F189, F18C, F190; null where the module has none. */
  readonly part: string | null;
  readonly hardware: string | null;
  readonly softwareVersion: string | null;
  readonly serial: string | null;
  readonly vin: string | null;
  readonly reads: readonly IdentRead[];
  readonly match: DefinitionMatch;
}

/** The identifiers that are read again immediately before a write and must be the same as in the plan. */
export const KEY_IDENTIFIERS = ['F190', 'F187', 'F191', 'F189', 'F18C'] as const;

export interface BackupBlock {
  readonly service: '22';
  readonly did: DidText;
  readonly role: 'coding' | 'prelude';
  readonly hex: HexText;
  /** Bits left out of compares; from the definition, never guessed. */
  readonly unstableMask?: HexText;
}

export interface FaultEntry {
  /** Three bytes, hex. */
  readonly code: HexText;
  readonly status: number;
}

export type VoltageReading =
  | {
      readonly kind: 'known';
      readonly volts: number;
      readonly errorVolts: number;
      readonly source: 'adapter' | 'module' | 'signed';
      readonly from: string;
      readonly atMs: number;
    }
  | { readonly kind: 'unknown'; readonly why: 'no-source' | 'no-answer' | 'implausible' };

/** Immutable. `contentHash` = identity key and blocks; `recordHash` = everything but itself; both SHA-256 of canonical JSON. */
export interface Backup {
  readonly format: 'codebay-backup';
  readonly version: 1;
  readonly id: string;
  readonly simulated: boolean;
  /** Place in the order of things on this machine; the wall clock is for display only (fault D05). */
  readonly sequence: number;
  readonly takenAtWallMs: number;
  readonly tool: { readonly name: 'codebay'; readonly version: string };
  readonly vehicle: {
    readonly vin: string | null;
    readonly sources: readonly { readonly moduleId: ModuleId; readonly vin: string | null }[];
  };
  readonly module: ModuleIdentity;
  readonly blocks: readonly BackupBlock[];
  /** Identifiers that could not be read, with the refusal: "the module has none" is part of the truth. */
  readonly unreadable: readonly IdentRead[];
  readonly faults: readonly FaultEntry[] | null;
  readonly session: number;
  readonly securityLevel: number | null;
  readonly voltage: VoltageReading;
  readonly reason: 'asked' | 'before-write' | 'before-restore' | 'imported';
  readonly operationId: string | null;
  /** The backup of this module before this one; null = the first, which is pinned as received. */
  readonly parent: string | null;
  readonly pinned: 'as-received' | null;
  readonly contentHash: string;
  readonly recordHash: string;
}

/**
 * `contentHash`: what the module held (its key identity and the blocks): equal for two backups of an unchanged module.
 * `recordHash`: everything, the content hash included; a changed character anywhere shows (design 5).
 */
export function backupHashes(backup: Omit<Backup, 'contentHash' | 'recordHash'>): {
  readonly contentHash: string;
  readonly recordHash: string;
} {
  const { moduleId, part, hardware, softwareVersion, serial, vin } = backup.module;
  const identity = { moduleId, part, hardware, softwareVersion, serial, vin };
  const contentHash = sha256Hex(canonicalJson({ ...identity, blocks: backup.blocks }));
  return { contentHash, recordHash: sha256Hex(canonicalJson({ ...backup, contentHash })) };
}
