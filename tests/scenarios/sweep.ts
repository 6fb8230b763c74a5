import { expect } from 'vitest';
import type { Backup } from '#contract/backup.ts';
import type { JournalRecord } from '#contract/journal.ts';
import { CHAIN_START, journalHash } from '#contract/journal.ts';
import type { Plan } from '#contract/plan.ts';
import type { MemoryDisk } from '../support/memory-stores.ts';
import { Browser, type Garage, type SideEffect } from '../support/workshop.ts';
import { approve, PACK } from './jobs.ts';

/** A job to kill: brings the browser to the point where the approved run begins, and starts it. */
export interface SweptJob {
  readonly name: string;
  prepare(
    garage: Garage,
    disk: MemoryDisk,
  ): Promise<{ readonly browser: Browser; readonly plan: Plan; run(): Promise<unknown> }>;
  newGarage(): Promise<Garage>;
  newDisk(garage: Garage): Promise<MemoryDisk>;
}

export interface KillPoint {
  readonly k: number;
  readonly effect: SideEffect;
  readonly inFlight: 'lost' | 'kept' | 'torn';
  readonly writesInFlight: number;
  /** What the person met after the restart, step by step. */
  readonly steps: readonly string[];
  readonly end: string;
}

/** Runs the job once without a kill and tells its side effects. */
export async function countSideEffects(job: SweptJob): Promise<readonly SideEffect[]> {
  const garage = await job.newGarage();
  return garage.clock.run(async () => {
    const { browser, run } = await job.prepare(garage, await job.newDisk(garage));
    browser.arm();
    await run();
    const effects = [...browser.sideEffects];
    browser.kill();
    return effects;
  });
}

/**
 * Kills the browser after side effect k, starts a new one on what the disk then holds, takes the one offered step until no
 * job is open, and checks after each moment: the original is never lost, nothing unapproved is written, one step is offered.
 */
export async function killAt(job: SweptJob, k: number, inFlight: KillPoint['inFlight']): Promise<KillPoint> {
  const garage = await job.newGarage();
  return garage.clock.run(async () => {
    const disk = await job.newDisk(garage);
    const { browser, plan, run } = await job.prepare(garage, disk);
    const before = memoryOf(garage, plan);
    browser.arm(k);
    const outcome = await Promise.race([run().then(() => 'finished' as const), browser.died]);
    if (outcome === 'finished') throw new Error(`side effect ${k} never came`);
    const effect = browser.sideEffects[k - 1];
    if (effect === undefined) throw new Error('the kill came at no side effect');
    const writesInFlight = disk.inFlight.length;

    const found = disk.afterCrash(inFlight);
    assertNothingLost(garage, found, plan, before);

    const steps: string[] = [];
    const next = new Browser(garage, found, { packs: [PACK], name: `after${k}` });
    // The module falls out of the dead browser's session after S3; a person is slower than that anyway.
    await garage.clock.sleep(6000);
    await next.arrive();
    for (let turn = 0; turn < 6; turn++) {
      const jobs = await next.jobs();
      expect(jobs.length, 'at most one card').toBeLessThanOrEqual(1);
      const open = jobs[0];
      if (open === undefined) break;
      steps.push(open.next.kind);
      if (open.next.kind === 'check') {
        const end = await next.done(
          next.service.checkJob({ commandId: next.commandId(), operationId: open.operationId }),
        );
        expect(end.result, JSON.stringify(end.error)).toBe('done');
      } else {
        const repair = await next.service.planRepair({ commandId: next.commandId(), operationId: open.operationId });
        assertOnlyKnownBytes(garage, plan, before);
        const end = await approve(next, repair);
        expect(end.result, JSON.stringify(end.error)).toBe('done');
        expect(end.outcome?.proven).toBe(true);
      }
      assertNothingLost(garage, found, plan, before);
    }
    expect(await next.jobs(), 'no job stays open').toEqual([]);
    const end = assertWholeState(garage, plan, before);
    assertChain(found);
    next.kill();
    return { k, effect, inFlight, writesInFlight, steps, end };
  });
}

type Memory = ReadonlyMap<string, string>;

function memoryOf(garage: Garage, plan: Plan): Memory {
  const label = plan.module.label;
  return new Map(Object.entries(garage.carStore.state?.ecus[label]?.dids ?? {}));
}

