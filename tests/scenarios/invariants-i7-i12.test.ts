import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '#base/hex.ts';
import { seededRandom } from '#base/random.ts';
import { findChainBreak } from '#contract/journal.ts';
import type { WritePlan } from '#contract/plan.ts';
import type { CarData } from '#simulator/car-data.ts';
import { approve, atTheCar, BCM, type Bench, codeOf, codeWith, ORIGINAL, planTwoOptions } from './faults-rig.ts';
import { CAR, PACK } from './jobs.ts';

const WRITE = { ecu: '09', sid: 0x2e, did: 0x0600 } as const;

describe('I7 no self-made interruption', () => {
  it('I7 the lock `job` is held at every change of the module, and let go at the end', () => {
    let held = 0;
    const atChange: number[] = [];
    return atTheCar(
      async (bench) => {
        const plan = await planTwoOptions(bench.browser);
        bench.garage.car.onEvent((event) => {
          if (event.type === 'commit' && event.change.kind === 'dids') atChange.push(held);
        });
        await approve(bench.browser, plan);
        expect(atChange).toEqual([1, 1, 1]);
        expect(held).toBe(0);
      },
      {
        browser: {
          locks: async (name, work) => {
            if (name === 'job') held++;
            try {
              return { value: await work() };
            } finally {
              if (name === 'job') held--;
            }
          },
        },
      },
    );
  });

  it('I7 while a job runs: no second approval, no plan, no scan, no disconnect, no other connection', () =>
    atTheCar(async (bench) => {
      const { service } = bench.browser;
      const later = await bench.browser.service.planCoding({
        commandId: 't',
        moduleId: '710-77A',
        changes: [{ parameterId: 'trailer-hitch', value: 0 }],
        shopCode: { kind: 'module' },
      });
      const plan = await planTwoOptions(bench.browser);
      bench.mark();
      const started = service.approve({ commandId: 'go', planId: plan.id, typed: null });
      await bench.garage.clock.sleep(60);
      expect(bench.journal(plan, 'job-closed')).toEqual([]);
      const busy = [
        service.approve({ commandId: 'go 2', planId: later.id, typed: null }),
        planTwoOptions(bench.browser),
        service.scan({ commandId: 'scan again' }),
        service.takeBackup({ commandId: 'backup', moduleId: BCM }),
        service.disconnect(),
        bench.browser.connect(),
      ];
      expect(await Promise.all(busy.map((work) => codeOf(work)))).toEqual(busy.map(() => 'operation/busy'));
      const end = await bench.browser.done(started);
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
      expect(bench.count('09', '2E 06 00')).toBe(1);
    }));

  it('I7 cancel during the proof is refused; the job ends as it would have', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      const started = await bench.browser.service.approve({ commandId: 'go', planId: plan.id, typed: null });
      while (bench.count('09', '11 02') === 0) await bench.garage.clock.sleep(5);
      expect(await codeOf(bench.browser.service.cancel(started.operationId))).toBe('operation/not-cancellable');
      const end = await bench.browser.done(Promise.resolve(started));
      expect(end.outcome).toMatchObject({ state: 'written-verified', proven: true });
    }));

  it('I7 cancel between two writes ends at the next checkpoint; what is on the module is read and told', () =>
    atTheCar(async (bench) => {
      const plan = await planTwoOptions(bench.browser);
      bench.mark();
      const started = await bench.browser.service.approve({ commandId: 'go', planId: plan.id, typed: null });
      while (bench.count('09', '2E F1 99') === 0) await bench.garage.clock.sleep(1);
      await bench.browser.service.cancel(started.operationId);
      const end = await bench.browser.done(Promise.resolve(started));
      expect(end.result).toBe('cancelled');
      expect(bench.count('09', '2E F1 99')).toBe(1);
      expect(bench.count('09', '2E 06 00')).toBe(0);
      expect(end.outcome).toMatchObject({ state: 'untouched', stampsWritten: ['F199'] });
      expect(await bench.nextStep()).toBeNull();
    }));
});

