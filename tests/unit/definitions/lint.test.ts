import { describe, expect, it } from 'vitest';
import { DEFINITION_RULES, lintPack, PACK_RULES } from '#definitions/lint.ts';
import { examplePack, type LoosePack, parameter } from './example.ts';

type Plant = (pack: LoosePack, definition: LoosePack['definitions'][number]) => void;

/** One planted fault for each rule, and the path where the rule must find it. */
const FAULTS: Record<string, { readonly plant: Plant; readonly path: string }> = {
  textsAreNotEmpty: {
    plant: (_, d) => Object.assign(d.parameters[0]!.help, { de: ' ' }),
    path: '$.definitions[0].parameters[0].help.de',
  },
  textsHaveNoSpaceAround: { plant: (p) => Object.assign(p, { source: 'test ' }), path: '$.source' },
  definitionIdsAreUnique: { plant: (p, d) => p.definitions.push(d), path: '$.definitions[1].id' },
  virtualPacksHaveVirtualVins: { plant: (p) => p.vinPrefixes.push('WVW'), path: '$.vinPrefixes[1]' },
  realPacksHaveRealVins: { plant: (p) => Object.assign(p, { simulated: false }), path: '$.vinPrefixes[0]' },
  packsThatWriteNameTheirCars: { plant: (p) => Object.assign(p, { vinPrefixes: [] }), path: '$.vinPrefixes' },
  addressesHaveTheLengthOfTheirFormat: {
    plant: (p) => Object.assign(p.modules[0]!.address, { extendedId: true }),
    path: '$.modules[0].address.requestId',
  },
  slotsAreNotFunctionalIds: {
    plant: (p) => Object.assign(p.modules[1]!.address, { requestId: '7DF' }),
    path: '$.modules[1].address.requestId',
  },
  requestAndResponseDiffer: {
    plant: (p) => Object.assign(p.modules[0]!.address, { responseId: '70E' }),
    path: '$.modules[0].address',
  },
  slotAddressesAreUnique: {
    plant: (p) => Object.assign(p.modules[1]!.address, { responseId: '778' }),
    path: '$.modules[1].address.responseId',
  },
  slotLabelsAreUnique: { plant: (p) => Object.assign(p.modules[1]!, { label: '09' }), path: '$.modules[1].label' },
  groupsAreCalledTheSame: {
    plant: (p) => Object.assign(p.modules[1]!, { group: { en: 'Comfort', de: 'Komfort' } }),
    path: '$.modules[1].group.de',
  },
  functionalAnswersAreARange: {
    plant: (p) => Object.assign(p.functional[0]!, { responseTo: '5FF' }),
    path: '$.functional[0].responseTo',
  },
  functionalIdsAreUnique: { plant: (p) => p.functional.push(p.functional[0]!), path: '$.functional[1].requestId' },

  blockIdsAreUnique: {
    plant: (_, d) => Object.assign(d.codingBlocks[1]!, { id: 'coding' }),
    path: '.codingBlocks[1].id',
  },
  blockIdentifiersAreUnique: {
    plant: (_, d) => Object.assign(d.codingBlocks[1]!, { did: '0600' }),
    path: '.codingBlocks[1].did',
  },
  parameterIdsAreUnique: {
    plant: (_, d) => Object.assign(d.parameters[1]!, { id: 'mirrors' }),
    path: '.parameters[1].id',
  },
  parameterTitlesAreUniqueInTheirGroup: {
    plant: (_, d) => Object.assign(d.parameters[1]!.title, { de: 'mirrors' }),
    path: '.parameters[1].title.de',
  },
  identificationIsUnique: {
    plant: (_, d) => Object.assign(d.identification[1]!, { did: 'F187' }),
    path: '.identification[1].did',
  },
  preludeIsUnique: { plant: (_, d) => d.prelude.push(d.prelude[0]!), path: '.prelude[2].did' },
  securityLevelsAreUnique: {
    plant: (_, d) => d.securityLevels.push(d.securityLevels[0]!),
    path: '.securityLevels[1].level',
  },
  faultCodesAreUnique: { plant: (_, d) => d.faults.push(d.faults[0]!), path: '.faults[1].code' },

  patternsNamePartAndSoftware: { plant: (_, d) => d.identify.pop(), path: '.identify' },
  patternsUseIdentifiersReadFirst: {
    plant: (_, d) => d.identify.push({ did: '0600', rule: { kind: 'prefix', text: '0' }, near: true }),
    path: '.identify[2].did',
  },
  patternRangesAreInOrder: {
    plant: (_, d) => Object.assign(d.identify[1]!.rule, { to: '0100' }),
    path: '.identify[1].rule',
  },
  patternOfThePartIsNeverNear: {
    plant: (_, d) => Object.assign(d.identify[0]!, { near: true }),
    path: '.identify[0].near',
  },
  virtualDefinitionsHaveVirtualParts: {
    plant: (_, d) => Object.assign(d.identify[0]!.rule, { text: '5Q0937084E' }),
    path: '.identify[0].rule',
  },
  realDefinitionsHaveRealParts: { plant: (p) => Object.assign(p, { simulated: false }), path: '.identify[0].rule' },

  parametersAreInAKnownBlock: {
    plant: (_, d) => Object.assign(d.parameters[0]!, { block: 'nowhere' }),
    path: '.parameters[0].block',
  },
  parametersLieInTheirBlock: {
    plant: (_, d) => Object.assign(d.parameters[2]!.position, { byte: 7 }),
    path: '.parameters[2].position',
  },
  parametersDoNotOverlap: {
    plant: (_, d) => Object.assign(d.parameters[1]!.position, { bit: 2 }),
    path: '.parameters[1].position',
  },
  textIsWholeBytesInOrder: {
    plant: (_, d) => Object.assign(d.parameters[5]!.position, { lengthBits: 23 }),
    path: '.parameters[5].position',
  },
  numbersHaveAtMost32Bits: {
    plant: (_, d) => Object.assign(d.parameters[2]!.position, { byte: 2, lengthBits: 33 }),
    path: '.parameters[2].position.lengthBits',
  },
  unstableMaskHasTheLengthOfItsBlock: {
    plant: (_, d) => Object.assign(d.codingBlocks[1]!, { unstableMask: '0000FF' }),
    path: '.codingBlocks[1].unstableMask',
  },
  unstableBitsAreNoOption: {
    plant: (_, d) => Object.assign(d.codingBlocks[1]!, { unstableMask: '0001000000FF' }),
    path: '.parameters[5].position',
  },
  checksumLiesInItsBlock: {
    plant: (_, d) => Object.assign(d.codingBlocks[1]!.checksum!, { atByte: 5, algorithm: 'crc16-ccitt-false' }),
    path: '.codingBlocks[1].checksum.atByte',
  },
  checksumDoesNotCoverItself: {
    plant: (_, d) => Object.assign(d.codingBlocks[1]!.checksum!, { atByte: 3 }),
    path: '.codingBlocks[1].checksum.atByte',
  },
  checksumIsNoOption: {
    plant: (_, d) => Object.assign(d.parameters[5]!.position, { byte: 2 }),
    path: '.parameters[5].position',
  },
  checksumIsNotUnstable: {
    plant: (_, d) => Object.assign(d.codingBlocks[1]!, { unstableMask: '0100000000FF' }),
    path: '.codingBlocks[1].checksum',
  },

  textTableValuesAreUnique: {
    plant: (_, d) => Object.assign(values(d, 0)[1]!, { coded: 0 }),
    path: '.parameters[0].compu.values[1].coded',
  },
  textTableTextsAreUnique: {
    plant: (_, d) => Object.assign(values(d, 0)[1]!, { text: { en: 'On', de: 'Off' } }),
    path: '.parameters[0].compu.values[1].text.de',
  },
  textTableValuesFitTheirBits: {
    plant: (_, d) => Object.assign(values(d, 0)[1]!, { coded: 2 }),
    path: '.parameters[0].compu.values[1].coded',
  },
  textTableHasAtMostOneFactoryValue: {
    plant: (_, d) => Object.assign(values(d, 0)[0]!, { factory: true }),
    path: '.parameters[0].compu.values',
  },
  switchesHaveTwoValues: { plant: (_, d) => values(d, 0).pop(), path: '.parameters[0].compu.control' },
  linearValuesFitTheirBits: {
    plant: (_, d) => Object.assign(d.parameters[2]!.compu, { maxCoded: 260 }),
    path: '.parameters[2].compu.maxCoded',
  },
  linearScaleHasValues: {
    plant: (_, d) => Object.assign(d.parameters[2]!.compu, { stepCoded: 7 }),
    path: '.parameters[2].compu.stepCoded',
  },
  conditionsNameAnOptionOfTheSameBlock: {
    plant: (_, d) => Object.assign(d.parameters[1]!.requires![0]!, { parameter: 'maker' }),
    path: '.parameters[1].requires[0].parameter',
  },
  conditionsNameLegalValues: {
    plant: (_, d) => Object.assign(d.parameters[1]!.requires![0]!, { coded: [2] }),
    path: '.parameters[1].requires[0].coded',
  },

  blocksAreNotInTheIdentityRange: {
    plant: (_, d) => Object.assign(d.codingBlocks[0]!, { did: 'F190' }),
    path: '.codingBlocks[0].did',
  },
  blocksAreNotMeasuredOrDefinedAtRunTime: {
    plant: (_, d) => Object.assign(d.codingBlocks[0]!, { did: 'F40D' }),
    path: '.codingBlocks[0].did',
  },
  blocksAreNotDenied: { plant: (_, d) => d.denied.push('0600'), path: '.codingBlocks[0].did' },
  preludeStepsAreStamps: { plant: (_, d) => Object.assign(d.prelude[0]!, { did: 'F190' }), path: '.prelude[0].did' },
  preludeIsNotDenied: { plant: (_, d) => d.denied.push('F199'), path: '.prelude[0].did' },
  preludeIsThereWhereABlockNeedsIt: {
    plant: (_, d) => Object.assign(d, { prelude: [] }),
    path: '.codingBlocks[0].needsPrelude',
  },
  preludeIsNeededByABlock: {
    plant: (_, d) => Object.assign(d.codingBlocks[0]!, { needsPrelude: false }),
    path: '.prelude',
  },
  preludeShopCodeIsReadFromAKnownIdentifier: {
    plant: (_, d) => d.identification.pop(),
    path: '.prelude[1].value.currentFrom',
  },
  securityLevelsOfBlocksAreDescribed: {
    plant: (_, d) => Object.assign(d, { securityLevels: [] }),
    path: '.codingBlocks[1].securityLevel',
  },
  securityLevelsAreNeededByABlock: {
    plant: (_, d) => d.securityLevels.push({ ...d.securityLevels[0]!, level: 5 }),
    path: '.securityLevels[1].level',
  },
  simulatorKeysAreForVirtualCars: {
    plant: (p) => Object.assign(p, { simulated: false }),
    path: '.securityLevels[0].provider',
  },
  writeSessionsAreNotTheDefaultSession: {
    plant: (_, d) => Object.assign(d.codingBlocks[0]!, { writeSession: 1 }),
    path: '.codingBlocks[0].writeSession',
  },
  safetyOptionsAreVerifiedSomewhere: {
    plant: (_, d) => Object.assign(d.parameters[4]!, { verifiedOn: [] }),
    path: '.parameters[4].verifiedOn',
  },
  noOptionForMileageImmobiliserOrCrashData: {
    plant: (_, d) => Object.assign(d.parameters[0]!.title, { de: 'Kilometerstand' }),
    path: '.parameters[0].title',
  },
  definitionsWithoutPatternsWriteNothing: { plant: (_, d) => Object.assign(d, { identify: [] }), path: '.identify' },
};

