/** P1: how much of the wire a stream of long messages gets, and that nothing is dropped on the way. */
import type { Clock } from '#base/clock.ts';
import { PLAIN_ISOTP } from '#simulator/isotp-server.ts';
import { systemClock } from '../../workers/system-clock.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { FRAMES_PER_MESSAGE, message, openRig, type Rig, type RigOptions } from './rig.ts';
import { assertEqual, type BenchOptions, type BenchRow, median } from './rows.ts';

type Case = Omit<RigOptions, 'clock' | 'stMin' | 'preciseWait'> & {
  readonly direction: 'send' | 'receive';
  readonly goalPercent: number | null;
};

export async function wireShareBench({ smoke }: BenchOptions): Promise<BenchRow[]> {
  const messages = smoke ? 1 : 10;
  const rows: BenchRow[] = [];
  let drops = 0;
  const row = (it: Case, where: string, share: number): BenchRow => ({
    id: 'P1',
    what: `${label(it)}, ${where}`,
    value: 100 * share,
    unit: '%',
    goal: it.goalPercent === null ? null : { atLeast: it.goalPercent },
  });
  for (const it of cases()) {
    const clock = new VirtualClock();
    const result = await clock.run(() => measure(it, clock, messages));
    drops += result.dropped;
    rows.push(row(it, 'virtual time', result.share));
  }
  // The same in real time, simulator and stack in one thread: a stack that needed too much CPU would show here.
  // Not in a smoke run, which shares its machine with everything else.
  for (const acknowledges of smoke ? [] : [true, false]) {
    const it: Case = { ...CDC_500, direction: 'send', acknowledges, queueFrames: 63, goalPercent: null };
    const shares: number[] = [];
    for (let round = 0; round < 3; round++) {
      const result = await measure(it, systemClock(), 6);
      drops += result.dropped;
      shares.push(result.share);
    }
    rows.push(row(it, 'real time', median(shares)));
  }
  if (smoke) assertEqual('frames dropped', drops, 0);
  rows.push({ id: 'P1', what: 'frames dropped in all of the above', value: drops, unit: 'count', goal: { atMost: 0 } });
  return rows;
}

const CDC_500 = { tickMs: 1, bitRate: 500_000 } as const;
const CDC_1M = { tickMs: 1, bitRate: 1_000_000 } as const;
const FTDI_500 = { tickMs: 16, bitRate: 500_000 } as const;

function* cases(): Generator<Case> {
  for (const acknowledges of [true, false])
    for (const [path, goal27, goal63] of [
      [CDC_500, 98, 98],
      [CDC_1M, 95, 95],
      [FTDI_500, null, 80],
    ] as const) {
      yield { ...path, direction: 'send', acknowledges, queueFrames: 27, goalPercent: goal27 };
      yield { ...path, direction: 'send', acknowledges, queueFrames: 63, goalPercent: goal63 };
    }
  // As the product opens such a device today: nobody tells the driver its queue.
  for (const path of [CDC_500, FTDI_500])
    yield { ...path, direction: 'send', acknowledges: true, queueFrames: 63, asShipped: true, goalPercent: null };
  for (const [path, goalPercent] of [
    [CDC_500, 98],
    [CDC_1M, 95],
    [FTDI_500, 80],
  ] as const)
    yield { ...path, direction: 'receive', acknowledges: true, queueFrames: 63, goalPercent };
}

function label({ direction, acknowledges, queueFrames, tickMs, bitRate, asShipped }: Case): string {
  const rate = bitRate === 1_000_000 ? '1M' : '500k';
  const what = direction === 'send' ? 'requests of 4095 B' : 'messages of 4095 B received';
  return `${what}, ${acknowledges ? 'ACK' : 'no ACK'}, queue ${queueFrames}${asShipped ? ' (driver not told)' : ''}, tick ${tickMs} ms, ${rate}`;
}

/** Share of the wire: what the frames on it needed at the least ÷ what they took, from the first call to the end. */
async function measure(it: Case, clock: Clock, messages: number): Promise<{ share: number; dropped: number }> {
  const rig = await openRig({ ...it, clock });
  try {
    const { line, can } = rig;
    const pdus = Array.from({ length: messages }, (_, i) => message(i + 1));
    const startMs = clock.now();
    const endMs = await (it.direction === 'send' ? sendAll : receiveAll)(rig, pdus, clock);
    const dropped = line.device.counters.dropped + can.counters.dropped;
    if (dropped === 0) assertEqual(`frames on the wire, ${label(it)}`, line.wire.length, messages * FRAMES_PER_MESSAGE);
    return { share: line.wireMs / (endMs - startMs), dropped };
  } finally {
    await rig.close();
  }
}

async function sendAll({ line, channel }: Rig, pdus: readonly Uint8Array[], clock: Clock): Promise<number> {
  for (const pdu of pdus) await channel.sendPdu(pdu);
  for (let i = 0; i < 1000 && line.received.length < pdus.length; i++) await clock.sleep(5); // what is still queued
  if (line.device.counters.dropped === 0) assertSame(line.received, pdus); // a drop has its own row
  return line.lastEndMs;
}

async function receiveAll({ line, channel }: Rig, pdus: readonly Uint8Array[], clock: Clock): Promise<number> {
  const received: Uint8Array[] = [];
  return new Promise((resolve, reject) => {
    channel.onEvent((event) => {
      if (event.type === 'failed') reject(event.error);
      if (event.type !== 'message') return;
      received.push(event.pdu);
      if (received.length < pdus.length) return;
      assertSame(received, pdus);
      resolve(clock.now());
    });
    for (const pdu of pdus) line.ecu.send(pdu, PLAIN_ISOTP);
  });
}

function assertSame(received: readonly Uint8Array[], sent: readonly Uint8Array[]): void {
  assertEqual('messages received', received.length, sent.length);
  for (const [i, pdu] of sent.entries())
    if (Buffer.compare(pdu, received[i] ?? new Uint8Array()) !== 0) throw new Error(`bench: message ${i} differs`);
}
