import { type AdapterConsent, type AdapterReport, adapterKeyOf } from '#contract/adapter-check.ts';
import type { IdentRead, ModuleIdentity } from '#contract/backup.ts';
import type { JournalBody } from '#contract/journal.ts';
import type { ClearPlan, WritePlan } from '#contract/plan.ts';
import type { ScanRecord } from '#contract/records.ts';
import type { KnownAdapter } from '#contract/vehicle-api.ts';
import type { BackupDraft } from '#procedures/ports.ts';

export const VIN = '0CBZZZ1KZAW000001';
export const OTHER_VIN = '0CBZZZ1KZAW000002';

const ascii = (text: string) => Buffer.from(text, 'latin1').toString('hex').toUpperCase();
const bytes = (did: string, hex: string): IdentRead => ({ did, kind: 'bytes', hex });
const name = (en: string, de: string) => ({ en, de });

const reads: readonly IdentRead[] = [
  bytes('F190', ascii(VIN)),
  bytes('F187', ascii('CBAY937086A')),
  bytes('F191', ascii('CBAY937086')),
  bytes('F189', ascii('0104')),
  { did: 'F18C', kind: 'refused', nrc: 0x31 },
];

export const identity: ModuleIdentity = {
  moduleId: '70E-778',
  address: { format: 'normal', requestId: 0x70e, responseId: 0x778, extendedId: false },
  label: '09',
  shortName: 'BCM',
  part: 'CBAY937086A',
  hardware: 'CBAY937086',
  softwareVersion: '0104',
  serial: 'CBAY-BCM-0001',
  vin: VIN,
  reads,
  match: { kind: 'exact', packId: 'virtual-v1', definitionId: 'v1-bcm', sha256: 'ab'.repeat(32) },
};

/** A backup of central electrics: 0600 = 11 3A 28 40 unless told otherwise. */
export function backupDraft(
  change: Partial<BackupDraft> & { readonly simulated: boolean; readonly hex?: string },
): BackupDraft {
  const { hex = '113A2840', ...rest } = change;
  return {
    takenAtWallMs: Date.UTC(2026, 10, 22, 10, 0, 0),
    tool: { name: 'codebay', version: '0.1.0' },
    vehicle: { vin: VIN, sources: [{ moduleId: '70E-778', vin: VIN }] },
    module: identity,
    blocks: [
      { service: '22', did: '0600', role: 'coding', hex, unstableMask: '000000FF' },
      { service: '22', did: 'F198', role: 'prelude', hex: '000000000000' },
    ],
    unreadable: [{ did: 'F199', kind: 'refused', nrc: 0x31 }],
    faults: [{ code: 'B10A11', status: 0x09 }],
    session: 3,
    securityLevel: null,
    voltage: { kind: 'known', volts: 12.7, errorVolts: 0.2, source: 'module', from: '19', atMs: 5.25 },
    reason: 'before-write',
    operationId: 'operation-1',
    ...rest,
  };
}

const head = (operationId: string, simulated: boolean) => ({
  id: `plan of ${operationId}`,
  operationId,
  simulated,
  madeAtWallMs: Date.UTC(2026, 10, 22, 10, 0, 0),
  vin: VIN,
  module: {
    moduleId: '70E-778',
    address: identity.address,
    label: '09',
    title: name('Central electrics', 'Zentralelektrik'),
    moduleKey: 'CBAY-BCM-0001',
  },
  identity: reads,
  definition: { packId: 'virtual-v1', id: 'v1-bcm', sha256: 'ab'.repeat(32) },
  voltage: { kind: 'unknown', why: 'no-source' } as const,
  estimateMs: { least: 800, most: 4000 },
});

