/** Reads the JSON reports of the two test runners into one kind of count. */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function sum(all: readonly Counts[]): Counts {
  return all.reduce(
    (a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

/** A runner that failed without a failed test (a file that does not load, no tests found, a crash) counts as one. */
function settle(counts: Counts, exitStatus: number): Counts {
  return exitStatus !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

function numberAt(report: unknown, key: string): number {
  if (typeof report !== 'object' || report === null) return 0;
  const value = (report as Record<string, unknown>)[key];
  return typeof value === 'number' ? value : 0;
}

/** Vitest's `--reporter=json`. A file that did not load holds no tests and counts as one failure. */
export function countVitest(report: unknown, exitStatus: number): Counts {
  const files: unknown[] =
    typeof report === 'object' && report !== null && 'testResults' in report && Array.isArray(report.testResults)
      ? report.testResults
      : [];
  const broken = files.filter(
    (file) =>
      typeof file === 'object' &&
      file !== null &&
      'status' in file &&
      file.status === 'failed' &&
      'assertionResults' in file &&
      Array.isArray(file.assertionResults) &&
      !file.assertionResults.some((test: { readonly status?: unknown }) => test.status === 'failed'),
  ).length;
  const counts = {
    passed: numberAt(report, 'numPassedTests'),
    failed: numberAt(report, 'numFailedTests') + broken,
    skipped: numberAt(report, 'numPendingTests') + numberAt(report, 'numTodoTests'),
  };
  return settle(counts, exitStatus);
}

/** Playwright's `json` reporter. A flaky test passed only when it was tried again: a failure here. */
export function countPlaywright(report: unknown, exitStatus: number): Counts {
  const stats = typeof report === 'object' && report !== null && 'stats' in report ? report.stats : undefined;
  const counts = {
    passed: numberAt(stats, 'expected'),
    failed: numberAt(stats, 'unexpected') + numberAt(stats, 'flaky'),
    skipped: numberAt(stats, 'skipped'),
  };
  return settle(counts, exitStatus);
}
