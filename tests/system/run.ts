/**
 * `npm run test:system`: real Web Serial in real Chromium against an adapter and ECUs in software.
 * Installs its own Debian packages where it can and says plainly what it needs where it cannot, builds the
 * product when `dist` is older than its sources (PRODUCT names a folder that is built already), then runs the
 * lane's self-tests and every *.system.ts beside it. An argument runs only the tests whose file or name contains it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { findChromium } from './harness.ts';
import { runTests, type SystemTest } from './system-test.ts';

const here = import.meta.dirname;

interface Need {
  readonly packages: readonly string[];
  readonly what: string;
  met(): boolean;
}

const works = (command: string, args: readonly string[]): boolean => spawnSync(command, args).status === 0;

const NEEDS: readonly Need[] = [
  { packages: ['chromium'], what: 'Debian Chromium (or CHROMIUM_PATH)', met: () => findChromium() !== undefined },
  { packages: ['gcc'], what: 'a C compiler', met: () => works('gcc', ['--version']) },
  { packages: ['libc6-dev'], what: 'the C headers', met: () => existsSync('/usr/include/stdio.h') },
  {
    packages: ['python3', 'python3-can', 'python3-scapy'],
    what: 'python3 with python-can and scapy',
    met: () => works('/usr/bin/python3', ['-c', 'import can, scapy.contrib.automotive.uds']),
  },
];

/** Makes sure that everything is there, or ends the process with the list of what is not. */
function prepare(): void {
  const missing = () => NEEDS.filter((need) => !need.met());
  const before = missing();
  if (before.length === 0) return;
  const packages = before.flatMap((need) => need.packages);
  if (process.getuid?.() === 0 && works('apt-get', ['--version'])) {
    console.log(`step: install Debian packages for the system lane: ${packages.join(' ')}`);
    spawnSync('apt-get', ['update', '-q'], { stdio: 'inherit' });
    spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], {
      stdio: 'inherit',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  }
  const after = missing();
  if (after.length === 0) return;
  console.error('The system lane cannot run here. Missing:');
  for (const need of after) console.error(`  ${need.what}   (Debian: ${need.packages.join(' ')})`);
  console.error(`As root on Debian: apt-get install ${after.flatMap((need) => need.packages).join(' ')}`);
  process.exit(1);
}

/** What the product is built from. */
const SOURCES = ['src', 'workers', 'public', 'build', 'index.html', 'vite.config.ts', 'package.json'];
const root = path.join(here, '../..');

/** The last change of a file, or of any file below a folder, in ms; 0 where there is nothing. */
function changedAt(file: string): number {
  if (!existsSync(file)) return 0;
  const found = statSync(file);
  if (!found.isDirectory()) return found.mtimeMs;
  return Math.max(0, ...readdirSync(file).map((name) => changedAt(path.join(file, name))));
}

/** Builds the product unless what is there is newer than all it is made from. */
function build(): void {
  if (process.env.PRODUCT !== undefined) return;
  const sources = Math.max(...SOURCES.map((source) => changedAt(path.join(root, source))));
  if (changedAt(path.join(root, 'dist/index.html')) > sources) return;
  console.log('step: build the product (npm run build)');
  if (spawnSync('npm', ['run', 'build'], { cwd: root, stdio: 'inherit' }).status === 0) return;
  console.error('the build failed, so there is nothing to test');
  console.log('0 passed, 1 failed');
  process.exit(1);
}

/** The tests of one file: its export `tests`. */
async function testsOf(file: string): Promise<readonly SystemTest[]> {
  const module: unknown = await import(path.join(here, file));
  if (typeof module !== 'object' || module === null || !('tests' in module) || !Array.isArray(module.tests)) {
    throw new TypeError(`${file} exports no array named tests`);
  }
  return module.tests as readonly SystemTest[];
}

prepare();
build();
const only = process.argv[2] ?? '';
const files = [
  ...readdirSync(here)
    .filter((file) => /^self-test.*\.ts$/.test(file))
    .sort(),
  ...readdirSync(here).filter((file) => file.endsWith('.system.ts')),
];
let passed = 0;
let failed = 0;
for (const file of files) {
  console.log(`# ${file}`);
  try {
    const outcome = await runTests((await testsOf(file)).filter((test) => `${file} ${test.name}`.includes(only)));
    passed += outcome.passed;
    failed += outcome.failed;
  } catch (failure) {
    failed += 1;
    console.log(`FAILED  ${file} could not be loaded\n${String(failure)}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
