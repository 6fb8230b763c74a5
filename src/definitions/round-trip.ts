import { equalBytes } from '#base/bytes.ts';
import { type Random, seededRandom } from '#base/random.ts';
import type { CodingBlock, CompuMethod, Definition, DefinitionPack, Parameter } from '#contract/definition.ts';
import { maskOf } from './bits.ts';
import { checksumLength, hasRightChecksum, readParameter, withChecksum, writeParameter } from './codec.ts';
import { countLegalValues } from './compu.ts';
import type { LintProblem } from './lint/rule.ts';

/** Up to here every legal value is tried; of more, the ends, all powers of two, and a seeded sample. */
const ALL_VALUES_UP_TO = 4096;
const SAMPLE = 1024;
const SEED = 0x0cb;

/**
 * Every legal value of every parameter into blocks of 00, of FF and of noise: it reads back as written, no other bit moves,
 * the checksum is right. For packs that passed the lint. Empty = good.
 */
export function roundTripPack(pack: DefinitionPack): readonly LintProblem[] {
  const random = seededRandom(SEED);
  return pack.definitions.flatMap((definition, d) =>
    definition.parameters.flatMap((parameter, p) => {
      const problem = roundTripParameter(definition, parameter, random);
      return problem === null
        ? []
        : [{ rule: 'everyLegalValueSurvivesARoundTrip', path: `$.definitions[${d}].parameters[${p}]`, problem }];
    }),
  );
}

/** The first thing that goes wrong, null when all is well. */
export function roundTripParameter(definition: Definition, parameter: Parameter, random: Random): string | null {
  const block = definition.codingBlocks.find((known) => known.id === parameter.block);
  if (block === undefined) return `there is no block "${parameter.block}"`;
  try {
    const values = legalValues(parameter.compu, random);
    for (const pattern of patterns(block.lengthBytes, random))
      for (const value of values) {
        const problem = tryValue(pattern, block, parameter, value);
        if (problem !== null) return problem;
      }
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function tryValue(
  pattern: Uint8Array,
  block: CodingBlock,
  parameter: Parameter,
  value: number | string,
): string | null {
  const written = withChecksum(writeParameter(pattern, parameter, value), block);
  const back = readParameter(written, parameter);
  if (back.kind !== 'known' || back.coded !== value)
    return `${JSON.stringify(value)} reads back as ${JSON.stringify(back.coded)}`;
  if (!hasRightChecksum(written, block)) return `${JSON.stringify(value)} leaves a wrong checksum`;
  const own = maskOf(block.lengthBytes, [parameter.position]);
  if (block.checksum) own.fill(0xff, block.checksum.atByte, block.checksum.atByte + checksumLength(block.checksum));
  const outside = (bytes: Uint8Array) => bytes.map((byte, i) => byte & ~(own[i] ?? 0));
  if (!equalBytes(outside(pattern), outside(written))) return `${JSON.stringify(value)} moves bits of others`;
  return null;
}

function patterns(lengthBytes: number, random: Random): readonly Uint8Array[] {
  return [
    new Uint8Array(lengthBytes),
    new Uint8Array(lengthBytes).fill(0xff),
    Uint8Array.from({ length: lengthBytes }, () => random.below(256)),
  ];
}

function legalValues(compu: CompuMethod, random: Random): readonly (number | string)[] {
  if (compu.kind === 'texttable') return compu.values.map((value) => value.coded);
  if (compu.kind === 'ascii') return sampleTexts(compu.pattern, compu.lengthBytes, random);
  const count = countLegalValues(compu) ?? 0;
  const coded = (step: number) => compu.minCoded + step * compu.stepCoded;
  if (count <= ALL_VALUES_UP_TO) return Array.from({ length: count }, (_, step) => coded(step));
  const steps = new Set([0, 1, count - 2, count - 1]);
  for (let step = 2; step < count; step *= 2) steps.add(step);
  for (let i = 0; i < SAMPLE; i++) steps.add(random.below(count));
  return [...steps].map(coded);
}

const PARTS = /\[([^\]]+)\]\{(\d+)(?:,(\d+))?\}/g;

/** Texts made from the pattern's classes and counts: shortest, longest, some between. */
function sampleTexts(pattern: string, lengthBytes: number, random: Random): readonly string[] {
  const parts = Array.from(pattern.matchAll(PARTS), ([, set = '', least = '0', most = least]) => ({
    characters: printable(set),
    least: Number(least),
    most: Number(most),
  }));
  const textOf = (lengthOf: (part: { least: number; most: number }) => number) =>
    parts
      .map((part) =>
        Array.from({ length: lengthOf(part) }, () => part.characters[random.below(part.characters.length)] ?? '').join(
          '',
        ),
      )
      .join('')
      .trimEnd();
  const texts = Array.from({ length: 16 }, () => textOf(({ least, most }) => least + random.below(most - least + 1)));
  texts.push(
    textOf(({ least }) => least),
    textOf(({ most }) => most),
  );
  return [...new Set(texts)].filter((text) => text.length <= lengthBytes);
}

function printable(set: string): readonly string[] {
  const member = new RegExp(`[${set}]`, 'u');
  return Array.from({ length: 95 }, (_, i) => String.fromCharCode(0x20 + i)).filter((character) =>
    member.test(character),
  );
}
