import { isStackError, StackError } from '#contract/errors.ts';

/**
 * Translates what IndexedDB and Dexie throw, once, here. Dexie keeps the reason of an aborted transaction in `inner`, so
 * the whole chain is looked through for a full disk before anything else is concluded.
 */
export function storeError(error: unknown, table: string, neededBytes = 0): StackError {
  const chain = chainOf(error);
  const own = chain.find((cause) => isStackError(cause));
  if (own !== undefined) return own;
  const options = { cause: error };
  if (chain.some((cause) => cause.name === 'QuotaExceededError'))
    return new StackError(
      'store/quota',
      `no space left for ${neededBytes} bytes of ${table}`,
      { neededBytes },
      options,
    );
  const reason = chain.map(({ name, message }) => `${name}: ${firstLine(message)}`)[0] ?? String(error);
  if (chain.some((cause) => GONE.has(cause.name)))
    return new StackError('store/unavailable', `the database is not open any more (${reason})`, { reason }, options);
  return new StackError('store/write-failed', `${table}: ${reason}`, { table, reason }, options);
}

/** Why a database does not open (fault D02). */
export function openError(error: unknown): StackError {
  const [first] = chainOf(error);
  if (isStackError(first)) return first;
  if (first?.name === 'QuotaExceededError') return storeError(error, 'database');
  const reason = first === undefined ? String(error) : `${first.name}: ${firstLine(first.message)}`;
  return new StackError('store/unavailable', `the database does not open: ${reason}`, { reason }, { cause: error });
}

export function corrupt(table: string, key: string | number, why: string): StackError<'store/corrupt'> {
  return new StackError('store/corrupt', `${table} ${key} is damaged: ${why}`, { table, key: String(key), why });
}

const GONE = new Set([
  'DatabaseClosedError',
  'InvalidStateError',
  'MissingAPIError',
  'OpenFailedError',
  'NotFoundError',
]);
const MAX_CHAIN = 6;

function chainOf(error: unknown): readonly Error[] {
  const chain: Error[] = [];
  for (let next: unknown = error; next instanceof Error && chain.length < MAX_CHAIN; ) {
    chain.push(next);
    next = 'inner' in next && next.inner instanceof Error ? next.inner : next.cause;
  }
  return chain;
}

/** Dexie appends the inner error's text on lines of its own. */
function firstLine(message: string): string {
  return message.split('\n')[0]?.slice(0, 300) ?? '';
}
