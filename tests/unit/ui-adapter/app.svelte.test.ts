import { describe, expect, it } from 'vitest';
import { type ErrorCode, StackError } from '#contract/errors.ts';
import { DEFAULT_SETTINGS } from '#contract/records.ts';
import type {
  ConnectionView,
  GrantedAdapter,
  Hello,
  SerialChoice,
  UnfinishedJob,
  VehicleApi,
} from '#contract/vehicle-api.ts';
import type { ChosenPort, PortKind } from '#ui/platform/serial.ts';
import { type AppPlatform, AppState } from '#ui/state/app.svelte.ts';
import { formatRoute, parseRoute } from '#ui/state/route.svelte.ts';
import { CANABLE_USB, canable, FTDI_USB, granted, open } from './fixtures.ts';

/** A page whose worker and browser are played by the test. */
function page(
  options: {
    readonly granted?: readonly GrantedAdapter[];
    readonly taken?: boolean;
    readonly chosen?: ChosenPort | 'dismissed';
    readonly opens?: ErrorCode;
  } = {},
) {
  const asked: SerialChoice[] = [];
  const choosers: PortKind[] = [];
  let comesBack: (port: ChosenPort) => void = () => undefined;
  const platform: AppPlatform = {
    startVehicleWorker: () => {
      throw new Error('no worker in this test');
    },
    openVirtualCar: async () => null,
    requestSerialPort: async (kind) => {
      choosers.push(kind);
      const { chosen = 'dismissed' } = options;
      if (chosen === 'dismissed') throw new StackError('transport/chooser-dismissed', 'no port was chosen', {});
      return chosen;
    },
    onPortBack: (listener) => {
      comesBack = listener;
      return () => undefined;
    },
    isAdapterTaken: async () => options.taken ?? false,
    persisted: async () => true,
    askPersistent: async () => true,
  };
  const app = new AppState(platform);
  const api: Partial<VehicleApi> = {
    grantedAdapters: async () => options.granted ?? [],
    connectSerial: async (choice) => {
      asked.push(choice);
      if (options.opens !== undefined)
        throw new StackError('transport/busy', 'it does not open', { owner: 'other-program' });
      return open();
    },
    hello: async (): Promise<Hello> => ({
      release: '0',
      world: 'real',
      connection: app.connection,
      vehicle: null,
      voltage: app.voltage,
      jobs: app.jobs,
      running: [],
      settings: DEFAULT_SETTINGS,
      store: { kind: 'ok', persistent: true },
    }),
    typeVoltage: async ({ volts, name }) => ({
      kind: 'known',
      volts,
      errorVolts: 0.1,
      source: 'signed',
      from: name,
      atMs: 0,
    }),
  };
  Object.defineProperty(app, 'api', { value: api });
  app.ready = true;
  return { app, asked, choosers, comeBack: (port: ChosenPort) => comesBack(port) };
}

const LOST: ConnectionView = {
  kind: 'lost',
  simulated: false,
  reason: { kind: 'lost', detail: 'unplugged' },
  usb: CANABLE_USB,
  adapter: 'k',
};
const JOB = { operationId: 'o' } as UnfinishedJob;
const settled = () => new Promise((resolve) => setTimeout(resolve));

describe('at the start', () => {
  it('the one known adapter is opened on the usual bus, without the chooser', async () => {
    const { app, asked, choosers } = page({ granted: [granted(CANABLE_USB, {})] });
    await app.connectKnown();
    expect(asked).toEqual([{ usb: CANABLE_USB, chosen: false, bitRate: 500_000 }]);
    expect(choosers).toEqual([]);
  });

  it('S02 one that does not open is a quiet line, no failure', async () => {
    const { app } = page({ granted: [granted(CANABLE_USB)], opens: 'transport/busy' });
    await app.connectKnown();
    expect(app.failure).toBeNull();
    expect(app.connectNote).toMatchObject({ kind: 'failed', error: { code: 'transport/busy' } });
  });

  it('S18 one that another tab holds is left alone, and that is said', async () => {
    const { app, asked } = page({ granted: [granted(CANABLE_USB)], taken: true });
    await app.connectKnown();
    expect(asked).toEqual([]);
    expect(app.connectNote).toEqual({ kind: 'other-tab' });
  });

  it('nothing is opened while an unfinished job has the screen', async () => {
    const { app, asked } = page({ granted: [granted(CANABLE_USB)] });
    app.jobs = [JOB];
    await app.connectKnown();
    expect(asked).toEqual([]);
  });
});

