import { equalBytes } from '#base/bytes.ts';
import type { CheckResult } from '#contract/adapter-check.ts';
import { isStackError } from '#contract/errors.ts';
import type { Asked } from '#procedures/adapter-check/ask.ts';
import type { AdapterBench } from '#procedures/adapter-check/bench.ts';
import { type AskedModule, answerBytes, isLong, longValues } from '#procedures/adapter-check/modules.ts';
import { type Evidence, type KnownValue, provesWhole } from '#procedures/adapter-check/proof.ts';
import { readSeveralIdentifiers, requestBytes } from '#procedures/adapter-check/several.ts';

type Progress = (done: number, subject: string | null) => void;

/** The same long answer, so often (reference: adapters A.9). */
const LONG_ANSWERS = 20;
/** Identifiers of the requests that need several frames: 9, 41 and 255 bytes; the last one is more than any known queue holds. */
const LONG_REQUESTS = [4, 20, 127] as const;
const LONG_REQUEST_REPEATS = 5;
/** Pairs of request and answer without a pause, at least, and at least so many of each module. */
const DROP_FREE_PAIRS = 200;
const PAIRS_PER_MODULE = 8;
/** Every so many pairs a long answer, or a long request, comes between the short ones. */
const LONG_EVERY = 5;
/** Modules that are tried while long requests get lost: on one it may be the module, on so many it is not. */
const MODULES_TO_BLAME = 3;
/** An adapter that loses so many has failed: the rest would only cost time. */
const ENOUGH_LOST = 5;

export const LONG_ANSWERS_TOTAL = LONG_ANSWERS;
export const LONG_REQUESTS_TOTAL = LONG_REQUESTS.length * LONG_REQUEST_REPEATS;

/** Longest value first, over all modules. */
interface Target {
  readonly of: AskedModule;
  readonly value: KnownValue;
}

/** The longest value that a module has, twenty times, always the same. */
export async function measureLongAnswers(
  modules: readonly AskedModule[],
  progress: Progress,
): Promise<{ readonly result: CheckResult; readonly bytesPerSecond: number | null }> {
  const notRun = (why: 'no-module' | 'no-long-value') =>
    ({ result: { kind: 'not-run', why }, bytesPerSecond: null }) as const;
  if (modules.length === 0) return notRun('no-module');
  for (const { of, value } of longTargets(modules)) {
    const first = await of.asker.read(value.did);
    if (first.kind === 'gone') return notRun('no-module');
    if (first.kind === 'refused') continue; // its state changed since the scan
    if (first.kind === 'answered' && !isLong(first.data.length)) continue;
    return repeatLongAnswer(of, value, first, progress);
  }
  return notRun('no-long-value');
}

async function repeatLongAnswer(
  of: AskedModule,
  value: KnownValue,
  first: Asked,
  progress: Progress,
): Promise<{ readonly result: CheckResult; readonly bytesPerSecond: number | null }> {
  const expected = first.kind === 'answered' ? first.data : null;
  const tally = new Tally(expected === null ? answerBytes(value) : 3 + expected.length);
  let [receivedBytes, receivedMs] = [0, 0];
  let asked = first;
  for (let n = 1; ; n++) {
    const same = asked.kind === 'answered' && (expected === null || equalBytes(asked.data, expected));
    tally.count(asked, same ? null : asked.kind === 'answered' ? 'another value came' : 'no whole answer');
    if (asked.kind === 'answered' && asked.lost === 0) {
      receivedBytes += 3 + asked.data.length;
      receivedMs += asked.elapsedMs;
    }
    progress(n, of.module.shortName);
    if (n === LONG_ANSWERS || tally.isEnough) break;
    asked = await of.asker.read(value.did);
    if (asked.kind === 'gone') return { result: tally.result('no-module'), bytesPerSecond: null };
  }
  return { result: tally.result(), bytesPerSecond: receivedMs > 0 ? (receivedBytes * 1000) / receivedMs : null };
}

/** Every module has a VIN, as long as this. */
const VIN: KnownValue = { did: 0xf190, lengthBytes: 17 };

