import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalBody } from '#contract/journal.ts';
import { openDatabase } from '#store/database.ts';
import { openStores } from '#store/index.ts';
import { RETENTION, tidy } from '#store/retention.ts';
import { FakeSchemaLocks, TestClock } from '../../conformance/store-harness.ts';
import { jobOpened, OTHER_VIN, scanOf, VIN } from '../../conformance/store-samples.ts';

const DAY_MS = 86_400_000;
/** 50 MB and 90 days are kept; here 100 characters are, to fill the disk with less. */
const SMALL = { ...RETENTION, traceBytes: 100 };

describe('what is removed at the start', () => {
  let clock: TestClock;
  let options: Parameters<typeof openStores>[0];
  let stores: Awaited<ReturnType<typeof openStores>>;
  let disk: Awaited<ReturnType<typeof openDatabase>>;

  beforeEach(async () => {
    clock = new TestClock();
    const factory = { indexedDB: new IDBFactory(), keyRange: IDBKeyRange };
    options = { world: 'training', clock, locks: new FakeSchemaLocks(), factory };
    stores = await openStores(options);
    disk = await openDatabase(options);
  });
  afterEach(async () => {
    await disk.close();
    await stores.close();
  });

  const note = (operationId: string, body: JournalBody) =>
    stores.journal.append({ operationId, simulated: true, body });

  /** A connection: its note in the record, and its trace in pieces of so many characters. */
  async function session(id: string, ...pieces: readonly number[]): Promise<void> {
    await note(`connection of ${id}`, { type: 'note', what: 'connected', detail: `${id} CANable 2.0` });
    for (const length of pieces) await stores.traces.append(id, 'x'.repeat(length));
  }

  async function traces(): Promise<Record<string, number>> {
    const kept: Record<string, number> = {};
    for (const { sessionId, text } of await disk.db.traces.toArray())
      kept[sessionId] = (kept[sessionId] ?? 0) + text.length;
    return kept;
  }

  it('traces whose last piece is older than 90 days; a day less keeps them', async () => {
    await session('old', 10, 10);
    clock.wall += 2 * DAY_MS;
    await session('young', 10);
    clock.wall += 89 * DAY_MS;
    await session('now', 10);
    expect(await tidy(disk.db, clock)).toEqual({ pieces: 2, scans: 0 });
    expect(await traces()).toEqual({ young: 10, now: 10 });
  });

  it('the oldest traces, whole, until all together fit; the newest stays however large it is', async () => {
    await session('first', 30, 30);
    await session('second', 30);
    await session('third', 60);
    await tidy(disk.db, clock, SMALL);
    expect(await traces()).toEqual({ second: 30, third: 60 });
    await session('huge', 400);
    await tidy(disk.db, clock, SMALL);
    expect(await traces()).toEqual({ huge: 400 });
  });

  it('no trace since the connection in which an unfinished job began, however old and large', async () => {
    await session('before', 80);
    await session('of-the-job', 80);
    await note('coding-1', jobOpened('coding-1', true));
    await session('after', 80);
    clock.wall += 400 * DAY_MS;
    await session('now', 80);
    await tidy(disk.db, clock, SMALL);
    expect(await traces()).toEqual({ 'of-the-job': 80, after: 80, now: 80 });
    await note('coding-1', { type: 'job-parked', name: 'later', fileSha256: 'ef'.repeat(32) });
    await tidy(disk.db, clock, SMALL);
    expect(await traces()).toEqual({ now: 80 });
  });

  it('nothing while the record does not say in which connection an unfinished job began', async () => {
    await stores.traces.append('unknown', 'x'.repeat(300));
    await note('coding-1', jobOpened('coding-1', true));
    await session('now', 80);
    clock.wall += 400 * DAY_MS;
    expect(await tidy(disk.db, clock, SMALL)).toEqual({ pieces: 0, scans: 0 });
  });

  it('scans beyond the newest 20 of each car', async () => {
    for (let i = 1; i <= 23; i++) await stores.scans.put({ ...scanOf(`a${i}`, true, i), vin: VIN });
    for (let i = 1; i <= 3; i++) await stores.scans.put({ ...scanOf(`b${i}`, true, i), vin: OTHER_VIN });
    expect(await tidy(disk.db, clock)).toEqual({ pieces: 0, scans: 3 });
    const kept = (await disk.db.scans.toArray()).map(({ id }) => id);
    expect(kept).not.toContain('a3');
    expect(kept).toHaveLength(23);
    expect((await stores.scans.latest(VIN))?.id).toBe('a23');
  });

  it('never a record of the journal; and a damaged piece of a trace is no reason to stop', async () => {
    await session('old', 10);
    await disk.db.traces.add({ sessionId: 'old', wallMs: 'when?', text: 7 } as never);
    clock.wall += 100 * DAY_MS;
    await session('now', 10);
    await tidy(disk.db, clock);
    expect(await traces()).toEqual({ now: 10 });
    expect(await stores.journal.records(0, 10)).toHaveLength(2);
  });

  it('is done when the stores are opened, beside the work', async () => {
    await session('old', 10);
    clock.wall += 100 * DAY_MS;
    await session('now', 10);
    await stores.close();
    stores = await openStores(options);
    await expect.poll(traces).toEqual({ now: 10 });
  });
});
