import type { Stores } from '#procedures/ports.ts';
import { AdaptersRepository } from './adapters.ts';
import { BackupsRepository } from './backups.ts';
import { type OpenOptions, openDatabase } from './database.ts';
import { type StorageFacts, type StorageHealth, storageHealth } from './health.ts';
import { JournalRepository, repairOpenJobs } from './journal.ts';
import { tidyQuietly } from './retention.ts';
import { ScansRepository } from './scans.ts';
import { SecurityRepository } from './security.ts';
import { SettingsRepository } from './settings.ts';
import { TracesRepository } from './traces.ts';

export interface OpenStores extends Stores {
  readonly health: StorageHealth;
  /** Ends the connection; it is never opened again by itself. Resolves when the lock `schema` is free. */
  close(): Promise<void>;
}

/**
 * The stores of one world on disk, for the vehicle worker: the only writer besides the settings of other tabs.
 * @throws StackError `store/unavailable` (fault D02), `store/busy`, `store/newer-schema`, `store/quota`
 */
export async function openStores(options: OpenOptions & { readonly storage?: StorageFacts }): Promise<OpenStores> {
  const { world, clock } = options;
  const simulated = world === 'training';
  const { db, close } = await openDatabase(options);
  try {
    await repairOpenJobs(db);
  } catch (error) {
    await close();
    throw error;
  }
  void tidyQuietly(db, clock); // beside the work: nobody waits for old traces
  return {
    simulated,
    journal: new JournalRepository(db, clock, simulated),
    backups: new BackupsRepository(db, simulated),
    scans: new ScansRepository(db, simulated),
    settings: new SettingsRepository(db),
    security: new SecurityRepository(db),
    traces: new TracesRepository(db, clock),
    adapters: new AdaptersRepository(db, simulated),
    health: storageHealth(db, options.storage),
    close,
  };
}
