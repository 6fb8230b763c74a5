import { describe, expect, it } from 'vitest';
import type { AdapterReport } from '#contract/adapter-check.ts';
import { findChainBreak } from '#contract/journal.ts';
import type { OperationEvent } from '#contract/operation.ts';
import type { FaultScript } from '#contract/simulator-control.ts';
import type { ConnectionView } from '#contract/vehicle-api.ts';
import { MemoryDisk } from '../support/memory-stores.ts';
import { Browser } from '../support/workshop.ts';
import { atTheCar, type Bench, type BenchOptions, codeOf, type Ended } from './faults-rig.ts';
import { newGarage, PACK } from './jobs.ts';

const CANUSB: BenchOptions = { browser: { firmware: 'canusb' } };

async function open(browser: Browser): Promise<Extract<ConnectionView, { kind: 'open' }>> {
  const { connection } = await browser.service.hello({ world: 'training', storagePersistent: true });
  if (connection.kind !== 'open') throw new Error(`the connection is ${connection.kind}`);
  return connection;
}

/** Runs the check to its end, with these faults of the car or on the way to it. */
async function check(bench: Bench, faults: FaultScript = []): Promise<{ end: Ended; report: AdapterReport | null }> {
  bench.garage.car.faults.set(faults);
  bench.mark();
  const end = await bench.browser.done(bench.browser.service.checkAdapter({ commandId: bench.browser.commandId() }));
  const { connection } = await bench.browser.service.hello({ world: 'training', storagePersistent: true });
  return { end, report: connection.kind === 'open' ? connection.check : null };
}

function storedReports(bench: Bench): readonly AdapterReport[] {
  return [...bench.disk.table('adapterReports').values()].map((text) => JSON.parse(text) as AdapterReport);
}

function phases(events: readonly OperationEvent[]): readonly string[] {
  return events.flatMap((event) =>
    event.type === 'phase-started' || event.type === 'phase-finished' ? [`${event.type.slice(6)} ${event.phase}`] : [],
  );
}

/** Services that were asked for, whatever the ECU. */
function services(bench: Bench): ReadonlySet<string> {
  return new Set(bench.heard.filter(({ type }) => type === 'request').map(({ hex }) => hex.slice(0, 2)));
}