/** Where the scan got no long value at all, the VIN is asked for: silence is an answer about the adapter, a refusal is none. */
function longTargets(modules: readonly AskedModule[]): readonly Target[] {
  const known = modules.flatMap((of) => longValues(of).map((value) => ({ of, value })));
  return known.length > 0
    ? known.sort((a, b) => b.value.lengthBytes - a.value.lengthBytes)
    : modules.map((of) => ({ of, value: VIN }));
}

/** A module through which long requests are proven to pass, and how long. For the drop-free run. */
export interface LongRequest {
  readonly of: AskedModule;
  readonly values: readonly KnownValue[];
}

/**
 * Requests of several frames that only read: for 4, 20 and 127 identifiers. One module that proves it is enough; another one
 * that does not understand such requests is no reason against the adapter.
 */
export async function measureLongRequests(
  modules: readonly AskedModule[],
  bench: AdapterBench,
  progress: Progress,
): Promise<{ readonly result: CheckResult; readonly longest: LongRequest | null }> {
  if (modules.length === 0) return { result: { kind: 'not-run', why: 'no-module' }, longest: null };
  const failed: CheckResult[] = [];
  let gone = 0;
  for (const of of modules) {
    const tried =
      bench.info.longestSendBytes < requestBytes(LONG_REQUESTS[0]) ? null : await tryModule(of, bench, progress);
    if (tried === null) continue;
    if (tried.kind === 'gone') gone++;
    else if (tried.longest !== null) return tried;
    else if (failed.push(tried.result) === MODULES_TO_BLAME) break;
  }
  const [first] = failed;
  if (first !== undefined) return { result: first, longest: null };
  return { result: { kind: 'not-run', why: gone === modules.length ? 'no-module' : 'not-possible' }, longest: null };
}

type Tried =
  | null
  | { readonly kind: 'gone' }
  | { readonly kind: 'tried'; readonly result: CheckResult; readonly longest: LongRequest | null };

/** Null: this module does not let it be proven. */
async function tryModule(of: AskedModule, bench: AdapterBench, progress: Progress): Promise<Tried> {
  const [one] = of.values;
  if (one === undefined) return null;
  const evidence = await gatherEvidence(of, one, bench);
  if (evidence === 'gone') return { kind: 'gone' };
  const tally = new Tally(0);
  let longest: LongRequest | null = null;
  let done = 0;
  for (const identifiers of LONG_REQUESTS) {
    if (requestBytes(identifiers) > bench.info.longestSendBytes) break;
    const values = cycled(of.values, identifiers);
    for (let n = 0; n < LONG_REQUEST_REPEATS; n++) {
      const asked = await askSeveral(of, values);
      progress(++done, of.module.shortName);
      if (asked === 'too-long') return finished(tally, longest);
      if (asked.kind === 'gone') return { kind: 'gone' };
      // Its first frame looks like that of a shorter one, which got through: this module ignores what is too long for it.
      if (asked.kind === 'lost' && asked.unheard && longest !== null && n === 0) return finished(tally, longest);
      const proven = provesWhole(asked, values, evidence);
      // Answered, but nothing is proven by it: longer ones would prove no more.
      if (!proven && asked.kind !== 'lost') return finished(tally, longest);
      tally.count(
        asked,
        asked.kind === 'lost' ? 'no answer to a request of several frames' : null,
        requestBytes(identifiers),
      );
      if (tally.isEnough) return finished(tally, longest);
      if (proven) longest = { of, values };
    }
  }
  return finished(tally, longest);
}

function finished(tally: Tally, longest: LongRequest | null): Tried {
  if (tally.failed === 0 && tally.asked < LONG_REQUEST_REPEATS) return null;
  return { kind: 'tried', result: tally.result(), longest };
}

/** One identifier, and as many as one frame carries: what a cut request would be answered with. */
async function gatherEvidence(of: AskedModule, one: KnownValue, bench: AdapterBench): Promise<Evidence | 'gone'> {
  const answered = await of.asker.read(one.did);
  if (answered.kind === 'gone') return 'gone';
  const three = bench.sendsOurFrames ? null : await askSeveral(of, cycled(of.values, 3));
  if (three !== null && three !== 'too-long' && three.kind === 'gone') return 'gone';
  return {
    sendsOurFrames: bench.sendsOurFrames,
    oneAnswered: answered.kind === 'answered',
    three: three === 'too-long' ? null : three,
  };
}

