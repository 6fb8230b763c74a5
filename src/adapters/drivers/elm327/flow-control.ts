import type { CanFrame } from '#contract/adapter.ts';

/**
 * Shortest gap between consecutive frames, ms, from its coded byte (ISO 15765-2; reference: adapters J.2). A command takes
 * far longer than a millisecond, so the 100 µs codes F1–F9 count as one; the rest is reserved and means the longest.
 */
export function stMinMs(code: number): number {
  if (code <= 0x7f) return code;
  return code >= 0xf1 && code <= 0xf9 ? 1 : 0x7f;
}

/** The same flow control with STmin 0. `at` is the place of its PCI byte. A frame too short for it stays as it is. */
export function withoutStMin(frame: CanFrame, at: number): CanFrame {
  if (frame.data.length < at + 3) return frame;
  const data = frame.data.slice();
  data[at + 2] = 0;
  return { ...frame, data };
}

/**
 * STmin for answers that go through the chip: each frame becomes a line, and lines must leave no slower than frames arrive
 * (reference: adapters A.6, N; performance 2). Half as long again as the line takes, so that its buffer drains.
 *
 *     38400 baud, 20 characters: 5.2 ms → 10      115200: 1.7 ms → 4
 */
export function stMinForLine(lineRate: number, extendedIds: boolean): number {
  const characters = extendedIds ? 25 : 20;
  return Math.min(0x7f, Math.ceil(((characters * 10_000) / lineRate) * 1.8));
}
