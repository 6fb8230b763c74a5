import { describe, expect, it } from 'vitest';
import type { Backup } from '#contract/backup.ts';
import type { ShopCodeChoice } from '#contract/vehicle-api.ts';
import { approve, atTheCar, type Bench, codeOf } from './faults-rig.ts';

const BCM = '70E-778';
const HELD = '000003781FD7';

function plan(bench: Bench, shopCode: ShopCodeChoice) {
  return bench.browser.service.planCoding({
    commandId: bench.browser.commandId(),
    moduleId: BCM,
    changes: [{ parameterId: 'daytime-lights', value: 0 }],
    shopCode,
  });
}

async function backups(bench: Bench): Promise<number> {
  return bench.disk.table('backups').size;
}

describe('a plan that has to ask for the shop code', () => {
  it('asks before it backs anything up: one F1A5, no block read, and one backup when it is made again', () =>
    atTheCar(async (bench) => {
      const before = await backups(bench);
      bench.mark();
      await expect(plan(bench, { kind: 'settings' })).rejects.toMatchObject({
        code: 'plan/shop-code-unset',
        details: { moduleHolds: HELD },
      });
      expect(bench.count('09', '22 F1 A5')).toBe(1);
      expect(bench.count('09', '22 06 00')).toBe(0);
      expect(await backups(bench)).toBe(before);
      const made = await plan(bench, { kind: 'module' });
      expect(await backups(bench)).toBe(before + 1);
      // Both passes of that one backup were read after the answer (I1).
      expect(bench.count('09', '22 06 00')).toBe(2);
      expect((await approve(bench.browser, made)).outcome).toMatchObject({ state: 'written-verified', proven: true });
    }));

  it('a typed code of the wrong length is asked for again, also without a backup', () =>
    atTheCar(async (bench) => {
      const before = await backups(bench);
      expect(await codeOf(plan(bench, { kind: 'typed', hex: '0378' }))).toBe('plan/shop-code-unset');
      expect(await backups(bench)).toBe(before);
    }));

  it('putting back asks in the same way', () =>
    atTheCar(async (bench) => {
      const { service } = bench.browser;
      await approve(bench.browser, await plan(bench, { kind: 'module' }));
      const [first] = [...bench.disk.table('backups').values()].map((text) => JSON.parse(text) as Backup);
      const before = await backups(bench);
      const restore = (shopCode: ShopCodeChoice) =>
        service.planRestore({
          commandId: bench.browser.commandId(),
          moduleId: BCM,
          backupId: first?.id ?? '',
          shopCode,
        });
      expect(await codeOf(restore({ kind: 'settings' }))).toBe('plan/shop-code-unset');
      expect(await backups(bench)).toBe(before);
      const end = await approve(bench.browser, await restore({ kind: 'module' }));
      expect(end.outcome).toMatchObject({ state: 'restored', proven: true });
      expect(await backups(bench)).toBe(before + 1);
    }));
});
