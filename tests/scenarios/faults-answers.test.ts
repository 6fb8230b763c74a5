import { describe, expect, it } from 'vitest';
import { approve, atTheCar, BCM, codeOf, codeWith, newBytes, ORIGINAL, planTwoOptions, spaced } from './faults-rig.ts';
import { PACK } from './jobs.ts';

const WRITE = { ecu: '09', sid: 0x2e, did: 0x0600 } as const;
const READ = { ecu: '09', sid: 0x22, did: 0x0600 } as const;
const ALL_ACCEPTED = ['prelude-F199 accepted', 'prelude-F198 accepted', 'write-0600 accepted', 'reset accepted'];

describe('78: the module is working (behaviour 1)', () => {
  it('U01 twelve times 78 every 4 s on 2E 06 00: one request, silence until the answer, then proven', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, WRITE, { kind: 'pending', count: 12, everyMs: 4000 });
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.count('09', '2E 06 00')).toBe(1);
      bench.expectSilenceUntilAnswered('09', '2E 06 00');
      expect(bench.coding()).toBe(newBytes(plan));
      expect(bench.dones(plan)).toEqual(ALL_ACCEPTED);
      expect(bench.journal(plan, 'job-closed')).toHaveLength(1);
      expect(await bench.nextStep()).toBeNull();
      await bench.expectRestorable(plan);
    }));

  it('U01 78 without end on 2E 06 00: given up after 60 s, not sent again; the one step is to check, once it has restarted', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, WRITE, { kind: 'pending-forever', everyMs: 4000 });
      expect(bench.count('09', '2E 06 00')).toBe(1);
      expect(bench.dones(plan).at(-1)).toBe('write-0600 unknown');
      expect(end.outcome).toMatchObject({ state: 'unknown', proven: false });
      expect(await bench.nextStep()).toBe('check');
      bench.garage.car.faults.set([]);
      await bench.garage.car.powerCut(1000);
      await bench.garage.clock.sleep(5000);
      expect(await bench.takeAllSteps()).toEqual(['check']);
      expect(bench.coding()).toBe(ORIGINAL);
      expect(bench.count('09', '2E 06 00')).toBe(1);
    }));

  it('U01 thirty times 78 every 900 ms on 14: one clear, silence until the answer, the codes are gone', () =>
    atTheCar(async (bench) => {
      const plan = await bench.browser.service.planClearFaults({ commandId: 'p', moduleId: BCM });
      bench.mark();
      bench.fault({ ecu: '09', sid: 0x14 }, { kind: 'pending', count: 30, everyMs: 900 });
      const end = await approve(bench.browser, plan);
      expect(end.outcome).toMatchObject({ proven: true, faultsGone: [{ code: '9A0215' }] });
      expect(bench.count('09', '14')).toBe(1);
      bench.expectSilenceUntilAnswered('09', '14');
      expect(bench.intents(plan)).toEqual(['clear']);
      expect(bench.journal(plan, 'intent')[0]?.faults).toEqual([{ code: '9A0215', status: 9 }]);
      expect(await bench.nextStep()).toBeNull();
    }));

  it('U01 78 before the answer to a read: the read is asked once', () =>
    atTheCar(async (bench) => {
      bench.fault({ ...READ, nth: 1 }, { kind: 'pending', count: 5, everyMs: 2000 });
      bench.mark();
      await planTwoOptions(bench.browser);
      expect(bench.count('09', '22 06 00')).toBe(2); // the two passes of the backup
      bench.expectSilenceUntilAnswered('09', '22 06 00');
    }));
});

describe('late answers (behaviour 2)', () => {
  it('an answer 5.6 s after the last 78 of 2E 06 00 is not taken for another one; the read-back decides, one write', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, WRITE, { kind: 'late', pendings: 1, delayMs: 5600 });
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.count('09', '2E 06 00')).toBe(1);
      expect(bench.dones(plan)[2]).toBe('write-0600 unknown');
      expect(bench.journal(plan, 'read-back')[0]).toMatchObject({ did: '0600', equal: true, stage: 'after-write' });
      expect(bench.coding()).toBe(newBytes(plan));
      expect(await bench.nextStep()).toBeNull();
      await bench.expectRestorable(plan);
    }));

  it('a late 62 F1 90 during the compare before the write is not the answer to 22 F1 87', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(
        bench,
        { ecu: '09', sid: 0x22, did: 0xf190, nth: 2 },
        { kind: 'late', pendings: 0, delayMs: 400 },
      );
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.coding()).toBe(newBytes(plan));
    }));
});

