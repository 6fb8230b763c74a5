import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isStackError } from '#contract/errors.ts';
import { CHAIN_START, findChainBreak, type JournalBody, journalHash } from '#contract/journal.ts';
import { DEFAULT_SETTINGS } from '#contract/records.ts';
import { REPORTS_KEPT, type Stores } from '#procedures/ports.ts';
import type { StoreHarness } from './store-harness.ts';
import {
  adapterConsent,
  adapterKey,
  adapterReport,
  backupDraft,
  identity,
  intent,
  jobClosed,
  jobOpened,
  knownAdapter,
  note,
  OTHER_VIN,
  scanOf,
  VIN,
  wholeStory,
} from './store-samples.ts';

export const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

/** What every store promises (procedures/ports.ts). */
export function storeSuite(name: string, makeHarness: () => StoreHarness): void {
  describe(`${name}: stores`, () => {
    let harness: StoreHarness;
    let stores: Stores;
    const append = (operationId: string, body: JournalBody) =>
      stores.journal.append({ operationId, simulated: harness.simulated, body });
    const draft = (change: Partial<Parameters<typeof backupDraft>[0]> = {}) =>
      backupDraft({ simulated: harness.simulated, ...change });

    beforeEach(async () => {
      harness = makeHarness();
      stores = await harness.start();
    });
    afterEach(() => harness.end());

    describe('journal', () => {
      it('numbers records from 1 without a gap and chains each to the one before, over restarts', async () => {
        const first = await append('a', note('one'));
        const second = await append('a', note('two'));
        stores = await harness.start();
        const third = await append('b', note('three'));
        expect([first, second, third].map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
        expect(first.previous).toBe(CHAIN_START);
        expect(second.previous).toBe(first.hash);
        expect(third.previous).toBe(second.hash);
        expect(third.hash).toBe(journalHash(third));
        expect(await stores.journal.records(0, Number.MAX_SAFE_INTEGER)).toEqual([first, second, third]);
        expect(await stores.journal.records(2, 1)).toEqual([second]);
        expect(await stores.journal.recordsOf('a')).toEqual([first, second]);
        expect(await stores.journal.recordsOf('nobody')).toEqual([]);
      });

      it('keeps every kind of record as it was given', async () => {
        for (const entry of wholeStory(harness.simulated)) await stores.journal.append(entry);
        stores = await harness.start();
        const records = await stores.journal.records(1, 1000);
        expect(records.map(({ operationId, simulated, body }) => ({ operationId, simulated, body }))).toEqual(
          wholeStory(harness.simulated),
        );
        expect(findChainBreak(records)).toBeNull();
      });

      it('takes twenty appends at once in the order they were asked for, without a gap', async () => {
        const made = await Promise.all(Array.from({ length: 20 }, (_, i) => append('a', note(`${i}`))));
        expect(made.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
        expect(made.map(({ body }) => (body.type === 'note' ? body.detail : ''))).toEqual(
          Array.from({ length: 20 }, (_, i) => `${i}`),
        );
        expect(findChainBreak(await stores.journal.records(1, 100))).toBeNull();
      });

      it('goes on after a record that it refused', async () => {
        await append('a', note('one'));
        const bad = { ...intent('x'), requests: [7] } as unknown as JournalBody;
        const error = await caught(append('a', bad));
        expect(isStackError(error, 'store/write-failed') && error.details.reason).toContain('requests[0]');
        const notANumber: JournalBody = { type: 'repeat', stepId: 's', nrc: Number.NaN, count: 1 };
        expect(isStackError(await caught(append('a', notANumber)), 'store/write-failed')).toBe(true);
        expect((await append('a', note('two'))).sequence).toBe(2);
      });

      it('refuses a record of the other world', async () => {
        const entry = { operationId: 'a', simulated: !harness.simulated, body: note('from the other side') };
        expect(isStackError(await caught(stores.journal.append(entry)), 'store/write-failed')).toBe(true);
        expect(await stores.journal.records(1, 10)).toEqual([]);
      });

      it('knows a job as open from job-opened to job-closed or job-parked, in the table that others read', async () => {
        await append('job-1', jobOpened('job-1', harness.simulated));
        await append('job-2', jobOpened('job-2', harness.simulated));
        await append('job-1', intent('write-0600'));
        expect(await harness.storedOpenJobs()).toEqual(['job-1', 'job-2']);
        expect(await stores.journal.openJobs()).toEqual([
          { operationId: 'job-1', vin: VIN, moduleId: '70E-778', openedWallMs: harness.clock.wall },
          { operationId: 'job-2', vin: VIN, moduleId: '70E-778', openedWallMs: harness.clock.wall },
        ]);
        await append('job-1', jobClosed);
        await append('job-2', { type: 'job-parked', name: 'tomorrow', fileSha256: 'ef'.repeat(32) });
        expect(await harness.storedOpenJobs()).toEqual([]);
        stores = await harness.start();
        expect(await stores.journal.openJobs()).toEqual([]);
      });

      it('D05 keeps the order of sequence numbers when the wall clock goes back an hour', async () => {
        await append('a', note('before'));
        harness.clock.wall -= 3_600_000;
        await append('a', note('after'));
        const records = await stores.journal.records(1, 10);
        expect(records.map(({ sequence }) => sequence)).toEqual([1, 2]);
        expect((records[1]?.wallMs ?? 0) - (records[0]?.wallMs ?? 0)).toBe(-3_600_000);
        expect(findChainBreak(records)).toBeNull();
      });

      it('D03 a torn last record counts as not written, and the next one takes its number', async () => {
        await append('a', note('one'));
        await append('a', note('two'));
        await append('a', note('three'));
        await harness.tamper('journal', 3, () => ({ sequence: 3, operationId: 'a', body: 'half a rec' }));
        stores = await harness.start();
        expect((await stores.journal.recordsOf('a')).map(({ sequence }) => sequence)).toEqual([1, 2]);
        expect((await stores.journal.records(1, 10)).map(({ sequence }) => sequence)).toEqual([1, 2]);
        const again = await append('a', note('three again'));
        expect(again.sequence).toBe(3);
        const records = await stores.journal.records(1, 10);
        expect(records).toHaveLength(3);
        expect(findChainBreak(records)).toBeNull();
      });

      it('D03 a last record whose hash does not hold ends the list of its operation', async () => {
        await append('a', note('one'));
        await append('a', note('two'));
        await harness.tamper('journal', 2, (row) => ({ ...row, wallMs: 1 }));
        expect((await stores.journal.recordsOf('a')).map(({ sequence }) => sequence)).toEqual([1]);
      });

      it('D03 a torn job-opened leaves no open job behind', async () => {
        await append('job-0', jobOpened('job-0', harness.simulated));
        await append('job-1', jobOpened('job-1', harness.simulated));
        await harness.tamper('journal', 2, (row) => ({ ...row, body: null }));
        stores = await harness.start();
        expect(await harness.storedOpenJobs()).toEqual(['job-0']);
      });

      it('D03 a torn job-closed leaves its job open', async () => {
        await append('job-0', jobOpened('job-0', harness.simulated));
        await append('job-0', jobClosed);
        expect(await harness.storedOpenJobs()).toEqual([]);
        await harness.tamper('journal', 2, (row) => ({ ...row, hash: 'torn' }));
        stores = await harness.start();
        expect((await stores.journal.openJobs()).map(({ operationId }) => operationId)).toEqual(['job-0']);
      });

      it('names the place of a damaged record in the middle of an operation', async () => {
        for (const text of ['one', 'two', 'three']) await append('a', note(text));
        await harness.tamper('journal', 2, (row) => ({ ...row, body: { type: 'note', what: 'party', detail: '' } }));
        for (const work of [stores.journal.recordsOf('a'), stores.journal.records(1, 10)]) {
          const error = await caught(work);
          expect(isStackError(error, 'store/corrupt') && error.details).toEqual({
            table: 'journal',
            key: '2',
            why: expect.stringContaining('$.body'),
          });
        }
      });

      it('names the place where a record is gone', async () => {
        for (const text of ['one', 'two', 'three']) await append('a', note(text));
        await harness.tamper('journal', 2, () => undefined);
        const error = await caught(stores.journal.recordsOf('a'));
        expect(isStackError(error, 'store/corrupt') && error.details.key).toBe('2');
        expect(findChainBreak(await stores.journal.records(1, 10))).toEqual({ sequence: 3, why: 'order' });
      });

      it('reads an operation although a record of another one is damaged', async () => {
        await append('a', note('one'));
        await append('b', note('two'));
        await append('a', note('three'));
        await harness.tamper('journal', 2, (row) => ({ ...row, wallMs: 1 }));
        expect(await stores.journal.recordsOf('a')).toHaveLength(2);
      });

      it('I11 a changed record breaks the chain at its number, and appending does not heal it', async () => {
        for (const text of ['one', 'two', 'three', 'four']) await append('a', note(text));
        await harness.tamper('journal', 2, (row) => ({
          ...row,
          body: { type: 'note', what: 'scan', detail: 'never happened' },
        }));
        await append('b', note('five'));
        const records = await stores.journal.records(0, Number.MAX_SAFE_INTEGER);
        expect(records).toHaveLength(5);
        expect(findChainBreak(records)).toEqual({ sequence: 2, why: 'hash' });
      });

      it('I11 a record that was changed and hashed anew breaks the chain at the next one', async () => {
        for (const text of ['one', 'two', 'three']) await append('a', note(text));
        await harness.tamper('journal', 2, (row) => {
          const forged = { ...row, wallMs: 1 } as unknown as Parameters<typeof journalHash>[0];
          return { ...forged, hash: journalHash(forged) };
        });
        expect(findChainBreak(await stores.journal.records(1, 10))).toEqual({ sequence: 3, why: 'link' });
      });

      it('continues nothing when more than the last record is damaged', async () => {
        for (const text of ['one', 'two', 'three']) await append('a', note(text));
        for (const sequence of [2, 3]) await harness.tamper('journal', sequence, (row) => ({ ...row, wallMs: 1 }));
        stores = await harness.start();
        const error = await caught(append('a', note('four')));
        expect(isStackError(error, 'store/corrupt') && error.details.key).toBe('2');
      });

      it('does not take a record of a later journal version for damage', async () => {
        await append('a', note('one'));
        await harness.tamper('journal', 1, (row) => ({ ...row, journalVersion: 2 }));
        const error = await caught(append('a', note('two')));
        expect(isStackError(error, 'store/newer-schema') && error.details).toEqual({ installed: 2, known: 1 });
      });

      it('D01 a full disk ends an append with store/quota; neither record nor open job is left, and it goes on when there is room', async () => {
        await append('a', note('one'));
        harness.fillDisk();
        const error = await caught(append('job-1', jobOpened('job-1', harness.simulated)));
        expect(isStackError(error, 'store/quota') && error.details.neededBytes).toBeGreaterThan(1000);
        harness.makeRoom();
        expect(await stores.journal.records(1, 10)).toHaveLength(1);
        expect(await harness.storedOpenJobs()).toEqual([]);
        expect((await append('a', note('two'))).sequence).toBe(2);
      });
    });

    describe('backups', () => {
      it('pins the first of a module as received and chains the next ones to it', async () => {
        const first = await stores.backups.add(draft());
        const second = await stores.backups.add(draft({ hex: '113A2841' }));
        stores = await harness.start();
        const third = await stores.backups.add(draft({ hex: '113A2842' }));
        expect([first.pinned, second.pinned, third.pinned]).toEqual(['as-received', null, null]);
        expect([first.parent, second.parent, third.parent]).toEqual([null, first.id, second.id]);
        expect([first.sequence, second.sequence, third.sequence]).toEqual([1, 2, 3]);
        expect(await stores.backups.list()).toEqual([third, second, first]);
        expect(await stores.backups.get(second.id)).toEqual(second);
        expect(await stores.backups.get('backup-unheard-of')).toBeNull();
      });

      it('tells modules apart by address and serial number, without a serial by the car', async () => {
        const serial = (text: string | null) => ({ ...identity, serial: text });
        const car = (vin: string) => ({ vin, sources: [] });
        const first = await stores.backups.add(draft({ module: serial('A') }));
        expect((await stores.backups.add(draft({ module: serial('B') }))).pinned).toBe('as-received');
        expect((await stores.backups.add(draft({ module: serial('A'), vehicle: car(OTHER_VIN) }))).parent).toBe(
          first.id,
        );
        const nameless = await stores.backups.add(draft({ module: serial(null) }));
        expect((await stores.backups.add(draft({ module: serial(null), vehicle: car(OTHER_VIN) }))).pinned).toBe(
          'as-received',
        );
        expect((await stores.backups.add(draft({ module: serial(null) }))).parent).toBe(nameless.id);
      });

      it('D08 two backups of equal content have one content hash, and each its own time, id and record hash', async () => {
        const first = await stores.backups.add(draft());
        const second = await stores.backups.add(draft({ takenAtWallMs: first.takenAtWallMs + 60_000 }));
        expect(second.contentHash).toBe(first.contentHash);
        expect(second.id).not.toBe(first.id);
        expect(second.recordHash).not.toBe(first.recordHash);
        const kept = await stores.backups.list();
        expect(kept.map(({ takenAtWallMs }) => takenAtWallMs)).toEqual([second.takenAtWallMs, first.takenAtWallMs]);
        expect(kept.map(({ blocks }) => blocks[0]?.hex)).toEqual(['113A2840', '113A2840']);
      });

      it('D05 lists by arrival when the wall clock goes back a day', async () => {
        const first = await stores.backups.add(draft());
        const second = await stores.backups.add(draft({ takenAtWallMs: first.takenAtWallMs - 86_400_000 }));
        expect((await stores.backups.list()).map(({ id }) => id)).toEqual([second.id, first.id]);
        expect(second.parent).toBe(first.id);
      });

      it('filters by car, module and serial number', async () => {
        const mine = await stores.backups.add(draft());
        const other = await stores.backups.add(
          draft({
            vehicle: { vin: OTHER_VIN, sources: [] },
            module: { ...identity, moduleId: '713-77D', serial: 'X' },
          }),
        );
        expect(await stores.backups.list({ vin: VIN })).toEqual([mine]);
        expect(await stores.backups.list({ moduleId: '713-77D' })).toEqual([other]);
        expect(await stores.backups.list({ moduleId: '713-77D', vin: VIN })).toEqual([]);
        expect(await stores.backups.list({ serial: 'CBAY-BCM-0001' })).toEqual([mine]);
      });

      it.each([
        ['a time', { takenAtWallMs: 1 }],
        ['a VIN', { vehicle: { vin: OTHER_VIN, sources: [] } }],
        ['a content hash', { contentHash: '00'.repeat(32) }],
        ['an unknown member', { surprise: true }],
      ])('finds %s that was changed on disk', async (_, change) => {
        const good = await stores.backups.add(draft());
        const bad = await stores.backups.add(draft({ hex: '113A2841' }));
        await harness.tamper('backups', bad.id, (row) => ({ ...row, ...change }));
        const error = await caught(stores.backups.get(bad.id));
        expect(isStackError(error, 'store/corrupt') && error.details.table).toBe('backups');
        expect(isStackError(error, 'store/corrupt') && error.details.key).toBe(bad.id);
        expect(await stores.backups.list(), 'the whole one is still there').toEqual([good]);
        expect((await stores.backups.add(draft({ hex: '113A2843' }))).sequence).toBe(3);
      });

      it('takes a backup from a file as it is, once, and outside the lineage', async () => {
        const elsewhere = makeHarness();
        const theirs = await elsewhere.start();
        await theirs.backups.add(draft({ hex: '00000000' }));
        const brought = await theirs.backups.add(draft({ hex: 'FFFFFFFF' }));
        await elsewhere.end();
        expect(await stores.backups.addImported(brought)).toBe('added');
        expect(await stores.backups.addImported(brought)).toBe('known');
        expect(await stores.backups.get(brought.id)).toEqual(brought);
        const own = await stores.backups.add(draft());
        expect([own.sequence, own.parent, own.pinned]).toEqual([1, null, 'as-received']);
        const forged = await caught(stores.backups.addImported({ ...brought, recordHash: '11'.repeat(32) }));
        expect(isStackError(forged, 'backup/corrupt')).toBe(true);
      });

      it('refuses a backup of the other world', async () => {
        const stranger = draft({ simulated: !harness.simulated });
        expect(isStackError(await caught(stores.backups.add(stranger)), 'store/write-failed')).toBe(true);
        expect(await stores.backups.list()).toEqual([]);
      });

      it('D01 a full disk leaves no half of a backup', async () => {
        await stores.backups.add(draft());
        harness.fillDisk();
        const error = await caught(stores.backups.add(draft({ hex: '113A2841' })));
        expect(isStackError(error, 'store/quota')).toBe(true);
        harness.makeRoom();
        expect(await stores.backups.list()).toHaveLength(1);
        expect((await stores.backups.add(draft({ hex: '113A2842' }))).sequence).toBe(2);
      });
    });

    describe('scans, settings, security, traces', () => {
      it('D05 the latest scan of a car is the one that came last, whatever its time of day', async () => {
        expect(await stores.scans.latest(VIN)).toBeNull();
        await stores.scans.put(scanOf('scan-1', harness.simulated, 2000));
        await stores.scans.put(scanOf('scan-2', harness.simulated, 1000));
        expect((await stores.scans.latest(VIN))?.id).toBe('scan-2');
        await stores.scans.put(scanOf('scan-1', harness.simulated, 500));
        stores = await harness.start();
        expect(await stores.scans.latest(VIN)).toEqual(scanOf('scan-1', harness.simulated, 500));
        expect(await stores.scans.latest(OTHER_VIN)).toBeNull();
      });

      it('has careful settings until some are written', async () => {
        expect(await stores.settings.read()).toEqual(DEFAULT_SETTINGS);
        const settings = { version: 1, shopCode: '000C0FFEE000', shopName: 'Kfz Müller', expert: true } as const;
        await stores.settings.write(settings);
        stores = await harness.start();
        expect(await stores.settings.read()).toEqual(settings);
      });

      it('remembers failed keys and lock-outs per module and level, over restarts', async () => {
        const record = {
          moduleKey: 'CBAY-1',
          level: 1,
          failedKeys: 1,
          lastFailureWallMs: 5,
          lockedUntilWallMs: 600_005,
        };
        await stores.security.write(record);
        await stores.security.write({ ...record, level: 3, failedKeys: 2 });
        await stores.security.write({ ...record, level: 3, failedKeys: 0, lockedUntilWallMs: null });
        stores = await harness.start();
        expect(await stores.security.read('CBAY-1', 1)).toEqual(record);
        expect((await stores.security.read('CBAY-1', 3))?.failedKeys).toBe(0);
        expect(await stores.security.read('CBAY-2', 1)).toBeNull();
      });

      it('puts the trace of a session together in the order it came', async () => {
        expect(await stores.traces.read('s1')).toBe('');
        await stores.traces.append('s1', '# one "quoted" \\ line\n');
        await stores.traces.append('s2', '# another session\n');
        await stores.traces.append('s1', '@0      > 7E0  02 10 03\n');
        stores = await harness.start();
        await stores.traces.append('s1', '@18     < 7E8  06 50 03\n');
        expect(await stores.traces.read('s1')).toBe(
          '# one "quoted" \\ line\n@0      > 7E0  02 10 03\n@18     < 7E8  06 50 03\n',
        );
      });
    });

    describe('adapters', () => {
      const KEY = adapterKey('CB01');
      const report = (id: string, serialNumber?: string) => adapterReport(id, harness.simulated, serialNumber);
      const ids = async (key: string) => (await stores.adapters.reportsOf(key)).map(({ id }) => id);

      it('keeps a report as it was given, per adapter, newest first, over restarts', async () => {
        expect(await stores.adapters.reportsOf(KEY)).toEqual([]);
        await stores.adapters.addReport(report('r1'));
        await stores.adapters.addReport(report('other', 'CB02'));
        await stores.adapters.addReport(report('r2'));
        stores = await harness.start();
        expect(await stores.adapters.reportsOf(KEY)).toEqual([report('r2'), report('r1')]);
        expect(await ids(adapterKey('CB02'))).toEqual(['other']);
        expect(await stores.adapters.reportsOf('somebody else')).toEqual([]);
      });

      it('D05 the newest is the one that came last, whatever its time of day', async () => {
        await stores.adapters.addReport({ ...report('r1'), takenAtWallMs: 2000 });
        await stores.adapters.addReport({ ...report('r2'), takenAtWallMs: 1000 });
        expect(await ids(KEY)).toEqual(['r2', 'r1']);
      });

      it('keeps the newest ones of each adapter, and no more', async () => {
        await stores.adapters.addReport(report('other', 'CB02'));
        for (let n = 1; n <= REPORTS_KEPT + 3; n++) await stores.adapters.addReport(report(`r${n}`));
        expect(await ids(KEY)).toEqual(Array.from({ length: REPORTS_KEPT }, (_, i) => `r${REPORTS_KEPT + 3 - i}`));
        expect(await ids(adapterKey('CB02'))).toEqual(['other']);
      });

      it.each([
        ['torn', () => ({ torn: '{"id":"r2","key"' })],
        ['not of its shape', (row: object) => ({ ...row, dropFree: { kind: 'passed' } })],
        ['with a member too many', (row: object) => ({ ...row, surprise: true })],
        ['under the key of another adapter', (row: object) => ({ ...row, key: adapterKey('CB02') })],
      ])('a report that is %s was never made; the one before it stands', async (_, change) => {
        await stores.adapters.addReport(report('r1'));
        await stores.adapters.addReport(report('r2'));
        await harness.tamper('adapterReports', 'r2', change);
        expect(await ids(KEY)).toEqual(['r1']);
      });

      it('refuses a report of the other world, and one that could not be read back', async () => {
        const stranger = adapterReport('r1', !harness.simulated);
        expect(isStackError(await caught(stores.adapters.addReport(stranger)), 'store/write-failed')).toBe(true);
        const odd = { ...report('r1'), receiveBytesPerSecond: Number.NaN, takenAtWallMs: Number.POSITIVE_INFINITY };
        const error = await caught(stores.adapters.addReport(odd));
        expect(isStackError(error, 'store/write-failed') && error.details.reason).toContain('takenAtWallMs');
        expect(await ids(KEY)).toEqual([]);
      });

      it('remembers who let which adapter change options; a later name takes the place of the one before', async () => {
        expect(await stores.adapters.consentTo(KEY)).toBeNull();
        await stores.adapters.giveConsent(adapterConsent('M. Huber'));
        await stores.adapters.giveConsent(adapterConsent('A. Meister'));
        await stores.adapters.remember(knownAdapter('CB01', 1000));
        stores = await harness.start();
        expect(await stores.adapters.consentTo(KEY)).toEqual(adapterConsent('A. Meister'));
        expect(await stores.adapters.consentTo(adapterKey('CB02'))).toBeNull();
      });

      it.each([
        ['without a name', (row: object) => ({ ...row, name: '' })],
        ['for another adapter', (row: object) => ({ ...row, key: adapterKey('CB02') })],
        ['for another job', (row: object) => ({ ...row, job: 'program' })],
      ])('a consent %s is none', async (_, change) => {
        await stores.adapters.giveConsent(adapterConsent('M. Huber'));
        await harness.tamper('consents', KEY, change);
        expect(await stores.adapters.consentTo(KEY)).toBeNull();
      });

      it('knows the adapters that were open, the last one first, each once', async () => {
        expect(await stores.adapters.known()).toEqual([]);
        await stores.adapters.remember(knownAdapter('CB01', 1000));
        await stores.adapters.remember(knownAdapter('CB02', 2000));
        await stores.adapters.remember({ ...knownAdapter('CB01', 3000), survivesReplug: 'yes', bitRate: 250_000 });
        await stores.adapters.giveConsent(adapterConsent('M. Huber'));
        stores = await harness.start();
        expect(await stores.adapters.known()).toEqual([
          { ...knownAdapter('CB01', 3000), survivesReplug: 'yes', bitRate: 250_000 },
          knownAdapter('CB02', 2000),
        ]);
      });

      it('D01 a full disk keeps the reports there are', async () => {
        await stores.adapters.addReport(report('r1'));
        harness.fillDisk();
        expect(isStackError(await caught(stores.adapters.addReport(report('r2'))), 'store/quota')).toBe(true);
        expect(isStackError(await caught(stores.adapters.giveConsent(adapterConsent('x'))), 'store/quota')).toBe(true);
        harness.makeRoom();
        expect(await ids(KEY)).toEqual(['r1']);
        expect(await stores.adapters.consentTo(KEY)).toBeNull();
      });
    });
  });
}
