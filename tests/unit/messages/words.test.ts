import { describe, expect, it } from 'vitest';
import type { VoltageReading } from '#contract/backup.ts';
import type { OperationKind, Phase } from '#contract/operation.ts';
import type { ClearPlan, EcuState, OperationOutcome, PlanStep, PlanWarning, WritePlan } from '#contract/plan.ts';
import type { ModuleStatus } from '#contract/records.ts';
import { assertCodingVoltage, voltageWarnings } from '#procedures/voltage.ts';
import { de as commonDe, en as commonEn } from '#ui/messages/common.ts';
import { de as operationDe, en as operationEn } from '#ui/messages/operation.ts';
import { de as planDe, en as planEn } from '#ui/messages/plan.ts';
import { de as statusDe, en as statusEn } from '#ui/messages/status.ts';
import { voltageLevel } from '#ui/messages/voltage.ts';

const TITLE = { en: 'Body electronics', de: 'Bordnetz' };
const NOW = new Date(2026, 10, 22, 12).getTime();
const change = {
  parameterId: 'blink',
  blockDid: '0600',
  title: { en: 'Blink', de: 'Blinken' },
  from: { en: '3 times', de: '3-mal' },
  to: { en: '5 times', de: '5-mal' },
  risk: 'comfort',
} as const;
const block = { did: '0600', title: { en: 'Coding', de: 'Codierung' }, oldHex: '62', newHex: '63' };
const head = {
  id: 'p',
  operationId: 'o',
  simulated: true,
  madeAtWallMs: NOW,
  vin: '0CBVIRTUAL0014702',
  module: {
    moduleId: '70E-778',
    address: {} as WritePlan['module']['address'],
    label: '09',
    title: TITLE,
    moduleKey: 'k',
  },
  identity: [],
  definition: null,
  warnings: [],
  voltage: { kind: 'unknown', why: 'no-source' },
  estimateMs: { least: 5200, most: 11_300 },
} as const;
const write = (part: Partial<WritePlan> = {}): WritePlan => ({
  ...head,
  kind: 'coding',
  steps: [],
  backupId: 'b',
  sourceBackupId: null,
  repairs: null,
  changes: [change, change, change],
  blocks: [block],
  keepAwake: 'functional',
  equalSessions: [],
  writeSession: 3,
  reset: { type: 1, bootMs: 2000 },
  ignitionCycle: false,
  expertRaw: false,
  risk: 'comfort',
  ...part,
});
const clear = (count: number): ClearPlan => ({
  ...head,
  kind: 'clear-faults',
  steps: [],
  faults: Array.from({ length: count }, () => ({ code: '012345', status: 9 })),
});

