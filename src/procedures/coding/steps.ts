import { toHex } from '#base/hex.ts';
import type { Backup, IdentRead } from '#contract/backup.ts';
import type { CodingBlock, Definition, HexText, PreludeStep } from '#contract/definition.ts';
import { StackError } from '#contract/errors.ts';
import type { PlanBlock, PlanStep } from '#contract/plan.ts';
import type { ShopCodeChoice } from '#contract/vehicle-api.ts';
import type { ProcedureContext } from '#procedures/context.ts';

export interface BlockWrite {
  readonly block: CodingBlock;
  readonly oldHex: HexText;
  readonly newHex: HexText;
}

/**
 * The ordered steps of a write: session, unlock, then for each block its prelude once and the block, then the reset.
 * Blocks go in the order of the definition (master before dependants; reference: diagnostics G.6 "write order").
 */
export function writeSteps(
  ctx: ProcedureContext,
  definition: Definition,
  backup: Backup,
  writes: readonly BlockWrite[],
  shopCode: ShopCodeChoice,
): readonly PlanStep[] {
  const steps: PlanStep[] = [];
  const session = writeSessionOf(writes);
  steps.push({ kind: 'session', id: 'session', session });
  for (const level of new Set(
    writes.flatMap(({ block }) => (block.securityLevel === undefined ? [] : [block.securityLevel])),
  )) {
    const known = definition.securityLevels.find((candidate) => candidate.level === level);
    if (!known || ctx.keyProvider(known.provider) === null)
      throw new StackError(
        'security/no-provider',
        `level ${level} of ${definition.shortName} has no key provider here`,
        { level },
      );
    steps.push({ kind: 'unlock', id: `unlock-${level}`, level, session: known.session, provider: known.provider });
  }
  if (writes.some(({ block }) => block.needsPrelude))
    for (const step of definition.prelude) steps.push(...preludeStep(ctx, backup, step, shopCode));
  for (const { block, oldHex, newHex } of writes)
    steps.push({
      kind: 'write',
      id: `write-${block.did}`,
      purpose: 'coding',
      did: block.did,
      title: block.title,
      expected: { did: block.did, kind: 'bytes', hex: oldHex },
      newHex,
      ...(block.unstableMask ? { unstableMask: block.unstableMask } : {}),
      optional: false,
    });
  if (definition.resetAfterWrite) steps.push({ kind: 'reset', id: 'reset', ...definition.resetAfterWrite });
  return steps;
}

export function planBlocks(writes: readonly BlockWrite[]): readonly PlanBlock[] {
  return writes.map(({ block, oldHex, newHex }) => ({
    did: block.did,
    title: block.title,
    oldHex,
    newHex,
    ...(block.unstableMask ? { unstableMask: block.unstableMask } : {}),
  }));
}

export function writeSessionOf(writes: readonly BlockWrite[]): number {
  return writes.reduce((highest, { block }) => Math.max(highest, block.writeSession), 0x03);
}

/** Honest range: a request-answer pair takes 20–400 ms here, resets what the definition says. */
export function estimate(steps: readonly PlanStep[]): { readonly least: number; readonly most: number } {
  const boot = steps.reduce((sum, step) => sum + (step.kind === 'reset' ? step.bootMs : 0), 0);
  const requests = steps.length * 12 + 20;
  return { least: Math.round(boot + requests * 20), most: Math.round(boot * 2 + requests * 120) };
}

function preludeStep(
  ctx: ProcedureContext,
  backup: Backup,
  step: PreludeStep,
  shopCode: ShopCodeChoice,
): readonly PlanStep[] {
  const expected = heldIn(backup, step.did);
  // A module without this identifier said 31 or 7F when it was read: the step is left out (reference: diagnostics G.2).
  if (expected.kind !== 'bytes' && step.optional) return [];
  return [
    {
      kind: 'write',
      id: `prelude-${step.did}`,
      purpose: 'prelude',
      did: step.did,
      title: step.title,
      expected,
      newHex:
        step.value.kind === 'shop-code' ? shopCodeHex(ctx, backup, step.value, shopCode) : bcdDate(ctx.clock.wallMs()),
      optional: step.optional,
    },
  ];
}

/** What the backup says the module holds under an identifier, refusals included. */
export function heldIn(backup: Backup, did: string): IdentRead {
  const block = backup.blocks.find((candidate) => candidate.did === did);
  if (block) return { did, kind: 'bytes', hex: block.hex };
  return backup.unreadable.find((read) => read.did === did) ?? { did, kind: 'silent' };
}

function shopCodeHex(
  ctx: ProcedureContext,
  backup: Backup,
  value: Extract<PreludeStep['value'], { kind: 'shop-code' }>,
  choice: ShopCodeChoice,
): HexText {
  const current = heldIn(backup, value.currentFrom);
  const moduleHolds = current.kind === 'bytes' ? current.hex : null;
  const hex = choice.kind === 'typed' ? choice.hex : choice.kind === 'module' ? moduleHolds : ctx.settings.shopCode;
  if (hex === null || hex.length !== value.lengthBytes * 2)
    throw new StackError('plan/shop-code-unset', 'this module wants a shop code and none is set', { moduleHolds });
  return hex;
}

/** F199 as VW-type modules hold it: three bytes BCD, year month day, by the clock of this computer (UTC day). */
function bcdDate(wallMs: number): HexText {
  const date = civilDate(wallMs);
  const bcd = (value: number) => Math.floor(value / 10) * 16 + (value % 10);
  return toHex(Uint8Array.of(bcd(date.year % 100), bcd(date.month), bcd(date.day)));
}

/** Civil date from milliseconds since 1970 in UTC (days-from-civil, proleptic Gregorian), without the platform's Date. */
export function civilDate(wallMs: number): { readonly year: number; readonly month: number; readonly day: number } {
  const days = Math.floor(wallMs / 86_400_000) + 719_468;
  const era = Math.floor(days / 146_097);
  const dayOfEra = days - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}
