import { describe, expect, it } from 'vitest';
import { toHex } from '#base/hex.ts';
import type { VehicleView } from '#contract/vehicle-api.ts';
import { MemoryDisk } from '../support/memory-stores.ts';
import { Browser, carOf, Garage, packOf } from '../support/workshop.ts';
import { approve, atTheCar, BCM, codeOf, codeWith, newBytes, ORIGINAL, planTwoOptions } from './faults-rig.ts';
import { PACK } from './jobs.ts';

const SUPPLY = { ecu: '19', sid: 0x22, did: 0xf442 } as const;
const STAMP = { ecu: '09', sid: 0x2e, did: 0xf198 } as const;

describe('voltage (design 6, behaviour 8)', () => {
  it.each([
    [12.2, 'voltage-low'],
    [15.0, 'voltage-high'],
  ])('%f V: a warning in the plan (%s), coded and proven', (volts, kind) =>
    atTheCar(async (bench) => {
      await bench.garage.car.set({ volts });
      const plan = await planTwoOptions(bench.browser);
      expect(plan.warnings).toContainEqual(expect.objectContaining({ kind }));
      expect(plan.voltage).toMatchObject({ kind: 'known', source: 'module', from: 'GW' });
      const end = await approve(bench.browser, plan);
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.coding()).toBe(newBytes(plan));
    }),
  );

  it.each([11.6, 15.4])(
    'U08 %f V before the start: voltage/blocked with the limits, no request with an effect, no open job',
    (volts) =>
      atTheCar(async (bench) => {
        const plan = await planTwoOptions(bench.browser);
        await bench.garage.car.set({ volts });
        bench.mark();
        const end = await approve(bench.browser, plan);
        expect(end.error).toMatchObject({ code: 'voltage/blocked', details: { lowest: 11.8, highest: 15.2 } });
        expect(end.outcome?.state ?? 'untouched').toBe('untouched');
        expect(bench.count('09', '2E')).toBe(0);
        expect(bench.count('09', '11')).toBe(0);
        expect(bench.journal(plan, 'intent')).toEqual([]);
        expect(await bench.nextStep()).toBeNull();
      }),
  );

  it('U08 the voltage falls to 11.0 V between the stamps and the block: stopped before 2E 06 00; the stamps are told; closed', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, STAMP, { kind: 'conditions', volts: 11.0 });
      expect(end.error?.code).toBe('voltage/blocked');
      expect(bench.count('09', '2E 06 00')).toBe(0);
      expect(bench.intents(plan)).not.toContain('write-0600');
      expect(bench.coding()).toBe(ORIGINAL);
      expect(end.outcome).toMatchObject({ state: 'untouched', stampsWritten: ['F199'] });
      expect(await bench.nextStep()).toBeNull();
    }));

  it('U08 the voltage falls between two writes of a restore: the same rule; one step, and back when it is charged', () =>
    atTheCar(async (bench) => {
      const coded = await planTwoOptions(bench.browser);
      await approve(bench.browser, coded);
      const restore = await bench.browser.service.planRestore({
        commandId: 'r',
        backupId: coded.backupId,
        moduleId: BCM,
        shopCode: { kind: 'module' },
      });
      bench.mark();
      bench.fault(STAMP, { kind: 'conditions', volts: 11.0 });
      const end = await approve(bench.browser, restore);
      expect(end.error?.code).toBe('voltage/blocked');
      expect(bench.count('09', '2E 06 00')).toBe(0);
      await bench.garage.car.set({ volts: 12.6 });
      await bench.expectRestorable(coded);
    }));

  it('V05 nothing measures the voltage: "unknown" is a warning and stands in the backup; coding goes on', () =>
    atTheCar(
      async (bench) => {
        const plan = await planTwoOptions(bench.browser);
        expect(plan.voltage).toEqual({ kind: 'unknown', why: 'no-source' });
        expect(plan.warnings).toContainEqual({ kind: 'voltage-unknown' });
        expect(bench.backups().at(-1)?.voltage).toEqual({ kind: 'unknown', why: 'no-source' });
        expect((await approve(bench.browser, plan)).outcome?.proven).toBe(true);
      },
      { data: carOf(['09']), pack: packOf(['09']) },
    ));

  it.each([
    ['FF FF (65.5 V)', '62 F4 42 FF FF'],
    ['00 00', '62 F4 42 00 00'],
  ])('V05 a reading of %s is implausible: unknown, not "blocked" and not "fine"', (_, pdu) =>
    atTheCar(async (bench) => {
      bench.fault(SUPPLY, { kind: 'answer', pdu });
      const plan = await planTwoOptions(bench.browser);
      expect(plan.voltage).toEqual({ kind: 'unknown', why: 'implausible' });
      expect(plan.warnings).toContainEqual({ kind: 'voltage-unknown' });
    }),
  );

  it.each([
    ['refuses', { kind: 'negative', nrc: 0x31 } as const],
    ['is silent', { kind: 'no-answer', executes: false } as const],
    ['answers one byte short', { kind: 'answer-length', byBytes: -1 } as const],
  ])('V05 the gateway %s when asked for the voltage: unknown, and coding goes on', (_, effect) =>
    atTheCar(async (bench) => {
      bench.fault(SUPPLY, effect);
      const plan = await planTwoOptions(bench.browser);
      expect(plan.voltage.kind).toBe('unknown');
      expect((await approve(bench.browser, plan)).outcome?.proven).toBe(true);
    }),
  );

  it('V05 the voltage of the module that is written is never asked of that module', () =>
    atTheCar(async (bench) => {
      bench.mark();
      const plan = await bench.browser.service.planCoding({
        commandId: 'p',
        moduleId: '710-77A',
        changes: [{ parameterId: 'trailer-hitch', value: 0 }],
        shopCode: { kind: 'module' },
      });
      expect(plan.voltage).toEqual({ kind: 'unknown', why: 'no-source' });
      expect(bench.count('19', '22 F4 42')).toBe(0);
    }));
});