describe('plans in words', () => {
  it('a coding asks with object and number, the button repeats both, the safe one keeps editing', () => {
    expect(planEn.title(write())).toBe('Write 3 changes to Body electronics?');
    expect(planEn.primary(write())).toBe('Write 3 changes');
    expect(planEn.secondary(write())).toBe('Keep editing');
    expect(planDe.title(write())).toBe('3 Änderungen in Bordnetz schreiben?');
    expect(planDe.primary(write())).toBe('3 Änderungen schreiben');
  });

  it('one change is no plural, in both languages', () => {
    expect(planEn.primary(write({ changes: [change] }))).toBe('Write 1 change');
    expect(planDe.primary(write({ changes: [change] }))).toBe('1 Änderung schreiben');
    expect(planEn.primary(clear(1))).toBe('Clear 1 code');
    expect(commonEn.blocks(1)).toBe('1 block');
    expect(commonDe.blocks(2)).toBe('2 Blöcke');
  });

  it('a restore names the day of the backup', () => {
    const sourceWallMs = new Date(2026, 4, 3, 11, 20).getTime();
    const restore = write({ kind: 'restore', changes: Array.from({ length: 14 }, () => change) });
    expect(planEn.title(restore, { sourceWallMs, nowMs: NOW })).toBe('Put back the settings of 3 May?');
    expect(planDe.title(restore, { sourceWallMs, nowMs: NOW })).toBe('Einstellungen vom 3. Mai zurückspielen?');
    expect(planEn.primary(restore)).toBe('Put back 14 values');
  });

  it('a clear counts its codes and tells that they cannot come back', () => {
    expect(planEn.title(clear(7))).toBe('Clear 7 fault codes in Body electronics?');
    expect(planDe.title(clear(7))).toBe('7 Fehlercodes in Bordnetz löschen?');
    expect(planEn.wayBack(clear(7))).toMatch(/cannot be put back/);
  });

  it('raw blocks without named options are counted as blocks, and a finish writes nothing', () => {
    expect(planEn.primary(write({ changes: [], expertRaw: true }))).toBe('Write 1 block');
    expect(planEn.primary(write({ kind: 'finish', changes: [] }))).toBe('Restart and prove 1 block');
    expect(planEn.primary(write({ kind: 'finish', changes: [], reset: null }))).toBe('Prove 1 block');
  });

  it('the body says backup, duration as a range, effect on the car and the way back', () => {
    const body = planEn.body(write({ ignitionCycle: true }), {
      backupWallMs: new Date(2026, 10, 22, 10, 42).getTime(),
    });
    expect(body.join(' ').replaceAll('\u00A0', ' ')).toBe(
      'The backup from 10:42 of what the module holds now is saved. Ignition must stay on (5–12 s). ' +
        'Body electronics restarts once and is away for some seconds. Afterwards switch the ignition off and on once. ' +
        'You can go back from Backups.',
    );
    expect(planDe.body(write())).toHaveLength(3);
  });

  it('each step has plain words and, for experts, its bytes; a key is never shown', () => {
    const expected = { did: '0600', kind: 'bytes', hex: '62' } as const;
    const steps: readonly PlanStep[] = [
      { kind: 'session', id: 's', session: 3 },
      { kind: 'unlock', id: 'u', level: 3, session: 3, provider: 'simulator' },
      {
        kind: 'write',
        id: 'w',
        purpose: 'prelude',
        did: 'F199',
        title: TITLE,
        expected,
        newHex: '261122',
        optional: true,
      },
      {
        kind: 'write',
        id: 'w',
        purpose: 'coding',
        did: '0600',
        title: TITLE,
        expected,
        newHex: '63AB',
        optional: false,
      },
      { kind: 'reset', id: 'r', type: 1, bootMs: 2000 },
      { kind: 'clear', id: 'c', group: 'FFFFFF', faults: clear(2).faults },
    ];
    expect(steps.map(planEn.stepProtocol)).toEqual([
      '10 03',
      '27 03 · 27 04',
      '2E F1 99 26 11 22',
      '2E 06 00 63 AB',
      '11 01',
      '14 FF FF FF',
    ]);
    expect(planEn.step(steps[3]!)).toBe('Write “Body electronics” and read it back');
    expect(planDe.step(steps[5]!)).toBe('2 Fehlercodes löschen und erneut lesen');
    for (const step of steps) expect(planEn.step(step)).not.toMatch(/DID|session|flash|coding/i);
  });

  it('warnings name their numbers', () => {
    const warnings: readonly PlanWarning[] = [
      { kind: 'voltage-unknown' },
      { kind: 'voltage-low', volts: 12.1 },
      { kind: 'voltage-high', volts: 14.9 },
      { kind: 'storage-not-persistent' },
      { kind: 'backup-is-old', takenAtWallMs: NOW },
      { kind: 'software-differs', backup: '0114', now: '0115', leftOut: 3 },
      { kind: 'shop-code-of-module' },
      { kind: 'unknown-bits', count: 1 },
    ];
    for (const warning of warnings) {
      expect(planEn.warning(warning)).toMatch(/^[^!]+\.$/);
      expect(planDe.warning(warning)).toMatch(/^[^!]+\.$/);
      expect(planDe.warning(warning)).not.toBe(planEn.warning(warning));
    }
    expect(planEn.warning(warnings[1]!)).toContain('12.1\u00A0V');
    expect(planDe.warning(warnings[1]!)).toContain('12,1\u00A0V');
    expect(planEn.warning(warnings[5]!)).toMatch(/0114.*0115.*3 options are left out/);
    expect(planEn.warning(warnings[7]!)).toMatch(/^1 bit that/);
  });
});

