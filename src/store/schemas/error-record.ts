import * as v from 'valibot';
import type { ErrorRecord } from '#contract/errors.ts';

const MAX_CAUSES = 8;
const MAX_TEXT = 100_000;
const CODE = /^[a-z]+\/[a-z0-9-]{1,60}$/;

/**
 * An error as the journal keeps it. The code is checked by its form, not against today's list: a record of another release
 * may name an error that this one does not know.
 */
export const ErrorRecordSchema = v.custom<ErrorRecord>((value) => isErrorRecord(value, 0), 'not an error record');

function isErrorRecord(value: unknown, depth: number): boolean {
  if (!isObject(value) || depth > MAX_CAUSES) return false;
  const { code, message, details, cause, ...rest } = value;
  return (
    typeof code === 'string' &&
    CODE.test(code) &&
    isText(message) &&
    isObject(details) &&
    isPlainData(details, 0) &&
    (cause === undefined || isErrorRecord(cause, depth + 1) || isForeignCause(cause)) &&
    Object.keys(rest).length === 0
  );
}

function isForeignCause(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { name, message, ...rest } = value;
  return isText(name) && isText(message) && Object.keys(rest).length === 0;
}

function isPlainData(value: unknown, depth: number): boolean {
  if (depth > 6) return false;
  if (value === null || typeof value === 'boolean' || isText(value)) return true;
  if (typeof value === 'number') return Number.isFinite(value);
  const items = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : null;
  return items !== null && items.length <= 5000 && items.every((item) => isPlainData(item, depth + 1));
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