describe('busy and refused (behaviours 11, 12)', () => {
  it('U02 21 three times on 2E 06 00: repeated under the same permit, each repeat in the journal first, then proven', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, { ...WRITE, times: 3 }, { kind: 'negative', nrc: 0x21 });
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.count('09', '2E 06 00')).toBe(4);
      expect(bench.intents(plan).filter((id) => id === 'write-0600')).toHaveLength(1);
      expect(bench.journal(plan, 'repeat').map(({ nrc, count }) => [nrc, count])).toEqual([
        [0x21, 1],
        [0x21, 2],
        [0x21, 3],
      ]);
      expect(bench.coding()).toBe(newBytes(plan));
    }));

  it('U02 21 without end on 2E 06 00: at most eleven sends, then stopped; old bytes, closed as untouched', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, WRITE, { kind: 'negative', nrc: 0x21 });
      expect(end.error).toMatchObject({ code: 'diag/negative-response', details: { nrc: 0x21 } });
      expect(bench.count('09', '2E 06 00')).toBeLessThanOrEqual(11);
      expect(bench.count('09', '2E 06 00')).toBe(1 + bench.journal(plan, 'repeat').length);
      expect(bench.coding()).toBe(ORIGINAL);
      expect(end.outcome?.state).toBe('untouched');
      expect(await bench.nextStep()).toBeNull();
    }));

  it('U02 21 on 22 06 00 while the backup is read: asked again, the backup holds the true bytes', () =>
    atTheCar(async (bench) => {
      bench.fault({ ...READ, times: 3 }, { kind: 'negative', nrc: 0x21 });
      const plan = await planTwoOptions(bench.browser);
      expect(bench.count('09', '22 06 00')).toBe(5);
      expect(plan.blocks[0]?.oldHex).toBe(ORIGINAL);
      expect(bench.backups().at(-1)?.blocks[0]).toMatchObject({ did: '0600', hex: ORIGINAL });
    }));

  it.each([
    ['U03', 0x22, 'conditions not correct'],
    ['U04', 0x33, 'security access denied, without an unlock in the plan'],
    ['U07', 0x31, 'request out of range'],
    ['U07', 0x13, 'incorrect length'],
    ['U08', 0x92, 'voltage too high'],
    ['U08', 0x93, 'voltage too low'],
  ])('%s NRC %i on 2E 06 00 (%s): one request, nothing written, closed as untouched with the reason', (_, nrc) =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, WRITE, { kind: 'negative', nrc });
      expect(end.error).toMatchObject({ code: 'diag/negative-response', details: { sid: 0x2e, nrc } });
      expect(end.outcome).toMatchObject({ state: 'untouched', proven: true });
      expect(bench.count('09', '2E 06 00')).toBe(1);
      expect(bench.count('09', '11')).toBe(0);
      expect(bench.dones(plan).at(-1)).toBe(`write-0600 refused ${nrc.toString(16).toUpperCase()}`);
      expect(bench.coding()).toBe(ORIGINAL);
      expect(await bench.nextStep()).toBeNull();
    }),
  );

  it('U04 a NRC 72 proves nothing: the module is read before the job says what it holds', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, WRITE, { kind: 'negative', nrc: 0x72 });
      expect(bench.dones(plan).at(-1)).toBe('write-0600 unknown 72');
      expect(bench.count('09', '2E 06 00')).toBe(1);
      expect(bench.journal(plan, 'checked')).toEqual([
        expect.objectContaining({ state: 'untouched', blocks: [{ did: '0600', holds: 'old', hex: ORIGINAL }] }),
      ]);
      expect(end.outcome?.state).toBe('untouched');
    }));

  it.each([
    ['the engine runs', { rpm: 800 }, 0x83],
    ['the car moves', { speedKmh: 12 }, 0x88],
  ])('U03 %s: the module refuses 2E F1 99, nothing is repeated, nothing written', (_, conditions, nrc) =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      await bench.garage.car.set(conditions);
      bench.mark();
      const end = await approve(bench.browser, plan);
      expect(end.error).toMatchObject({ code: 'diag/negative-response', details: { nrc } });
      expect(bench.count('09', '2E')).toBe(1);
      expect(end.outcome?.state).toBe('untouched');
      expect(bench.coding()).toBe(ORIGINAL);
      expect(await bench.nextStep()).toBeNull();
    }),
  );
});