describe('I9 foreign text stays text', () => {
  const NASTY = '<script>alert(1)</script>\u0000\u001b[31m\u0007"\'`$(x)\r\n../..';
  const data: CarData = {
    ...CAR,
    ecus: CAR.ecus.map((ecu) =>
      ecu.label === '09'
        ? {
            ...ecu,
            dids: {
              ...ecu.dids,
              F18C: { value: toHex(new TextEncoder().encode(NASTY)), read: { sessions: [1, 3] } },
              F197: { value: toHex(new Uint8Array(3000).fill(0x41)), read: { sessions: [1, 3] } },
            },
          }
        : ecu,
    ),
  };

  it('I9 a serial number of markup and control characters: printable text in events, raw bytes in the backup, a plain file name', () =>
    atTheCar(
      async (bench) => {
        const plan = await planTwoOptions(bench.browser);
        const view = (await bench.browser.service.hello({ world: 'training', storagePersistent: true })).vehicle;
        const serial = view?.modules.find(({ moduleId }) => moduleId === BCM)?.identity?.serial ?? '';
        expect(serial).toContain('<script>');
        const strings = texts([bench.browser.events, bench.backups(), bench.records(), view, plan]);
        expect(strings.filter((text) => hasControl(text) && !text.startsWith('@') && !text.includes('\n@'))).toEqual(
          [],
        );
        expect(Math.max(...strings.filter((text) => !text.includes('\n')).map((text) => text.length))).toBeLessThan(
          8200,
        );
        const backup = bench.backups().at(-1);
        expect(backup?.module.reads.find(({ did }) => did === 'F18C')).toEqual({
          did: 'F18C',
          kind: 'bytes',
          hex: toHex(new TextEncoder().encode(NASTY)),
        });
        const file = await bench.browser.service.exportBackup(plan.backupId);
        expect(file.name).toMatch(/^[A-Za-z0-9._-]+$/);
        expect(hasControl(file.text.replaceAll('\n', ''))).toBe(false);
        const again = await bench.browser.service.importBackup({ name: file.name, text: file.text });
        expect(again.known).toBe(true);
        const end = await approve(bench.browser, plan);
        expect(end.outcome?.proven).toBe(true);
      },
      { data },
    ));
});

/** Every string in a value of plain data. */
function texts(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(texts);
}

function hasControl(text: string): boolean {
  return [...text].some((char) => {
    const code = char.charCodeAt(0);
    return (code < 0x20 && char !== '\n') || (code >= 0x7f && code < 0xa0);
  });
}

describe('I10 voltage', () => {
  it('I10 below 11.8 V nothing is written; the next write of a running job waits for nobody: it stops', () =>
    atTheCar(async (bench) => {
      const { plan, end } = await codeWith(
        bench,
        { ecu: '09', sid: 0x2e, did: 0xf198 },
        { kind: 'conditions', volts: 11.65 },
      );
      expect(end.error?.code).toBe('voltage/blocked');
      expect(bench.count('09', '2E 06 00')).toBe(0);
      expect(bench.coding()).toBe(ORIGINAL);
      const again = await bench.browser.service.planCoding({
        commandId: 'again',
        moduleId: BCM,
        changes: [{ parameterId: 'daytime-lights', value: 0 }],
        shopCode: { kind: 'module' },
      });
      bench.mark();
      expect((await approve(bench.browser, again)).error?.code).toBe('voltage/blocked');
      expect(bench.count('09', '2E')).toBe(0);
      expect(plan.voltage.kind).toBe('known');
    }));
});

