import { StackError } from '#contract/errors.ts';

/** Larger than any backup file by orders of magnitude; the worker has the same bound. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/**
 * The text of a file that somebody chose or dropped.
 * @throws StackError `file/too-large` before a byte is read, `file/malformed` for bytes that are no UTF-8 text
 */
export async function readTextFile(file: File): Promise<{ readonly name: string; readonly text: string }> {
  const { name, size } = file;
  if (size > MAX_FILE_BYTES)
    throw new StackError('file/too-large', `${name} is too large`, { name, bytes: size, maxBytes: MAX_FILE_BYTES });
  const bytes = await file.arrayBuffer();
  try {
    return { name, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (cause) {
    const details = { name, at: 'UTF-8', why: 'these bytes are no text' };
    throw new StackError('file/malformed', `${name} is no text`, details, { cause });
  }
}

const KEY = 'codebay.exported';
const MAX_REMEMBERED = 2000;

/** Backups that this browser has handed out as files, by id, with the time. A hint for the list; the record has them for good. */
export function exportedBackups(): ReadonlyMap<string, number> {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    if (!Array.isArray(stored)) return new Map();
    return new Map(
      stored.filter(
        (entry): entry is [string, number] =>
          Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'number',
      ),
    );
  } catch {
    return new Map(); // blocked site data or foreign content: nothing is known
  }
}

export function rememberExported(backupId: string, wallMs: number): ReadonlyMap<string, number> {
  const all = new Map(exportedBackups()).set(backupId, wallMs);
  try {
    localStorage.setItem(KEY, JSON.stringify([...all].slice(-MAX_REMEMBERED)));
  } catch {
    // Site data is blocked: known until the page is closed.
  }
  return all;
}