describe('VIN (behaviour 20)', () => {
  it('V08 the cluster reports another VIN: both are shown, no plan for any module, nothing written', async () => {
    const { view, browser, writes } = await walk('foreign-cluster');
    expect(view.vinConflict).toBe(true);
    expect(new Set(view.vinSources.map(({ vin }) => vin))).toEqual(new Set(['0CBV1000000000017', '0CBV1000000000099']));
    await browser.garage.clock.run(async () => {
      const refused = planTwoOptions(browser);
      await expect(refused).rejects.toMatchObject({
        code: 'vehicle/vin-conflict',
        details: { vins: expect.arrayContaining(['0CBV1000000000017', '0CBV1000000000099']) },
      });
    });
    expect(writes()).toBe(0);
  });

  it('V08 a replacement cluster without a VIN (17 × FF) is no conflict; the car keeps its VIN; other modules can be coded', async () => {
    const { view, browser } = await walk('virgin-cluster');
    expect(view.vinConflict).toBe(false);
    expect(view.vin).toBe('0CBV1000000000017');
    expect(view.modules.find(({ label }) => label === '17')?.identity?.vin).toBeNull();
    const plan = await browser.garage.clock.run(() => planTwoOptions(browser));
    expect(plan.vin).toBe('0CBV1000000000017');
  });

  it('V08 the VIN changes between the plan and the run: plan/stale names both, nothing written', () =>
    atTheCar(async (bench) => {
      const foreign = '30434256313030303030303030303939';
      const { plan, end } = await codeWith(
        bench,
        { ecu: '09', sid: 0x22, did: 0xf190 },
        { kind: 'answer', pdu: `62 F1 90 ${foreign}39` },
      );
      expect(end.error).toMatchObject({
        code: 'plan/stale',
        details: { what: 'identity', id: 'F190', expected: toHex(new TextEncoder().encode('0CBV1000000000017')) },
      });
      expect(bench.count('09', '2E')).toBe(0);
      expect(bench.journal(plan, 'intent')).toEqual([]);
      expect(await bench.nextStep()).toBeNull();
    }));
});

