import type { AdapterReport } from '#contract/adapter-check.ts';
import type { Phase } from '#contract/operation.ts';
import type { AdapterBench } from '#procedures/adapter-check/bench.ts';
import {
  dropFreePairs,
  LONG_ANSWERS_TOTAL,
  LONG_REQUESTS_TOTAL,
  measureDropFree,
  measureLongAnswers,
  measureLongRequests,
} from '#procedures/adapter-check/measure.ts';
import { answeringModules } from '#procedures/adapter-check/modules.ts';
import { adapterVerdict } from '#procedures/adapter-check/verdict.ts';
import type { ProcedureContext } from '#procedures/context.ts';

/** Inside the device: so many, in pieces between which progress is told. */
const ROUND_TRIPS = 50;
const ROUND_TRIPS_A_PIECE = 10;
/** A device that takes longer for ten is not slow, it is gone. */
const PIECE_LIMIT_MS = 10_000;
/** Progress of a long phase is told in steps of this. */
const COARSE_STEP = 5;
const COARSE_FROM = 100;

/**
 * The adapter check (doctor): what the open adapter can do, measured (reference: adapters A.9, L.1). On the device alone, then
 * on the modules of the last scan, reads in the default session only. Without a scan the part on the car is `not-run`.
 *
 * There is a report only of a check that came to its end: a cancel and a lost adapter leave none. What could not be measured to
 * its end because a module fell silent for good is `not-run`: neither a pass nor the adapter's fault.
 * @throws StackError `transport/lost`, `operation/cancelled`, `store/*`
 */
export async function checkAdapter(ctx: ProcedureContext, bench: AdapterBench): Promise<AdapterReport> {
  const voltage = await ctx.readVoltage(null);
  const roundTripMs = await inPhase(ctx, 'round-trips', ROUND_TRIPS, (told) => roundTrips(ctx, bench, told));
  const modules = await answeringModules(ctx, bench);
  const answers = await inPhase(ctx, 'long-answers', LONG_ANSWERS_TOTAL, (told) => measureLongAnswers(modules, told));
  const requests = await inPhase(ctx, 'long-requests', LONG_REQUESTS_TOTAL, (told) =>
    measureLongRequests(modules, bench, told),
  );
  const pairs = await inPhase(ctx, 'drop-free', dropFreePairs(modules.length), (told) =>
    measureDropFree(modules, requests.longest, told),
  );
  const measured = {
    id: ctx.newId(),
    key: bench.key,
    simulated: ctx.stores.simulated,
    takenAtWallMs: ctx.clock.wallMs(),
    toolVersion: ctx.toolVersion,
    usb: bench.usb,
    info: bench.info,
    roundTripMs,
    moduleRoundTripMs: spread(pairs.tripsMs),
    receiveBytesPerSecond: answers.bytesPerSecond,
    voltage,
    longReceive: answers.result,
    longSend: requests.result,
    dropFree: pairs.result,
    survivesReplug: bench.survivesReplug,
  } satisfies Omit<AdapterReport, 'verdict'>;
  const report: AdapterReport = { ...measured, verdict: await verdictWith(ctx, bench, measured) };
  // First the record, then what decides (I11).
  await ctx.stores.journal.append({
    operationId: ctx.operationId,
    simulated: ctx.stores.simulated,
    body: { type: 'note', what: 'adapter-checked', detail: inWords(report) },
  });
  await ctx.stores.adapters.addReport(report);
  await bench.checked(report);
  return report;
}

async function verdictWith(
  ctx: ProcedureContext,
  { key, info }: AdapterBench,
  measured: Omit<AdapterReport, 'verdict'>,
): Promise<AdapterReport['verdict']> {
  const earlier = await ctx.stores.adapters.reportsOf(key);
  const reports = [{ ...measured, verdict: info.verdict }, ...earlier];
  const consent = await ctx.stores.adapters.consentTo(key);
  return adapterVerdict(
    info,
    { key, reports, consent },
    { wallMs: measured.takenAtWallMs, toolVersion: ctx.toolVersion },
  );
}

/** One phase; a cancel ends it wherever it is. */
async function inPhase<T>(
  ctx: Pick<ProcedureContext, 'emit'>,
  phase: Phase,
  total: number,
  work: (told: (done: number, subject: string | null) => void) => Promise<T>,
): Promise<T> {
  ctx.emit({ type: 'phase-started', phase, cancel: 'immediate', total });
  const step = total < COARSE_FROM ? 1 : COARSE_STEP;
  const result = await work((done, subject) => {
    if (done % step === 0 || done === total) ctx.emit({ type: 'progress', phase, done, total, subject });
  });
  ctx.emit({ type: 'phase-finished', phase });
  return result;
}

async function roundTrips(
  { signal }: ProcedureContext,
  bench: AdapterBench,
  told: (done: number, subject: null) => void,
): Promise<AdapterReport['roundTripMs']> {
  if (bench.roundTrips === undefined) return null;
  const tripsMs: number[] = [];
  while (tripsMs.length < ROUND_TRIPS) {
    const piece = await bench.roundTrips(ROUND_TRIPS_A_PIECE, { signal, timeoutMs: PIECE_LIMIT_MS });
    if (piece.length === 0) break;
    tripsMs.push(...piece);
    told(tripsMs.length, null);
  }
  return spread(tripsMs);
}

/** Median and the 99th of a hundred; null where nothing was measured. */
export function spread(
  valuesMs: readonly number[],
): { readonly median: number; readonly p99: number; readonly count: number } | null {
  if (valuesMs.length === 0) return null;
  const sorted = [...valuesMs].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { median: at(0.5), p99: at(0.99), count: sorted.length };
}

function inWords({ id, info, longReceive, longSend, dropFree }: AdapterReport): string {
  const results = [longReceive.kind, longSend.kind, dropFree.kind].join(', ');
  return `${id} ${info.driver} ${info.product}: long answers, long requests, drop-free: ${results}`;
}
