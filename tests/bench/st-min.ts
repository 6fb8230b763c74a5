/**
 * P6: a module that asks for STmin 1 ms. Goodput against an exact keeper, and no gap that is too short. In real time: what
 * is measured is how well short waits are kept.
 */
import type { PreciseWait } from '#link/isotp/index.ts';
import { preciseWaitIsolated, preciseWaitPlain } from '../../workers/precise-wait.ts';
import { systemClock } from '../../workers/system-clock.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { Line, type LineOptions, MESSAGE_BYTES, message, openRig, REQUEST_ID, type RigOptions } from './rig.ts';
import { assertEqual, type BenchOptions, type BenchRow, median } from './rows.ts';

const ST_MIN_MS = 1;
/** Gaps differ from their length by rounding only. */
const SAME_MS = 1e-3;

type LineCase = Omit<LineOptions, 'clock'>;

export async function stMinBench({ smoke }: BenchOptions): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  const line: LineCase = { acknowledges: true, queueFrames: 63, tickMs: 1, bitRate: 500_000, stMin: ST_MIN_MS };
  const pdu = message(1).subarray(0, smoke ? 300 : MESSAGE_BYTES);
  const told = await exactKeeper(line, pdu, 'over-usb');
  const sees = await exactKeeper(line, pdu, 'at-once');
  assertEqual('gaps of the keepers that are too short', told.shortGaps + sees.shortGaps, 0);
  const add = (what: string, value: number, unit: BenchRow['unit'], goal: BenchRow['goal'] = null, note?: string) =>
    void rows.push({ id: 'P6', what, value, unit, goal, ...(note ? { note } : {}) });
  add('exact keeper that is told over the same USB line what was sent: per frame', told.msPerFrame, 'ms');
  add('exact keeper that sees the wire, which no host can: per frame', sees.msPerFrame, 'ms');

  for (const acknowledges of [true, false]) {
    const what = line500(acknowledges);
    const exact = new VirtualClock();
    const timeless = await exact.run(() => ownChannel({ ...line, acknowledges, clock: exact }, pdu));
    let shortGaps = timeless.shortGaps;
    add(`${what}, waits without error (virtual time), of the keeper that is told`, share(timeless, told), '%');
    const runs = new Map(STRATEGIES.map(({ name }) => [name, [] as Sent[]]));
    for (let round = 0; round < (smoke ? 1 : 3); round++) {
      const order = round % 2 === 0 ? STRATEGIES : [...STRATEGIES].reverse();
      for (const { name, create } of order) {
        const clock = systemClock();
        runs.get(name)?.push(await ownChannel({ ...line, acknowledges, clock, preciseWait: create() }, pdu));
      }
    }
    for (const { name, atLeast } of STRATEGIES) {
      const all = runs.get(name) ?? [];
      shortGaps += all.reduce((sum, run) => sum + run.shortGaps, 0);
      const middle = { msPerFrame: median(all.map((run) => run.msPerFrame)) };
      const note = `round trip, median ${median(all.map((run) => run.roundTripMs)).toFixed(1)} ms`;
      add(
        `${what}, ${name}, real time on Node, of the keeper that is told`,
        share(middle, told),
        '%',
        { atLeast },
        note,
      );
      add(`${what}, ${name}, real time on Node, of the keeper that sees the wire`, share(middle, sees), '%');
    }
    add(`${what}: gaps shorter than STmin on the wire, all runs`, shortGaps, 'count', { atMost: 0 });
  }
  return rows;
}

const line500 = (acknowledges: boolean) => `STmin 1 ms, tick 1 ms, 500k, ${acknowledges ? 'ACK' : 'no ACK'}`;

const share = (sent: Pick<Sent, 'msPerFrame'>, keeper: Pick<Sent, 'msPerFrame'>) =>
  (100 * keeper.msPerFrame) / sent.msPerFrame;

const STRATEGIES: readonly {
  readonly name: string;
  readonly create: () => PreciseWait;
  readonly atLeast: number;
}[] = [
  { name: 'isolated', create: preciseWaitIsolated, atLeast: 95 },
  { name: 'not isolated', create: preciseWaitPlain, atLeast: 90 },
];

