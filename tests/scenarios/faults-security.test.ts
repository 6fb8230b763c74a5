import { describe, expect, it } from 'vitest';
import type { DefinitionPack, SecurityLevel } from '#contract/definition.ts';
import type { SecurityRecord } from '#contract/diagnostics.ts';
import { isStackError } from '#contract/errors.ts';
import type { WritePlan } from '#contract/plan.ts';
import { carOf, packOf } from '../support/workshop.ts';
import { approve, atTheCar, type Bench, type BenchOptions } from './faults-rig.ts';

const HEAD_UNIT = '773-7DD';
/** Head unit (an option behind level 3) and gateway. `wrongKeys`: how many the head unit takes before it locks. */
function headUnit(wrongKeys = 2): BenchOptions {
  const data = carOf(['5F', '19']);
  return {
    pack: packOf(['5F', '19']),
    data: {
      ...data,
      ecus: data.ecus.map((ecu) => ({ ...ecu, security: { ...ecu.security, maxWrongKeys: wrongKeys } })),
    },
  };
}

/** The seed of 27 03 is replaced on its way: the key made of it is wrong, and the module counts it. */
const WRONG_SEED = { kind: 'answer', pdu: '67 03 11 22 33 44' } as const;
const SEED = { ecu: '5F', sid: 0x27, sub: 3 } as const;

function planDeveloperMenu(bench: Bench): Promise<WritePlan> {
  return bench.browser.service.planCoding({
    commandId: bench.browser.commandId(),
    moduleId: HEAD_UNIT,
    changes: [{ parameterId: 'developer-menu', value: 0 }],
    shopCode: { kind: 'module' },
  });
}

function securityRows(bench: Bench): readonly SecurityRecord[] {
  return [...bench.disk.table('security').values()].map((text) => JSON.parse(text) as SecurityRecord);
}

function untouched(bench: Bench): void {
  expect(bench.garage.did('5F', '0612')).toBe('0000000000000001');
  expect(bench.count('5F', '2E 06 12')).toBe(0);
}

