import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Backup, backupHashes } from '#contract/backup.ts';
import { isStackError } from '#contract/errors.ts';
import { CHAIN_START, findChainBreak, type JournalRecord, journalHash } from '#contract/journal.ts';
import { nextStepOf, tellStory } from '#procedures/recovery/next-step.ts';
import { completeBackup } from '#store/backup-record.ts';
import { parseBackup } from '#store/index.ts';
import { judgeRow } from '#store/schemas/journal.ts';
import { dexieHarness, memoryHarness, raw, result, TestClock } from '../../conformance/store-harness.ts';
import { backupDraft, jobOpened, note, wholeStory, writePlan } from '../../conformance/store-samples.ts';
import { caught } from '../../conformance/store-suite.ts';
import { MemoryDisk, memoryStores } from '../../support/memory-stores.ts';

const SEED = 20_261_122;
const fixture = JSON.parse(
  readFileSync(new URL('../../fixtures/journal-v1.json', import.meta.url), 'utf8'),
) as readonly JournalRecord[];

describe('I7 the journal of version 1, as it was written', () => {
  it('reads on disk as the same records, and appending goes on from them', async () => {
    const harness = dexieHarness();
    await harness.start();
    for (const record of fixture)
      await raw(harness.indexedDB, 'codebay-training', 'journal', (store) => result(store.add(record)));
    const stores = await harness.start();
    expect(await stores.journal.records(1, 1000)).toEqual(fixture);
    expect(await stores.journal.recordsOf('coding-1')).toHaveLength(11);
    const next = await stores.journal.append({ operationId: 'x', simulated: true, body: note('go on') });
    expect([next.sequence, next.previous]).toEqual([fixture.length + 1, fixture.at(-1)?.hash]);
    expect(findChainBreak(await stores.journal.records(1, 1000))).toBeNull();
    await harness.end();
  });

  it('is enough for recovery: each job is told, the unfinished one has its next step and its whole plan', async () => {
    const disk = new MemoryDisk();
    for (const record of fixture) disk.table('journal').set(String(record.sequence), JSON.stringify(record));
    const { journal } = memoryStores(disk, new TestClock());
    const stories = await Promise.all(
      ['coding-1', 'clear-1', 'coding-2'].map(async (id) => tellStory(await journal.recordsOf(id))),
    );
    expect(stories.map((story) => story?.closed)).toEqual([true, true, false]);
    expect(stories[2]?.plan).toEqual(writePlan('coding-2', true));
    expect(stories[2] && nextStepOf(stories[2])).toEqual({ kind: 'check' });
  });

  it('is what this release still writes: another shape needs another version', async () => {
    const harness = memoryHarness();
    const stores = await harness.start();
    for (const entry of wholeStory(true)) {
      await stores.journal.append(entry);
      harness.clock.wall += 1000;
      harness.clock.mono += 1000.5;
    }
    expect(await stores.journal.records(1, 1000)).toEqual(fixture);
  });
});

const record = (body: unknown): JournalRecord => {
  const head = {
    journalVersion: 1,
    sequence: 1,
    operationId: 'job-1',
    simulated: true,
    wallMs: 1,
    monotonicMs: 1,
    body: body as JournalRecord['body'],
    previous: CHAIN_START,
  };
  return { ...head, hash: journalHash(head) };
};

