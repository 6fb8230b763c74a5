import { canonicalJson } from '#base/canonical-json.ts';
import { fromHex, toHexSpaced } from '#base/hex.ts';
import { sha256Hex } from '#base/sha256.ts';
import { type Backup, backupHashes } from '#contract/backup.ts';
import { StackError } from '#contract/errors.ts';
import type { ExportedFile } from '#contract/vehicle-api.ts';

/** Larger than any module's coding by orders of magnitude. */
const MAX_FILE_CHARS = 4 * 1024 * 1024;
const FILE_VERSION = 1;

/** A backup as a file: readable text for people first, the record for machines second; the hashes are in the record. */
export function exportBackup(backup: Backup): ExportedFile {
  const text = `${JSON.stringify({ format: 'codebay-backup-file', version: FILE_VERSION, readable: readable(backup), backup }, null, 2)}\n`;
  const day = new Intl.DateTimeFormat('en-CA', { timeZone: 'UTC' }).format(backup.takenAtWallMs);
  return {
    name: `${fileSafe(backup.vehicle.vin ?? 'no-vin')}_${fileSafe(backup.module.shortName)}_${day}.codebay.json`,
    mime: 'application/json',
    text,
    sha256: sha256Hex(text),
  };
}

/**
 * Reads a backup file: bounded, parsed, both hashes checked, and of the same world.
 * @param parseBackup checks the shape (the store's schema) and throws `file/malformed` with the place
 * @throws StackError `file/too-large`, `file/malformed`, `file/newer-version`, `backup/corrupt`, `file/other-world`
 */
export function importBackup(
  file: { readonly name: string; readonly text: string },
  simulated: boolean,
  parseBackup: (value: unknown, name: string) => Backup,
): Backup {
  const { name, text } = file;
  if (text.length > MAX_FILE_CHARS)
    throw new StackError('file/too-large', `${name} is too large for a backup`, {
      name,
      bytes: text.length,
      maxBytes: MAX_FILE_CHARS,
    });
  const outer = parseJson(name, text);
  if (outer.format !== 'codebay-backup-file') throw malformed(name, '$.format', 'this is no Codebay backup');
  if (typeof outer.version !== 'number') throw malformed(name, '$.version', 'the version is missing');
  if (outer.version > FILE_VERSION)
    throw new StackError('file/newer-version', `${name} was made by a newer Codebay`, {
      name,
      version: outer.version,
      known: FILE_VERSION,
    });
  const backup = parseBackup(outer.backup, name);
  const { contentHash, recordHash, ...body } = backup;
  const hashes = backupHashes(body);
  if (hashes.contentHash !== contentHash)
    throw new StackError('backup/corrupt', `${name}: the blocks do not match their hash`, { why: 'contentHash' });
  if (hashes.recordHash !== recordHash)
    throw new StackError('backup/corrupt', `${name}: the record does not match its hash`, { why: 'recordHash' });
  if (backup.simulated !== simulated)
    throw new StackError('file/other-world', `${name} is from ${backup.simulated ? 'the virtual car' : 'a real car'}`, {
      name,
      simulated: backup.simulated,
    });
  return backup;
}

function parseJson(name: string, text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Readonly<Record<string, unknown>>; // members stay unknown
  } catch (error) {
    throw new StackError(
      'file/malformed',
      `${name}: ${(error as Error).message}`,
      { name, at: 'JSON', why: (error as Error).message },
      { cause: error },
    );
  }
  throw malformed(name, '$', 'the file holds no object');
}

function malformed(name: string, at: string, why: string): StackError {
  return new StackError('file/malformed', `${name}: ${at}: ${why}`, { name, at, why });
}

/** So that a backup is useful without Codebay: who, when, and the bytes. */
function readable(backup: Backup): readonly string[] {
  const { module } = backup;
  const when = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(
    backup.takenAtWallMs,
  );
  return [
    `VIN ${backup.vehicle.vin ?? 'unknown'}${backup.simulated ? ' (virtual car)' : ''}`,
    `Module ${module.label} ${module.shortName}, part ${module.part ?? '-'}, hardware ${module.hardware ?? '-'}, software ${module.softwareVersion ?? '-'}, serial ${module.serial ?? '-'}`,
    `Taken ${when} UTC`,
    ...backup.blocks.map((block) => `${block.role} 22 ${block.did}: ${toHexSpaced(fromHex(block.hex))}`),
    ...backup.unreadable.map(
      (read) =>
        `22 ${read.did}: ${read.kind === 'refused' ? `refused, ${read.nrc.toString(16).toUpperCase()}` : 'no answer'}`,
    ),
  ];
}

/** File names come from ECU text: letters, digits, dash and dot only. */
function fileSafe(text: string): string {
  return text.replace(/[^A-Za-z0-9.-]+/g, '-').slice(0, 40);
}

/** The whole of a job for a file: what parking needs before it may let go (I7). */
export function exportRecord(name: string, value: unknown): ExportedFile {
  const text = `${canonicalJson(value)}\n`;
  return { name: `${fileSafe(name)}.json`, mime: 'application/json', text, sha256: sha256Hex(text) };
}
