import { describe, expect, it } from 'vitest';
import type { FaultEffect, InterruptedMemory } from '#contract/simulator-control.ts';
import {
  approve,
  atTheCar,
  BCM,
  codeOf,
  codeWith,
  newBytes,
  ORIGINAL,
  planBothHalves,
  planTwoOptions,
  spaced,
} from './faults-rig.ts';
import { PACK, planTwoBlocks } from './jobs.ts';

const WRITE = { ecu: '09', sid: 0x2e, did: 0x0600 } as const;
const RESET = { ecu: '09', sid: 0x11 } as const;

describe('the module stores something else (G.7)', () => {
  it('U13 6E, but the last changed byte keeps its old value: NOT verified, one step, put back, proven', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, WRITE, { kind: 'store-partly' });
      expect(end.result).toBe('failed');
      expect(end.error).toMatchObject({
        code: 'verify/mismatch',
        details: { did: '0600', expected: newBytes(plan), actual: bench.coding() },
      });
      expect(end.outcome).toMatchObject({ state: 'partially-written', proven: false });
      expect(bench.count('09', '2E 06 00')).toBe(1);
      expect(bench.journal(plan, 'read-back').map(({ stage, equal }) => `${stage} ${equal}`)).toEqual([
        'after-write false',
        'after-reset false',
      ]);
      expect(bench.journal(plan, 'job-closed')).toEqual([]);
      bench.garage.car.faults.set([]);
      expect(await bench.nextStep()).toBe('put-back');
      expect(await bench.takeAllSteps()).toEqual(['put-back']);
      expect(bench.coding()).toBe(ORIGINAL);
      expect(bench.journal(plan, 'job-closed')).toEqual([expect.objectContaining({ by: 'repair' })]);
      bench.expectWholeChain();
    }));

  it('U13 the same without a restart in the definition: the read-back after the write already says NOT verified', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoBlocks(bench.browser);
      const before = plan.blocks.map(({ did }) => bench.garage.did('19', did));
      bench.fault({ ecu: '19', sid: 0x2e, did: 0x0600 }, { kind: 'store-partly' });
      const end = await approve(bench.browser, plan);
      expect(end.error?.code).toBe('verify/mismatch');
      expect(end.outcome?.proven).toBe(false);
      expect(bench.journal(plan, 'read-back').every(({ stage }) => stage === 'after-write')).toBe(true);
      bench.garage.car.faults.set([]);
      expect(await bench.takeAllSteps()).toEqual(['put-back']);
      expect(plan.blocks.map(({ did }) => bench.garage.did('19', did))).toEqual(before);
    }));

  it('U13 a restore that reads back differently is NOT verified either; the next step goes back to what was there before it', () =>
    atTheCar(async (bench) => {
      const coded = await planTwoOptions(bench.browser);
      await approve(bench.browser, coded);
      const restore = await bench.browser.service.planRestore({
        commandId: 'r',
        backupId: coded.backupId,
        moduleId: BCM,
        shopCode: { kind: 'module' },
      });
      bench.fault(WRITE, { kind: 'store-partly' });
      const end = await approve(bench.browser, restore);
      expect(end.outcome).toMatchObject({ proven: false });
      expect(end.error?.code).toBe('verify/mismatch');
      bench.garage.car.faults.set([]);
      expect(await bench.takeAllSteps()).toEqual(['put-back']);
      expect(bench.coding()).toBe(newBytes(coded));
      await bench.expectRestorable(coded);
    }));

  it('U13 a write that sets bits nobody asked for is NOT verified', () =>
    atTheCar(async (bench) => {
      const { end } = await codeWith(bench, WRITE, { kind: 'store-masked', offset: 29, and: 0xff, or: 0x80 });
      expect(end.error?.code).toBe('verify/mismatch');
      expect(end.outcome?.proven).toBe(false);
      bench.garage.car.faults.set([]);
      expect(await bench.takeAllSteps()).toEqual(['put-back']);
      expect(bench.coding()).toBe(ORIGINAL);
    }));

  it('U13 a write that the module holds in RAM until its restart, and keeps: proven after the restart', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, WRITE, { kind: 'hold-until-reset', survives: true });
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.coding()).toBe(newBytes(plan));
      expect(bench.count('09', '2E 06 00')).toBe(1);
      expect(await bench.nextStep()).toBeNull();
    }));

  it('U13 a write that reads back well and is lost by the restart: not green; the module holds the old bytes', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, WRITE, { kind: 'hold-until-reset', survives: false });
      expect(bench.journal(plan, 'read-back').map(({ stage, equal }) => `${stage} ${equal}`)).toEqual([
        'after-write true',
        'after-reset false',
      ]);
      expect(end.error?.code).toBe('verify/mismatch');
      expect(end.outcome?.state).toBe('untouched');
      expect(bench.coding()).toBe(ORIGINAL);
      expect(await bench.nextStep()).toBeNull();
    }));
});

