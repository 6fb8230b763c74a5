import { describe, expect, it } from 'vitest';
import { isStackError } from '#contract/errors.ts';
import type { FaultTrigger, IsoTpQuirks } from '#contract/simulator-control.ts';
import { MemoryDisk } from '../support/memory-stores.ts';
import { Browser, Garage, V1_PACK } from '../support/workshop.ts';
import {
  approve,
  atTheCar,
  BCM,
  codeOf,
  codeWith,
  newBytes,
  ORIGINAL,
  planBothHalves,
  planTwoOptions,
} from './faults-rig.ts';
import { newGarage } from './jobs.ts';

const WRITE = { ecu: '09', sid: 0x2e, did: 0x0600 } as const;
const READ = { ecu: '09', sid: 0x22, did: 0x0600 } as const;

describe('frames lost on the way (behaviour 4)', () => {
  it.each<[string, Partial<IsoTpQuirks>]>([
    ['T01 the first consecutive frame of 62 06 00 is lost', { dropConsecutive: 1 }],
    ['T01 our flow control after the first frame of 62 06 00 never arrives', { loseFlowControl: 1 }],
    ['T02 a consecutive frame of 62 06 00 comes twice', { duplicateConsecutive: 2 }],
    ['T02 a consecutive frame of 62 06 00 has a wrong sequence number', { wrongSnAt: 2 }],
  ])('%s: the read is asked again, the backup holds the true bytes', (_, quirks) =>
    atTheCar(async (bench) => {
      bench.fault({ ...READ, nth: 1 }, { kind: 'isotp', quirks });
      const plan = await planTwoOptions(bench.browser);
      expect(bench.count('09', '22 06 00')).toBe(3);
      expect(plan.blocks[0]?.oldHex).toBe(ORIGINAL);
      expect(bench.backups().at(-1)?.blocks[0]).toMatchObject({ did: '0600', hex: ORIGINAL });
    }),
  );

  it('T01 the consecutive frames of 62 06 00 never come: no backup, no plan, nothing written', () =>
    atTheCar(async (bench) => {
      bench.fault(READ, { kind: 'isotp', quirks: { dropConsecutive: 1 } });
      expect(await codeOf(planTwoOptions(bench.browser))).toBe('backup/missing');
      expect(bench.backups()).toEqual([]);
      expect(bench.count('09', '2E')).toBe(0);
    }));

  it.each<[string, Partial<IsoTpQuirks>]>([
    ['T01 the module’s flow control to 2E 06 00 is lost', { dropFlowControl: 1 }],
    ['T01 our second consecutive frame of 2E 06 00 is lost', { loseConsecutive: 2 }],
    ['T03 the module says WAIT a hundred times to 2E 06 00', { waits: 100, waitEveryMs: 50 }],
    ['T04 the module says OVERFLOW to 2E 06 00', { overflow: true }],
  ])('%s: one first frame, the module never had the request; read again, old, closed as untouched', (_, quirks) =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      bench.mark();
      bench.fault(WRITE, { kind: 'isotp', quirks });
      bench.browser.arm();
      const end = await approve(bench.browser, plan);
      expect(end.outcome?.state, JSON.stringify(end.error)).toBe('untouched');
      expect(firstFramesOfWrite(bench.browser)).toBe(1);
      expect(bench.count('09', '2E 06 00')).toBe(0);
      expect(bench.dones(plan).at(-1)).toBe('write-0600 unknown');
      expect(bench.coding()).toBe(ORIGINAL);
      expect(await bench.nextStep()).toBeNull();
    }),
  );

  it('T01 the answer 6E 06 00 of a restore is lost on the way: read again, found, one write, proven', () =>
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
      bench.fault(WRITE, { kind: 'no-answer', executes: true });
      const end = await approve(bench.browser, restore);
      expect(end.outcome).toMatchObject({ state: 'restored', proven: true });
      expect(bench.count('09', '2E 06 00')).toBe(1);
      expect(bench.coding()).toBe(ORIGINAL);
    }));
});

