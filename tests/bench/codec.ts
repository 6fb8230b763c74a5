/** P3: the slcan codec against the naive one and python-can's. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { assertEqual, type BenchOptions, type BenchRow } from './rows.ts';
import { benchSlcanCodec, slcanBenchText } from './slcan-codec.ts';

/** Debian's own, which `python3-can` is installed for. */
const PYTHON = '/usr/bin/python3';

export function codecBench({ smoke }: BenchOptions): BenchRow[] {
  // In turns: ours, the peer, the peer, ours.
  const measureOwn = () => benchSlcanCodec(smoke ? { frames: 500, rounds: 1 } : {});
  const measurePeer = () => pythonCan(smoke ? 500 : 5000, smoke ? 1 : 9);
  const [ownFirst, peerFirst, peerLast, ownLast] = [measureOwn(), measurePeer(), measurePeer(), measureOwn()];
  const own = {
    decode: between(ownFirst.decode, ownLast.decode),
    encode: between(ownFirst.encode, ownLast.encode),
  };
  const peer = peerFirst && peerLast ? between(peerFirst, peerLast) : null;
  const row = (what: string, value: number | null, unit: BenchRow['unit'], goal: number | null): BenchRow => ({
    id: 'P3',
    what,
    value,
    unit,
    goal: goal === null ? null : { atLeast: goal },
    ...(value === null ? { note: 'not measured here: needs Debian’s python3-can' } : {}),
  });
  return [
    row('slcan decode, naive string codec ÷ ours', own.decode.ratio, '×', 8),
    row('slcan encode, naive string codec ÷ ours', own.encode.ratio, '×', 20),
    row('slcan decode, python-can ÷ ours', peer && peer.decodeUs / own.decode.oursUs, '×', 40),
    row('slcan encode, python-can ÷ ours', peer && peer.encodeUs / own.encode.oursUs, '×', 40),
    row('slcan decode, ours, per frame', own.decode.oursUs, 'µs', null),
    row('slcan encode, ours, per frame', own.encode.oursUs, 'µs', null),
    row('slcan decode, python-can, per frame', peer?.decodeUs ?? null, 'µs', null),
    row('slcan encode, python-can, per frame', peer?.encodeUs ?? null, 'µs', null),
  ];
}

/** The mean of each number of both. */
function between<T extends Readonly<Record<string, number>>>(a: T, b: T): T {
  return Object.fromEntries(Object.entries(a).map(([key, value]) => [key, (value + (b[key] ?? Number.NaN)) / 2])) as T;
}

function pythonCan(frames: number, rounds: number): { encodeUs: number; decodeUs: number } | null {
  if (!existsSync(PYTHON)) return null;
  const imports = spawnSync(PYTHON, ['-c', 'from can.interfaces.slcan import slcanBus']);
  if (imports.status !== 0) return null;
  const { text, sum } = slcanBenchText(frames);
  const script = new URL('./python_can_codec.py', import.meta.url).pathname;
  const run = spawnSync(PYTHON, [script, String(rounds)], { input: text, encoding: 'utf8', timeout: 120_000 });
  if (run.status !== 0) throw new Error(`bench: python-can: ${run.stderr}`);
  const told = JSON.parse(run.stdout) as Record<'frames' | 'bytes' | 'sum' | 'encodeUs' | 'decodeUs', number>;
  assertEqual('frames of python-can', told.frames, frames);
  assertEqual('bytes of python-can', told.bytes, text.length);
  assertEqual('sum over the frames of python-can', told.sum, sum);
  return told;
}
