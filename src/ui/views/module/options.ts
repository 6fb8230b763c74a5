import { fromHex, toHex } from '#base/hex.ts';
import type { CodingBlock, Definition, LocalizedText, Parameter, RiskClass } from '#contract/definition.ts';
import type { ModuleView } from '#contract/vehicle-api.ts';
import {
  type Availability,
  availabilityOf,
  type BrokenCondition,
  brokenConditions,
} from '#definitions/availability.ts';
import { byteSpan, maskOf } from '#definitions/bits.ts';
import {
  describeParameter,
  type ParameterValue,
  readParameter,
  withChecksum,
  writeParameter,
} from '#definitions/codec.ts';
import { diffBlocks } from '#definitions/diff.ts';
import type { Staging } from '#ui/state/staging.svelte.ts';

/** One coding block as the module holds it and as it is wanted. */
export interface BlockState {
  readonly block: CodingBlock;
  readonly current: Uint8Array;
  /** With everything staged, checksum included; the same bytes as `current` when nothing is. */
  readonly wanted: Uint8Array;
  /** Whole bytes were edited (expert). */
  readonly isRaw: boolean;
  /** Bits that an option of the definition, the checksum or an unstable counter owns. */
  readonly known: Uint8Array;
}

/** One option with its value on the car and the wanted one. */
export interface OptionState {
  readonly parameter: Parameter;
  readonly block: BlockState;
  readonly now: ParameterValue;
  readonly nowText: LocalizedText;
  /** Null: not staged. */
  readonly staged: ParameterValue | null;
  readonly stagedText: LocalizedText | null;
  readonly availability: Availability;
  /** Conditions between options that the wanted values break; then nothing can be planned. */
  readonly broken: readonly BrokenCondition[];
}

/** Blocks that were read and have the length that the definition says; others cannot be shown as options. */
export function blockStates(module: ModuleView, definition: Definition, staging: Staging): readonly BlockState[] {
  return definition.codingBlocks.flatMap((block): readonly BlockState[] => {
    const hex = module.blocks?.entries.find(({ did, role }) => did === block.did && role === 'coding')?.hex;
    if (hex === undefined || hex.length !== block.lengthBytes * 2) return [];
    const current = fromHex(hex);
    const raw = staging.rawHex(module.moduleId, block.did);
    const base = raw === undefined ? current : fromHex(raw);
    const parameters = definition.parameters.filter((parameter) => parameter.block === block.id);
    const changed = parameters.reduce((bytes, parameter) => {
      const value = staging.value(module.moduleId, parameter.id);
      return value === undefined ? bytes : writeParameter(bytes, parameter, value);
    }, base);
    const isChanged = toHex(changed) !== hex;
    return [
      {
        block,
        current,
        wanted: isChanged ? withChecksum(changed, block) : current,
        isRaw: raw !== undefined,
        known: knownBits(block, parameters),
      },
    ];
  });
}

function knownBits(block: CodingBlock, parameters: readonly Parameter[]): Uint8Array {
  const mask = maskOf(
    block.lengthBytes,
    parameters.map(({ position }) => position),
  );
  const own = block.unstableMask === undefined ? [] : fromHex(block.unstableMask);
  for (const [byte, bits] of own.entries()) mask[byte] = (mask[byte] ?? 0) | bits;
  if (block.checksum !== undefined) {
    const length = block.checksum.algorithm === 'sum8' ? 1 : 2;
    mask.fill(0xff, block.checksum.atByte, block.checksum.atByte + length);
  }
  return mask;
}

