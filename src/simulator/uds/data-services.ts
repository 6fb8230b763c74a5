import { concatBytes, equalBytes } from '#base/bytes.ts';
import { sum8 } from '#base/crc.ts';
import { toHex } from '#base/hex.ts';
import type { Access } from '#simulator/car-data.ts';
import { didText, type EcuCore, type ServerRequest, type ServerService } from './core.ts';

const MAX_DIDS_PER_READ = 8;
const MAX_ANSWER_BYTES = 4095;

function requestedDids({ pdu }: ServerRequest): string[] {
  const dids: string[] = [];
  for (let at = 1; at + 1 < pdu.length; at += 2) dids.push(didText(pdu[at], pdu[at + 1]));
  return dids;
}

function readable(did: string, ecu: EcuCore): boolean {
  return ecu.data.dids[did]?.read.sessions.includes(ecu.ram.session) ?? false;
}

function isLocked(access: Access | undefined, ecu: EcuCore): boolean {
  return access?.level !== undefined && access.level !== ecu.ram.unlockedLevel;
}

/** 22: one or several identifiers; those it does not know are left out unless all are unknown. */
export const readDataByIdentifier: ServerService = {
  sid: 0x22,
  sessions: [1, 3],
  minLengthBytes: 3,
  checks: {
    'exact-length': ({ pdu }) => (pdu.length % 2 === 0 || pdu.length > 1 + 2 * MAX_DIDS_PER_READ ? 0x13 : undefined),
    identifier: (request, ecu) => (requestedDids(request).some((did) => readable(did, ecu)) ? undefined : 0x31),
    'identifier-security': (request, ecu) =>
      requestedDids(request).some((did) => readable(did, ecu) && isLocked(ecu.data.dids[did]?.read, ecu))
        ? 0x33
        : undefined,
  },
  execute(request, ecu) {
    const parts: Uint8Array[] = [Uint8Array.of(0x62)];
    for (const did of requestedDids(request)) {
      const value = readable(did, ecu) ? ecu.readDid(did) : undefined;
      const id = Number.parseInt(did, 16);
      if (value) parts.push(Uint8Array.of(id >> 8, id & 0xff), value);
    }
    const answer = concatBytes(...parts);
    return { answer: answer.length > MAX_ANSWER_BYTES ? Uint8Array.of(0x7f, 0x22, 0x14) : answer };
  },
};

function writtenDid({ pdu }: ServerRequest): string {
  return didText(pdu[1], pdu[2]);
}

/** 2E. Without F199 and F198 written before it in this session, a coding block answers 7F 2E 31. */
export const writeDataByIdentifier: ServerService = {
  sid: 0x2e,
  sessions: [3],
  minLengthBytes: 4,
  checks: {
    identifier: (request, ecu) =>
      ecu.data.dids[writtenDid(request)]?.write?.sessions.includes(ecu.ram.session) ? undefined : 0x31,
    'exact-length': (request, ecu) =>
      request.pdu.length - 3 === ecu.readDid(writtenDid(request))?.length ? undefined : 0x13,
    'identifier-security': (request, ecu) =>
      isLocked(ecu.data.dids[writtenDid(request)]?.write, ecu) ? 0x33 : undefined,
    value: (request, ecu) => {
      const did = writtenDid(request);
      const needsPrelude = ecu.data.preludeDids.includes(did);
      if (needsPrelude && !(ecu.ram.writtenDids.has('F199') && ecu.ram.writtenDids.has('F198'))) return 0x31;
      return followsRule(ecu.data.dids[did]?.rule, request.pdu.subarray(3)) ? undefined : 0x31;
    },
  },
  execute(request, ecu) {
    const did = writtenDid(request);
    const data = ecu.data.dids[did];
    const value = toHex(request.pdu.subarray(3));
    const values = data?.mirroredTo ? { [did]: value, [data.mirroredTo]: value } : { [did]: value };
    return {
      answer: Uint8Array.of(0x6e, request.pdu[1] ?? 0, request.pdu[2] ?? 0),
      changes: [{ kind: 'dids', ecu: ecu.data.label, values }],
      ...(data?.writeMs === undefined ? {} : { durationMs: data.writeMs }),
      apply: () => ecu.ram.writtenDids.add(did),
    };
  },
};

