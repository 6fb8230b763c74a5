import { forceCloseDatabase, IDBFactory, IDBKeyRange, IDBOpenDBRequest } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isStackError } from '#contract/errors.ts';
import { type OpenDatabase, type OpenOptions, openDatabase } from '#store/database.ts';
import { openStores } from '#store/index.ts';
import { reading, SCHEMA, type SchemaVersion } from '#store/tables.ts';
import { FakeSchemaLocks, raw, result, TestClock } from '../../conformance/store-harness.ts';
import { jobOpened } from '../../conformance/store-samples.ts';
import { caught } from '../../conformance/store-suite.ts';

/** This release's schema, and what comes after it. Dexie counts in tens. */
const NOW = 2;
const NEXT: readonly [SchemaVersion, ...SchemaVersion[]] = [
  ...SCHEMA,
  { version: NOW + 1, tables: { images: 'sha256' } },
];
/** As the first release wrote it: never edited. */
const FIRST: readonly [SchemaVersion, ...SchemaVersion[]] = [SCHEMA[0]];

describe('opening the database', () => {
  let indexedDB: IDBFactory;
  let locks: FakeSchemaLocks;
  let clock: TestClock;
  const opened: OpenDatabase[] = [];
  const options = (change: Partial<OpenOptions> = {}): OpenOptions => ({
    world: 'real',
    clock,
    locks,
    factory: { indexedDB, keyRange: IDBKeyRange },
    ...change,
  });
  const open = async (change: Partial<OpenOptions> = {}) => {
    const database = await openDatabase(options(change));
    opened.push(database);
    return database;
  };
  const versions = async () => (await indexedDB.databases()).map(({ name, version }) => [name, version]);

  beforeEach(() => {
    indexedDB = new IDBFactory();
    locks = new FakeSchemaLocks();
    clock = new TestClock();
  });
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close();
    vi.restoreAllMocks();
  });

  it('keeps real cars and the virtual one in databases of their own', async () => {
    await open();
    await open({ world: 'training' });
    expect(await versions()).toEqual([
      ['codebay', NOW * 10],
      ['codebay-training', NOW * 10],
    ]);
  });

  it('upgrades one database while the page stays connected to the other', async () => {
    await (await open({ world: 'training' })).close();
    await open({ schema: NEXT });
    await open({ world: 'training', schema: NEXT });
    expect(await versions()).toEqual([
      ['codebay-training', NOW * 10 + 10],
      ['codebay', NOW * 10 + 10],
    ]);
  });

  it('creates under the exclusive lock, then holds the shared one while open and frees it on close', async () => {
    const { close } = await open();
    expect(locks.log).toEqual(['shared', 'shared released', 'exclusive', 'exclusive released', 'shared']);
    expect(locks.held).toEqual(['real shared']);
    await close();
    await close();
    expect(locks.held).toEqual([]);
  });

  it('lets a second connection of the same release in', async () => {
    await open();
    await open();
    expect(locks.held).toEqual(['real shared', 'real shared']);
  });

  it('upgrades when nobody else is connected, and keeps what was there', async () => {
    const before = await open();
    await before.db.settings.put({ key: 'settings', value: 'kept' });
    await before.close();
    const { db } = await open({ schema: NEXT });
    expect(await versions()).toEqual([['codebay', NOW * 10 + 10]]);
    expect((await db.settings.get('settings'))?.value).toBe('kept');
    expect(db.tables.map(({ name }) => name)).toContain('images');
  });

  it('I7 opens what the first release left behind: everything is still there, and there is room for adapter checks', async () => {
    expect(FIRST[0].tables).toEqual({
      journal: 'sequence, operationId, body.type, [body.type+operationId]',
      openJobs: 'operationId',
      backups: '++place, &id, moduleId, vin, origin',
      backupContents: 'contentHash',
      scans: '++place, &id, vin',
      settings: 'key',
      security: '[moduleKey+level]',
      traces: '++place, sessionId',
    });
    const first = await open({ schema: FIRST });
    expect(await versions()).toEqual([['codebay', 10]]);
    expect(first.db.tables.map(({ name }) => name)).not.toContain('adapterReports');
    const rows = {
      journal: { sequence: 1, operationId: 'a', body: { type: 'note' } },
      backups: { place: 1, id: 'b1', moduleId: '70E-778', vin: 'V', origin: 'here', head: {} },
      backupContents: { contentHash: 'c', blocks: [] },
      scans: { place: 1, id: 's1', vin: 'V', scan: {} },
      settings: { key: 'settings', value: 'kept' },
      security: { moduleKey: 'm', level: 1 },
      traces: { place: 1, sessionId: 's', wallMs: 1, text: '# kept' },
    };
    for (const [table, row] of Object.entries(rows)) await first.db.table(table).put(row);
    await first.close();

    const { db } = await open();
    expect(await versions()).toEqual([['codebay', NOW * 10]]);
    for (const [table, row] of Object.entries(rows)) expect(await db.table(table).toArray(), table).toEqual([row]);
    await db.adapterReports.add({ id: 'r1', key: 'k', report: {} });
    await db.adapters.put({ key: 'k' });
    expect(await db.adapterReports.count()).toBe(1);
  });

  it('I7 does not renew what the first release left behind while its job is open', async () => {
    const first = await openStores(options({ schema: FIRST }));
    await first.journal.append({ operationId: 'job-1', simulated: false, body: jobOpened('job-1', false) });
    await first.close();
    const error = await caught(open());
    expect(isStackError(error, 'store/busy') && error.details.reason).toBe('job-open');
    expect(await versions()).toEqual([['codebay', 10]]);
  });

  it('I7 answers store/busy to a newer release while an older one is connected, and asks IndexedDB for nothing', async () => {
    const { db } = await open();
    clock.rate = 100;
    const error = await caught(open({ schema: NEXT }));
    expect(isStackError(error, 'store/busy') && error.details.reason).toBe('upgrade');
    expect(await versions()).toEqual([['codebay', NOW * 10]]);
    await db.settings.put({ key: 'settings', value: 'still writable' });
    await open(); // another tab of the same release is not held up either
  });

  it('waits out the moment in which another tab upgrades', async () => {
    await (await open()).close();
    const release = await locks.hold('exclusive', 'real');
    setTimeout(() => void release?.(), 120);
    await open();
    expect(locks.log.filter((line) => line === 'shared refused').length).toBeGreaterThan(0);
  });

  it('I7 refuses to upgrade over an unfinished job, which the older release then still reads', async () => {
    const stores = await openStores(options());
    await stores.journal.append({ operationId: 'job-1', simulated: false, body: jobOpened('job-1', false) });
    await stores.close();
    const error = await caught(open({ schema: NEXT }));
    expect(isStackError(error, 'store/busy') && error.details.reason).toBe('job-open');
    expect(await versions()).toEqual([['codebay', NOW * 10]]);
    expect(locks.held).toEqual([]);
    const again = await openStores(options());
    expect(await again.journal.openJobs()).toHaveLength(1);
    await again.close();
  });

  it('D02 leaves a database of a newer release alone', async () => {
    await (await open({ schema: NEXT })).close();
    const error = await caught(open());
    expect(isStackError(error, 'store/newer-schema') && error.details).toEqual({ installed: NOW + 1, known: NOW });
    expect(locks.held).toEqual([]);
    expect(await versions()).toEqual([['codebay', NOW * 10 + 10]]);
  });

  it('D02 closes at once when the database turns out newer than it was listed', async () => {
    await (await open({ schema: NEXT })).close();
    vi.spyOn(indexedDB, 'databases').mockResolvedValue([{ name: 'codebay', version: NOW * 10 }]);
    const error = await caught(open());
    expect(isStackError(error, 'store/newer-schema') && error.details).toEqual({ installed: NOW + 1, known: NOW });
    expect(locks.held).toEqual([]);
    vi.restoreAllMocks();
    await open({ schema: NEXT }); // not held up by a connection left behind
  });

  it('I7 refuses versionchange: the connection goes on, the other waits', async () => {
    const { db, close } = await open();
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const foreign = indexedDB.open('codebay', NOW * 10 + 10);
    await new Promise((resolve) => {
      foreign.onblocked = resolve;
    });
    await db.settings.put({ key: 'settings', value: 'after versionchange' });
    expect((await db.settings.get('settings'))?.value).toBe('after versionchange');
    expect(warned).not.toHaveBeenCalled();
    const done = result(foreign);
    await close();
    (await done).close();
  });

  it('never opens again by itself after the browser closed the connection', async () => {
    const stores = await openStores(options());
    await stores.settings.write({ version: 1, shopCode: null, shopName: 'before', expert: false });
    const native = vi.spyOn(indexedDB, 'open');
    const connections = (indexedDB as unknown as { _databases: Map<string, { connections: IDBDatabase[] }> })
      ._databases;
    for (const connection of connections.get('codebay')?.connections ?? []) forceCloseDatabase(connection as never);
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const work of [stores.settings.read(), stores.journal.openJobs(), stores.backups.list()])
      expect(isStackError(await caught(work), 'store/unavailable')).toBe(true);
    const body = jobOpened('job-1', false);
    const append = stores.journal.append({ operationId: 'job-1', simulated: false, body });
    expect(isStackError(await caught(append), 'store/unavailable')).toBe(true);
    expect(native).not.toHaveBeenCalled();
    await stores.close();
    expect(locks.held).toEqual([]);
  });

  it('never opens again by itself when a call finds the connection dead', async () => {
    const { db } = await open();
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined); // Dexie: "Need to reopen db"
    db.backendDB().close(); // without an event: an InvalidStateError at the next call is all there is
    const error = await caught(reading('settings', () => db.settings.get('settings')));
    expect(isStackError(error, 'store/unavailable')).toBe(true);
    expect(warned).toHaveBeenCalled();
    expect(db.isOpen()).toBe(false);
  });

  it('does not open again after close()', async () => {
    const stores = await openStores(options());
    await stores.close();
    expect(isStackError(await caught(stores.settings.read()), 'store/unavailable')).toBe(true);
  });

  it.each([
    ['UnknownError', 'Internal error opening backing store for indexedDB.open.'],
    ['SecurityError', 'access is denied for this document'],
  ])('D02 tells store/unavailable when IndexedDB fails with %s, and frees the lock', async (name, message) => {
    await (await open()).close();
    vi.spyOn(console, 'warn').mockImplementation(() => undefined); // Dexie tells of its own second try
    vi.spyOn(indexedDB, 'open').mockImplementation(() => {
      throw new DOMException(message, name);
    });
    const error = await caught(open());
    expect(isStackError(error, 'store/unavailable') && error.details.reason).toContain(message);
    expect(locks.held).toEqual([]);
  });

  it('D02 tells store/unavailable where there is no IndexedDB at all', async () => {
    const { factory: _, ...none } = options();
    expect(isStackError(await caught(openDatabase(none)), 'store/unavailable')).toBe(true);
  });

  it('does not wait for ever for an open that hangs behind somebody’s upgrade', async () => {
    await (await open()).close();
    vi.spyOn(indexedDB, 'open').mockImplementation(() => new IDBOpenDBRequest() as never);
    clock.rate = 1000;
    const error = await caught(open());
    expect(isStackError(error, 'store/busy') && error.details.reason).toBe('upgrade');
    expect(locks.held).toEqual([]);
  });

  it('gives the service worker the table openJobs to read without a version', async () => {
    const stores = await openStores(options());
    await stores.journal.append({ operationId: 'job-1', simulated: false, body: jobOpened('job-1', false) });
    expect(await raw(indexedDB, 'codebay', 'openJobs', (store) => result(store.count()))).toBe(1);
    await stores.close();
  });
});
