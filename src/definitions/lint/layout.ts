import { fromHex } from '#base/hex.ts';
import type { Definition, Parameter } from '#contract/definition.ts';
import { bitPlaces, byteSpan } from '#definitions/bits.ts';
import { checksumLength } from '#definitions/codec.ts';
import type { DefinitionRule, Report } from './rule.ts';

/** Where bytes and bits lie. */
export const layoutRules: Readonly<Record<string, DefinitionRule>> = {
  parametersAreInAKnownBlock,
  parametersLieInTheirBlock,
  parametersDoNotOverlap,
  textIsWholeBytesInOrder,
  numbersHaveAtMost32Bits,
  unstableMaskHasTheLengthOfItsBlock,
  unstableBitsAreNoOption,
  checksumLiesInItsBlock,
  checksumDoesNotCoverItself,
  checksumIsNoOption,
  checksumIsNotUnstable,
};

function parametersAreInAKnownBlock(definition: Definition, report: Report): void {
  definition.parameters.forEach(({ block }, i) => {
    if (blockNamed(definition, block) === undefined) report(`.parameters[${i}].block`, `there is no block "${block}"`);
  });
}

function parametersLieInTheirBlock(definition: Definition, report: Report): void {
  definition.parameters.forEach(({ block, position }, i) => {
    const lengthBytes = blockNamed(definition, block)?.lengthBytes ?? Number.POSITIVE_INFINITY;
    const end = position.byte + byteSpan(position);
    if (end > lengthBytes)
      report(`.parameters[${i}].position`, `reaches to byte ${end - 1}, the block ends with byte ${lengthBytes - 1}`);
  });
}

function parametersDoNotOverlap(definition: Definition, report: Report): void {
  const owners = new Map<string, string>();
  definition.parameters.forEach(({ id, block, position }, i) => {
    for (const { byte, bit } of bitPlaces(position)) {
      const place = `${block} ${byte}.${bit}`;
      const owner = owners.get(place);
      if (owner !== undefined) {
        report(`.parameters[${i}].position`, `byte ${byte} bit ${bit} of block ${block} belongs to "${owner}" already`);
        return;
      }
      owners.set(place, id);
    }
  });
}

function textIsWholeBytesInOrder(definition: Definition, report: Report): void {
  definition.parameters.forEach(({ compu, position }, i) => {
    if (compu.kind !== 'ascii') return;
    if (position.bit !== 0 || position.endian !== 'big' || position.lengthBits !== compu.lengthBytes * 8)
      report(
        `.parameters[${i}].position`,
        `a text of ${compu.lengthBytes} bytes has bit 0, ${compu.lengthBytes * 8} bits, "big"`,
      );
  });
}

function numbersHaveAtMost32Bits(definition: Definition, report: Report): void {
  definition.parameters.forEach(({ compu, position }, i) => {
    if (compu.kind !== 'ascii' && position.lengthBits > 32)
      report(`.parameters[${i}].position.lengthBits`, `${position.lengthBits} bits, a number has at most 32`);
  });
}

function unstableMaskHasTheLengthOfItsBlock(definition: Definition, report: Report): void {
  definition.codingBlocks.forEach(({ lengthBytes, unstableMask }, i) => {
    if (unstableMask !== undefined && unstableMask.length !== lengthBytes * 2)
      report(`.codingBlocks[${i}].unstableMask`, `${unstableMask.length / 2} bytes for a block of ${lengthBytes}`);
  });
}

/** What changes by itself cannot be read back as written. */
function unstableBitsAreNoOption(definition: Definition, report: Report): void {
  definition.parameters.forEach((parameter, i) => {
    const unstable = blockNamed(definition, parameter.block)?.unstableMask;
    if (unstable === undefined) return;
    const mask = fromHex(unstable);
    if (bitPlaces(parameter.position).some(({ byte, bit }) => ((mask[byte] ?? 0) >> bit) & 1))
      report(`.parameters[${i}].position`, 'lies on bits that the block calls unstable');
  });
}

function checksumLiesInItsBlock(definition: Definition, report: Report): void {
  definition.codingBlocks.forEach(({ checksum, lengthBytes }, i) => {
    if (!checksum) return;
    if (checksum.fromByte > checksum.toByte || checksum.toByte >= lengthBytes)
      report(
        `.codingBlocks[${i}].checksum`,
        `covers bytes ${checksum.fromByte} to ${checksum.toByte} of ${lengthBytes}`,
      );
    if (checksum.atByte + checksumLength(checksum) > lengthBytes)
      report(
        `.codingBlocks[${i}].checksum.atByte`,
        `${checksum.algorithm} does not fit at byte ${checksum.atByte} of ${lengthBytes}`,
      );
  });
}

function checksumDoesNotCoverItself(definition: Definition, report: Report): void {
  definition.codingBlocks.forEach(({ checksum }, i) => {
    if (!checksum) return;
    const last = checksum.atByte + checksumLength(checksum) - 1;
    if (last >= checksum.fromByte && checksum.atByte <= checksum.toByte)
      report(
        `.codingBlocks[${i}].checksum.atByte`,
        `lies within the bytes ${checksum.fromByte} to ${checksum.toByte} that it covers`,
      );
  });
}

function checksumIsNoOption(definition: Definition, report: Report): void {
  definition.parameters.forEach((parameter, i) => {
    const bytes = checksumBytes(definition, parameter);
    if (bitPlaces(parameter.position).some(({ byte }) => bytes.includes(byte)))
      report(`.parameters[${i}].position`, `lies on the checksum of block "${parameter.block}"`);
  });
}

function checksumIsNotUnstable(definition: Definition, report: Report): void {
  definition.codingBlocks.forEach(({ checksum, unstableMask }, i) => {
    if (!checksum || unstableMask === undefined) return;
    const mask = fromHex(unstableMask);
    if (mask.subarray(checksum.fromByte, checksum.toByte + 1).some((byte) => byte !== 0))
      report(`.codingBlocks[${i}].checksum`, 'covers bits that change by themselves');
  });
}

function checksumBytes(definition: Definition, parameter: Parameter): readonly number[] {
  const checksum = blockNamed(definition, parameter.block)?.checksum;
  return checksum ? Array.from({ length: checksumLength(checksum) }, (_, i) => checksum.atByte + i) : [];
}

function blockNamed(definition: Definition, id: string) {
  return definition.codingBlocks.find((block) => block.id === id);
}
