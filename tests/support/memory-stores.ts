import type { Backup } from '#contract/backup.ts';
import { isStackError, StackError } from '#contract/errors.ts';
import { JOURNAL_VERSION, type JournalRecord, journalHash, openJobChange } from '#contract/journal.ts';
import { DEFAULT_SETTINGS, type ScanRecord, type Settings } from '#contract/records.ts';
import { REPORTS_KEPT, type Stores } from '#procedures/ports.ts';
import { consentOf, knownAdapterOf, reportOf } from '#store/adapters.ts';
import { assertHashes, completeBackup } from '#store/backup-record.ts';
import { corrupt } from '#store/errors.ts';
import { assertWorld, chainEnd } from '#store/journal.ts';
import { chainTip, continueChain, operationRecords, readableRecords, type StoredRow } from '#store/journal-chain.ts';
import { checkedReport } from '#store/schemas/adapter.ts';
import { parseBackup } from '#store/schemas/backup.ts';
import { checkedBody, judgeRow, parseOpenJob } from '#store/schemas/journal.ts';
import { securityRecord } from '#store/security.ts';

/**
 * What a disk holds: rows by table and key, as JSON text, plus writes that were issued but not yet awaited to their end.
 * A crash keeps all durable rows; each write still in flight is lost or kept as the test says, and may be torn.
 */
export class MemoryDisk {
  readonly rows = new Map<string, Map<string, string>>();
  /** Writes issued and not yet durable, oldest first. */
  readonly inFlight: { readonly table: string; readonly key: string; readonly text: string | null }[] = [];
  /** Called at each durable write; a test kills here. */
  onDurable: (table: string) => void = () => {};
  /** Set by the test: the machine is dead, nothing gets to disk any more and nobody hears of it. */
  dead = false;
  quotaRows = Number.POSITIVE_INFINITY;

  table(name: string): Map<string, string> {
    const table = this.rows.get(name) ?? new Map<string, string>();
    this.rows.set(name, table);
    return table;
  }

  /** One transaction: all rows or none; durable when it resolves. */
  async commit(
    writes: readonly { readonly table: string; readonly key: string; readonly value: unknown }[],
  ): Promise<void> {
    if (this.dead) return new Promise(() => {});
    const pending = writes.map(({ table, key, value }) => ({
      table,
      key,
      text: value === undefined ? null : JSON.stringify(value),
    }));
    this.inFlight.push(...pending);
    await Promise.resolve(); // between the request and its completion there is always a moment in which power may go
    if (this.dead) return new Promise(() => {});
    const total = [...this.rows.values()].reduce((sum, table) => sum + table.size, 0);
    if (total + writes.length > this.quotaRows) {
      for (const write of pending) this.inFlight.splice(this.inFlight.indexOf(write), 1);
      throw new StackError('store/quota', 'the disk is full', { neededBytes: JSON.stringify(writes).length });
    }
    for (const write of pending) {
      this.#apply(write);
      this.inFlight.splice(this.inFlight.indexOf(write), 1);
    }
    this.onDurable(writes[0]?.table ?? '');
    if (this.dead) return new Promise(() => {}); // on disk, but the one who waits for it is gone
  }

  /** What the next start finds: durable rows, and the writes in flight if they made it. */
  afterCrash(inFlight: 'lost' | 'kept' | 'torn'): MemoryDisk {
    const disk = new MemoryDisk();
    for (const [name, table] of this.rows) for (const [key, text] of table) disk.table(name).set(key, text);
    if (inFlight !== 'lost')
      for (const write of this.inFlight)
        disk.#apply(
          inFlight === 'torn' && write.text !== null
            ? { ...write, text: write.text.slice(0, Math.floor(write.text.length / 2)) }
            : write,
        );
    return disk;
  }

  #apply(write: { readonly table: string; readonly key: string; readonly text: string | null }): void {
    if (write.text === null) this.table(write.table).delete(write.key);
    else this.table(write.table).set(write.key, write.text);
  }
}

/**
 * The stores over a disk, as a fresh start of the app would open them. What a record is and when it counts as damaged is the
 * store's own code; what differs is the disk below, which can tear.
 */
