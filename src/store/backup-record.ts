import { canonicalJson } from '#base/canonical-json.ts';
import { sha256Hex } from '#base/sha256.ts';
import { type Backup, backupHashes } from '#contract/backup.ts';
import type { BackupDraft } from '#procedures/ports.ts';
import { corrupt } from './errors.ts';

/** What was taken on this machine before; backups that came from files are no part of it. */
export interface EarlierBackups {
  /** How many, of all modules and cars. */
  readonly count: number;
  /** Those at the address of the module in question, oldest first. */
  readonly sameAddress: readonly Pick<Backup, 'id' | 'module' | 'vehicle'>[];
}

/**
 * A draft becomes a backup: its place in the order, its lineage, its pin, its hashes. The id is taken from the content (time and
 * operation included), so that backups of two machines meet without a clash and no randomness is needed.
 */
export function completeBackup(draft: BackupDraft, earlier: EarlierBackups): Backup {
  const parent = earlier.sameAddress.filter((other) => isSameModule(other, draft)).at(-1);
  const placed = {
    ...(JSON.parse(JSON.stringify(draft)) as BackupDraft), // as it will be read back: members that are undefined are gone
    format: 'codebay-backup' as const,
    version: 1 as const,
    sequence: earlier.count + 1,
    parent: parent?.id ?? null,
    pinned: parent === undefined ? ('as-received' as const) : null,
  };
  const body = { ...placed, id: `backup-${sha256Hex(canonicalJson(placed)).slice(0, 32)}` };
  return { ...body, ...backupHashes(body) };
}

/** Same address and serial number; a module without a serial number is told apart by its car. */
export function isSameModule(a: Pick<Backup, 'module' | 'vehicle'>, b: Pick<Backup, 'module' | 'vehicle'>): boolean {
  return (
    a.module.moduleId === b.module.moduleId &&
    a.module.serial === b.module.serial &&
    (a.module.serial !== null || a.vehicle.vin === b.vehicle.vin)
  );
}

/** @throws StackError `store/corrupt` when a character of it has changed */
export function assertHashes(backup: Backup): Backup {
  const { contentHash, recordHash, ...body } = backup;
  const hashes = backupHashes(body);
  if (hashes.contentHash !== contentHash) throw corrupt('backups', backup.id, 'the content hash does not hold');
  if (hashes.recordHash !== recordHash) throw corrupt('backups', backup.id, 'the record hash does not hold');
  return backup;
}
