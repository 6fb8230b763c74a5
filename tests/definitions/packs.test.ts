import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromHex } from '#base/hex.ts';
import {
  describeParameter,
  hasRightChecksum,
  importPack,
  lintPack,
  parseListedPack,
  parsePack,
  parsePackIndex,
  readParameter,
  roundTripPack,
} from '#definitions/index.ts';
import { V1 } from '#simulator/cars/v1.ts';
import { generateIndex, generateJsonSchema, jsonText, packFiles } from '../../build/definitions.ts';

const folder = join(import.meta.dirname, '../../public/definitions');
const textOf = (file: string) => readFileSync(join(folder, file), 'utf8');
const files = await packFiles(folder);

it('there are packs for any module, for the virtual car and for the system lane', () => {
  expect(files).toEqual(expect.arrayContaining(['generic-uds.json', 'virtual-v1.json', 'system-lane.json']));
});

describe.each(files)('%s', (file) => {
  it('has the known shape', () => {
    expect(parsePack(textOf(file), file).id).toBe(file.replace('.json', ''));
  });

  it('breaks no rule', () => {
    expect(lintPack(parsePack(textOf(file), file))).toEqual([]);
  });

  it('reads every legal value back as written, moves no other bit, leaves right checksums', () => {
    expect(roundTripPack(parsePack(textOf(file), file))).toEqual([]);
  });

  it('passes the import as a whole', () => {
    expect(importPack(textOf(file), file).schemaVersion).toBe(1);
  });
});

it('schema.json is up to date (npm run generate)', () => {
  expect(textOf('schema.json')).toBe(jsonText(generateJsonSchema()));
});

it('index.json is up to date (npm run generate), and each listed pack is the one it names', async () => {
  expect(textOf('index.json')).toBe(jsonText(await generateIndex(folder)));
  for (const entry of parsePackIndex(textOf('index.json')).packs)
    expect(parseListedPack(textOf(entry.file), entry).definitions).toHaveLength(entry.definitions);
});

it('a listed pack with one word changed is refused', () => {
  const entry = parsePackIndex(textOf('index.json')).packs.find(({ id }) => id === 'generic-uds')!;
  const changed = textOf('generic-uds.json').replace('Any UDS module', 'Any ECU');
  expect(() => parseListedPack(changed, entry)).toThrow('generic-uds.json is not the pack that the index lists');
});

describe('the pack of the virtual car fits the virtual car', () => {
  const pack = parsePack(textOf('virtual-v1.json'), 'virtual-v1.json');

  it.each(V1.ecus.map((ecu) => [ecu.label, ecu] as const))(
    'module %s: address, blocks and their lengths',
    (label, ecu) => {
      const slot = pack.modules.find((module) => module.label === label);
      expect(slot?.address).toMatchObject({
        requestId: ecu.requestId.toString(16).toUpperCase(),
        responseId: ecu.responseId.toString(16).toUpperCase(),
      });
      for (const block of definitionOf(ecu.dids).codingBlocks) {
        const bytes = fromHex(ecu.dids[block.did]?.value ?? '');
        expect(bytes, `${label} ${block.did}`).toHaveLength(block.lengthBytes);
        expect(hasRightChecksum(bytes, block)).toBe(true);
      }
    },
  );

  it('every option of the car as delivered has a known value', () => {
    for (const ecu of V1.ecus)
      for (const parameter of definitionOf(ecu.dids).parameters) {
        const block = definitionOf(ecu.dids).codingBlocks.find(({ id }) => id === parameter.block)!;
        const value = readParameter(fromHex(ecu.dids[block.did]?.value ?? ''), parameter);
        expect(value.kind, `${ecu.label} ${parameter.id} ${value.coded}`).toBe('known');
      }
  });

  it('says what people know of the car as delivered', () => {
    expect(delivered('17', 'digital-speedometer')).toBe('Off');
    expect(delivered('17', 'seat-belt-chime')).toBe('On');
    expect(delivered('09', 'mirrors-fold-on-lock')).toBe('On');
    expect(delivered('09', 'daytime-lights')).toBe('On');
    expect(delivered('09', 'comfort-turn-signal')).toBe('4 ×');
    expect(delivered('09', 'coming-home')).toBe('20 s');
    expect(delivered('19', 'trailer-hitch')).toBe('Yes');
    expect(delivered('19', 'battery-capacity')).toBe('70 Ah');
    expect(delivered('19', 'battery-maker')).toBe('VAR');
    expect(delivered('19', 'battery-serial')).toBe('0000004711');
  });

  function definitionOf(dids: (typeof V1.ecus)[number]['dids']) {
    const part = new TextDecoder().decode(fromHex(dids.F187?.value ?? ''));
    return pack.definitions.find(({ identify }) =>
      identify.some(({ rule }) => rule.kind === 'equals' && rule.text === part),
    )!;
  }

  function delivered(label: string, parameterId: string): string {
    const ecu = V1.ecus.find((candidate) => candidate.label === label)!;
    const definition = definitionOf(ecu.dids);
    const parameter = definition.parameters.find(({ id }) => id === parameterId)!;
    const block = definition.codingBlocks.find(({ id }) => id === parameter.block)!;
    return describeParameter(fromHex(ecu.dids[block.did]?.value ?? ''), parameter).en;
  }
});

describe('the pack of the system lane decodes its cars as delivered', () => {
  const pack = parsePack(textOf('system-lane.json'), 'system-lane.json');
  it.each([
    [
      'system-lane-body',
      '09 59 A0 3C 1E 14 00 FF 41 7E 10 35 00 88 43 00 5A C3 01 62 9D 00 04 01 2C F0 0F 66 00 12 AB 30',
      [1, 1, 30, 20, 3, 300, 0, 0, 0, 0, 0, 0],
    ],
    ['system-lane-cluster', '42 91 00 37 A5 00 1C D8', [0, 0, 0, 1]],
    ['system-lane-gateway', '01 16 A0 00 F4 33 80 02 00 77', [0, 0, 0]],
  ])('%s %s', (id, hex, values) => {
    const { parameters } = pack.definitions.find((definition) => definition.id === id)!;
    expect(parameters.map((parameter) => readParameter(fromHex(hex), parameter).coded)).toEqual(values);
  });
});
