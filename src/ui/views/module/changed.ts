import { fromHex } from '#base/hex.ts';
import type { Backup } from '#contract/backup.ts';
import type { LocalizedText } from '#contract/definition.ts';
import type { ModuleView } from '#contract/vehicle-api.ts';
import { describeParameter, readParameter } from '#definitions/codec.ts';
import type { OperationSummary } from '#store/reading.ts';
import type { OptionState } from './options.ts';

/** How an option came to be what it is, as far as this browser knows. */
export interface ChangedOption {
  /** Its value when the car was first backed up, where that is another than now. */
  readonly received: LocalizedText | null;
  /** When a job of ours wrote it last. */
  readonly writtenWallMs: number | null;
}

/**
 * Options that are not as the car came, or that a job of ours wrote, by id.
 * @param backups of this module; the one that is pinned as received is looked at
 * @param jobs newest first
 */
export function changedOptions(
  module: Pick<ModuleView, 'moduleId' | 'identity'>,
  vin: string | null,
  options: readonly OptionState[],
  backups: readonly Backup[],
  jobs: readonly OperationSummary[],
): ReadonlyMap<string, ChangedOption> {
  const asReceived = backups.find(({ pinned }) => pinned === 'as-received');
  const ours = jobs.filter((job) => wroteTo(job, module, vin));
  const changed = new Map<string, ChangedOption>();
  for (const option of options) {
    const { id } = option.parameter;
    const received = asReceived === undefined ? null : receivedValue(option, asReceived);
    const written = ours.find(
      ({ plan }) =>
        plan.kind !== 'clear-faults' &&
        plan.changes.some((change) => change.parameterId === id && change.blockDid === option.block.block.did),
    );
    if (received === null && written === undefined) continue;
    changed.set(id, { received, writtenWallMs: written?.ended?.wallMs ?? null });
  }
  return changed;
}

function wroteTo(
  { plan, ended }: OperationSummary,
  { moduleId, identity }: Pick<ModuleView, 'moduleId' | 'identity'>,
  vin: string | null,
): boolean {
  if (plan.kind === 'clear-faults' || ended?.kind !== 'closed' || ended.outcome.state === 'untouched') return false;
  if (plan.module.moduleId !== moduleId || plan.vin !== vin) return false;
  // Another module at this address (a swapped one) has a past of its own.
  return identity?.serial == null || plan.module.moduleKey === identity.serial;
}

/** Null: it holds what it held then, or that backup does not say. */
function receivedValue({ block, parameter, now }: OptionState, backup: Backup): LocalizedText | null {
  const hex = backup.blocks.find(({ did, role }) => did === block.block.did && role === 'coding')?.hex;
  if (hex === undefined || hex.length !== block.current.length * 2) return null;
  const then = fromHex(hex);
  return readParameter(then, parameter).coded === now.coded ? null : describeParameter(then, parameter);
}