describe('the module restarts while it writes', () => {
  const interruptions: readonly (readonly [string, (memory: InterruptedMemory) => FaultEffect])[] = [
    ['a restart of the module', (memory) => ({ kind: 'reset', memory, silentMs: 2000 })],
    ['a loss of power of the car', (memory) => ({ kind: 'power-cut', memory, offMs: 1500 })],
  ];
  for (const [name, effect] of interruptions) {
    it(`U15 ${name} during 2E 06 00, nothing stored: read again, old, closed as untouched, one write`, () =>
      atTheCar(async (bench) => {
        const { plan, end } = await codeWith(bench, { ...WRITE, nth: 1 }, effect('old'));
        expect(end.outcome?.state).toBe('untouched');
        expect(bench.count('09', '2E 06 00')).toBe(1);
        expect(bench.coding()).toBe(ORIGINAL);
        expect(bench.dones(plan).at(-1)).toBe('write-0600 unknown');
        expect(await bench.nextStep()).toBeNull();
      }));

    it(`U15 ${name} during 2E 06 00, half stored: never sent again by itself, one step, put back, proven`, () =>
      atTheCar(async (bench) => {
        const { plan, end } = await codeWith(bench, { ...WRITE, nth: 1 }, effect('half'), planBothHalves);
        expect(end.outcome).toMatchObject({ state: 'partially-written', proven: false });
        expect([ORIGINAL, newBytes(plan)]).not.toContain(bench.coding());
        expect(bench.count('09', '2E 06 00')).toBe(1);
        expect(await bench.nextStep()).toBe('put-back');
        expect(await bench.takeAllSteps()).toEqual(['put-back']);
        expect(bench.coding()).toBe(ORIGINAL);
        expect(bench.count('09', `2E 06 00 ${spaced(newBytes(plan))}`)).toBe(1);
      }));

    it(`U15 ${name} during 2E 06 00, all stored: identified again, read, found new, restarted, proven, one write`, () =>
      atTheCar(async (bench) => {
        const { plan, end } = await codeWith(bench, { ...WRITE, nth: 1 }, effect('new'));
        expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
        expect(bench.count('09', '2E 06 00')).toBe(1);
        expect(bench.count('09', '11 02')).toBe(1);
        expect(bench.coding()).toBe(newBytes(plan));
        expect(await bench.nextStep()).toBeNull();
        await bench.expectRestorable(plan);
      }));
  }

  it('U15 a restart during the second of two blocks: what is written stays told, one step, both blocks go back', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoBlocks(bench.browser);
      const before = plan.blocks.map(({ did }) => bench.garage.did('19', did));
      const second = Number.parseInt(plan.blocks[1]?.did ?? '', 16);
      bench.mark();
      bench.fault({ ecu: '19', sid: 0x2e, did: second }, { kind: 'reset', memory: 'old', silentMs: 1500 });
      const end = await approve(bench.browser, plan);
      expect(end.outcome).toMatchObject({ state: 'partially-written', proven: false });
      expect(bench.journal(plan, 'checked')[0]?.blocks.map(({ holds }) => holds)).toEqual(['new', 'old']);
      bench.garage.car.faults.set([]);
      expect(await bench.takeAllSteps()).toEqual(['put-back']);
      expect(plan.blocks.map(({ did }) => bench.garage.did('19', did))).toEqual(before);
    }));

  it('U15 the module never comes back: unknown, the one step is to check; when it is back the check finds the old bytes', () =>
    atTheCar(async (bench) => {
      const { end } = await codeWith(bench, { ...WRITE, nth: 1 }, { kind: 'reset', memory: 'old', silentMs: 120_000 });
      expect(end.outcome).toMatchObject({ state: 'unknown', proven: false });
      expect(await bench.nextStep()).toBe('check');
      expect((await bench.takeStep()).error?.code).toBe('diag/module-lost');
      expect(await bench.nextStep()).toBe('check');
      await bench.garage.clock.sleep(120_000);
      expect(await bench.takeAllSteps()).toEqual(['check']);
      expect(bench.coding()).toBe(ORIGINAL);
      expect(bench.count('09', '2E 06 00')).toBe(1);
    }));
});