function followsRule(rule: 'sum8-last' | 'bcd-date' | undefined, value: Uint8Array): boolean {
  if (rule === 'sum8-last') return value.at(-1) === sum8(value.subarray(0, -1));
  if (rule !== 'bcd-date') return true;
  if (value.some((byte) => (byte & 0x0f) > 9 || byte >> 4 > 9)) return false;
  const [, month = 0, day = 0] = Array.from(value, (byte) => (byte >> 4) * 10 + (byte & 0x0f));
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/** The demo algorithm: every byte of the seed XOR A5. For the virtual car only. */
export function demoKey(seed: Uint8Array): Uint8Array {
  return seed.map((byte) => byte ^ 0xa5);
}

function isKeyStep(sub: number): boolean {
  return sub % 2 === 0;
}

/** 27: a seed of zeros when open already; wrong keys are counted in lasting memory, then 36, then 37 for the delay. */
export const securityAccess: ServerService = {
  sid: 0x27,
  sessions: [3],
  subFunctions: ({ data }) => data.security.levels.flatMap((level) => [level, level + 1]),
  minLengthBytes: 2,
  checks: {
    'exact-length': ({ pdu, sub }, ecu) => {
      if (!isKeyStep(sub)) return pdu.length === 2 ? undefined : 0x13;
      const seedBytes = ecu.ram.pendingSeed?.seed.length ?? ecu.data.security.seedBytes;
      return pdu.length === 2 + seedBytes ? undefined : 0x13;
    },
    value: ({ sub }, ecu) => {
      const level = isKeyStep(sub) ? sub - 1 : sub;
      if (ecu.upMs < ecu.data.security.bootDelayMs || ecu.lockedMs(level) > 0) return 0x37;
      return isKeyStep(sub) && ecu.ram.pendingSeed?.level !== level ? 0x24 : undefined;
    },
  },
  execute({ pdu, sub }, ecu) {
    return isKeyStep(sub) ? tryKey(pdu.subarray(2), sub, ecu) : giveSeed(sub, ecu);
  },
};

function giveSeed(level: number, ecu: EcuCore) {
  const { seedBytes } = ecu.data.security;
  if (ecu.ram.unlockedLevel === level)
    return { answer: concatBytes(Uint8Array.of(0x67, level), new Uint8Array(seedBytes)) };
  const seed = new Uint8Array(seedBytes).map(() => ecu.randomByte());
  seed[0] = (seed[0] ?? 0) | 1; // a seed of zeros would mean "already open"
  return {
    answer: concatBytes(Uint8Array.of(0x67, level), seed),
    apply: () => {
      ecu.ram.pendingSeed = { level, seed };
    },
  };
}

function tryKey(key: Uint8Array, sub: number, ecu: EcuCore) {
  const level = sub - 1;
  const seed = ecu.ram.pendingSeed?.seed ?? new Uint8Array();
  const counted = ecu.memory.security[String(level)]?.wrongKeys ?? 0;
  const isRight = equalBytes(key, demoKey(seed));
  const wrongKeys = isRight ? 0 : counted + 1;
  const { maxWrongKeys, lockoutMs } = ecu.data.security;
  const locksOut = wrongKeys >= maxWrongKeys;
  return {
    answer: isRight ? Uint8Array.of(0x67, sub) : Uint8Array.of(0x7f, 0x27, locksOut ? 0x36 : 0x35),
    changes:
      isRight && counted === 0
        ? []
        : [
            {
              kind: 'security' as const,
              ecu: ecu.data.label,
              level,
              wrongKeys: locksOut ? 0 : wrongKeys,
              lockedMs: locksOut ? lockoutMs : 0,
            },
          ],
    apply: () => {
      ecu.ram.pendingSeed = undefined;
      if (isRight) ecu.ram.unlockedLevel = level;
    },
  };
}
