import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StackError } from '#contract/errors.ts';
import { importPack, parsePack, parsePackIndex } from '#definitions/index.ts';
import { parseStrictJson } from '#definitions/strict-json.ts';
import { examplePack, type LoosePack } from './example.ts';

const good = JSON.stringify(examplePack());
const v1 = readFileSync(join(import.meta.dirname, '../../../public/definitions/virtual-v1.json'), 'utf8');

/** What a bad pack is refused with: code, sentence, details. */
function refusal(read: () => unknown): { code: string; message: string; details: Record<string, unknown> } {
  try {
    read();
  } catch (error) {
    if (error instanceof StackError) return { code: error.code, message: error.message, details: { ...error.details } };
    throw error;
  }
  throw new Error('the bad pack was taken');
}

function changed(change: (pack: LoosePack, definition: LoosePack['definitions'][number]) => void): string {
  const pack = examplePack();
  change(pack, pack.definitions[0]!);
  return JSON.stringify(pack);
}

const refusalOf = (text: string) => refusal(() => parsePack(text, 'bad.json'));

it('a good pack is taken, with or without the line for editors', () => {
  expect(parsePack(good, 'good.json').definitions[0]?.parameters).toHaveLength(6);
  expect(parsePack(`{"$schema":"./schema.json",${good.slice(1)}`, 'good.json').id).toBe('example');
});

