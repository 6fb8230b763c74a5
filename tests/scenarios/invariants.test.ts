import { describe, expect, it } from 'vitest';
import { toHex } from '#base/hex.ts';
import { StackError } from '#contract/errors.ts';
import { EventSender } from '#rpc/events.ts';
import { VehicleService } from '../../workers/vehicle/service.ts';
import { memoryStores } from '../support/memory-stores.ts';
import {
  approve,
  atTheCar,
  BCM,
  type Bench,
  codeOf,
  codeWith,
  newBytes,
  ORIGINAL,
  planTwoOptions,
  spaced,
} from './faults-rig.ts';
import { PACK } from './jobs.ts';

const WRITE = { ecu: '09', sid: 0x2e, did: 0x0600 } as const;

function ownRequests(bench: Bench, ecu = '09'): readonly string[] {
  return bench.heard.filter((one) => one.type === 'request' && one.ecu === ecu).map(({ hex }) => hex);
}

describe('I1 durable first', () => {
  it('I1 the original is read in two passes, the second after the whole module and in a new session', () =>
    atTheCar(async (bench) => {
      bench.mark();
      await planTwoOptions(bench.browser);
      const sent = ownRequests(bench).filter((hex) => /^(10|22 (06 00|F1 98|F1 99|F1 A5))/.test(hex));
      const pass = ['10 01', '10 03', '22 06 00', '22 F1 99', '22 F1 98', '22 F1 A5'];
      expect(sent.slice(sent.indexOf('10 01'))).toEqual([...pass, ...pass]); // before it: who the module is
    }));

  it('I1 a byte that only the second pass would show differently stops the plan', () =>
    atTheCar(async (bench) => {
      bench.fault({ ecu: '09', sid: 0x22, did: 0x0600, nth: 2 }, { kind: 'unstable-byte', offset: 7 });
      expect(await codeOf(planTwoOptions(bench.browser))).toBe('backup/unstable');
      expect(bench.count('09', '2E')).toBe(0);
    }));

  it('I1 when the module changes, the backup with every byte that is lost is on disk already', () =>
    atTheCar(async (bench) => {
      const held = new Map(Object.entries(bench.garage.carStore.state?.ecus['09']?.dids ?? {}));
      const lost: string[] = [];
      bench.garage.car.onEvent((event) => {
        if (event.type !== 'commit' || event.change.kind !== 'dids') return;
        for (const did of Object.keys(event.change.values)) {
          const old = held.get(did);
          const saved = bench.backups().some(({ blocks }) => blocks.some((b) => b.did === did && b.hex === old));
          if (!saved) lost.push(did);
        }
      });
      const plan = await planTwoOptions(bench.browser);
      const end = await approve(bench.browser, plan);
      expect(end.outcome?.proven).toBe(true);
      expect(lost).toEqual([]);
    }));

  it('I1 the backup is gone from disk when the plan is approved: nothing is written', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      bench.disk.table('backups').clear();
      bench.mark();
      const end = await approve(bench.browser, plan);
      expect(end.error?.code).toBe('backup/missing');
      expect(bench.count('09', '2E')).toBe(0);
    }));

  it('I1 a clear keeps the full snapshot of the codes, on disk before 14', () =>
    atTheCar(async (bench) => {
      const plan = await bench.browser.service.planClearFaults({ commandId: 'p', moduleId: BCM });
      let saved: unknown = null;
      bench.garage.car.onEvent((event) => {
        if (event.type === 'request' && event.pdu[0] === 0x14) saved = bench.journal(plan, 'intent')[0]?.faults;
      });
      await approve(bench.browser, plan);
      expect(saved).toEqual([{ code: '9A0215', status: 9 }]);
    }));
});

