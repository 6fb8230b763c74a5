import { describe, expect, it, vi } from 'vitest';
import { toHex } from '#base/hex.ts';
import { backupHashes } from '#contract/backup.ts';
import type { Definition, DefinitionPack } from '#contract/definition.ts';
import type { CarData } from '#simulator/car-data.ts';
import { carOf } from '../support/workshop.ts';
import { approve, atTheCar, BCM, type Bench, codeOf, newBytes, ORIGINAL, planTwoOptions } from './faults-rig.ts';
import { CAR, PACK } from './jobs.ts';

const CLUSTER = '714-77E';

async function backUp(bench: Bench, moduleId = BCM) {
  const { service } = bench.browser;
  const end = await bench.browser.done(service.takeBackup({ commandId: bench.browser.commandId(), moduleId }));
  expect(end.result, JSON.stringify(end.error)).toBe('done');
  const backup = bench.backups().at(-1);
  if (backup === undefined) throw new Error('no backup on disk');
  return backup;
}

function restore(bench: Bench, backupId: string, moduleId = BCM) {
  return bench.browser.service.planRestore({
    commandId: bench.browser.commandId(),
    backupId,
    moduleId,
    shopCode: { kind: 'module' },
  });
}

describe('time', () => {
  it('D05 the clock of the computer goes back a year in the middle of a job: order, chain and proof hold', () =>
    atTheCar(async (bench) => {
      const before = await backUp(bench);
      const plan = await planTwoOptions(bench.browser);
      const started = bench.browser.service.approve({ commandId: 'go', planId: plan.id, typed: null });
      await bench.garage.clock.sleep(40);
      const { wallMs } = bench.garage.clock;
      vi.spyOn(bench.garage.clock, 'wallMs').mockImplementation(
        () => wallMs.call(bench.garage.clock) - 365 * 86_400_000,
      );
      const end = await bench.browser.done(started);
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      const records = bench.records();
      expect(records.map(({ sequence }) => sequence)).toEqual(records.map((_, i) => (records[0]?.sequence ?? 0) + i));
      expect(records.some((record, i) => record.wallMs < (records[i - 1]?.wallMs ?? 0))).toBe(true);
      expect(records.every((record, i) => record.monotonicMs >= (records[i - 1]?.monotonicMs ?? 0))).toBe(true);
      bench.expectWholeChain();
      expect(await bench.nextStep()).toBeNull();

      const after = await backUp(bench);
      expect(after.takenAtWallMs).toBeLessThan(before.takenAtWallMs);
      expect(after.sequence).toBeGreaterThan(before.sequence);
      expect(after.parent).toBe(plan.backupId);
      await bench.browser.done(bench.browser.service.scan({ commandId: 'rescan' }));
      const view = (await bench.browser.service.hello({ world: 'training', storagePersistent: true })).vehicle;
      expect(view?.modules.find(({ moduleId }) => moduleId === BCM)?.lastBackup?.id).toBe(after.id);
      await bench.expectRestorable(plan);
    }));
});