describe('a lost adapter that is plugged in again', () => {
  it('S05 is opened by itself when it is the same, whatever object it is now', async () => {
    const { app, asked, comeBack } = page();
    app.watchPorts();
    app.connection = LOST;
    comeBack({ usb: { ...CANABLE_USB }, wireless: false });
    await settled();
    expect(asked).toMatchObject([{ usb: CANABLE_USB, chosen: false }]);
  });

  it('S07 another one is not opened in its place', async () => {
    const { app, asked, comeBack } = page();
    app.watchPorts();
    app.connection = LOST;
    comeBack({ usb: FTDI_USB, wireless: false });
    await settled();
    expect(asked).toEqual([]);
  });

  it('S04 in an open job the press is the word of the person: it is only said that it is back', async () => {
    const { app, asked, comeBack } = page();
    app.watchPorts();
    app.connection = LOST;
    app.jobs = [JOB];
    comeBack({ usb: CANABLE_USB, wireless: false });
    await settled();
    expect(asked).toEqual([]);
    expect(app.connectNote).toEqual({ kind: 'back' });
  });

  it('one that was not lost is nobody’s business', async () => {
    const { app, asked, comeBack } = page();
    app.watchPorts();
    comeBack({ usb: CANABLE_USB, wireless: false });
    app.connection = open();
    comeBack({ usb: CANABLE_USB, wireless: false });
    await settled();
    expect(asked).toEqual([]);
  });
});

describe('choosing an adapter', () => {
  it('S01 a dismissed chooser opens nothing and asks the worker for nothing', async () => {
    const { app, asked } = page();
    expect(await app.connectSerial(null, 'known')).toBe(false);
    expect(app.failure?.error.code).toBe('transport/chooser-dismissed');
    expect(asked).toEqual([]);
  });

  it('a Bluetooth port is opened as wireless, on the bus that the person named', async () => {
    const { app, asked, choosers } = page({ chosen: { usb: null, wireless: true } });
    app.bitRate = 250_000;
    await app.connectSerial(null, 'bluetooth');
    expect(choosers).toEqual(['bluetooth']);
    expect(asked).toEqual([{ usb: null, chosen: true, wireless: true, bitRate: 250_000 }]);
  });

  it('S06 "Reconnect adapter" asks the browser once the grant is gone', async () => {
    const { app, choosers, asked } = page({ chosen: { usb: CANABLE_USB, wireless: false } });
    await app.connectSerial(CANABLE_USB, 'if-needed');
    expect(choosers).toEqual(['known']);
    expect(asked).toMatchObject([{ usb: CANABLE_USB, chosen: true }]);
  });
});

describe('a typed voltage', () => {
  it('I10 counts for ten minutes as signed, and the name is kept for the next one', async () => {
    const { app } = page();
    app.connection = open({ adapter: canable });
    const before = Date.now();
    expect(await app.typeVoltage({ volts: 12.6, name: 'Anna', stabiliser: '' })).toBe(true);
    expect(app.voltage).toMatchObject({ source: 'signed', volts: 12.6 });
    expect(app.signedUntilWallMs).toBeGreaterThanOrEqual(before + 600_000);
    expect(app.signedUntilWallMs).toBeLessThanOrEqual(Date.now() + 600_000);
    expect(app.signer).toBe('Anna');
  });
});

describe('places on Connect', () => {
  it('the check, one of its reports and the help have addresses of their own', () => {
    for (const address of ['#/connect', '#/connect/adapter', '#/connect/adapter/r1', '#/connect/missing'])
      expect(formatRoute(parseRoute(address))).toBe(address);
  });

  it('what is no place on Connect leads to Connect', () => {
    expect(parseRoute('#/connect/missing/r1')).toEqual({ section: 'connect', page: 'missing' });
    expect(parseRoute('#/connect/else')).toEqual({ section: 'connect' });
    expect(parseRoute('#/adapter')).toEqual({ section: 'connect' });
  });
});
