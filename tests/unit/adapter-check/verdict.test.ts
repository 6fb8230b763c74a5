import { describe, expect, it } from 'vitest';
import type { AdapterInfo, AdapterVerdict } from '#contract/adapter.ts';
import { type AdapterConsent, type AdapterReport, adapterKeyOf } from '#contract/adapter-check.ts';
import { adapterVerdict, countedReport, isAcceptable } from '#procedures/adapter-check/verdict.ts';
import {
  CANABLE,
  CANUSB,
  CLONE,
  failed,
  GENUINE_ELM,
  MAY,
  NOW,
  not,
  notRun,
  OBDLINK_SX,
  passed,
  reportOf,
  USB,
  VLINKER,
} from './samples.ts';

const TODAY = { wallMs: NOW, toolVersion: '1.9.0' };
const DAY_MS = 24 * 3_600_000;

function verdictOf(info: AdapterInfo, reports: readonly AdapterReport[], consent: AdapterConsent | null = null) {
  return adapterVerdict(info, { key: adapterKeyOf(info, USB), reports, consent }, TODAY);
}

function signed(info: AdapterInfo): AdapterConsent {
  return { key: adapterKeyOf(info, USB), job: 'code', name: 'M. Huber', givenAtWallMs: NOW };
}

const wireless = (info: AdapterInfo): AdapterInfo => ({ ...info, wireless: true });

describe('what an adapter may do (reference: adapters L.1, N)', () => {
  it.each<[string, AdapterInfo, Partial<AdapterReport> | null, AdapterVerdict, AdapterVerdict]>([
    ['a genuine ELM327, never measured', GENUINE_ELM, null, not('not-qualified'), not('too-slow')],
    ['a genuine ELM327 that passed', GENUINE_ELM, {}, MAY, not('too-slow')],
    [
      'a genuine ELM327 that passed both long ones and had no drop-free run',
      GENUINE_ELM,
      { dropFree: notRun() },
      MAY,
      not('too-slow'),
    ],
    [
      'a genuine ELM327 at a car without a long value',
      GENUINE_ELM,
      { longReceive: notRun('no-long-value') },
      not('not-qualified'),
      not('too-slow'),
    ],
    [
      'a genuine ELM327 whose long requests could not be proven',
      GENUINE_ELM,
      { longSend: notRun('not-possible') },
      not('not-qualified'),
      not('too-slow'),
    ],
    [
      'a genuine ELM327 whose long requests get lost',
      GENUINE_ELM,
      { longSend: failed() },
      not('cannot-send-long-messages'),
      not('cannot-send-long-messages'),
    ],
    [
      'a genuine ELM327 that loses long answers, and long requests too',
      GENUINE_ELM,
      { longReceive: failed(), longSend: failed() },
      not('loses-answers'),
      not('loses-answers'),
    ],
    ['a clone, never measured', CLONE, null, not('untested'), not('too-slow')],
    ['a clone that passed, nobody signed', CLONE, {}, not('clone'), not('too-slow')],
    ['a clone that fails', CLONE, { dropFree: failed() }, not('loses-answers'), not('loses-answers')],
    [
      'a clone that has no way to send long requests, whatever was measured',
      { ...CLONE, verdict: { ...CLONE.verdict, code: not('cannot-send-long-messages') } },
      { longSend: notRun('not-possible') },
      not('cannot-send-long-messages'),
      not('too-slow'),
    ],
    ['an slcan that acknowledges, never measured', CANUSB, null, MAY, not('not-qualified')],
    ['an slcan that acknowledges and passed', CANUSB, {}, MAY, MAY],
    ['an slcan that acknowledges, drop-free not run', CANUSB, { dropFree: notRun() }, MAY, not('not-qualified')],
    ['an slcan that loses answers', CANUSB, { dropFree: failed() }, not('loses-answers'), not('loses-answers')],
    ['an slcan that acknowledges, measured without a car', CANUSB, allNotRun(), MAY, not('not-qualified')],
    ['an slcan without acknowledgement that passed all of it', CANABLE, {}, MAY, not('no-transmit-confirmation')],
    ['an OBDLink SX, never measured', OBDLINK_SX, null, MAY, not('not-qualified')],
    ['an OBDLink SX that passed', OBDLINK_SX, {}, MAY, MAY],
    ['a copy of it', { ...OBDLINK_SX, genuine: 'unknown' }, {}, MAY, not('not-qualified')],
    ['an STN1110 on a board of somebody', { ...OBDLINK_SX, chip: 'STN1110' }, {}, MAY, not('not-qualified')],
    ['a vLinker, never measured', VLINKER, null, not('not-qualified'), not('untested')],
    ['a vLinker that passed', VLINKER, {}, MAY, not('untested')],
    ['an OBDLink SX behind Bluetooth', wireless(OBDLINK_SX), {}, MAY, not('wireless')],
    ['an slcan behind Wi-Fi that passed', wireless(CANUSB), {}, MAY, not('wireless')],
  ])('%s', (_, info, change, code, program) => {
    const verdict = verdictOf(info, change === null ? [] : [reportOf(info, change)]);
    expect(verdict).toEqual({ read: MAY, code, program });
  });

  it('S14 lets a clone that passed code once a person signed for it, and never program', () => {
    const verdict = verdictOf(CLONE, [reportOf(CLONE)], signed(CLONE));
    expect(verdict).toEqual({ read: MAY, code: MAY, program: not('too-slow') });
    const alsoProgram = { ...CLONE, verdict: { ...CLONE.verdict, program: not('not-qualified') } };
    expect(verdictOf(alsoProgram, [reportOf(alsoProgram)], signed(alsoProgram)).program).toEqual(not('not-qualified'));
  });

  it.each([
    ['has not passed', [reportOf(CLONE, { longSend: notRun('not-possible') })], not('untested')],
    ['was never measured', [], not('untested')],
    ['failed', [reportOf(CLONE, { longReceive: failed() })], not('loses-answers')],
  ])('a signature does not help a clone that %s', (_, reports, code) => {
    expect(verdictOf(CLONE, reports, signed(CLONE)).code).toEqual(code);
  });

  it('a signature for another adapter counts for nothing', () => {
    expect(verdictOf(CLONE, [reportOf(CLONE)], signed({ ...CLONE, firmware: 'ELM327 v2.1' })).code).toEqual(
      not('clone'),
    );
  });

  it('asks for a signature only for a clone that passed', () => {
    expect(isAcceptable(verdictOf(CLONE, [reportOf(CLONE)]))).toBe(true);
    expect(isAcceptable(verdictOf(CLONE, []))).toBe(false);
    expect(isAcceptable(verdictOf(CLONE, [reportOf(CLONE, { dropFree: failed() })]))).toBe(false);
    expect(isAcceptable(verdictOf(CLONE, [reportOf(CLONE)], signed(CLONE)))).toBe(false);
    expect(isAcceptable(verdictOf(GENUINE_ELM, []))).toBe(false);
    expect(isAcceptable(verdictOf(CANUSB, [reportOf(CANUSB)]))).toBe(false);
  });
});