describe('the adapter check on a car', () => {
  it('an slcan adapter that acknowledges passes: it may code and, from then on, program', () =>
    atTheCar(async (bench) => {
      const before = await open(bench.browser);
      expect(before.check).toBeNull();
      expect(before.adapter.verdict.program).toEqual({ may: false, reason: 'not-qualified' });

      const { end, report } = await check(bench);
      expect(end.result, JSON.stringify(end.error)).toBe('done');
      expect(report).toMatchObject({
        key: 'slcan|403:ffa8|CB01|CANUSB|V1013',
        simulated: true,
        toolVersion: 'test',
        longReceive: { kind: 'passed', count: 20 },
        longSend: { kind: 'passed' },
        dropFree: { kind: 'passed' },
        survivesReplug: 'unknown',
        verdict: { read: { may: true }, code: { may: true }, program: { may: true } },
      });
      expect(report?.voltage).toMatchObject({ kind: 'known', source: 'module', from: 'GW' });
      // 62 F1 90 and the seventeen of the VIN.
      expect(report?.longReceive).toEqual({ kind: 'passed', count: 20, bytes: 20 });
      // Four identifiers five times with values, then 20 (41 bytes) and 127 (255 bytes) refused by 13 after the whole request.
      expect(report?.longSend).toEqual({ kind: 'passed', count: 15, bytes: 255 });
      expect(report?.dropFree).toMatchObject({ count: 200, bytes: 255 });
      expect(report?.moduleRoundTripMs?.count).toBeGreaterThan(100);
      expect(report?.moduleRoundTripMs?.median).toBeGreaterThan(2);
      expect(report?.moduleRoundTripMs?.p99).toBeLessThan(50);
      expect(report?.receiveBytesPerSecond).toBeGreaterThan(500);

      const after = await open(bench.browser);
      expect(after.adapter.verdict).toEqual(report?.verdict);
      expect(after.adapter.verdict.program).toEqual({ may: true });
      expect(storedReports(bench)).toEqual([report]);
      const note = bench.records().at(-1)?.body;
      expect(note).toMatchObject({ type: 'note', what: 'adapter-checked' });
      expect(findChainBreak(bench.records())).toBeNull();
    }, CANUSB));

  it('tells its phases in order, each with its total, and each may be ended at once', () =>
    atTheCar(async (bench) => {
      const { end } = await check(bench);
      const events = bench.browser.operationEvents(end.operationId);
      expect(phases(events)).toEqual([
        'started round-trips',
        'finished round-trips',
        'started long-answers',
        'finished long-answers',
        'started long-requests',
        'finished long-requests',
        'started drop-free',
        'finished drop-free',
      ]);
      for (const event of events)
        if (event.type === 'phase-started') {
          expect(event.cancel).toBe('immediate');
          expect(event.total).toBeGreaterThan(0);
        }
      expect(events.flatMap((event) => (event.type === 'progress' ? [event.done] : [])).at(-1)).toBe(200);
    }, CANUSB));

  it('only reads, in the default session: 22 and 3E, nothing that has an effect', () =>
    atTheCar(async (bench) => {
      await check(bench);
      expect(services(bench)).toEqual(new Set(['22', '3E']));
      expect(bench.requests('09', '22 F1 90').filter(({ hex }) => hex === '22 F1 90').length).toBeGreaterThanOrEqual(
        20,
      );
      expect(bench.garage.car.ecus.map(({ ram }) => ram.session)).toEqual([1, 1]);
    }, CANUSB));

  it('closes a session that an earlier job left open before it asks', () =>
    atTheCar(async (bench) => {
      await bench.browser.service.planCoding({
        commandId: 'p',
        moduleId: '70E-778',
        changes: [{ parameterId: 'daytime-lights', value: 0 }],
        shopCode: { kind: 'module' },
      });
      expect(bench.garage.car.ecus.find(({ label }) => label === '09')?.ram.session).toBe(3);
      await check(bench);
      expect(services(bench)).toEqual(new Set(['10', '22', '3E']));
      expect(
        bench.heard.filter(({ type, hex }) => type === 'request' && hex.startsWith('10')).map(({ hex }) => hex),
      ).toEqual(['10 01']);
    }, CANUSB));

  it('a CANable that passes all of it still may not program: nobody knows what it sent', () =>
    atTheCar(async (bench) => {
      const { report } = await check(bench);
      expect(report?.dropFree.kind).toBe('passed');
      expect(report?.verdict.program).toEqual({ may: false, reason: 'no-transmit-confirmation' });
    }));

  it('without a scan measures what is the adapter’s own; the part on the car waits for a scan', async () => {
    const garage = await newGarage();
    const browser = new Browser(garage, new MemoryDisk(), { packs: [PACK], firmware: 'canusb' });
    await garage.clock.run(async () => {
      await browser.connect();
      const end = await browser.done(browser.service.checkAdapter({ commandId: 'c' }));
      expect(end.result).toBe('done');
      const { check: report, adapter } = await open(browser);
      const none = { kind: 'not-run', why: 'no-module' };
      expect(report).toMatchObject({ longReceive: none, longSend: none, dropFree: none, moduleRoundTripMs: null });
      expect(adapter.verdict).toMatchObject({ code: { may: true }, program: { may: false, reason: 'not-qualified' } });
    });
  });

  it('at a car that fell asleep since the scan finds no module, and says nothing against the adapter', () =>
    atTheCar(async (bench) => {
      const { report } = await check(bench, [{ on: {}, effect: { kind: 'no-answer', executes: false } }]);
      const none = { kind: 'not-run', why: 'no-module' };
      expect(report).toMatchObject({ longReceive: none, longSend: none, dropFree: none });
      expect(report?.verdict.code).toEqual({ may: true });
    }, CANUSB));
});

