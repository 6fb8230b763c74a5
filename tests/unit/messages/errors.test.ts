import { describe, expect, it } from 'vitest';
import type { ErrorCode, ErrorDetails, ErrorRecord, RestoreRefusal } from '#contract/errors.ts';
import type { EcuState } from '#contract/plan.ts';
import type { Entries } from '#ui/messages/errors/entries.ts';
import { de, en } from '#ui/messages/errors.ts';

/** Details of each code, with numbers that occur nowhere by accident. A code added to the contract does not compile here. */
const DETAILS: { readonly [C in ErrorCode]: ErrorDetails[C] } = {
  'call/aborted': { what: 'reading F190' },
  'call/timeout': { what: 'open', timeoutMs: 4700 },
  'transport/unavailable': { api: 'serial', reason: 'SecurityError' },
  'transport/chooser-dismissed': {},
  'transport/permission-lost': { vendorId: 0x0403, productId: 0x6015 },
  'transport/busy': { owner: 'unknown' },
  'transport/lost': { reason: 'NetworkError' },
  'transport/closed': {},
  'transport/line-errors': { name: 'framing', count: 37, windowMs: 1000 },
  'transport/write-failed': { reason: 'InvalidStateError' },
  'transport/close-timeout': { timeoutMs: 2300 },
  'adapter/no-answer': { command: 'V', timeoutMs: 1700 },
  'adapter/refused': { command: 'S6' },
  'adapter/not-recognised': { received: 'ELM327' },
  'adapter/unsupported': { ability: 'CAN FD' },
  'adapter/identity-changed': { expected: 'A0017', actual: 'A0042' },
  'adapter/reset': { banner: 'v1.2' },
  'adapter/garbage': { bytes: 731 },
  'adapter/queue-overrun': { queueFrames: 63 },
  'adapter/stopped': { command: '22F190' },
  'adapter/buffer-full': { command: '1902FF' },
  'adapter/asleep': { banner: 'LP ALERT' },
  'adapter/may-not': { job: 'code', reason: 'not-qualified' },
  'adapter/in-use': { by: 'other-tab' },
  'can/bus-error': { flags: 'F20' },
  'can/closed': {},
  'isotp/timeout-n-as': { timeoutMs: 1300 },
  'isotp/timeout-n-bs': { timeoutMs: 1300, sentBytes: 62 },
  'isotp/timeout-n-cr': { timeoutMs: 1300, receivedBytes: 13, expectedBytes: 57 },
  'isotp/wrong-sn': { expected: 3, actual: 5 },
  'isotp/invalid-fs': { flowStatus: 0x0b },
  'isotp/overflow': { lengthBytes: 777 },
  'isotp/wait-limit': { waits: 17 },
  'isotp/unexpected-pdu': { frame: '2231' },
  'isotp/refused-while-sending': { frame: '037F2E22' },
  'isotp/message-too-long': { lengthBytes: 5000, maxBytes: 4095 },
  'isotp/busy': {},
  'diag/timeout': { sid: 0x22, service: 'ReadDataByIdentifier', timeoutMs: 1900, sends: 3 },
  'diag/pending-limit': { sid: 0x2e, service: 'WriteDataByIdentifier', pendings: 29, limitMs: 60_000 },
  'diag/negative-response': { sid: 0x2e, service: 'WriteDataByIdentifier', nrc: 0x22, nrcName: 'conditionsNotCorrect' },
  'diag/malformed-response': { sid: 0x22, service: 'ReadDataByIdentifier', pdu: '62F1', why: '2 bytes' },
  'diag/session-lost': { expected: 3, nrc: 0x7f },
  'diag/module-lost': { moduleId: '70E-778' },
  'diag/outcome-unknown': { sid: 0x2e, service: 'WriteDataByIdentifier' },
  'security/no-provider': { level: 27 },
  'security/key-failed': { level: 27, provider: 'plug-in' },
  'security/locked-out': { level: 27, untilWallMs: 0, remainingMs: 432_000 },
  'security/key-refused': { level: 27, nrc: 0x35 },
  'security/attempt-used': { level: 27 },
  'gate/permit-unknown': { sid: 0x2e },
  'gate/permit-used': { sid: 0x2e, stepId: 'write-0600' },
  'gate/permit-foreign': { sid: 0x2e, stepId: 'write-0600', why: 'other bytes' },
  'gate/effect-needs-permit': { sid: 0x2e, effect: 'write' },
  'gate/denied': { request: '2E F1 90 57', rule: 'identity-range' },
  'gate/repeat-limit': { stepId: 'write-0600', repeats: 11 },
  'plan/unknown': { planId: 'p' },
  'plan/used': { planId: 'p' },
  'plan/stale': { what: 'identity', id: 'F18C', expected: 'SN0017', actual: 'SN0042' },
  'plan/nothing-to-do': {},
  'plan/shop-code-unset': { moduleHolds: '04D263A1B2C3' },
  'operation/cancelled': {},
  'operation/busy': { operationId: 'o' },
  'operation/unknown': { operationId: 'o' },
  'operation/not-cancellable': { phase: 'verify' },
  'job/unfinished': { operationId: 'o', vin: '0CBVIRTUAL0014702' },
  'verify/mismatch': { did: '0600', expected: '63', actual: '62' },
  'vehicle/not-connected': {},
  'vehicle/no-module-answers': { asked: 57, traffic: false },
  'vehicle/vin-conflict': { vins: ['0CBVIRTUAL0014702', '0CBVIRTUAL0014703'] },
  'vehicle/module-unknown': { moduleId: '70E-778' },
  'vehicle/gateway-filters': { modules: ['a', 'b', 'c'] },
  'voltage/blocked': { volts: 11.3, lowest: 11.8, highest: 15.2 },
  'definition/invalid': { definitionId: 'bcm', path: 'parameters.4', rule: 'overlap', problem: 'two at bit 3' },
  'definition/no-match': { moduleId: '70E-778' },
  'definition/near-match': { definitionId: 'bcm', differs: ['F189 is 0115'] },
  'definition/value-out-of-range': { parameterId: 'blink', value: '9' },
  'definition/block-length': { did: '0600', expectedBytes: 30, actualBytes: 28 },
  'definition/option-unavailable': { parameterId: 'blink', reason: 'needs software 2304' },
  'backup/missing': { what: '0600' },
  'backup/unstable': { did: '0600', first: '6301', second: '6302' },
  'backup/not-durable': { backupId: 'b' },
  'backup/corrupt': { why: 'contentHash' },
  'restore/refused': { reason: 'other-serial', expected: 'SN0017', actual: 'SN0042' },
  'file/malformed': { name: 'x.json', at: 'line 7', why: 'no colon' },
  'file/too-large': { name: 'x.json', bytes: 3_400_000, maxBytes: 1_000_000 },
  'file/newer-version': { name: 'x.json', version: 9, known: 1 },
  'file/other-world': { name: 'x.json', simulated: true },
  'store/unavailable': { reason: 'InvalidStateError' },
  'store/newer-schema': { installed: 7, known: 3 },
  'store/busy': { reason: 'job-open' },
  'store/quota': { neededBytes: 2_600_000 },
  'store/corrupt': { table: 'backups', key: 'b17', why: 'recordHash' },
  'store/write-failed': { table: 'journal', reason: 'QuotaExceededError' },
  'rpc/worker-ended': { worker: 'vehicle' },
  'rpc/malformed-call': { method: 'scan', why: 'no id' },
  'rpc/internal': { name: 'TypeError', message: 'x is undefined' },
};

