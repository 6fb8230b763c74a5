import type { Backup } from '#contract/backup.ts';
import { StackError } from '#contract/errors.ts';
import { findChainBreak } from '#contract/journal.ts';
import { exportBackup, exportRecord, importBackup } from '#procedures/backup/file.ts';
import type { OperationHost } from '#procedures/host.ts';
import type { Stores } from '#procedures/ports.ts';
import { CommandParser } from '#rpc/parse.ts';

interface World {
  readonly stores: Stores;
  readonly host: OperationHost;
}

interface FileParts {
  parseBackup(value: unknown, name: string): Backup;
  newId(): string;
  /** What the open connection still holds of its trace goes to the store first. */
  storeTrace(): Promise<void>;
  tellJobs(): Promise<void>;
}

/** What leaves and enters as a file: backups, sessions, parked jobs; and the look at the whole record. */
export class FileCommands {
  readonly #world: () => World;
  readonly #parts: FileParts;

  constructor(world: () => World, parts: FileParts) {
    this.#world = world;
    this.#parts = parts;
  }

  async parkJob(command: { readonly operationId: string; readonly name: string }) {
    const { stores, host } = this.#world();
    const records = await stores.journal.recordsOf(command.operationId);
    const job = (await host.unfinishedJobs()).find((open) => open.operationId === command.operationId);
    if (job === undefined || job.next.kind === 'wait')
      throw new StackError('operation/unknown', 'this job cannot be parked now', { operationId: command.operationId });
    const backup = job.backupId === null ? null : await stores.backups.get(job.backupId);
    return exportRecord(`parked-${job.vin ?? 'no-vin'}-${job.operationId}`, {
      format: 'codebay-parked-job',
      version: 1,
      job,
      records,
      backup,
    });
  }

  async confirmParked(command: unknown): Promise<void> {
    const parser = new CommandParser('confirmParked');
    const { operationId, name, fileSha256 } = parser.object(command);
    const id = parser.text(operationId, 'operationId');
    const file = await this.parkJob({ operationId: id, name: parser.text(name, 'name', 80) });
    if (file.sha256 !== fileSha256)
      throw new StackError('operation/unknown', 'the job changed since its file was made', { operationId: id });
    const { stores } = this.#world();
    await stores.journal.append({
      operationId: id,
      simulated: stores.simulated,
      body: { type: 'job-parked', name: parser.text(name, 'name', 80), fileSha256: file.sha256 },
    });
    await this.#parts.tellJobs();
  }

  async exportBackup(backupId: string) {
    const { stores } = this.#world();
    const backup = await stores.backups.get(backupId);
    if (backup === null) throw new StackError('backup/missing', `no backup ${backupId} here`, { what: backupId });
    await this.#note('exported', backup.id);
    return exportBackup(backup);
  }

  async importBackup(file: unknown) {
    const parser = new CommandParser('importBackup');
    const { name, text } = parser.object(file);
    if (typeof text !== 'string') return parser.fail('text is no text');
    const { stores } = this.#world();
    const backup = importBackup({ name: parser.text(name, 'name'), text }, stores.simulated, this.#parts.parseBackup);
    const known = (await stores.backups.addImported(backup)) === 'known';
    if (!known) await this.#note('imported', backup.id);
    return { backup, known };
  }

  async exportSession(sessionId: string) {
    await this.#parts.storeTrace();
    const text = await this.#world().stores.traces.read(sessionId);
    const { sha256 } = exportRecord(sessionId, text);
    return { name: `session-${sessionId}.trace.txt`, mime: 'text/plain', text, sha256 };
  }

  async verifyRecord() {
    const records = await this.#world().stores.journal.records(0, Number.MAX_SAFE_INTEGER);
    return { records: records.length, broken: findChainBreak(records) };
  }

  async #note(what: 'imported' | 'exported', detail: string): Promise<void> {
    const { stores } = this.#world();
    await stores.journal.append({
      operationId: this.#parts.newId(),
      simulated: stores.simulated,
      body: { type: 'note', what, detail },
    });
  }
}
