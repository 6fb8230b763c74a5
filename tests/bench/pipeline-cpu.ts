/**
 * P2: CPU per frame of the whole stack (transport, driver, link, ISO-TP channel) against a straightforward pipeline
 * (plain-pipeline.ts) on the same device. Time is virtual, so that neither waits: only work is counted, and the turns of
 * the event loop that both need.
 */
import { createSlcanDriver } from '#adapters/drivers/slcan/driver.ts';
import { openSimulated } from '#adapters/transports/simulated.ts';
import { DEFAULT_ISOTP_OPTIONS } from '#contract/isotp.ts';
import { openIsoTpChannel } from '#link/isotp/index.ts';
import { portPair } from '../support/port-pair.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { CheapDevice } from './cheap-device.ts';
import { PlainPipeline } from './plain-pipeline.ts';
import { FRAMES_PER_MESSAGE, MESSAGE_BYTES, message, REQUEST_ID, RESPONSE_ID } from './rig.ts';
import { assertEqual, type BenchOptions, type BenchRow, median } from './rows.ts';

const QUEUE_FRAMES = 63;
/** Of a typical 11-bit frame at 500 kbit/s. */
const FRAME_MS = 116.4 / 500;

interface Case {
  readonly direction: 'send' | 'receive';
  readonly acknowledges: boolean;
}

/** What both must have in common. */
interface Work {
  readonly frames: number;
  readonly checksum: number;
  readonly delivered: number;
}

interface Pipeline {
  send(pdu: Uint8Array): Promise<void>;
  readonly device: CheapDevice;
  readonly delivered: () => number;
  onDelivered(run: () => void): void;
}

export async function pipelineCpuBench({ smoke }: BenchOptions): Promise<BenchRow[]> {
  const rounds = smoke ? 1 : 15;
  const messages = smoke ? 2 : 30;
  const rows: BenchRow[] = [];
  const cases: readonly Case[] = [
    { direction: 'send', acknowledges: true },
    { direction: 'send', acknowledges: false },
    { direction: 'receive', acknowledges: true },
  ];
  for (const it of cases) {
    const own: number[] = [];
    const plain: number[] = [];
    for (let round = smoke ? 0 : -2; round < rounds; round++) {
      const sides = [
        { open: ownPipeline, times: own },
        { open: plainPipeline, times: plain },
      ];
      const work: Work[] = [];
      for (const { open, times } of round % 2 === 0 ? sides : sides.reverse()) {
        const { us, ...done } = await oneRound(open, it, messages);
        work.push(done);
        if (round >= 0) times.push(us / (messages * FRAMES_PER_MESSAGE));
      }
      const [a, b] = work.map(({ frames, checksum, delivered }) => `${frames} frames, ${checksum}, ${delivered} bytes`);
      assertEqual('work of the two pipelines', a ?? '', b ?? 'none');
    }
    const what = `4095 B, ${it.direction === 'send' ? 'requests' : 'received'}, ${it.acknowledges ? 'ACK' : 'no ACK'}`;
    const [ownUs, plainUs] = [median(own), median(plain)];
    rows.push(
      {
        id: 'P2',
        what: `stack ÷ plain pipeline, CPU, ${what}`,
        value: ownUs / plainUs,
        unit: '×',
        goal: { atMost: 1.6 },
      },
      { id: 'P2', what: `stack, CPU per frame, ${what}`, value: ownUs, unit: 'µs', goal: null },
      { id: 'P2', what: `plain pipeline, CPU per frame, ${what}`, value: plainUs, unit: 'µs', goal: null },
    );
  }
  return rows;
}

async function oneRound(open: typeof ownPipeline, it: Case, messages: number): Promise<Work & { readonly us: number }> {
  const clock = new VirtualClock({ idleTurns: 1 });
  const pipeline = await clock.run(() => open(clock, it));
  const pdu = message(1);
  const lines = it.direction === 'receive' ? asLines(pdu) : new Uint8Array(0);
  await new Promise((resolve) => setImmediate(resolve));
  const before = process.cpuUsage();
  await clock.run(async () => {
    for (let i = 0; i < messages; i++) {
      if (it.direction === 'send') await pipeline.send(pdu);
      else
        await new Promise<void>((resolve) => {
          pipeline.onDelivered(resolve);
          pipeline.device.transmit(lines);
        });
    }
  });
  const { user, system } = process.cpuUsage(before);
  const { frames, checksum } = pipeline.device;
  const expected = it.direction === 'send' ? messages * (FRAMES_PER_MESSAGE - 1) : messages;
  assertEqual('frames from the host', frames, expected);
  assertEqual('bytes received', pipeline.delivered(), it.direction === 'send' ? 0 : messages * MESSAGE_BYTES);
  return { us: user + system, frames, checksum, delivered: pipeline.delivered() };
}

async function ownPipeline(clock: VirtualClock, { acknowledges }: Case): Promise<Pipeline> {
  const { near, far } = portPair();
  const device = new CheapDevice(clock, far, acknowledges, FRAME_MS);
  const transport = await openSimulated(near, { baudRate: 115_200 }, { clock });
  const driver = createSlcanDriver({ queueFrames: QUEUE_FRAMES });
  const adapter = await driver.open(transport, { clock });
  const can = await adapter?.can?.open({ bitRate: 500_000 });
  if (!can) throw new Error('bench: the device was not recognised');
  const channel = openIsoTpChannel(
    can,
    { format: 'normal', requestId: REQUEST_ID, responseId: RESPONSE_ID, extendedId: false },
    DEFAULT_ISOTP_OPTIONS,
    clock,
  );
  let delivered = 0;
  let tell: () => void = () => undefined;
  channel.onEvent((event) => {
    if (event.type !== 'message') return;
    delivered += event.pdu.length;
    tell();
  });
  return {
    device,
    send: (pdu) => channel.sendPdu(pdu),
    delivered: () => delivered,
    onDelivered: (run) => {
      tell = run;
    },
  };
}

async function plainPipeline(clock: VirtualClock, { acknowledges }: Case): Promise<Pipeline> {
  const { near, far } = portPair();
  const device = new CheapDevice(clock, far, acknowledges, FRAME_MS);
  let delivered = 0;
  let tell: () => void = () => undefined;
  const pipeline = new PlainPipeline(near, {
    clock,
    acknowledges,
    windowFrames: QUEUE_FRAMES - 11, // the driver's own margin
    frameMs: FRAME_MS,
    requestId: REQUEST_ID,
    onMessage: (pdu) => {
      delivered += pdu.length;
      tell();
    },
  });
  return {
    device,
    send: (pdu) => pipeline.send(pdu),
    delivered: () => delivered,
    onDelivered: (run) => {
      tell = run;
    },
  };
}

/** The ECU's message as slcan lines. */
function asLines(pdu: Uint8Array): Uint8Array {
  const lines: string[] = [];
  const line = (bytes: readonly number[]) =>
    void lines.push(`t7E88${Buffer.from(bytes).toString('hex').toUpperCase().padEnd(16, 'A')}\r`);
  line([0x10 | (pdu.length >> 8), pdu.length & 0xff, ...pdu.subarray(0, 6)]);
  for (let from = 6, n = 1; from < pdu.length; from += 7, n++) line([0x20 | (n & 15), ...pdu.subarray(from, from + 7)]);
  return new TextEncoder().encode(lines.join(''));
}