describe('a row of the journal', () => {
  const opened = jobOpened('job-1', true);
  const plan = writePlan('job-1', true);

  it('is a record only with every member of its plan, however well it is hashed', () => {
    expect(judgeRow(record(opened))).toMatchObject({ kind: 'record', hashHolds: true });
    const steps = (step: object) => ({ ...opened, plan: { ...plan, steps: [step] } });
    const write = plan.steps.find((step) => step.kind === 'write') ?? {};
    expect(judgeRow(record(steps(write))).kind).toBe('record');
    for (const [body, place] of [
      [steps({ ...write, newHex: '11 3A' }), '$.body.plan.steps[0].newHex'],
      [steps({ ...write, did: '600' }), '$.body.plan.steps[0].did'],
      [steps({ ...write, expected: { did: '0600', kind: 'bytes' } }), '$.body.plan.steps[0].expected.hex'],
      [steps({ kind: 'erase', id: 'x' }), '$.body.plan.steps[0]'],
      [{ ...opened, plan: { ...plan, reset: { type: 4, bootMs: 1 } } }, '$.body.plan.reset.type'],
      [{ ...opened, extra: 1 }, '$.body.extra'],
      [
        { type: 'phase', phase: 'write', edge: 'failed', error: { code: 'no code', message: '', details: {} } },
        '$.body.error',
      ],
    ] as const) {
      const judged = judgeRow(record(body));
      expect(judged.kind === 'unreadable' && judged.why, JSON.stringify(body)).toContain(place);
    }
  });

  it('never passes as whole when any one leaf of it was changed', () => {
    const whole = record(opened);
    const leaves = leafPaths(whole);
    fc.assert(
      fc.property(
        fc.constantFrom(...leaves),
        fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.constant(undefined)),
        (path, value) => {
          const copy = structuredClone(whole) as unknown as Record<string, unknown>;
          const before = setAt(copy, path, value);
          fc.pre(!Object.is(before, value));
          const judged = judgedOrNewer(copy);
          expect(judged).not.toMatchObject({ kind: 'record', hashHolds: true });
        },
      ),
      { seed: SEED, numRuns: 500 },
    );
  });

  it('is judged without an exception whatever it is', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withTypedArray: true }), (junk) => {
        expect(judgedOrNewer(junk)).not.toMatchObject({ kind: 'record', hashHolds: true });
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe('a backup from outside', () => {
  const whole = completeBackup(backupDraft({ simulated: true }), { count: 0, sameAddress: [] });

  it('passes as it is, and its hashes hold', () => {
    const parsed = parseBackup(JSON.parse(JSON.stringify(whole)), 'a.codebay.json');
    expect(parsed).toEqual(whole);
    const { contentHash, recordHash, ...body } = parsed;
    expect(backupHashes(body)).toEqual({ contentHash, recordHash });
  });

  it.each<[string, (backup: Backup) => unknown, string]>([
    ['a block that is no hex', (b) => ({ ...b, blocks: [{ ...b.blocks[0], hex: '11 3A' }] }), '$.blocks[0].hex'],
    ['an unknown member', (b) => ({ ...b, note: 'hi' }), '$.note'],
    [
      'a member __proto__',
      (b) => JSON.parse(`{"__proto__":{"polluted":1},${JSON.stringify(b).slice(1)}`),
      '$.__proto__',
    ],
    ['a negative sequence', (b) => ({ ...b, sequence: -1 }), '$.sequence'],
    ['no blocks at all', ({ blocks: _, ...b }) => b, '$.blocks'],
    ['a VIN that is a number', (b) => ({ ...b, vehicle: { ...b.vehicle, vin: 7 } }), '$.vehicle.vin'],
    ['another format', (b) => ({ ...b, format: 'other' }), '$.format'],
    ['a text', () => 'backup', '$'],
    ['nothing', () => null, '$'],
  ])('is refused with the place: %s', async (_, change, at) => {
    const error = await caught((async () => parseBackup(change(whole), 'x.json'))());
    expect(isStackError(error, 'file/malformed') && error.details.at).toBe(at);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

function judgedOrNewer(row: unknown): unknown {
  try {
    return judgeRow(row);
  } catch (error) {
    if (isStackError(error, 'store/newer-schema')) return { kind: 'newer' };
    throw error;
  }
}

type Path = readonly (string | number)[];

function leafPaths(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const entries: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
    ? value.map((item: unknown, i) => [i, item] as const)
    : Object.entries(value);
  return entries.flatMap(([key, item]) => leafPaths(item, [...path, key]));
}

/** Sets one leaf and returns what was there. */
function setAt(root: Record<string, unknown>, path: Path, value: unknown): unknown {
  const parent = path.slice(0, -1).reduce<unknown>((at, key) => (at as Record<string | number, unknown>)[key], root);
  const holder = parent as Record<string | number, unknown>;
  const last = path.at(-1) ?? '';
  const before = holder[last];
  holder[last] = value;
  return before;
}
