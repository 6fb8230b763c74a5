import type { AdapterInfo } from '#contract/adapter.ts';
import type { Backup, BackupBlock, ModuleIdentity } from '#contract/backup.ts';
import type { Definition } from '#contract/definition.ts';
import type { ModuleView } from '#contract/vehicle-api.ts';
import type { CarNow } from '#ui/views/backups/restorable.ts';

export const VIN = '0CBV1000000000017';

export const coding = (hex: string, did = '0600'): BackupBlock => ({ service: '22', did, role: 'coding', hex });
export const stamp = (hex: string, did = 'F199'): BackupBlock => ({ service: '22', did, role: 'prelude', hex });

export const identity: ModuleIdentity = {
  moduleId: '70E-778',
  address: { format: 'normal', requestId: 0x70e, responseId: 0x778, extendedId: false },
  label: '09',
  shortName: 'BCM',
  part: 'CBAY0937084E',
  hardware: 'CBAY0937084',
  softwareVersion: '0114',
  serial: 'CBAYBCM0000015',
  vin: VIN,
  reads: [],
  match: { kind: 'exact', packId: 'virtual-v1', definitionId: 'v1-body', sha256: '00' },
};

export function backup(
  change: Partial<Omit<Backup, 'module'>> & { readonly module?: Partial<ModuleIdentity> } = {},
): Backup {
  const { module, ...rest } = change;
  return {
    format: 'codebay-backup',
    version: 1,
    id: 'b1',
    simulated: true,
    sequence: 1,
    takenAtWallMs: 1000,
    tool: { name: 'codebay', version: '0.1.0' },
    vehicle: { vin: VIN, sources: [] },
    blocks: [coding('0A10'), stamp('261122')],
    unreadable: [],
    faults: null,
    session: 3,
    securityLevel: null,
    voltage: { kind: 'unknown', why: 'no-source' },
    reason: 'before-write',
    operationId: null,
    parent: null,
    pinned: null,
    contentHash: '11',
    recordHash: '22',
    ...rest,
    module: { ...identity, ...module },
  };
}

export function moduleView(change: Partial<ModuleView> = {}): ModuleView {
  return {
    moduleId: '70E-778',
    address: identity.address,
    label: '09',
    shortName: 'BCM',
    title: { en: 'Body electronics', de: 'Bordnetz' },
    group: { en: 'Comfort', de: 'Komfort' },
    status: 'ok',
    identity,
    faults: null,
    blocks: { entries: [coding('0A10'), stamp('261122')], unreadable: [], readAtWallMs: 5000 },
    stale: false,
    lockouts: [],
    lastBackup: null,
    ...change,
  };
}

const adapter: AdapterInfo = {
  driver: 'slcan',
  product: 'CANable 2',
  firmware: 'test',
  serialNumber: null,
  genuine: 'unknown',
  chip: 'slcan',
  findings: [],
  longestSendBytes: 4095,
  longestReceiveBytes: 4095,
  listenOnly: false,
  wireless: false,
  baudRate: null,
  acknowledges: false,
  transmitQueueFrames: 63,
  roundTripMs: null,
  verdict: { read: { may: true }, code: { may: true }, program: { may: false, reason: 'not-qualified' } },
};

export const connected: CarNow['connection'] = {
  kind: 'open',
  simulated: true,
  adapter,
  check: null,
  consent: null,
  usb: null,
  bitRate: 500_000,
  traffic: true,
  foreignTester: false,
  sessionId: 's1',
};

export function car(change: Partial<CarNow> & { readonly module?: ModuleView; readonly vin?: string } = {}): CarNow {
  const { module = moduleView(), vin = VIN, ...rest } = change;
  return {
    connection: connected,
    vehicle: {
      simulated: true,
      vin,
      vinSources: [],
      vinConflict: false,
      scannedAtWallMs: 4000,
      filteredBy: null,
      modules: [module],
      since: null,
    },
    jobs: [],
    store: { kind: 'ok', persistent: true },
    lastJobWallMs: () => null,
    ...rest,
  };
}

/** Two bytes: byte 0 bits 0–3 an option of road law, byte 1 bit 4 a switch; the other bits nobody knows. */
export const definition: Definition = {
  id: 'v1-body',
  title: { en: 'Body electronics', de: 'Bordnetz' },
  shortName: 'BCM',
  source: 'test',
  identify: [],
  identification: [],
  codingBlocks: [
    {
      id: 'coding',
      title: { en: 'Coding', de: 'Codierung' },
      did: '0600',
      lengthBytes: 2,
      readSession: 3,
      writeSession: 3,
      needsPrelude: true,
    },
  ],
  parameters: [
    {
      id: 'blink',
      block: 'coding',
      title: { en: 'Comfort turn signal', de: 'Komfortblinken' },
      help: { en: '', de: '' },
      group: { en: 'Exterior light', de: 'Außenlicht' },
      position: { byte: 0, bit: 0, lengthBits: 4, endian: 'big' },
      compu: { kind: 'linear', factor: 1, offset: 0, unit: '×', minCoded: 0, maxCoded: 15, stepCoded: 1 },
      risk: 'road-law',
      source: 'test',
      verifiedOn: [],
    },
    {
      id: 'mirrors',
      block: 'coding',
      title: { en: 'Mirrors fold when locking', de: 'Spiegel klappen an' },
      help: { en: '', de: '' },
      group: { en: 'Mirrors', de: 'Spiegel' },
      position: { byte: 1, bit: 4, lengthBits: 1, endian: 'big' },
      compu: {
        kind: 'texttable',
        values: [
          { coded: 0, text: { en: 'Off', de: 'Aus' } },
          { coded: 1, text: { en: 'On', de: 'Ein' } },
        ],
      },
      risk: 'comfort',
      source: 'test',
      verifiedOn: [],
    },
  ],
  prelude: [],
  securityLevels: [],
  resetAfterWrite: null,
  keepAwake: 'functional',
  ignitionCycle: 'none',
  release: 'none',
  denied: [],
  faults: [],
};