describe('bad input is refused with a sentence that names the place', () => {
  it('overlapping bits', () => {
    const text = changed((_, d) => Object.assign(d.parameters[1]!.position, { bit: 2 }));
    expect(refusal(() => importPack(text, 'bad.json'))).toEqual({
      code: 'definition/invalid',
      message:
        'bad.json: $.definitions[0].parameters[1].position: byte 4 bit 2 of block coding belongs to "mirrors" already (rule parametersDoNotOverlap)',
      details: {
        definitionId: 'example-body',
        path: '$.definitions[0].parameters[1].position',
        rule: 'parametersDoNotOverlap',
        problem: 'byte 4 bit 2 of block coding belongs to "mirrors" already',
      },
    });
  });

  it('unknown keys', () => {
    const text = changed((_, d) => Object.assign(d.codingBlocks[0]!, { lenght: 8 }));
    expect(refusalOf(text)).toMatchObject({
      code: 'definition/invalid',
      message: 'bad.json: $.definitions[0].codingBlocks[0].lenght: this member is not known here',
      details: { definitionId: 'example-body', path: '$.definitions[0].codingBlocks[0].lenght', rule: 'shape' },
    });
  });

  it.each(['__proto__', 'constructor', 'prototype', '\\u005f_proto__'])(
    'I09 a member named %s, at any depth',
    (name) => {
      const text = good.replace('"lengthBits":8', `"lengthBits":8,"${name}":{"bit":0}`);
      const { code, message } = refusalOf(text);
      expect(code).toBe('file/malformed');
      expect(message).toMatch(
        /^bad\.json, line 1, column \d+ \(\$\.definitions\[0\]\.parameters\[2\]\.position\): a member named "(__proto__|constructor|prototype)" is not allowed$/,
      );
      expect(Object.hasOwn(Object.prototype, 'bit')).toBe(false);
    },
  );

  it('a member that is there twice', () => {
    expect(refusalOf(good.replace('"source":"test"', '"source":"test","source":"else"')).message).toMatch(
      /^bad\.json, line 1, column \d+ \(\$\): the member "source" is there twice$/,
    );
  });

  it('truncated at every 97th byte', () => {
    for (let length = 0; length < v1.trimEnd().length; length += 97) {
      const { code, message } = refusalOf(v1.slice(0, length));
      expect(code, `cut at ${length}`).toBe('file/malformed');
      expect(message).toMatch(/^bad\.json, line \d+, column \d+ \(\$.*\): \S/);
    }
  });

  it('wrong types', () => {
    expect(refusalOf(changed((p) => Object.assign(p, { simulated: 'yes' }))).message).toBe(
      'bad.json: $.simulated: "yes", but boolean is expected',
    );
    expect(refusalOf(changed((_, d) => Object.assign(d, { parameters: {} }))).message).toBe(
      'bad.json: $.definitions[0].parameters: Object, but Array is expected',
    );
    expect(refusalOf(changed((_, d) => Object.assign(d.parameters[0]!.compu, { kind: 'formula' }))).message).toBe(
      'bad.json: $.definitions[0].parameters[0].compu.kind: "formula", but ("texttable" | "linear" | "ascii") is expected',
    );
    expect(refusalOf('[1, 2]').message).toBe('bad.json: $.schemaVersion: is missing');
    expect(refusalOf('null').message).toBe('bad.json: $: null, but Object is expected');
  });

  it('a missing member', () => {
    expect(refusalOf(changed((_, d) => Reflect.deleteProperty(d.parameters[3]!, 'source'))).message).toBe(
      'bad.json: $.definitions[0].parameters[3].source: is missing',
    );
  });

  it('nested 200 000 deep', () => {
    expect(refusalOf('['.repeat(200_000)).message).toMatch(/nested deeper than 16 levels$/);
    expect(refusalOf(`${'{"a":'.repeat(200_000)}1`).message).toMatch(/nested deeper than 16 levels$/);
  });

  it('a newer version, before anything else is judged', () => {
    expect(refusalOf('{"schemaVersion":2,"blocks":[]}')).toMatchObject({
      code: 'file/newer-version',
      details: { name: 'bad.json', version: 2, known: 1 },
    });
  });

  it('too large', () => {
    expect(refusalOf(' '.repeat(4 * 1024 * 1024 + 1)).code).toBe('file/too-large');
  });

  it.each<[string, (pack: LoosePack, definition: LoosePack['definitions'][number]) => unknown, string]>([
    ['a control character', (_, d) => Object.assign(d.title, { en: 'a\u0007b' }), '$.definitions[0].title.en'],
    ['a bidi override', (_, d) => Object.assign(d.title, { en: 'a\u202Eb' }), '$.definitions[0].title.en'],
    ['a lone surrogate', (_, d) => Object.assign(d.title, { en: 'a\uD800b' }), '$.definitions[0].title.en'],
    [
      'a title of 121 characters',
      (_, d) => Object.assign(d.title, { de: 'x'.repeat(121) }),
      '$.definitions[0].title.de',
    ],
    [
      'an empty source',
      (_, d) => Object.assign(d.parameters[0]!, { source: '' }),
      '$.definitions[0].parameters[0].source',
    ],
    [
      'a fraction of a byte',
      (_, d) => Object.assign(d.parameters[0]!.position, { byte: 1.5 }),
      '$.definitions[0].parameters[0].position.byte',
    ],
    [
      'bit 8',
      (_, d) => Object.assign(d.parameters[0]!.position, { bit: 8 }),
      '$.definitions[0].parameters[0].position.bit',
    ],
    [
      'a negative bit',
      (_, d) => Object.assign(d.parameters[0]!.position, { bit: -1 }),
      '$.definitions[0].parameters[0].position.bit',
    ],
    [
      'a block of 4093 bytes',
      (_, d) => Object.assign(d.codingBlocks[0]!, { lengthBytes: 4093 }),
      '$.definitions[0].codingBlocks[0].lengthBytes',
    ],
    [
      'the programming session',
      (_, d) => Object.assign(d.codingBlocks[0]!, { writeSession: 2 }),
      '$.definitions[0].codingBlocks[0].writeSession',
    ],
    [
      'the safety session',
      (_, d) => Object.assign(d.codingBlocks[0]!, { writeSession: 4 }),
      '$.definitions[0].codingBlocks[0].writeSession',
    ],
    [
      'a lower-case identifier',
      (_, d) => Object.assign(d.codingBlocks[0]!, { did: 'f1a5' }),
      '$.definitions[0].codingBlocks[0].did',
    ],
    [
      'half a byte of hex',
      (_, d) => Object.assign(d.codingBlocks[0]!, { unstableMask: 'FFF' }),
      '$.definitions[0].codingBlocks[0].unstableMask',
    ],
    [
      'an 11-bit id above 7FF',
      (p) => Object.assign(p.modules[0]!.address, { requestId: '800' }),
      '$.modules[0].address.requestId',
    ],
    [
      'a level that sends the key',
      (_, d) => Object.assign(d.securityLevels[0]!, { level: 4 }),
      '$.definitions[0].securityLevels[0].level',
    ],
    [
      'I10 a factor of zero',
      (_, d) => Object.assign(d.parameters[2]!.compu, { factor: 0 }),
      '$.definitions[0].parameters[2].compu.factor',
    ],
    [
      'I10 a pattern that never ends',
      (_, d) => Object.assign(d.parameters[5]!.compu, { pattern: '(A+)+$' }),
      '$.definitions[0].parameters[5].compu.pattern',
    ],
    [
      'a pattern of a backward range',
      (_, d) => Object.assign(d.parameters[5]!.compu, { pattern: '[Z-A]{3}' }),
      '$.definitions[0].parameters[5].compu.pattern',
    ],
    [
      '4001 options',
      (_, d) => Object.assign(d, { parameters: Array.from({ length: 4001 }, () => d.parameters[0]) }),
      '$.definitions[0].parameters',
    ],
  ])('%s', (_, change, path) => {
    const { code, message, details } = refusalOf(changed(change));
    expect(code).toBe('definition/invalid');
    expect(details).toMatchObject({ path, rule: 'shape', problem: expect.stringMatching(/\S/) });
    expect(message.startsWith(`bad.json: ${path}: `)).toBe(true);
  });

  it('I10 a number beyond all numbers', () => {
    expect(refusalOf(good.replace('"factor":0.1', '"factor":1e999')).message).toMatch(
      /\(\$\.definitions\[0\]\.parameters\[2\]\.compu\.factor\): the number 1e999 is out of range$/,
    );
  });

  it('an index that names a file outside its folder', () => {
    const index = {
      format: 'codebay-definition-index',
      version: 1,
      packs: [
        {
          id: 'x',
          file: '../x.json',
          title: { en: 'x', de: 'x' },
          simulated: false,
          vinPrefixes: [],
          definitions: 1,
          sha256: '0'.repeat(64),
        },
      ],
    };
    expect(refusal(() => parsePackIndex(JSON.stringify(index))).message).toMatch(
      /^index\.json: \$\.packs\[0\]\.file: /,
    );
  });
});