describe('backups', () => {
  it('D08 two backups of an unchanged module: one content hash, two times, two records, both restorable', () =>
    atTheCar(async (bench) => {
      const first = await backUp(bench);
      await bench.garage.clock.sleep(60_000);
      const second = await backUp(bench);
      expect(second.contentHash).toBe(first.contentHash);
      expect(second.id).not.toBe(first.id);
      expect(second.recordHash).not.toBe(first.recordHash);
      expect(second.takenAtWallMs - first.takenAtWallMs).toBeGreaterThanOrEqual(60_000);
      expect([first.pinned, second.pinned]).toEqual(['as-received', null]);
      expect(second.parent).toBe(first.id);
      const plan = await planTwoOptions(bench.browser);
      await approve(bench.browser, plan);
      expect(bench.backups().filter(({ contentHash }) => contentHash === first.contentHash)).toHaveLength(3);
      for (const { id } of [first, second]) {
        const back = await restore(bench, id);
        expect(back.blocks[0]?.newHex).toBe(ORIGINAL);
        await bench.browser.service.discardPlan(back.id);
      }
    }));

  it.each([
    ['another car', 'other-car', 'other-vin', '0CBV1000000000017', '0CBV1000000000042'],
    ['other hardware', 'other-bcm-hardware', 'other-hardware', 'CBAY0937084', 'CBAY0937999'],
    ['another serial number', 'other-serial', 'other-serial', 'CBAYBCM0000015', 'CBAYBCM0000099'],
    ['newer software', 'new-bcm-software', 'other-software', '0114', '0140'],
  ])(
    'D09 a backup put back into %s: refused with the reason and both values, nothing written',
    (_, variant, reason, expected, actual) =>
      atTheCar(
        async (bench) => {
          const backup = await backUp(bench);
          await bench.garage.car.factoryReset(variant);
          await bench.browser.done(bench.browser.service.scan({ commandId: 'again' }));
          bench.mark();
          await expect(restore(bench, backup.id)).rejects.toMatchObject({
            code: 'restore/refused',
            details: { reason, expected, actual },
          });
          expect(bench.count('09', '2E')).toBe(0);
          expect(bench.count('09', '11')).toBe(0);
        },
        { data: withSerialVariant() },
      ),
  );

  it('D09 the module is swapped after the scan: found when it is identified for the restore, nothing written', () =>
    atTheCar(
      async (bench) => {
        const backup = await backUp(bench);
        await bench.garage.car.factoryReset('other-serial');
        bench.mark();
        await expect(restore(bench, backup.id)).rejects.toMatchObject({
          code: 'restore/refused',
          details: { reason: 'other-serial' },
        });
        expect(bench.count('09', '2E')).toBe(0);
      },
      { data: withSerialVariant() },
    ));

  it('D09 a backup of the gateway put back into the central electrics: refused, another address', () =>
    atTheCar(async (bench) => {
      const backup = await backUp(bench, '710-77A');
      await expect(restore(bench, backup.id)).rejects.toMatchObject({
        code: 'restore/refused',
        details: { reason: 'other-address', expected: '710-77A', actual: BCM },
      });
      expect(bench.count('09', '2E')).toBe(0);
    }));

  it('D09 the module matches another definition than when it was backed up: refused, with both names', () => {
    const packs = [PACK, renamed(PACK)];
    return atTheCar(async (bench) => {
      const file = await bench.browser.service.exportBackup((await backUp(bench)).id);
      await atTheCar(
        async (later) => {
          const { backup } = await later.browser.service.importBackup({ name: file.name, text: file.text });
          later.mark();
          await expect(restore(later, backup.id)).rejects.toMatchObject({
            code: 'restore/refused',
            details: { reason: 'other-definition', expected: 'v1-body', actual: 'v1-body-later' },
          });
          expect(later.count('09', '2E')).toBe(0);
        },
        { pack: packs[1] ?? PACK },
      );
    });
  });

  it('D09 the definition gives the block another length than the backup has: refused, nothing written', () =>
    atTheCar(async (bench) => {
      const file = await bench.browser.service.exportBackup((await backUp(bench)).id);
      await atTheCar(
        async (later) => {
          const { backup } = await later.browser.service.importBackup({ name: file.name, text: file.text });
          await expect(restore(later, backup.id)).rejects.toMatchObject({
            code: 'restore/refused',
            details: { reason: 'block-length', expected: '0600 30', actual: '0600 29' },
          });
          expect(later.count('09', '2E')).toBe(0);
        },
        { pack: shorter(PACK) },
      );
    }));

  it('D09 the same module: a saved file goes back on another computer, and is proven', () =>
    atTheCar(async (bench) => {
      const backup = await backUp(bench);
      const file = await bench.browser.service.exportBackup(backup.id);
      const plan = await planTwoOptions(bench.browser);
      await approve(bench.browser, plan);
      expect(bench.coding()).toBe(newBytes(plan));
      bench.disk.table('backups').clear();
      const imported = await bench.browser.service.importBackup({ name: file.name, text: file.text });
      expect(imported).toMatchObject({ known: false, backup: { id: backup.id } });
      const end = await approve(bench.browser, await restore(bench, backup.id));
      expect(end.outcome).toMatchObject({ state: 'restored', proven: true });
      expect(bench.coding()).toBe(ORIGINAL);
    }));

  it('D09 an edited file (one bit of the coding): refused when it is opened, nothing kept', () =>
    atTheCar(async (bench) => {
      const file = await bench.browser.service.exportBackup((await backUp(bench)).id);
      const edited = file.text.replaceAll(ORIGINAL, ORIGINAL.replace(/2$/, '3'));
      expect(edited).not.toBe(file.text);
      const count = bench.backups().length;
      await expect(bench.browser.service.importBackup({ name: file.name, text: edited })).rejects.toMatchObject({
        code: 'backup/corrupt',
      });
      expect(bench.backups()).toHaveLength(count);
    }));

  it('D09 a file of a real car is not opened beside the virtual one, whole hashes or not', () =>
    atTheCar(async (bench) => {
      const { contentHash: _, recordHash: __, ...body } = await backUp(bench);
      const real = { ...body, simulated: false };
      const file = { format: 'codebay-backup-file', version: 1, backup: { ...real, ...backupHashes(real) } };
      await expect(
        bench.browser.service.importBackup({ name: 'real.json', text: JSON.stringify(file) }),
      ).rejects.toMatchObject({ code: 'file/other-world' });
      expect(bench.backups()).toHaveLength(1);
    }));

  it('D09 a file cut off anywhere: a clear error, nothing kept, nothing written', () =>
    atTheCar(async (bench) => {
      const file = await bench.browser.service.exportBackup((await backUp(bench)).id);
      const codes = new Set<string>();
      for (let length = 0; length < file.text.length - 1; length += 61)
        codes.add(
          await codeOf(bench.browser.service.importBackup({ name: file.name, text: file.text.slice(0, length) })),
        );
      expect([...codes]).toEqual(['file/malformed']);
      expect(bench.backups()).toHaveLength(1);
      expect(bench.count('09', '2E')).toBe(0);
    }));

  it('D01 the disk is full when the backup is to be stored: no plan, nothing written', () =>
    atTheCar(async (bench) => {
      bench.disk.quotaRows = 0;
      await expect(planTwoOptions(bench.browser)).rejects.toMatchObject({ code: 'store/quota' });
      expect(bench.count('09', '2E')).toBe(0);
    }));

  it('D01 the disk is full when the intent of 2E 06 00 is to be stored: it is not sent', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      bench.mark();
      bench.disk.onDurable = () => {
        if (bench.intents(plan).includes('prelude-F198')) bench.disk.quotaRows = 0;
      };
      const end = await approve(bench.browser, plan);
      expect(end.result).toBe('failed');
      expect(bench.count('09', '2E 06 00')).toBe(0);
      expect(bench.coding()).toBe(ORIGINAL);
      bench.disk.onDurable = () => {};
      bench.disk.quotaRows = Number.POSITIVE_INFINITY;
      expect(await bench.nextStep()).toBe('check');
      expect(await bench.takeAllSteps()).toEqual(['check']);
    }));

  it('D09 the clusters of two cars: a backup of one is refused by the other', () =>
    atTheCar(
      async (bench) => {
        const backup = await backUp(bench, CLUSTER);
        await bench.garage.car.factoryReset('virgin-cluster');
        await bench.browser.done(bench.browser.service.scan({ commandId: 'again' }));
        await expect(restore(bench, backup.id, CLUSTER)).rejects.toMatchObject({
          code: 'restore/refused',
          details: { reason: 'other-vin', expected: '0CBV1000000000017', actual: '' },
        });
      },
      { data: carWithCluster() },
    ));
});

function withSerialVariant(): CarData {
  const serial = toHex(new TextEncoder().encode('CBAYBCM0000099'));
  return { ...CAR, variants: { ...CAR.variants, 'other-serial': [{ ecu: '09', did: 'F18C', value: serial }] } };
}

function carWithCluster(): CarData {
  return carOf(['09', '17', '19']);
}

function changed(pack: DefinitionPack, change: (body: Definition) => Definition): DefinitionPack {
  return {
    ...pack,
    definitions: pack.definitions.map((known) => (known.shortName === 'BCM' ? change(known) : known)),
  };
}

/** Another definition of the same module. */
function renamed(pack: DefinitionPack): DefinitionPack {
  return changed(pack, (body) => ({ ...body, id: 'v1-body-later' }));
}

/** The same definition, as if somebody had the block one byte shorter. */
function shorter(pack: DefinitionPack): DefinitionPack {
  return changed(pack, (body) => ({
    ...body,
    codingBlocks: body.codingBlocks.map((block) => ({ ...block, lengthBytes: 29 })),
  }));
}
