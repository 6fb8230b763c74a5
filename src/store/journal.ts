import type { Clock } from '#base/clock.ts';
import { Mutex } from '#base/mutex.ts';
import { isStackError, StackError } from '#contract/errors.ts';
import {
  JOURNAL_VERSION,
  type JournalBody,
  type JournalRecord,
  journalHash,
  type OpenJob,
  openJobChange,
} from '#contract/journal.ts';
import type { JournalPort } from '#procedures/ports.ts';
import { corrupt } from './errors.ts';
import { chainTip, continueChain, operationRecords, readableRecords, type StoredRow } from './journal-chain.ts';
import { checkedBody, judgeRow, parseOpenJob } from './schemas/journal.ts';
import { type CodebayDatabase, reading, writing } from './tables.ts';

/** A record and the list of open jobs change in one transaction; the last record is read in it too, so that two tabs cannot fork the chain. */
export class JournalRepository implements JournalPort {
  readonly #db: CodebayDatabase;
  readonly #clock: Clock;
  readonly #simulated: boolean;
  readonly #appending = new Mutex();

  constructor(db: CodebayDatabase, clock: Clock, simulated: boolean) {
    this.#db = db;
    this.#clock = clock;
    this.#simulated = simulated;
  }

  append(entry: {
    readonly operationId: string;
    readonly simulated: boolean;
    readonly body: JournalBody;
  }): Promise<JournalRecord> {
    return this.#appending.run(async () => {
      assertWorld('journal', entry.simulated, this.#simulated);
      const body = checkedBody(entry.body);
      const { journal, openJobs } = this.#db;
      const bytes = JSON.stringify(body).length;
      // Resolves after the transaction's `complete`, with strict durability: on disk (I3).
      return writing(this.#db, [journal, openJobs], bytes, async () => {
        const { tip } = chainTip(await lastRows(this.#db, 2));
        const head = {
          journalVersion: JOURNAL_VERSION,
          ...continueChain(tip),
          operationId: entry.operationId,
          simulated: entry.simulated,
          wallMs: this.#clock.wallMs(),
          monotonicMs: this.#clock.now(),
          body,
        };
        const record: JournalRecord = { ...head, hash: journalHash(head) };
        await journal.put(record); // takes the place of a torn last row, which counts as not written
        const change = openJobChange(record);
        if (change?.open) await openJobs.put(change.open);
        else if (change) await openJobs.delete(record.operationId);
        return record;
      });
    });
  }

  async recordsOf(operationId: string): Promise<readonly JournalRecord[]> {
    const { journal } = this.#db;
    return reading('journal', async () => {
      const [first] = await journal.where('operationId').equals(operationId).primaryKeys();
      return first === undefined ? [] : operationRecords(await rowsFrom(this.#db, first), operationId);
    });
  }

  openJobs(): Promise<readonly OpenJob[]> {
    return reading('openJobs', () => readOpenJobs(this.#db));
  }

  records(from: number, limit: number): Promise<readonly JournalRecord[]> {
    return reading('journal', async () => {
      const [last] = await lastRows(this.#db, 1);
      return readableRecords(await rowsFrom(this.#db, from, limit), last?.key ?? 0);
    });
  }
}

/**
 * After a torn last row (fault D03) the list of open jobs may be ahead of the journal: what the lost record did to it is
 * undone. Without one nothing is touched: journal and list change together.
 */
export async function repairOpenJobs(db: CodebayDatabase): Promise<void> {
  const { journal, openJobs } = db;
  await writing(db, [journal, openJobs], 0, async () => {
    const end = chainEnd(await lastRows(db, 2));
    if (!end?.torn) return;
    const { tip } = end;
    const lastGood = tip?.sequence ?? 0;
    for (const operationId of await openJobs.toCollection().primaryKeys()) {
      const sequences = await journal.where('operationId').equals(operationId).primaryKeys();
      // No opening record: nothing was ever sent for this job, an intent comes only after it (I3).
      if (!sequences.some((sequence) => sequence <= lastGood)) await openJobs.delete(operationId);
    }
    const ended = new Set<string>();
    for (const row of await journal.where('body.type').anyOf('job-closed', 'job-parked').toArray()) {
      const judged = judgeRow(row);
      if (judged.kind === 'record' && judged.hashHolds) ended.add(judged.record.operationId);
    }
    for (const row of await journal.where('body.type').equals('job-opened').toArray()) {
      const judged = judgeRow(row);
      if (judged.kind !== 'record' || !judged.hashHolds || ended.has(judged.record.operationId)) continue;
      const change = openJobChange(judged.record);
      if (change?.open && (await openJobs.get(judged.record.operationId)) === undefined)
        await openJobs.put(change.open);
    }
  });
}

/** Null when the end is damaged beyond a torn row: that is for `append` to report, nothing is repaired by guessing. */
export function chainEnd(lastTwo: readonly StoredRow[]): ReturnType<typeof chainTip> | null {
  try {
    return chainTip(lastTwo);
  } catch (error) {
    if (isStackError(error, 'store/corrupt')) return null;
    throw error;
  }
}

export async function readOpenJobs(db: CodebayDatabase): Promise<readonly OpenJob[]> {
  return (await db.openJobs.toArray()).map((row) => {
    const job = parseOpenJob(row);
    if (job === null) throw corrupt('openJobs', idOf(row), 'not an open job');
    return job;
  });
}

/** The last rows, newest first. */
async function lastRows(db: CodebayDatabase, count: number): Promise<readonly StoredRow[]> {
  return (await db.journal.orderBy(':id').reverse().limit(count).toArray()).map(stored);
}

/** Rows in order, from a sequence number on. IndexedDB takes no count above 2^32 − 1: larger limits mean all. */
export async function rowsFrom(db: CodebayDatabase, from: number, limit = Infinity): Promise<readonly StoredRow[]> {
  const range = db.journal.where(':id').aboveOrEqual(from);
  return (await (limit < 2 ** 32 ? range.limit(limit) : range).toArray()).map(stored);
}

/** The key is a member of the row (`sequence`): IndexedDB stores no row of this table without one. */
function stored(row: unknown): StoredRow {
  const key = typeof row === 'object' && row !== null && 'sequence' in row ? row.sequence : undefined;
  return { key: typeof key === 'number' ? key : 0, row };
}

/** Nothing crosses between the virtual car and real ones (design 5). */
export function assertWorld(table: string, simulated: boolean, own: boolean): void {
  if (simulated === own) return;
  const reason = `a record of ${simulated ? 'the virtual car' : 'a real car'} in the other database`;
  throw new StackError('store/write-failed', `${table}: ${reason}`, { table, reason });
}

function idOf(row: unknown): string {
  return typeof row === 'object' && row !== null && 'operationId' in row ? String(row.operationId) : '?';
}
