import { fromHex, hexNumber } from '#base/hex.ts';
import type { BackupBlock } from '#contract/backup.ts';
import type { CodingBlock, Definition, LocalizedText, RiskClass } from '#contract/definition.ts';
import { byteSpan } from '#definitions/bits.ts';
import { assertBlockLength, describeParameter } from '#definitions/codec.ts';
import { diffBlocks } from '#definitions/diff.ts';

/** One value that is not the same in two states of a module. */
export interface Difference {
  readonly id: string;
  readonly blockDid: string;
  /** Null: one byte of a block whose options nobody knows. */
  readonly title: LocalizedText | null;
  readonly from: LocalizedText;
  readonly to: LocalizedText;
  /** First and last byte that carry the value, from 0; null where the title names the byte. */
  readonly bytes: { readonly first: number; readonly last: number } | null;
  readonly oldHex: string;
  readonly newHex: string;
  readonly risk: RiskClass;
}

export interface Comparison {
  /** In coding blocks: what a restore would move. */
  readonly differences: readonly Difference[];
  /** Coding blocks that only one of the two holds, by identifier. */
  readonly onlyBefore: readonly string[];
  readonly onlyAfter: readonly string[];
  /** Stamps (date, shop code) that differ; a restore writes them anew. */
  readonly stamps: readonly string[];
  /** Every coding block that the first one holds is the same in the second, unstable bits aside. */
  readonly isEqual: boolean;
}

/**
 * What is different from `before` to `after`, in words where the definition knows the block, else byte by byte.
 * Unstable bits are left out; stamps are told apart, because writing changes them every time.
 */
export function compareBlocks(
  before: readonly BackupBlock[],
  after: readonly BackupBlock[],
  definition: Definition | null,
): Comparison {
  const differences: Difference[] = [];
  const onlyBefore: string[] = [];
  const stamps: string[] = [];
  for (const old of before) {
    const now = after.find((block) => block.did === old.did && block.role === old.role);
    if (old.role === 'prelude') {
      if (now !== undefined && now.hex !== old.hex) stamps.push(old.did);
    } else if (now === undefined) onlyBefore.push(old.did);
    else differences.push(...differencesOf(old, now, definition));
  }
  const onlyAfter = after
    .filter((block) => block.role === 'coding' && !before.some((old) => old.role === 'coding' && old.did === block.did))
    .map((block) => block.did);
  return {
    differences,
    onlyBefore,
    onlyAfter,
    stamps,
    isEqual: differences.length === 0 && onlyBefore.length === 0,
  };
}

/** One readable option of a block. */
export interface OptionValue {
  readonly id: string;
  readonly title: LocalizedText;
  readonly group: LocalizedText;
  readonly value: LocalizedText;
}

/** What a block says in words; empty where no definition knows it or its length is another one. */
export function readableOptions(block: BackupBlock, definition: Definition | null): readonly OptionValue[] {
  const known = knownBlock(block, definition);
  if (definition === null || known === null) return [];
  const bytes = fromHex(block.hex);
  return definition.parameters
    .filter((parameter) => parameter.block === known.id)
    .map((parameter) => ({
      id: parameter.id,
      title: parameter.title,
      group: parameter.group,
      value: describeParameter(bytes, parameter),
    }));
}

/** The definition's block with this identifier and length. */
export function knownBlock(block: BackupBlock, definition: Definition | null): CodingBlock | null {
  const known = definition?.codingBlocks.find((candidate) => candidate.did === block.did);
  if (known === undefined || block.role !== 'coding') return null;
  try {
    assertBlockLength(known, fromHex(block.hex));
    return known;
  } catch {
    return null; // the definition is not of this content: bytes say more than wrong words
  }
}

function differencesOf(old: BackupBlock, now: BackupBlock, definition: Definition | null): readonly Difference[] {
  if (old.hex === now.hex) return [];
  const known = knownBlock(old, definition);
  if (definition === null || known === null || knownBlock(now, definition) === null) return byteDifferences(old, now);
  return diffBlocks(fromHex(old.hex), fromHex(now.hex), definition, known.id).map((difference, index): Difference => {
    const parameter = definition.parameters.find(({ id }) => id === difference.parameterId);
    const position = parameter?.position;
    const bytes =
      position === undefined ? null : { first: position.byte, last: position.byte + byteSpan(position) - 1 };
    return {
      id: `${old.did}-${difference.parameterId ?? `bits-${index}`}`,
      blockDid: old.did,
      title: difference.title,
      from: difference.from,
      to: difference.to,
      bytes,
      oldHex: bytes === null ? '' : spaced(old.hex, bytes.first, bytes.last),
      newHex: bytes === null ? '' : spaced(now.hex, bytes.first, bytes.last),
      risk: difference.risk,
    };
  });
}

function byteDifferences(old: BackupBlock, now: BackupBlock): readonly Difference[] {
  const before = fromHex(old.hex);
  const after = fromHex(now.hex);
  const mask = fromHex(old.unstableMask ?? now.unstableMask ?? '');
  return Array.from({ length: Math.max(before.length, after.length) }, (_, byte) => byte).flatMap((byte) => {
    const [from, to] = [before[byte], after[byte]];
    const stable = ~(mask[byte] ?? 0) & 0xff;
    if (from !== undefined && to !== undefined && ((from ^ to) & stable) === 0) return [];
    const [oldHex, newHex] = [shown(from), shown(to)];
    return [
      {
        id: `${old.did}-${byte}`,
        blockDid: old.did,
        title: null,
        from: { en: oldHex, de: oldHex },
        to: { en: newHex, de: newHex },
        bytes: { first: byte, last: byte },
        oldHex,
        newHex,
        risk: 'comfort' as const,
      },
    ];
  });
}

/** A byte that one of the two does not have is a dash. */
function shown(byte: number | undefined): string {
  return byte === undefined ? '–' : hexNumber(byte, 2);
}

function spaced(hex: string, first: number, last: number): string {
  return (hex.slice(first * 2, last * 2 + 2).match(/../g) ?? []).join(' ');
}
