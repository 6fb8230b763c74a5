import type { VoltageReading } from '#contract/backup.ts';

export type VoltageLevel = 'ok' | 'low' | 'high' | 'too-low' | 'too-high' | 'unknown';

/** Limits of coding and restore in volts (design 6): outside the inner ones is worth a word, outside the outer ones nothing is written. */
const CODING = { warnBelow: 12.4, warnAbove: 14.8, blockBelow: 11.8, blockAbove: 15.2 } as const;

/** Where a reading stands for coding; the gate in the worker decides, this is for the word and the colour. */
export function voltageLevel(reading: VoltageReading): VoltageLevel {
  if (reading.kind === 'unknown') return 'unknown';
  const { volts } = reading;
  if (volts < CODING.blockBelow) return 'too-low';
  if (volts > CODING.blockAbove) return 'too-high';
  if (volts < CODING.warnBelow) return 'low';
  return volts > CODING.warnAbove ? 'high' : 'ok';
}
