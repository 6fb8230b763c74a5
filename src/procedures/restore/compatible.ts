import type { Backup } from '#contract/backup.ts';
import type { Definition } from '#contract/definition.ts';
import { type RestoreRefusal, StackError } from '#contract/errors.ts';
import type { ModuleView } from '#contract/vehicle-api.ts';

/** What must be equal before a whole backup may go back into the module at hand (design 5, fault D09), in the order it is asked. */
interface Check {
  readonly reason: RestoreRefusal;
  readonly expected: string | null;
  readonly actual: string | null;
}

/**
 * Refuses a backup of another car, module, hardware, software or definition, with the reason.
 * An identifier that both lack is no difference; one that only one of them has is.
 * @throws StackError `restore/refused`
 */
export function assertRestorable(backup: Backup, module: ModuleView, definition: Definition, simulated: boolean): void {
  const identity = module.identity;
  const match = backup.module.match;
  const checks: readonly Check[] = [
    { reason: 'simulated', expected: String(backup.simulated), actual: String(simulated) },
    { reason: 'other-address', expected: backup.module.moduleId, actual: module.moduleId },
    { reason: 'other-vin', expected: backup.module.vin, actual: identity?.vin ?? null },
    { reason: 'other-hardware', expected: backup.module.hardware, actual: identity?.hardware ?? null },
    { reason: 'other-hardware', expected: backup.module.part, actual: identity?.part ?? null },
    { reason: 'other-serial', expected: backup.module.serial, actual: identity?.serial ?? null },
    { reason: 'other-software', expected: backup.module.softwareVersion, actual: identity?.softwareVersion ?? null },
    { reason: 'other-definition', expected: match.kind === 'none' ? null : match.definitionId, actual: definition.id },
  ];
  for (const { reason, expected, actual } of checks)
    if (expected !== actual)
      throw new StackError(
        'restore/refused',
        `this backup is of another module: ${reason}, ${expected ?? 'none'} there, ${actual ?? 'none'} here`,
        {
          reason,
          expected: expected ?? '',
          actual: actual ?? '',
        },
      );
  for (const held of backup.blocks) {
    if (held.role !== 'coding') continue;
    const block = definition.codingBlocks.find((candidate) => candidate.did === held.did);
    if (block === undefined || block.lengthBytes * 2 !== held.hex.length)
      throw new StackError('restore/refused', `block ${held.did} has another length in this module`, {
        reason: 'block-length',
        expected: `${held.did} ${held.hex.length / 2}`,
        actual: `${held.did} ${block?.lengthBytes ?? 0}`,
      });
  }
}
