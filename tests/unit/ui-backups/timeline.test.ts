import { describe, expect, it } from 'vitest';
import { JOURNAL_VERSION, type JournalBody, type JournalRecord } from '#contract/journal.ts';
import { provenDids, timelineOf } from '#ui/views/sessions/timeline.ts';
import { TraceLines } from '#ui/views/sessions/trace-lines.ts';

function journal(...bodies: readonly JournalBody[]): readonly JournalRecord[] {
  return bodies.map((body, index) => ({
    journalVersion: JOURNAL_VERSION,
    sequence: index + 1,
    operationId: 'op',
    simulated: true,
    wallMs: 1_000_000 + index * 1000,
    monotonicMs: index * 100,
    body,
    previous: '',
    hash: '',
  }));
}

describe('the story of a job', () => {
  it('joins begin and end of a phase with its duration, and intent with what came of it', () => {
    const entries = timelineOf(
      journal(
        { type: 'phase', phase: 'write', edge: 'started' },
        { type: 'intent', stepId: 's1', requests: ['2E 06 00 0A'], found: null },
        { type: 'repeat', stepId: 's1', nrc: 0x21, count: 2 },
        { type: 'done', stepId: 's1', result: 'accepted', nrc: null },
        { type: 'phase', phase: 'write', edge: 'finished' },
      ),
    );
    expect(entries).toMatchObject([
      { kind: 'phase', phase: 'write', state: 'finished', durationMs: 400 },
      { kind: 'step', stepId: 's1', result: 'accepted', repeats: 2, requests: ['2E 06 00 0A'] },
    ]);
  });

  it('an intent without its answer stays open: it is never told as done', () => {
    const entries = timelineOf(journal({ type: 'intent', stepId: 's1', requests: [], found: null }));
    expect(entries).toMatchObject([{ kind: 'step', result: 'open' }]);
  });

  it('a step tried again is an entry of its own', () => {
    const intent: JournalBody = { type: 'intent', stepId: 's1', requests: [], found: null };
    const entries = timelineOf(
      journal(intent, { type: 'done', stepId: 's1', result: 'refused', nrc: 0x22 }, intent, {
        type: 'done',
        stepId: 's1',
        result: 'accepted',
        nrc: null,
      }),
    );
    expect(entries).toMatchObject([
      { result: 'refused', nrc: 0x22 },
      { result: 'accepted', nrc: null },
    ]);
  });

  it('gives no duration when the clock began anew between begin and end', () => {
    const [begin, end] = journal(
      { type: 'phase', phase: 'verify', edge: 'started' },
      {
        type: 'phase',
        phase: 'verify',
        edge: 'failed',
        error: { code: 'call/aborted', message: '', details: { what: 'x' } },
      },
    );
    if (begin === undefined || end === undefined) throw new Error('two records');
    const entries = timelineOf([{ ...begin, monotonicMs: 90_000 }, end]);
    expect(entries).toMatchObject([{ state: 'failed', durationMs: null, error: { code: 'call/aborted' } }]);
  });

  it('tells records in the order of their sequence, whatever order they come in', () => {
    const records = journal(
      { type: 'read-back', did: '0600', hex: '0A10', equal: true, stage: 'after-write' },
      { type: 'read-back', did: '0600', hex: '0A11', equal: false, stage: 'after-reset' },
    );
    const entries = timelineOf([...records].reverse());
    expect(entries.map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(provenDids(entries)).toEqual(new Map([['0600', false]]));
  });
});

describe('lines of a trace', () => {
  it('finds each line by its index, with and without a line end at the end', () => {
    for (const text of ['# a\n@0 > 7E0\n\n@1 < 7E8\n', '# a\n@0 > 7E0\n\n@1 < 7E8']) {
      const lines = new TraceLines(text);
      expect(lines.count).toBe(4);
      expect([0, 1, 2, 3, 4].map((index) => lines.line(index))).toEqual(['# a', '@0 > 7E0', '', '@1 < 7E8', '']);
    }
    expect(new TraceLines('').count).toBe(0);
  });
});
