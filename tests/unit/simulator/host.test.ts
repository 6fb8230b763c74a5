import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { IDBDatabase, IDBFactory } from 'fake-indexeddb';
import { describe, expect, it } from 'vitest';
import type { SimulatorControl, SimulatorReport, SimulatorState } from '#contract/simulator-control.ts';
import type { MessagePortLike } from '#contract/transport.ts';
import { V1 } from '#simulator/cars/v1.ts';
import { SimulatorHost } from '#simulator/host.ts';
import { IndexedDbCarStore } from '#simulator/indexeddb-store.ts';
import { MemoryCarStore } from '#simulator/memory-store.ts';
import { parseControl, parseFaultScript } from '#simulator/parse-control.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

interface Page {
  readonly host: SimulatorHost;
  readonly clock: VirtualClock;
  readonly reports: SimulatorReport[];
  tell(control: unknown, id?: number): Promise<SimulatorReport | undefined>;
  state(): SimulatorState;
}

async function openPage(store = new MemoryCarStore()): Promise<Page> {
  const clock = new VirtualClock();
  const reports: SimulatorReport[] = [];
  const host = await SimulatorHost.create({ data: V1, store, clock, report: (report) => reports.push(report) });
  return {
    host,
    clock,
    reports,
    async tell(control, id = 1) {
      void host.receive({ control, id });
      await clock.advance(5);
      return reports.findLast((report) => 'id' in report && report.id === id);
    },
    state: () => host.state(),
  };
}

function newPort(heard: Record<string, unknown>[]): { far: MessagePort; near: MessagePortLike } {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', (message: Record<string, unknown>) => heard.push(message));
  return { far: port1, near: port2 as unknown as MessagePortLike };
}

describe('control of the virtual car', () => {
  it('reports itself ready, and takes voltage, ignition, engine and speed', async () => {
    const page = await openPage();
    expect(page.reports[0]).toMatchObject({
      type: 'ready',
      state: { carId: 'V1', vin: '0CBV1000000000017', adapter: null },
    });
    await page.tell({ type: 'voltage', volts: 11.9 });
    await page.tell({ type: 'engine', rpm: 820 });
    await page.tell({ type: 'speed', speedKmh: 12 });
    expect(page.state()).toMatchObject({ volts: 11.9, rpm: 820, speedKmh: 12, ignition: true });
    await page.tell({ type: 'ignition', on: false });
    expect(page.state().ecus.every((ecu) => !ecu.awake)).toBe(true);
    await page.tell({ type: 'ignition', on: true });
    await page.clock.advance(2000);
    expect(page.state().ecus.every((ecu) => ecu.awake)).toBe(true);
  });

  it('pulls the old adapter when a new port comes, and plugs the new one', async () => {
    const page = await openPage();
    const first: Record<string, unknown>[] = [];
    const second: Record<string, unknown>[] = [];
    const a = newPort(first);
    page.host.attach(a.near);
    a.far.postMessage({ type: 'open', line: { baudRate: 115_200 } });
    await page.clock.advance(5);
    expect(first).toEqual([{ type: 'opened', usb: { vendorId: 0x16d0, productId: 0x117e } }]);
    await page.tell({ type: 'adapter', firmware: 'canusb', tickMs: 16 });
    const b = newPort(second);
    page.host.attach(b.near);
    await page.clock.advance(5);
    expect(first.at(-1)).toMatchObject({ type: 'closed', reason: { kind: 'lost' } });
    b.far.postMessage({ type: 'open', line: { baudRate: 115_200 } });
    await page.clock.advance(5);
    expect(second).toEqual([{ type: 'opened', usb: { vendorId: 0x0403, productId: 0xffa8 } }]);
    await page.tell({ type: 'unplug' });
    expect(second.at(-1)).toMatchObject({ type: 'closed' });
    expect(page.state().adapter).toMatchObject({ plugged: false, firmware: 'canusb' });
    await page.tell({ type: 'plug' });
    expect(page.state().adapter).toMatchObject({ plugged: true });
    page.host.device?.detach();
    for (const port of [a.far, b.far]) port.close();
  });

  it('switches each scenario on and off again', async () => {
    const page = await openPage();
    for (const name of [
      'low-voltage',
      'cable-pulled-while-writing',
      'module-busy',
      'write-normalised',
      'vin-mismatch',
    ]) {
      expect(await page.tell({ type: 'scenario', name })).toMatchObject({ type: 'state', state: { scenario: name } });
      expect(page.state().faultRules > 0 || page.state().volts < 11.5).toBe(true);
    }
    await page.tell({ type: 'scenario', name: 'good' });
    expect(page.state()).toMatchObject({ scenario: 'good', faultRules: 0, volts: 12.6 });
  });

  it('returns to the factory as a variant, and says which variants there are', async () => {
    const page = await openPage();
    await page.tell({ type: 'factory-reset', variant: 'virgin-cluster' });
    expect(page.state().variant).toBe('virgin-cluster');
    expect(page.state().variants).toContain('standard');
    expect(await page.tell({ type: 'factory-reset', variant: 'nonsense' }, 7)).toEqual({
      type: 'refused',
      why: 'no variant nonsense',
      id: 7,
    });
  });

  it('says that it failed when its memory cannot be written, and refuses from then on', async () => {
    const store = new MemoryCarStore({
      onCommit: (count) => (count > 1 ? Promise.reject(new Error('disk full')) : undefined),
    });
    const page = await openPage(store);
    expect(await page.tell({ type: 'factory-reset', variant: 'standard' }, 3)).toMatchObject({
      type: 'refused',
      why: 'disk full',
    });
    expect(page.reports).toContainEqual({ type: 'failed', why: 'disk full' });
    expect(await page.tell({ type: 'voltage', volts: 12 }, 4)).toMatchObject({ type: 'refused', id: 4 });
  });

  it('refuses what it cannot read, with the part that is wrong', async () => {
    const page = await openPage();
    const cases: [unknown, string][] = [
      [undefined, 'control: unknown type'],
      [{ type: 'constructor' }, 'control: unknown type'],
      [{ type: 'voltage', volts: '12' }, 'voltage.volts: a number from 0 to 32'],
      [{ type: 'voltage', volts: Number.NaN }, 'voltage.volts: a number from 0 to 32'],
      [{ type: 'scenario', name: 'evil' }, 'scenario.name: one of good'],
      [{ type: 'adapter', firmware: 'canusb', tickMs: 2 }, 'adapter.tickMs: 1 or 16'],
      [{ type: 'faults', script: {} }, 'script: a list of at most 200 rules'],
      [{ type: 'faults', script: [{ on: {}, effect: { kind: 'boom' } }] }, 'script[0].effect: unknown kind'],
      [
        { type: 'faults', script: [{ on: { sid: 999 }, effect: { kind: 'store-partly' } }] },
        'script[0].on.sid: a number from 0 to 255',
      ],
      [
        { type: 'faults', script: [{ on: {}, effect: { kind: 'answer', pdu: 'zz' } }] },
        'script[0].effect.pdu: 1 to 4095 bytes in hex',
      ],
    ];
    for (const [control, why] of cases) {
      const answer = await page.tell(control);
      expect(answer?.type).toBe('refused');
      expect(answer).toHaveProperty('why', expect.stringContaining(why));
    }
  });

  it('takes every kind of control and of fault', () => {
    const script = [
      {
        on: { ecu: '09', sid: 0x2e, did: 0x600, nth: 1, times: 2, chance: 0.5, sub: 1 },
        effect: { kind: 'store-partly' },
      },
      { on: {}, effect: { kind: 'isotp', quirks: { stMin: 0xf5, padding: -1 } } },
      { on: {}, effect: { kind: 'conditions', volts: 11 } },
      { on: {}, effect: { kind: 'answer', pdu: '62f190' } },
    ];
    expect(parseFaultScript(script)).toEqual([
      ...script.slice(0, 3),
      { on: {}, effect: { kind: 'answer', pdu: '62F190' } },
    ]);
    const control: SimulatorControl = { type: 'power-cut', offMs: 3000 };
    expect(parseControl(control)).toEqual(control);
  });
});

