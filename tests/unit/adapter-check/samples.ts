import type { AdapterInfo, AdapterLimit, AdapterVerdict } from '#contract/adapter.ts';
import { type AdapterReport, adapterKeyOf, type CheckResult } from '#contract/adapter-check.ts';

export const USB = { vendorId: 0x0403, productId: 0x6001 } as const;
export const NOW = Date.UTC(2026, 10, 22, 10, 0, 0);
export const MAY: AdapterVerdict = { may: true };
export const not = (reason: AdapterLimit): AdapterVerdict => ({ may: false, reason });

export const GENUINE_ELM: AdapterInfo = {
  driver: 'elm327',
  product: 'ELM327',
  firmware: 'ELM327 v2.3',
  serialNumber: null,
  genuine: 'genuine',
  chip: 'ELM327',
  findings: [],
  longestSendBytes: 4095,
  longestReceiveBytes: 4095,
  listenOnly: false,
  wireless: false,
  baudRate: 38_400,
  acknowledges: true,
  transmitQueueFrames: 1,
  roundTripMs: { median: 22, p99: 40 },
  verdict: { read: MAY, code: not('not-qualified'), program: not('too-slow') },
};

export const CLONE: AdapterInfo = {
  ...GENUINE_ELM,
  product: 'ELM327 clone',
  firmware: 'ELM327 v1.5',
  genuine: 'clone',
  chip: 'ELM327-like',
  findings: [{ kind: 'version-never-existed', detail: 'v1.5' }],
  verdict: { read: MAY, code: not('clone'), program: not('too-slow') },
};

export const CANUSB: AdapterInfo = {
  ...GENUINE_ELM,
  driver: 'slcan',
  product: 'CANUSB',
  firmware: 'V1013',
  serialNumber: 'CB01',
  genuine: 'unknown',
  chip: 'slcan',
  baudRate: null,
  transmitQueueFrames: 27,
  verdict: { read: MAY, code: MAY, program: not('not-qualified') },
};

export const CANABLE: AdapterInfo = {
  ...CANUSB,
  product: 'CANable 2',
  firmware: '16ac342',
  serialNumber: null,
  acknowledges: false,
  verdict: { read: MAY, code: MAY, program: not('no-transmit-confirmation') },
};

export const OBDLINK_SX: AdapterInfo = {
  ...GENUINE_ELM,
  driver: 'stn',
  product: 'OBDLink SX r4.2',
  firmware: 'STN1130 v4.2.0',
  chip: 'STN1130',
  verdict: { read: MAY, code: MAY, program: not('not-qualified') },
};

export const VLINKER: AdapterInfo = {
  ...OBDLINK_SX,
  product: 'vLinker FS',
  firmware: 'MIC3X2X V2.3.08',
  genuine: 'unknown',
  chip: 'MIC3322',
  verdict: { read: MAY, code: not('not-qualified'), program: not('untested') },
};

export const passed = (bytes = 41): CheckResult => ({ kind: 'passed', count: 20, bytes });
export const failed = (why = 'diag/timeout'): CheckResult => ({ kind: 'failed', count: 20, failed: 3, bytes: 9, why });
export const notRun = (why: Extract<CheckResult, { kind: 'not-run' }>['why'] = 'no-module'): CheckResult => ({
  kind: 'not-run',
  why,
});

/** A report of this adapter in which everything passed, unless told otherwise. */
export function reportOf(info: AdapterInfo, change: Partial<AdapterReport> = {}): AdapterReport {
  return {
    id: 'report-1',
    key: adapterKeyOf(info, USB),
    simulated: false,
    takenAtWallMs: NOW - 60_000,
    toolVersion: '1.4.2',
    usb: USB,
    info,
    roundTripMs: { median: 2, p99: 4.5, count: 50 },
    moduleRoundTripMs: { median: 7.25, p99: 12, count: 120 },
    receiveBytesPerSecond: 4200.5,
    voltage: { kind: 'known', volts: 12.6, errorVolts: 0.3, source: 'adapter', from: 'adapter', atMs: 5 },
    longReceive: passed(),
    longSend: passed(),
    dropFree: passed(),
    survivesReplug: 'unknown',
    verdict: info.verdict,
    ...change,
  };
}
