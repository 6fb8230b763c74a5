import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHexSpaced } from '#base/hex.ts';
import { seededRandom } from '#base/random.ts';
import type { Parameter } from '#contract/definition.ts';
import { StackError } from '#contract/errors.ts';
import {
  applyChanges,
  availabilityOf,
  brokenConditions,
  describeParameter,
  diffBlocks,
  maskOf,
  readParameter,
  toCoded,
  toPhysical,
  writeParameter,
} from '#definitions/index.ts';
import { roundTripParameter } from '#definitions/round-trip.ts';
import { exampleDefinition, parameter } from './example.ts';

const definition = exampleDefinition();
const [mirrors, , seconds, , , maker] = definition.parameters as unknown as Parameter[];
const MODULE = { part: 'CBAY0937084E', software: '0114' };
const block = () => fromHex('09 19 00 12 24 26 00 0E');
const battery = () => fromHex('46 56 41 52 33 07');

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof StackError) return `${error.code} ${JSON.stringify(error.details)}`;
    throw error;
  }
  return 'nothing was thrown';
}

describe('bits', () => {
  it('byte 3 bit 2: 12 becomes 16, all others stay', () => {
    const option = parameter('x', { byte: 3, bit: 2, lengthBits: 1 });
    expect(toHexSpaced(writeParameter(block(), option, 1))).toBe('09 19 00 16 24 26 00 0E');
  });

  it.each([
    ['big', 0, 16, 300, '00 01 2C 00'],
    ['little', 0, 16, 300, '00 2C 01 00'],
    ['big', 4, 8, 0xab, '00 0A B0 00'],
    ['little', 4, 8, 0xab, '00 B0 0A 00'],
    ['big', 6, 4, 0xf, '00 03 C0 00'],
    ['little', 6, 4, 0xf, '00 C0 03 00'],
  ] as const)('%s, bit %i, %i bits: %i is %s', (endian, bit, lengthBits, value, bytes) => {
    const option: Parameter = {
      ...parameter('x', { byte: 1, bit, lengthBits }),
      position: { byte: 1, bit, lengthBits, endian },
      compu: {
        kind: 'linear',
        factor: 1,
        offset: 0,
        unit: '',
        minCoded: 0,
        maxCoded: 2 ** lengthBits - 1,
        stepCoded: 1,
      },
    };
    expect(toHexSpaced(writeParameter(new Uint8Array(4), option, value))).toBe(bytes);
    expect(readParameter(fromHex(bytes), option).coded).toBe(value);
  });

  it('32 bits at bit 7 reach over five bytes without losing the top bit', () => {
    const option: Parameter = {
      ...parameter('x', { byte: 0, bit: 7, lengthBits: 32 }),
      compu: { kind: 'linear', factor: 1, offset: 0, unit: '', minCoded: 0, maxCoded: 0xffff_ffff, stepCoded: 1 },
    };
    expect(toHexSpaced(writeParameter(new Uint8Array(5), option, 0xffff_ffff))).toBe('7F FF FF FF 80');
    expect(readParameter(fromHex('7F FF FF FF 80'), option).coded).toBe(0xffff_ffff);
  });
});

