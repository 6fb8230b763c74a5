import { Dexie, type DexieOptions, type Table } from 'dexie';
import { storeError } from './errors.ts';

/**
 * One version of the schema: what changes in its tables, and how rows are carried over. Never edited once released; a new
 * version is added at the end (D06: IndexedDB makes an upgrade atomic).
 */
export interface SchemaVersion {
  readonly version: number;
  /** Dexie's index syntax; the first is the primary key. */
  readonly tables: Readonly<Record<string, string>>;
}

/**
 * `openJobs` must keep its name and hold one row per open job for ever: the service worker and other releases look there
 * without knowing more (I7).
 */
export const SCHEMA: readonly [SchemaVersion, ...SchemaVersion[]] = [
  {
    version: 1,
    tables: {
      journal: 'sequence, operationId, body.type, [body.type+operationId]',
      openJobs: 'operationId',
      backups: '++place, &id, moduleId, vin, origin',
      backupContents: 'contentHash',
      scans: '++place, &id, vin',
      settings: 'key',
      security: '[moduleKey+level]',
      traces: '++place, sessionId',
    },
  },
  {
    version: 2,
    tables: {
      adapters: 'key',
      adapterReports: '++place, &id, key',
    },
  },
];

/** One backup; its blocks are in `backupContents`. `place` is the order of arrival on this machine (fault D05). */
export interface BackupRow {
  readonly place?: number;
  readonly id: string;
  readonly moduleId: string;
  readonly vin: string;
  readonly origin: 'here' | 'file';
  readonly head: unknown;
}

export interface ContentRow {
  readonly contentHash: string;
  readonly blocks: unknown;
}

export interface ScanRow {
  readonly place?: number;
  readonly id: string;
  readonly vin: string;
  readonly scan: unknown;
}

export interface SettingsRow {
  readonly key: 'settings' | 'probe';
  readonly value: unknown;
}

export interface TraceRow {
  readonly place?: number;
  readonly sessionId: string;
  readonly wallMs: number;
  readonly text: string;
}

/** What a shop knows of one adapter: when it was open last, and whether a person let it change options. */
export interface AdapterRow {
  readonly key: string;
  readonly known?: unknown;
  readonly consent?: unknown;
}

/** One adapter check. `place` is the order of arrival on this machine (fault D05). */
export interface AdapterReportRow {
  readonly place?: number;
  readonly id: string;
  readonly key: string;
  readonly report: unknown;
}

/** Rows are `unknown` where they are parsed when read: the disk is outside. */
export class CodebayDatabase extends Dexie {
  declare readonly journal: Table<unknown, number>;
  declare readonly openJobs: Table<unknown, string>;
  declare readonly backups: Table<BackupRow, number>;
  declare readonly backupContents: Table<ContentRow, string>;
  declare readonly scans: Table<ScanRow, number>;
  declare readonly settings: Table<SettingsRow, string>;
  declare readonly security: Table<unknown, [string, number]>;
  declare readonly traces: Table<TraceRow, number>;
  declare readonly adapters: Table<AdapterRow, string>;
  declare readonly adapterReports: Table<AdapterReportRow, number>;

  constructor(name: string, schema: readonly SchemaVersion[], factory: IndexedDbFactory | undefined) {
    const options: DexieOptions = {
      chromeTransactionDurability: 'strict',
      // A connection that is gone (closed by us, or by the browser when site data is cleared) is never opened again by a call.
      autoOpen: false,
      ...(factory ? { indexedDB: factory.indexedDB, IDBKeyRange: factory.keyRange } : {}),
    };
    super(name, options);
    for (const { version, tables } of schema) this.version(version).stores(tables);
  }
}

/** Where databases live; absent = the platform's own. */
export interface IndexedDbFactory {
  readonly indexedDB: IDBFactory;
  readonly keyRange: typeof IDBKeyRange;
}

/**
 * One transaction that writes: all or nothing, on disk when it resolves. Two reasons may be told of one failure: the requests
 * say "aborted", the transaction says why (a full disk, fault D01); the transaction's counts.
 * @throws StackError `store/*`
 */
export async function writing<T>(
  db: CodebayDatabase,
  tables: readonly Table[],
  neededBytes: number,
  work: () => Promise<T>,
): Promise<T> {
  const native: { transaction?: IDBTransaction } = {};
  try {
    return await db.transaction('rw', tables, ({ idbtrans }) => {
      native.transaction = idbtrans;
      return work();
    });
  } catch (error) {
    const why = native.transaction?.error;
    throw storeError(why?.name === 'QuotaExceededError' ? why : error, tables[0]?.name ?? db.name, neededBytes);
  }
}

/** Runs a read and translates what goes wrong. @throws StackError `store/*` */
export async function reading<T>(table: string, work: () => PromiseLike<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeError(error, table);
  }
}
