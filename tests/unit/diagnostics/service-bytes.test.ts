import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHexSpaced } from '#base/hex.ts';
import type { Service } from '#contract/diagnostics.ts';
import { effectOfRequest } from '#contract/permit.ts';
import { dtcStatusBits, dtcText } from '#diagnostics/uds/dtc.ts';
import { isSessionNrc, nrcInfo } from '#diagnostics/uds/nrc.ts';
import { clearDiagnosticInformation } from '#diagnostics/uds/services/clear-diagnostic-information.ts';
import { controlDtcSetting } from '#diagnostics/uds/services/control-dtc-setting.ts';
import { changeSession, openSession } from '#diagnostics/uds/services/diagnostic-session-control.ts';
import { ecuReset } from '#diagnostics/uds/services/ecu-reset.ts';
import { readDataByIdentifier } from '#diagnostics/uds/services/read-data-by-identifier.ts';
import {
  countDtcs,
  readDtcExtendedData,
  readDtcInformation,
  readDtcSnapshot,
} from '#diagnostics/uds/services/read-dtc-information.ts';
import { requestRoutineResults, startRoutine, stopRoutine } from '#diagnostics/uds/services/routine-control.ts';
import { requestSeed, sendKey } from '#diagnostics/uds/services/security-access.ts';
import { testerPresent } from '#diagnostics/uds/services/tester-present.ts';
import { writeDataByIdentifier } from '#diagnostics/uds/services/write-data-by-identifier.ts';
import { isBlankVin, isVin, vinCheckDigit } from '#diagnostics/vin.ts';

interface Case {
  readonly title: string;
  readonly request: string;
  readonly answer: string;
  readonly response: unknown;
  encode(): Uint8Array;
  echo(): Uint8Array;
  decode(pdu: Uint8Array): unknown;
  readonly effect: string;
}

function row<Q, R>(s: Service<Q, R>, q: Q, request: string, answer: string, response: unknown): Case {
  return {
    title: `${s.name}: ${request} → ${answer}`,
    request,
    answer,
    response,
    encode: () => s.encode(q),
    echo: () => s.echo(q),
    decode: (pdu) => s.decode(pdu, q),
    effect: s.effect(q),
  };
}

const code = fromHex('9A 02 15');
const rows: readonly Case[] = [
  row(openSession, { session: 3 }, '10 03', '50 03 00 32 01 F4', { session: 3, p2Ms: 50, p2StarMs: 5000 }),
  row(openSession, { session: 3 }, '10 03', '50 03', { session: 3, p2Ms: null, p2StarMs: null }),
  row(changeSession, { session: 2 }, '10 02', '50 02 00 19 01 F4', { session: 2, p2Ms: 25, p2StarMs: 5000 }),
  row(ecuReset, { type: 1 }, '11 01', '51 01', { powerDownS: null }),
  row(ecuReset, { type: 4 }, '11 04', '51 04 0A', { powerDownS: 10 }),
  row(ecuReset, { type: 4 }, '11 04', '51 04 FF', { powerDownS: null }),
  row(clearDiagnosticInformation, { group: fromHex('FFFFFF') }, '14 FF FF FF', '54', undefined),
  row(countDtcs, { mask: 9 }, '19 01 09', '59 01 FF 01 01 02', { availabilityMask: 255, format: 1, count: 258 }),
  row(
    readDtcSnapshot,
    { code, record: 255 },
    '19 04 9A 02 15 FF',
    '59 04 9A 02 15 09 01 01',
    expect.objectContaining({ status: 9, records: fromHex('01 01') }),
  ),
  row(
    readDtcExtendedData,
    { code, record: 255 },
    '19 06 9A 02 15 FF',
    '59 06 9A 02 15 09',
    expect.objectContaining({ status: 9, records: new Uint8Array() }),
  ),
  row(readDtcInformation, { kind: 'supported' }, '19 0A', '59 0A FF', { availabilityMask: 255, dtcs: [] }),
  row(readDataByIdentifier, { did: 0x0600 }, '22 06 00', '62 06 00 09 19', { data: fromHex('09 19') }),
  row(requestSeed, { level: 3 }, '27 03', '67 03 12 34 56 78', { seed: fromHex('12345678') }),
  row(sendKey, { level: 3, key: fromHex('B791F3DD') }, '27 04 B7 91 F3 DD', '67 04', undefined),
  row(writeDataByIdentifier, { did: 0xf199, data: fromHex('261122') }, '2E F1 99 26 11 22', '6E F1 99', undefined),
  row(
    startRoutine,
    { rid: 0x0203, options: fromHex('01 02') },
    '31 01 02 03 01 02',
    '71 01 02 03',
    expect.objectContaining({ status: new Uint8Array() }),
  ),
  row(
    readDtcSnapshot,
    { code, record: 1 },
    '19 04 9A 02 15 01',
    '59 04 9A 02 15 09 01 01 F4 0D 00',
    expect.objectContaining({ status: 9, records: fromHex('01 01 F4 0D 00') }),
  ),
  row(startRoutine, { rid: 0xff01 }, '31 01 FF 01', '71 01 FF 01 00', { status: fromHex('00') }),
  row(stopRoutine, { rid: 0x0203 }, '31 02 02 03', '71 02 02 03', { status: new Uint8Array() }),
  row(requestRoutineResults, { rid: 0xff00 }, '31 03 FF 00', '71 03 FF 00 32', { status: fromHex('32') }),
  row(testerPresent, {}, '3E 00', '7E 00', undefined),
  row(controlDtcSetting, { setting: 'off' }, '85 02', 'C5 02', undefined),
];

