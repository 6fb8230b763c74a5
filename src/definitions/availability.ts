import type { Definition, LocalizedText, Parameter, ParameterCondition } from '#contract/definition.ts';
import { StackError } from '#contract/errors.ts';
import { readBits } from './bits.ts';

/** What is known of the module at hand when options are judged. */
export interface ModuleFacts {
  /** F187 and F189 as trimmed text; null = not known. */
  readonly part: string | null;
  readonly software: string | null;
  /** Key providers there are; left out = not judged here (the plan asks the same question again). */
  readonly keyProviders?: readonly string[];
}

/** Why an option cannot be changed on this module now; the page makes a sentence of it. */
export type UnavailableReason =
  | { readonly kind: 'min-software'; readonly needs: string; readonly has: string | null }
  /** Safety class, and nobody has proven it on this part and software. */
  | { readonly kind: 'not-verified'; readonly part: string | null; readonly software: string | null }
  | { readonly kind: 'no-key-provider'; readonly level: number };

export type Availability =
  | { readonly kind: 'available' }
  | { readonly kind: 'unavailable'; readonly reason: UnavailableReason };

/** May this option be changed on this module at all? Values of other options are judged by `brokenConditions`. */
export function availabilityOf(parameter: Parameter, definition: Definition, module: ModuleFacts): Availability {
  const { minSoftware, risk, verifiedOn } = parameter;
  if (minSoftware !== undefined && !isAtLeast(module.software, minSoftware))
    return { kind: 'unavailable', reason: { kind: 'min-software', needs: minSoftware, has: module.software } };
  const isProven = verifiedOn.some((on) => on.part === module.part && on.softwareVersion === module.software);
  if (risk === 'safety' && !isProven)
    return { kind: 'unavailable', reason: { kind: 'not-verified', part: module.part, software: module.software } };
  const level = definition.codingBlocks.find((block) => block.id === parameter.block)?.securityLevel;
  const security = definition.securityLevels.find((known) => known.level === level);
  if (level !== undefined && module.keyProviders && !module.keyProviders.includes(security?.provider ?? ''))
    return { kind: 'unavailable', reason: { kind: 'no-key-provider', level } };
  return { kind: 'available' };
}

/** A condition between two options of a block that the bytes do not meet. */
export interface BrokenCondition {
  readonly parameterId: string;
  readonly otherId: string;
  readonly rule: 'requires' | 'excludes';
  readonly reason: LocalizedText;
}

/** Conditions that these bytes break, of the named options and of those that depend on them; of all options when none is named. */
export function brokenConditions(
  bytes: Uint8Array,
  definition: Definition,
  blockId: string,
  changedIds?: readonly string[],
): readonly BrokenCondition[] {
  const ours = definition.parameters.filter((parameter) => parameter.block === blockId);
  const concerns = (...ids: readonly string[]) => changedIds === undefined || ids.some((id) => changedIds.includes(id));
  return ours.flatMap((parameter) => {
    const broken = (rule: BrokenCondition['rule'], condition: ParameterCondition): readonly BrokenCondition[] => {
      const other = ours.find((candidate) => candidate.id === condition.parameter);
      if (other === undefined || !concerns(parameter.id, other.id)) return [];
      if (condition.when && !condition.when.includes(readBits(bytes, parameter.position))) return [];
      const isListed = condition.coded.includes(readBits(bytes, other.position));
      if (isListed === (rule === 'requires')) return [];
      return [{ parameterId: parameter.id, otherId: other.id, rule, reason: condition.reason }];
    };
    return [
      ...(parameter.requires ?? []).flatMap((condition) => broken('requires', condition)),
      ...(parameter.excludes ?? []).flatMap((condition) => broken('excludes', condition)),
    ];
  });
}

/** @throws StackError `definition/option-unavailable` */
export function assertAvailable(parameter: Parameter, definition: Definition, module: ModuleFacts): void {
  const availability = availabilityOf(parameter, definition, module);
  if (availability.kind === 'unavailable') throw unavailable(parameter.id, reasonText(availability.reason));
}

/** @throws StackError `definition/option-unavailable` naming the option whose condition the new bytes break */
export function assertConditions(
  bytes: Uint8Array,
  definition: Definition,
  blockId: string,
  changedIds: readonly string[],
): void {
  const [broken] = brokenConditions(bytes, definition, blockId, changedIds);
  if (broken) throw unavailable(broken.parameterId, broken.reason.en);
}

/** Version numbers are compared as text of equal length; another length is another scheme, so not known to be enough. */
function isAtLeast(software: string | null, needed: string): boolean {
  return software !== null && software.length === needed.length && software >= needed;
}

function reasonText(reason: UnavailableReason): string {
  switch (reason.kind) {
    case 'min-software':
      return `needs software ${reason.needs}, this module has ${reason.has ?? 'an unknown one'}`;
    case 'not-verified':
      return `safety option, not proven on ${reason.part ?? 'this part'} with software ${reason.software ?? 'unknown'}`;
    case 'no-key-provider':
      return `behind security level ${reason.level}, and there is no key for it`;
  }
}

export function unavailable(parameterId: string, reason: string): StackError<'definition/option-unavailable'> {
  return new StackError('definition/option-unavailable', `${parameterId}: ${reason}`, { parameterId, reason });
}
