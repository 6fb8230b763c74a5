import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toHex } from '#base/hex.ts';
import type { IdentRead } from '#contract/backup.ts';
import type { DefinitionPack } from '#contract/definition.ts';
import {
  definitionSha256,
  definitionTitle,
  matchDefinition,
  parsePack,
  slotsOf,
  toIsoTpAddress,
} from '#definitions/index.ts';
import { examplePack } from './example.ts';

const load = (file: string): DefinitionPack =>
  parsePack(readFileSync(join(import.meta.dirname, '../../../public/definitions', file), 'utf8'), file);
const generic = load('generic-uds.json');
const v1 = load('virtual-v1.json');
const packs = [generic, v1];

const VIN = '0CBV1000000000017';
const read = (did: string, text: string): IdentRead => ({
  did,
  kind: 'bytes',
  hex: toHex(new TextEncoder().encode(text)),
});
const body = (more: Partial<Record<string, string>> = {}) => ({
  moduleId: '70E-778',
  vin: VIN,
  reads: Object.entries({ F187: 'CBAY0937084E', F189: '0114', F191: 'CBAY0937084', ...more }).map(([did, text]) =>
    read(did, text ?? ''),
  ),
});
const sha256 = definitionSha256(v1.definitions.find(({ id }) => id === 'v1-body')!);
const near = (differs: readonly string[]) => ({
  kind: 'near',
  packId: 'virtual-v1',
  definitionId: 'v1-body',
  sha256,
  differs,
});

describe('matchDefinition', () => {
  it('part, hardware, software, VIN and address hold: exact', () => {
    expect(matchDefinition(packs, body())).toEqual({
      kind: 'exact',
      packId: 'virtual-v1',
      definitionId: 'v1-body',
      sha256,
    });
  });

  it('padding of 20, 00 and FF at the end of a text does not matter', () => {
    const padded: IdentRead = {
      did: 'F187',
      kind: 'bytes',
      hex: `${toHex(new TextEncoder().encode('CBAY0937084E'))}2000FF`,
    };
    const module = { ...body(), reads: [padded, ...body().reads.slice(1)] };
    expect(matchDefinition(packs, module).kind).toBe('exact');
  });

  it('another software or hardware: near, with what differs', () => {
    expect(matchDefinition(packs, body({ F189: '0155' }))).toEqual(near(['F189 is 0155, expected 0110 to 0149']));
    expect(matchDefinition(packs, body({ F189: '114' }))).toEqual(near(['F189 is 114, expected 0110 to 0149']));
    expect(matchDefinition(packs, body({ F191: 'CBAY0937999' }))).toEqual(
      near(['F191 is CBAY0937999, expected CBAY0937084']),
    );
  });

  it('an identifier that was refused is not readable, so only near', () => {
    const module = {
      ...body(),
      reads: [
        ...body().reads.slice(0, 1),
        { did: 'F189', kind: 'refused', nrc: 0x31 } as const,
        ...body().reads.slice(2),
      ],
    };
    expect(matchDefinition(packs, module)).toEqual(near(['F189 is not readable, expected 0110 to 0149']));
  });

  it('a VIN that nobody knows, or an address the pack does not have: near', () => {
    expect(matchDefinition(packs, { ...body(), vin: null })).toEqual(near(['the VIN is not known']));
    expect(matchDefinition(packs, { ...body(), moduleId: '7E5-7ED' })).toEqual(
      near(['7E5-7ED is no address of virtual-v1']),
    );
  });

  it('another part: only the generic definition, near, never exact', () => {
    expect(matchDefinition(packs, body({ F187: 'CBAY0000000A' }))).toMatchObject({
      kind: 'near',
      definitionId: 'generic-uds',
      differs: ['no definition for part CBAY0000000A'],
    });
    expect(matchDefinition([v1], body({ F187: 'CBAY0000000A' }))).toEqual({ kind: 'none' });
  });

  it('a module that told nothing has no definition', () => {
    expect(matchDefinition(packs, { ...body(), reads: [{ did: 'F187', kind: 'silent' }] })).toEqual({ kind: 'none' });
  });

  it('a car of another family is not matched, whatever its part numbers say', () => {
    expect(matchDefinition([v1], { ...body(), vin: '0CBX1000000000017' })).toEqual({ kind: 'none' });
  });

  it('a pack of virtual cars never meets a real car, even if its rules were broken', () => {
    const broken = {
      ...v1,
      vinPrefixes: [],
      definitions: v1.definitions.map((d) => ({ ...d, identify: d.identify.slice(1) })),
    };
    const real = { ...body({ F187: '5Q0937084E' }), vin: 'WVWZZZ1KZ6W000001' };
    expect(matchDefinition([broken], real)).toEqual({ kind: 'none' });
    expect(matchDefinition([v1], { ...body(), vin: 'WVWZZZ1KZ6W000001' })).toEqual({ kind: 'none' });
  });

  it('a pack of real cars never meets a virtual one, even if its rules were broken', () => {
    expect(matchDefinition([{ ...v1, simulated: false }], body())).toEqual({ kind: 'none' });
    expect(matchDefinition([{ ...v1, simulated: false, vinPrefixes: [] }], { ...body(), vin: null })).toEqual({
      kind: 'none',
    });
  });

  it('two different definitions that fit: near, none is picked; the same content twice: exact', () => {
    const other = structuredClone(v1) as unknown as { id: string; definitions: { title: unknown }[] };
    other.id = 'other';
    expect(matchDefinition([v1, other as unknown as DefinitionPack], body()).kind).toBe('exact');
    for (const definition of other.definitions) definition.title = { en: 'Other', de: 'Andere' };
    expect(matchDefinition([v1, other as unknown as DefinitionPack], body())).toEqual(near(['other/v1-body fits too']));
  });

  it('of several near ones, the one with the fewest differences', () => {
    const far = structuredClone(v1) as unknown as {
      id: string;
      definitions: { identify: { did: string; rule: unknown }[] }[];
    };
    far.id = 'far';
    for (const { identify } of far.definitions)
      for (const pattern of identify) if (pattern.did === 'F191') pattern.rule = { kind: 'prefix', text: 'X' };
    expect(matchDefinition([far as unknown as DefinitionPack, v1], body({ F189: '0155' }))).toMatchObject({
      packId: 'virtual-v1',
    });
  });
});

