import type { CanFrame } from '#contract/adapter.ts';
import { StackError } from '#contract/errors.ts';

/** `t` + 3 digits + length + 16 digits + CR, and the same with `T` and 8 digits. */
export const STANDARD_LINE_BYTES = 22;
export const EXTENDED_LINE_BYTES = 27;

const CR = 0x0d;
const HEX_DIGITS = new Uint8Array(16);
/** Two ASCII digits of each byte, the high one in the low half: the order in which they are stored. */
const HEX_PAIRS = new Uint16Array(256);
for (let digit = 0; digit < 16; digit++) HEX_DIGITS[digit] = digit.toString(16).toUpperCase().charCodeAt(0);
for (let byte = 0; byte < 256; byte++) {
  HEX_PAIRS[byte] = (HEX_DIGITS[byte >> 4] ?? 0) | ((HEX_DIGITS[byte & 0x0f] ?? 0) << 8);
}

/**
 * Checks what the wire cannot carry before a single byte of the batch leaves.
 * @throws StackError `adapter/unsupported` naming the first frame that is not a classic data frame.
 */
export function checkFrames(frames: readonly CanFrame[]): void {
  for (const { id, extended, data } of frames) {
    const highest = extended ? 0x1fffffff : 0x7ff;
    if (!Number.isInteger(id) || id < 0 || id > highest) {
      const ability = `CAN id ${id.toString(16).toUpperCase()} with ${extended ? 29 : 11} bits`;
      throw new StackError('adapter/unsupported', `slcan cannot send ${ability}`, { ability });
    }
    if (data.length > 8) {
      const ability = `a CAN frame of ${data.length} bytes`;
      throw new StackError('adapter/unsupported', `slcan cannot send ${ability}: classic frames hold 8`, { ability });
    }
  }
}

/** Lines are written into slabs of this size: one large buffer is cheaper than a thousand small ones. */
const SLAB_BYTES = 32 * 1024;
let slab = new Uint8Array(0);
let slabView = new DataView(slab.buffer);
let slabUsedBytes = 0;

/**
 * Frames `from` to `to` (exclusive) as one array of whole lines: many frames, one write, no strings
 * (reference: performance 5.3, 5.6). The frames were checked by `checkFrames`. The array is a part of a larger buffer
 * that is never written twice: it may be kept, but not transferred.
 */
export function encodeFrames(frames: readonly CanFrame[], from = 0, to = frames.length): Uint8Array {
  const mostBytes = (to - from) * EXTENDED_LINE_BYTES;
  if (slabUsedBytes + mostBytes > slab.length) {
    slab = new Uint8Array(Math.max(SLAB_BYTES, mostBytes));
    slabView = new DataView(slab.buffer);
    slabUsedBytes = 0;
  }
  const start = slabUsedBytes;
  let at = start;
  for (let i = from; i < to; i++) {
    const frame = frames[i];
    if (frame) at = encodeFrame(slabView, at, frame);
  }
  slabUsedBytes = at;
  return slab.subarray(start, at);
}

/** Two digits per store. The tables are indexed within their size: id and bytes were checked. */
function encodeFrame(bytes: DataView, start: number, frame: CanFrame): number {
  const { id, data } = frame;
  const lengthBytes = data.length;
  let at = start;
  if (frame.extended) {
    bytes.setUint8(at, 0x54);
    bytes.setUint16(at + 1, HEX_PAIRS[id >>> 24] as number, true);
    bytes.setUint16(at + 3, HEX_PAIRS[(id >>> 16) & 0xff] as number, true);
    bytes.setUint16(at + 5, HEX_PAIRS[(id >>> 8) & 0xff] as number, true);
    bytes.setUint16(at + 7, HEX_PAIRS[id & 0xff] as number, true);
    at += 9;
  } else {
    bytes.setUint16(at, 0x74 | ((HEX_DIGITS[id >> 8] as number) << 8), true);
    bytes.setUint16(at + 2, HEX_PAIRS[id & 0xff] as number, true);
    at += 4;
  }
  bytes.setUint8(at++, 0x30 + lengthBytes);
  for (let i = 0; i < lengthBytes; i++) {
    bytes.setUint16(at, HEX_PAIRS[data[i] as number] as number, true);
    at += 2;
  }
  bytes.setUint8(at++, CR);
  return at;
}

/** A command line. Never empty: a bare CR makes a CANable repeat its last frame (reference: adapters C.2). */
export function encodeCommand(text: string): Uint8Array {
  if (!/^[\x21-\x7e]+$/.test(text)) throw new RangeError(`slcan: not a command: ${JSON.stringify(text)}`);
  const bytes = new Uint8Array(text.length + 1);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  bytes[text.length] = CR;
  return bytes;
}