interface Sent {
  /** From the end of the first consecutive frame to the end of the last, per frame. */
  readonly msPerFrame: number;
  readonly shortGaps: number;
  /** Median of those measured at connect. */
  readonly roundTripMs: number;
}

type Counted = Pick<Sent, 'msPerFrame' | 'shortGaps'>;

/** The real stack sends one message. */
async function ownChannel(options: RigOptions, pdu: Uint8Array): Promise<Sent> {
  const rig = await openRig(options);
  try {
    await rig.channel.sendPdu(pdu);
    for (let i = 0; i < 1000 && rig.line.received.length < 1; i++) await options.clock.sleep(5);
    assertEqual('frames dropped', rig.line.device.counters.dropped, 0);
    return { ...judge(rig.line, pdu), roundTripMs: rig.adapter.info.roundTripMs?.median ?? Number.NaN };
  } finally {
    await rig.close();
  }
}

/**
 * The yardstick, in the simulator and in virtual time: waits exactly STmin after each frame's end, then writes the next
 * frame to the same device over the same USB frames. `at-once`: it sees the wire itself. `over-usb`: it learns the end
 * of each frame at the next USB frame, as a program would whose device reports what it sent (reference: performance 5.4).
 */
async function exactKeeper(options: LineCase, pdu: Uint8Array, hears: 'at-once' | 'over-usb'): Promise<Counted> {
  const clock = new VirtualClock();
  return clock.run(async () => {
    const line = await Line.create({ ...options, clock, quantumMs: 0 });
    const { kernel } = line.car;
    const port = line.hostPort.near;
    const lines = keeperLines(pdu);
    const write = (text: string) => port.postMessage({ type: 'bytes', bytes: new TextEncoder().encode(text) });
    let next = 0;
    const sendNext = () => {
      const text = lines[next++];
      if (text !== undefined) write(text);
    };
    line.car.bus.tap(({ frame, endMs }) => {
      if (next === 1 && frame.id === REQUEST_ID) return; // the first frame: the flow control comes next
      const heardMs = hears === 'at-once' ? endMs : Math.ceil(endMs / options.tickMs) * options.tickMs;
      kernel.at(heardMs + (frame.id === REQUEST_ID ? ST_MIN_MS : 0), sendNext);
    });
    port.start?.();
    port.postMessage({ type: 'open', line: { baudRate: 115_200 } });
    await clock.sleep(5);
    write('S6\rO\r');
    await clock.sleep(5);
    sendNext();
    for (let i = 0; i < 1000 && line.received.length < 1; i++) await clock.sleep(5);
    const sent = judge(line, pdu);
    line.close();
    return sent;
  });
}

/** A message as slcan lines, one per frame, written without the stack's own codecs. */
function keeperLines(pdu: Uint8Array): string[] {
  const hex = (bytes: readonly number[]) =>
    bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join('');
  const id = REQUEST_ID.toString(16).toUpperCase();
  const lines = [`t${id}8${hex([0x10 | (pdu.length >> 8), pdu.length & 0xff, ...pdu.subarray(0, 6)])}\r`];
  for (let from = 6, n = 1; from < pdu.length; from += 7, n++) {
    const data = [0x20 | (n & 15), ...pdu.subarray(from, from + 7)];
    while (data.length < 8) data.push(0xcc);
    lines.push(`t${id}8${hex(data)}\r`);
  }
  return lines;
}

function judge(line: Line, pdu: Uint8Array): Counted {
  assertEqual('messages received', line.received.length, 1);
  assertEqual('bytes received', line.received[0]?.length ?? 0, pdu.length);
  assertEqual('frames on the wire', line.wire.length, 2 + Math.ceil((pdu.length - 6) / 7));
  const frames = line.wire.filter(({ frame }) => frame.id === REQUEST_ID && (frame.data[0] ?? 0) >> 4 === 2);
  let shortGaps = 0;
  for (const [i, { startMs }] of frames.entries()) {
    const before = frames[i - 1];
    if (before && startMs - before.endMs < ST_MIN_MS - SAME_MS) shortGaps++;
  }
  const spanMs = (frames.at(-1)?.endMs ?? Number.NaN) - (frames[0]?.endMs ?? Number.NaN);
  return { msPerFrame: spanMs / (frames.length - 1), shortGaps };
}
