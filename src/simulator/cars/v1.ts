import { sum8 } from '#base/crc.ts';
import { fromHex, toHex } from '#base/hex.ts';
import {
  type Access,
  type CarData,
  type ConditionData,
  DECISION_STEPS,
  type DidData,
  type EcuData,
  type StoredDtc,
} from '#simulator/car-data.ts';

/**
 * V1, a car in the manner of VW's MQB on 500 kbit/s. Its VIN and part numbers cannot exist in the field, so that no
 * definition for it can match a real car.
 */
const VIN = '0CBV1000000000017';
const SHOP_CODE = '00 00 03 78 1F D7';
const ANY: Access = { sessions: [1, 3] };
const EXTENDED: Access = { sessions: [3] };

const CONDITIONS: readonly ConditionData[] = [
  { when: 'voltage-below', limit: 11.5, sids: [0x2e, 0x14], nrc: 0x93 },
  { when: 'voltage-above', limit: 15.5, sids: [0x2e, 0x14], nrc: 0x92 },
  { when: 'vehicle-moves', sids: [0x2e, 0x11], nrc: 0x88 },
  { when: 'engine-runs', sids: [0x2e], nrc: 0x83 },
];

interface ModuleRow {
  readonly label: string;
  readonly requestId: number;
  readonly responseId: number;
  readonly part: string;
  readonly hardware: string;
  readonly software: string;
  readonly serial: string;
  readonly system: string;
  readonly odx: string;
  readonly blocks: Readonly<Record<string, DidData>>;
  readonly dtcs?: readonly StoredDtc[];
  readonly levels?: readonly number[];
  readonly own?: Partial<EcuData>;
}

/** A coding block: read in any session, written in the extended one after F199 and F198. */
function block(value: string, more: Partial<DidData> = {}): DidData {
  return { value, read: ANY, write: EXTENDED, writeMs: 30, ...more };
}

const SUPPLY: DidData = { source: 'supply-mv', read: ANY };

function ascii(text: string): string {
  return toHex(new TextEncoder().encode(text));
}

/** Appends the sum of all bytes modulo 256. */
function summed(value: string): string {
  const bytes = fromHex(value);
  return toHex(bytes) + toHex(Uint8Array.of(sum8(bytes)));
}

function fixed(text: string): DidData {
  return { value: ascii(text), read: ANY };
}

function module(row: ModuleRow): EcuData {
  const isPowertrain = row.requestId >= 0x7e0 && row.requestId <= 0x7e7;
  return {
    label: row.label,
    requestId: row.requestId,
    responseId: row.responseId,
    functionalIds: isPowertrain ? [0x700, 0x7df] : [0x700],
    answerMs: 3,
    answerJitterMs: 2,
    p2Ms: 50,
    p2StarMs: 5000,
    s3Ms: 5000,
    resetSilentMs: 2000,
    sessions: [1, 3],
    security: { levels: row.levels ?? [], seedBytes: 4, maxWrongKeys: 2, lockoutMs: 600_000, bootDelayMs: 0 },
    dids: {
      F186: { source: 'session', read: ANY },
      F187: fixed(row.part),
      F189: fixed(row.software),
      F18C: fixed(row.serial),
      F190: fixed(VIN),
      F191: fixed(row.hardware),
      F197: fixed(row.system),
      F198: { value: SHOP_CODE, read: ANY, write: EXTENDED, mirroredTo: 'F1A5' },
      F199: { value: '24 03 12', read: ANY, write: EXTENDED, rule: 'bcd-date' },
      F19E: fixed(row.odx),
      F1A2: fixed('001001'),
      F1A5: { value: SHOP_CODE, read: ANY },
      ...row.blocks,
    },
    preludeDids: Object.keys(row.blocks).filter((did) => did === '0600' || did === '0612'),
    conditions: CONDITIONS,
    dtcs: row.dtcs ?? [],
    clearMs: 120,
    decisionOrder: DECISION_STEPS,
    whileBusy: 'refuse',
    isotp: {},
    ...row.own,
  };
}

