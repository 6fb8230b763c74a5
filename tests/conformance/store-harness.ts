import { IDBFactory, IDBKeyRange, IDBObjectStore } from 'fake-indexeddb';
import type { Clock } from '#base/clock.ts';
import type { World } from '#contract/vehicle-api.ts';
import type { Stores } from '#procedures/ports.ts';
import { openStores } from '#store/index.ts';
import type { SchemaLocks } from '#store/schema-locks.ts';
import { MemoryDisk, memoryStores } from '../support/memory-stores.ts';

/** One disk, and the app that is started on it again and again. */
export interface StoreHarness {
  readonly clock: TestClock;
  readonly simulated: boolean;
  /** A fresh start of the app over the same disk; ends the one before. */
  start(): Promise<Stores>;
  /** Changes a stored row behind the app's back; `undefined` removes it. */
  tamper(table: TamperedTable, key: string | number, change: Tamper): Promise<void>;
  /** Operation ids in the table that the service worker reads. */
  storedOpenJobs(): Promise<readonly string[]>;
  /** From now on there is room for nothing more. */
  fillDisk(): void;
  makeRoom(): void;
  end(): Promise<void>;
}
/** A report is named by its id, what was noted of an adapter by its key. */
type TamperedTable = 'journal' | 'backups' | 'openJobs' | 'security' | 'adapterReports' | 'consents';
type Tamper = (row: Record<string, unknown>) => unknown;

/** Real waiting, a settable time of day, and hours that pass in a blink when a test wants it. */
export class TestClock implements Clock {
  wall = Date.UTC(2026, 10, 22, 10, 0, 0);
  mono = 1000;
  /** How many milliseconds of a sleep pass in one real millisecond. */
  rate = 1;
  #sleptMs = 0;

  now(): number {
    return this.mono + this.#sleptMs;
  }

  wallMs(): number {
    return this.wall;
  }

  sleep(ms: number, options?: { readonly signal?: AbortSignal }): Promise<void> {
    return new Promise((resolve, reject) => {
      const signal = options?.signal;
      const timer = setTimeout(() => {
        this.#sleptMs += ms;
        resolve();
      }, ms / this.rate);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    });
  }
}

/** Shared and exclusive, refused at once when taken; free only a moment after the holder let go, as Web Locks are. */
export class FakeSchemaLocks implements SchemaLocks {
  /** One entry per holder: `real shared`. */
  readonly held: string[] = [];
  readonly log: string[] = [];

  async hold(mode: 'shared' | 'exclusive', world: World): Promise<(() => Promise<void>) | null> {
    const holder = `${world} ${mode}`;
    const conflicts = mode === 'shared' ? [`${world} exclusive`] : [`${world} shared`, `${world} exclusive`];
    const free = !this.held.some((other) => conflicts.includes(other));
    this.log.push(free ? mode : `${mode} refused`);
    if (!free) return null;
    this.held.push(holder);
    return async () => {
      await new Promise((resolve) => setImmediate(resolve));
      this.log.push(`${mode} released`);
      this.held.splice(this.held.indexOf(holder), 1);
    };
  }
}

export function memoryHarness(): StoreHarness & { disk: MemoryDisk } {
  const clock = new TestClock();
  return {
    clock,
    simulated: true,
    disk: new MemoryDisk(),
    async start() {
      return memoryStores(this.disk, clock);
    },
    async tamper(table, key, change) {
      const rows = this.disk.table(table === 'consents' ? 'adapters' : table);
      const place =
        table === 'consents'
          ? `consent ${key}`
          : table === 'adapterReports'
            ? ([...rows.keys()].find((one) => one.endsWith(` ${key}`)) ?? '')
            : String(key);
      const text = rows.get(place);
      if (text === undefined) throw new Error(`no row ${key} in ${table}`);
      const changed = change(JSON.parse(text) as Record<string, unknown>);
      if (changed === undefined) rows.delete(place);
      else rows.set(place, JSON.stringify(changed));
    },
    async storedOpenJobs() {
      return [...this.disk.table('openJobs').keys()];
    },
    fillDisk() {
      this.disk.quotaRows = 0;
    },
    makeRoom() {
      this.disk.quotaRows = Number.POSITIVE_INFINITY;
    },
    async end() {},
  };
}

export interface DexieHarness extends StoreHarness {
  readonly indexedDB: IDBFactory;
  readonly locks: FakeSchemaLocks;
}

/** The real store over fake-indexeddb. The disk gets full at the last write of a transaction, when others have already been taken. */
export function dexieHarness(world: 'real' | 'training' = 'training'): DexieHarness {
  const clock = new TestClock();
  const indexedDB = new IDBFactory();
  const locks = new FakeSchemaLocks();
  const name = world === 'real' ? 'codebay' : 'codebay-training';
  const { put, add } = IDBObjectStore.prototype;
  let open: { close(): Promise<void> } | null = null;
  const full = (write: typeof put) =>
    function (this: IDBObjectStore, ...args: [unknown, IDBValidKey?]) {
      const request = write.apply(this, args);
      if (this.name !== 'backupContents')
        // The browser notices at the latest when it commits: the transaction ends with this error.
        (this.transaction as unknown as { _abort(name: string): void })._abort('QuotaExceededError');
      return request;
    };
  return {
    clock,
    simulated: world === 'training',
    indexedDB,
    locks,
    async start() {
      await open?.close();
      const stores = await openStores({ world, clock, locks, factory: { indexedDB, keyRange: IDBKeyRange } });
      open = stores;
      return stores;
    },
    async tamper(table, key, change) {
      await raw(indexedDB, name, table === 'consents' ? 'adapters' : table, async (store) => {
        const at = store.indexNames.contains('id') ? await result(store.index('id').getKey(key)) : key;
        if (at === undefined) throw new Error(`no row ${key} in ${table}`);
        const row = (await result(store.get(at))) as Record<string, unknown>;
        // What a backup, a report or a consent says is one level down on disk.
        const inside = INSIDE[table];
        const changed = inside === undefined ? change(row) : changeInside(row, inside, change);
        await (changed === undefined ? result(store.delete(at)) : result(store.put(changed)));
      });
    },
    async storedOpenJobs() {
      return raw(indexedDB, name, 'openJobs', async (store) => (await result(store.getAllKeys())) as string[]);
    },
    fillDisk() {
      IDBObjectStore.prototype.put = full(put);
      IDBObjectStore.prototype.add = full(add);
    },
    makeRoom() {
      Object.assign(IDBObjectStore.prototype, { put, add });
    },
    async end() {
      Object.assign(IDBObjectStore.prototype, { put, add });
      await open?.close();
      open = null;
    },
  };
}

const INSIDE: Readonly<Partial<Record<TamperedTable, string>>> = {
  backups: 'head',
  adapterReports: 'report',
  consents: 'consent',
};

function changeInside(row: Record<string, unknown>, inside: string, change: Tamper): unknown {
  const changed = change(row[inside] as Record<string, unknown>);
  return changed === undefined ? undefined : { ...row, [inside]: changed };
}

export function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Past the app: one native transaction on one table. */
export async function raw<T>(
  indexedDB: IDBFactory,
  name: string,
  table: string,
  work: (store: IDBObjectStore) => Promise<T>,
): Promise<T> {
  const database = await result(indexedDB.open(name));
  try {
    return await work(database.transaction(table, 'readwrite').objectStore(table));
  } finally {
    database.close();
  }
}
