import { describe, expect, it } from 'vitest';
import { MemoryDisk } from '../support/memory-stores.ts';
import { Browser } from '../support/workshop.ts';
import { approve, newGarage, ORIGINAL, PACK, planTwoOptions } from './jobs.ts';

const FOREIGN_VIN_READ = '03 22 F1 90 AA AA AA AA';

async function connection(browser: Browser) {
  const { connection: view } = await browser.service.hello({ world: 'training', storagePersistent: true });
  if (view.kind !== 'open') throw new Error(`connection is ${view.kind}`);
  return view;
}

describe('another tester on the bus', () => {
  it('T10 a question of somebody else to the gateway (710: 03 22 F1 90) is told, and stands in the plan; a minute later it is over', async () => {
    const garage = await newGarage();
    const browser = new Browser(garage, new MemoryDisk(), { packs: [PACK] });
    await garage.clock.run(async () => {
      await browser.arrive();
      expect((await connection(browser)).foreignTester).toBe(false);
      const quiet = await planTwoOptions(browser);
      expect(quiet.warnings).not.toContainEqual({ kind: 'foreign-tester' });
      await browser.service.discardPlan(quiet.id);

      garage.car.faults.set([
        {
          on: { ecu: '09', sid: 0x22, did: 0xf190, times: 1 },
          effect: { kind: 'other-responder', canId: 0x710, extended: false, data: FOREIGN_VIN_READ, delayMs: 2 },
        },
      ]);
      const plan = await planTwoOptions(browser);
      expect(plan.warnings).toContainEqual({ kind: 'foreign-tester' });
      await garage.clock.sleep(1500);
      expect((await connection(browser)).foreignTester).toBe(true);
      // It is a warning: what is planned is still read, compared and proven step by step.
      expect((await approve(browser, plan)).outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(garage.did('09', '0600')).not.toBe(ORIGINAL);

      await garage.clock.sleep(62_000);
      expect((await connection(browser)).foreignTester).toBe(false);
    });
  });

  it('T10 frames of the car itself and answers are nobody’s questions', async () => {
    const garage = await newGarage();
    const browser = new Browser(garage, new MemoryDisk(), { packs: [PACK] });
    garage.car.faults.set([
      {
        on: { sid: 0x3e },
        effect: { kind: 'other-responder', canId: 0x3c0, extended: false, data: '00 00 03 00', delayMs: 1 },
      },
      {
        on: { sid: 0x22 },
        effect: { kind: 'other-responder', canId: 0x7aa, extended: false, data: '03 62 F1 90', delayMs: 1 },
      },
    ]);
    await garage.clock.run(async () => {
      await browser.arrive();
      await garage.clock.sleep(1500);
      expect((await connection(browser)).foreignTester).toBe(false);
    });
  });
});
