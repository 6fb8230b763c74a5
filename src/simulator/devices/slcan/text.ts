import { hexDigit } from '#base/hex.ts';
import type { ByteQueue } from '#simulator/devices/byte-queue.ts';
import type { CanFrame } from '#simulator/frame-bits.ts';

export const CR = 0x0d;
export const BEL = 0x07;

/** `t7E8803410C1AF8000000\r`; with a time stamp in ms (0–59999) after the data when given. */
export function writeFrame(out: ByteQueue, frame: CanFrame, stampMs?: number): void {
  const verb = frame.rtr ? 'r' : 't';
  out.text(frame.extended ? verb.toUpperCase() : verb);
  out.hex(frame.id, frame.extended ? 8 : 3);
  out.hex(frame.data.length, 1);
  if (!frame.rtr) for (const byte of frame.data) out.hex(byte, 2);
  if (stampMs !== undefined) out.hex(Math.floor(stampMs) % 60_000, 4);
  out.push(CR);
}

/**
 * Reads a frame from nibbles (`line[0]` the verb, the rest digit values). `length` = how far the line may be read:
 * a CANable reads on into what an earlier line left there.
 */
export function readFrame(line: Uint8Array, length: number): CanFrame | undefined {
  const verb = String.fromCharCode(line[0] ?? 0);
  const extended = verb === 'T' || verb === 'R';
  const rtr = verb === 'r' || verb === 'R';
  const idDigits = extended ? 8 : 3;
  if (length < 2 + idDigits) return undefined;
  let id = 0;
  for (let i = 1; i <= idDigits; i++) id = id * 16 + (line[i] ?? 0);
  const dlc = line[1 + idDigits] ?? 0;
  if (dlc > 8 || id > (extended ? 0x1fffffff : 0x7ff)) return undefined;
  const start = 2 + idDigits;
  if (!rtr && length < start + 2 * dlc) return undefined;
  const data = new Uint8Array(dlc);
  if (!rtr) for (let i = 0; i < dlc; i++) data[i] = ((line[start + 2 * i] ?? 0) << 4) | (line[start + 2 * i + 1] ?? 0);
  return { id, extended, rtr, data };
}

/** Turns the characters after the verb into digit values in place; false when one is no hex digit. */
export function digitsInPlace(line: Uint8Array, length: number): boolean {
  let clean = true;
  for (let i = 1; i < length; i++) {
    const digit = hexDigit(line[i] ?? 0);
    if (digit < 0) clean = false;
    line[i] = Math.max(digit, 0);
  }
  return clean;
}
