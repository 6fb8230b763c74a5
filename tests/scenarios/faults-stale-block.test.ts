import { expect, it } from 'vitest';
import { MemoryDisk } from '../support/memory-stores.ts';
import { Browser } from '../support/workshop.ts';
import { approve, atTheCar, BCM, planTwoOptions } from './faults-rig.ts';
import { PACK } from './jobs.ts';

it('H03 only the block differs (stamps are of today already): plan/stale before the first 2E', () =>
  atTheCar(async (bench) => {
    await approve(bench.browser, await planTwoOptions(bench.browser)); // stamps are now today's
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
    bench.mark();
    const end = await approve(bench.browser, plan);
    expect(end.error).toMatchObject({ code: 'plan/stale', details: { what: 'block', id: '0600' } });
    expect(bench.count('09', '2E')).toBe(0);
  }));
