import type { Clock } from '#base/clock.ts';
import { judgeRow } from './schemas/journal.ts';
import { type CodebayDatabase, reading, type TraceRow, writing } from './tables.ts';

/** What is kept of things that grow with every use and are not the record. Journal and backups are never thinned out. */
export interface Retention {
  readonly traceAgeMs: number;
  /** Characters of all traces together; a trace is plain ASCII, so these are bytes. */
  readonly traceBytes: number;
  readonly scansPerCar: number;
}

export const RETENTION: Retention = { traceAgeMs: 90 * 86_400_000, traceBytes: 50_000_000, scansPerCar: 20 };

/** Pieces of a trace are looked at in batches, so that fifty megabytes are never in memory at once. */
const BATCH = 200;

/**
 * Removes what is past its time: whole traces, oldest first, and scans beyond the newest of each car. Never the newest trace,
 * nor any since the connection in which the oldest unfinished job began: it may have to be looked at.
 * @returns how many pieces and scans are gone
 * @throws StackError `store/*`
 */
export async function tidy(
  db: CodebayDatabase,
  clock: Clock,
  limits: Retention = RETENTION,
): Promise<{ readonly pieces: number; readonly scans: number }> {
  return { pieces: await tidyTraces(db, clock.wallMs(), limits), scans: await tidyScans(db, limits.scansPerCar) };
}

/** The same at the start of the app: what goes wrong with it must not keep anybody from working, and the next start tries again. */
export function tidyQuietly(db: CodebayDatabase, clock: Clock): Promise<void> {
  return tidy(db, clock).then(
    () => undefined,
    () => undefined,
  );
}

/** One trace: where its pieces are, how much they are, when the last one came. */
interface Held {
  readonly places: number[];
  bytes: number;
  lastWallMs: number;
}

async function tidyTraces(db: CodebayDatabase, nowMs: number, limits: Retention): Promise<number> {
  const protectedFrom = await firstProtected(db);
  const held = [...(await heldTraces(db)).values()].sort((a, b) => last(b.places) - last(a.places));
  const gone: number[] = [];
  let bytes = 0;
  for (const [i, trace] of held.entries()) {
    bytes += trace.bytes;
    if (i === 0 || last(trace.places) >= protectedFrom) continue;
    if (bytes > limits.traceBytes || nowMs - trace.lastWallMs > limits.traceAgeMs) gone.push(...trace.places);
  }
  if (gone.length > 0) await writing(db, [db.traces], 0, () => db.traces.bulkDelete(gone));
  return gone.length;
}

/** By session, in the order of their first pieces. */
async function heldTraces(db: CodebayDatabase): Promise<ReadonlyMap<string, Held>> {
  const held = new Map<string, Held>();
  const places = await reading('traces', () => db.traces.toCollection().primaryKeys());
  for (let from = 0; from < places.length; from += BATCH) {
    const batch = places.slice(from, from + BATCH);
    const rows = await reading('traces', () => db.traces.bulkGet(batch));
    for (const [i, row] of rows.entries()) {
      const place = batch[i];
      if (row === undefined || place === undefined) continue; // removed meanwhile, by another tab
      addTo(held, row, place);
    }
  }
  return held;
}

/** A damaged piece has no size and no time; it goes with its trace. */
function addTo(held: Map<string, Held>, { sessionId, text, wallMs }: TraceRow, place: number): void {
  const trace = held.get(sessionId) ?? { places: [], bytes: 0, lastWallMs: 0 };
  held.set(sessionId, trace);
  trace.places.push(place);
  trace.bytes += typeof text === 'string' ? text.length : 0;
  if (typeof wallMs === 'number' && wallMs > trace.lastWallMs) trace.lastWallMs = wallMs;
}

/**
 * The first piece of the connection in which the oldest unfinished job began; Infinity without such a job. By the order of the
 * record, never by the clock (fault D05). Where the record does not say, nothing is given up.
 */
async function firstProtected(db: CodebayDatabase): Promise<number> {
  const open = await reading('openJobs', () => db.openJobs.toCollection().primaryKeys());
  if (open.length === 0) return Number.POSITIVE_INFINITY;
  const begun = await reading('journal', () => db.journal.where('operationId').anyOf(open).primaryKeys());
  const first = Math.min(...begun);
  const notes = await reading('journal', () => db.journal.where('body.type').equals('note').primaryKeys());
  const before = notes.filter((sequence) => sequence < first).sort((a, b) => b - a);
  for (const sequence of before) {
    const sessionId = connectedAs(await reading('journal', () => db.journal.get(sequence)));
    if (sessionId === null) continue;
    const places = await reading('traces', () => db.traces.where('sessionId').equals(sessionId).primaryKeys());
    if (places.length > 0) return Math.min(...places);
  }
  return 0;
}

/** The session that the note of a connection names; null: a note of something else, or one that cannot be read. */
function connectedAs(row: unknown): string | null {
  const judged = judgeRow(row);
  if (judged.kind !== 'record' || judged.record.body.type !== 'note' || judged.record.body.what !== 'connected')
    return null;
  return judged.record.body.detail.split(' ', 1)[0] ?? null;
}

async function tidyScans(db: CodebayDatabase, keep: number): Promise<number> {
  const gone: number[] = [];
  for (const vin of await reading('scans', () => db.scans.orderBy('vin').uniqueKeys())) {
    const places = await reading('scans', () => db.scans.where('vin').equals(vin).primaryKeys());
    gone.push(...places.sort((a, b) => b - a).slice(keep));
  }
  if (gone.length > 0) await writing(db, [db.scans], 0, () => db.scans.bulkDelete(gone));
  return gone.length;
}

function last(places: readonly number[]): number {
  return places.at(-1) ?? 0;
}
