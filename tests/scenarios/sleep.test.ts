import { describe, expect, it } from 'vitest';
import { MemoryDisk } from '../support/memory-stores.ts';
import { Browser } from '../support/workshop.ts';
import { approve, newGarage, ORIGINAL, PACK, planTwoOptions } from './jobs.ts';

describe('a computer that sleeps', () => {
  it('B03 the clock of the day jumps ten minutes while nothing runs: values are marked as old', async () => {
    const garage = await newGarage();
    const browser = new Browser(garage, new MemoryDisk(), { packs: [PACK] });
    await garage.clock.run(async () => {
      const view = await browser.arrive();
      expect(view.modules.every((module) => !module.stale)).toBe(true);
      garage.clock.jumpWall(600_000);
      await garage.clock.sleep(1500);
      const after = (await browser.service.hello({ world: 'training', storagePersistent: true })).vehicle;
      expect(after?.modules.every((module) => module.stale)).toBe(true);
    });
  });

  it('B03 U10 the computer sleeps between plan and write: session and bytes are checked again, then the job is proven', async () => {
    const garage = await newGarage();
    const browser = new Browser(garage, new MemoryDisk(), { packs: [PACK] });
    await garage.clock.run(async () => {
      await browser.arrive();
      const plan = await planTwoOptions(browser);
      garage.clock.jumpWall(3_600_000);
      await garage.clock.sleep(20_000); // S3 runs out in the module
      const end = await approve(browser, plan);
      expect(end).toMatchObject({ result: 'done', outcome: { state: 'written-verified', proven: true } });
      expect(garage.did('09', '0600')).not.toBe(ORIGINAL);
    });
  });
});