describe('I2 one owner', () => {
  it('I2 the lock `job` is held by another tab: the approved plan does not run, nothing is written', () => {
    let free = true;
    return atTheCar(
      async (bench) => {
        const plan = await planTwoOptions(bench.browser);
        free = false;
        bench.mark();
        const end = await approve(bench.browser, plan);
        expect(end.error?.code).toBe('operation/busy');
        expect(ownRequests(bench)).toEqual([]);
        expect(bench.journal(plan, 'job-opened')).toEqual([]);
      },
      { browser: { locks: async (_, work) => (free ? { value: await work() } : null) } },
    );
  });

  it('I2 the lock `adapter` is held by another tab: adapter/in-use, the port is not opened', () =>
    atTheCar(async (bench) => {
      const { clock } = bench.garage;
      let opened = 0;
      const service = new VehicleService({
        clock,
        events: new EventSender(clock),
        release: 'test',
        keyProviders: new Map(),
        locks: { withLock: async () => null, hold: async () => null },
        openStores: async () => ({ ...memoryStores(bench.disk, clock, false), close: async () => {} }),
        loadPacks: async () => [PACK],
        parseBackup: () => {
          throw new RangeError('not used');
        },
        grantedAdapters: async () => [],
        grantedPorts: async () => [
          {
            usb: null,
            open: () => {
              opened++;
              return Promise.reject(new StackError('transport/closed', 'not for you', {}));
            },
          },
        ],
        openSimulated: () => Promise.reject(new StackError('transport/closed', 'not for you', {})),
        recognise: () => Promise.reject(new StackError('transport/closed', 'not for you', {})),
        newId: () => 'x',
      });
      expect(await codeOf(service.connectSerial({ usb: null }))).toBe('adapter/in-use');
      expect(opened).toBe(0);
      await service.end();
    }));
});

describe('I3 intent first', () => {
  it('I3 each change of the module is preceded by its intent, on disk and not yet done', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      const seen: string[] = [];
      bench.garage.car.onEvent((event) => {
        if (event.type !== 'request' || event.ecu !== '09' || ![0x2e, 0x11, 0x14, 0x27].includes(event.pdu[0] ?? 0))
          return;
        const request = spaced(toHex(event.pdu));
        const last = bench.journal(plan, 'intent').at(-1);
        const done = bench.journal(plan, 'done').some(({ stepId }) => stepId === last?.stepId);
        seen.push(`${request.slice(0, 8)} ${last?.requests.includes(request) === true && !done}`);
      });
      await approve(bench.browser, plan);
      expect(seen).toEqual(['2E F1 99 true', '2E F1 98 true', '2E 06 00 true', '11 02 true']);
    }));

  it('I3 an intent that cannot be stored stops its step: 2E 06 00 is not sent', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      bench.mark();
      bench.disk.onDurable = () => {
        if (bench.dones(plan).length === 2) bench.disk.quotaRows = 0;
      };
      expect((await approve(bench.browser, plan)).error?.code).toBe('store/quota');
      expect(bench.count('09', '2E F1 98')).toBe(1);
      expect(bench.count('09', '2E 06 00')).toBe(0);
    }));
});

describe('I4 one next step', () => {
  const cut = { kind: 'unplug', at: 'answer' } as const;

  it('I4 a job that ended without certainty stays open with one step, and blocks writes to its car', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(bench, WRITE, cut);
      expect(end.outcome).toMatchObject({ state: 'unknown', proven: false });
      expect(bench.journal(plan, 'job-closed')).toEqual([]);
      bench.garage.car.faults.set([]);
      await bench.browser.connect();
      expect(await bench.nextStep()).toBe('check');
      const trailer = {
        commandId: 't',
        moduleId: '710-77A',
        changes: [{ parameterId: 'trailer-hitch', value: 0 }],
        shopCode: { kind: 'module' },
      } as const;
      expect(await codeOf(bench.browser.service.planCoding(trailer))).toBe('job/unfinished');
      expect(await codeOf(planTwoOptions(bench.browser))).toBe('job/unfinished');
      await bench.takeAllSteps();
      expect((await bench.browser.service.planCoding(trailer)).blocks).toHaveLength(1);
    }));

  it('I4 a plan made before the other job broke is refused too', () =>
    atTheCar(async (bench) => {
      const early = await bench.browser.service.planCoding({
        commandId: 't',
        moduleId: '710-77A',
        changes: [{ parameterId: 'trailer-hitch', value: 0 }],
        shopCode: { kind: 'module' },
      });
      await codeWith(bench, WRITE, cut);
      bench.garage.car.faults.set([]);
      await bench.browser.connect();
      bench.mark();
      const end = await approve(bench.browser, early);
      expect(end.error?.code).toBe('job/unfinished');
      expect(bench.count('19', '2E')).toBe(0);
      expect(await bench.nextStep()).toBe('check');
    }));

  it('I4 another car is not blocked', () =>
    atTheCar(async (bench) => {
      await codeWith(bench, WRITE, cut);
      await bench.garage.car.factoryReset('other-car');
      bench.garage.car.faults.set([]);
      await bench.restartBrowser();
      const end = await approve(bench.browser, await planTwoOptions(bench.browser));
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(await bench.nextStep()).toBe('check');
    }));

  it('I4 a job is parked with a name: all of it in a file first, then nothing is blocked', () =>
    atTheCar(async (bench) => {
      const { plan } = await codeWith(bench, WRITE, cut);
      bench.garage.car.faults.set([]);
      await bench.browser.connect();
      const { service } = bench.browser;
      const job = { operationId: plan.operationId, name: 'A. Weber' };
      const file = await service.parkJob(job);
      expect(file.text).toContain(ORIGINAL);
      expect(file.text).toContain(newBytes(plan));
      expect(await bench.nextStep()).toBe('check');
      await expect(service.confirmParked({ ...job, fileSha256: '0'.repeat(64) })).rejects.toBeInstanceOf(StackError);
      expect(await bench.nextStep()).toBe('check');
      await service.confirmParked({ ...job, fileSha256: file.sha256 });
      expect(await bench.nextStep()).toBeNull();
      expect(bench.journal(plan, 'job-parked')).toEqual([
        { type: 'job-parked', name: 'A. Weber', fileSha256: file.sha256 },
      ]);
    }));
});