describe('values', () => {
  it('a texttable value has its text, an unlisted one is unknown and never written', () => {
    const option: Parameter = { ...mirrors!, position: { byte: 0, bit: 0, lengthBits: 8, endian: 'big' } };
    expect(readParameter(fromHex('01'), option)).toEqual({
      kind: 'known',
      coded: 1,
      physical: { kind: 'text', text: { en: 'On', de: 'On' }, factory: true },
    });
    expect(readParameter(fromHex('8A'), option)).toEqual({ kind: 'unknown', coded: 0x8a });
    expect(describeParameter(fromHex('8A'), option)).toEqual({ en: 'unknown value 0x8A', de: 'unbekannter Wert 0x8A' });
    expect(codeOf(() => writeParameter(fromHex('01'), option, 0x8a))).toBe(
      'definition/value-out-of-range {"parameterId":"mirrors","value":"138"}',
    );
  });

  it('a linear value is coded × factor + offset without binary noise, and people type physical numbers', () => {
    const { compu } = seconds!;
    if (compu.kind !== 'linear') throw new Error('not linear');
    expect(toPhysical(compu, 50)).toEqual({ kind: 'number', value: 3, unit: 's' });
    expect(toPhysical(compu, 55)).toEqual({ kind: 'number', value: 3.5, unit: 's' });
    expect(toCoded(compu, 3.5)).toBe(55);
    expect(toCoded(compu, 3.4)).toBe(55);
    expect(toCoded(compu, 1000)).toBeNull();
    expect(toCoded(compu, Number.NaN)).toBeNull();
    expect(toCoded(compu, Number.POSITIVE_INFINITY)).toBeNull();
    expect(describeParameter(writeParameter(block(), seconds!, 55), seconds!)).toEqual({ en: '3.5 s', de: '3,5 s' });
  });

  it.each([9, 251, 12, 50.5, -1, Number.NaN, Number.POSITIVE_INFINITY, '50', 2 ** 40])(
    '%s is off the scale 10, 15 … 250',
    (value) => {
      expect(codeOf(() => writeParameter(block(), seconds!, value))).toMatch(/^definition\/value-out-of-range/);
    },
  );

  it('text is padded with spaces, read without 00, 20, FF at its end', () => {
    expect(toHexSpaced(writeParameter(battery(), maker!, 'EX'))).toBe('46 45 58 20 33 07');
    for (const padded of ['45 58 20', '45 58 00', '45 58 FF'])
      expect(readParameter(fromHex(`46 ${padded} 33 07`), maker!)).toMatchObject({ kind: 'known', coded: 'EX' });
  });

  it('bytes that are no legal text are unknown and shown as hex', () => {
    expect(readParameter(fromHex('46 45 07 58 33 07'), maker!)).toEqual({ kind: 'unknown', coded: '45 07 58' });
    expect(readParameter(fromHex('46 00 00 00 33 07'), maker!)).toEqual({ kind: 'unknown', coded: '00 00 00' });
  });

  it.each(['', 'ABCD', 'ab', 'A ', 'Ä', 'A\n', 1])('the text %j is refused', (value) => {
    expect(codeOf(() => writeParameter(battery(), maker!, value))).toMatch(/^definition\/value-out-of-range/);
  });
});

