import { describe, expect, it } from 'vitest';
import { VIRTUAL_ADAPTERS, type VirtualAdapter } from '#contract/simulator-control.ts';
import type { ConnectionView } from '#contract/vehicle-api.ts';
import { MemoryDisk } from '../support/memory-stores.ts';
import { Browser } from '../support/workshop.ts';
import { approve, BCM, newGarage, ORIGINAL, PACK, planTwoOptions } from './jobs.ts';

/** What each adapter may do before it was checked on the car, and after. `clone`: only with a signed consent. */
const EXPECTED: Readonly<
  Record<VirtualAdapter, { readonly driver: string; readonly code: 'yes' | 'checked' | 'consent' | 'no' }>
> = {
  'canable-v1': { driver: 'slcan', code: 'yes' },
  'canable-v2': { driver: 'slcan', code: 'yes' },
  canusb: { driver: 'slcan', code: 'yes' },
  usbtin: { driver: 'slcan', code: 'yes' },
  'elm327-v14b': { driver: 'elm327', code: 'checked' },
  'elm327-v23': { driver: 'elm327', code: 'checked' },
  'clone-good': { driver: 'elm327', code: 'consent' },
  'clone-bad': { driver: 'elm327', code: 'no' },
  stn1110: { driver: 'stn', code: 'yes' },
  stn2120: { driver: 'stn', code: 'yes' },
  vlinker: { driver: 'stn', code: 'checked' },
};

/** The small car of the scenarios: body electronics and gateway. */
const WHOLE_CAR = [
  ['09', 'exact'],
  ['19', 'exact'],
];

const open = async (browser: Browser): Promise<Extract<ConnectionView, { kind: 'open' }>> => {
  const { connection } = await browser.service.hello({ world: 'training', storagePersistent: true });
  if (connection.kind !== 'open') throw new Error(`connection is ${connection.kind}`);
  return connection;
};

describe('the main job through every adapter of the virtual car', () => {
  it.each(VIRTUAL_ADAPTERS)(
    '%s: scan, backup, two options coded and proven, put back; or refused with its reason',
    async (model) => {
      const expected = EXPECTED[model];
      const garage = await newGarage();
      const browser = new Browser(garage, new MemoryDisk(), { packs: [PACK], firmware: model });
      await garage.clock.run(async () => {
        const view = await browser.arrive();
        const { adapter } = await open(browser);
        expect(adapter.driver).toBe(expected.driver);
        expect(adapter.verdict.read).toEqual({ may: true });
        if (model === 'clone-bad') {
          // Requests cut to two bytes: modules answer, and say nothing that could be used.
          expect(view.vin).toBeNull();
          expect(view.modules.every(({ identity }) => identity?.match.kind !== 'exact')).toBe(true);
        } else {
          expect(view.vin).toBe('0CBV1000000000017');
          expect(view.modules.map(({ label, identity }) => [label, identity?.match.kind])).toEqual(WHOLE_CAR);
        }
        expect(adapter.verdict.code.may).toBe(expected.code === 'yes');

        if (expected.code !== 'yes') {
          await expect(planTwoOptions(browser)).rejects.toMatchObject({
            code: 'adapter/may-not',
            details: { job: 'code' },
          });
          const check = await browser.done(browser.service.checkAdapter({ commandId: browser.commandId() }));
          expect(check.result).toBe('done');
          expect((await open(browser)).adapter.verdict.code.may).toBe(expected.code === 'checked');
        }
        if (expected.code === 'no') {
          await expect(browser.service.acceptAdapter({ name: 'A. Meister' })).rejects.toMatchObject({
            code: 'adapter/may-not',
          });
          await expect(planTwoOptions(browser)).rejects.toMatchObject({ code: 'adapter/may-not' });
          expect(garage.did('09', '0600')).toBe(ORIGINAL);
          return;
        }
        if (expected.code === 'consent') {
          expect((await browser.service.acceptAdapter({ name: 'A. Meister' })).kind).toBe('open');
          expect((await open(browser)).adapter.verdict.code).toEqual({ may: true });
        }

        const plan = await planTwoOptions(browser);
        const end = await approve(browser, plan);
        expect(end).toMatchObject({ result: 'done', outcome: { state: 'written-verified', proven: true } });
        expect(garage.did('09', '0600')).toBe(plan.blocks[0]?.newHex);
        const restore = await browser.service.planRestore({
          commandId: browser.commandId(),
          backupId: plan.backupId,
          moduleId: BCM,
          shopCode: { kind: 'module' },
        });
        expect(await approve(browser, restore)).toMatchObject({
          result: 'done',
          outcome: { state: 'restored', proven: true },
        });
        expect(garage.did('09', '0600')).toBe(ORIGINAL);
        expect(await browser.jobs()).toEqual([]);
      });
    },
  );
});