describe('multi-frame quirks (behaviour 16)', () => {
  it.each<[string, Partial<IsoTpQuirks>]>([
    [
      'T05 STmin F5, blocks of 2, two WAITs, frames as short as their content',
      { stMin: 0xf5, blockSize: 2, waits: 2, waitEveryMs: 20, padding: -1 },
    ],
    ['T05 a reserved STmin (80) that the module insists on', { stMin: 0x80, strictStMin: true }],
    ['T05 STmin 20 ms that the module insists on, filler 00', { stMin: 0x14, strictStMin: true, padding: 0 }],
  ])('%s: backup, 30 bytes written, proven, restored', (_, quirks) =>
    atTheCar(async (bench) => {
      bench.fault({ ecu: '09' }, { kind: 'isotp', quirks });
      const plan = await planBothHalves(bench.browser);
      const end = await approve(bench.browser, plan);
      expect(end.outcome, JSON.stringify(end.error)).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.coding()).toBe(newBytes(plan));
      await bench.expectRestorable(plan);
    }),
  );
});

describe('who answers (behaviour 15)', () => {
  it('T07 the walk with a late second responder and one with an extended id: two modules, each with its own answers', async () => {
    const garage = await newGarage();
    garage.car.faults.set([
      {
        on: { sid: 0x3e },
        effect: { kind: 'other-responder', canId: 0x18daf110, extended: true, data: '02 7E 00', delayMs: 5 },
      },
      {
        on: { sid: 0x3e },
        effect: { kind: 'other-responder', canId: 0x7aa, extended: false, data: '02 7E 00', delayMs: 300 },
      },
    ]);
    const browser = new Browser(garage, new MemoryDisk(), { packs: [V1_PACK] });
    const view = await garage.clock.run(() => browser.arrive());
    expect(view.modules.filter(({ status }) => status !== 'not-answering').map(({ label }) => label)).toEqual([
      '09',
      '19',
    ]);
    expect(view.vin).toBe('0CBV1000000000017');
    expect(view.modules.find(({ label }) => label === '09')?.identity?.serial).toBe('CBAYBCM0000015');
  });

  it('T08 ignition off, nobody on the bus: the walk ends with "no module answers" and no traffic; each is asked a few times only', async () => {
    const garage = await newGarage();
    const browser = new Browser(garage, new MemoryDisk(), { packs: [V1_PACK] });
    await garage.clock.run(async () => {
      await garage.car.set({ ignition: false });
      await browser.connect();
      browser.arm();
      const end = await browser.done(browser.service.scan({ commandId: 's' }));
      expect(end.error).toMatchObject({ code: 'vehicle/no-module-answers', details: { asked: 10, traffic: false } });
      const probes = browser.sideEffects.filter((one) => one.kind === 'frame-out' && /^t70E8023E00/i.test(one.line));
      expect(probes.length).toBeLessThanOrEqual(4); // one while the VIN was asked, then three sends of one read
    });
  });

  it('T08 the bus works but no module of the packs is there: "no module answers", with what was asked and that there is traffic', async () => {
    const garage = await newGarage();
    for (const ecu of ['09', '19'])
      garage.car.faults.add([{ on: { ecu }, effect: { kind: 'no-answer', executes: false } }]);
    garage.car.faults.add([
      {
        on: { ecu: '09' },
        effect: { kind: 'other-responder', canId: 0x3c0, extended: false, data: '00 00 03 00', delayMs: 1 },
      },
    ]);
    const browser = new Browser(garage, new MemoryDisk(), { packs: [V1_PACK] });
    await garage.clock.run(async () => {
      await browser.connect();
      const end = await browser.done(browser.service.scan({ commandId: 's' }));
      expect(end.error).toMatchObject({
        code: 'vehicle/no-module-answers',
        details: { asked: 10, traffic: true },
      });
    });
  });
});