describe('the restart after the write (behaviour 7)', () => {
  it.each([
    ['51 02, then silent for 2 s', true, 2000],
    ['no 51, silent for 2 s', false, 2000],
    ['51 02, then silent for 8 s', true, 8000],
    ['no 51, silent for 8 s', false, 8000],
  ])('%s: waited for, identified, read again, proven; one 11 02', (_, answers, silentMs) =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, RESET, { kind: 'reset-style', answers, silentMs });
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.count('09', '11 02')).toBe(1);
      expect(bench.count('09', '2E 06 00')).toBe(1);
      expect(bench.coding()).toBe(newBytes(plan));
      expect(bench.journal(plan, 'read-back').at(-1)).toMatchObject({ stage: 'after-reset', equal: true });
      expect(await bench.nextStep()).toBeNull();
    }),
  );

  it('silent for three minutes: not green; the one step is to check, then to finish; the bytes stay the new ones', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, RESET, { kind: 'reset-style', answers: false, silentMs: 180_000 });
      expect(end.outcome).toMatchObject({ state: 'unknown', proven: false });
      expect(await bench.nextStep()).toBe('check');
      bench.garage.car.faults.set([]);
      await bench.garage.clock.sleep(180_000);
      expect((await bench.takeAllSteps())[0]).toBe('check');
      expect(bench.coding()).toBe(newBytes(plan));
      expect(bench.count('09', '2E 06 00')).toBe(1);
      await bench.expectRestorable(plan);
    }));

  it('11 02 refused with 22: not green, although the bytes are there; one step', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, RESET, { kind: 'negative', nrc: 0x22 });
      expect(end.outcome?.proven).toBe(false);
      expect(bench.coding()).toBe(newBytes(plan));
      bench.garage.car.faults.set([]);
      expect(await bench.nextStep()).toBe('finish');
      expect(await bench.takeAllSteps()).toEqual(['finish']);
      expect(bench.coding()).toBe(newBytes(plan));
      expect(bench.count('09', '2E 06 00')).toBe(1);
    }));
});

