import { expect } from 'vitest';
import { fromHex, toHexSpaced } from '#base/hex.ts';
import type { Backup } from '#contract/backup.ts';
import type { DefinitionPack } from '#contract/definition.ts';
import { isStackError } from '#contract/errors.ts';
import { findChainBreak, type JournalBody, type JournalRecord } from '#contract/journal.ts';
import type { OperationEvent } from '#contract/operation.ts';
import type { Plan, WritePlan } from '#contract/plan.ts';
import type { FaultEffect, FaultTrigger } from '#contract/simulator-control.ts';
import type { UnfinishedJob, VehicleView } from '#contract/vehicle-api.ts';
import type { CarData } from '#simulator/car-data.ts';
import { MemoryDisk } from '../support/memory-stores.ts';
import { Browser, Garage, packOf, V1_PACK } from '../support/workshop.ts';
import { approve, BCM, CAR, LABELS, ORIGINAL, planTwoOptions } from './jobs.ts';

export type Ended = Extract<OperationEvent, { type: 'ended' }>;
export type BodyOf<T extends JournalBody['type']> = Extract<JournalBody, { type: T }>;

export interface BenchOptions {
  readonly data?: CarData;
  readonly pack?: DefinitionPack;
  readonly seed?: number;
  readonly browser?: Omit<NonNullable<ConstructorParameters<typeof Browser>[2]>, 'packs'>;
}

/** One message that an ECU heard or sent. `78` answers are not among them. */
interface Heard {
  readonly type: 'request' | 'answer';
  readonly ecu: string;
  readonly atMs: number;
  readonly hex: string;
  readonly functional: boolean;
}

/** A car with an adapter and a browser that has scanned it, and everything a test wants to ask afterwards. */
export class Bench {
  readonly garage: Garage;
  readonly pack: DefinitionPack;
  disk: MemoryDisk;
  browser: Browser;
  readonly heard: Heard[] = [];
  #browsers = 0;

  constructor(garage: Garage, pack: DefinitionPack, options: BenchOptions['browser'] = {}) {
    this.garage = garage;
    this.pack = pack;
    this.disk = new MemoryDisk();
    this.browser = new Browser(garage, this.disk, { packs: [pack], ...options });
    garage.car.onEvent((event) => {
      if (event.type !== 'request' && event.type !== 'answer') return;
      const { type, ecu, atMs, pdu, functional } = event;
      this.heard.push({ type, ecu, atMs, hex: toHexSpaced(pdu), functional });
    });
  }

  /** Switches a fault on for the ECU and request named; counts begin now. */
  fault(on: FaultTrigger, effect: FaultEffect): void {
    this.garage.car.faults.set([{ on, effect }]);
  }

  /** Switches a fault on in the moment in which the ECU has stored this identifier; counts begin then. */
  faultOnceStored(ecu: string, did: string, on: FaultTrigger, effect: FaultEffect): void {
    const stop = this.garage.car.onEvent((event) => {
      if (event.type !== 'commit' || event.change.kind !== 'dids' || event.change.ecu !== ecu) return;
      if (!(did in event.change.values)) return;
      stop();
      this.fault(on, effect);
    });
  }

  /** Forgets what was heard so far. */
  mark(): void {
    this.heard.length = 0;
  }

  /** Requests that reached the ECU whole since `mark`, beginning with these bytes (`2E 06 00`). */
  requests(ecu: string, head: string): readonly Heard[] {
    return this.heard.filter((one) => one.type === 'request' && one.ecu === ecu && one.hex.startsWith(head));
  }

  count(ecu: string, head: string): number {
    return this.requests(ecu, head).length;
  }

  /** Between the first request with this head and its answer the ECU heard nothing from anybody. */
  expectSilenceUntilAnswered(ecu: string, head: string): void {
    const own = this.heard.filter((one) => one.ecu === ecu);
    const at = own.findIndex((one) => one.type === 'request' && one.hex.startsWith(head));
    expect(at, `${head} was sent`).toBeGreaterThanOrEqual(0);
    expect(own[at + 1]?.type, `after ${head} came ${own[at + 1]?.hex}`).toBe('answer');
  }

  /** The coding block, straight from the ECU's lasting memory. */
  coding(): string {
    return this.garage.did('09', '0600');
  }

  records(operationId?: string): readonly JournalRecord[] {
    return [...this.disk.table('journal').values()]
      .map((text) => JSON.parse(text) as JournalRecord)
      .sort((a, b) => a.sequence - b.sequence)
      .filter((record) => operationId === undefined || record.operationId === operationId);
  }

  journal<T extends JournalBody['type']>(plan: Plan, type: T): readonly BodyOf<T>[] {
    return this.records(plan.operationId).flatMap(({ body }) => (body.type === type ? [body as BodyOf<T>] : []));
  }

  /** The steps that were announced, in order. */
  intents(plan: Plan): readonly string[] {
    return this.journal(plan, 'intent').map((intent) => intent.stepId);
  }

  /** What became of the announced steps, in order: `write-0600 accepted`. */
  dones(plan: Plan): readonly string[] {
    return this.journal(plan, 'done').map(({ stepId, result, nrc }) =>
      nrc === null ? `${stepId} ${result}` : `${stepId} ${result} ${nrc.toString(16).toUpperCase()}`,
    );
  }

