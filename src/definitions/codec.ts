import { equalBytes } from '#base/bytes.ts';
import { crc16CcittFalse, sum8 } from '#base/crc.ts';
import { hexNumber, toHex } from '#base/hex.ts';
import type { CodingBlock, Definition, LocalizedText, Parameter } from '#contract/definition.ts';
import { StackError } from '#contract/errors.ts';
import type { ParameterChange } from '#contract/vehicle-api.ts';
import { assertAvailable, assertConditions, type ModuleFacts, unavailable } from './availability.ts';
import { readBits, writeBits } from './bits.ts';
import { isLegalText, type PhysicalValue, physicalText, toPhysical, unknownText } from './compu.ts';

/** A parameter as a block holds it. `unknown`: a value the definition does not list; shown, never written. */
export type ParameterValue =
  | { readonly kind: 'known'; readonly coded: number | string; readonly physical: PhysicalValue }
  | { readonly kind: 'unknown'; readonly coded: number | string };

/** Reads one parameter. For text, `coded` is the text without padding, or its hex bytes when it is none. @throws RangeError outside the block */
export function readParameter(bytes: Uint8Array, parameter: Parameter): ParameterValue {
  const { compu, position } = parameter;
  const coded = compu.kind === 'ascii' ? readText(bytes, position.byte, compu.lengthBytes) : readBits(bytes, position);
  const physical = toPhysical(compu, coded);
  if (physical !== null) return { kind: 'known', coded, physical };
  return { kind: 'unknown', coded: typeof coded === 'string' ? rawText(bytes, parameter) : coded };
}

/**
 * A copy of the block in which this parameter has another value; no bit outside it moves (I12). Checksums are the
 * business of `applyChanges`.
 * @throws StackError `definition/value-out-of-range` for what the compu method does not list
 */
export function writeParameter(bytes: Uint8Array, parameter: Parameter, value: number | string): Uint8Array {
  const { compu, position, id } = parameter;
  const refuse = (): never => {
    throw new StackError('definition/value-out-of-range', `${id} cannot be ${JSON.stringify(value)}`, {
      parameterId: id,
      value: String(value).slice(0, 80),
    });
  };
  if (compu.kind === 'ascii') {
    if (typeof value !== 'string' || !isLegalText(compu, value)) return refuse();
    const copy = bytes.slice();
    copy.set(new TextEncoder().encode(value.padEnd(compu.lengthBytes, ' ')), position.byte);
    return copy;
  }
  if (typeof value !== 'number' || toPhysical(compu, value) === null) return refuse();
  return writeBits(bytes, position, value);
}

/**
 * The bytes to write for the wanted values of one block: read, modify, recompute the checksum. Changes of other blocks are
 * an error, so that none is lost.
 * @throws StackError `definition/block-length` (fault U11), `definition/value-out-of-range`, `definition/option-unavailable`
 */
export function applyChanges(
  bytes: Uint8Array,
  definition: Definition,
  blockId: string,
  changes: readonly ParameterChange[],
  module: ModuleFacts,
): Uint8Array {
  const block = blockOf(definition, blockId);
  assertBlockLength(block, bytes);
  let next: Uint8Array = bytes.slice();
  const changed: Parameter[] = [];
  for (const { parameterId, value } of changes) {
    const parameter = definition.parameters.find((known) => known.id === parameterId && known.block === blockId);
    if (parameter === undefined) throw unavailable(parameterId, `block ${block.did} has no such option`);
    if (changed.includes(parameter)) throw unavailable(parameterId, 'changed twice at once');
    assertAvailable(parameter, definition, module);
    next = writeParameter(next, parameter, value);
    changed.push(parameter);
  }
  assertConditions(
    next,
    definition,
    blockId,
    changed.map((parameter) => parameter.id),
  );
  return equalBytes(next, bytes) ? next : withChecksum(next, block);
}

/** A copy with the block's checksum computed over it; the same bytes when the block has none. */
export function withChecksum(bytes: Uint8Array, block: CodingBlock): Uint8Array {
  const copy = bytes.slice();
  if (block.checksum) copy.set(checksumBytes(bytes, block.checksum), block.checksum.atByte);
  return copy;
}

/** True when the block has no checksum, or a right one. */
export function hasRightChecksum(bytes: Uint8Array, block: CodingBlock): boolean {
  return toHex(withChecksum(bytes, block)) === toHex(bytes);
}

/** Bytes a checksum takes. */
export function checksumLength(checksum: NonNullable<CodingBlock['checksum']>): number {
  return checksum.algorithm === 'sum8' ? 1 : 2;
}

/** What the block holds for this parameter, as text for people. */
export function describeParameter(bytes: Uint8Array, parameter: Parameter): LocalizedText {
  const value = readParameter(bytes, parameter);
  return value.kind === 'known' ? physicalText(value.physical) : unknownText(value.coded);
}

/** @throws StackError `definition/block-length`: the definition is not of this module, or the block is another one */
export function assertBlockLength(block: CodingBlock, bytes: Uint8Array): void {
  if (bytes.length !== block.lengthBytes)
    throw new StackError(
      'definition/block-length',
      `block ${block.did} has ${bytes.length} bytes, its definition says ${block.lengthBytes}`,
      { did: block.did, expectedBytes: block.lengthBytes, actualBytes: bytes.length },
    );
}

/** @throws RangeError: the caller names blocks of this definition only */
export function blockOf(definition: Definition, blockId: string): CodingBlock {
  const block = definition.codingBlocks.find((known) => known.id === blockId);
  if (block === undefined) throw new RangeError(`${definition.id} has no block ${blockId}`);
  return block;
}

function checksumBytes(bytes: Uint8Array, checksum: NonNullable<CodingBlock['checksum']>): Uint8Array {
  const covered = bytes.subarray(checksum.fromByte, checksum.toByte + 1);
  if (checksum.algorithm === 'sum8') return Uint8Array.of(sum8(covered));
  const crc = crc16CcittFalse(covered);
  return Uint8Array.of(crc >> 8, crc & 0xff);
}

/** Text up to its padding of spaces, 00 or FF; bytes that are no printable ASCII make it unknown, shown as hex. */
function readText(bytes: Uint8Array, at: number, lengthBytes: number): string {
  if (at + lengthBytes > bytes.length) throw new RangeError(`text at byte ${at} of ${bytes.length}`);
  let end = at + lengthBytes;
  while (end > at && [0x00, 0x20, 0xff].includes(bytes[end - 1] ?? 0)) end--;
  return Array.from(bytes.subarray(at, end), (byte) => String.fromCharCode(byte)).join('');
}

function rawText(bytes: Uint8Array, { position }: Parameter): string {
  const part = bytes.subarray(position.byte, position.byte + position.lengthBits / 8);
  return Array.from(part, (byte) => hexNumber(byte, 2)).join(' ');
}