describe('answers that are not right', () => {
  it('U09 62 06 01 to 22 06 00: rejected, never in a backup, nothing planned', () =>
    atTheCar(async (bench) => {
      bench.fault(READ, { kind: 'wrong-echo', did: 0x0601 });
      expect(await codeOf(planTwoOptions(bench.browser))).toBe('backup/missing');
      expect(bench.backups()).toEqual([]);
      expect(bench.count('09', '2E')).toBe(0);
    }));

  it('U09 6E 06 01 to 2E 06 00 proves nothing: the module is read, it holds the new bytes, one write', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, WRITE, { kind: 'wrong-echo', did: 0x0601 });
      expect(bench.count('09', '2E 06 00')).toBe(1);
      expect(bench.dones(plan)[2]).toBe('write-0600 unknown');
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.coding()).toBe(newBytes(plan));
    }));

  it.each([-1, 1, -30])('U11 a 62 06 00 that is %i bytes off: no backup, no plan, nothing written', (byBytes) =>
    atTheCar(async (bench) => {
      bench.fault(READ, { kind: 'answer-length', byBytes });
      const code = await codeOf(planTwoOptions(bench.browser));
      expect(['definition/block-length', 'diag/malformed-response']).toContain(code);
      expect(bench.backups()).toEqual([]);
      expect(bench.count('09', '2E')).toBe(0);
    }),
  );

  it('U11 a shorter 62 06 00 at the read-back: not verified, the card says put back', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      bench.mark();
      bench.faultOnceStored('09', '0600', READ, { kind: 'answer-length', byBytes: -2 });
      const end = await approve(bench.browser, plan);
      expect(end.error?.code).toBe('verify/mismatch');
      expect(end.outcome?.proven).toBe(false);
      bench.garage.car.faults.set([]);
      expect(await bench.nextStep()).toBe('put-back');
      expect(await bench.takeAllSteps()).toEqual(['put-back']);
      expect(bench.coding()).toBe(ORIGINAL);
      expect(bench.count('09', `2E 06 00 ${spaced(newBytes(plan))}`)).toBe(1);
    }));

  it('U12 no answer to 2E 06 00 although executed: read again, found new, one write', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, WRITE, { kind: 'no-answer', executes: true });
      expect(bench.count('09', '2E 06 00')).toBe(1);
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.coding()).toBe(newBytes(plan));
      expect(await bench.nextStep()).toBeNull();
    }));

  it('U12 no answer to 2E 06 00 and not executed: read again, found old, closed as untouched, one write', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, WRITE, { kind: 'no-answer', executes: false });
      expect(end.error?.code).toBe('diag/outcome-unknown');
      expect(end.outcome?.state).toBe('untouched');
      expect(bench.count('09', '2E 06 00')).toBe(1);
      expect(bench.count('09', '22 06 00')).toBeGreaterThanOrEqual(2);
      expect(bench.dones(plan).at(-1)).toBe('write-0600 unknown');
      expect(bench.coding()).toBe(ORIGINAL);
      expect(await bench.nextStep()).toBeNull();
    }));

  it('U12 no answer to 14 although executed: not repeated, the card says check, the check finds the codes gone', () =>
    atTheCar(async (bench) => {
      const plan = await bench.browser.service.planClearFaults({ commandId: 'p', moduleId: BCM });
      bench.mark();
      bench.fault({ ecu: '09', sid: 0x14 }, { kind: 'no-answer', executes: true });
      const end = await approve(bench.browser, plan);
      expect(end.outcome).toMatchObject({ state: 'unknown', proven: false });
      expect(bench.count('09', '14')).toBe(1);
      expect(await bench.nextStep()).toBe('check');
      bench.garage.car.faults.set([]);
      expect((await bench.takeStep()).outcome).toMatchObject({ proven: true, faultsGone: [{ code: '9A0215' }] });
      expect(await bench.nextStep()).toBeNull();
      expect(bench.count('09', '14')).toBe(1);
    }));

  it('U14 byte 5 of 0600 differs between the two passes: no backup, no plan, nothing written', () =>
    atTheCar(async (bench) => {
      bench.fault(READ, { kind: 'unstable-byte', offset: 5 });
      expect(await codeOf(planTwoOptions(bench.browser))).toBe('backup/unstable');
      expect(bench.backups()).toEqual([]);
      expect(bench.count('09', '2E')).toBe(0);
    }));

  it('U14 the same byte, named unstable by the definition: backed up, coded, proven', () =>
    atTheCar(
      async (bench) => {
        const { plan, end } = await codeWith(bench, READ, { kind: 'unstable-byte', offset: 5 });
        expect(plan.blocks[0]?.unstableMask).toBe(MASK);
        expect(end.outcome, JSON.stringify(end.error)).toMatchObject({ state: 'written-verified', proven: true });
        expect(bench.coding()).toBe(newBytes(plan));
      },
      { pack: withMask() },
    ));

  it('U14 a byte that begins to move between plan and write: plan/stale, nothing written', () =>
    atTheCar(async (bench) => {
      const { end } = await codeWith(bench, READ, { kind: 'unstable-byte', offset: 5 });
      expect(end.error).toMatchObject({ code: 'plan/stale', details: { what: 'block', id: '0600' } });
      expect(bench.count('09', '2E 06 00')).toBe(0);
      expect(bench.coding()).toBe(ORIGINAL);
      expect(end.outcome?.proven).toBe(false);
    }));

  it('T07 an answer to another tester and a frame of another node come before ours: told apart, proven', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      bench.mark();
      bench.garage.car.faults.set([
        { on: WRITE, effect: { kind: 'foreign-answer', pdu: '62 F1 90 30', leadMs: 1 } },
        {
          on: WRITE,
          effect: { kind: 'other-responder', canId: 0x77a, extended: false, data: '03 6E 06 00', delayMs: 2 },
        },
        { on: READ, effect: { kind: 'foreign-answer', pdu: '62 06 01 00', leadMs: 1 } },
      ]);
      const end = await approve(bench.browser, plan);
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.count('09', '2E 06 00')).toBe(1);
      expect(bench.coding()).toBe(newBytes(plan));
    }));

  it('T07 an answer that comes twice is taken once', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, { ecu: '09' }, { kind: 'repeat-answer', delayMs: 30 });
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.count('09', '2E 06 00')).toBe(1);
      expect(bench.coding()).toBe(newBytes(plan));
    }));
});

describe('suppressed answers (behaviour 17)', () => {
  it('3E 80 keeps the session while the gateway takes 6 s to tell the voltage; nobody answers it, and the write goes on', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(
        bench,
        { ecu: '19', sid: 0x22, did: 0xf442, nth: 3 },
        { kind: 'pending', count: 3, everyMs: 2500 },
      );
      const kept = bench.requests('09', '3E 80');
      expect(kept.length).toBeGreaterThanOrEqual(2);
      const own = bench.heard.filter((one) => one.ecu === '09');
      for (const one of kept) expect(own[own.indexOf(one) + 1]?.type).toBe('request');
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.count('09', '2E 06 00')).toBe(1);
      expect(bench.coding()).toBe(newBytes(plan));
    }));
});

const MASK = `0000000000FF${'00'.repeat(24)}`;

/** The pack with byte 5 of the central electrics' coding named unstable. */
function withMask() {
  return {
    ...PACK,
    definitions: PACK.definitions.map((definition) =>
      definition.shortName === 'BCM'
        ? { ...definition, codingBlocks: definition.codingBlocks.map((block) => ({ ...block, unstableMask: MASK })) }
        : definition,
    ),
  };
}