/** The numbers that a sentence on the code must name. */
const NAMED: Partial<Readonly<Record<ErrorCode, readonly string[]>>> = {
  'transport/line-errors': ['37'],
  'adapter/garbage': ['731'],
  'adapter/queue-overrun': ['63'],
  'adapter/identity-changed': ['A0017', 'A0042'],
  'isotp/timeout-n-bs': ['62'],
  'isotp/timeout-n-cr': ['13', '57'],
  'isotp/wrong-sn': ['3', '5'],
  'isotp/wait-limit': ['17'],
  'isotp/message-too-long': ['4.1', '5.0'],
  'diag/timeout': ['3', '1.9'],
  'diag/pending-limit': ['29', '1\u00A0min'],
  'diag/module-lost': ['70E-778'],
  'security/locked-out': ['27', '7\u00A0min', '12\u00A0s'],
  'gate/repeat-limit': ['11'],
  'plan/stale': ['F18C', 'SN0017', 'SN0042'],
  'plan/shop-code-unset': ['04 D2 63 A1 B2 C3'],
  'job/unfinished': ['014702'],
  'verify/mismatch': ['0600', '63', '62'],
  'vehicle/no-module-answers': ['57'],
  'voltage/blocked': ['11.3\u00A0V', '11.8\u00A0V', '15.2\u00A0V'],
  'definition/block-length': ['0600', '30', '28'],
  'backup/unstable': ['63 01', '63 02'],
  'restore/refused': ['SN0017', 'SN0042'],
  'file/too-large': ['3.4\u00A0MB', '1.0\u00A0MB'],
  'file/newer-version': ['9', '1'],
  'store/newer-schema': ['7', '3'],
  'store/quota': ['2.6\u00A0MB'],
};

