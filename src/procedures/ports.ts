/**
 * What procedures need from storage; `store/` implements it (Dexie) and tests have an in-memory twin that tears.
 * One conformance suite holds for both.
 */
import type { AdapterConsent, AdapterKey, AdapterReport } from '#contract/adapter-check.ts';
import type { Backup } from '#contract/backup.ts';
import type { SecurityMemory } from '#contract/diagnostics.ts';
import type { ModuleId } from '#contract/isotp.ts';
import type { JournalBody, JournalRecord, OpenJob } from '#contract/journal.ts';
import type { ScanRecord, Settings } from '#contract/records.ts';
import type { KnownAdapter } from '#contract/vehicle-api.ts';

export interface JournalPort {
  /**
   * Appends one record and resolves when it is on disk (strict durability). Sequence, chain and hash are made here; appends
   * are serialised. `job-opened` makes the operation an open job; `job-closed` and `job-parked` end that, in the same transaction.
   * @throws StackError `store/*`; then nothing was appended
   */
  append(entry: {
    readonly operationId: string;
    readonly simulated: boolean;
    readonly body: JournalBody;
  }): Promise<JournalRecord>;
  /** In order. Records that fail their checksum end the list: a torn tail is ignored (fault D03). */
  recordsOf(operationId: string): Promise<readonly JournalRecord[]>;
  /** Jobs that have begun and are neither closed nor parked. */
  openJobs(): Promise<readonly OpenJob[]>;
  /** In order, from a sequence number on. */
  records(from: number, limit: number): Promise<readonly JournalRecord[]>;
}

/** What the caller knows of a new backup; the rest (id, sequence, lineage, pin, hashes) the repository adds. */
export type BackupDraft = Omit<
  Backup,
  'format' | 'version' | 'id' | 'sequence' | 'parent' | 'pinned' | 'contentHash' | 'recordHash'
>;

export interface BackupsPort {
  /** Durable before it resolves. Equal blocks are stored once, every backup keeps its own time (fault D08). */
  add(draft: BackupDraft): Promise<Backup>;
  /** An already complete backup from a file, hashes checked by the caller; `known` when it is here already. */
  addImported(backup: Backup): Promise<'added' | 'known'>;
  /** Read from disk again, both hashes checked. @throws StackError `store/corrupt` */
  get(id: string): Promise<Backup | null>;
  /** Newest first. */
  list(filter?: {
    readonly vin?: string;
    readonly moduleId?: ModuleId;
    readonly serial?: string;
  }): Promise<readonly Backup[]>;
}

export interface ScansPort {
  put(scan: ScanRecord): Promise<void>;
  latest(vin: string): Promise<ScanRecord | null>;
}

export interface SettingsPort {
  read(): Promise<Settings>;
  write(settings: Settings): Promise<void>;
}

/** Trace text of a session, for people and bug reports; not part of the truth, may lag. */
export interface TracesPort {
  append(sessionId: string, text: string): Promise<void>;
  read(sessionId: string): Promise<string>;
}

/** Reports kept of one adapter: enough to see how it changed, and the store stays small. */
export const REPORTS_KEPT = 10;

/** What this machine knows of adapters. What cannot be read counts as never measured and never allowed: the careful side. */
export interface AdaptersPort {
  /** Durable before it resolves; of the same adapter the newest `REPORTS_KEPT` stay. */
  addReport(report: AdapterReport): Promise<void>;
  /** Of this adapter, newest first by arrival. */
  reportsOf(key: AdapterKey): Promise<readonly AdapterReport[]>;
  consentTo(key: AdapterKey): Promise<AdapterConsent | null>;
  /** Durable before it resolves; a later one takes the place of the one before. */
  giveConsent(consent: AdapterConsent): Promise<void>;
  /** Notes that an adapter was opened. */
  remember(adapter: KnownAdapter): Promise<void>;
  /** Last opened first. */
  known(): Promise<readonly KnownAdapter[]>;
}

export interface Stores {
  readonly journal: JournalPort;
  readonly backups: BackupsPort;
  readonly scans: ScansPort;
  readonly settings: SettingsPort;
  readonly security: SecurityMemory;
  readonly traces: TracesPort;
  readonly adapters: AdaptersPort;
  /** Is this the training database? Every record carries it; nothing crosses. */
  readonly simulated: boolean;
}
