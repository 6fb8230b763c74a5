/**
 * The seam between page and vehicle worker: commands in, events out. Everything here is plain data and crosses by structured
 * clone. The worker parses every command; the page shows what events and the database say.
 */
import type { AdapterInfo, CanConfig } from '#contract/adapter.ts';
import type { AdapterConsent, AdapterKey, AdapterReport } from '#contract/adapter-check.ts';
import type { Backup, BackupBlock, FaultEntry, IdentRead, ModuleIdentity, VoltageReading } from '#contract/backup.ts';
import type { DefinitionPack, DidText, HexText, LocalizedText } from '#contract/definition.ts';
import type { ErrorRecord } from '#contract/errors.ts';
import type { IsoTpAddress, ModuleId } from '#contract/isotp.ts';
import type { OperationEvent } from '#contract/operation.ts';
import type { ClearPlan, EcuState, Plan, WritePlan } from '#contract/plan.ts';
import type { ModuleStatus, Settings } from '#contract/records.ts';
import type { CloseReason, UsbIdentity } from '#contract/transport.ts';

/** Every command that starts something carries an id made by the page: the same id twice is the same command (fault H01). */
export type CommandId = string;

export interface VehicleApi {
  /** The port over which the worker sends `EventBatch`es, at most 30 a second (goal P11). */
  connectEvents(port: MessagePort): Promise<void>;
  /** Everything the page needs after a (re)load; opens the stores. */
  hello(options: { readonly world: World; readonly storagePersistent: boolean }): Promise<Hello>;
  setStoragePersistent(persistent: boolean): Promise<void>;

  /** Granted ports the worker sees. */
  grantedAdapters(): Promise<readonly GrantedAdapter[]>;
  /** Opens a granted port (the only one, or the one with this identity), takes the lock `adapter`, recognises the device. */
  connectSerial(choice: SerialChoice): Promise<ConnectionView>;
  /** The virtual car at the other end of the port; switches to the training database. */
  connectSimulator(port: MessagePort): Promise<ConnectionView>;
  disconnect(): Promise<void>;
  /**
   * Measures what the adapter can do, on its own and on the car (kind `check-adapter`). Reads only; its report decides from
   * then on what the adapter may do.
   */
  checkAdapter(command: { readonly commandId: CommandId }): Promise<Started>;
  /**
   * A person lets the open adapter, a clone that passed its check, change options, and signs with a name.
   * @throws StackError `adapter/may-not` for one that is no clone, or has not passed
   */
  acceptAdapter(command: { readonly name: string }): Promise<ConnectionView>;
  /** A meter reading typed and signed by a person; ends after ten minutes (design 6c). */
  typeVoltage(command: {
    readonly volts: number;
    readonly name: string;
    readonly stabiliser: string;
  }): Promise<VoltageReading>;

  scan(command: { readonly commandId: CommandId }): Promise<Started>;
  /** Identity, coding blocks, faults of one module, as fresh values; changes nothing. */
  readModule(command: { readonly commandId: CommandId; readonly moduleId: ModuleId }): Promise<Started>;
  takeBackup(command: { readonly commandId: CommandId; readonly moduleId: ModuleId }): Promise<Started>;

  /** Plans read the car, take the backup that the write needs, and return what would happen. */
  planCoding(command: PlanCodingCommand): Promise<WritePlan>;
  planRestore(command: PlanRestoreCommand): Promise<WritePlan>;
  planClearFaults(command: { readonly commandId: CommandId; readonly moduleId: ModuleId }): Promise<ClearPlan>;
  /** What a restore would do, without the car: refusal or the differences to the last read values. */
  approve(command: ApproveCommand): Promise<Started>;
  discardPlan(planId: string): Promise<void>;
  /** Follows the phase's cancel policy. */
  cancel(operationId: string): Promise<void>;

  /** The one next step of an unfinished job, kind `check`: reads the module, closes the job or finds the next step. */
  checkJob(command: { readonly commandId: CommandId; readonly operationId: string }): Promise<Started>;
  /** The one next step of kinds `put-back` and `finish`: a plan to approve. */
  planRepair(command: { readonly commandId: CommandId; readonly operationId: string }): Promise<WritePlan>;
  /** Sets a job aside under a name: everything about it goes to a file first, then it blocks nothing. */
  parkJob(command: { readonly operationId: string; readonly name: string }): Promise<ExportedFile>;
  /** After the page saved the file of `parkJob`. */
  confirmParked(command: {
    readonly operationId: string;
    readonly name: string;
    readonly fileSha256: string;
  }): Promise<void>;