export function writePlan(operationId: string, simulated: boolean): WritePlan {
  return {
    ...head(operationId, simulated),
    kind: 'coding',
    steps: [
      { kind: 'session', id: 'session', session: 3 },
      { kind: 'unlock', id: 'unlock-1', level: 1, session: 3, provider: 'simulator' },
      {
        kind: 'write',
        id: 'prelude-F199',
        purpose: 'prelude',
        did: 'F199',
        title: name('Date', 'Datum'),
        expected: { did: 'F199', kind: 'refused', nrc: 0x31 },
        newHex: '261122',
        optional: true,
      },
      {
        kind: 'write',
        id: 'write-0600',
        purpose: 'coding',
        did: '0600',
        title: name('Coding', 'Codierung'),
        expected: bytes('0600', '113A2840'),
        newHex: '113A2841',
        unstableMask: '000000F0',
        optional: false,
      },
      { kind: 'reset', id: 'reset', type: 1, bootMs: 1500 },
    ],
    warnings: [{ kind: 'voltage-unknown' }, { kind: 'unknown-bits', count: 2 }],
    backupId: 'backup-1',
    sourceBackupId: null,
    repairs: null,
    changes: [
      {
        parameterId: 'mirrors-fold',
        blockDid: '0600',
        title: name('Fold mirrors on lock', 'Spiegel anklappen'),
        from: name('off', 'aus'),
        to: name('on', 'ein'),
        risk: 'comfort',
      },
    ],
    blocks: [
      {
        did: '0600',
        title: name('Coding', 'Codierung'),
        oldHex: '113A2840',
        newHex: '113A2841',
        unstableMask: '000000F0',
      },
    ],
    keepAwake: 'functional',
    equalSessions: [0x4f],
    writeSession: 3,
    reset: { type: 1, bootMs: 1500 },
    ignitionCycle: false,
    expertRaw: false,
    risk: 'comfort',
  };
}

export function clearPlan(operationId: string, simulated: boolean): ClearPlan {
  const faults = [{ code: 'B10A11', status: 0x09 }];
  return {
    ...head(operationId, simulated),
    kind: 'clear-faults',
    definition: null,
    steps: [{ kind: 'clear', id: 'clear', group: 'FFFFFF', faults }],
    warnings: [],
    faults,
  };
}

export const jobOpened = (operationId: string, simulated: boolean): JournalBody => ({
  type: 'job-opened',
  plan: writePlan(operationId, simulated),
  backupRecordHash: 'cd'.repeat(32),
  approvedBy: 'this-browser',
  toolVersion: '0.1.0',
});

export const note = (detail: string): JournalBody => ({ type: 'note', what: 'scan', detail });

export const intent = (stepId: string): JournalBody => ({
  type: 'intent',
  stepId,
  requests: ['2E 06 00 11 3A 28 41'],
  found: bytes('0600', '113A2840'),
});

export const jobClosed: JournalBody = {
  type: 'job-closed',
  outcome: {
    state: 'written-verified',
    proven: true,
    faultsNew: [],
    faultsGone: [{ code: 'B10A11', status: 0x09 }],
    backupId: 'backup-1',
    stampsWritten: ['F199'],
  },
  by: 'run',
};

/** Every kind of record there is in version 1: a coding that was interrupted and repaired, a clear that was parked. */
export function wholeStory(
  simulated: boolean,
): readonly { operationId: string; simulated: boolean; body: JournalBody }[] {
  const error = {
    code: 'diag/outcome-unknown',
    message: 'WriteDataByIdentifier 0600: no answer',
    details: { sid: 0x2e, service: 'WriteDataByIdentifier' },
    cause: {
      code: 'transport/lost',
      message: 'gone',
      details: { reason: 'unplugged' },
      cause: { name: 'NetworkError', message: 'The device has been lost.' },
    },
  } as const;
  const coding = (body: JournalBody) => ({ operationId: 'coding-1', simulated, body });
  const clear = (body: JournalBody) => ({ operationId: 'clear-1', simulated, body });
  return [
    {
      operationId: 'connection-1',
      simulated,
      body: { type: 'note', what: 'connected', detail: 'session-1 CANable 2.0' },
    },
    coding(jobOpened('coding-1', simulated)),
    coding({ type: 'phase', phase: 'write', edge: 'started' }),
    coding({
      type: 'intent',
      stepId: 'prelude-F199',
      requests: ['2E F1 99 26 11 22'],
      found: { did: 'F199', kind: 'silent' },
    }),
    coding({ type: 'repeat', stepId: 'prelude-F199', nrc: 0x21, count: 1 }),
    coding({ type: 'done', stepId: 'prelude-F199', result: 'skipped', nrc: 0x31 }),
    coding(intent('write-0600')),
    coding({ type: 'done', stepId: 'write-0600', result: 'unknown', nrc: null }),
    coding({ type: 'phase', phase: 'write', edge: 'failed', error }),
    coding({
      type: 'checked',
      state: 'written-verified',
      blocks: [{ did: '0600', holds: 'new', hex: '113A2841' }],
      stampsWritten: ['F199'],
    }),
    coding({ type: 'read-back', did: '0600', hex: '113A2841', equal: true, stage: 'fresh-session' }),
    coding({
      type: 'job-closed',
      outcome: {
        state: 'written-verified',
        proven: false,
        error,
        faultsNew: [],
        faultsGone: [],
        backupId: null,
        stampsWritten: [],
      },
      by: 'check',
    }),
    clear({
      type: 'job-opened',
      plan: clearPlan('clear-1', simulated),
      backupRecordHash: null,
      approvedBy: 'this-browser',
      toolVersion: '0.1.0',
    }),
    clear({
      type: 'intent',
      stepId: 'clear',
      requests: ['14 FF FF FF'],
      found: null,
      faults: [{ code: 'B10A11', status: 9 }],
    }),
    clear({ type: 'job-parked', name: 'waiting for a part', fileSha256: 'ef'.repeat(32) }),
    { operationId: 'coding-2', simulated, body: jobOpened('coding-2', simulated) },
  ];
}