describe('memory of the virtual car in IndexedDB', () => {
  it('is durable before the answer and found again by a new worker', async () => {
    const factory = new IDBFactory();
    const first = new IndexedDbCarStore(V1, factory);
    expect(await first.load()).toBeNull();
    const clock = new VirtualClock();
    const host = await SimulatorHost.create({ data: V1, store: first, clock, report: () => undefined });
    await first.commit({ kind: 'dids', ecu: '02', values: { '0600': '140000010299' } });
    await first.commit({ kind: 'security', ecu: '5F', level: 3, wrongKeys: 1, lockedMs: 0 });
    host.car.close();
    await first.close();

    const second = new IndexedDbCarStore(V1, factory);
    const state = await second.load();
    expect(state?.ecus['02']?.dids['0600']).toBe('140000010299');
    expect(state?.ecus['5F']?.security).toEqual({ '3': { wrongKeys: 1, lockedMs: 0 } });
    expect(state?.ecus['09']?.dtcs).toEqual([{ dtc: '9A0215', status: 9 }]);
    await second.close();
  });

  it('asks for strict durability, and a commit whose transaction fails is not taken for one', async () => {
    const store = new IndexedDbCarStore(V1, new IDBFactory());
    await store.load();
    await SimulatorHost.create({ data: V1, store, clock: new VirtualClock(), report: () => undefined });
    const original = IDBDatabase.prototype.transaction;
    const options: unknown[] = [];
    IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...rest: Parameters<typeof original>) {
      options.push(rest[2]);
      const transaction = original.apply(this, rest);
      queueMicrotask(() => transaction.abort());
      return transaction;
    };
    try {
      const write = store.commit({ kind: 'dids', ecu: '02', values: { '0600': '000000000000' } });
      await expect(write).rejects.toMatchObject({ code: 'store/write-failed' });
    } finally {
      IDBDatabase.prototype.transaction = original;
    }
    expect(options).toEqual([{ durability: 'strict' }]);
    expect((await store.load())?.ecus['02']?.dids['0600']).toBe('140000010200');
  });

  it('takes memory that is damaged or of another car for none', async () => {
    const factory = new IDBFactory();
    const store = new IndexedDbCarStore(V1, factory);
    await store.load();
    await SimulatorHost.create({ data: V1, store, clock: new VirtualClock(), report: () => undefined });
    await store.commit({ kind: 'dids', ecu: '02', values: { '0600': 'not hex' } });
    await store.close();
    expect(await new IndexedDbCarStore(V1, factory).load()).toBeNull();
    expect(await new IndexedDbCarStore({ ...V1, carId: 'V9' }, factory).load()).toBeNull();
  });
});
