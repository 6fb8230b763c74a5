import { liveQuery } from 'dexie';
import type { AdapterReport } from '#contract/adapter-check.ts';
import type { Backup } from '#contract/backup.ts';
import { type JournalRecord, type OpenJob, openJobChange } from '#contract/journal.ts';
import type { OperationOutcome, Plan } from '#contract/plan.ts';
import type { Settings } from '#contract/records.ts';
import { listReports } from './adapters.ts';
import { type BackupFilter, BackupsRepository, type DamagedBackup, listBackups } from './backups.ts';
import { type OpenOptions, openDatabase } from './database.ts';
import { readOpenJobs } from './journal.ts';
import { judgeRow } from './schemas/journal.ts';
import { SettingsRepository } from './settings.ts';
import { type CodebayDatabase, reading } from './tables.ts';
import { readTrace } from './traces.ts';

/** A value that is told now and after each change, also one that the worker or another tab makes. Results are new objects each time. */
export interface LiveView<T> {
  subscribe(next: (value: T) => void, failed?: (error: unknown) => void): { unsubscribe(): void };
}

/** Records as they can be shown; `damaged` are the places of those that cannot, or whose hash does not hold (I11). */
export interface JournalView {
  readonly records: readonly JournalRecord[];
  readonly damaged: readonly number[];
}

/** A job in the list of sessions. `ended` null = unfinished. */
export interface OperationSummary {
  readonly operationId: string;
  readonly sequence: number;
  readonly openedWallMs: number;
  readonly plan: Plan;
  readonly ended:
    | { readonly kind: 'closed'; readonly wallMs: number; readonly outcome: OperationOutcome }
    | { readonly kind: 'parked'; readonly wallMs: number; readonly name: string }
    | null;
}

/** A connection to an adapter, whose trace bears its id. */
export interface SessionSummary {
  readonly sessionId: string;
  readonly sequence: number;
  readonly wallMs: number;
  readonly adapter: string;
}

/** What the page sees of the disk. It has no way to write. */
export interface ReadingStores {
  readonly simulated: boolean;
  backups(filter?: BackupFilter): LiveView<{
    readonly backups: readonly Backup[];
    readonly damaged: readonly DamagedBackup[];
  }>;
  backup(id: string): LiveView<Backup | null>;
  /** Backups that were handed out as files, by id, with the time of the last one (ms): what the record says of copies. */
  exportedBackups(): LiveView<ReadonlyMap<string, number>>;
  journalOf(operationId: string): LiveView<JournalView>;
  /** Jobs, newest first. */
  operations(limit?: number): LiveView<readonly OperationSummary[]>;
  openJobs(): LiveView<readonly OpenJob[]>;
  /** Connections, newest first. */
  sessions(limit?: number): LiveView<readonly SessionSummary[]>;
  trace(sessionId: string): LiveView<string>;
  settings(): LiveView<Settings>;
  /** Adapter checks of all adapters, newest first. */
  adapterReports(): LiveView<readonly AdapterReport[]>;
  close(): Promise<void>;
}

const DEFAULT_LIMIT = 200;

/**
 * The page's own connection. It follows the same open protocol and may be the one that upgrades: open it before the vehicle
 * worker starts (build notes 5).
 * @throws StackError as `openStores`
 */
export async function readingStores(options: OpenOptions): Promise<ReadingStores> {
  const { db, close } = await openDatabase(options);
  const simulated = options.world === 'training';
  const backups = new BackupsRepository(db, simulated);
  const settings = new SettingsRepository(db);
  return {
    simulated,
    backups: (filter = {}) => live(() => listBackups(db, filter)),
    backup: (id) => live(() => backups.get(id)),
    exportedBackups: () => live(() => exportedBackups(db)),
    journalOf: (operationId) => live(() => journalView(db, operationId)),
    operations: (limit = DEFAULT_LIMIT) => live(() => operations(db, limit)),
    openJobs: () => live(() => reading('openJobs', () => readOpenJobs(db))),
    sessions: (limit = DEFAULT_LIMIT) => live(() => sessions(db, limit)),
    trace: (sessionId) => live(() => readTrace(db, sessionId)),
    settings: () => live(() => settings.read()),
    adapterReports: () => live(() => listReports(db)),
    close,
  };
}