  exportBackup(backupId: string): Promise<ExportedFile>;
  importBackup(file: {
    readonly name: string;
    readonly text: string;
  }): Promise<{ readonly backup: Backup; readonly known: boolean }>;
  exportSession(sessionId: string): Promise<ExportedFile>;
  verifyRecord(): Promise<{
    readonly records: number;
    readonly broken: { readonly sequence: number; readonly why: string } | null;
  }>;

  settings(): Promise<Settings>;
  saveSettings(settings: Settings): Promise<Settings>;
  /** Definitions in force, to show and decode options on the page. */
  definitionPack(packId: string): Promise<DefinitionPack>;
}

export interface SerialChoice {
  readonly usb: UsbIdentity | null;
  /** A Bluetooth port (RFCOMM). */
  readonly wireless?: boolean;
  /** Of several alike, the one that answers with this key; another one is not taken in its place (faults S05, S07). */
  readonly adapter?: AdapterKey;
  /** A person picked it in the browser's chooser just now. Only `false` proves that the browser still knew it. */
  readonly chosen?: boolean;
  /** A person's word on the bus of this car; default 500 kbit/s. Never searched for by transmitting. */
  readonly bitRate?: CanConfig['bitRate'];
}

/** Real cars and the virtual one never share a database. */
export type World = 'real' | 'training';

export interface Hello {
  readonly release: string;
  readonly world: World;
  readonly connection: ConnectionView;
  readonly vehicle: VehicleView | null;
  readonly voltage: VoltageReading;
  readonly jobs: readonly UnfinishedJob[];
  readonly running: readonly OperationEvent[];
  readonly settings: Settings;
  readonly store: StoreHealth;
}

export type StoreHealth =
  | { readonly kind: 'ok'; readonly persistent: boolean }
  | { readonly kind: 'read-only'; readonly error: ErrorRecord };

export interface GrantedAdapter {
  readonly usb: UsbIdentity | null;
  readonly title: string;
  /** Adapters of this USB identity that were open on this machine, the last one first. Several: their cables are alike. */
  readonly known: readonly KnownAdapter[];
}

/** An adapter that was open on this machine before: what a later start needs to open it again. */
export interface KnownAdapter {
  readonly key: AdapterKey;
  readonly driver: string;
  readonly product: string;
  readonly serialNumber: string | null;
  readonly usb: UsbIdentity | null;
  readonly wireless: boolean;
  readonly bitRate: CanConfig['bitRate'];
  readonly lastOpenedWallMs: number;
  /** As in `AdapterReport`. */
  readonly survivesReplug: AdapterReport['survivesReplug'];
}

export interface Started {
  readonly operationId: string;
}

export interface ExportedFile {
  readonly name: string;
  readonly mime: string;
  readonly text: string;
  readonly sha256: string;
}

/** `value`: coded number for texttable and linear parameters, text for ascii. */
export interface ParameterChange {
  readonly parameterId: string;
  readonly value: number | string;
}

export interface PlanCodingCommand {
  readonly commandId: CommandId;
  readonly moduleId: ModuleId;
  readonly changes: readonly ParameterChange[];
  /** Expert raw mode: whole new blocks, needs settings.expert and a typed confirmation. */
  readonly raw?: readonly { readonly did: DidText; readonly hex: HexText }[];
  readonly shopCode: ShopCodeChoice;
}

export interface ApproveCommand {
  readonly commandId: CommandId;
  readonly planId: string;
  /** What the person typed where the plan's risk asks for it: the last four characters of the VIN. */
  readonly typed: string | null;
  /** A key for this level failed before, and the person wants one more try (`security/attempt-used`). */
  readonly tryKeyAgain?: boolean;
}

/** Where the shop code of a prelude comes from. `settings` fails with `plan/shop-code-unset` when there is none. */
export type ShopCodeChoice =
  | { readonly kind: 'settings' }
  | { readonly kind: 'module' }
  | { readonly kind: 'typed'; readonly hex: HexText };

export interface PlanRestoreCommand {
  readonly commandId: CommandId;
  readonly backupId: string;
  readonly moduleId: ModuleId;
  readonly shopCode: ShopCodeChoice;
}