it('the example pack is good, so that each fault below is the only one', () => {
  expect(lintPack(examplePack())).toEqual([]);
});

it('every rule has a planted fault', () => {
  expect(Object.keys(FAULTS).sort()).toEqual([...Object.keys(PACK_RULES), ...Object.keys(DEFINITION_RULES)].sort());
});

describe('each rule finds its fault, with the path', () => {
  it.each(Object.entries(FAULTS))('%s', (rule, { plant, path }) => {
    const pack = examplePack();
    plant(pack, pack.definitions[0]!);
    const full = path.startsWith('$') ? path : `$.definitions[0]${path}`;
    expect(lintPack(pack)).toContainEqual({ rule, path: full, problem: expect.stringMatching(/\S/) });
  });
});

it('bits that overlap across byte borders and byte orders are found', () => {
  const pack = examplePack();
  // seconds: bytes 5–6, big, bits 4–11 → byte 6 bits 4–7, byte 5 bits 0–3
  pack.definitions[0]!.parameters.push(parameter('thief', { byte: 5, bit: 3, lengthBits: 1 }));
  expect(lintPack(pack)).toEqual([
    {
      rule: 'parametersDoNotOverlap',
      path: '$.definitions[0].parameters[6].position',
      problem: 'byte 5 bit 3 of block coding belongs to "seconds" already',
    },
  ]);
  pack.definitions[0]!.parameters[6]!.position.bit = 4;
  expect(lintPack(pack)).toEqual([]);
});

it('a pack that is wrong throughout reports no more than 500 problems', () => {
  const pack = examplePack();
  const template = parameter('x', { byte: 9, bit: 0, lengthBits: 1 });
  for (let i = 0; i < 400; i++) pack.definitions[0]!.parameters.push({ ...template, block: 'nowhere' });
  expect(lintPack(pack)).toHaveLength(500);
});

function values(definition: LoosePack['definitions'][number], index: number) {
  const { compu } = definition.parameters[index]!;
  if (compu.kind !== 'texttable') throw new Error('not a text table');
  return compu.values;
}