describe('an adapter that loses something', () => {
  const LOSES = { may: false, reason: 'loses-answers' } as const;

  it('one answer in ten lost: the run fails, with the count; the adapter may neither code nor program', () =>
    atTheCar(async (bench) => {
      const { end, report } = await check(bench, [
        { on: { sid: 0x3e, chance: 0.1 }, effect: { kind: 'no-answer', executes: true } },
      ]);
      expect(end.result).toBe('done');
      expect(report?.longReceive.kind).toBe('passed');
      // Five are enough to know: the rest would only cost time.
      expect(report?.dropFree).toMatchObject({
        kind: 'failed',
        failed: 5,
        why: 'an answer came only when it was asked again',
      });
      expect(report?.verdict).toEqual({ read: { may: true }, code: LOSES, program: LOSES });
      expect((await open(bench.browser)).adapter.verdict.code).toEqual(LOSES);
    }, CANUSB));

  it('a single one of two hundred is one too many', () =>
    atTheCar(async (bench) => {
      const { report } = await check(bench, [
        { on: { sid: 0x3e, nth: 60 }, effect: { kind: 'no-answer', executes: true } },
      ]);
      expect(report?.dropFree).toMatchObject({ kind: 'failed', count: 200, failed: 1 });
      expect(report?.verdict.code).toEqual(LOSES);
    }, CANUSB));

  it('frames of long answers lost now and then: the long answers fail', () =>
    atTheCar(async (bench) => {
      const { report } = await check(bench, [
        {
          on: { sid: 0x22, did: 0xf190, chance: 0.3 },
          effect: { kind: 'isotp', quirks: { dropConsecutive: 2 } },
        },
      ]);
      expect(report?.longReceive).toMatchObject({ kind: 'failed', bytes: 20 });
      expect(report?.verdict.code).toEqual(LOSES);
    }, CANUSB));

  it('long answers never come whole, not even on the scan: they are lost, and that is said', async () => {
    const garage = await newGarage();
    const browser = new Browser(garage, new MemoryDisk(), { packs: [PACK] });
    await garage.clock.run(async () => {
      garage.car.faults.set([{ on: { sid: 0x22 }, effect: { kind: 'isotp', quirks: { dropConsecutive: 1 } } }]);
      await browser.arrive();
      await browser.done(browser.service.checkAdapter({ commandId: 'c' }));
      const { check: report, adapter } = await open(browser);
      expect(report?.longReceive).toMatchObject({ kind: 'failed', count: 5, failed: 5, why: 'no whole answer' });
      expect(adapter.verdict.code).toEqual(LOSES);
    });
  });

  it('a long answer that is another each time: not the same bytes', () =>
    atTheCar(async (bench) => {
      const { report } = await check(bench, [
        { on: { sid: 0x22, did: 0xf190 }, effect: { kind: 'unstable-byte', offset: 4 } },
      ]);
      expect(report?.longReceive).toMatchObject({ kind: 'failed', why: 'another value came' });
    }, CANUSB));

  it('frames of long requests never arrive: they cannot be sent', () =>
    atTheCar(async (bench) => {
      const { report } = await check(bench, [
        { on: { sid: 0x22 }, effect: { kind: 'isotp', quirks: { loseConsecutive: 1 } } },
      ]);
      expect(report?.longSend).toMatchObject({
        kind: 'failed',
        bytes: 9,
        why: 'no answer to a request of several frames',
      });
      expect(report?.verdict.code).toMatchObject({ may: false });
      expect(bench.heard.some(({ type, hex }) => type === 'request' && hex.length > 3 * 7)).toBe(false);
    }, CANUSB));

  it('a module that falls silent for good in the middle is no pass and not the adapter’s fault', () =>
    atTheCar(async (bench) => {
      const { report } = await check(bench, [
        { on: { ecu: '09', sid: 0x3e, nth: 20 }, effect: { kind: 'mute', forMs: 3_600_000 } },
      ]);
      expect(report?.longReceive.kind).toBe('passed');
      expect(report?.dropFree).toEqual({ kind: 'not-run', why: 'no-module' });
      expect(report?.verdict).toMatchObject({ code: { may: true }, program: { may: false, reason: 'not-qualified' } });
    }, CANUSB));

  it('a module that is silent for a second and comes back: answers were lost', () =>
    atTheCar(async (bench) => {
      const { report } = await check(bench, [
        { on: { ecu: '09', sid: 0x3e, nth: 20 }, effect: { kind: 'mute', forMs: 1500 } },
      ]);
      expect(report?.dropFree).toMatchObject({ kind: 'failed' });
    }, CANUSB));

  it('a module that takes its time (78) or is busy (21) loses nothing', () =>
    atTheCar(async (bench) => {
      const { report } = await check(bench, [
        { on: { ecu: '09', sid: 0x22, nth: 30, times: 3 }, effect: { kind: 'pending', count: 2, everyMs: 100 } },
        { on: { ecu: '19', sid: 0x3e, nth: 10 }, effect: { kind: 'negative', nrc: 0x21 } },
      ]);
      expect(report?.dropFree.kind).toBe('passed');
      expect(report?.longReceive.kind).toBe('passed');
    }, CANUSB));

  it('a later check that passes gives back what the failed one took', () =>
    atTheCar(async (bench) => {
      await check(bench, [{ on: { sid: 0x3e, chance: 0.1 }, effect: { kind: 'no-answer', executes: true } }]);
      expect((await open(bench.browser)).adapter.verdict.code.may).toBe(false);
      const { report } = await check(bench);
      expect(report?.verdict.code).toEqual({ may: true });
      expect(storedReports(bench)).toHaveLength(2);
    }, CANUSB));
});