const MODULES: readonly ModuleRow[] = [
  {
    label: '01',
    requestId: 0x7e0,
    responseId: 0x7e8,
    part: 'CBAY0906026A',
    hardware: 'CBAY0907551',
    software: '0021',
    serial: 'CBAYENG0000011',
    system: 'R4 1.5l TSI',
    odx: 'EV_CBAYECM15TSI',
    blocks: {
      '0600': block('01 08 00 32 20 01 00 04 00 08'),
      F40C: { source: 'engine-speed', read: ANY },
      F40D: { source: 'vehicle-speed', read: ANY },
      F442: SUPPLY,
    },
  },
  {
    label: '02',
    requestId: 0x7e1,
    responseId: 0x7e9,
    part: 'CBAY0927158B',
    hardware: 'CBAY0927158',
    software: '4011',
    serial: 'CBAYGBX0000012',
    system: 'DQ200 7F',
    odx: 'EV_CBAYTCMDQ200',
    blocks: { '0600': block('14 00 00 01 02 00') },
  },
  {
    label: '03',
    requestId: 0x713,
    responseId: 0x77d,
    part: 'CBAY0614517C',
    hardware: 'CBAY0614517',
    software: '0455',
    serial: 'CBAYABS0000013',
    system: 'ESC',
    odx: 'EV_CBAYBrakeESC',
    blocks: { '0600': block('11 3A 28 40 C0 22 16 01') },
  },
  {
    label: '08',
    requestId: 0x746,
    responseId: 0x7b0,
    part: 'CBAY0820047D',
    hardware: 'CBAY0820047',
    software: '0308',
    serial: 'CBAYCLI0000014',
    system: 'Climatronic',
    odx: 'EV_CBAYAirCondi',
    blocks: { '0600': block('00 04 20 81 00 02') },
  },
  {
    label: '09',
    requestId: 0x70e,
    responseId: 0x778,
    part: 'CBAY0937084E',
    hardware: 'CBAY0937084',
    software: '0114',
    serial: 'CBAYBCM0000015',
    system: 'BCM PQ',
    odx: 'EV_CBAYBCMBoot',
    blocks: {
      // Slower than P2: 7F 2E 78 comes before 6E.
      '0600': block('09 19 00 12 24 26 00 0E 30 04 A8 00 40 10 00 00 8A 02 00 5C 00 00 01 33 00 80 00 00 00 12', {
        writeMs: 120,
      }),
    },
    dtcs: [{ dtc: '9A0215', status: 0x09 }],
  },
  {
    label: '15',
    requestId: 0x715,
    responseId: 0x77f,
    part: 'CBAY0959655F',
    hardware: 'CBAY0959655',
    software: '0072',
    serial: 'CBAYABG0000016',
    system: 'VW20',
    odx: 'EV_CBAYAirbaVW20',
    // Its coding stays behind a level that nobody can unlock here: 7F 22 33.
    blocks: { '0600': { value: '00 00 00 00', read: { sessions: [1, 3], level: 1 } } },
  },
  {
    label: '17',
    requestId: 0x714,
    responseId: 0x77e,
    part: 'CBAY0920740G',
    hardware: 'CBAY0920740',
    software: '2210',
    serial: 'CBAYIPC0000017',
    system: 'KOMBI',
    odx: 'EV_CBAYDashBoard',
    blocks: { '0600': block('03 A5 00 08 00 01 40 00 00 20 00 00 07 00 00 00 00 10 00 00') },
    dtcs: [{ dtc: 'D10087', status: 0x08 }],
  },
  {
    label: '19',
    requestId: 0x710,
    responseId: 0x77a,
    part: 'CBAY0907530H',
    hardware: 'CBAY0907530',
    software: '1640',
    serial: 'CBAYGWY0000018',
    system: 'GW MQB',
    odx: 'EV_CBAYGatewMQB',
    blocks: {
      '0600': block('35 10 02 3F 08 00 E1 44 00 03 00 2C 00 00 0F 00 00 00 00 00 1C 00 00 00 00 00 00 00 00 00'),
      '0411': block(summed('46 00 56 41 52 30 30 30 30 30 30 34 37 31 31'), { rule: 'sum8-last' }),
      '2A2E': { value: '01 02 03 08 09 15 17 19 5F A5', read: ANY },
      F442: SUPPLY,
    },
  },
  {
    label: '5F',
    requestId: 0x773,
    responseId: 0x7dd,
    part: 'CBAY0035816J',
    hardware: 'CBAY0035816',
    software: '0478',
    serial: 'CBAYHUN0000019',
    system: 'MU-H',
    odx: 'EV_CBAYMUHig',
    levels: [3],
    blocks: {
      '0600': block('02 73 04 01 FF 00 00 00 01 11 00 01 00 1F 00 2F 00 E4 01 20 00 C7 00 00 14'),
      '0612': block('00 00 00 00 00 00 00 01', { write: { sessions: [3], level: 3 } }),
    },
  },
  {
    label: 'A5',
    requestId: 0x74f,
    responseId: 0x7b9,
    part: 'CBAY0980653K',
    hardware: 'CBAY0980653',
    software: '0290',
    serial: 'CBAYCAM0000020',
    system: 'MQB MFK',
    odx: 'EV_CBAYCamera',
    blocks: { '0600': block('01 00 07 00 00 01 3A 00 11 00 00 00 00 08 00 00 00 00') },
  },
];

export const V1: CarData = {
  carId: 'V1',
  vin: VIN,
  bitRate: 500_000,
  ecus: MODULES.map(module),
  variants: {
    /** One module of another car. */
    'foreign-cluster': [
      { ecu: '17', did: 'F190', value: ascii('0CBV1000000000099') },
      { ecu: '17', did: 'F18C', value: ascii('CBAYIPC0000099') },
    ],
    /** A replacement part without a VIN. */
    'virgin-cluster': [
      { ecu: '17', did: 'F190', value: 'FF '.repeat(17).trim() },
      { ecu: '17', did: 'F18C', value: ascii('CBAYIPC0000098') },
    ],
    'new-bcm-software': [{ ecu: '09', did: 'F189', value: ascii('0140') }],
    'other-bcm-hardware': [{ ecu: '09', did: 'F191', value: ascii('CBAY0937999') }],
    'other-car': [{ ecu: '*', did: 'F190', value: ascii('0CBV1000000000042') }],
  },
};