/** I1, I3: what the ECU no longer holds is in a durable backup, and the journal announced every change before it was made. */
function assertNothingLost(garage: Garage, disk: MemoryDisk, plan: Plan, before: Memory): void {
  const backups = rows<Backup>(disk, 'backups');
  const intents = rows<JournalRecord>(disk, 'journal').flatMap((record) =>
    record.body.type === 'intent' ? record.body.requests : [],
  );
  for (const [did, now] of memoryOf(garage, plan)) {
    const old = before.get(did);
    if (now === old) continue;
    if (did !== 'F1A5') {
      const announced = intents.some((request) => request.replaceAll(' ', '').startsWith(`2E${did}`));
      expect(announced, `I3: ${did} changed without an intent on disk`).toBe(true);
    }
    const saved = backups.some(
      (backup) =>
        backup.module.label === plan.module.label &&
        backup.blocks.some((block) => block.did === did && block.hex === old),
    );
    expect(saved, `I1: the original of ${did} is lost`).toBe(true);
  }
  assertOnlyKnownBytes(garage, plan, before);
}

/** Nothing unapproved: only identifiers of the plan change, and only to what was there or what was approved. */
function assertOnlyKnownBytes(garage: Garage, plan: Plan, before: Memory): void {
  const approved = new Map<string, string>();
  for (const step of plan.steps) if (step.kind === 'write') approved.set(step.did, step.newHex);
  for (const [did, now] of memoryOf(garage, plan)) {
    if (now === before.get(did)) continue;
    const wanted = did === 'F1A5' ? approved.get('F198') : approved.get(did);
    expect(now, `${did} holds bytes nobody approved`).toBe(wanted);
  }
}

/** In the end the coding is either whole as before or whole as approved. */
function assertWholeState(garage: Garage, plan: Plan, before: Memory): string {
  if (plan.kind === 'clear-faults') return 'faults';
  const now = memoryOf(garage, plan);
  const allOld = plan.blocks.every((block) => now.get(block.did) === before.get(block.did));
  const allNew = plan.blocks.every((block) => now.get(block.did) === block.newHex);
  expect(allOld || allNew, 'the coding is half of each').toBe(true);
  return allNew ? 'new' : 'old';
}

/** I11: what is on disk chains without a break. */
function assertChain(disk: MemoryDisk): void {
  let previous = CHAIN_START;
  for (const record of rows<JournalRecord>(disk, 'journal').sort((a, b) => a.sequence - b.sequence)) {
    expect(record.previous).toBe(previous);
    expect(record.hash).toBe(journalHash(record));
    previous = record.hash;
  }
}

function rows<T>(disk: MemoryDisk, table: string): T[] {
  return [...disk.table(table).values()].flatMap((text) => {
    try {
      return [JSON.parse(text) as T];
    } catch {
      return []; // torn by the crash: as good as not there
    }
  });
}

export interface SweepResult {
  readonly effects: readonly SideEffect[];
  readonly kills: readonly KillPoint[];
}

/** Every kill point of a job, with the writes in flight lost, kept and torn. The first failure tells where it was. */
export async function sweep(job: SweptJob): Promise<SweepResult> {
  const effects = await countSideEffects(job);
  const kills: KillPoint[] = [];
  for (let k = 1; k <= effects.length; k++) {
    try {
      const point = await killAt(job, k, 'lost');
      kills.push(point);
      // Only where a write was under way does it matter what becomes of it.
      if (point.writesInFlight > 0) kills.push(await killAt(job, k, 'kept'), await killAt(job, k, 'torn'));
    } catch (error) {
      const where = `${job.name}, killed after side effect ${k} of ${effects.length} (${JSON.stringify(effects[k - 1])})`;
      throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
    }
  }
  return { effects, kills };
}

/** One line for docs/sweep.md. */
export function summary(name: string, { effects, kills }: SweepResult): string {
  const count = (values: readonly string[]) =>
    [...new Set(values)]
      .map((value) => `${value || 'no step'} ${values.filter((other) => other === value).length}`)
      .join(', ');
  return `| ${name} | ${effects.length} (${count(effects.map((effect) => effect.kind))}) | ${kills.length} | ${count(kills.map((point) => point.steps.join(' then ')))} | ${count(kills.map((point) => point.end))} |`;
}