describe('people', () => {
  it('H01 a double tap on "write" (the same command id twice, at once and later): one operation, one 2E 06 00', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      bench.mark();
      const command = { commandId: 'tap', planId: plan.id, typed: null };
      const [first, second] = await Promise.all([
        bench.browser.service.approve(command),
        bench.browser.service.approve(command),
      ]);
      expect(second).toEqual(first);
      await bench.browser.done(Promise.resolve(first));
      expect(await bench.browser.service.approve(command)).toEqual(first);
      await bench.garage.clock.sleep(5000);
      expect(bench.count('09', '2E 06 00')).toBe(1);
      expect(bench.journal(plan, 'job-opened')).toHaveLength(1);
    }));

  it('H01 the second tap with a command id of its own: refused, one 2E 06 00', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      bench.mark();
      const first = bench.browser.service.approve({ commandId: 'tap 1', planId: plan.id, typed: null });
      const second = bench.browser.service.approve({ commandId: 'tap 2', planId: plan.id, typed: null });
      expect(await codeOf(second)).toMatch(/^(plan\/unknown|plan\/used|operation\/busy)$/);
      await bench.browser.done(first);
      expect(await codeOf(bench.browser.service.approve({ commandId: 'tap 3', planId: plan.id, typed: null }))).toMatch(
        /^(plan\/unknown|plan\/used)$/,
      );
      expect(bench.count('09', '2E 06 00')).toBe(1);
    }));

  it('H01 "stage" twice with one command id gives the same plan and one backup', () =>
    atTheCar(async (bench) => {
      const command = {
        commandId: 'stage',
        moduleId: BCM,
        changes: [{ parameterId: 'daytime-lights', value: 0 }],
        shopCode: { kind: 'module' },
      } as const;
      const { service } = bench.browser;
      const [first, second] = await Promise.all([service.planCoding(command), service.planCoding(command)]);
      expect(second.id).toBe(first.id);
      expect(bench.backups()).toHaveLength(1);
    }));

  it('H02 another car of the same kind stands there when the plan is approved: the VIN is read again, plan/stale, nothing written', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      await bench.garage.car.factoryReset('other-car');
      bench.mark();
      const end = await approve(bench.browser, plan);
      expect(end.error).toMatchObject({ code: 'plan/stale', details: { what: 'identity', id: 'F190' } });
      expect(bench.count('09', '22 F1 90')).toBeGreaterThanOrEqual(1);
      expect(bench.count('09', '2E')).toBe(0);
      expect(await bench.nextStep()).toBeNull();
    }));

  it('H02 S07 another module (serial) answers after an interruption: the job is not continued on it, and stays open', () =>
    atTheCar(
      async (bench) => {
        const { plan } = await codeWith(bench, { ecu: '09', sid: 0x2e, did: 0x0600 }, { kind: 'unplug', at: 'answer' });
        bench.garage.car.faults.set([]);
        await bench.garage.car.factoryReset('other-serial');
        await bench.browser.connect();
        bench.mark();
        const check = await bench.takeStep();
        expect(check.error).toMatchObject({ code: 'plan/stale', details: { what: 'identity', id: 'F18C' } });
        expect(bench.count('09', '2E')).toBe(0);
        expect(await bench.nextStep()).toBe('check');
        expect(bench.journal(plan, 'job-closed')).toEqual([]);
      },
      { data: withSerialVariant() },
    ));

  it('H03 two hours later somebody else has coded the block: plan/stale with both values, nothing written', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      const other = new Browser(bench.garage, new MemoryDisk(), { packs: [PACK], name: 'other' });
      await other.arrive();
      const theirs = await other.service.planCoding({
        commandId: 'x',
        moduleId: BCM,
        changes: [{ parameterId: 'locking-chirp', value: 0 }],
        shopCode: { kind: 'module' },
      });
      await approve(other, theirs);
      await other.service.disconnect();
      await bench.garage.clock.sleep(2 * 3600 * 1000);
      bench.mark();
      const end = await approve(bench.browser, plan);
      expect(end.error).toMatchObject({
        code: 'plan/stale',
        // The date stamp of the other job is what the plan meets first.
        details: { what: 'block', id: 'F199', expected: '240312', actual: '261122' },
      });
      expect(bench.count('09', '2E')).toBe(0);
      expect(bench.coding()).toBe(newBytes(theirs));
      expect(await bench.nextStep()).toBeNull();
    }));

  it('H03 two hours later nothing has changed: everything is read again, then written and proven', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      await bench.garage.clock.sleep(2 * 3600 * 1000);
      bench.mark();
      const end = await approve(bench.browser, plan);
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      const own = bench.heard.filter((one) => one.ecu === '09' && one.type === 'request').map(({ hex }) => hex);
      const write = own.findIndex((hex) => hex.startsWith('2E 06 00'));
      expect(own.slice(0, write)).toContain('22 06 00');
      expect(own.slice(0, write)).toContain('22 F1 8C');
    }));
});

async function walk(
  variant: string,
): Promise<{ readonly view: VehicleView; readonly browser: Browser; writes(): number }> {
  const labels = ['09', '17', '19'];
  const garage = await Garage.build({ data: carOf(labels) });
  let writes = 0;
  garage.car.onEvent((event) => {
    if (event.type === 'request' && event.pdu[0] === 0x2e) writes++;
  });
  const browser = new Browser(garage, new MemoryDisk(), { packs: [packOf(labels)] });
  const view = await garage.clock.run(async () => {
    await garage.car.factoryReset(variant);
    return browser.arrive();
  });
  return { view, browser, writes: () => writes };
}

/** The car with a variant in which only the central electrics' serial number differs. */
function withSerialVariant() {
  const data = carOf(['09', '19']);
  const serial = toHex(new TextEncoder().encode('CBAYBCM0000099'));
  return {
    ...data,
    variants: { ...data.variants, 'other-serial': [{ ecu: '09', did: 'F18C', value: serial }] },
  };
}
