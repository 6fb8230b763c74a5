import type { CodingBlock, Definition, PreludeStep } from '#contract/definition.ts';
import { StackError } from '#contract/errors.ts';
import type { ModuleView, ShopCodeChoice } from '#contract/vehicle-api.ts';
import { clientOptionsOf, type ProcedureContext } from '#procedures/context.ts';
import { ensureSession, readIdentifier } from '#procedures/reads.ts';

type ShopCodeStep = PreludeStep & { readonly value: Extract<PreludeStep['value'], { kind: 'shop-code' }> };

/**
 * Asks for the shop code before the module is backed up, where the choice alone says that one will be missing: the plan is made
 * again with the answer, and each plan takes its own backup in two fresh passes (I1), which is then the only one.
 * @param blocks that the plan may write
 * @throws StackError `plan/shop-code-unset` with the code that the module holds; what reads throw
 */
export async function assertShopCode(
  ctx: ProcedureContext,
  module: ModuleView,
  definition: Definition,
  blocks: readonly CodingBlock[],
  choice: ShopCodeChoice,
): Promise<void> {
  // What the module holds is known only from the backup: the plan itself finds out.
  if (choice.kind === 'module' || !blocks.some(({ needsPrelude }) => needsPrelude)) return;
  const hex = choice.kind === 'typed' ? choice.hex : ctx.settings.shopCode;
  const step = definition.prelude.find(
    (candidate): candidate is ShopCodeStep =>
      candidate.value.kind === 'shop-code' && hex?.length !== candidate.value.lengthBytes * 2,
  );
  if (step === undefined) return;
  const client = await ctx.link.client(module.address, clientOptionsOf(definition));
  await ensureSession(
    client,
    Math.max(0x01, ...definition.codingBlocks.map(({ readSession }) => readSession)),
    ctx.signal,
  );
  const stamp = step.optional ? await readIdentifier(client, step.did, ctx.signal) : null;
  // A module without the stamp does without the code (reference: diagnostics G.2).
  if (stamp !== null && stamp.kind !== 'bytes') return;
  const held = await readIdentifier(client, step.value.currentFrom, ctx.signal);
  if (held.kind === 'silent') return; // gone: the backup says so in its own words
  throw new StackError('plan/shop-code-unset', 'this module wants a shop code and none is set', {
    moduleHolds: held.kind === 'bytes' ? held.hex : null,
  });
}
