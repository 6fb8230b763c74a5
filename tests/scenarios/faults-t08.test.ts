import { expect, it } from 'vitest';
import { MemoryDisk } from '../support/memory-stores.ts';
import { Browser, V1_PACK } from '../support/workshop.ts';
import { newGarage } from './jobs.ts';

it.each(['canusb', 'usbtin'] as const)(
  'T08 nobody acknowledges, %s: the bus error is told and sending stops',
  async (firmware) => {
    const garage = await newGarage();
    const browser = new Browser(garage, new MemoryDisk(), { packs: [V1_PACK], firmware });
    await garage.clock.run(async () => {
      await garage.car.set({ ignition: false });
      await browser.connect();
      const end = await browser.done(browser.service.scan({ commandId: 's' }));
      expect(end.error?.code).toBe('can/bus-error');
    });
  },
);
