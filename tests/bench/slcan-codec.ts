import { SlcanDecoder, type SlcanEvents } from '#adapters/drivers/slcan/decoder.ts';
import { encodeFrames } from '#adapters/drivers/slcan/encoder.ts';
import { seededRandom } from '#base/random.ts';
import type { CanFrame } from '#contract/adapter.ts';

/** Microseconds per frame: ours and the naive string codec's, alternating, medians of the rounds (goal P3). */
export interface SlcanCodecResult {
  readonly frames: number;
  readonly encode: { readonly oursUs: number; readonly naiveUs: number; readonly ratio: number };
  readonly decode: { readonly oursUs: number; readonly naiveUs: number; readonly ratio: number };
}

const CHUNK_BYTES = 1024;
const BATCH_FRAMES = 16;

/**
 * Encodes and decodes the same frames with both codecs and checks that both give the same bytes and the same frames:
 * equal counts, else the ratio means nothing.
 */
export function benchSlcanCodec(
  options: { readonly frames?: number; readonly rounds?: number } = {},
): SlcanCodecResult {
  const { frames: count = 20_000, rounds = 15 } = options;
  const frames = someFrames(count);
  const text = frames.map(naiveEncode).join('');
  const chunks: Uint8Array[] = [];
  const whole = new TextEncoder().encode(text);
  for (let at = 0; at < whole.length; at += CHUNK_BYTES) chunks.push(whole.slice(at, at + CHUNK_BYTES));

  const read = frames.reduce((sum, { id, data }) => sum + look(id, data), 0);

  const times = {
    ourEncode: [] as number[],
    naiveEncode: [] as number[],
    ourDecode: [] as number[],
    naiveDecode: [] as number[],
  };
  for (let round = -1; round < rounds; round++) {
    times.naiveEncode.push(timed(count, () => naiveEncodeAll(frames), whole.length));
    times.ourEncode.push(timed(count, () => encodeAll(frames), whole.length));
    times.naiveDecode.push(timed(count, () => naiveDecodeAll(chunks), read));
    times.ourDecode.push(timed(count, () => decodeAll(chunks), read));
  }
  for (const all of Object.values(times)) all.shift(); // the first round only warms up
  const compare = (ours: readonly number[], naive: readonly number[]) => {
    const [oursUs, naiveUs] = [median(ours), median(naive)];
    return { oursUs, naiveUs, ratio: naiveUs / oursUs };
  };
  return {
    frames: count,
    encode: compare(times.ourEncode, times.naiveEncode),
    decode: compare(times.ourDecode, times.naiveDecode),
  };
}

/** The frames of the bench as slcan lines, and the sum that shows that all were read: for a peer in another process. */
export function slcanBenchText(count: number): { readonly text: string; readonly sum: number } {
  const frames = someFrames(count);
  return {
    text: frames.map(naiveEncode).join(''),
    sum: frames.reduce((sum, { id, data }) => sum + look(id, data), 0),
  };
}

/** Consecutive frames as a long message has them, ids of tester and module, some with 29 bits. */
function someFrames(count: number): CanFrame[] {
  const random = seededRandom(3);
  return Array.from({ length: count }, (_, i) => ({
    id: i % 8 === 7 ? 0x18da10f1 : 0x7e0,
    extended: i % 8 === 7,
    data: Uint8Array.from({ length: 8 }, () => random.below(256)),
  }));
}

function timed(count: number, work: () => number, expected: number): number {
  const start = performance.now();
  const got = work();
  const us = ((performance.now() - start) * 1000) / count;
  if (got !== expected) throw new Error(`slcan codec bench: ${got} instead of ${expected}`);
  return us;
}

function encodeAll(frames: readonly CanFrame[]): number {
  let bytes = 0;
  for (let at = 0; at < frames.length; at += BATCH_FRAMES)
    bytes += encodeFrames(frames, at, Math.min(frames.length, at + BATCH_FRAMES)).length;
  return bytes;
}

/** As a link's listener does: every frame is looked at and let go. The sum over ids and bytes shows that all were read. */
function decodeAll(chunks: readonly Uint8Array[]): number {
  let sum = 0;
  const ignore = () => undefined;
  const events: SlcanEvents = {
    frame: (id, _extended, data) => {
      sum += look(id, data);
    },
    remoteFrame: ignore,
    ack: ignore,
    nak: ignore,
    transmitAck: ignore,
    flags: ignore,
    errorLine: ignore,
    stateLine: ignore,
    text: ignore,
    malformed: ignore,
  };
  const decoder = new SlcanDecoder(events);
  for (const chunk of chunks) decoder.push(chunk);
  return sum;
}

function look(id: number, data: Uint8Array): number {
  return (id & 0xff) + (data[0] ?? 0) + (data[data.length - 1] ?? 0) + data.length;
}

// The naive codec: strings, as one writes it first ----------------------------------------------------------------

function naiveEncode(frame: CanFrame): string {
  const verb = frame.extended ? 'T' : 't';
  const id = frame.id
    .toString(16)
    .toUpperCase()
    .padStart(frame.extended ? 8 : 3, '0');
  const data = Array.from(frame.data, (byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join('');
  return `${verb}${id}${frame.data.length}${data}\r`;
}

function naiveEncodeAll(frames: readonly CanFrame[]): number {
  const encoder = new TextEncoder();
  let bytes = 0;
  for (const frame of frames) bytes += encoder.encode(naiveEncode(frame)).length;
  return bytes;
}

function naiveDecodeAll(chunks: readonly Uint8Array[]): number {
  let sum = 0;
  const decoder = new TextDecoder();
  let pending = '';
  for (const chunk of chunks) {
    pending += decoder.decode(chunk, { stream: true });
    const lines = pending.split('\r');
    pending = lines.pop() ?? '';
    for (const line of lines) {
      const frame = naiveDecode(line);
      if (frame) sum += look(frame.id, frame.data);
    }
  }
  return sum;
}

function naiveDecode(line: string): CanFrame | null {
  const extended = line[0] === 'T';
  if (!extended && line[0] !== 't') return null;
  const idDigits = extended ? 8 : 3;
  const lengthBytes = Number.parseInt(line[1 + idDigits] ?? '', 16);
  const data = new Uint8Array(lengthBytes);
  for (let i = 0; i < lengthBytes; i++) {
    const at = 2 + idDigits + 2 * i;
    data[i] = Number.parseInt(line.slice(at, at + 2), 16);
  }
  return { id: Number.parseInt(line.slice(1, 1 + idDigits), 16), extended, data };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
