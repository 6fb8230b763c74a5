/**
 * `npm test`: unit, property, conformance, scenario and sabotage tests, then the built app in a browser. Installs a
 * Chromium if the machine has none, and says so. `tsx tests/run.ts e2e` runs the browser part only.
 * The last line is `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Counts, countPlaywright, countVitest, sum } from './counts.ts';
import { findChromium, installChromium } from './e2e/chromium.ts';

const root = join(import.meta.dirname, '..');
const reports = join(root, '.cache/reports');
const bin = (path: string) => join(root, 'node_modules', path);

function step(title: string): void {
  console.log(`\n== ${title}`);
}

function run(script: string, parameters: readonly string[], environment: Record<string, string> = {}): number {
  const { status } = spawnSync(process.execPath, [script, ...parameters], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  return status ?? 1;
}

/** The runner's report; undefined when it died before writing one. */
function report(path: string): unknown {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

function unit(): Counts {
  step('unit, property, conformance, scenarios, sabotage (vitest)');
  const path = join(reports, 'vitest.json');
  const status = run(bin('vitest/vitest.mjs'), [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${path}`,
  ]);
  return countVitest(report(path), status);
}

function browser(): Counts {
  step('build');
  if (run(bin('tsx/dist/cli.mjs'), ['build/generate.ts']) !== 0 || run(bin('vite/bin/vite.js'), ['build']) !== 0) {
    console.error('the build failed, so nothing can run in a browser');
    return { passed: 0, failed: 1, skipped: 0 };
  }
  step('find a Chromium');
  let chromium: string;
  try {
    chromium = findChromium() ?? installChromium();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  console.log(chromium);
  step('e2e (playwright)');
  const path = join(reports, 'playwright.json');
  const status = run(bin('@playwright/test/cli.js'), ['test', '--reporter=list,json'], {
    PLAYWRIGHT_JSON_OUTPUT_NAME: path,
    CHROMIUM_PATH: chromium,
  });
  return countPlaywright(report(path), status);
}

function main(only: string | undefined): number {
  if (only !== undefined && only !== 'e2e') {
    console.error(`unknown part "${only}"; there is: e2e`);
    return 2;
  }
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  const counts = sum(only === 'e2e' ? [browser()] : [unit(), browser()]);
  console.log('');
  if (counts.skipped > 0) console.log(`${counts.skipped} skipped`);
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  return counts.failed === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = main(process.argv[2]);