describe('a check that does not come to its end', () => {
  /** Starts the check and waits until `done` of a phase is told. */
  async function midway(bench: Bench, phase: string): Promise<string> {
    bench.garage.car.faults.set([]);
    const { operationId } = await bench.browser.service.checkAdapter({ commandId: bench.browser.commandId() });
    const isThere = () =>
      bench.browser.operationEvents(operationId).some((event) => event.type === 'progress' && event.phase === phase);
    while (!isThere()) await bench.garage.clock.sleep(1);
    return operationId;
  }

  it.each(['long-answers', 'long-requests', 'drop-free'])(
    'cancelled in the middle of %s: ended as cancelled, no report, what it may is as before',
    (phase) =>
      atTheCar(async (bench) => {
        const operationId = await midway(bench, phase);
        await bench.browser.service.cancel(operationId);
        const end = await bench.browser.done(Promise.resolve({ operationId }));
        expect(end.result).toBe('cancelled');
        expect(storedReports(bench)).toEqual([]);
        const { check: report, adapter } = await open(bench.browser);
        expect(report).toBeNull();
        expect(adapter.verdict.program).toEqual({ may: false, reason: 'not-qualified' });
        expect(bench.records().some(({ body }) => body.type === 'note' && body.what === 'adapter-checked')).toBe(false);
        expect((await check(bench)).report?.dropFree.kind, 'and it can be run again').toBe('passed');
      }, CANUSB),
  );

  it('S03 unplugged in the middle: ended with transport/lost within a second, no report', () =>
    atTheCar(async (bench) => {
      const operationId = await midway(bench, 'drop-free');
      const pulledMs = bench.garage.clock.now();
      bench.browser.device?.unplug();
      const end = await bench.browser.done(Promise.resolve({ operationId }));
      expect(end).toMatchObject({ result: 'failed', error: { code: 'transport/lost' } });
      expect(bench.garage.clock.now() - pulledMs).toBeLessThan(1000);
      expect(storedReports(bench)).toEqual([]);
    }, CANUSB));

  it('without an adapter is refused, and a second tap is the same check', () =>
    atTheCar(async (bench) => {
      const { service } = bench.browser;
      const [first, second] = await Promise.all([
        service.checkAdapter({ commandId: 'same' }),
        service.checkAdapter({ commandId: 'same' }),
      ]);
      expect(second).toEqual(first);
      expect(await codeOf(service.checkAdapter({ commandId: 'other' }))).toBe('operation/busy');
      await bench.browser.done(Promise.resolve(first));
      await service.disconnect();
      expect(await codeOf(service.checkAdapter({ commandId: 'later' }))).toBe('vehicle/not-connected');
      expect(await codeOf(service.checkAdapter({}))).toBe('rpc/malformed-call');
    }, CANUSB));
});