describe('keys (behaviour 5)', () => {
  it('a right key: 27 03 and 27 04 once each, the seed and the key nowhere in journal or trace, the option written and proven', () =>
    atTheCar(async (bench) => {
      const plan = await planDeveloperMenu(bench);
      bench.mark();
      const end = await approve(bench.browser, plan);
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.count('5F', '27 03')).toBe(1);
      expect(bench.count('5F', '27 04')).toBe(1);
      const key = bench.requests('5F', '27 04')[0]?.hex.slice(6) ?? '';
      expect(bench.journal(plan, 'intent')[0]?.requests).toEqual(['27 03', '27 04 **']);
      await bench.garage.clock.sleep(2000);
      const stored = JSON.stringify([...bench.disk.rows].map(([name, rows]) => [name, [...rows.values()]]));
      expect(stored).toContain('27 04');
      expect(stored).not.toContain(key);
      expect(stored).not.toContain(key.replaceAll(' ', ''));
      expect(bench.garage.did('5F', '0612')).not.toBe(plan.blocks[0]?.oldHex);
      expect(bench.garage.did('5F', '0612')).toBe(plan.blocks[0]?.newHex);
    }, headUnit()));

  it('U04 a wrong key (35): one key, stopped, remembered on disk; nothing written; closed', () =>
    atTheCar(async (bench) => {
      const plan = await planDeveloperMenu(bench);
      bench.mark();
      bench.fault(SEED, WRONG_SEED);
      const end = await approve(bench.browser, plan);
      expect(end.error).toMatchObject({ code: 'security/key-refused', details: { level: 3, nrc: 0x35 } });
      expect(bench.count('5F', '27 04')).toBe(1);
      expect(securityRows(bench)).toEqual([
        expect.objectContaining({ moduleKey: 'CBAYHUN0000019', level: 3, failedKeys: 1 }),
      ]);
      untouched(bench);
      expect(await bench.nextStep()).toBeNull();
    }, headUnit()));

  it('U04 after a failed key nothing is sent by itself again: no 27 in the next job, nor in a new browser on the same disk', () =>
    atTheCar(async (bench) => {
      const plan = await planDeveloperMenu(bench);
      bench.fault(SEED, WRONG_SEED);
      await approve(bench.browser, plan);
      bench.garage.car.faults.set([]);
      bench.mark();
      const again = await approve(bench.browser, await planDeveloperMenu(bench));
      expect(again.error?.code).toBe('security/attempt-used');
      await bench.restartBrowser();
      const third = await approve(bench.browser, await planDeveloperMenu(bench));
      expect(third.error?.code).toBe('security/attempt-used');
      expect(bench.count('5F', '27')).toBe(0);
      untouched(bench);
    }, headUnit()));

  it('U04 U05 after a failed key, and after the lock-out, the person may try again: one key, written; then it is forgotten', () =>
    atTheCar(async (bench) => {
      const plan = await planDeveloperMenu(bench);
      bench.fault(SEED, WRONG_SEED);
      await approve(bench.browser, plan);
      bench.garage.car.faults.set([]);
      const tryAgain = async () => {
        const next = await planDeveloperMenu(bench);
        bench.mark();
        const { service } = bench.browser;
        return bench.browser.done(
          service.approve({ commandId: bench.browser.commandId(), planId: next.id, typed: null, tryKeyAgain: true }),
        );
      };
      expect((await tryAgain()).error?.code).toBe('security/locked-out'); // the person cannot shorten a lock-out
      expect(bench.count('5F', '27')).toBe(0);
      await bench.garage.clock.sleep(601_000);
      const end = await tryAgain();
      expect(end.outcome, JSON.stringify(end.error)).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.count('5F', '27 04')).toBe(1);
      expect(securityRows(bench)[0]).toMatchObject({ failedKeys: 0, lockedUntilWallMs: null });
    }, headUnit(1)));

  it('U05 the module locks (36): the end is on disk, no 27 for ten minutes, also not from a new browser; it shows the lock-out and tells the rest', () =>
    atTheCar(async (bench) => {
      const plan = await planDeveloperMenu(bench);
      bench.fault(SEED, WRONG_SEED);
      bench.mark();
      const end = await approve(bench.browser, plan);
      expect(end.error).toMatchObject({ code: 'security/locked-out', details: { level: 3, remainingMs: 600_000 } });
      expect(bench.count('5F', '27 04')).toBe(1);
      bench.garage.car.faults.set([]);
      bench.mark();
      await bench.garage.clock.sleep(60_000);
      const second = await approve(bench.browser, await planDeveloperMenu(bench));
      expect(second.error?.code).toBe('security/locked-out');
      const view = await bench.restartBrowser();
      expect(view.modules.find(({ moduleId }) => moduleId === HEAD_UNIT)?.lockouts).toEqual([
        { level: 3, untilWallMs: expect.any(Number) },
      ]);
      const third = await approve(bench.browser, await planDeveloperMenu(bench));
      expect(third.error?.code).toBe('security/locked-out');
      const { remainingMs } = (third.error?.details ?? {}) as { remainingMs?: number };
      expect(remainingMs).toBeGreaterThan(480_000);
      expect(remainingMs).toBeLessThan(535_000);
      expect(bench.count('5F', '27')).toBe(0);
      untouched(bench);
      expect(await bench.nextStep()).toBeNull();
    }, headUnit(1)));

  it('U05 37 to the seed: one 27 03, no key, waited for before anything else is sent, then right', () =>
    atTheCar(async (bench) => {
      const plan = await planDeveloperMenu(bench);
      bench.mark();
      bench.fault({ ...SEED, nth: 1 }, { kind: 'negative', nrc: 0x37 });
      const end = await approve(bench.browser, plan);
      expect(end.error?.code).toBe('security/locked-out');
      expect(bench.count('5F', '27 03')).toBe(1);
      expect(bench.count('5F', '27 04')).toBe(0);
      const soon = await approve(bench.browser, await planDeveloperMenu(bench));
      expect(soon.error?.code).toBe('security/locked-out');
      expect(bench.count('5F', '27')).toBe(1);
      await bench.garage.clock.sleep(10_000);
      const later = await approve(bench.browser, await planDeveloperMenu(bench));
      expect(later.outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.count('5F', '27 04')).toBe(1);
    }, headUnit()));

  it('U12 no answer to the key: not sent again in the same step; nothing written', () =>
    atTheCar(async (bench) => {
      const plan = await planDeveloperMenu(bench);
      bench.mark();
      bench.fault({ ecu: '5F', sid: 0x27, sub: 4 }, { kind: 'no-answer', executes: false });
      const end = await approve(bench.browser, plan);
      expect(end.error?.code).toBe('diag/outcome-unknown');
      expect(bench.count('5F', '27 04')).toBe(1);
      untouched(bench);
      expect(await bench.nextStep()).toBeNull();
    }, headUnit()));

  it('U10 the module restarts after the unlock: 2E 06 12 is refused, session and unlock run again, one more key, proven', () =>
    atTheCar(async (bench) => {
      const plan = await planDeveloperMenu(bench);
      bench.mark();
      bench.faultOnceStored(
        '5F',
        'F198',
        { ecu: '5F', sid: 0x22, did: 0xf190, nth: 1 },
        { kind: 'reset', memory: 'old', silentMs: 150 },
      );
      const end = await approve(bench.browser, plan);
      expect(end.outcome, JSON.stringify(end.error)).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.count('5F', '27 04')).toBe(2);
      expect(bench.count('5F', '2E 06 12')).toBe(2);
      expect(bench.dones(plan)).toContain('write-0612 refused 7F');
    }, headUnit()));

  it('a seed of zeros means open already: no key is sent', () =>
    atTheCar(async (bench) => {
      const plan = await planDeveloperMenu(bench);
      bench.mark();
      bench.fault(SEED, { kind: 'answer', pdu: '67 03 00 00 00 00' });
      const end = await approve(bench.browser, plan);
      expect(bench.count('5F', '27 04')).toBe(0);
      // It was not open after all: the module says 33 to the write.
      expect(end.outcome?.state).toBe('untouched');
      expect(bench.count('5F', '2E 06 12')).toBeLessThanOrEqual(2);
      expect(bench.garage.did('5F', '0612')).toBe(plan.blocks[0]?.oldHex);
    }, headUnit()));

  it('U04 no key provider for the level: refused while planning, nothing is sent', () =>
    atTheCar(
      async (bench) => {
        bench.mark();
        const refused = await planDeveloperMenu(bench).catch((error: unknown) => error);
        expect(isStackError(refused, 'security/no-provider')).toBe(true);
        expect(bench.count('5F', '27')).toBe(0);
        expect(bench.count('5F', '2E')).toBe(0);
      },
      { ...headUnit(), pack: otherProvider() },
    ));
});

function otherProvider(): DefinitionPack {
  const pack = packOf(['5F', '19']);
  return {
    ...pack,
    definitions: pack.definitions.map((known) => ({
      ...known,
      securityLevels: known.securityLevels.map((level) => ({
        ...level,
        provider: 'nobody' as SecurityLevel['provider'],
      })),
    })),
  };
}