const CODES = Object.keys(DETAILS) as ErrorCode[];
const record = <C extends ErrorCode>(code: C, details: ErrorDetails[C] = DETAILS[code]): ErrorRecord => ({
  code,
  message: 'technical words',
  details,
});
const refusal = (nrc: number, sid = 0x2e): ErrorRecord =>
  record('diag/negative-response', { sid, service: 'x', nrc, nrcName: 'x' });
const sentencesOf = (text: { happened: string; car: string; doNow: string }) => [text.happened, text.car, text.doNow];

const BANNED_EN = /!|\bplease\b|\bsorry\b|successful|unknown error|\bundefined\b|\bNaN\b|\[object/i;
const BANNED_DE = /!|\bbitte\b|entschuldig|erfolgreich|unbekannter fehler|\bundefined\b|\bNaN\b|\[object/i;

describe('error texts', () => {
  it('a missing code does not compile', () => {
    // @ts-expect-error can/bus-error is missing: tsc fails here when that is allowed one day
    const incomplete: Entries<'can'> = { 'can/closed': () => ['Closed.', 'Unchanged.', 'Connect.'] };
    expect(Object.keys(incomplete)).toEqual(['can/closed']);
  });

  it.each(CODES)('%s has three whole sentences in both languages, and German is not English', (code) => {
    const english = sentencesOf(en.of(record(code)));
    const german = sentencesOf(de.of(record(code)));
    for (const [i, sentence] of english.entries()) {
      // `x is undefined` is the foreign text of rpc/internal.
      const ours = sentence.replace(/\u2068.*?\u2069/g, '');
      const theirs = (german[i] ?? '').replace(/\u2068.*?\u2069/g, '');
      expect(ours).toMatch(/^.{10,}\.$/);
      expect(theirs).toMatch(/^.{10,}\.$/);
      expect(ours).not.toMatch(BANNED_EN);
      expect(theirs).not.toMatch(BANNED_DE);
      expect(theirs).not.toBe(ours);
    }
  });

  it.each(Object.entries(NAMED) as [ErrorCode, readonly string[]][])('%s names its numbers', (code, numbers) => {
    for (const number of numbers) {
      expect(en.of(record(code)).happened).toContain(number);
      expect(de.of(record(code)).happened).toContain(number.replace(/(\d)\.(\d)/g, '$1,$2'));
    }
  });

  it('every gate error says that nothing was sent, or that the module refused each time', () => {
    for (const code of CODES.filter((known) => known.startsWith('gate/'))) {
      expect(en.of(record(code)).car).toMatch(/sent nothing|refused each time/);
      expect(de.of(record(code)).car).toMatch(/nichts an das Auto gesendet|jedes Mal abgelehnt/);
    }
  });

  it('an error that can strike in the middle of a write never says that the car is unchanged', () => {
    const anywhere = CODES.filter((code) => /^(can|isotp|diag)\/|^transport\/lost|^call\/|^rpc\/internal/.test(code));
    for (const code of anywhere.filter((known) => !['isotp/busy', 'diag/timeout'].includes(known)))
      expect(en.of(record(code)).car).not.toMatch(/car is unchanged/);
  });

  it('says the state of the module when the caller knows it', () => {
    const states: readonly EcuState[] = ['untouched', 'partially-written', 'unknown', 'in-bootloader'];
    const lines = states.map((state) => en.of(record('transport/lost'), { state }).car);
    expect(new Set(lines).size).toBe(states.length);
    expect(lines[0]).toBe('The module holds what it held before.');
    expect(de.of(record('transport/lost'), { state: 'untouched' }).car).toBe(
      'Das Modul enthält, was es vorher enthielt.',
    );
  });

  it('S03 and S04: an unplugged adapter is one or the other, by what ran', () => {
    expect(en.of(record('transport/lost')).faultId).toBe('S03');
    expect(en.of(record('transport/lost'), { inJob: true }).faultId).toBe('S04');
    expect(en.of(record('transport/lost'), { state: 'unknown' }).faultId).toBe('S04');
  });

  it.each([
    [0x78, 'U01'],
    [0x21, 'U02'],
    [0x22, 'U03'],
    [0x83, 'U03'],
    [0x33, 'U04'],
    [0x35, 'U04'],
    [0x36, 'U05'],
    [0x37, 'U05'],
    [0x7e, 'U06'],
    [0x7f, 'U06'],
    [0x31, 'U07'],
    [0x13, 'U07'],
    [0x92, 'U08'],
    [0x93, 'U08'],
    [0x72, null],
  ])('refusal %i is row %s of the fault catalogue', (nrc, id) => {
    expect(en.of(refusal(nrc)).faultId).toBe(id);
  });

  it('U03 names the conditions to check for 22, and the one condition for 81 to 93', () => {
    expect(en.of(refusal(0x22)).doNow).toMatch(/ignition on, engine off, car standing, doors/);
    expect(de.of(refusal(0x22)).doNow).toMatch(/Zündung an, Motor aus, Auto steht, Türen/);
    expect(en.of(refusal(0x83)).happened).toBe('The module refused writing: the engine is running.');
    expect(de.of(refusal(0x83)).happened).toBe('Das Modul lehnte das Schreiben ab: der Motor läuft.');
    expect(en.of(refusal(0x93)).doNow).toMatch(/charger/);
  });

  it('U04 and U05: never says to try another key', () => {
    expect(en.of(refusal(0x35, 0x27)).doNow).toMatch(/do not try other keys/);
    expect(en.of(refusal(0x36, 0x27)).doNow).toMatch(/wait 10 min without another key/);
  });

  it('every byte 00–FF has a whole refusal in both languages, one that no standard names has its number', () => {
    for (let nrc = 0; nrc < 256; nrc++) {
      for (const text of [en.of(refusal(nrc)), de.of(refusal(nrc))])
        for (const sentence of sentencesOf(text)) expect(sentence).toMatch(/^[^!]{10,}\.$/);
      expect(en.of(refusal(nrc)).happened).not.toBe(de.of(refusal(nrc)).happened);
    }
    expect(en.of(refusal(0xab)).happened).toContain('AB hex');
    expect(en.of(refusal(0xf3)).happened).toContain('F3 hex');
  });

  it('a refusal changed nothing, except 72 (began and failed) and 78 (still working)', () => {
    for (let nrc = 0; nrc < 256; nrc++)
      expect(en.of(refusal(nrc)).car.includes('changed nothing')).toBe(nrc !== 0x72 && nrc !== 0x78);
  });

  it('each reason to refuse a restore has its own words', () => {
    const reasons: readonly RestoreRefusal[] = [
      'other-vin',
      'other-serial',
      'other-hardware',
      'other-software',
      'other-definition',
      'other-address',
      'block-length',
      'simulated',
      'nothing-equal',
    ];
    const happened = (texts: typeof en) =>
      reasons.map((reason) => texts.of(record('restore/refused', { reason, expected: '1', actual: '2' })).happened);
    expect(new Set(happened(en)).size).toBe(reasons.length);
    expect(new Set(happened(de)).size).toBe(reasons.length);
    expect(en.of(record('restore/refused', { reason: 'other-serial', expected: '', actual: 'S2' })).happened).toMatch(
      /serial number none, this one has/,
    );
  });

  it('each kind of stale plan has its own words', () => {
    const whats = ['block', 'identity', 'definition', 'vehicle'] as const;
    const texts = whats.map((what) => en.of(record('plan/stale', { what, id: '0600', expected: 'a', actual: 'b' })));
    expect(new Set(texts.map((text) => text.happened)).size).toBe(4);
    expect(texts.map((text) => text.faultId)).toEqual(['H03', 'S07', 'I12', 'H02']);
  });

  it('I9: markup from outside stays the text it is', () => {
    const attack = '<script>alert(1)</script>';
    const { happened } = en.of(record('file/malformed', { name: attack, at: '1', why: attack }));
    expect(happened).toContain(attack);
    expect(happened.split(attack)).toHaveLength(3);
  });

  it('I08: line ends, control and direction characters from outside cannot break or turn a sentence', () => {
    const { happened } = en.of(record('adapter/reset', { banner: 'a\r\n\u202Eb\u2069c\u0000' }));
    expect(happened).toContain('“\u2068a␍␊bc␀\u2069”');
    const long = en.of(record('adapter/reset', { banner: 'x'.repeat(5000) })).happened;
    expect(long.length).toBeLessThan(300);
  });

  it('the technical lines hold code, words and every cause', () => {
    const cause = { ...record('diag/timeout'), cause: { name: 'TypeError', message: 'gone' } };
    const lines = en
      .technical({ ...record('diag/outcome-unknown'), cause })
      .map((line) => line.replace(/[\u2068\u2069]/g, ''));
    expect(lines).toEqual([
      'diag/outcome-unknown: technical words',
      'diag/timeout: technical words',
      'TypeError: gone',
    ]);
  });
});
