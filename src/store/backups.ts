import * as v from 'valibot';
import type { Backup } from '#contract/backup.ts';
import { isStackError, StackError } from '#contract/errors.ts';
import type { ModuleId } from '#contract/isotp.ts';
import type { BackupDraft, BackupsPort } from '#procedures/ports.ts';
import { assertHashes, completeBackup, type EarlierBackups } from './backup-record.ts';
import { corrupt } from './errors.ts';
import { assertWorld } from './journal.ts';
import { BackupHeadSchema, BlocksSchema, parseBackup } from './schemas/backup.ts';
import { type BackupRow, type CodebayDatabase, reading, writing } from './tables.ts';

export interface BackupFilter {
  readonly vin?: string;
  readonly moduleId?: ModuleId;
  readonly serial?: string;
}

/** A stored backup that cannot be used any more, and why. */
export interface DamagedBackup {
  readonly id: string;
  readonly why: string;
}

/** Heads in `backups`, blocks once per content in `backupContents` (fault D08), both in one transaction. */
export class BackupsRepository implements BackupsPort {
  readonly #db: CodebayDatabase;
  readonly #simulated: boolean;

  constructor(db: CodebayDatabase, simulated: boolean) {
    this.#db = db;
    this.#simulated = simulated;
  }

  add(draft: BackupDraft): Promise<Backup> {
    return this.#write(draft, async () => {
      const backup = completeBackup(draft, await this.#earlier(draft.module.moduleId));
      parseBackup(backup, 'backup'); // what could not be read back later is refused now
      await this.#put(backup, 'here');
      return backup;
    });
  }

  addImported(backup: Backup): Promise<'added' | 'known'> {
    return this.#write(backup, async () => {
      const known = await this.#db.backups.where('id').equals(backup.id).first();
      if (known === undefined) {
        await this.#put(parseBackup(backup, 'backup'), 'file');
        return 'added';
      }
      if (headOf(known).recordHash === backup.recordHash) return 'known';
      throw new StackError('backup/corrupt', `another backup here has the id ${backup.id}`, { why: 'id' });
    });
  }

  get(id: string): Promise<Backup | null> {
    return reading('backups', () =>
      this.#db.transaction('r', this.#db.backups, this.#db.backupContents, async () => {
        const row = await this.#db.backups.where('id').equals(id).first();
        return row === undefined ? null : await joined(this.#db, row);
      }),
    );
  }

  async list(filter: BackupFilter = {}): Promise<readonly Backup[]> {
    return (await listBackups(this.#db, filter)).backups;
  }

  async #write<T>(backup: BackupDraft, work: () => Promise<T>): Promise<T> {
    assertWorld('backups', backup.simulated, this.#simulated);
    const { backups, backupContents } = this.#db;
    return writing(this.#db, [backups, backupContents], JSON.stringify(backup).length, work);
  }

  /** A damaged backup is left out: its loss must not keep new ones from being taken. */
  async #earlier(moduleId: ModuleId): Promise<EarlierBackups> {
    const { backups } = this.#db;
    const rows = await backups.where('moduleId').equals(moduleId).sortBy('place');
    return {
      count: await backups.where('origin').equals('here').count(),
      sameAddress: rows.flatMap((row) => {
        const head = row.origin === 'here' ? v.safeParse(BackupHeadSchema, row.head) : null;
        return head?.success ? [head.output] : [];
      }),
    };
  }

  async #put(backup: Backup, origin: BackupRow['origin']): Promise<void> {
    const { blocks, ...head } = backup;
    const { contentHash } = backup;
    if ((await this.#db.backupContents.get(contentHash)) === undefined)
      await this.#db.backupContents.add({ contentHash, blocks });
    await this.#db.backups.add({
      id: backup.id,
      moduleId: backup.module.moduleId,
      vin: backup.vehicle.vin ?? '',
      origin,
      head,
    });
  }
}

/** Newest first; the damaged ones apart, so that one bad row neither hides the others nor passes for a backup. */
export async function listBackups(
  db: CodebayDatabase,
  filter: BackupFilter,
): Promise<{ readonly backups: readonly Backup[]; readonly damaged: readonly DamagedBackup[] }> {
  return reading('backups', () =>
    db.transaction('r', db.backups, db.backupContents, async () => {
      const rows = filter.moduleId === undefined ? db.backups : db.backups.where('moduleId').equals(filter.moduleId);
      const backups: Backup[] = [];
      const damaged: DamagedBackup[] = [];
      for (const row of (await rows.toArray()).sort((a, b) => (b.place ?? 0) - (a.place ?? 0))) {
        if (filter.vin !== undefined && row.vin !== filter.vin) continue;
        try {
          const backup = await joined(db, row);
          if (filter.serial === undefined || backup.module.serial === filter.serial) backups.push(backup);
        } catch (error) {
          if (!isStackError(error, 'store/corrupt')) throw error;
          damaged.push({ id: error.details.key, why: error.details.why });
        }
      }
      return { backups, damaged };
    }),
  );
}

/** Head and blocks from disk, parsed, both hashes checked. @throws StackError `store/corrupt` */
async function joined(db: CodebayDatabase, row: BackupRow): Promise<Backup> {
  const head = headOf(row);
  const content = await db.backupContents.get(head.contentHash);
  if (content === undefined) throw corrupt('backups', head.id, 'its blocks are gone');
  const blocks = v.safeParse(BlocksSchema, content.blocks);
  if (!blocks.success) throw corrupt('backups', head.id, 'its blocks are not readable');
  return assertHashes({ ...head, blocks: blocks.output });
}

function headOf(row: BackupRow) {
  const head = v.safeParse(BackupHeadSchema, row.head);
  if (!head.success) throw corrupt('backups', String(row.id), 'its record is not readable');
  if (head.output.id !== row.id) throw corrupt('backups', String(row.id), 'its record bears another id');
  return head.output;
}