describe('which report counts', () => {
  const key = adapterKeyOf(GENUINE_ELM, USB);
  const counted = (...reports: readonly AdapterReport[]) => countedReport({ key, reports }, TODAY)?.id ?? null;
  const one = (change: Partial<AdapterReport>) => reportOf(GENUINE_ELM, change);

  it.each<[string, Partial<AdapterReport>, string | null]>([
    ['one of a minute ago', {}, 'report-1'],
    ['one of 365 days ago', { takenAtWallMs: NOW - 365 * DAY_MS }, 'report-1'],
    ['one of a day more', { takenAtWallMs: NOW - 366 * DAY_MS }, null],
    ['one of an hour ahead: the clock was set back a little', { takenAtWallMs: NOW + 3_600_000 }, 'report-1'],
    ['one of two days ahead: nobody knows when that was', { takenAtWallMs: NOW + 2 * DAY_MS }, null],
    ['one by version 1.0 of this tool', { toolVersion: '1.0.0-rc.1' }, 'report-1'],
    ['one by version 2', { toolVersion: '2.0.0' }, null],
    ['one by version 10', { toolVersion: '10.0.0' }, null],
    ['one by a development build', { toolVersion: 'development' }, null],
    ['one of the firmware before', { key: adapterKeyOf({ ...GENUINE_ELM, firmware: 'ELM327 v2.2' }, USB) }, null],
    ['one of another adapter', { key: adapterKeyOf({ ...GENUINE_ELM, serialNumber: '17' }, USB) }, null],
    ['one at another USB identity', { key: adapterKeyOf(GENUINE_ELM, { vendorId: 0x1a86, productId: 0x7523 }) }, null],
    ['one without a car', allNotRun(), null],
  ])('%s', (_, change, id) => {
    expect(counted(one(change))).toBe(id);
  });

  it('is the newest that says something: one without a car neither proves nor disproves', () => {
    const older = one({ id: 'older' });
    expect(counted(one({ id: 'newer', dropFree: failed() }), older)).toBe('newer');
    expect(counted(one({ id: 'newer', ...allNotRun() }), older)).toBe('older');
    expect(verdictOf(GENUINE_ELM, [one(allNotRun()), one({})]).code).toEqual(MAY);
    expect(verdictOf(GENUINE_ELM, [one({ longSend: failed() }), one({})]).code).toEqual(
      not('cannot-send-long-messages'),
    );
    expect(verdictOf(GENUINE_ELM, [one({ longSend: passed() }), one({ longSend: failed() })]).code).toEqual(MAY);
  });
});

function allNotRun(): Partial<AdapterReport> {
  return { longReceive: notRun(), longSend: notRun(), dropFree: notRun() };
}
