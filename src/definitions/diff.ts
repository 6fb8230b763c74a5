import { fromHex, hexNumber } from '#base/hex.ts';
import type { CodingBlock, Definition, LocalizedText, RiskClass } from '#contract/definition.ts';
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
  const known = maskOf(
    block.lengthBytes,
    parameters.map((parameter) => parameter.position),
  );
  const ignored = ignoredBits(block);
  const highest = Math.max(0, ...parameters.map((parameter) => RISKS.indexOf(parameter.risk)));
  const unknown = Array.from(before, (old, byte) => {
    const now = after[byte] ?? 0;
    const moved = (old ^ now) & ~((known[byte] ?? 0) | (ignored[byte] ?? 0)) & 0xff;
    return { byte, old, now, moved };
  })
    .filter(({ moved }) => moved !== 0)
    .map(
      ({ byte, old, now, moved }): BlockDifference => ({
        parameterId: null,
        title: bitsTitle(byte, moved),
        from: hexByte(old),
        to: hexByte(now),
        risk: RISKS[highest] ?? 'safety',
      }),
    );
  return [...options, ...unknown];
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