describe('I5 green is proven', () => {
  it('I5 a green end has read every block back after the write, and again after the restart in a new session', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      bench.mark();
      const end = await approve(bench.browser, plan);
      expect(end.outcome?.proven).toBe(true);
      const sent = ownRequests(bench)
        .filter((hex) => /^(2E 06 00|22 06 00|11|10)/.test(hex))
        .map((hex) => hex.slice(0, 8));
      expect(sent.slice(sent.indexOf('2E 06 00'))).toEqual([
        '2E 06 00',
        '22 06 00',
        '11 02',
        '10 01',
        '10 03',
        '22 06 00',
      ]);
      expect(bench.journal(plan, 'read-back').map(({ stage, equal }) => `${stage} ${equal}`)).toEqual([
        'after-write true',
        'after-reset true',
      ]);
    }));

  it('I5 a module that says yes and stores something else is never green', () =>
    atTheCar(async (bench) => {
      const { end } = await codeWith(bench, WRITE, { kind: 'store-partly' });
      expect(end.outcome?.proven).toBe(false);
      expect(end.outcome?.state).not.toMatch(/written-verified|restored/);
      expect(end.result).toBe('failed');
    }));

  it('I5 where the definition has no restart, the second look is in a fresh session', () =>
    atTheCar(async (bench) => {
      const plan = await bench.browser.service.planCoding({
        commandId: 't',
        moduleId: '710-77A',
        changes: [{ parameterId: 'trailer-hitch', value: 0 }],
        shopCode: { kind: 'module' },
      });
      bench.mark();
      await approve(bench.browser, plan);
      const sent = ownRequests(bench, '19')
        .filter((hex) => /^(2E 06 00|22 06 00|11|10)/.test(hex))
        .map((hex) => hex.slice(0, 8));
      expect(sent.slice(sent.indexOf('2E 06 00'))).toEqual(['2E 06 00', '22 06 00', '10 01', '10 03', '22 06 00']);
    }));
});

describe('I6 no blind retry', () => {
  it.each([true, false])(
    'I6 no answer to 2E 06 00 (executed: %s): sent once, the state is read before anything else',
    (executes) =>
      atTheCar(async (bench) => {
        const { end } = await codeWith(bench, WRITE, { kind: 'no-answer', executes });
        expect(bench.count('09', '2E 06 00')).toBe(1);
        const after = ownRequests(bench);
        const next = after.slice(after.findIndex((hex) => hex.startsWith('2E 06 00')) + 1);
        expect(next.findIndex((hex) => hex.startsWith('22 06 00'))).toBeGreaterThanOrEqual(0);
        expect(next.slice(0, next.indexOf('22 06 00')).every((hex) => /^(3E|10|22)/.test(hex))).toBe(true);
        expect(end.outcome?.state).toBe(executes ? 'written-verified' : 'untouched');
      }),
  );

  it('I6 no answer to 11 02: sent once', () =>
    atTheCar(async (bench) => {
      await codeWith(bench, { ecu: '09', sid: 0x11 }, { kind: 'no-answer', executes: true });
      expect(bench.count('09', '11 02')).toBe(1);
    }));
});