export const scanOf = (id: string, simulated: boolean, scannedAtWallMs: number): ScanRecord => ({
  id,
  simulated,
  vin: VIN,
  scannedAtWallMs,
  complete: true,
  modules: [
    { moduleId: '70E-778', status: 'faults', identity, faults: [{ code: 'B10A11', status: 9 }] },
    { moduleId: '713-77D', status: 'not-answering', identity: null, faults: null },
  ],
});

const usb = { vendorId: 0x0403, productId: 0xffa8 };

/** A CANUSB that acknowledges, with this serial number. */
function adapterInfo(serialNumber: string): AdapterReport['info'] {
  return {
    driver: 'slcan',
    product: 'CANUSB',
    firmware: 'V1013',
    serialNumber,
    genuine: 'unknown',
    chip: 'slcan',
    findings: [{ kind: 'buffer-smaller', detail: '16' }],
    longestSendBytes: 4095,
    longestReceiveBytes: 4095,
    listenOnly: true,
    wireless: false,
    baudRate: null,
    acknowledges: true,
    transmitQueueFrames: 27,
    roundTripMs: { median: 1.5, p99: 4 },
    verdict: { read: { may: true }, code: { may: true }, program: { may: false, reason: 'not-qualified' } },
  };
}

export const adapterKey = (serialNumber: string) => adapterKeyOf(adapterInfo(serialNumber), usb);

/** A check with every kind of result in it. */
export function adapterReport(id: string, simulated: boolean, serialNumber = 'CB01'): AdapterReport {
  const info = adapterInfo(serialNumber);
  return {
    id,
    key: adapterKey(serialNumber),
    simulated,
    takenAtWallMs: Date.UTC(2026, 10, 22, 10, 0, 0),
    toolVersion: '0.1.0',
    usb,
    info,
    roundTripMs: null,
    moduleRoundTripMs: { median: 7.25, p99: 12, count: 133 },
    receiveBytesPerSecond: 2800.5,
    voltage: { kind: 'unknown', why: 'no-source' },
    longReceive: { kind: 'passed', count: 20, bytes: 20 },
    longSend: { kind: 'failed', count: 5, failed: 5, bytes: 9, why: 'diag/timeout' },
    dropFree: { kind: 'not-run', why: 'no-module' },
    survivesReplug: 'unknown',
    verdict: { ...info.verdict, code: { may: false, reason: 'cannot-send-long-messages' } },
  };
}

export function adapterConsent(name: string, serialNumber = 'CB01'): AdapterConsent {
  return { key: adapterKey(serialNumber), job: 'code', name, givenAtWallMs: Date.UTC(2026, 10, 22, 10, 5, 0) };
}

export function knownAdapter(serialNumber: string, lastOpenedWallMs: number): KnownAdapter {
  return {
    key: adapterKey(serialNumber),
    driver: 'slcan',
    product: 'CANUSB',
    serialNumber,
    usb,
    wireless: false,
    bitRate: 500_000,
    lastOpenedWallMs,
    survivesReplug: 'unknown',
  };
}
