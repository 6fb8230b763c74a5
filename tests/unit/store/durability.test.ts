import { IDBFactory, IDBKeyRange, IDBObjectStore, IDBTransaction } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isStackError } from '#contract/errors.ts';
import { findChainBreak } from '#contract/journal.ts';
import { type OpenStores, openStores } from '#store/index.ts';
import { FakeSchemaLocks, raw, result, TestClock } from '../../conformance/store-harness.ts';
import { backupDraft, jobOpened, note } from '../../conformance/store-samples.ts';
import { caught } from '../../conformance/store-suite.ts';
import { MemoryDisk, memoryStores } from '../../support/memory-stores.ts';

describe('the store on disk', () => {
  let indexedDB: IDBFactory;
  let stores: OpenStores;
  const open = () =>
    openStores({
      world: 'training',
      clock: new TestClock(),
      locks: new FakeSchemaLocks(),
      factory: { indexedDB, keyRange: IDBKeyRange },
    });

  beforeEach(async () => {
    indexedDB = new IDBFactory();
    stores = await open();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await stores.close();
  });

  /** What happened in which order: commits of write transactions (with their durability) and what the test notes. */
  function watchCommits(): string[] {
    const log: string[] = [];
    const dispatch = IDBTransaction.prototype.dispatchEvent;
    vi.spyOn(IDBTransaction.prototype, 'dispatchEvent').mockImplementation(function (this: IDBTransaction, event) {
      if (event.type === 'complete' && this.mode === 'readwrite')
        log.push(`complete ${[...this.objectStoreNames].join('+')} ${this.durability}`);
      return dispatch.call(this, event);
    });
    return log;
  }

  it('I3 an append resolves only after its one transaction, of strict durability, has completed', async () => {
    const log = watchCommits();
    const body = jobOpened('job-1', true);
    const append = stores.journal
      .append({ operationId: 'job-1', simulated: true, body })
      .then(() => log.push('resolved'));
    log.push('asked');
    await append;
    expect(log).toEqual(['asked', 'complete journal+openJobs strict', 'resolved']);
  });

  it('I1 a backup resolves only after head and blocks are on disk together', async () => {
    const log = watchCommits();
    await stores.backups.add(backupDraft({ simulated: true }));
    log.push('resolved');
    expect(log).toEqual(['complete backupContents+backups strict', 'resolved']);
  });

  it('a failed key is on disk before write() resolves', async () => {
    const log = watchCommits();
    await stores.security.write({
      moduleKey: 'CBAY-1',
      level: 1,
      failedKeys: 1,
      lastFailureWallMs: 1,
      lockedUntilWallMs: null,
    });
    log.push('resolved');
    expect(log).toEqual(['complete security strict', 'resolved']);
  });

  it('D08 stores equal blocks once', async () => {
    for (const hex of ['11', '22', '11', '11']) await stores.backups.add(backupDraft({ simulated: true, hex }));
    const count = (table: string) => raw(indexedDB, 'codebay-training', table, (store) => result(store.count()));
    expect(await count('backups')).toBe(4);
    expect(await count('backupContents')).toBe(2);
  });

  it('finds blocks that were changed or lost on disk, for each backup that shares them', async () => {
    const backups = [backupDraft({ simulated: true }), backupDraft({ simulated: true })];
    const [first, second] = [await stores.backups.add(backups[0]!), await stores.backups.add(backups[1]!)];
    await raw(indexedDB, 'codebay-training', 'backupContents', async (store) => {
      const row = (await result(store.get(first.contentHash))) as { blocks: { hex: string }[] };
      await result(store.put({ ...row, blocks: row.blocks.map((block) => ({ ...block, hex: '00' })) }));
    });
    for (const id of [first.id, second.id]) {
      const error = await caught(stores.backups.get(id));
      expect(isStackError(error, 'store/corrupt') && error.details.why).toBe('the content hash does not hold');
    }
    await raw(indexedDB, 'codebay-training', 'backupContents', (store) => result(store.clear()));
    const error = await caught(stores.backups.get(first.id));
    expect(isStackError(error, 'store/corrupt') && error.details.why).toBe('its blocks are gone');
  });

  it('two tabs that append at once make one chain without a gap', async () => {
    const other = await open();
    const tabs = [stores, other];
    const appends = Array.from({ length: 30 }, (_, i) =>
      tabs[i % 2]!.journal.append({ operationId: `tab-${i % 2}`, simulated: true, body: note(`${i}`) }),
    );
    const made = await Promise.all(appends);
    expect(made.map(({ sequence }) => sequence).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 30 }, (_, i) => i + 1),
    );
    expect(findChainBreak(await other.journal.records(1, 100))).toBeNull();
    await other.close();
  });

  it('settings and security memory that cannot be read fall to the careful side', async () => {
    await raw(indexedDB, 'codebay-training', 'settings', (store) =>
      result(store.put({ key: 'settings', value: { version: 1, shopCode: 'what?', shopName: '', expert: 'yes' } })),
    );
    await raw(indexedDB, 'codebay-training', 'security', (store) =>
      result(store.put({ moduleKey: 'CBAY-1', level: 1, failedKeys: 'none' })),
    );
    expect(await stores.settings.read()).toMatchObject({ shopCode: null, expert: false });
    expect((await stores.security.read('CBAY-1', 1))?.failedKeys).toBe(1);
  });
});