describe('the strict reader', () => {
  it('reads what JSON.parse reads (property)', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        let expected: unknown;
        let actual: unknown;
        try {
          expected = JSON.parse(text);
          actual = parseStrictJson(text, { maxDepth: 16 });
        } catch (error) {
          if (error instanceof Error && /not allowed|too long|twice/.test(error.message)) return;
          throw error;
        }
        expect(actual).toEqual(expected);
      }),
      { seed: 12, numRuns: 300 },
    );
  });

  it('refuses every text that JSON.parse refuses, and never fails otherwise (property)', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '\\',
      '1',
      '-',
      '0',
      '01',
      '.5',
      'true',
      'nul',
      ' ',
      '\n',
      '\u0000',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        let isGood = true;
        try {
          JSON.parse(text);
        } catch {
          isGood = false;
        }
        if (isGood) return;
        expect(() => parseStrictJson(text, { maxDepth: 16 })).toThrow(/^line \d+, column \d+ \(\$.*\): \S/);
      }),
      { seed: 13, numRuns: 2000 },
    );
  });

  it.each([
    ['{"a": 1,\n "b": }', 'line 2, column 7 ($.b): a value is expected'],
    ['{"a" 1}', 'line 1, column 6 ($): ":" is expected'],
    ['[1 2]', 'line 1, column 4 ($): "," or "]" is expected'],
    ['[1,]', 'line 1, column 4 ($[1]): a value is expected'],
    ['{"a":1,}', 'line 1, column 8 ($): a member name in quotes is expected'],
    ['["a\nb"]', 'line 1, column 4 ($[0]): a control character inside a string'],
    ['["\\x"]', 'line 1, column 2 ($[0]): a string with an unknown escape'],
    ['{} {}', 'line 1, column 4 ($): more text after the end of the value'],
    ['', 'line 1, column 1 ($): the text ends where a value is expected'],
  ])('%j: %s', (text, message) => {
    expect(() => parseStrictJson(text, { maxDepth: 16 })).toThrow(message);
  });
});
