/** What a test of this lane is, and the runner: a start, a run and a stop for each test, one line for each. */
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
const TRACE_LINES = 40;
const SERIAL_LINES = 80;
const SNAPSHOT_LIMIT_MS = 5_000;

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

/** What the screen shows, what the page complained of, the last frames on the wire, and what an interpreter was told. */
async function evidence(harness: Harness): Promise<string> {
  const trace = await harness.ecu({ do: 'trace' }).then(
    (reply) => (reply.trace as string[]).slice(-TRACE_LINES),
    (failure: unknown) => [String(failure)],
  );
  const serial = await harness.serial().catch((failure: unknown) => [String(failure)]);
  const screen = await harness.page
    .locator('body')
    .ariaSnapshot({ timeout: SNAPSHOT_LIMIT_MS })
    .catch((failure: unknown) => String(failure));
  return [
    'screen:',
    screen,
    'page errors:',
    ...harness.pageErrors,
    'last frames on the wire:',
    ...trace,
    ...(serial.length === 0 ? [] : ['last lines of the adapter:', ...serial.slice(-SERIAL_LINES)]),
  ].join('\n');
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '        ');
}