describe('applyChanges', () => {
  it('writes options together and recomputes the checksum', () => {
    const bytes = applyChanges(battery(), definition, 'battery', [{ parameterId: 'maker', value: 'EXO' }], MODULE);
    // 46 + 45 + 58 + 4F = 132 → 32
    expect(toHexSpaced(bytes)).toBe('46 45 58 4F 32 07');
  });

  it('leaves bytes alone that hold the wanted value already, also a wrong checksum', () => {
    const wrong = fromHex('46 56 41 52 99 07');
    expect(applyChanges(wrong, definition, 'battery', [{ parameterId: 'maker', value: 'VAR' }], MODULE)).toEqual(wrong);
    expect(applyChanges(wrong, definition, 'battery', [], MODULE)).toEqual(wrong);
  });

  it('U11 a block of another length is not touched', () => {
    expect(codeOf(() => applyChanges(fromHex('09 19 00'), definition, 'coding', [], MODULE))).toBe(
      'definition/block-length {"did":"0600","expectedBytes":8,"actualBytes":3}',
    );
  });

  it.each([
    ['rear-fog', 'needs software 0140, this module has 0114'],
    ['tyres', 'safety option, not proven on CBAY0937084E with software 0114'],
    ['maker', 'block 0600 has no such option'],
    ['nobody', 'block 0600 has no such option'],
  ])('%s cannot be changed: %s', (parameterId, reason) => {
    expect(codeOf(() => applyChanges(block(), definition, 'coding', [{ parameterId, value: 1 }], MODULE))).toBe(
      `definition/option-unavailable ${JSON.stringify({ parameterId, reason })}`,
    );
  });

  it('software 0145 has the option that needs 0140, and is where the safety option was proven', () => {
    const module = { part: 'CBAY0937084E', software: '0145' };
    const changes = ['rear-fog', 'tyres'].map((parameterId) => ({ parameterId, value: 1 }));
    expect(toHexSpaced(applyChanges(fromHex('09 00 00 12 24 26 00 0E'), definition, 'coding', changes, module))).toBe(
      '09 03 00 12 24 26 00 0E',
    );
  });

  it('a level without a key provider locks its options; not asked when the providers are not known', () => {
    const reason = { kind: 'no-key-provider', level: 3 };
    expect(availabilityOf(maker!, definition, { ...MODULE, keyProviders: [] })).toEqual({
      kind: 'unavailable',
      reason,
    });
    expect(availabilityOf(maker!, definition, { ...MODULE, keyProviders: ['simulator'] }).kind).toBe('available');
    expect(availabilityOf(maker!, definition, MODULE).kind).toBe('available');
  });

  it('the same option twice is refused', () => {
    const change = { parameterId: 'mirrors', value: 0 };
    expect(codeOf(() => applyChanges(block(), definition, 'coding', [change, change], MODULE))).toContain(
      'changed twice at once',
    );
  });

  it('a condition holds for the option and for the one it needs, only while it is switched on', () => {
    const change = (bytes: string, ...changes: [string, number][]) =>
      codeOf(() =>
        applyChanges(
          fromHex(bytes),
          definition,
          'coding',
          changes.map(([parameterId, value]) => ({ parameterId, value })),
          MODULE,
        ),
      );
    const refused = 'definition/option-unavailable {"parameterId":"mirror-dips","reason":"Needs folding mirrors."}';
    const [folding, none, dipping] = ['00 00 00 00 04 00 00 00', '00 00 00 00 00 00 00 00', '00 00 00 00 0C 00 00 00'];
    expect(change(folding, ['mirror-dips', 1])).toBe('nothing was thrown');
    expect(change(none, ['mirror-dips', 1])).toBe(refused);
    expect(change(none, ['mirror-dips', 1], ['mirrors', 1])).toBe('nothing was thrown');
    expect(change(dipping, ['mirrors', 0])).toBe(refused);
    expect(change(dipping, ['mirrors', 0], ['mirror-dips', 0])).toBe('nothing was thrown');
    // Broken before we came: does not stop other options.
    expect(change('00 00 00 00 08 00 00 00', ['seconds', 20])).toBe('nothing was thrown');
    expect(brokenConditions(fromHex('00 00 00 00 08 00 00 00'), definition, 'coding')).toEqual([
      {
        parameterId: 'mirror-dips',
        otherId: 'mirrors',
        rule: 'requires',
        reason: { en: 'Needs folding mirrors.', de: 'Needs folding mirrors.' },
      },
    ]);
  });
});