describe('slotsOf', () => {
  it('the pack of the VIN; else the generic one; without a VIN all of them', () => {
    expect(slotsOf(packs, VIN).map((slot) => slot.label)).toEqual([
      '01',
      '02',
      '03',
      '08',
      '09',
      '15',
      '17',
      '19',
      '5F',
      'A5',
    ]);
    expect(slotsOf(packs, 'WVWZZZ1KZ6W000001').map((slot) => slot.label)).toEqual([
      '7E0',
      '7E1',
      '7E2',
      '7E3',
      '7E4',
      '7E5',
      '7E6',
      '7E7',
    ]);
    expect(slotsOf(packs, null)).toHaveLength(18);
  });
});

describe('toIsoTpAddress', () => {
  it.each([
    [
      { format: 'normal', requestId: '70E', responseId: '778', extendedId: false },
      { format: 'normal', requestId: 0x70e, responseId: 0x778, extendedId: false },
    ],
    [
      { format: 'normal-fixed', target: '10', source: 'F1' },
      { format: 'normal-fixed', target: 0x10, source: 0xf1 },
    ],
    [
      { format: 'extended', requestId: '6F1', responseId: '612', extendedId: false, target: '12', source: 'F1' },
      { format: 'extended', requestId: 0x6f1, responseId: 0x612, extendedId: false, target: 0x12, source: 0xf1 },
    ],
    [
      { format: 'mixed', requestId: '750', responseId: '758', extendedId: false, addressExtension: '40' },
      { format: 'mixed', requestId: 0x750, responseId: 0x758, extendedId: false, addressExtension: 0x40 },
    ],
  ] as const)('%j', (slot, address) => {
    expect(toIsoTpAddress(slot)).toEqual(address);
  });
});

it('the generic definition has no title of its own, so that the slot keeps its name', () => {
  expect(definitionTitle(generic.definitions[0]!)).toBeNull();
  expect(definitionTitle(null)).toBeNull();
  expect(definitionTitle(v1.definitions[4]!)).toEqual({ en: 'Body electronics', de: 'Bordnetz' });
});

it('a definition is pinned by content: the same hash for any order of members, another for any other bit', () => {
  const one = examplePack().definitions[0]!;
  const reordered = Object.fromEntries(Object.entries(one).reverse()) as unknown as typeof one;
  expect(definitionSha256(reordered)).toBe(definitionSha256(one));
  one.parameters[0]!.position.bit = 3;
  expect(definitionSha256(reordered)).toBe(definitionSha256(one));
  expect(definitionSha256(one)).not.toBe(definitionSha256(examplePack().definitions[0]!));
});