describe('session (behaviours 6, 9)', () => {
  it('U10 the module restarts between F198 and 0600: session and stamps are written again, then the block; proven', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      bench.mark();
      bench.faultOnceStored(
        '09',
        'F198',
        { ecu: '09', sid: 0x22, did: 0xf190, nth: 1 },
        { kind: 'reset', memory: 'old', silentMs: 150 },
      );
      const end = await approve(bench.browser, plan);
      expect(
        bench.heard
          .filter((one) => one.type === 'request' && one.hex.startsWith('2E'))
          .map(({ hex }) => hex.slice(0, 8)),
      ).toEqual(['2E F1 99', '2E F1 98', '2E 06 00', '2E F1 99', '2E F1 98', '2E 06 00']);
      expect(bench.dones(plan)).toContain('write-0600 refused 7F');
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.coding()).toBe(newBytes(plan));
    }));

  it.each(['7F', '7E'])(
    'U06 NRC %s on 2E 06 00 and 22 F1 86 says 01: the session is opened again once, then the block',
    (nrc) =>
      atTheCar(async (bench) => {
        const plan = await planTwoOptions(bench.browser);
        bench.mark();
        bench.garage.car.faults.set([
          { on: { ...WRITE, nth: 1 }, effect: { kind: 'negative', nrc: Number.parseInt(nrc, 16) } },
          { on: { ecu: '09', sid: 0x22, did: 0xf186, nth: 1 }, effect: { kind: 'answer', pdu: '62 F1 86 01' } },
        ]);
        const end = await approve(bench.browser, plan);
        expect(bench.count('09', '2E 06 00')).toBe(2);
        const own = bench.heard.filter((one) => one.ecu === '09' && one.type === 'request').map(({ hex }) => hex);
        const refused = own.findIndex((hex) => hex.startsWith('2E 06 00'));
        const again = own.findLastIndex((hex) => hex.startsWith('2E 06 00'));
        expect(own.slice(refused, again)).toContain('10 03');
        expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
        expect(bench.coding()).toBe(newBytes(plan));
      }),
  );

  it('U06 NRC 7F on 2E 06 00 again and again: two requests, then failed; old bytes, closed', () =>
    atTheCar(async (bench) => {
      const { end } = await codeWith(bench, WRITE, { kind: 'negative', nrc: 0x7f });
      expect(bench.count('09', '2E 06 00')).toBeLessThanOrEqual(2);
      expect(end.error?.code).toMatch(/^diag\/(session-lost|negative-response)$/);
      expect(end.outcome?.state).toBe('untouched');
      expect(bench.coding()).toBe(ORIGINAL);
      expect(await bench.nextStep()).toBeNull();
    }));

  it('U07 a definition without the prelude: 7F 2E 31, one request, nothing written, closed', () =>
    atTheCar(
      async (bench) => {
        const plan = await planTwoOptions(bench.browser);
        bench.mark();
        const end = await approve(bench.browser, plan);
        expect(end.error).toMatchObject({ code: 'diag/negative-response', details: { nrc: 0x31 } });
        expect(bench.count('09', '2E')).toBe(1);
        expect(end.outcome?.state).toBe('untouched');
        expect(bench.coding()).toBe(ORIGINAL);
      },
      {
        pack: {
          ...PACK,
          definitions: PACK.definitions.map((known) =>
            known.shortName === 'BCM'
              ? { ...known, codingBlocks: known.codingBlocks.map((block) => ({ ...block, needsPrelude: false })) }
              : known,
          ),
        },
      },
    ));

  it('no shop code in the settings: plan/shop-code-unset with the code the module holds; nothing is written', () =>
    atTheCar(async (bench) => {
      const command = (shopCode: { kind: 'settings' } | { kind: 'typed'; hex: string }) => ({
        commandId: bench.browser.commandId(),
        moduleId: BCM,
        changes: [{ parameterId: 'daytime-lights', value: 0 }],
        shopCode,
      });
      await expect(bench.browser.service.planCoding(command({ kind: 'settings' }))).rejects.toMatchObject({
        code: 'plan/shop-code-unset',
        details: { moduleHolds: '000003781FD7' },
      });
      expect(bench.count('09', '2E')).toBe(0);
      expect(await codeOf(bench.browser.service.planCoding(command({ kind: 'typed', hex: '0378' })))).toBe(
        'plan/shop-code-unset',
      );
    }));

  it('a shop code from the settings, and a typed one, are what F198 is written with; never the module’s by itself', () =>
    atTheCar(async (bench) => {
      const { service } = bench.browser;
      await service.saveSettings({ version: 1, shopCode: '0000089F3039', shopName: 'Bay 4', expert: false });
      const change = (value: number) => [{ parameterId: 'daytime-lights', value }];
      const first = await service.planCoding({
        commandId: 'a',
        moduleId: BCM,
        changes: change(0),
        shopCode: { kind: 'settings' },
      });
      await approve(bench.browser, first);
      expect(bench.count('09', '2E F1 98 00 00 08 9F 30 39')).toBe(1);
      const second = await service.planCoding({
        commandId: 'b',
        moduleId: BCM,
        changes: change(1),
        shopCode: { kind: 'typed', hex: '0181C8F63039' },
      });
      await approve(bench.browser, second);
      expect(bench.count('09', '2E F1 98 01 81 C8 F6 30 39')).toBe(1);
      expect(bench.count('09', '2E F1 98')).toBe(2);
      expect(bench.coding()).toBe(ORIGINAL);
    }));
});

describe('fault codes', () => {
  it('U17 a code that comes with the write and one that was there: the outcome names the new one only', () =>
    atTheCar(async (bench) => {
      const { end } = await codeWith(bench, RESET, { kind: 'log-dtc', dtc: 'C10F00', status: 0x09 });
      expect(end.outcome).toMatchObject({
        state: 'written-verified',
        proven: true,
        faultsNew: [{ code: 'C10F00', status: 9 }],
        faultsGone: [],
      });
    }));

  it('U17 codes that changed since the plan: a clear ends with plan/stale, nothing is cleared', () =>
    atTheCar(async (bench) => {
      const plan = await bench.browser.service.planClearFaults({ commandId: 'p', moduleId: BCM });
      bench.fault({ ecu: '09', sid: 0x22, did: 0xf190 }, { kind: 'log-dtc', dtc: 'C10F00', status: 0x09 });
      bench.mark();
      const end = await approve(bench.browser, plan);
      expect(end.error?.code).toBe('plan/stale');
      expect(bench.count('09', '14')).toBe(0);
      expect(await bench.nextStep()).toBeNull();
    }));
});