describe('I12 unknown bits are preserved', () => {
  const legal: fc.Arbitrary<{ parameterId: string; value: number | string }> = fc.oneof(
    fc.record({ parameterId: fc.constant('seconds'), value: fc.integer({ min: 2, max: 50 }).map((n) => n * 5) }),
    fc.record({ parameterId: fc.constant('rear-fog'), value: fc.integer({ min: 0, max: 1 }) }),
    fc.record({ parameterId: fc.constant('tyres'), value: fc.integer({ min: 0, max: 1 }) }),
  );
  const proven = { part: 'CBAY0937084E', software: '0145' };

  it('I12 any bytes, any legal change: no bit outside the option moves, and it reads back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), legal, (bytes, change) => {
        const before = bytes.slice();
        const after = applyChanges(bytes, definition, 'coding', [change], proven);
        const option = definition.parameters.find(({ id }) => id === change.parameterId)!;
        const own = maskOf(8, [option.position]);
        for (const [i, byte] of after.entries()) expect((byte ^ (bytes[i] ?? 0)) & ~(own[i] ?? 0)).toBe(0);
        expect(readParameter(after, option).coded).toBe(change.value);
        expect(bytes).toEqual(before);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it('I12 with a checksum: only the option and the checksum move', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), fc.stringMatching(/^[A-Z]{1,3}$/), (bytes, value) => {
        const after = applyChanges(bytes, definition, 'battery', [{ parameterId: 'maker', value }], MODULE);
        expect([after[0], after[5]]).toEqual([bytes[0], bytes[5]]);
        if (after.some((byte, i) => byte !== bytes[i]))
          expect(after[4]).toBe(after.subarray(0, 4).reduce((sum, byte) => (sum + byte) & 0xff, 0));
      }),
      { seed: 2, numRuns: 500 },
    );
  });

  it('I12 any position, any width, any byte order: write then read, nothing else moves', () => {
    const position = fc.record({
      byte: fc.integer({ min: 0, max: 3 }),
      bit: fc.integer({ min: 0, max: 7 }),
      lengthBits: fc.integer({ min: 1, max: 32 }),
      endian: fc.constantFrom('big' as const, 'little' as const),
    });
    fc.assert(
      fc.property(position, fc.uint8Array({ minLength: 9, maxLength: 9 }), fc.nat(), (place, bytes, seed) => {
        const value = seed % 2 ** place.lengthBits;
        const option: Parameter = {
          ...mirrors!,
          position: place,
          compu: { kind: 'linear', factor: 1, offset: 0, unit: '', minCoded: 0, maxCoded: 0xffff_ffff, stepCoded: 1 },
        };
        const after = writeParameter(bytes, option, value);
        const own = maskOf(9, [place]);
        for (const [i, byte] of after.entries()) expect((byte ^ (bytes[i] ?? 0)) & ~(own[i] ?? 0)).toBe(0);
        expect(readParameter(after, option).coded).toBe(value);
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});

describe('diffBlocks', () => {
  it('options first, then unknown bits byte by byte with the riskiest class of the block', () => {
    const before = fromHex('09 18 00 12 24 26 00 0E');
    const after = fromHex('09 18 FF 12 20 26 00 0F');
    expect(diffBlocks(before, after, definition, 'coding')).toEqual([
      {
        parameterId: 'mirrors',
        title: { en: 'mirrors', de: 'mirrors' },
        from: { en: 'On', de: 'On' },
        to: { en: 'Off', de: 'Off' },
        risk: 'comfort',
      },
      {
        parameterId: null,
        title: { en: 'Byte 2, no known option', de: 'Byte 2, keine bekannte Option' },
        from: { en: '0x00', de: '0x00' },
        to: { en: '0xFF', de: '0xFF' },
        risk: 'safety',
      },
      {
        parameterId: null,
        title: { en: 'Byte 7, bits 0, no known option', de: 'Byte 7, Bits 0, keine bekannte Option' },
        from: { en: '0x0E', de: '0x0E' },
        to: { en: '0x0F', de: '0x0F' },
        risk: 'safety',
      },
    ]);
  });

  it('leaves the checksum and unstable bits out', () => {
    const rows = diffBlocks(battery(), fromHex('46 56 41 53 34 08'), definition, 'battery');
    expect(rows.map(({ parameterId, to }) => [parameterId, to.en])).toEqual([['maker', 'VAS']]);
  });

  it('no bit that differs is lost: each is in a row, the checksum or the unstable mask (property)', () => {
    const bytes = fc.uint8Array({ minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(bytes, bytes, (before, after) => {
        const rows = diffBlocks(before, after, definition, 'coding');
        expect(rows.length === 0).toBe(before.every((byte, i) => byte === after[i]));
      }),
      { seed: 4, numRuns: 300 },
    );
  });
});

describe('the round trip finds what lint cannot', () => {
  const random = () => seededRandom(7);
  it('a good option passes', () => {
    for (const option of definition.parameters) expect(roundTripParameter(definition, option, random())).toBeNull();
  });

  it('two values of one text table that read back as one', () => {
    const broken: Parameter = {
      ...mirrors!,
      compu: { kind: 'linear', factor: 1, offset: 0, unit: '', minCoded: 0, maxCoded: 3, stepCoded: 1 },
    };
    expect(roundTripParameter(definition, broken, random())).toBe('2 does not fit 1 bits');
  });

  it('a text longer than its bytes', () => {
    const broken: Parameter = { ...maker!, compu: { kind: 'ascii', lengthBytes: 5, pattern: '[A-Z]{5}' } };
    expect(roundTripParameter(definition, broken, random())).toMatch(/moves bits of others|reads back|offset/i);
  });

  it('a checksum on a byte of the option', () => {
    const broken = exampleDefinition();
    Object.assign(broken.codingBlocks[1]!.checksum!, { atByte: 2 });
    expect(roundTripParameter(broken, maker!, random())).toMatch(/reads back as/);
  });
});