describe('storage health', () => {
  const facts = { estimate: async () => ({ usage: 12, quota: 1000 }), persisted: async () => true };
  const open = (indexedDB: IDBFactory, storage?: typeof facts) =>
    openStores({
      world: 'real',
      clock: new TestClock(),
      locks: new FakeSchemaLocks(),
      factory: { indexedDB, keyRange: IDBKeyRange },
      ...(storage ? { storage } : {}),
    });

  it('tells the browser’s figures, and the careful answer where there are none', async () => {
    const known = await open(new IDBFactory(), facts);
    expect(await known.health.estimate()).toEqual({ usageBytes: 12, quotaBytes: 1000 });
    expect(await known.health.persisted()).toBe(true);
    await known.close();
    const unknown = await open(new IDBFactory());
    expect(await unknown.health.estimate()).toBeNull();
    expect(await unknown.health.persisted()).toBe(false);
    await unknown.close();
  });

  it('D01 proves space by writing, leaves nothing behind, and tells store/quota with the bytes when there is none', async () => {
    const indexedDB = new IDBFactory();
    const stores = await open(indexedDB);
    await stores.health.probeWrite(100_000);
    expect(await raw(indexedDB, 'codebay', 'settings', (store) => result(store.getAllKeys()))).toEqual([]);
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (this: IDBObjectStore) {
      throw new DOMException('Encountered full disk while opening backing store.', 'QuotaExceededError');
    } as never;
    try {
      const error = await caught(stores.health.probeWrite(100_000));
      expect(isStackError(error, 'store/quota') && error.details.neededBytes).toBe(100_000);
    } finally {
      IDBObjectStore.prototype.put = put;
    }
    await stores.close();
  });
});

describe('a crash with a write in flight', () => {
  it.each([
    ['lost', 1],
    ['kept', 2],
    ['torn', 1],
  ] as const)('%s: the next start finds %i records and goes on from there', async (inFlight, count) => {
    const disk = new MemoryDisk();
    const stores = memoryStores(disk, new TestClock());
    await stores.journal.append({ operationId: 'a', simulated: true, body: note('one') });
    void stores.journal.append({ operationId: 'job-1', simulated: true, body: jobOpened('job-1', true) });
    while (disk.inFlight.length === 0) await Promise.resolve(); // the write is issued, its completion is one turn away
    disk.dead = true;
    const after = disk.afterCrash(inFlight);
    const next = memoryStores(after, new TestClock());
    expect(await next.journal.records(1, 10)).toHaveLength(count);
    expect(await next.journal.openJobs()).toHaveLength(inFlight === 'kept' ? 1 : 0);
    await next.journal.append({ operationId: 'b', simulated: true, body: note('after') });
    expect(findChainBreak(await next.journal.records(1, 10))).toBeNull();
  });
});
