import { describe, expect, it } from 'vitest';
import type { AdapterInfo } from '#contract/adapter.ts';
import { StackError } from '#contract/errors.ts';
import { findChainBreak, type JournalRecord } from '#contract/journal.ts';
import type { FaultScript } from '#contract/simulator-control.ts';
import { MemoryDisk } from '../support/memory-stores.ts';
import { type Cable, cable, Desk } from './adapter-check-rig.ts';
import { approve, atTheCar, BCM, type Bench, codeOf, ORIGINAL, planTwoOptions } from './faults-rig.ts';
import { newGarage } from './jobs.ts';

const CLONE: Partial<AdapterInfo> = {
  product: 'ELM327 clone',
  genuine: 'clone',
  chip: 'ELM327-like',
  verdict: { read: { may: true }, code: { may: false, reason: 'clone' }, program: { may: false, reason: 'too-slow' } },
};
const CANUSB_USB = { vendorId: 0x0403, productId: 0xffa8 } as const;
const KEY = 'slcan|403:ffa8|CB01|CANUSB|V1013';
const busy = () => new StackError('transport/busy', 'another program has it', { owner: 'other-program' });

async function atTheDesk<T>(cables: readonly Cable[], work: (desk: Desk) => Promise<T>): Promise<T> {
  const garage = await newGarage();
  const desk = new Desk(garage, new MemoryDisk(), cables);
  return garage.clock.run(async () => {
    await desk.begin();
    return work(desk);
  });
}

/** The app is started again on the same disk. */
async function startAgain(desk: Desk, disk: MemoryDisk = desk.disk): Promise<Desk> {
  await desk.service.end();
  const next = new Desk(desk.garage, disk, desk.cables);
  await next.begin();
  return next;
}

const records = (desk: Desk): readonly JournalRecord[] =>
  [...desk.disk.table('journal').values()].map((text) => JSON.parse(text) as JournalRecord);

const LOSSY: FaultScript = [{ on: { sid: 0x3e, chance: 0.2 }, effect: { kind: 'no-answer', executes: true } }];

/** Runs the check with these faults, and switches them off again. */
async function checkWith(bench: Bench, faults: FaultScript) {
  const { service } = bench.browser;
  bench.garage.car.faults.set(faults);
  await bench.browser.done(service.checkAdapter({ commandId: bench.browser.commandId() }));
  bench.garage.car.faults.set([]);
  const { connection } = await service.hello({ world: 'training', storagePersistent: true });
  if (connection.kind !== 'open') throw new Error(`the connection is ${connection.kind}`);
  return connection;
}