  backups(): readonly Backup[] {
    return [...this.disk.table('backups').values()].map((text) => JSON.parse(text) as Backup);
  }

  events(plan: Plan): readonly OperationEvent[] {
    return this.browser.operationEvents(plan.operationId);
  }

  /** The one card with its one step, or null when nothing is open. More than one is a failure (I4). */
  async nextStep(): Promise<UnfinishedJob['next']['kind'] | null> {
    const jobs = await this.browser.jobs();
    expect(jobs.length, 'at most one card').toBeLessThanOrEqual(1);
    return jobs[0]?.next.kind ?? null;
  }

  /** Takes the offered step; gives the end of what it started. */
  async takeStep(): Promise<Ended> {
    const job = (await this.browser.jobs())[0];
    if (job === undefined) throw new Error('no step is offered');
    const command = { commandId: this.browser.commandId(), operationId: job.operationId };
    if (job.next.kind === 'check') return this.browser.done(this.browser.service.checkJob(command));
    return approve(this.browser, await this.browser.service.planRepair(command));
  }

  /** Takes one offered step after the other until no job is open; gives the steps. */
  async takeAllSteps(): Promise<readonly string[]> {
    const steps: string[] = [];
    for (let step = await this.nextStep(); step !== null; step = await this.nextStep()) {
      if (steps.push(step) > 4) throw new Error(`no end: ${steps.join(', ')}`);
      const end = await this.takeStep();
      expect(end.result, `${step}: ${JSON.stringify(end.error)}`).toBe('done');
    }
    return steps;
  }

  /** Going back is possible and works: the plan's backup is whole on disk, and putting it back proves itself. */
  async expectRestorable(plan: WritePlan, original: string = ORIGINAL): Promise<void> {
    this.garage.car.faults.set([]);
    expect(this.backups().find((backup) => backup.id === plan.backupId)).toBeDefined();
    if (this.garage.did(plan.module.label, plan.blocks[0]?.did ?? '') === original) return;
    const restore = await this.browser.service.planRestore({
      commandId: this.browser.commandId(),
      backupId: plan.backupId,
      moduleId: plan.module.moduleId,
      shopCode: { kind: 'module' },
    });
    const end = await approve(this.browser, restore);
    expect(end, JSON.stringify(end.error)).toMatchObject({ outcome: { state: 'restored', proven: true } });
    expect(this.garage.did(plan.module.label, plan.blocks[0]?.did ?? '')).toBe(original);
  }

  expectWholeChain(): void {
    expect(findChainBreak(this.records())).toBeNull();
  }

  /** The browser process ends and a new one starts on the same disk, and scans the car. */
  async restartBrowser(): Promise<VehicleView> {
    this.browser.kill();
    this.disk = this.disk.afterCrash('lost');
    this.browser = new Browser(this.garage, this.disk, {
      packs: [this.pack],
      name: `again${++this.#browsers}-`,
    });
    await this.garage.clock.sleep(6000); // the ECUs fall out of the dead browser's session
    return this.browser.arrive();
  }
}

/** A scanned car of central electrics and gateway (or other data) on a virtual clock. */
export async function atTheCar<T>(work: (bench: Bench) => Promise<T>, options: BenchOptions = {}): Promise<T> {
  const garage = await Garage.build({ data: options.data ?? CAR, seed: options.seed ?? 1 });
  const labels = (options.data ?? CAR).ecus.map((ecu) => ecu.label);
  const pack = options.pack ?? packOf(labels.length > 0 ? labels : LABELS, V1_PACK);
  const bench = new Bench(garage, pack, options.browser);
  return garage.clock.run(async () => {
    await bench.browser.arrive();
    bench.mark();
    return work(bench);
  });
}

/** Plans the two options, switches the fault on, approves, and waits for the end. */
export async function codeWith(
  bench: Bench,
  on: FaultTrigger,
  effect: FaultEffect,
  makePlan: (browser: Browser) => Promise<WritePlan> = planTwoOptions,
): Promise<{ readonly plan: WritePlan; readonly end: Ended }> {
  const plan = await makePlan(bench.browser);
  expect(plan.blocks).toEqual([expect.objectContaining({ did: '0600', oldHex: ORIGINAL })]);
  bench.mark();
  bench.fault(on, effect);
  return { plan, end: await approve(bench.browser, plan) };
}

/** An option in byte 3 and one in byte 22 of 30: an interrupted write can leave half of them. */
export function planBothHalves(browser: Browser): Promise<WritePlan> {
  return browser.service.planCoding({
    commandId: browser.commandId(),
    moduleId: BCM,
    changes: [
      { parameterId: 'daytime-lights', value: 0 },
      { parameterId: 'locking-chirp', value: 0 },
    ],
    shopCode: { kind: 'module' },
  });
}

export function newBytes(plan: WritePlan): string {
  return plan.blocks[0]?.newHex ?? '';
}

export function spaced(hex: string): string {
  return toHexSpaced(fromHex(hex));
}

/** The code of the error that the work ends with; anything else fails. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isStackError(error)) return error.code;
    throw error;
  }
  throw new Error('it went through');
}

export { approve, BCM, ORIGINAL, planTwoOptions };
