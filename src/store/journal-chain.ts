import { CHAIN_START, type JournalRecord } from '#contract/journal.ts';
import { corrupt } from './errors.ts';
import { type JudgedRow, judgeRow } from './schemas/journal.ts';

/**
 * What the rows of the journal say, as pure functions over what was read. One row at the very end may be torn by a crash and
 * counts as not written (fault D03); anything else that does not hold is damage, named by its place.
 */

/** A row as stored, with its key. */
export interface StoredRow {
  readonly key: number;
  readonly row: unknown;
}

/**
 * The record that the next one continues from.
 * @param lastTwo the last rows, newest first
 * @throws StackError `store/corrupt` when more than the last row is damaged: there is nothing sure to continue from
 */
export function chainTip(lastTwo: readonly StoredRow[]): {
  readonly tip: JournalRecord | null;
  readonly torn: boolean;
} {
  const [last, before] = lastTwo;
  if (last === undefined) return { tip: null, torn: false };
  const judged = judgeRow(last.row);
  if (isWhole(judged)) return { tip: judged.record, torn: false };
  if (before === undefined) return { tip: null, torn: true };
  const previous = judgeRow(before.row);
  if (isWhole(previous)) return { tip: previous.record, torn: true };
  throw corrupt('journal', before.key, whyDamaged(previous));
}

/** Sequence and predecessor of the record after `tip`. */
export function continueChain(tip: JournalRecord | null): { readonly sequence: number; readonly previous: string } {
  return { sequence: (tip?.sequence ?? 0) + 1, previous: tip?.hash ?? CHAIN_START };
}

/**
 * The records of one operation.
 * @param rows everything from its first record to the end of the journal, in order
 * @throws StackError `store/corrupt` when a row of it, or one that may be of it, is damaged or gone
 */
export function operationRecords(rows: readonly StoredRow[], operationId: string): readonly JournalRecord[] {
  const records: JournalRecord[] = [];
  let expected = rows[0]?.key ?? 0;
  for (const [i, { key, row }] of rows.entries()) {
    if (key !== expected++) throw corrupt('journal', key - 1, 'the record is gone');
    const owner = ownerOf(row);
    if (owner !== null && owner !== operationId) continue; // somebody else's, whatever it holds
    const judged = judgeRow(row);
    if (isWhole(judged) && judged.record.sequence === key) records.push(judged.record);
    else if (i < rows.length - 1) throw corrupt('journal', key, whyDamaged(judged));
  }
  return records;
}

/**
 * Rows as records for a look at the whole chain. Records whose hash does not hold are kept: `findChainBreak` names them (I11).
 * @param lastKey key of the journal's very last row
 * @throws StackError `store/corrupt` for a row that cannot be read, unless it is the torn last one
 */
export function readableRecords(rows: readonly StoredRow[], lastKey: number): readonly JournalRecord[] {
  return rows.flatMap(({ key, row }) => {
    const judged = judgeRow(row);
    if (judged.kind === 'record') return [judged.record];
    if (key === lastKey) return [];
    throw corrupt('journal', key, judged.why);
  });
}

function isWhole(judged: JudgedRow): judged is Extract<JudgedRow, { kind: 'record' }> {
  return judged.kind === 'record' && judged.hashHolds;
}

function whyDamaged(judged: JudgedRow): string {
  return judged.kind === 'record' ? 'its hash does not hold' : judged.why;
}

function ownerOf(row: unknown): string | null {
  return typeof row === 'object' && row !== null && 'operationId' in row && typeof row.operationId === 'string'
    ? row.operationId
    : null;
}