function live<T>(query: () => Promise<T>): LiveView<T> {
  const observable = liveQuery(query);
  return {
    subscribe: (next, failed) => observable.subscribe(next, failed ?? null),
  };
}

function journalView(db: CodebayDatabase, operationId: string): Promise<JournalView> {
  return reading('journal', async () => {
    const records: JournalRecord[] = [];
    const damaged: number[] = [];
    const rows = db.journal.where('operationId').equals(operationId);
    const [sequences, stored] = await Promise.all([rows.clone().primaryKeys(), rows.clone().toArray()]);
    for (const [i, row] of stored.entries()) {
      const judged = judgeRow(row);
      if (judged.kind === 'record') records.push(judged.record);
      if (judged.kind !== 'record' || !judged.hashHolds) damaged.push(sequences[i] ?? 0);
    }
    return { records, damaged };
  });
}

function operations(db: CodebayDatabase, limit: number): Promise<readonly OperationSummary[]> {
  return reading('journal', async () => {
    const jobs = new Map<string, OperationSummary>();
    const opened = await newest(db, 'job-opened', limit);
    for (const { body, operationId, sequence, wallMs } of opened)
      if (body.type === 'job-opened')
        jobs.set(operationId, { operationId, sequence, openedWallMs: wallMs, plan: body.plan, ended: null });
    const oldest = opened.at(-1)?.sequence ?? 0;
    const ends = [
      ...(await newest(db, 'job-closed', Infinity, oldest)),
      ...(await newest(db, 'job-parked', Infinity, oldest)),
    ];
    for (const record of ends.sort((a, b) => a.sequence - b.sequence)) {
      const job = jobs.get(record.operationId);
      if (job === undefined || openJobChange(record) === null) continue;
      const { body, wallMs } = record;
      if (body.type === 'job-closed')
        jobs.set(job.operationId, { ...job, ended: { kind: 'closed', wallMs, outcome: body.outcome } });
      else if (body.type === 'job-parked')
        jobs.set(job.operationId, { ...job, ended: { kind: 'parked', wallMs, name: body.name } });
    }
    return [...jobs.values()];
  });
}

function sessions(db: CodebayDatabase, limit: number): Promise<readonly SessionSummary[]> {
  return reading('journal', async () =>
    (await newest(db, 'note', Infinity))
      .flatMap(({ body, sequence, wallMs }): SessionSummary[] => {
        if (body.type !== 'note' || body.what !== 'connected') return [];
        const space = body.detail.indexOf(' '); // the note of a connection is "<session id> <adapter>"
        if (space < 0) return [{ sessionId: body.detail, sequence, wallMs, adapter: '' }];
        return [{ sessionId: body.detail.slice(0, space), sequence, wallMs, adapter: body.detail.slice(space + 1) }];
      })
      .slice(0, limit),
  );
}

/** The note of an export names the backup. In order, so that the last one stands. */
function exportedBackups(db: CodebayDatabase): Promise<ReadonlyMap<string, number>> {
  return reading('journal', async () => {
    const rows = await db.journal.where('body.type').equals('note').filter(isExport).sortBy('sequence');
    return new Map(
      rows.flatMap((row): (readonly [string, number])[] => {
        const judged = judgeRow(row);
        if (judged.kind !== 'record' || !judged.hashHolds || judged.record.body.type !== 'note') return [];
        return [[judged.record.body.detail, judged.record.wallMs]];
      }),
    );
  });
}

/** Looked at before the row is parsed and its hash checked, which costs more than all the other notes are worth. */
function isExport(row: unknown): boolean {
  const { body } = row as { readonly body?: { readonly what?: unknown } };
  return body?.what === 'exported';
}

/** Readable records of one type, newest first, none older than `since`. */
async function newest(
  db: CodebayDatabase,
  type: JournalRecord['body']['type'],
  limit: number,
  since = 0,
): Promise<readonly JournalRecord[]> {
  const found = db.journal.where('body.type').equals(type).reverse();
  const sequences = (await found.clone().primaryKeys()).filter((sequence) => sequence >= since);
  const rows = await db.journal.bulkGet(sequences.sort((a, b) => b - a).slice(0, limit));
  return rows.flatMap((row) => {
    const judged = judgeRow(row);
    return judged.kind === 'record' ? [judged.record] : [];
  });
}
