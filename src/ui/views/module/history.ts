import { fromHex } from '#base/hex.ts';
import type { Backup } from '#contract/backup.ts';
import type { Definition } from '#contract/definition.ts';
import type { Plan } from '#contract/plan.ts';
import type { ModuleView } from '#contract/vehicle-api.ts';
import { diffBlocks } from '#definitions/diff.ts';
import type { OperationSummary } from '#store/reading.ts';

/** A backup of this module, or a job that wrote to it. */
export type HistoryEntry =
  | { readonly kind: 'backup'; readonly id: string; readonly wallMs: number; readonly backup: Backup }
  | { readonly kind: 'job'; readonly id: string; readonly wallMs: number; readonly operation: OperationSummary };

/** Newest first. Each kind is in the order of its sequence numbers; the wall clock only interleaves them (fault D05). */
export function history(
  module: Pick<ModuleView, 'moduleId'>,
  backups: readonly Backup[],
  operations: readonly OperationSummary[],
): readonly HistoryEntry[] {
  const taken = [...backups]
    .sort((a, b) => b.sequence - a.sequence)
    .map((backup): HistoryEntry => ({ kind: 'backup', id: backup.id, wallMs: backup.takenAtWallMs, backup }));
  const jobs = operations
    .filter(({ plan }) => plan.module.moduleId === module.moduleId)
    .map(
      (operation): HistoryEntry => ({
        kind: 'job',
        id: operation.operationId,
        wallMs: operation.ended?.wallMs ?? operation.openedWallMs,
        operation,
      }),
    );
  return [...taken, ...jobs].sort((a, b) => b.wallMs - a.wallMs);
}

/** The newest job that changed settings of this car (of one module): what it wrote to and when it ended. Null: none did. */
export function lastWrite(
  operations: readonly OperationSummary[],
  vin: string | null,
  moduleId?: string,
): { readonly plan: Plan; readonly wallMs: number } | null {
  for (const { plan, ended } of operations) {
    if (plan.kind === 'clear-faults' || plan.vin !== vin || ended?.kind !== 'closed') continue;
    if (ended.outcome.state === 'untouched' || (moduleId !== undefined && plan.module.moduleId !== moduleId)) continue;
    return { plan, wallMs: ended.wallMs };
  }
  return null;
}

/**
 * How many values of the backup the car holds otherwise now: 0 = the same, `bytes` = other bytes that no option names, null =
 * the module is not read, or not all of it.
 */
export function differences(
  backup: Pick<Backup, 'blocks'>,
  module: Pick<ModuleView, 'blocks'>,
  definition: Definition | null,
): number | 'bytes' | null {
  if (module.blocks === null) return null;
  let count = 0;
  let isOther = false;
  for (const block of backup.blocks) {
    if (block.role !== 'coding') continue;
    const now = module.blocks.entries.find(({ did, role }) => did === block.did && role === 'coding')?.hex;
    if (now === undefined) return null;
    if (now === block.hex) continue;
    const known = definition?.codingBlocks.find(({ did }) => did === block.did);
    const fits = known !== undefined && [now, block.hex].every((hex) => hex.length === known.lengthBytes * 2);
    if (definition === null || !fits) isOther = true;
    else count += diffBlocks(fromHex(now), fromHex(block.hex), definition, known.id).length;
  }
  return count > 0 ? count : isOther ? 'bytes' : 0;
}
