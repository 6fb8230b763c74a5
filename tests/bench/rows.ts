/** One line of the table. */
export interface BenchRow {
  /** The goal it belongs to: `P1` … (docs/bench.md). */
  readonly id: string;
  readonly what: string;
  /** null = not measured here; `note` says why. */
  readonly value: number | null;
  readonly unit: '%' | '×' | 'µs' | 'count' | 'kB' | 'ms' | '1/s' | 'kB/s';
  /** null = reported, not judged. */
  readonly goal: { readonly atLeast: number } | { readonly atMost: number } | null;
  readonly note?: string;
}

export interface BenchOptions {
  /** Small counts: does it run, and did both sides do equal work? */
  readonly smoke: boolean;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Equal work on both sides, else a comparison means nothing. @throws Error */
export function assertEqual(what: string, actual: number | string, expected: number | string): void {
  if (actual !== expected) throw new Error(`bench: ${what}: ${actual} instead of ${expected}`);
}

/** A missed goal is a missed goal, also by a little: compared as measured, not as printed. */
export function verdict({ value, goal }: BenchRow): 'ok' | 'miss' | '–' {
  if (value === null || goal === null) return '–';
  return ('atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost) ? 'ok' : 'miss';
}

const HEAD = ['id', 'what', 'value', 'goal', '', 'unit'] as const;

/** The table in Markdown; `judged` false leaves the verdicts out. */
export function table(rows: readonly BenchRow[], judged: boolean): string {
  const cells = rows.map((row) => [
    row.id,
    row.note ? `${row.what} (${row.note})` : row.what,
    row.value === null ? '–' : digits(row.value, row.unit),
    goalText(row),
    judged ? verdict(row) : '–',
    row.unit,
  ]);
  const widths = HEAD.map((head, column) =>
    Math.max(3, head.length, ...cells.map((row) => (row[column] ?? '').length)),
  );
  const isNumber = (column: number) => column === 2 || column === 3;
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => (isNumber(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (isNumber(i) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))).join(' | ')} |`;
  return [line(HEAD), rule, ...cells.map(line)].join('\n');
}

function digits(value: number, unit: BenchRow['unit']): string {
  if (unit === 'count') return String(value);
  if (unit === '%') return value.toFixed(1);
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function goalText({ goal }: BenchRow): string {
  if (goal === null) return '–';
  return 'atLeast' in goal ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`;
}
