/**
 * The shortest gap between two consecutive frames, ms, from the coded byte of a flow control
 * (ISO 15765-2, SeparationTime; reference: adapters J.2).
 * 00–7F: 0–127 ms · F1–F9: 100–900 µs · all else is reserved and means the longest, 127 ms (fault T05).
 */
export function stMinMs(code: number): number {
  if (code <= 0x7f) return code;
  if (code >= 0xf1 && code <= 0xf9) return (code - 0xf0) / 10;
  return 127;
}