describe('I11 the record', () => {
  it('I11 nothing that stands in the journal is ever changed or removed, over a coding, a failure and a restore', () =>
    atTheCar(async (bench) => {
      const seen = new Map<string, string>();
      const altered: string[] = [];
      bench.disk.onDurable = () => {
        const now = bench.disk.table('journal');
        for (const [key, text] of seen) if (now.get(key) !== text) altered.push(key);
        for (const [key, text] of now) seen.set(key, text);
      };
      const plan = await planTwoOptions(bench.browser);
      await approve(bench.browser, plan);
      await codeWithout(bench);
      await bench.expectRestorable(plan);
      expect(altered).toEqual([]);
      expect(seen.size).toBeGreaterThan(30);
      expect(findChainBreak(bench.records())).toBeNull();
      expect(await bench.browser.service.verifyRecord()).toMatchObject({ records: seen.size, broken: null });
    }));

  it('I11 a record that was changed on disk is found, with its number', () =>
    atTheCar(async (bench) => {
      await approve(bench.browser, await planTwoOptions(bench.browser));
      const key = [...bench.disk.table('journal').keys()][5] ?? '';
      const text = bench.disk.table('journal').get(key) ?? '';
      bench.disk.table('journal').set(key, text.replace(/"wallMs":\d/, '"wallMs":9'));
      const found = await bench.browser.service.verifyRecord().catch((error: unknown) => error);
      expect(JSON.stringify(found)).toMatch(/"sequence":6|store\/corrupt/);
    }));
});

async function codeWithout(bench: Bench): Promise<void> {
  const plan = await planTwoOptions(bench.browser);
  bench.fault(WRITE, { kind: 'negative', nrc: 0x22 });
  await approve(bench.browser, plan);
  bench.garage.car.faults.set([]);
}

describe('I12 unknown bits', () => {
  const body = PACK.definitions.find((known) => known.shortName === 'BCM');
  const options = (body?.parameters ?? []).filter(
    // One needs newer software, and of two one needs the other.
    ({ id }) => id !== 'rear-fog-both-sides' && !id.startsWith('trailer-'),
  );
  it.each([1, 2, 3, 4, 5, 6])(
    'I12 random bytes, random legal changes (seed %i): on the module no bit outside the options has moved',
    (seed) => {
      const random = seededRandom(seed);
      const start = fromHex(ORIGINAL).map((byte, i) => (i === 0 ? byte : random.below(256)));
      // Where an option is, it keeps a legal value; every other bit is random.
      const original = fromHex(ORIGINAL);
      for (const { position } of options)
        for (let bit = 0; bit < position.lengthBits; bit++) {
          const mask = 1 << (position.bit + bit);
          start[position.byte] = ((start[position.byte] ?? 0) & ~mask) | ((original[position.byte] ?? 0) & mask);
        }
      const data: CarData = {
        ...CAR,
        ecus: CAR.ecus.map((ecu) => {
          const block = ecu.dids['0600'];
          return ecu.label === '09' && block
            ? { ...ecu, dids: { ...ecu.dids, '0600': { ...block, value: toHex(start) } } }
            : ecu;
        }),
      };
      return atTheCar(
        async (bench) => {
          const chosen = options.filter((option) => option.compu.kind === 'texttable' && random.next() < 0.6);
          const plan: WritePlan = await bench.browser.service.planCoding({
            commandId: 'p',
            moduleId: BCM,
            changes: chosen.map((option) => ({
              parameterId: option.id,
              value: 1 - (((start[option.position.byte] ?? 0) >> option.position.bit) & 1),
            })),
            shopCode: { kind: 'module' },
          });
          const end = await approve(bench.browser, plan);
          expect(end.outcome, JSON.stringify(end.error)).toMatchObject({ proven: true });
          const allowed = new Uint8Array(start.length);
          for (const { position } of chosen)
            for (let bit = 0; bit < position.lengthBits; bit++)
              allowed[position.byte] = (allowed[position.byte] ?? 0) | (1 << (position.bit + bit));
          const now = fromHex(bench.coding());
          const moved = now.map((byte, i) => byte ^ (start[i] ?? 0));
          expect(moved.some((byte) => byte !== 0)).toBe(true);
          expect(toHex(moved.map((byte, i) => byte & ~(allowed[i] ?? 0)))).toBe('00'.repeat(start.length));
        },
        { data, seed },
      );
    },
  );
});