/** `too-long`: the module has no room for it (FC.OVFLW), or the adapter refuses to take it. Neither is a loss. */
async function askSeveral(of: AskedModule, values: readonly KnownValue[]): Promise<Asked | 'too-long'> {
  try {
    const dids = values.map(({ did }) => did);
    return await of.asker.ask(readSeveralIdentifiers, { dids }, (data) => data);
  } catch (error) {
    if (isStackError(error, 'isotp/overflow', 'isotp/message-too-long')) return 'too-long';
    throw error;
  }
}

/** The shortest values first, so that the answer stays short; over and over where there are too few. */
function cycled(values: readonly KnownValue[], count: number): readonly KnownValue[] {
  const shortest = [...values].reverse();
  return Array.from({ length: count }, (_, i) => shortest[i % shortest.length]).filter((value) => value !== undefined);
}

/** All modules in turn, without a pause: short ones to measure the way there and back, long ones between them. */
export async function measureDropFree(
  modules: readonly AskedModule[],
  longRequest: LongRequest | null,
  progress: Progress,
): Promise<{ readonly result: CheckResult; readonly tripsMs: readonly number[] }> {
  if (modules.length === 0) return { result: { kind: 'not-run', why: 'no-module' }, tripsMs: [] };
  const tally = new Tally(0);
  const tripsMs: number[] = [];
  const total = dropFreePairs(modules.length);
  for (let n = 0; n < total && !tally.isEnough; n++) {
    const of = modules[n % modules.length];
    if (of === undefined) break;
    // Shifted by one each round, so that every module gets its share of the long ones.
    const pair = await onePair(of, n + Math.floor(n / modules.length), longRequest);
    if (pair.asked.kind === 'gone') return { result: tally.result('no-module'), tripsMs };
    tally.count(pair.asked, null, pair.bytes);
    if (pair.isShort && pair.asked.lost === 0 && !pair.asked.delayed) tripsMs.push(pair.asked.elapsedMs);
    progress(n + 1, of.module.shortName);
  }
  return { result: tally.result(), tripsMs };
}

export function dropFreePairs(modules: number): number {
  return Math.max(DROP_FREE_PAIRS, modules * PAIRS_PER_MODULE);
}

interface Pair {
  readonly asked: Asked;
  readonly isShort: boolean;
  /** Of the longer of the two messages. */
  readonly bytes: number;
}

async function onePair(of: AskedModule, turn: number, longRequest: LongRequest | null): Promise<Pair> {
  const [long] = longValues(of);
  if (turn % LONG_EVERY === LONG_EVERY - 2 && longRequest !== null) {
    const asked = await askSeveral(longRequest.of, longRequest.values);
    if (asked !== 'too-long')
      return { asked, isShort: false, bytes: Math.max(requestBytes(longRequest.values.length), received(asked)) };
  }
  if (turn % LONG_EVERY === LONG_EVERY - 1 && long !== undefined) {
    const asked = await of.asker.read(long.did);
    return { asked, isShort: false, bytes: received(asked) };
  }
  return { asked: await of.asker.present(), isShort: true, bytes: 2 };
}

function received(asked: Asked): number {
  return asked.kind === 'answered' ? 3 + asked.data.length : 0;
}

/** Counts requests, and those among them that went wrong. */
class Tally {
  asked = 0;
  failed = 0;
  #bytes: number;
  #why: string | null = null;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** `wrong`: what was wrong with the answer, where there is something to say beyond "it was lost". */
  count(asked: Asked, wrong: string | null, bytes = 0): void {
    this.asked++;
    this.#bytes = Math.max(this.#bytes, bytes);
    if (asked.lost === 0 && wrong === null) return;
    this.failed++;
    this.#why ??= wrong ?? (asked.kind === 'lost' ? asked.why : 'an answer came only when it was asked again');
  }

  get isEnough(): boolean {
    return this.failed >= ENOUGH_LOST;
  }

  /** @param end why it could not be brought to its end: then it is no pass, whatever went well before */
  result(end: 'no-module' | null = null): CheckResult {
    const { asked: count, failed } = this;
    const bytes = this.#bytes;
    if (failed > 0) return { kind: 'failed', count, failed, bytes, why: this.#why ?? '' };
    return end === null ? { kind: 'passed', count, bytes } : { kind: 'not-run', why: end };
  }
}
