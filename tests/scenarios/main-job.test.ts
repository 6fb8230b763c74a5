import { describe, expect, it } from 'vitest';
import { MemoryDisk } from '../support/memory-stores.ts';
import { Browser, Garage } from '../support/workshop.ts';
import { approve, BCM, newGarage, ORIGINAL, PACK, planTwoOptions } from './jobs.ts';

describe('the main job on the virtual car', () => {
  it('scan finds ten modules of V1, one VIN, and their definitions exactly', async () => {
    const garage = await Garage.build();
    const view = await garage.clock.run(() => new Browser(garage, new MemoryDisk()).arrive());
    expect(view.vin).toBe('0CBV1000000000017');
    expect(view.vinConflict).toBe(false);
    expect(view.modules.map((module) => [module.label, module.status, module.identity?.match.kind])).toEqual([
      ['01', 'ok', 'exact'],
      ['02', 'ok', 'exact'],
      ['03', 'ok', 'exact'],
      ['08', 'ok', 'exact'],
      ['09', 'faults', 'exact'],
      ['15', 'ok', 'exact'],
      ['17', 'faults', 'exact'],
      ['19', 'ok', 'exact'],
      ['5F', 'ok', 'exact'],
      ['A5', 'ok', 'exact'],
    ]);
  });

  it('backs up, codes two options, proves them, and puts the original back', async () => {
    const garage = await newGarage();
    const disk = new MemoryDisk();
    const browser = new Browser(garage, disk, { packs: [PACK] });
    await garage.clock.run(async () => {
      await browser.arrive();
      const plan = await planTwoOptions(browser);
      expect(garage.did('09', '0600')).toBe(ORIGINAL);
      expect(plan.blocks).toEqual([expect.objectContaining({ did: '0600', oldHex: ORIGINAL })]);
      expect(plan.changes.map((change) => change.from.en)).toHaveLength(2);
      const end = await approve(browser, plan);
      expect(end).toMatchObject({ result: 'done', outcome: { state: 'written-verified', proven: true } });
      expect(garage.did('09', '0600')).toBe(plan.blocks[0]?.newHex);

      const restore = await browser.service.planRestore({
        commandId: 'r',
        backupId: plan.backupId,
        moduleId: BCM,
        shopCode: { kind: 'module' },
      });
      const back = await approve(browser, restore);
      expect(back).toMatchObject({ result: 'done', outcome: { state: 'restored', proven: true } });
      expect(garage.did('09', '0600')).toBe(ORIGINAL);
      expect(await browser.jobs()).toEqual([]);
    });
  });
});
