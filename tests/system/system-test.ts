/** What a test of this lane is, and the runner: a start, a run and a stop for each test, one line for each. */
import { evidence } from './evidence.ts';
import { type Harness, type StartOptions, start } from './harness.ts';
import { within } from './wait.ts';

export interface SystemTest {
  /** A sentence; catalogue rows put their ID first. */
  readonly name: string;
  /** How the lane is started for it. */
  readonly start: StartOptions;
  /** Longest run, 90 s unless told. */
  readonly limitMs?: number;
  run(harness: Harness): Promise<void>;
}

const DEFAULT_LIMIT_MS = 90_000;

/** Runs the tests one after the other; prints `ok` or `FAILED` for each. */
export async function runTests(tests: readonly SystemTest[]): Promise<{ passed: number; failed: number }> {
  let passed = 0;
  for (const test of tests) {
    const began = performance.now();
    const failure = await runOne(test);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    if (failure === undefined) {
      passed += 1;
      console.log(`ok      ${test.name} (${seconds} s)`);
    } else {
      console.log(`FAILED  ${test.name} (${seconds} s)\n${indent(failure)}`);
    }
  }
  return { passed, failed: tests.length - passed };
}

async function runOne(test: SystemTest): Promise<string | undefined> {
  let harness: Harness | undefined;
  try {
    harness = await start(test.start);
    await within(`the end of the test`, test.limitMs ?? DEFAULT_LIMIT_MS, test.run(harness));
    return undefined;
  } catch (failure) {
    const text = failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
    return harness === undefined ? text : `${text}\n${await evidence(harness)}`;
  } finally {
    await harness?.stop().catch((failure: unknown) => console.error(failure));
  }
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '        ');
}
