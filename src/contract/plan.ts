import type { FaultEntry, IdentRead, VoltageReading } from '#contract/backup.ts';
import type { DidText, HexText, LocalizedText, RiskClass } from '#contract/definition.ts';
import type { ErrorRecord } from '#contract/errors.ts';
import type { IsoTpAddress, ModuleId } from '#contract/isotp.ts';

/** Plans are data: ids, bytes, words. They read the car and never change it; a person approves one by its id. */
export type Plan = WritePlan | ClearPlan;
export type PlanKind = Plan['kind'];

interface PlanHead {
  readonly id: string;
  readonly operationId: string;
  readonly simulated: boolean;
  readonly madeAtWallMs: number;
  readonly vin: string | null;
  readonly module: PlanModule;
  /** Key identifiers as read for this plan; read again immediately before each step with an effect. */
  readonly identity: readonly IdentRead[];
  /** Definition pinned by content; null for a clear plan of a module without one. */
  readonly definition: { readonly packId: string; readonly id: string; readonly sha256: string } | null;
  readonly steps: readonly PlanStep[];
  readonly warnings: readonly PlanWarning[];
  readonly voltage: VoltageReading;
  /** Honest range for people, ms. */
  readonly estimateMs: { readonly least: number; readonly most: number };
}

export interface PlanModule {
  readonly moduleId: ModuleId;
  readonly address: IsoTpAddress;
  readonly label: string;
  readonly title: LocalizedText;
  /** Serial number where the module has one, else VIN and address: key of the security memory. */
  readonly moduleKey: string;
}

/**
 * Coding, restore of a backup, rollback of an interrupted write, or `finish`: the reset and the proof that an interruption
 * left out after all bytes were written. The same steps, gates and proofs for all.
 */
export interface WritePlan extends PlanHead {
  readonly kind: 'coding' | 'restore' | 'rollback' | 'finish';
  /** Durable before the first write; covers every byte that the steps overwrite (I1). */
  readonly backupId: string;
  /** What is put back, for `restore` and `rollback`. */
  readonly sourceBackupId: string | null;
  /** For `rollback` and `finish`: the interrupted operation that this one ends. */
  readonly repairs: string | null;
  readonly changes: readonly PlanChange[];
  readonly blocks: readonly PlanBlock[];
  readonly keepAwake: 'functional' | 'physical';
  readonly equalSessions: readonly number[];
  readonly writeSession: number;
  readonly reset: { readonly type: 1 | 2 | 3; readonly bootMs: number } | null;
  readonly ignitionCycle: boolean;
  /** Whole blocks typed in by the person: unknown bits may move; needs the expert setting and a typed confirmation. */
  readonly expertRaw: boolean;
  /** Highest risk of the changes: `driving-assistance` and `safety` need a typed confirmation. */
  readonly risk: RiskClass;
}

export interface ClearPlan extends PlanHead {
  readonly kind: 'clear-faults';
  /** Full snapshot that the clear destroys (I1): stored in the journal with the intent. */
  readonly faults: readonly FaultEntry[];
}

/** One change in words. Bits outside known options that a restore moves have `parameterId` null. */
export interface PlanChange {
  readonly parameterId: string | null;
  readonly blockDid: DidText;
  readonly title: LocalizedText;
  readonly from: LocalizedText;
  readonly to: LocalizedText;
  readonly risk: RiskClass;
}

export interface PlanBlock {
  readonly did: DidText;
  readonly title: LocalizedText;
  readonly oldHex: HexText;
  readonly newHex: HexText;
  readonly unstableMask?: HexText;
}

export type PlanStep =
  | { readonly kind: 'session'; readonly id: string; readonly session: number }
  | {
      readonly kind: 'unlock';
      readonly id: string;
      readonly level: number;
      readonly session: number;
      readonly provider: string;
    }
  | {
      readonly kind: 'write';
      readonly id: string;
      readonly purpose: 'prelude' | 'coding';
      readonly did: DidText;
      readonly title: LocalizedText;
      /** What the module must hold right now, else `plan/stale`. A prelude identifier may be refused or absent. */
      readonly expected: IdentRead;
      readonly newHex: HexText;
      readonly unstableMask?: HexText;
      /** Prelude only: a module that answers 31 or 7F does without it. */
      readonly optional: boolean;
    }
  | { readonly kind: 'reset'; readonly id: string; readonly type: 1 | 2 | 3; readonly bootMs: number }
  | { readonly kind: 'clear'; readonly id: string; readonly group: HexText; readonly faults: readonly FaultEntry[] };

export type PlanWarning =
  | { readonly kind: 'voltage-unknown' }
  | { readonly kind: 'voltage-low'; readonly volts: number }
  | { readonly kind: 'voltage-high'; readonly volts: number }
  | { readonly kind: 'storage-not-persistent' }
  | { readonly kind: 'backup-is-old'; readonly takenAtWallMs: number }
  | { readonly kind: 'software-differs'; readonly backup: string; readonly now: string; readonly leftOut: number }
  | { readonly kind: 'shop-code-of-module' }
  | { readonly kind: 'unknown-bits'; readonly count: number }
  /** A way back behind an adapter that may not begin anything new. */
  | { readonly kind: 'adapter-unproven' }
  /** Somebody else talks to the modules of this car (fault T10). */
  | { readonly kind: 'foreign-tester' };

/** What became of the ECU. */
export type EcuState =
  | 'untouched'
  | 'written-verified'
  | 'restored'
  | 'partially-written'
  | 'in-bootloader'
  | 'unknown';

export interface OperationOutcome {
  readonly state: EcuState;
  /** Green (I5): read back equal, and again after the reset or in a fresh session. */
  readonly proven: boolean;
  readonly error?: ErrorRecord;
  /** Fault codes that came and went with the job. */
  readonly faultsNew: readonly FaultEntry[];
  readonly faultsGone: readonly FaultEntry[];
  readonly backupId: string | null;
  /** Stamps a prelude left behind although the coding is unchanged. */
  readonly stampsWritten: readonly DidText[];
}
