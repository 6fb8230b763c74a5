import { describe, expect, it } from 'vitest';
import { reachOf } from '#ui/messages/adapter.ts';
import * as areas from '#ui/messages/areas.ts';
import type { Texts } from '#ui/messages/index.svelte.ts';
import {
  abilities,
  findingRows,
  mayBeAccepted,
  measuredRows,
  newestOfEach,
  plannedRows,
  runRows,
} from '#ui/views/adapter/report-rows.ts';
import { canable, clone, report } from './fixtures.ts';

const inLanguage = (language: 'en' | 'de') =>
  Object.fromEntries(Object.entries(areas).map(([area, words]) => [area, words[language]])) as unknown as Texts;
const en = inLanguage('en');
const de = inLanguage('de');

const row = (id: string, from: Parameters<typeof measuredRows>[0], text = en) =>
  measuredRows(from, text).find((one) => one.id === id);

describe('what a check found', () => {
  it('every measurement has its line before the check and after it, in the same order', () => {
    const before = plannedRows(en).map(({ id }) => id);
    expect(measuredRows(report(), en).map(({ id }) => id)).toEqual(before);
    expect(plannedRows(en).every(({ state }) => state === 'todo')).toBe(true);
  });

  it('median large, p99 and count beside it: 2.6 ms, 99 of 100 within 4.1 ms, 50 asked', () => {
    expect(row('roundTrip', report())).toMatchObject({
      state: 'ok',
      value: '2.6\u00A0ms',
      detail: '99 of 100 within 4.1\u00A0ms, 50 asked.',
    });
    expect(row('moduleRoundTrip', report(), de)?.value).toBe('11\u00A0ms');
  });

  it('where the check could not ask the device itself, the time of the connection stands, and says so', () => {
    expect(row('roundTrip', report({ roundTripMs: null }))).toMatchObject({
      state: 'ok',
      value: '2.6\u00A0ms',
      detail: 'Within 4.0\u00A0ms, taken when it was connected.',
    });
    expect(row('roundTrip', report({ roundTripMs: null, info: { ...canable, roundTripMs: null } }))?.state).toBe(
      'todo',
    );
  });

  it('bytes a second of long answers, and the longest that came whole beside what the kind is said to carry', () => {
    expect(row('bytesPerSecond', report())?.value).toBe('1.2\u00A0kB/s');
    expect(row('longReceive', report())).toMatchObject({
      state: 'ok',
      value: '62 bytes',
      detail: '20 times, always equal. Its kind carries up to 4\u202F095 bytes.',
    });
  });

  it('a loss is red with its count and reason, in quotes because the device said it', () => {
    const lossy = report({ dropFree: { kind: 'failed', count: 400, failed: 3, bytes: 62, why: 'no answer' } });
    expect(row('dropFree', lossy)).toMatchObject({ state: 'danger', value: '3 of 400 went wrong' });
    expect(row('dropFree', lossy)?.detail).toMatch(/“\u2068no answer\u2069”/);
  });

  it('what was not run is neither good nor bad', () => {
    const unrun = report({ longSend: { kind: 'not-run', why: 'no-module' }, receiveBytesPerSecond: null });
    expect(row('longSend', unrun)).toMatchObject({ state: 'todo', value: 'not checked' });
    expect(row('bytesPerSecond', unrun)?.state).toBe('todo');
  });

  it('I10 a typed voltage is never green', () => {
    const signed = { kind: 'known', volts: 12.6, errorVolts: 0.1, source: 'signed', from: 'Anna', atMs: 0 } as const;
    expect(row('voltage', report({ voltage: signed }))).toMatchObject({
      state: 'warn',
      value: '12.6\u00A0V ±\u00A00.1\u00A0V',
    });
    expect(row('voltage', report({ voltage: { ...signed, source: 'adapter' } }))?.state).toBe('ok');
    expect(row('voltage', report())?.state).toBe('todo');
  });

  it('S15 an answer time that the verdict calls too slow is amber', () => {
    const slow = report({ verdict: { ...canable.verdict, code: { may: false, reason: 'too-slow' } } });
    expect(row('roundTrip', slow)?.state).toBe('warn');
  });

  it('S06 a permission that died with the plug is amber, one never seen to is open', () => {
    expect(row('replug', report({ survivesReplug: 'no' }))?.state).toBe('warn');
    expect(row('replug', report({ survivesReplug: 'unknown' }))?.state).toBe('todo');
  });

  it('S14 findings are told in words, with what the device calls itself in quotes', () => {
    const labels = findingRows(clone, en).map(({ label }) => label);
    expect(labels[0]).toContain('ELM327 v2.1');
    expect(labels[0]).toContain('never made such a version');
    expect(findingRows(clone, de)).toHaveLength(2);
  });
});

describe('a copy', () => {
  it('may be answered for once it was measured and nothing else is against it', () => {
    expect(mayBeAccepted(report({ info: clone }), clone.verdict)).toBe(true);
    expect(mayBeAccepted(null, clone.verdict)).toBe(false);
    expect(
      mayBeAccepted(report({ info: clone }), { ...clone.verdict, code: { may: false, reason: 'loses-answers' } }),
    ).toBe(false);
  });

  it('has the way to it at its coding line only', () => {
    const onact = () => undefined;
    const lines = abilities(clone, clone.verdict, en, { label: 'Let it', onact });
    expect(lines.map(({ action }) => action?.label)).toEqual([undefined, 'Let it', undefined]);
    expect(lines.map(({ state }) => state)).toEqual(['ok', 'silent', 'silent']);
  });
});

describe('a running check', () => {
  it('shows the part under way; a part that is over is no result and not green', () => {
    const rows = runRows({ phase: 'long-requests', phasesDone: ['round-trips', 'long-answers'] }, en);
    expect(rows.map(({ state, value }) => [state, value])).toEqual([
      ['todo', 'done'],
      ['todo', 'done'],
      ['live', undefined],
      ['todo', undefined],
    ]);
  });
});

describe('adapters checked before', () => {
  it('each once, with its newest check', () => {
    const list = [report({ id: 'new' }), report({ id: 'other', key: 'x' }), report({ id: 'old' })];
    expect(newestOfEach(list).map(({ id }) => id)).toEqual(['new', 'other']);
  });

  it('the word in the strip is the most that it may do', () => {
    expect(reachOf(canable.verdict)).toBe('code');
    expect(reachOf(clone.verdict)).toBe('read');
    expect(reachOf({ ...clone.verdict, read: { may: false, reason: 'untested' } })).toBe('none');
    expect(en.adapter.reach.code).toBe('codes');
  });
});
