import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Sabotage } from './sabotages.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What a scenario needs; the page's code does not run in it. */
const COPIED = ['src', 'workers', 'tests/scenarios', 'tests/support', 'public/definitions', 'package.json'];
const CONFIG = 'tests/sabotage/vitest.config.ts';

export interface LaneResult {
  readonly exitCode: number;
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  /** What the run printed, for the message of a failure. */
  readonly output: string;
}

/** A copy of the tree in which tests run, sabotaged and not; one run at a time. */
export class Lane {
  readonly #root: string;

  constructor(name: string) {
    this.#root = join(ROOT, '.cache', 'sabotage', name);
    rmSync(this.#root, { recursive: true, force: true });
    mkdirSync(this.#root, { recursive: true });
    for (const path of COPIED)
      cpSync(join(ROOT, path), join(this.#root, path), {
        recursive: true,
        filter: (from) => !from.includes(`${sep}src${sep}ui${sep}`),
      });
    cpSync(join(ROOT, CONFIG), join(this.#root, 'vitest.config.ts'));
    symlinkSync(join(ROOT, 'node_modules'), join(this.#root, 'node_modules'), 'junction');
  }

  /** Plants the fault, runs its test, and takes the fault out again. @throws Error when a piece of source is not there exactly once */
  async runSabotaged(sabotage: Sabotage): Promise<LaneResult> {
    const before = new Map<string, string>();
    try {
      for (const { file, find, replace } of sabotage.edits) {
        const path = join(this.#root, file);
        const source = readFileSync(path, 'utf8');
        if (!before.has(path)) before.set(path, source);
        const times = source.split(find).length - 1;
        if (times !== 1) throw new Error(`${sabotage.id}: ${file} holds this ${times} times, once is needed:\n${find}`);
        writeFileSync(
          path,
          source.replace(find, () => replace),
        );
      }
      return await this.run([sabotage.test]);
    } finally {
      for (const [path, source] of before) writeFileSync(path, source);
    }
  }

  async run(tests: readonly Sabotage['test'][]): Promise<LaneResult> {
    const files = [...new Set(tests.map(({ file }) => file))];
    const pattern = tests.map(({ name }) => `${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`).join('|');
    const report = join(this.#root, 'report.json');
    rmSync(report, { force: true });
    const { exitCode, output } = await this.#vitest([
      'run',
      '--project',
      'stack',
      ...files,
      '-t',
      pattern,
      '--reporter=json',
      `--outputFile=${report}`,
    ]);
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as VitestReport;
    const names = (status: string) =>
      testResults.flatMap(({ assertionResults }) =>
        assertionResults.filter((one) => one.status === status).map(({ title }) => title),
      );
    return { exitCode, passed: names('passed'), failed: names('failed'), output };
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }

  #vitest(args: readonly string[]): Promise<{ readonly exitCode: number; readonly output: string }> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), ...args], {
        cwd: this.#root,
        // The run inside must not take itself for a part of the run outside.
        env: Object.fromEntries(
          Object.entries(process.env).filter(([key]) => !/^(VITEST|NODE_OPTIONS|TEST$)/.test(key)),
        ),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => {
          output += chunk.toString('utf8');
        });
      child.on('error', reject);
      child.on('close', (code) => resolve({ exitCode: code ?? -1, output }));
    });
  }
}

/** The part of vitest's JSON report that is read here. */
interface VitestReport {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

/** Lanes that take turns: as many runs at once as there are lanes. */
export class Lanes {
  readonly #all: readonly Lane[];
  readonly #free: Lane[];
  readonly #waiting: ((lane: Lane) => void)[] = [];

  constructor(count: number) {
    this.#all = Array.from({ length: count }, (_, i) => new Lane(`${process.pid}-${i + 1}`));
    this.#free = [...this.#all];
  }

  async use<T>(work: (lane: Lane) => Promise<T>): Promise<T> {
    const lane = this.#free.pop() ?? (await new Promise<Lane>((resolve) => this.#waiting.push(resolve)));
    try {
      return await work(lane);
    } finally {
      const next = this.#waiting.shift();
      if (next) next(lane);
      else this.#free.push(lane);
    }
  }

  remove(): void {
    for (const lane of this.#all) lane.remove();
  }
}
