import { concatBytes } from '#base/bytes.ts';
import { fromHex, toHex } from '#base/hex.ts';
import type { StoredDtc } from '#simulator/car-data.ts';
import type { EcuCore, ServerService } from './core.ts';

/** 10: also to the session that is open, and always locks. */
export const diagnosticSessionControl: ServerService = {
  sid: 0x10,
  sessions: [1, 3],
  subFunctions: ({ data }) => data.sessions,
  minLengthBytes: 2,
  checks: { 'exact-length': ({ pdu }) => (pdu.length === 2 ? undefined : 0x13) },
  execute({ sub }, ecu) {
    const { p2Ms, p2StarMs } = ecu.data;
    const star = Math.round(p2StarMs / 10);
    return {
      answer: Uint8Array.of(0x50, sub, p2Ms >> 8, p2Ms & 0xff, star >> 8, star & 0xff),
      apply: () => ecu.enterSession(sub),
    };
  },
};

/** 11 01, 02, 03: values held in RAM are stored first (those that survive), then the ECU is silent. */
export const ecuReset: ServerService = {
  sid: 0x11,
  sessions: [1, 3],
  subFunctions: () => [1, 2, 3],
  minLengthBytes: 2,
  checks: { 'exact-length': ({ pdu }) => (pdu.length === 2 ? undefined : 0x13) },
  execute({ sub }, ecu) {
    const values: Record<string, string> = {};
    for (const [did, { value, survives }] of ecu.ram.held) if (survives) values[did] = value;
    return {
      answer: Uint8Array.of(0x51, sub),
      changes: Object.keys(values).length > 0 ? [{ kind: 'dids', ecu: ecu.data.label, values }] : [],
      resets: true,
    };
  },
};

export const testerPresent: ServerService = {
  sid: 0x3e,
  sessions: [1, 3],
  subFunctions: () => [0],
  minLengthBytes: 2,
  checks: { 'exact-length': ({ pdu }) => (pdu.length === 2 ? undefined : 0x13) },
  execute: () => ({ answer: Uint8Array.of(0x7e, 0x00) }),
};

export const controlDtcSetting: ServerService = {
  sid: 0x85,
  sessions: [3],
  subFunctions: () => [1, 2],
  minLengthBytes: 2,
  execute: ({ sub }, ecu) => ({
    answer: Uint8Array.of(0xc5, sub),
    apply: () => {
      ecu.ram.dtcSettingOn = sub === 1;
    },
  }),
};

/** 31: the service is there, no routine is. */
export const routineControl: ServerService = {
  sid: 0x31,
  sessions: [3],
  subFunctions: () => [1, 2, 3],
  minLengthBytes: 4,
  checks: { identifier: () => 0x31 },
  execute: ({ sid }) => ({ answer: Uint8Array.of(0x7f, sid, 0x31) }),
};

const ALL_GROUPS = 'FFFFFF';

/** 14: all, or one DTC by its number; other groups are refused. */
export const clearDiagnosticInformation: ServerService = {
  sid: 0x14,
  sessions: [1, 3],
  minLengthBytes: 4,
  checks: {
    'exact-length': ({ pdu }) => (pdu.length === 4 ? undefined : 0x13),
    identifier: ({ pdu }, ecu) => {
      const group = toHex(pdu.subarray(1, 4));
      return group === ALL_GROUPS || stored(group, ecu) ? undefined : 0x31;
    },
  },
  execute({ pdu }, ecu) {
    const group = toHex(pdu.subarray(1, 4));
    const dtcs = group === ALL_GROUPS ? [] : ecu.memory.dtcs.filter(({ dtc }) => dtc !== group);
    return {
      answer: Uint8Array.of(0x54),
      changes: [{ kind: 'dtcs', ecu: ecu.data.label, dtcs }],
      durationMs: ecu.data.clearMs,
    };
  },
};

/** All status bits are supported. */
const AVAILABILITY_MASK = 0xff;
const FORMAT_ISO_14229 = 0x01;
const LENGTH_OF_19: Readonly<Record<number, number>> = { 1: 3, 2: 3, 4: 6, 6: 6, 10: 2 };

function stored(dtc: string, ecu: EcuCore): StoredDtc | undefined {
  return ecu.memory.dtcs.find((entry) => entry.dtc === dtc);
}

function listed(dtcs: readonly StoredDtc[]): Uint8Array[] {
  return dtcs.map(({ dtc, status }) => concatBytes(fromHex(dtc), Uint8Array.of(status)));
}

/** 19 01, 02, 04 (one snapshot with the supply voltage), 06 (one record with a counter), 0A. */
export const readDtcInformation: ServerService = {
  sid: 0x19,
  sessions: [1, 3],
  subFunctions: () => [1, 2, 4, 6, 0x0a],
  minLengthBytes: 2,
  checks: {
    'exact-length': ({ pdu, sub }) => (pdu.length === LENGTH_OF_19[sub] ? undefined : 0x13),
    identifier: ({ pdu, sub }, ecu) => {
      if ((sub !== 4 && sub !== 6) || pdu.length < 6) return undefined;
      const record = pdu[5];
      return stored(toHex(pdu.subarray(2, 5)), ecu) && (record === 0x01 || record === 0xff) ? undefined : 0x31;
    },
  },
  execute({ pdu, sub }, ecu) {
    const { dtcs } = ecu.memory;
    const head = Uint8Array.of(0x59, sub);
    if (sub === 0x0a) return { answer: concatBytes(head, Uint8Array.of(AVAILABILITY_MASK), ...listed(dtcs)) };
    if (sub === 4 || sub === 6) {
      const [dtc] = listed([stored(toHex(pdu.subarray(2, 5)), ecu) ?? { dtc: '000000', status: 0 }]);
      // Snapshot 01: one identifier, F442 = 12.50 V when the fault came. Extended record 01: seen three times.
      const record = sub === 4 ? Uint8Array.of(0x01, 0x01, 0xf4, 0x42, 0x30, 0xd4) : Uint8Array.of(0x01, 0x03);
      return { answer: concatBytes(head, dtc ?? new Uint8Array(4), record) };
    }
    const mask = pdu[2] ?? 0;
    const matching = dtcs.filter(({ status }) => (status & mask) !== 0);
    if (sub === 1) {
      const count = matching.length;
      return {
        answer: concatBytes(head, Uint8Array.of(AVAILABILITY_MASK, FORMAT_ISO_14229, count >> 8, count & 0xff)),
      };
    }
    return { answer: concatBytes(head, Uint8Array.of(AVAILABILITY_MASK), ...listed(matching)) };
  },
};