describe('gateway', () => {
  const behind = V1_PACK.modules.filter(({ label }) => !['01', '02', '19'].includes(label)).map(({ label }) => label);
  it('T09 the gateway and the OBD modules answer, everything behind it is silent: the gateway is named, each is probed as often as any silent module', async () => {
    const garage = await Garage.build();
    for (const ecu of behind) garage.car.faults.add([{ on: { ecu }, effect: { kind: 'no-answer', executes: false } }]);
    const browser = new Browser(garage, new MemoryDisk());
    const probes = new Map<string, number>();
    garage.car.onEvent((event) => {
      if (event.type === 'request' && !event.functional) probes.set(event.ecu, (probes.get(event.ecu) ?? 0) + 1);
    });
    const view = await garage.clock.run(() => browser.arrive());
    expect(view.filteredBy).toBe('710-77A');
    expect(view.modules.filter(({ status }) => status === 'not-answering').map(({ label }) => label)).toEqual(behind);
    for (const ecu of behind) expect(probes.get(ecu) ?? 0, ecu).toBeLessThanOrEqual(3);
  });

  it('T09 one module behind the gateway answers: nobody is accused', async () => {
    const garage = await Garage.build();
    for (const ecu of behind.slice(1))
      garage.car.faults.add([{ on: { ecu }, effect: { kind: 'no-answer', executes: false } }]);
    const view = await garage.clock.run(() => new Browser(garage, new MemoryDisk()).arrive());
    expect(view.filteredBy).toBeNull();
  });
});

