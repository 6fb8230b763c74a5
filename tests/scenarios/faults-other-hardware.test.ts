import { expect, it } from 'vitest';
import { atTheCar, BCM } from './faults-rig.ts';

it('D09 other hardware: restore/refused other-hardware, not a near match', () =>
  atTheCar(async (bench) => {
    const { service } = bench.browser;
    await bench.browser.done(service.takeBackup({ commandId: 'b', moduleId: BCM }));
    const id = bench.backups().at(-1)?.id ?? '';
    await bench.garage.car.factoryReset('other-bcm-hardware');
    await bench.browser.done(service.scan({ commandId: 'again' }));
    await expect(
      service.planRestore({ commandId: 'r', backupId: id, moduleId: BCM, shopCode: { kind: 'module' } }),
    ).rejects.toMatchObject({ code: 'restore/refused', details: { reason: 'other-hardware' } });
  }));
