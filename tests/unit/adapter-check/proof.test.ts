import { describe, expect, it } from 'vitest';
import { fromHex } from '#base/hex.ts';
import type { Asked } from '#procedures/adapter-check/ask.ts';
import { type Evidence, provesWhole } from '#procedures/adapter-check/proof.ts';
import { readSeveralIdentifiers, requestBytes } from '#procedures/adapter-check/several.ts';

/** 22 06 00 F1 97 F1 87 F1 8C: four identifiers, nine bytes, with values of 1, 2, 3 and 2 bytes. */
const FOUR = [
  { did: 0x0600, lengthBytes: 1 },
  { did: 0xf197, lengthBytes: 2 },
  { did: 0xf187, lengthBytes: 3 },
  { did: 0xf18c, lengthBytes: 2 },
];
const seen = { lost: 0, elapsedMs: 20, delayed: false, frames: 1 } as const;
const data = (hex: string, more: Partial<Asked> = {}): Asked =>
  ({ kind: 'answered', data: fromHex(hex.replaceAll(' ', '')), ...seen, ...more }) as Asked;
const refused = (nrc: number, more: Partial<Asked> = {}): Asked =>
  ({ kind: 'refused', nrc, ...seen, ...more }) as Asked;

const ours: Evidence = { sendsOurFrames: true, oneAnswered: true, three: null };
/** The adapter segments; three identifiers in one frame were answered with their values. */
const theirs: Evidence = { sendsOurFrames: false, oneAnswered: true, three: { kind: 'answered' } };

describe('a long request arrived whole (reference: adapters A.9)', () => {
  it('when the values go on to the last identifier asked for', () => {
    expect(provesWhole(data('0600 AA F197 0102 F187 010203 F18C 0102'), FOUR, theirs)).toBe(true);
  });

  it('not when they stop before it: what one frame holds was all that arrived', () => {
    expect(provesWhole(data('0600 AA F197 0102 F187 010203'), FOUR, theirs)).toBe(false);
    expect(provesWhole(data('0600 AA'), FOUR, theirs)).toBe(false);
    expect(provesWhole(data('0600 AA F197 0102 F187 010203 F18C 01'), FOUR, theirs)).toBe(false);
  });

  it.each([0x13, 0x31, 0x14])(
    'with our own frames, when the module refuses with %i: it had to hear the last one',
    (nrc) => {
      expect(provesWhole(refused(nrc), FOUR, ours)).toBe(true);
    },
  );

  it.each([0x10, 0x11, 0x12, 0x21, 0x22, 0x33, 0x7e, 0x7f])('not when it refuses with %i', (nrc) => {
    expect(provesWhole(refused(nrc), FOUR, ours)).toBe(false);
    expect(provesWhole(refused(nrc), FOUR, theirs)).toBe(false);
  });

  it('not by 13 of a module that does not answer one identifier either: 22 F1 is answered so', () => {
    expect(provesWhole(refused(0x13), FOUR, { ...ours, oneAnswered: false })).toBe(false);
    expect(provesWhole(refused(0x13), FOUR, { ...theirs, oneAnswered: false })).toBe(false);
  });

  it('by a refusal that differs from the answer to what one frame holds', () => {
    expect(provesWhole(refused(0x13), FOUR, theirs)).toBe(true);
    expect(provesWhole(refused(0x14), FOUR, { ...theirs, three: { kind: 'refused', nrc: 0x31 } })).toBe(true);
  });

  it('not by one that is the same: it may have been cut to one frame', () => {
    const strict: Evidence = { ...theirs, three: { kind: 'refused', nrc: 0x13 } };
    expect(provesWhole(refused(0x13), FOUR, strict)).toBe(false);
    expect(provesWhole(refused(0x31), FOUR, { ...theirs, three: null })).toBe(false);
    expect(provesWhole(refused(0x31), FOUR, { ...theirs, three: { kind: 'lost' } })).toBe(false);
  });

  it('by a second frame heard, the flow control, when nothing else was said', () => {
    const strict: Evidence = { ...theirs, three: { kind: 'refused', nrc: 0x13 } };
    expect(provesWhole(refused(0x13, { frames: 2 }), FOUR, strict)).toBe(true);
    expect(provesWhole(refused(0x13, { frames: 2, delayed: true }), FOUR, strict)).toBe(false);
    expect(provesWhole(refused(0x13, { frames: 2, lost: 1 }), FOUR, strict)).toBe(false);
  });

  it('never without an answer', () => {
    expect(provesWhole({ kind: 'lost', why: 'diag/timeout', unheard: true, ...seen, lost: 3 }, FOUR, ours)).toBe(false);
    expect(provesWhole({ kind: 'gone', ...seen }, FOUR, ours)).toBe(false);
  });
});

describe('ReadDataByIdentifier with several identifiers', () => {
  it('asks 22 06 00 F1 97 F1 87 F1 8C and takes what begins with 62 06 00', () => {
    const request = { dids: FOUR.map(({ did }) => did) };
    expect(readSeveralIdentifiers.encode(request)).toEqual(fromHex('220600F197F187F18C'));
    expect(readSeveralIdentifiers.echo(request)).toEqual(fromHex('0600'));
    expect(readSeveralIdentifiers.decode(fromHex('620600AA'), request)).toEqual(fromHex('0600AA'));
    expect(requestBytes(4)).toBe(9);
    expect(() => readSeveralIdentifiers.encode({ dids: [0x1_0000] })).toThrow(RangeError);
  });
});