export type ConnectionView =
  | { readonly kind: 'none' }
  | { readonly kind: 'opening'; readonly simulated: boolean; readonly step: 'port' | 'recognise' | 'bus' }
  | {
      readonly kind: 'open';
      readonly simulated: boolean;
      /** Its verdict is the one in force: of the newest check, else of the family. */
      readonly adapter: AdapterInfo;
      /** The newest check of this adapter on this machine. */
      readonly check: AdapterReport | null;
      /** Who let this clone change options, and when. */
      readonly consent: AdapterConsent | null;
      readonly usb: UsbIdentity | null;
      readonly bitRate: number;
      readonly traffic: boolean;
      /** Somebody else asked a module within the last minute (fault T10); false where the adapter shows no foreign frames. */
      readonly foreignTester: boolean;
      /** Names the trace of this connection. */
      readonly sessionId: string;
    }
  | {
      readonly kind: 'lost';
      readonly simulated: boolean;
      readonly reason: CloseReason;
      readonly usb: UsbIdentity | null;
      /** Who it was: to be asked for again, when others like it are plugged in as well. */
      readonly adapter: AdapterKey;
    };

export interface VehicleView {
  readonly simulated: boolean;
  readonly vin: string | null;
  readonly vinSources: readonly { readonly moduleId: ModuleId; readonly vin: string | null }[];
  /** Different VINs in one car: shown, and writing is refused. */
  readonly vinConflict: boolean;
  readonly scannedAtWallMs: number | null;
  /** A gateway that answers while everything behind it is silent: it filters (fault T09). */
  readonly filteredBy: ModuleId | null;
  readonly modules: readonly ModuleView[];
  /** Compared with the scan before this one. */
  readonly since: {
    readonly newModules: readonly ModuleId[];
    readonly missingModules: readonly ModuleId[];
    readonly newFaults: readonly { readonly moduleId: ModuleId; readonly code: HexText }[];
  } | null;
}

export interface ModuleView {
  readonly moduleId: ModuleId;
  readonly address: IsoTpAddress;
  readonly label: string;
  readonly shortName: string;
  readonly title: LocalizedText;
  readonly group: LocalizedText;
  readonly status: ModuleStatus | 'reading' | 'waiting';
  readonly identity: ModuleIdentity | null;
  readonly faults: { readonly entries: readonly FaultEntry[]; readonly readAtWallMs: number } | null;
  readonly blocks: {
    readonly entries: readonly BackupBlock[];
    readonly unreadable: readonly IdentRead[];
    readonly readAtWallMs: number;
  } | null;
  /** Not touched since it was last connected: values are of then. */
  readonly stale: boolean;
  readonly lockouts: readonly { readonly level: number; readonly untilWallMs: number }[];
  /** Newest backup on this machine. */
  readonly lastBackup: { readonly id: string; readonly takenAtWallMs: number } | null;
}

/** A job that began and is not closed: blocks writes to its vehicle, shows exactly one next step (I4). */
export interface UnfinishedJob {
  readonly operationId: string;
  readonly kind: Plan['kind'];
  readonly vin: string | null;
  readonly moduleId: ModuleId;
  readonly title: LocalizedText;
  readonly openedWallMs: number;
  readonly state: EcuState;
  readonly next: NextStep;
  readonly backupId: string | null;
  readonly plan: Plan;
}

export type NextStep =
  /** It is running right now. */
  | { readonly kind: 'wait' }
  /** Connect this car, then look what the module holds. Reads only. */
  | { readonly kind: 'check' }
  /** The module holds something else than before: put the backup back. */
  | { readonly kind: 'put-back'; readonly backupId: string }
  /** All bytes are written; restart and proof are missing. */
  | { readonly kind: 'finish' };

export type WorkerEvent =
  | { readonly type: 'connection'; readonly connection: ConnectionView }
  | { readonly type: 'vehicle'; readonly vehicle: VehicleView | null }
  | { readonly type: 'module'; readonly module: ModuleView }
  | { readonly type: 'operation'; readonly event: OperationEvent }
  | { readonly type: 'voltage'; readonly reading: VoltageReading }
  | { readonly type: 'jobs'; readonly jobs: readonly UnfinishedJob[] }
  | { readonly type: 'trace'; readonly text: string }
  | { readonly type: 'store'; readonly health: StoreHealth }
  | { readonly type: 'alive'; readonly lastAnswerAgoMs: number | null };

export interface EventBatch {
  readonly sequence: number;
  readonly events: readonly WorkerEvent[];
}