export function optionStates(
  module: ModuleView,
  definition: Definition,
  blocks: readonly BlockState[],
): readonly OptionState[] {
  const facts = {
    part: module.identity?.part ?? null,
    software: module.identity?.softwareVersion ?? null,
  };
  return blocks.flatMap((block) => {
    const isStaged = block.wanted !== block.current;
    const broken = isStaged ? brokenConditions(block.wanted, definition, block.block.id) : [];
    return definition.parameters
      .filter((parameter) => parameter.block === block.block.id)
      .map((parameter): OptionState => {
        const now = readParameter(block.current, parameter);
        const wanted = readParameter(block.wanted, parameter);
        const staged = wanted.coded === now.coded ? null : wanted;
        return {
          parameter,
          block,
          now,
          nowText: describeParameter(block.current, parameter),
          staged,
          stagedText: staged === null ? null : describeParameter(block.wanted, parameter),
          availability: availabilityOf(parameter, definition, facts),
          broken: broken.filter(({ parameterId }) => parameterId === parameter.id),
        };
      });
  });
}

/** Stages a value of an option. In a block that was edited byte by byte the bytes are changed, so that neither way hides the other. */
export function stageOption(staging: Staging, moduleId: string, option: OptionState, value: number | string): void {
  const { parameter, block } = option;
  if (!block.isRaw) {
    staging.stage(moduleId, parameter.id, value, option.now.coded);
    return;
  }
  const bytes = withChecksum(writeParameter(block.wanted, parameter, value), block.block);
  staging.stageRaw(moduleId, block.block.did, toHex(bytes), toHex(block.current));
}

export function undoOption(staging: Staging, moduleId: string, option: OptionState): void {
  if (option.block.isRaw && option.now.kind === 'known') stageOption(staging, moduleId, option, option.now.coded);
  else staging.unstage(moduleId, option.parameter.id);
}

/** Stages whole bytes; the options staged in that block before are already in them. */
export function stageBytes(
  staging: Staging,
  moduleId: string,
  definition: Definition,
  { block, current }: BlockState,
  bytes: Uint8Array,
): void {
  staging.together(moduleId, () => {
    for (const parameter of definition.parameters)
      if (parameter.block === block.id) staging.unstage(moduleId, parameter.id);
    staging.stageRaw(moduleId, block.did, toHex(bytes), toHex(current));
  });
}

/** One line of what is staged: in words, with the bytes. */
export interface StagedLine {
  readonly id: string;
  readonly title: LocalizedText;
  readonly from: LocalizedText;
  readonly to: LocalizedText;
  readonly risk: RiskClass;
  readonly did: string;
  readonly byte: number | null;
  readonly oldHex: string | null;
  readonly newHex: string | null;
}

export function stagedLines(definition: Definition, blocks: readonly BlockState[]): readonly StagedLine[] {
  return blocks.flatMap(({ block, current, wanted }) =>
    wanted === current
      ? []
      : diffBlocks(current, wanted, definition, block.id).map((line, index): StagedLine => {
          const parameter = definition.parameters.find(({ id }) => id === line.parameterId);
          const bytes = parameter === undefined ? null : spanOf(parameter);
          return {
            id: `${block.did} ${line.parameterId ?? index}`,
            title: line.title,
            from: line.from,
            to: line.to,
            risk: line.risk,
            did: block.did,
            byte: bytes?.from ?? null,
            oldHex: bytes === null ? null : toHex(current.subarray(bytes.from, bytes.to)),
            newHex: bytes === null ? null : toHex(wanted.subarray(bytes.from, bytes.to)),
          };
        }),
  );
}

/** The bytes that carry an option: from, and one after the last. */
export function spanOf({ position }: Pick<Parameter, 'position'>): { readonly from: number; readonly to: number } {
  return { from: position.byte, to: position.byte + byteSpan(position) };
}

/** Bits from high to low as ranges: `7–5, 2`. */
export function bitRanges(bits: readonly number[]): string {
  const ranges: { from: number; to: number }[] = [];
  for (const bit of bits) {
    const last = ranges.at(-1);
    if (last !== undefined && last.to === bit + 1) last.to = bit;
    else ranges.push({ from: bit, to: bit });
  }
  return ranges.map(({ from, to }) => (from === to ? String(from) : `${from}–${to}`)).join(', ');
}
