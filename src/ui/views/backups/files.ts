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