describe('an adapter that may not', () => {
  const LOSES = { may: false, reason: 'loses-answers' } as const;

  it('an adapter that may not code can neither plan nor run: adapter/may-not, nothing is written', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      expect((await checkWith(bench, LOSSY)).adapter.verdict.code).toEqual(LOSES);
      bench.mark();
      expect(await codeOf(planTwoOptions(bench.browser))).toBe('adapter/may-not');
      expect(await codeOf(bench.browser.service.planClearFaults({ commandId: 'f', moduleId: BCM }))).toBe(
        'adapter/may-not',
      );
      expect(await approve(bench.browser, plan)).toMatchObject({
        result: 'failed',
        error: { code: 'adapter/may-not', details: { job: 'code', reason: 'loses-answers' } },
      });
      expect(bench.heard).toEqual([]);
      expect(bench.coding()).toBe(ORIGINAL);
      expect(bench.journal(plan, 'job-opened')).toEqual([]);
      expect(await bench.nextStep()).toBeNull();
    }));

  it('may not over a restart of the app, until a check passes', () =>
    atTheCar(async (bench) => {
      await checkWith(bench, LOSSY);
      await bench.restartBrowser();
      expect(await codeOf(planTwoOptions(bench.browser))).toBe('adapter/may-not');
      expect((await checkWith(bench, [])).adapter.verdict.code).toEqual({ may: true });
      expect((await approve(bench.browser, await planTwoOptions(bench.browser))).outcome?.proven).toBe(true);
    }));

  it('I4 a job that it left unfinished can be looked at and put back, with a warning in the plan; nothing new is begun', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      bench.fault({ ecu: '09', sid: 0x2e, did: 0x0600 }, { kind: 'unplug', at: 'answer' });
      await approve(bench.browser, plan);
      bench.garage.car.faults.set([]);
      await bench.browser.arrive();
      expect((await checkWith(bench, LOSSY)).adapter.verdict.code).toEqual(LOSES);
      expect(await bench.nextStep()).toBe('check');
      expect((await bench.takeStep()).error).toBeNull();
      const step = await bench.nextStep();
      expect(step === 'finish' || step === 'put-back').toBe(true);
      const [job] = await bench.browser.jobs();
      const repair = await bench.browser.service.planRepair({
        commandId: bench.browser.commandId(),
        operationId: job?.operationId ?? '',
      });
      expect(repair.warnings).toContainEqual({ kind: 'adapter-unproven' });
      await bench.browser.service.discardPlan(repair.id);
      await bench.takeAllSteps();
      expect(await codeOf(planTwoOptions(bench.browser))).toBe('adapter/may-not');
      await checkWith(bench, []);
      await bench.expectRestorable(plan);
    }));

  it('keeps reports of the real world: what it may not is so after a restart, with the same report', () =>
    atTheDesk([cable('canusb')], async (first) => {
      await first.service.connectSerial({ usb: null });
      await first.scan();
      first.garage.car.faults.set(LOSSY);
      const failed = await first.check();
      expect(failed?.simulated).toBe(false);
      first.garage.car.faults.set([]);
      const desk = await startAgain(first);
      await desk.service.connectSerial({ usb: null });
      const { adapter, check } = await desk.open();
      expect(adapter.verdict.code).toEqual(LOSES);
      expect(check).toEqual(failed);
      await desk.scan();
      await desk.check();
      expect((await desk.open()).adapter.verdict).toMatchObject({ code: { may: true }, program: { may: true } });
    }));

  it('a damaged report counts as never measured', () =>
    atTheDesk([cable('canusb')], async (first) => {
      await first.service.connectSerial({ usb: null });
      await first.scan();
      await first.check();
      const reports = first.disk.table('adapterReports');
      for (const [key, text] of reports) reports.set(key, text.replace('"passed"', '"great"'));
      const desk = await startAgain(first);
      await desk.service.connectSerial({ usb: null });
      const { adapter, check } = await desk.open();
      expect(check).toBeNull();
      expect(adapter.verdict.program).toEqual({ may: false, reason: 'not-qualified' });
    }));
});

