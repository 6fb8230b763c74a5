/** One bench in a process of its own: `one.ts <name> [--smoke]`, rows to the parent (run.ts). */
import { existsSync } from 'node:fs';
import { codecBench } from './codec.ts';
import { interpretersBench } from './interpreters.ts';
import { isotpBench } from './isotp-bench.ts';
import { BENCH_NAMES, type BenchName } from './names.ts';
import { pipelineCpuBench } from './pipeline-cpu.ts';
import type { BenchOptions, BenchRow } from './rows.ts';
import { stMinBench } from './st-min.ts';
import { wireShareBench } from './wire-share.ts';

const benches: Readonly<Record<BenchName, (options: BenchOptions) => BenchRow[] | Promise<BenchRow[]>>> = {
  'wire-share': wireShareBench,
  'pipeline-cpu': pipelineCpuBench,
  'isotp-machine': machineBench,
  'slcan-codec': codecBench,
  'st-min': stMinBench,
  interpreters: interpretersBench,
  page: pageBench,
};

const name = BENCH_NAMES.find((known) => known === process.argv[2]);
if (name === undefined) throw new Error(`bench: no bench ${process.argv[2]}`);
const rows = await benches[name]({ smoke: process.argv.includes('--smoke') });
if (process.send === undefined)
  console.log(rows); // started by hand
else process.send(rows, () => process.exit(0));

async function machineBench({ smoke }: BenchOptions): Promise<BenchRow[]> {
  const measured = await isotpBench(smoke ? { messagesPerRound: 2, rounds: 1 } : {});
  return measured.map(({ id, name: what, value, goal, unit }) => ({
    id,
    what,
    value,
    unit: unit === '×' ? '×' : 'µs',
    goal: goal === null ? null : { atMost: goal },
  }));
}

/** P10–P12, in a file that exports `browserBench(options): Promise<BenchRow[]>`: it needs the built app and a Chromium. */
async function pageBench(options: BenchOptions): Promise<BenchRow[]> {
  const file = new URL('./browser.ts', import.meta.url);
  if (existsSync(file)) {
    const { browserBench } = (await import(file.href)) as {
      browserBench(options: BenchOptions): Promise<BenchRow[]>;
    };
    return browserBench(options);
  }
  const missing = (id: string, what: string, unit: BenchRow['unit'], goal: BenchRow['goal']): BenchRow => ({
    id,
    what,
    value: null,
    unit,
    goal,
    note: 'not measured here',
  });
  return [
    missing('P10', 'page blocked 500 ms: throughput of a stream of 4095 B', '%', { atLeast: 99 }),
    missing('P11', 'messages to the page', '1/s', { atMost: 30 }),
    missing('P12', 'page to ready ÷ bare shell', '×', { atMost: 2 }),
    missing('P12', 'JS requested before ready, gzip', 'kB', { atMost: 160 }),
    missing('P12', 'all JS together, gzip', 'kB', { atMost: 600 }),
  ];
}
