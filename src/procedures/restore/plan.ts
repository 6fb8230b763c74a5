import type { Backup } from '#contract/backup.ts';
import type { Definition } from '#contract/definition.ts';
import { StackError } from '#contract/errors.ts';
import type { PlanWarning, WritePlan } from '#contract/plan.ts';
import type { ModuleView, PlanRestoreCommand, ShopCodeChoice } from '#contract/vehicle-api.ts';
import { takeBackup } from '#procedures/backup/take.ts';
import { restoredBytes, writableModule, writePlan } from '#procedures/coding/plan.ts';
import { assertShopCode } from '#procedures/coding/shop-code.ts';
import type { BlockWrite } from '#procedures/coding/steps.ts';
import { definitionOf, type ProcedureContext } from '#procedures/context.ts';
import { sameExcept } from '#procedures/masked.ts';
import { assertRestorable } from '#procedures/restore/compatible.ts';

/** Older than this many days, a backup is said to be old before it is put back. */
const OLD_BACKUP_MS = 180 * 86_400_000;

/**
 * Plans to put a backup back: whole coding blocks, the same module only. A new backup of what is there now is taken first.
 * @throws StackError `restore/refused`, `plan/nothing-to-do`, `backup/missing`, and what `planCoding` throws
 */
export async function planRestore(ctx: ProcedureContext, command: PlanRestoreCommand): Promise<WritePlan> {
  const source = await ctx.stores.backups.get(command.backupId);
  if (source === null)
    throw new StackError('backup/missing', `no backup ${command.backupId} on this machine`, { what: command.backupId });
  // Who it belongs to is asked before how well a definition fits: "other hardware" says more than "fits only nearly".
  const shown = ctx.vehicle.module(command.moduleId);
  const shownDefinition = shown === null ? null : definitionOf(ctx.packs, shown);
  if (shown !== null && shownDefinition !== null)
    assertRestorable(source, shown, shownDefinition, ctx.stores.simulated);
  const { module, definition } = writableModule(ctx, command.moduleId);
  assertRestorable(source, module, definition, ctx.stores.simulated);
  await assertShopCode(ctx, module, definition, definition.codingBlocks, command.shopCode);
  const live = await takeBackup(ctx, module, 'before-restore');
  // The module was identified again while it was backed up: judge who answers now, not who answered at the scan.
  assertRestorable(source, { ...module, identity: live.module }, definition, ctx.stores.simulated);
  const age = ctx.clock.wallMs() - source.takenAtWallMs;
  const warnings: readonly PlanWarning[] =
    age > OLD_BACKUP_MS ? [{ kind: 'backup-is-old', takenAtWallMs: source.takenAtWallMs }] : [];
  return putBack(ctx, {
    kind: 'restore',
    module,
    definition,
    source,
    live,
    shopCode: command.shopCode,
    repairs: null,
    warnings,
    only: null,
  });
}

export interface PutBackInput {
  readonly kind: 'restore' | 'rollback';
  readonly module: ModuleView;
  readonly definition: Definition;
  readonly source: Backup;
  readonly live: Backup;
  readonly shopCode: ShopCodeChoice;
  readonly repairs: string | null;
  readonly warnings: readonly PlanWarning[];
  /** Only these blocks; null = every coding block of the source. */
  readonly only: readonly string[] | null;
}

export async function putBack(ctx: ProcedureContext, input: PutBackInput): Promise<WritePlan> {
  const { source, live, definition } = input;
  const writes: BlockWrite[] = [];
  for (const block of definition.codingBlocks) {
    if (input.only !== null && !input.only.includes(block.did)) continue;
    const wanted = source.blocks.find((held) => held.did === block.did && held.role === 'coding');
    if (wanted === undefined) continue;
    const now = live.blocks.find((held) => held.did === block.did && held.role === 'coding');
    if (now === undefined)
      throw new StackError('backup/missing', `block ${block.did} cannot be read now`, { what: block.did });
    if (sameExcept(wanted.hex, now.hex, block.unstableMask)) continue;
    writes.push({ block, oldHex: now.hex, newHex: restoredBytes(wanted.hex, now.hex, block.unstableMask) });
  }
  return writePlan(ctx, { ...input, backup: live, writes, sourceBackupId: source.id, expertRaw: false });
}
