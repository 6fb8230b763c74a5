/**
 * CPU of the ISO-TP machine per frame, against a straightforward batch pipeline that knows no errors, in the same run
 * (goal P2 for this layer; reference: performance 4). Both cut a message into frames and put the frames together again.
 */
import type { CanFrame } from '#contract/adapter.ts';
import { DEFAULT_ISOTP_OPTIONS, type IsoTpAddress } from '#contract/isotp.ts';
import { IsoTpMachine } from '#link/isotp/machine.ts';

export interface BenchRow {
  readonly id: string;
  readonly name: string;
  readonly value: number;
  /** The largest value that is good; null = reported only. */
  readonly goal: number | null;
  readonly unit: string;
}

export interface IsoTpBenchOptions {
  readonly messageBytes?: number;
  readonly messagesPerRound?: number;
  /** The two take turns; medians over the rounds count. */
  readonly rounds?: number;
}

const TESTER: IsoTpAddress = { format: 'normal', requestId: 0x7e0, responseId: 0x7e8, extendedId: false };
const ECU: IsoTpAddress = { format: 'normal', requestId: 0x7e8, responseId: 0x7e0, extendedId: false };

/** Two machines joined without a wire: one sends, one receives. Returns the count of frames. */
export function machineRound(pdu: Uint8Array, messages: number): number {
  let frames = 0;
  let delivered = 0;
  const nobody = () => undefined;
  const toEcu: { frames: readonly CanFrame[]; token: number }[] = [];
  const toTester: { frames: readonly CanFrame[]; token: number }[] = [];
  const actions = (out: { frames: readonly CanFrame[]; token: number }[]) => ({
    handOver: (batch: readonly CanFrame[], token: number) => void out.push({ frames: batch, token }),
    answer: (batch: readonly CanFrame[], token: number) => void out.push({ frames: batch, token }),
    started: nobody,
    deliver: (_source: string, whole: Uint8Array) => {
      delivered += whole.length;
    },
    receptionFailed: nobody,
    sent: nobody,
    sendFailed: nobody,
  });
  const tester = new IsoTpMachine(TESTER, DEFAULT_ISOTP_OPTIONS, 500_000, actions(toEcu));
  const ecu = new IsoTpMachine(ECU, DEFAULT_ISOTP_OPTIONS, 500_000, actions(toTester));
  for (let i = 0; i < messages; i++) {
    tester.send(pdu, i);
    while (toEcu.length > 0 || toTester.length > 0) {
      const down = toEcu.shift();
      if (down) {
        frames += down.frames.length;
        tester.confirmed(down.token, i, i);
        for (const frame of down.frames) ecu.onFrame(frame, i);
      }
      const up = toTester.shift();
      if (up) {
        frames += up.frames.length;
        ecu.confirmed(up.token, i, i);
        for (const frame of up.frames) tester.onFrame(frame, i);
      }
    }
  }
  if (delivered !== pdu.length * messages) throw new Error(`machine delivered ${delivered} bytes`);
  return frames;
}

/** The yardstick: all frames of a message into one array, all frames of the array into one message; the same byte loops. */
export function plainRound(pdu: Uint8Array, messages: number): number {
  let frames = 0;
  let delivered = 0;
  for (let i = 0; i < messages; i++) {
    const batch = plainFrames(pdu);
    batch.splice(1, 0, { id: 0x7e8, extended: false, data: Uint8Array.of(0x30, 0, 0, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc) });
    frames += batch.length;
    delivered += plainMessage(batch).length;
  }
  if (delivered !== pdu.length * messages) throw new Error(`plain pipeline delivered ${delivered} bytes`);
  return frames;
}

export async function isotpBench(options: IsoTpBenchOptions = {}): Promise<BenchRow[]> {
  const { messageBytes = 4095, messagesPerRound = 60, rounds = 15 } = options;
  const pdu = Uint8Array.from({ length: messageBytes }, (_, i) => i & 0xff);
  const machine: number[] = [];
  const plain: number[] = [];
  for (let round = -3; round < rounds; round++) {
    const order = round % 2 === 0 ? [machineRound, plainRound] : [plainRound, machineRound];
    for (const run of order) {
      const from = performance.now();
      const frames = run(pdu, messagesPerRound);
      const microseconds = ((performance.now() - from) * 1000) / frames;
      if (round >= 0) (run === machineRound ? machine : plain).push(microseconds);
    }
    await new Promise((resolve) => setImmediate(resolve)); // garbage of one round is not the next one's bill
  }
  const machineUs = median(machine);
  const plainUs = median(plain);
  return [
    {
      id: 'P2',
      name: 'ISO-TP machine ÷ plain batch pipeline, CPU per frame',
      value: machineUs / plainUs,
      goal: 1.6,
      unit: '×',
    },
    { id: 'P2', name: 'ISO-TP machine, both ends, CPU per frame', value: machineUs, goal: null, unit: 'µs' },
    { id: 'P2', name: 'plain batch pipeline, both ends, CPU per frame', value: plainUs, goal: null, unit: 'µs' },
  ];
}

function plainFrames(pdu: Uint8Array): CanFrame[] {
  const first = new Uint8Array(8);
  first[0] = 0x10 | (pdu.length >> 8);
  first[1] = pdu.length & 0xff;
  first.set(pdu.subarray(0, 6), 2);
  const frames: CanFrame[] = [{ id: 0x7e0, extended: false, data: first }];
  for (let from = 6, n = 1; from < pdu.length; from += 7, n++) {
    const data = new Uint8Array(8);
    const size = Math.min(7, pdu.length - from);
    if (size < 7) data.fill(0xcc);
    data[0] = 0x20 | (n & 0x0f);
    for (let i = 0; i < size; i++) data[1 + i] = pdu[from + i] ?? 0;
    frames.push({ id: 0x7e0, extended: false, data });
  }
  return frames;
}

function plainMessage(frames: readonly CanFrame[]): Uint8Array {
  let message = new Uint8Array(0);
  let filled = 0;
  for (const { data } of frames) {
    const pci = data[0] ?? 0;
    if (pci >> 4 === 1) {
      message = new Uint8Array(((pci & 0x0f) << 8) | (data[1] ?? 0));
      message.set(data.subarray(2));
      filled = 6;
    } else if (pci >> 4 === 2) {
      const size = Math.min(7, message.length - filled);
      for (let i = 0; i < size; i++) message[filled + i] = data[1 + i] ?? 0;
      filled += size;
    }
  }
  return message;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

if (process.argv[1] === import.meta.filename) {
  for (const row of await isotpBench())
    console.log(
      `${row.id}  ${row.name}: ${row.value.toFixed(3)} ${row.unit}${row.goal === null ? '' : ` (goal ≤ ${row.goal})`}`,
    );
}