describe('operations in words', () => {
  const outcome = (state: EcuState, proven: boolean): OperationOutcome => ({
    state,
    proven,
    faultsNew: [],
    faultsGone: [],
    backupId: 'b',
    stampsWritten: [],
  });

  it('I5 only a proven outcome is green or called proven', () => {
    const states: readonly EcuState[] = [
      'untouched',
      'written-verified',
      'restored',
      'partially-written',
      'in-bootloader',
      'unknown',
    ];
    const kinds: readonly OperationKind[] = ['coding', 'restore', 'rollback', 'finish', 'clear-faults', 'check-module'];
    for (const words of [operationEn, operationDe])
      for (const kind of kinds)
        for (const state of states) {
          const text = words.outcome(outcome(state, false), kind);
          expect(text.tone).not.toBe('ok');
          expect(text.title).not.toMatch(/ and proven| und bewiesen/);
          expect(words.result(outcome(state, false), 'done')).not.toMatch(/^(proven|bewiesen)$/);
          expect(text.car).toMatch(/\.$/);
          expect(text.doNow).toMatch(/\.$/);
        }
    expect(operationEn.outcome(outcome('written-verified', true), 'coding')).toMatchObject({
      tone: 'ok',
      title: 'Written and proven',
    });
    expect(operationEn.outcome(outcome('written-verified', true), 'clear-faults').title).toBe('Fault codes cleared');
    expect(operationEn.outcome(outcome('written-verified', false), 'coding').title).toBe('Written, not verified');
  });

  it('U01 waiting says what the module does and how often it said so', () => {
    const waiting = { reason: 'module-working', untilWallMs: null, count: 12 } as const;
    expect(operationEn.waiting(waiting)).toBe('The module is working (12 answers).');
    expect(operationDe.waiting({ ...waiting, count: 1 })).toBe('Das Modul arbeitet (1 Antwort).');
    expect(operationEn.waiting({ reason: 'locked-out', untilWallMs: NOW + 90_000, count: 0 }, NOW)).toBe(
      'The module takes no key for another 1\u00A0min 30\u00A0s.',
    );
  });

  it('I4 each next step has one title, one sentence and at most one button', () => {
    const job = { title: TITLE };
    expect(operationEn.nextStep({ kind: 'check' }, job).button).toBe('Check 1 module');
    expect(operationEn.nextStep({ kind: 'wait' }, job).button).toBeNull();
    expect(operationDe.nextStep({ kind: 'put-back', backupId: 'b' }, job).title).toBe(
      'Sicherung von Bordnetz zurückspielen',
    );
    expect(operationEn.nextStep({ kind: 'finish' }, job).sentence).toMatch(/only restart and proof are missing/);
  });

  it('every phase has other words in German', () => {
    const phases: readonly Phase[] = [
      'wake',
      'vin',
      'modules',
      'identity',
      'first-pass',
      'second-pass',
      'store',
      'preflight',
      'write',
      'verify',
      'reset',
      'verify-again',
      'faults-before',
      'faults-after',
      'faults',
      'compare',
    ];
    for (const phase of phases) expect(operationDe.phase(phase)).not.toBe(operationEn.phase(phase));
    expect(operationEn.progress(3, 17)).toBe('3 of 17');
    expect(operationDe.progress(3, null)).toBe('3');
  });
});

describe('status in words', () => {
  const known = (volts: number): VoltageReading => ({
    kind: 'known',
    volts,
    errorVolts: 0.1,
    source: 'adapter',
    from: 'x',
    atMs: 0,
  });

  it('a voltage has a number, a word and a sentence for screen readers', () => {
    expect(statusEn.voltage(known(13.9))).toMatchObject({ number: '13.9\u00A0V', word: 'OK', aria: '13.9 volts, OK' });
    expect(statusDe.voltage(known(12))).toMatchObject({
      number: '12,0\u00A0V',
      word: 'Niedrig',
      aria: '12,0 Volt, Niedrig',
    });
    expect(statusEn.voltage({ kind: 'unknown', why: 'no-answer' })).toMatchObject({
      word: 'Unknown',
      aria: 'Voltage unknown',
    });
  });

  it('V05 unknown is never called OK', () => {
    expect(voltageLevel({ kind: 'unknown', why: 'implausible' })).toBe('unknown');
  });

  it('I10 the word agrees with the gate and the warnings of the plan, from 10 to 16 V', () => {
    for (let tenths = 1000; tenths <= 1600; tenths++) {
      const reading = known(tenths / 100);
      const blocked = (() => {
        try {
          assertCodingVoltage(reading);
          return false;
        } catch {
          return true;
        }
      })();
      const level = voltageLevel(reading);
      expect(level.startsWith('too-')).toBe(blocked);
      expect(level === 'ok').toBe(voltageWarnings(reading).length === 0);
    }
  });

  it('module words count faults; only deviations say more than OK', () => {
    const words: readonly ModuleStatus[] = [
      'ok',
      'faults',
      'not-answering',
      'boot-loader',
      'locked',
      'unknown-variant',
    ];
    expect(words.map((status) => statusEn.module(status, 1))).toEqual([
      'OK',
      '1 fault',
      'Not answering',
      'Boot loader',
      'Locked',
      'Unknown variant',
    ]);
    expect(statusEn.module('faults', 2)).toBe('2 faults');
    expect(statusDe.module('faults', 2)).toBe('2 Fehler');
  });

  it('a near match says what differs, quoted; a comfort option carries no tag', () => {
    const near = {
      kind: 'near',
      packId: 'p',
      definitionId: 'd',
      sha256: '',
      differs: ['F189 is 0115', '<b>'],
    } as const;
    expect(statusEn.match(near).detail).toContain('F189 is 0115');
    expect(statusEn.match(near).detail).toContain('<b>');
    expect(statusEn.risk('comfort')).toBe('');
    expect(statusDe.risk('safety')).toBe('Sicherheit');
  });

  it('a lost adapter says what to do in one sentence', () => {
    const lost = { kind: 'lost', simulated: false, reason: { kind: 'closed' }, usb: null, adapter: 'k' } as const;
    expect(statusEn.connection(lost).detail).toBe('Plug it in and press Reconnect adapter.');
  });
});
