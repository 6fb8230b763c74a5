import { expect } from 'vitest';
import { MemoryDisk } from '../support/memory-stores.ts';
import { Browser, type Garage } from '../support/workshop.ts';
import { approve, newGarage, ORIGINAL, PACK, planTwoBlocks, planTwoOptions } from './jobs.ts';
import type { SweptJob } from './sweep.ts';

const fresh = { newGarage: () => newGarage(), newDisk: async () => new MemoryDisk() } as const;

async function atTheCar(garage: Garage, disk: MemoryDisk): Promise<Browser> {
  const browser = new Browser(garage, disk, { packs: [PACK] });
  await browser.arrive();
  return browser;
}

/** Central electrics: date stamp, shop code, one block, restart, proof. */
export const CODING: SweptJob = {
  ...fresh,
  name: 'coding',
  async prepare(garage, disk) {
    const browser = await atTheCar(garage, disk);
    const plan = await planTwoOptions(browser);
    return { browser, plan, run: () => approve(browser, plan) };
  },
};

/** Gateway: two blocks, one after the other, no restart. Between them the module is half coded. */
export const TWO_BLOCKS: SweptJob = {
  ...fresh,
  name: 'coding of two blocks',
  async prepare(garage, disk) {
    const browser = await atTheCar(garage, disk);
    const plan = await planTwoBlocks(browser);
    expect(plan.blocks.map((block) => block.did).sort()).toEqual(['0411', '0600']);
    return { browser, plan, run: () => approve(browser, plan) };
  },
};

/** The restore of the as-received backup after a coding. */
export const RESTORE: SweptJob = {
  ...fresh,
  name: 'restore',
  async prepare(garage, disk) {
    const browser = await atTheCar(garage, disk);
    const coded = await planTwoOptions(browser);
    await approve(browser, coded);
    const plan = await browser.service.planRestore({
      commandId: browser.commandId(),
      backupId: coded.backupId,
      moduleId: coded.module.moduleId,
      shopCode: { kind: 'module' },
    });
    expect(plan.blocks[0]?.newHex).toBe(ORIGINAL);
    return { browser, plan, run: () => approve(browser, plan) };
  },
};

/** The repair of a job that was cut between two blocks: the repair itself is killed at every point. */
export const ROLLBACK: SweptJob = {
  ...fresh,
  name: 'rollback',
  async prepare(garage, disk) {
    const browser = await atTheCar(garage, disk);
    const plan = await planTwoBlocks(browser);
    const second = plan.blocks[1]?.did ?? '';
    garage.car.faults.set([
      { on: { ecu: '19', sid: 0x2e, did: Number.parseInt(second, 16) }, effect: { kind: 'negative', nrc: 0x72 } },
    ]);
    const end = await approve(browser, plan);
    expect(end.outcome?.state).toBe('partially-written');
    garage.car.faults.set([]);
    const job = (await browser.jobs())[0];
    expect(job?.next.kind).toBe('put-back');
    const repair = await browser.service.planRepair({
      commandId: browser.commandId(),
      operationId: job?.operationId ?? '',
    });
    return { browser, plan: repair, run: () => approve(browser, repair) };
  },
};
