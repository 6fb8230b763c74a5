/**
 * `npm run bench`: everything side by side, one table. `--smoke`: does it run, did both sides of each comparison do
 * equal work; goals are not judged. `--write`: the table goes to docs/bench.md as well. Ends with 1 when a goal is missed
 * or anything fails.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, type } from 'node:os';
import { BENCH_NAMES } from './names.ts';
import { type BenchRow, table, verdict } from './rows.ts';

const known = ['--smoke', '--write'];
const flags = process.argv.slice(2);
const unknown = flags.find((flag) => !known.includes(flag));
if (unknown !== undefined) {
  console.error(`npm run bench -- [--smoke] [--write]; what is ${unknown}?`);
  process.exit(2);
}
const smoke = flags.includes('--smoke');

const loadBefore = loadavg()[0] ?? 0;

/** Each in a process of its own: what one made of the JIT and the heap is not the next one's bill. */
const rows: BenchRow[] = [];
for (const name of BENCH_NAMES) {
  process.stderr.write(`${name} …\n`);
  rows.push(...(await runApart(name)));
}

const missed = rows.filter((row) => verdict(row) === 'miss');
console.log(table(rows, !smoke));
if (smoke) console.log('\nsmoke: it runs, and both sides of each comparison did equal work; goals not judged');
else console.log(missed.length === 0 ? '\nall goals met' : `\n${missed.length} goals missed`);
if (flags.includes('--write')) write();
process.exit(!smoke && missed.length > 0 ? 1 : 0);

async function runApart(name: string): Promise<BenchRow[]> {
  const child = fork(new URL('./one.ts', import.meta.url), [name, ...(smoke ? ['--smoke'] : [])]);
  let told: BenchRow[] | null = null;
  child.on('message', (message) => {
    told = message as BenchRow[];
  });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0 || told === null) throw new Error(`bench: ${name} failed (${status ?? 'killed'})`);
  return told;
}

/** Between the marks of docs/bench.md; what is written around them stays. */
function write(): void {
  const page = new URL('../../docs/bench.md', import.meta.url);
  const begin = '<!-- begin: npm run bench -- --write -->';
  const end = '<!-- end -->';
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error('docs/bench.md has lost the marks around its table');
  const [cpu] = cpus();
  const load = `load ${loadBefore.toFixed(1)} before, ${(loadavg()[0] ?? 0).toFixed(1)} after`;
  const processor = `${cpu?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores`;
  const machine = `${processor}, ${type()}, Node ${process.version}, ${load}`;
  const command = ['npm run bench', ...(flags.length > 0 ? ['--', ...flags] : [])].join(' ');
  const block = [
    begin,
    '',
    `Machine: ${machine}. Date: ${new Date().toISOString().slice(0, 10)}. Command: \`${command}\`.`,
    '',
    table(rows, !smoke),
    '',
  ].join('\n');
  writeFileSync(page, `${text.slice(0, from)}${block}\n${text.slice(to)}`);
}