describe('services, byte for byte', () => {
  it.each(rows)('$title', (r) => {
    expect(toHexSpaced(r.encode())).toBe(r.request);
    expect(r.decode(fromHex(r.answer))).toEqual(r.response);
    expect(effectOfRequest(fromHex(r.request))).toBe(r.effect);
  });

  it('two DTCs with mask FF: B1A02-15 status 09 and U1100-87 status 08', () => {
    const request = { kind: 'by-status-mask', mask: 9 } as const;
    expect(toHexSpaced(readDtcInformation.encode(request))).toBe('19 02 09');
    const { dtcs } = readDtcInformation.decode(fromHex('59 02 FF 9A 02 15 09 D1 00 87 08'), request);
    expect(dtcs.map((dtc) => [dtcText(dtc.code), dtc.status])).toEqual([
      ['B1A02-15', 9],
      ['U1100-87', 8],
    ]);
  });

  it('garbage and every cut of a good answer give a RangeError or an answer that begins with SID and echo', () => {
    for (const r of rows) {
      const head = Uint8Array.of((r.encode()[0] ?? 0) + 0x40, ...r.echo());
      const judge = (pdu: Uint8Array) => {
        try {
          r.decode(pdu);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          return;
        }
        expect(toHexSpaced(pdu.subarray(0, head.length))).toBe(toHexSpaced(head));
      };
      const good = fromHex(r.answer);
      for (let cut = 0; cut < good.length; cut++) judge(good.subarray(0, cut));
      for (let cut = 0; cut < head.length; cut++)
        expect(() => r.decode(good.subarray(0, cut)), `${r.title} cut at ${cut}`).toThrow(RangeError);
      fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), judge), { seed: 2026, numRuns: 200 });
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 12 }), (tail) => judge(Uint8Array.of(...head, ...tail))),
        { seed: 2026, numRuns: 200 },
      );
    }
  });

  it.each([
    ['a DID above FFFF', () => readDataByIdentifier.encode({ did: 0x10000 })],
    ['a write without data', () => writeDataByIdentifier.encode({ did: 0x0600, data: new Uint8Array() })],
    ['an even level', () => requestSeed.encode({ level: 4 })],
    ['session 83, which would suppress the answer', () => openSession.encode({ session: 0x83 })],
    ['a group of two bytes', () => clearDiagnosticInformation.encode({ group: fromHex('FFFF') })],
    ['a coding value cut in the answer', () => readDataByIdentifier.decode(fromHex('62 06 00'), { did: 0x0600 })],
    ['half a DTC', () => readDtcInformation.decode(fromHex('59 02 FF 9A 02'), { kind: 'by-status-mask', mask: 9 })],
    ['another DID', () => readDataByIdentifier.decode(fromHex('62 F1 90 31'), { did: 0xf187 })],
    ['another snapshot record', () => readDtcSnapshot.decode(fromHex('59 04 9A 02 15 09 02 01'), { code, record: 1 })],
    ['another DTC', () => readDtcExtendedData.decode(fromHex('59 06 9A 02 16 09'), { code, record: 255 })],
    ['a count of three bytes', () => countDtcs.decode(fromHex('59 01 FF 01 00'), { mask: 9 })],
    ['a code of two bytes', () => readDtcSnapshot.encode({ code: fromHex('9A 02'), record: 255 })],
    ['the end of another routine', () => requestRoutineResults.decode(fromHex('71 03 FF 01 00'), { rid: 0xff00 })],
    ['the start of a routine for its end', () => requestRoutineResults.decode(fromHex('71 01 FF 00'), { rid: 0xff00 })],
    ['a routine above FFFF', () => startRoutine.encode({ rid: 0x10000 })],
    ['a key without bytes', () => sendKey.encode({ level: 3, key: new Uint8Array() })],
    ['half a session record', () => openSession.decode(fromHex('50 03 00 32 01'), { session: 3 })],
    [
      'a byte behind 6E',
      () => writeDataByIdentifier.decode(fromHex('6E 06 00 00'), { did: 0x0600, data: fromHex('00') }),
    ],
  ])('refuses %s', (_, work) => {
    expect(work).toThrow(RangeError);
  });

  it.each([
    ['01 23 45', 'P0123-45'],
    ['56 78 9A', 'C1678-9A'],
    ['A5 B6 C7', 'B25B6-C7'],
    ['D1 00 87', 'U1100-87'],
    ['FF FF FF', 'U3FFF-FF'],
  ])('DTC %s is %s', (bytes, text) => expect(dtcText(fromHex(bytes))).toBe(text));

  it('status 29 is failing now, confirmed and failed since clear; 80 asks for the lamp', () => {
    const set = (status: number) =>
      Object.entries(dtcStatusBits(status))
        .filter(([, isSet]) => isSet)
        .map(([name]) => name);
    expect(set(0x29)).toEqual(['testFailed', 'confirmedDtc', 'testFailedSinceLastClear']);
    expect(set(0x80)).toEqual(['warningIndicatorRequested']);
  });

  it('every NRC has a name and an action; what the standard leaves open is aborted', () => {
    for (let nrc = 0; nrc <= 0xff; nrc++) expect(nrcInfo(nrc).name).not.toBe('');
    expect(nrcInfo(0x31)).toEqual({ code: 0x31, name: 'requestOutOfRange', action: 'defect' });
    expect(nrcInfo(0xf3)).toMatchObject({ action: 'condition' });
    expect(nrcInfo(0x00)).toMatchObject({ name: 'reserved', action: 'abort' });
    expect(Array.from({ length: 256 }, (_, nrc) => nrc).filter(isSessionNrc)).toEqual([0x7e, 0x7f]);
  });

  it('VIN: shape, check digit and blanks of B.3', () => {
    expect(vinCheckDigit('1M8GDM9AXKP042788')).toEqual({ expected: 'X', matches: true, mandatory: true });
    expect(vinCheckDigit('11111111111111111').expected).toBe('1');
    expect(vinCheckDigit('WVWZZZ1KZ6W000001')).toEqual({ expected: '1', matches: false, mandatory: false });
    expect(isVin('WVWZZZ1KZ6W00000O')).toBe(false);
    expect(isBlankVin(new Uint8Array(17).fill(0xff))).toBe(true);
    expect(isBlankVin(fromHex('00 30'))).toBe(false);
  });
});