export function memoryStores(disk: MemoryDisk, clock: { now(): number; wallMs(): number }, simulated = true): Stores {
  const parsed = (text: string | undefined): unknown => {
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text);
    } catch {
      return { torn: text };
    }
  };
  const all = (table: string): unknown[] => [...disk.table(table).values()].map(parsed);
  const journalRows = (newest = Number.POSITIVE_INFINITY): StoredRow[] =>
    [...disk.table('journal').keys()]
      .map(Number)
      .sort((a, b) => a - b)
      .slice(-newest)
      .map((key) => ({ key, row: parsed(disk.table('journal').get(String(key))) }));
  const tip = () => chainTip(journalRows(2).reverse());

  const backupOf = (id: string): Backup | null => {
    const row = parsed(disk.table('backups').get(id) ?? disk.table('backups').get(`file ${id}`));
    if (row === undefined) return null;
    try {
      return assertHashes(parseBackup(row, id));
    } catch (error) {
      if (isStackError(error, 'file/malformed')) throw corrupt('backups', id, error.details.why);
      throw error;
    }
  };
  /** Whole backups in the order of their arrival. */
  const wholeBackups = (origin: 'here' | 'all'): Backup[] =>
    [...disk.table('backups').keys()].flatMap((key) => {
      if (origin === 'here' && key.startsWith('file ')) return [];
      try {
        return backupOf(key.replace(/^file /, '')) ?? [];
      } catch {
        return []; // damaged: as the ports say, it is not listed
      }
    });
  const takenHere = () => [...disk.table('backups').keys()].filter((key) => !key.startsWith('file ')).length;
  let appending: Promise<unknown> = Promise.resolve();

  repairOpenJobs(disk, journalRows());
  return {
    simulated,
    journal: {
      append(entry) {
        const work = appending.then(async () => {
          assertWorld('journal', entry.simulated, simulated);
          const head = {
            journalVersion: JOURNAL_VERSION,
            ...continueChain(tip().tip),
            operationId: entry.operationId,
            simulated: entry.simulated,
            wallMs: clock.wallMs(),
            monotonicMs: clock.now(),
            body: checkedBody(entry.body),
          };
          const record: JournalRecord = { ...head, hash: journalHash(head) };
          const job = openJobChange(record);
          await disk.commit([
            { table: 'journal', key: String(record.sequence), value: record },
            ...(job === null ? [] : [{ table: 'openJobs', key: record.operationId, value: job.open ?? undefined }]),
          ]);
          return record;
        });
        appending = work.catch(() => undefined);
        return work;
      },
      async recordsOf(operationId) {
        const rows = journalRows();
        const first = rows.findIndex(({ row }) => (row as Partial<JournalRecord>).operationId === operationId);
        return first < 0 ? [] : operationRecords(rows.slice(first), operationId);
      },
      async openJobs() {
        return [...disk.table('openJobs')].map(([key, text]) => {
          const job = parseOpenJob(parsed(text));
          if (job === null) throw corrupt('openJobs', key, 'not an open job');
          return job;
        });
      },
      async records(from, limit) {
        const rows = journalRows();
        return readableRecords(rows.filter(({ key }) => key >= from).slice(0, limit), rows.at(-1)?.key ?? 0);
      },
    },
    backups: {
      async add(draft) {
        assertWorld('backups', draft.simulated, simulated);
        const { moduleId } = draft.module;
        const sameAddress = wholeBackups('here').filter((other) => other.module.moduleId === moduleId);
        const backup = completeBackup(draft, { count: takenHere(), sameAddress });
        await disk.commit([{ table: 'backups', key: backup.id, value: backup }]);
        return backup;
      },
      async addImported(backup) {
        assertWorld('backups', backup.simulated, simulated);
        const known = backupOf(backup.id);
        if (known?.recordHash === backup.recordHash) return 'known';
        if (known !== null)
          throw new StackError('backup/corrupt', `another backup here has the id ${backup.id}`, { why: 'id' });
        await disk.commit([{ table: 'backups', key: `file ${backup.id}`, value: backup }]);
        return 'added';
      },
      async get(id) {
        return backupOf(id);
      },
      async list(filter = {}) {
        return wholeBackups('all')
          .filter(
            (backup) =>
              (filter.vin === undefined || backup.vehicle.vin === filter.vin) &&
              (filter.moduleId === undefined || backup.module.moduleId === filter.moduleId) &&
              (filter.serial === undefined || backup.module.serial === filter.serial),
          )
          .reverse();
      },
    },
    scans: {
      async put(scan) {
        assertWorld('scans', scan.simulated, simulated);
        await disk.commit([
          { table: 'scans', key: scan.id, value: undefined }, // so that it comes last again
          { table: 'scans', key: scan.id, value: scan },
        ]);
      },
      async latest(vin) {
        return (all('scans') as ScanRecord[]).filter((scan) => scan.vin === vin).at(-1) ?? null;
      },
    },
    settings: {
      async read() {
        const settings = parsed(disk.table('settings').get('settings')) as Partial<Settings> | undefined;
        return settings?.version === 1 ? (settings as Settings) : DEFAULT_SETTINGS;
      },
      async write(settings) {
        await disk.commit([{ table: 'settings', key: 'settings', value: settings }]);
      },
    },
    security: {
      async read(moduleKey, level) {
        const row = parsed(disk.table('security').get(`${moduleKey} ${level}`));
        return row === undefined ? null : securityRecord(row, moduleKey, level);
      },
      async write(record) {
        await disk.commit([{ table: 'security', key: `${record.moduleKey} ${record.level}`, value: record }]);
      },
    },
    traces: {
      // Not part of the truth: no durable write that a kill could hit.
      async append(sessionId, text) {
        if (disk.dead) return new Promise(() => {});
        const before = parsed(disk.table('traces').get(sessionId)) ?? '';
        disk.table('traces').set(sessionId, JSON.stringify(`${before}${text}`));
      },
      async read(sessionId) {
        return String(parsed(disk.table('traces').get(sessionId)) ?? '');
      },
    },
    adapters: {
      async addReport(report) {
        assertWorld('adapterReports', report.simulated, simulated);
        const kept = reportKeys(disk, report.key);
        await disk.commit([
          ...kept
            .slice(0, Math.max(0, kept.length - REPORTS_KEPT + 1))
            .map((key) => ({ table: 'adapterReports', key, value: undefined })),
          { table: 'adapterReports', key: `${report.key} ${report.id}`, value: checkedReport(report) },
        ]);
      },
      async reportsOf(key) {
        return reportKeys(disk, key)
          .reverse()
          .flatMap((place) => reportOf(parsed(disk.table('adapterReports').get(place)), key) ?? []);
      },
      async consentTo(key) {
        return consentOf(parsed(disk.table('adapters').get(`consent ${key}`)), key);
      },
      async giveConsent(consent) {
        await disk.commit([{ table: 'adapters', key: `consent ${consent.key}`, value: consent }]);
      },
      async remember(adapter) {
        await disk.commit([{ table: 'adapters', key: `known ${adapter.key}`, value: adapter }]);
      },
      async known() {
        return [...disk.table('adapters').keys()]
          .filter((key) => key.startsWith('known '))
          .flatMap((key) => knownAdapterOf(parsed(disk.table('adapters').get(key))) ?? [])
          .sort((a, b) => b.lastOpenedWallMs - a.lastOpenedWallMs);
      },
    },
  };
}

/** Rows of one adapter, in the order of their arrival. */
function reportKeys(disk: MemoryDisk, key: string): string[] {
  return [...disk.table('adapterReports').keys()].filter((place) => place.startsWith(`${key} `));
}

/**
 * A torn record and what it did to the list of open jobs were one transaction: neither counts. This disk may have kept the
 * second half, so the list is made again from the journal, as the store does on disk.
 */
function repairOpenJobs(disk: MemoryDisk, rows: readonly StoredRow[]): void {
  if (!chainEnd(rows.slice(-2).reverse())?.torn) return;
  const openJobs = disk.table('openJobs');
  openJobs.clear();
  for (const { row } of rows) {
    const judged = judgeRow(row);
    const change = judged.kind === 'record' && judged.hashHolds ? openJobChange(judged.record) : null;
    if (judged.kind !== 'record' || change === null) continue;
    if (change.open) openJobs.set(judged.record.operationId, JSON.stringify(change.open));
    else openJobs.delete(judged.record.operationId);
  }
}
