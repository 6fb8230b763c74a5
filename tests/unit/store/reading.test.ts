// First: live queries do nothing where there is no global IndexedDB when Dexie is loaded.
import 'fake-indexeddb/auto';
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isStackError } from '#contract/errors.ts';
import { type LiveView, type OpenStores, openStores, type ReadingStores, readingStores } from '#store/index.ts';
import { FakeSchemaLocks, raw, result, TestClock } from '../../conformance/store-harness.ts';
import { adapterReport, backupDraft, jobOpened, note, VIN, wholeStory } from '../../conformance/store-samples.ts';

describe('what the page reads', () => {
  let indexedDB: IDBFactory;
  let worker: OpenStores;
  let page: ReadingStores;
  const subscriptions: { unsubscribe(): void }[] = [];

  beforeEach(async () => {
    indexedDB = new IDBFactory();
    const options = {
      world: 'training',
      clock: new TestClock(),
      locks: new FakeSchemaLocks(),
      factory: { indexedDB, keyRange: IDBKeyRange },
    } as const;
    page = await readingStores(options);
    worker = await openStores(options);
  });
  afterEach(async () => {
    for (const subscription of subscriptions.splice(0)) subscription.unsubscribe();
    await worker.close();
    await page.close();
  });

  function watch<T>(view: LiveView<T>): { readonly values: T[]; readonly errors: unknown[] } {
    const seen: { values: T[]; errors: unknown[] } = { values: [], errors: [] };
    subscriptions.push(
      view.subscribe(
        (value) => seen.values.push(value),
        (error) => seen.errors.push(error),
      ),
    );
    return seen;
  }

  it('tells the backups now and again after the worker took one', async () => {
    const seen = watch(page.backups({ vin: VIN }));
    await vi.waitFor(() => expect(seen.values).toEqual([{ backups: [], damaged: [] }]));
    const backup = await worker.backups.add(backupDraft({ simulated: true }));
    await vi.waitFor(() => expect(seen.values.at(-1)).toEqual({ backups: [backup], damaged: [] }));
    const one = watch(page.backup(backup.id));
    await vi.waitFor(() => expect(one.values).toEqual([backup]));
  });

  it('tells adapter checks of all adapters, newest first, without the damaged ones, and again after a new one', async () => {
    const seen = watch(page.adapterReports());
    await vi.waitFor(() => expect(seen.values).toEqual([[]]));
    const [first, second, third] = [
      adapterReport('r1', true),
      adapterReport('r2', true, 'CB02'),
      adapterReport('r3', true),
    ];
    await worker.adapters.addReport(first);
    await worker.adapters.addReport(second);
    await vi.waitFor(() => expect(seen.values.at(-1)).toEqual([second, first]));
    await raw(indexedDB, 'codebay-training', 'adapterReports', (store) =>
      result(store.put({ place: 2, id: 'r2', key: second.key, report: { ...second, usb: 'no' } })),
    );
    await worker.adapters.addReport(third);
    await vi.waitFor(() => expect(seen.values.at(-1)).toEqual([third, first]));
  });

  it('lists a damaged backup apart, with what is wrong', async () => {
    const good = await worker.backups.add(backupDraft({ simulated: true }));
    const bad = await worker.backups.add(backupDraft({ simulated: true, hex: '113A2841' }));
    await raw(indexedDB, 'codebay-training', 'backupContents', (store) => result(store.delete(bad.contentHash)));
    const seen = watch(page.backups());
    const expected = { backups: [good], damaged: [{ id: bad.id, why: 'its blocks are gone' }] };
    await vi.waitFor(() => expect(seen.values.at(-1)).toEqual(expected));
  });

  it('tells of each backup when it was last handed out as a file, by the record, and nothing of other notes', async () => {
    const exported = (detail: string, what: 'exported' | 'imported' = 'exported') =>
      worker.journal.append({ operationId: `n-${detail}`, simulated: true, body: { type: 'note', what, detail } });
    const seen = watch(page.exportedBackups());
    await vi.waitFor(() => expect(seen.values).toEqual([new Map()]));
    await exported('b1');
    await exported('b2', 'imported');
    const { wallMs } = await exported('b1');
    await vi.waitFor(() => expect(seen.values.at(-1)).toEqual(new Map([['b1', wallMs]])));
    await raw(indexedDB, 'codebay-training', 'journal', async (store) => {
      await result(store.put({ ...((await result(store.get(3))) as object), journalVersion: 'damaged' }));
    });
    await worker.journal.append({ operationId: 'a', simulated: true, body: note('later') });
    await vi.waitFor(() => expect([...(seen.values.at(-1)?.keys() ?? [])]).toEqual(['b1']));
  });

  it('follows the journal of one operation', async () => {
    const seen = watch(page.journalOf('job-1'));
    await vi.waitFor(() => expect(seen.values).toHaveLength(1));
    const opened = await worker.journal.append({
      operationId: 'job-1',
      simulated: true,
      body: jobOpened('job-1', true),
    });
    const noted = await worker.journal.append({ operationId: 'job-1', simulated: true, body: note('two') });
    await vi.waitFor(() => expect(seen.values.at(-1)).toEqual({ records: [opened, noted], damaged: [] }));
  });

  it('I11 shows a changed record and marks its place', async () => {
    for (const text of ['one', 'two']) {
      await worker.journal.append({ operationId: 'a', simulated: true, body: note(text) });
    }
    await raw(indexedDB, 'codebay-training', 'journal', async (store) => {
      const row = (await result(store.get(1))) as object;
      await result(store.put({ ...row, wallMs: 1 }));
    });
    const seen = watch(page.journalOf('a'));
    await vi.waitFor(() => expect(seen.values.at(-1)?.damaged).toEqual([1]));
    expect(seen.values.at(-1)?.records).toHaveLength(2);
  });

  it('sums up jobs, newest first: open, closed, parked', async () => {
    for (const entry of wholeStory(true)) await worker.journal.append(entry);
    const seen = watch(page.operations());
    await vi.waitFor(() => expect(seen.values.at(-1)).toHaveLength(3));
    expect(seen.values.at(-1)?.map(({ operationId, plan, ended }) => [operationId, plan.kind, ended?.kind])).toEqual([
      ['coding-2', 'coding', undefined],
      ['clear-1', 'clear-faults', 'parked'],
      ['coding-1', 'coding', 'closed'],
    ]);
    const newest = watch(page.operations(1));
    await vi.waitFor(() => expect(newest.values.at(-1)?.map(({ operationId }) => operationId)).toEqual(['coding-2']));
    const open = watch(page.openJobs());
    await vi.waitFor(() => expect(open.values.at(-1)?.map(({ operationId }) => operationId)).toEqual(['coding-2']));
  });

  it('lists connections with their adapter and puts their trace together', async () => {
    for (const entry of wholeStory(true)) await worker.journal.append(entry);
    await worker.traces.append('session-1', '@0      > 7E0  02 10 03\n');
    const sessions = watch(page.sessions());
    await vi.waitFor(() =>
      expect(sessions.values.at(-1)).toMatchObject([{ sessionId: 'session-1', adapter: 'CANable 2.0', sequence: 1 }]),
    );
    const trace = watch(page.trace('session-1'));
    await vi.waitFor(() => expect(trace.values).toEqual(['@0      > 7E0  02 10 03\n']));
    await worker.traces.append('session-1', '@18     < 7E8  06 50 03\n');
    await vi.waitFor(() => expect(trace.values.at(-1)).toContain('@18'));
  });

  it('follows the settings', async () => {
    const seen = watch(page.settings());
    await vi.waitFor(() => expect(seen.values.at(-1)?.shopName).toBe(''));
    await worker.settings.write({ version: 1, shopCode: null, shopName: 'Bay 3', expert: false });
    await vi.waitFor(() => expect(seen.values.at(-1)?.shopName).toBe('Bay 3'));
  });

  it('hands a failure to the watcher as a StackError', async () => {
    const seen = watch(page.backup('backup-1'));
    await vi.waitFor(() => expect(seen.values).toEqual([null]));
    await raw(indexedDB, 'codebay-training', 'openJobs', (store) => result(store.put({ operationId: 'job-1' })));
    const jobs = watch(page.openJobs());
    await vi.waitFor(() => expect(jobs.errors).toHaveLength(1));
    expect(isStackError(jobs.errors[0], 'store/corrupt')).toBe(true);
  });
});
