/**
 * The frames of ISO 15765-2 on classic CAN (reference: adapters J.1). With an address byte all shifts by one:
 *
 *     SF   0L d d d d d d d            L 1–7
 *     FF   1L LL d d d d d d           12-bit length
 *     FF   10 00 LL LL LL LL d d       32-bit escape length, only above 4095
 *     CF   2N d d d d d d d            N 1…F, 0, 1…
 *     FC   3S BS ST                    S 0 CTS, 1 WAIT, 2 OVFLW
 */
import type { CanFrame } from '#contract/adapter.ts';
import type { FrameLayout } from './layout.ts';

export const FRAME_BYTES = 8;
export const LONGEST_PLAIN_LENGTH = 4095;

export const FLOW_CONTINUE = 0;
export const FLOW_WAIT = 1;
export const FLOW_OVERFLOW = 2;

/** The message in one frame; it must fit (`capacityOf(layout).single`). */
export function singleFrame(layout: FrameLayout, padding: number | null, pdu: Uint8Array): CanFrame {
  const at = pciAt(layout);
  const data = startFrame(layout, at + 1 + pdu.length, padding);
  data[at] = pdu.length;
  data.set(pdu, at + 1);
  return frame(layout, data);
}

/** The start of a segmented message, always 8 bytes. `payloadBytes` says how much of the message it carries. */
export function firstFrame(layout: FrameLayout, pdu: Uint8Array): { frame: CanFrame; payloadBytes: number } {
  const at = pciAt(layout);
  const data = startFrame(layout, FRAME_BYTES, null);
  const length = pdu.length;
  const escaped = length > LONGEST_PLAIN_LENGTH;
  if (escaped) {
    data[at] = 0x10;
    new DataView(data.buffer).setUint32(at + 2, length);
  } else {
    data[at] = 0x10 | (length >> 8);
    data[at + 1] = length & 0xff;
  }
  const from = at + (escaped ? 6 : 2);
  data.set(pdu.subarray(0, FRAME_BYTES - from), from);
  return { frame: frame(layout, data), payloadBytes: FRAME_BYTES - from };
}

/** Up to `count` consecutive frames from `offset` of the message on, the first with sequence number `sequence`. */
export function consecutiveFrames(
  layout: FrameLayout,
  padding: number | null,
  pdu: Uint8Array,
  offset: number,
  sequence: number,
  count: number,
): CanFrame[] {
  const at = pciAt(layout);
  const room = FRAME_BYTES - at - 1;
  const frames: CanFrame[] = [];
  let from = offset;
  for (let i = 0; i < count && from < pdu.length; i++) {
    const size = Math.min(room, pdu.length - from);
    const data = startFrame(layout, at + 1 + size, padding);
    data[at] = 0x20 | ((sequence + i) & 0x0f);
    for (let k = 0; k < size; k++) data[at + 1 + k] = pdu[from + k] ?? 0; // a loop: no view object per frame
    frames.push({ id: layout.requestId, extended: layout.extended, data });
    from += size;
  }
  return frames;
}

export function flowControlFrame(
  layout: FrameLayout,
  padding: number | null,
  flowStatus: number,
  blockSize: number,
  stMin: number,
): CanFrame {
  const at = pciAt(layout);
  const data = startFrame(layout, at + 3, padding);
  data[at] = 0x30 | flowStatus;
  data[at + 1] = blockSize;
  data[at + 2] = stMin;
  return frame(layout, data);
}

/** SF_DL, or 0 when the frame is no valid single frame: length 0, or more than the frame carries (J.1, J.4). */
export function singleFrameLength(data: Uint8Array, at: number): number {
  const length = (data[at] ?? 0) & 0x0f;
  return data.length <= FRAME_BYTES && length <= data.length - at - 1 ? length : 0;
}

/**
 * FF_DL, or 0 when the frame is to be ignored: it does not fill its frame, its length fits a single frame, or the
 * escape is used for a length that does not need it (J.1, J.4, fault T06).
 */
export function firstFrameLength(data: Uint8Array, at: number): number {
  if (data.length !== FRAME_BYTES) return 0;
  const length = (((data[at] ?? 0) & 0x0f) << 8) | (data[at + 1] ?? 0);
  if (length === 0) {
    const escaped = new DataView(data.buffer, data.byteOffset).getUint32(at + 2);
    return escaped > LONGEST_PLAIN_LENGTH ? escaped : 0;
  }
  return length > FRAME_BYTES - at - 1 ? length : 0;
}

function pciAt(layout: FrameLayout): 0 | 1 {
  return layout.requestByte === null ? 0 : 1;
}

function startFrame(layout: FrameLayout, usedBytes: number, padding: number | null): Uint8Array {
  const data = new Uint8Array(padding === null ? usedBytes : FRAME_BYTES);
  if (padding !== null && usedBytes < FRAME_BYTES) data.fill(padding, usedBytes);
  if (layout.requestByte !== null) data[0] = layout.requestByte;
  return data;
}

function frame(layout: FrameLayout, data: Uint8Array): CanFrame {
  return { id: layout.requestId, extended: layout.extended, data };
}
