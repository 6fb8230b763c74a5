import { fromHex, hexNumber } from '#base/hex.ts';
import type { CodingBlock, Definition, LocalizedText, Parameter, RiskClass } from '#contract/definition.ts';
import { maskOf, sameBits } from './bits.ts';
import { assertBlockLength, blockOf, checksumLength, describeParameter } from './codec.ts';

/** One difference in words. `parameterId` null: bits of one byte that no option of the definition covers. */
export interface BlockDifference {
  readonly parameterId: string | null;
  readonly title: LocalizedText;
  readonly from: LocalizedText;
  readonly to: LocalizedText;
  readonly risk: RiskClass;
}

const RISKS: readonly RiskClass[] = ['comfort', 'road-law', 'driving-assistance', 'safety'];

/**
 * What is different between two states of a block: options first, in the order of the definition, then the bytes with bits
 * that no option covers. Unstable bits and the checksum are left out. Unknown bits count as the riskiest option of the block.
 * @throws StackError `definition/block-length`
 */
export function diffBlocks(
  before: Uint8Array,
  after: Uint8Array,
  definition: Definition,
  blockId: string,
): readonly BlockDifference[] {
  const block = blockOf(definition, blockId);
  assertBlockLength(block, before);
  assertBlockLength(block, after);
  const parameters = definition.parameters.filter((parameter) => parameter.block === blockId);
  const options = parameters.flatMap((parameter): readonly BlockDifference[] => {
    if (sameBits(before, after, parameter.position)) return [];
    const { id, title, risk } = parameter;
    return [
      {
        parameterId: id,
        title,
        from: describeParameter(before, parameter),
        to: describeParameter(after, parameter),
        risk,
      },
    ];
  });
  const highest = Math.max(0, ...parameters.map((parameter) => RISKS.indexOf(parameter.risk)));
  const unknown = unknownMoves(before, after, block, parameters).map(
    ({ byte, moved }): BlockDifference => ({
      parameterId: null,
      title: bitsTitle(byte, moved),
      from: hexByte(before[byte] ?? 0),
      to: hexByte(after[byte] ?? 0),
      risk: RISKS[highest] ?? 'safety',
    }),
  );
  return [...options, ...unknown];
}

/**
 * How many bits that no option, checksum or unstable mask explains are different between two states of a block.
 * @throws StackError `definition/block-length`
 */
export function countUnknownBits(
  before: Uint8Array,
  after: Uint8Array,
  definition: Definition,
  blockId: string,
): number {
  const block = blockOf(definition, blockId);
  assertBlockLength(block, before);
  assertBlockLength(block, after);
  const parameters = definition.parameters.filter((parameter) => parameter.block === blockId);
  return unknownMoves(before, after, block, parameters).reduce((count, { moved }) => count + bitCount(moved), 0);
}

/** Bytes in which bits move that nothing explains; `moved` has those bits set. */
function unknownMoves(
  before: Uint8Array,
  after: Uint8Array,
  block: CodingBlock,
  parameters: readonly Parameter[],
): readonly { readonly byte: number; readonly moved: number }[] {
  const known = maskOf(
    block.lengthBytes,
    parameters.map((parameter) => parameter.position),
  );
  const ignored = ignoredBits(block);
  return Array.from(before, (old, byte) => ({
    byte,
    moved: (old ^ (after[byte] ?? 0)) & ~((known[byte] ?? 0) | (ignored[byte] ?? 0)) & 0xff,
  })).filter(({ moved }) => moved !== 0);
}

function bitCount(byte: number): number {
  return [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte >> bit) & 1).length;
}

function ignoredBits(block: CodingBlock): Uint8Array {
  const mask = block.unstableMask === undefined ? new Uint8Array(block.lengthBytes) : fromHex(block.unstableMask);
  if (block.checksum) mask.fill(0xff, block.checksum.atByte, block.checksum.atByte + checksumLength(block.checksum));
  return mask;
}

function bitsTitle(byte: number, mask: number): LocalizedText {
  if (mask === 0xff) return { en: `Byte ${byte}, no known option`, de: `Byte ${byte}, keine bekannte Option` };
  const bits = [7, 6, 5, 4, 3, 2, 1, 0].filter((bit) => (mask >> bit) & 1).join(' ');
  return { en: `Byte ${byte}, bits ${bits}, no known option`, de: `Byte ${byte}, Bits ${bits}, keine bekannte Option` };
}

function hexByte(value: number): LocalizedText {
  const shown = `0x${hexNumber(value, 2)}`;
  return { en: shown, de: shown };
}
