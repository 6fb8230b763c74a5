import { expect, it, vi } from 'vitest';
import { carOf, packOf } from '../support/workshop.ts';
import { approve, atTheCar, type Bench, codeWith } from './faults-rig.ts';

const WRONG_SEED = { kind: 'answer', pdu: '67 03 11 22 33 44' } as const;
function headUnit() {
  const data = carOf(['5F', '19']);
  return {
    pack: packOf(['5F', '19']),
    data: { ...data, ecus: data.ecus.map((ecu) => ({ ...ecu, security: { ...ecu.security, maxWrongKeys: 1 } })) },
  };
}
function planDeveloperMenu(bench: Bench) {
  return bench.browser.service.planCoding({
    commandId: bench.browser.commandId(),
    moduleId: '773-7DD',
    changes: [{ parameterId: 'developer-menu', value: 0 }],
    shopCode: { kind: 'module' },
  });
}

it('U01 while 78 keeps coming the operation says "module-working" (events of type waiting)', () =>
  atTheCar(async (bench) => {
    const { plan } = await codeWith(
      bench,
      { ecu: '09', sid: 0x2e, did: 0x0600 },
      { kind: 'pending', count: 12, everyMs: 4000 },
    );
    expect(bench.events(plan).filter((event) => event.type === 'waiting')).toContainEqual(
      expect.objectContaining({ reason: 'module-working' }),
    );
  }));

it('U02 while 21 is waited for the operation says "module-busy"', () =>
  atTheCar(async (bench) => {
    const { plan } = await codeWith(
      bench,
      { ecu: '09', sid: 0x2e, did: 0x0600, times: 3 },
      { kind: 'negative', nrc: 0x21 },
    );
    expect(bench.events(plan)).toContainEqual(expect.objectContaining({ type: 'waiting', reason: 'module-busy' }));
  }));

it('U05 D05 the clock goes back a day during a lock-out: no longer than the lock-out itself is waited for', () =>
  atTheCar(async (bench) => {
    const plan = await planDeveloperMenu(bench);
    bench.fault({ ecu: '5F', sid: 0x27, sub: 3 }, WRONG_SEED);
    await approve(bench.browser, plan);
    bench.garage.car.faults.set([]);
    const { wallMs } = bench.garage.clock;
    vi.spyOn(bench.garage.clock, 'wallMs').mockImplementation(() => wallMs.call(bench.garage.clock) - 86_400_000);
    const second = await approve(bench.browser, await planDeveloperMenu(bench));
    const { remainingMs = Number.NaN } = (second.error?.details ?? {}) as { remainingMs?: number };
    expect(remainingMs).toBeLessThanOrEqual(600_000);
  }, headUnit()));

it('U05 after the lock-out has run out (and, for U04, after a new ignition cycle) a person can try again', () =>
  atTheCar(async (bench) => {
    const plan = await planDeveloperMenu(bench);
    bench.fault({ ecu: '5F', sid: 0x27, sub: 3 }, WRONG_SEED);
    await approve(bench.browser, plan);
    bench.garage.car.faults.set([]);
    await bench.garage.clock.sleep(601_000);
    await bench.garage.car.set({ ignition: false });
    await bench.garage.clock.sleep(5000);
    await bench.garage.car.set({ ignition: true });
    await bench.garage.clock.sleep(5000);
    const refused = await approve(bench.browser, await planDeveloperMenu(bench));
    expect(refused.error?.code).toBe('security/attempt-used');
    const again = await approve(bench.browser, await planDeveloperMenu(bench), { tryKeyAgain: true });
    expect(again).toMatchObject({ result: 'done', error: null, outcome: { proven: true } });
  }, headUnit()));
