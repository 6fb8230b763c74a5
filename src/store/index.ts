/**
 * What is on this machine's disk: journal, backups, scans, settings, security memory, traces. Knows `procedures/ports.ts`
 * and the contract, nothing of the stack; everything it reads is parsed, because the disk is outside.
 *
 * The vehicle worker opens `openStores`, the page `readingStores` (no writes).
 */
export type { BackupFilter, DamagedBackup } from './backups.ts';
export { DATABASE_NAMES, type OpenOptions } from './database.ts';
export type { StorageFacts, StorageHealth } from './health.ts';
export { type OpenStores, openStores } from './open-stores.ts';
export {
  type JournalView,
  type LiveView,
  type OperationSummary,
  type ReadingStores,
  readingStores,
  type SessionSummary,
} from './reading.ts';
export { SCHEMA_LOCKS, type SchemaLocks } from './schema-locks.ts';
export { parseBackup } from './schemas/backup.ts';