describe('the cable is pulled', () => {
  type Pull = [string, FaultTrigger, 'request' | 'answer', 'old' | 'new', boolean];
  const during: Pull[] = [
    ['while the identity is compared', { ecu: '09', sid: 0x22, did: 0xf190 }, 'request', 'old', false],
    ['when 2E F1 99 has arrived', { ecu: '09', sid: 0x2e, did: 0xf199 }, 'request', 'old', false],
    ['when 2E F1 99 is stored', { ecu: '09', sid: 0x2e, did: 0xf199 }, 'answer', 'old', false],
    ['when 2E F1 98 is stored', { ecu: '09', sid: 0x2e, did: 0xf198 }, 'answer', 'old', false],
    ['when 2E 06 00 has arrived', WRITE, 'request', 'new', false],
    ['when 2E 06 00 is stored', WRITE, 'answer', 'new', false],
    ['at the read-back', { ...READ, nth: 1 }, 'request', 'new', true],
    ['when 11 02 has arrived', { ecu: '09', sid: 0x11 }, 'request', 'new', false],
    ['when 11 02 is done', { ecu: '09', sid: 0x11 }, 'answer', 'new', false],
    ['at the read-back after the restart', { ...READ, nth: 2 }, 'request', 'new', true],
  ];
  it.each<Pull>(during)(
    'S04 %s: one step (check), nothing by itself; after the reconnect the original can be put back',
    (_, on, at, holds, onceStored) =>
      atTheCar(async (bench) => {
        const plan = await planTwoOptions(bench.browser);
        bench.mark();
        if (onceStored) bench.faultOnceStored('09', '0600', on, { kind: 'unplug', at });
        else bench.fault(on, { kind: 'unplug', at });
        const end = await approve(bench.browser, plan);
        expect(end.result).toBe('failed');
        expect(end.outcome?.proven ?? false).toBe(false);
        const opened = bench.journal(plan, 'job-opened').length > 0;
        expect(await bench.nextStep()).toBe(opened ? 'check' : null);
        const sent = bench.count('09', '2E');
        await bench.garage.clock.sleep(8000);
        expect(bench.count('09', '2E')).toBe(sent);
        expect(bench.coding()).toBe(holds === 'new' ? newBytes(plan) : ORIGINAL);

        bench.garage.car.faults.set([]);
        await bench.browser.connect();
        await bench.takeAllSteps();
        expect(bench.coding()).toBe(holds === 'new' ? newBytes(plan) : ORIGINAL);
        expect(bench.count('09', '2E 06 00')).toBeLessThanOrEqual(1);
        await bench.expectRestorable(plan);
        expect(bench.coding()).toBe(ORIGINAL);
        bench.expectWholeChain();
      }),
  );

  it.each<[string, FaultTrigger]>([
    ['at the first pass of the backup', { ...READ, nth: 1 }],
    ['at the second pass of the backup', { ...READ, nth: 2 }],
    ['while the voltage is read for the plan', { ecu: '19', sid: 0x22, did: 0xf442 }],
  ])('S04 %s: no plan, no half backup, no open job; after the reconnect it can be planned', (_, on) =>
    atTheCar(async (bench) => {
      bench.fault(on, { kind: 'unplug', at: 'request' });
      const outcome = await planTwoOptions(bench.browser).then(
        ({ voltage }) => `planned, voltage ${voltage.kind}`,
        (error: unknown) => (isStackError(error) ? error.code : String(error)),
      );
      expect(outcome).toMatch(/^(transport\/|can\/closed|vehicle\/not-connected)/);
      expect(bench.backups().every(({ blocks }) => blocks.some(({ hex }) => hex === ORIGINAL))).toBe(true);
      expect(bench.count('09', '2E')).toBe(0);
      expect(await bench.nextStep()).toBeNull();
      bench.garage.car.faults.set([]);
      await bench.browser.connect();
      await bench.browser.done(bench.browser.service.scan({ commandId: 'again' }));
      expect((await planTwoOptions(bench.browser)).blocks[0]?.oldHex).toBe(ORIGINAL);
    }),
  );

  it('S04 in the middle of the walk: it ends, what was found stays, the next walk finds the rest', () =>
    atTheCar(async (bench) => {
      bench.fault({ ecu: '19', sid: 0x22, did: 0xf187 }, { kind: 'unplug', at: 'request' });
      const end = await bench.browser.done(bench.browser.service.scan({ commandId: 'cut' }));
      expect(end.result).toBe('failed');
      const { vehicle, connection } = await bench.browser.service.hello({ world: 'training', storagePersistent: true });
      expect(connection.kind).toBe('lost');
      expect(vehicle?.modules.find(({ label }) => label === '09')).toMatchObject({ stale: true, status: 'faults' });
      bench.garage.car.faults.set([]);
      await bench.browser.connect();
      const again = await bench.browser.done(bench.browser.service.scan({ commandId: 'whole' }));
      expect(again.result).toBe('done');
    }));

  it('S04 during a restore, the block stored: check after the reconnect; the bytes are the backup’s', () =>
    atTheCar(async (bench) => {
      const coded = await planTwoOptions(bench.browser);
      await approve(bench.browser, coded);
      const restore = await bench.browser.service.planRestore({
        commandId: 'r',
        backupId: coded.backupId,
        moduleId: BCM,
        shopCode: { kind: 'module' },
      });
      bench.fault(WRITE, { kind: 'unplug', at: 'answer' });
      const end = await approve(bench.browser, restore);
      expect(end.outcome).toMatchObject({ state: 'unknown', proven: false });
      bench.garage.car.faults.set([]);
      await bench.browser.connect();
      expect((await bench.takeAllSteps())[0]).toBe('check');
      expect(bench.coding()).toBe(ORIGINAL);
    }));

  it('S03 while nothing runs: said within a second, values marked stale; a write is refused until it is back', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      bench.browser.device?.unplug();
      await bench.garage.clock.sleep(1000);
      const hello = await bench.browser.service.hello({ world: 'training', storagePersistent: true });
      expect(hello.connection.kind).toBe('lost');
      expect(hello.vehicle?.modules.every(({ stale }) => stale)).toBe(true);
      expect((await approve(bench.browser, plan)).error?.code).toBe('vehicle/not-connected');
      expect(bench.count('09', '2E')).toBe(0);
      expect(await bench.nextStep()).toBeNull();
    }));

  it.each(['framing', 'overruns'] as const)(
    'S08 S09 a soft error (%s) of the line when 2E 06 00 arrives: one write, state read again',
    (name) =>
      atTheCar(async (bench) => {
        const { plan, end } = await codeWith(bench, { ...WRITE, nth: 1 }, { kind: 'line-error', name });
        expect(bench.count('09', '2E 06 00')).toBe(1);
        expect(end.outcome, JSON.stringify(end.error)).toMatchObject({ state: 'written-verified', proven: true });
        expect(bench.coding()).toBe(newBytes(plan));
      }),
  );
});

/** First frames of 2E 06 00 (33 bytes: 10 21 2E 06 00) that left for the central electrics. */
function firstFramesOfWrite(browser: Browser): number {
  return browser.sideEffects.filter((one) => one.kind === 'frame-out' && /^t70E810212E0600/i.test(one.line)).length;
}
