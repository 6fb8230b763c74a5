import type { AdapterInfo } from '#contract/adapter.ts';
import { type AdapterReport, adapterKeyOf } from '#contract/adapter-check.ts';
import type { ConnectionView, GrantedAdapter, KnownAdapter } from '#contract/vehicle-api.ts';

export const CANABLE_USB = { vendorId: 0x16d0, productId: 0x117e } as const;
export const FTDI_USB = { vendorId: 0x0403, productId: 0x6001 } as const;

export const canable: AdapterInfo = {
  driver: 'slcan',
  product: 'CANable 2',
  firmware: '16ac342 normaldotcom/canable2-fw',
  serialNumber: '2051',
  genuine: 'unknown',
  chip: 'slcan',
  findings: [],
  longestSendBytes: 4095,
  longestReceiveBytes: 4095,
  listenOnly: true,
  wireless: false,
  baudRate: null,
  acknowledges: false,
  transmitQueueFrames: 63,
  roundTripMs: { median: 2.6, p99: 4 },
  verdict: {
    read: { may: true },
    code: { may: true },
    program: { may: false, reason: 'no-transmit-confirmation' },
  },
};

/** An ELM327 copy that passed its check: only a person's word is missing. */
export const clone: AdapterInfo = {
  ...canable,
  driver: 'elm327',
  product: 'OBDII to RS232',
  firmware: 'ELM327 v2.1',
  serialNumber: null,
  genuine: 'clone',
  chip: 'ELM327-like',
  findings: [
    { kind: 'version-never-existed', detail: 'ELM327 v2.1' },
    { kind: 'command-missing', detail: 'ATPPS' },
  ],
  longestSendBytes: 7,
  longestReceiveBytes: 256,
  baudRate: 38_400,
  transmitQueueFrames: 1,
  roundTripMs: { median: 42, p99: 88 },
  verdict: {
    read: { may: true },
    code: { may: false, reason: 'clone' },
    program: { may: false, reason: 'not-qualified' },
  },
};

export function report(change: Partial<AdapterReport> & { readonly info?: AdapterInfo } = {}): AdapterReport {
  const info = change.info ?? canable;
  return {
    id: 'r1',
    key: adapterKeyOf(info, CANABLE_USB),
    simulated: false,
    takenAtWallMs: new Date(2026, 4, 3, 10, 42).getTime(),
    toolVersion: '0.1.0',
    usb: CANABLE_USB,
    roundTripMs: { median: 2.6, p99: 4.1, count: 50 },
    moduleRoundTripMs: { median: 11.2, p99: 19.6, count: 400 },
    receiveBytesPerSecond: 1234,
    voltage: { kind: 'unknown', why: 'no-source' },
    longReceive: { kind: 'passed', count: 20, bytes: 62 },
    longSend: { kind: 'passed', count: 15, bytes: 255 },
    dropFree: { kind: 'passed', count: 400, bytes: 62 },
    survivesReplug: 'yes',
    verdict: info.verdict,
    ...change,
    info,
  };
}

export function open(change: Partial<Extract<ConnectionView, { kind: 'open' }>> = {}): ConnectionView {
  return {
    kind: 'open',
    simulated: false,
    adapter: canable,
    check: null,
    consent: null,
    usb: CANABLE_USB,
    bitRate: 500_000,
    traffic: true,
    foreignTester: false,
    sessionId: 's1',
    ...change,
  };
}

export function granted(usb: GrantedAdapter['usb'], ...known: readonly Partial<KnownAdapter>[]): GrantedAdapter {
  return {
    usb,
    title: 'port',
    known: known.map((change) => ({
      key: 'k',
      driver: 'slcan',
      product: 'CANable 2',
      serialNumber: null,
      usb,
      wireless: false,
      bitRate: 500_000,
      lastOpenedWallMs: 0,
      survivesReplug: 'unknown',
      ...change,
    })),
  };
}