describe('a clone', () => {
  it('codes only after its check passed and a person signed; both are on record', () =>
    atTheDesk([cable('canusb', { dressed: CLONE })], async (desk) => {
      await desk.service.connectSerial({ usb: null });
      await desk.scan();
      const verdict = async () => (await desk.open()).adapter.verdict.code;
      expect(await verdict()).toEqual({ may: false, reason: 'untested' });
      expect(await codeOf(desk.service.acceptAdapter({ name: 'M. Huber' }))).toBe('adapter/may-not');

      await desk.check();
      expect(await verdict()).toEqual({ may: false, reason: 'clone' });
      expect(await codeOf(desk.service.acceptAdapter({ name: '  ' }))).toBe('rpc/malformed-call');

      const view = await desk.service.acceptAdapter({ name: ' M. Huber ' });
      expect(view).toMatchObject({ kind: 'open', consent: { name: 'M. Huber', job: 'code' } });
      expect(await verdict()).toEqual({ may: true });
      expect((await desk.open()).adapter.verdict.program).toEqual({ may: false, reason: 'too-slow' });
      const notes = records(desk).flatMap(({ body }) => (body.type === 'note' ? [`${body.what}: ${body.detail}`] : []));
      expect(notes).toContainEqual(expect.stringMatching(/^adapter-accepted: M\. Huber: ELM327 clone \(slcan\|/));
      expect(findChainBreak(records(desk))).toBeNull();
      expect(await codeOf(desk.service.acceptAdapter({ name: 'M. Huber' }))).toBe('adapter/may-not');

      const next = await startAgain(desk);
      await next.service.connectSerial({ usb: null });
      expect((await next.open()).adapter.verdict.code).toEqual({ may: true });
    }));

  it('a check that fails takes back what was signed for', () =>
    atTheDesk([cable('canusb', { dressed: CLONE })], async (desk) => {
      await desk.service.connectSerial({ usb: null });
      await desk.scan();
      await desk.check();
      await desk.service.acceptAdapter({ name: 'M. Huber' });
      desk.garage.car.faults.set(LOSSY);
      expect((await desk.check())?.verdict.code).toEqual({ may: false, reason: 'loses-answers' });
    }));

  it('a full disk: the signature is not stored, so it does not count', () =>
    atTheDesk([cable('canusb', { dressed: CLONE })], async (desk) => {
      await desk.service.connectSerial({ usb: null });
      await desk.scan();
      await desk.check();
      desk.disk.quotaRows = 0;
      expect(await codeOf(desk.service.acceptAdapter({ name: 'M. Huber' }))).toBe('store/quota');
      expect((await desk.open()).adapter.verdict.code).toEqual({ may: false, reason: 'clone' });
      expect((await desk.open()).consent).toBeNull();
    }));
});

describe('an adapter that comes back', () => {
  it('S03 S05 pulled and plugged again, opened by the browser itself: it survives a replug, seen and remembered', () =>
    atTheDesk([cable('canusb')], async (desk) => {
      const [only] = desk.cables;
      if (only === undefined) throw new Error('no cable');
      await desk.service.connectSerial({ usb: null, chosen: true });
      await desk.scan();
      expect((await desk.check())?.survivesReplug).toBe('unknown');
      await desk.pull(only);
      expect(await desk.view()).toMatchObject({ kind: 'lost', adapter: KEY, usb: CANUSB_USB });
      only.plugged = true;
      await desk.service.connectSerial({ usb: CANUSB_USB, chosen: false, adapter: KEY });
      expect((await desk.open()).check?.survivesReplug).toBe('yes');
      expect((await desk.service.grantedAdapters())[0]?.known).toMatchObject([{ key: KEY, survivesReplug: 'yes' }]);

      const next = await startAgain(desk);
      await next.service.connectSerial({ usb: null, chosen: true });
      expect((await next.open()).check?.survivesReplug).toBe('yes');
    }));

  it.each<[string, { readonly chosen?: boolean }]>([
    ['picked from the browser’s list', { chosen: true }],
    ['opened by a page that does not say how', {}],
  ])('%s: nothing is proven', (_, how) =>
    atTheDesk([cable('canusb')], async (desk) => {
      const [only] = desk.cables;
      if (only === undefined) throw new Error('no cable');
      await desk.service.connectSerial({ usb: null });
      await desk.pull(only);
      only.plugged = true;
      await desk.service.connectSerial({ usb: null, ...how });
      expect((await desk.service.grantedAdapters())[0]?.known).toMatchObject([{ survivesReplug: 'unknown' }]);
    }),
  );

  it('opened twice without having been lost: nothing is proven', () =>
    atTheDesk([cable('canusb')], async (desk) => {
      await desk.service.connectSerial({ usb: null, chosen: false });
      await desk.service.disconnect();
      await desk.service.connectSerial({ usb: null, chosen: false });
      expect((await desk.service.grantedAdapters())[0]?.known).toMatchObject([{ survivesReplug: 'unknown' }]);
    }));

  it('S07 another one is plugged in instead: that one proves nothing, and is itself again', () =>
    atTheDesk([cable('canusb'), cable('canusb', { dressed: { serialNumber: 'CB02' } })], async (desk) => {
      const [mine, other] = desk.cables;
      if (mine === undefined || other === undefined) throw new Error('two cables');
      other.plugged = false;
      await desk.service.connectSerial({ usb: null, chosen: false });
      await desk.pull(mine);
      other.plugged = true;
      await desk.service.connectSerial({ usb: null, chosen: false });
      expect((await desk.open()).adapter.serialNumber).toBe('CB02');
      const known = (await desk.service.grantedAdapters())[0]?.known ?? [];
      expect(known.map(({ serialNumber, survivesReplug }) => [serialNumber, survivesReplug])).toEqual([
        ['CB02', 'unknown'],
        ['CB01', 'unknown'],
      ]);
    }));
});

describe('two equal cables', () => {
  const KEY_OF_SECOND = KEY.replace('CB01', 'CB02');
  const pair = (first: Partial<Cable> = {}) => [
    cable('canusb', first),
    cable('canusb', { dressed: { serialNumber: 'CB02' } }),
  ];

  it('are told apart by their handshake: the one asked for is kept, the other closed again', () =>
    atTheDesk(pair(), async (desk) => {
      await desk.service.connectSerial({ usb: CANUSB_USB, adapter: KEY_OF_SECOND });
      expect((await desk.open()).adapter.serialNumber).toBe('CB02');
      expect(desk.cables.map(({ opened }) => opened)).toEqual([1, 1]);
      expect(desk.cables.map(({ device }) => device?.lineOpen)).toEqual([false, true]);
      await desk.scan();
    }));

  it('the first that is recognised, when nobody says which', () =>
    atTheDesk(pair(), async (desk) => {
      await desk.service.connectSerial({ usb: CANUSB_USB });
      expect((await desk.open()).adapter.serialNumber).toBe('CB01');
      expect(desk.cables.map(({ opened }) => opened)).toEqual([1, 0]);
    }));

  it('S07 the one asked for is not there: adapter/identity-changed, and both ports are free again', () =>
    atTheDesk(pair(), async (desk) => {
      const asked = desk.service.connectSerial({ usb: CANUSB_USB, adapter: KEY.replace('CB01', 'CB03') });
      expect(await codeOf(asked)).toBe('adapter/identity-changed');
      expect(desk.cables.map(({ device }) => device?.lineOpen)).toEqual([false, false]);
      expect((await desk.view()).kind).toBe('none');
      await desk.service.connectSerial({ usb: CANUSB_USB });
    }));

  it('S02 the one asked for may be the one that another program has: that is said', () =>
    atTheDesk([...pair(), cable('canusb', { busy })], async (desk) => {
      const asked = desk.service.connectSerial({ usb: CANUSB_USB, adapter: KEY.replace('CB01', 'CB03') });
      expect(await codeOf(asked)).toBe('transport/busy');
    }));

  it('S02 a busy one does not keep the other from being opened', () =>
    atTheDesk([cable('canusb', { busy }), cable('canusb', { dressed: { serialNumber: 'CB02' } })], async (desk) => {
      await desk.service.connectSerial({ usb: CANUSB_USB });
      expect((await desk.open()).adapter.serialNumber).toBe('CB02');
    }));

  it('are both named to the page at the next start, the last one first, each with its bus', () =>
    atTheDesk([...pair(), cable('canable-v1')], async (first) => {
      await first.service.connectSerial({ usb: CANUSB_USB, adapter: KEY_OF_SECOND });
      await first.garage.clock.sleep(1000);
      await first.service.connectSerial({ usb: CANUSB_USB, adapter: KEY });
      const desk = await startAgain(first);
      const granted = await desk.service.grantedAdapters();
      expect(granted.map(({ known }) => known.map(({ serialNumber }) => serialNumber))).toEqual([
        ['CB01', 'CB02'],
        ['CB01', 'CB02'],
        [],
      ]);
      expect(granted[0]?.known[0]).toMatchObject({
        key: KEY,
        driver: 'slcan',
        product: 'CANUSB',
        usb: CANUSB_USB,
        wireless: false,
        bitRate: 500_000,
      });
      await desk.service.connectSerial({ usb: CANUSB_USB, adapter: granted[0]?.known[0]?.key ?? '', chosen: false });
      expect((await desk.open()).adapter.serialNumber).toBe('CB01');
    }));
});
