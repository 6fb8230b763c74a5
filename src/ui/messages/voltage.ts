import type { VoltageReading } from '#contract/backup.ts';

export type VoltageLevel = 'ok' | 'low' | 'high' | 'too-low' | 'too-high' | 'unknown';

/** Limits of coding and restore in volts (design 6): outside the inner ones is worth a word, outside the outer ones nothing is written. */
const CODING = { warnBelow: 12.4, warnAbove: 14.8, blockBelow: 11.8, blockAbove: 15.2 } as const;

const EPSILON_VOLTS = 1e-6;

/** Where a reading stands for coding; the gate in the worker decides, this is for the word and the colour. */
export function voltageLevel(reading: VoltageReading): VoltageLevel {
  if (reading.kind === 'unknown') return 'unknown';
  const { volts, errorVolts } = reading;
  if (volts < CODING.blockBelow) return 'too-low';
  if (volts > CODING.blockAbove) return 'too-high';
  // The source's own error counts against us; two decimals: 12.6 − 0.2 is not below 12.4.
  if (volts - errorVolts < CODING.warnBelow - EPSILON_VOLTS) return 'low';
  return volts + errorVolts > CODING.warnAbove + EPSILON_VOLTS ? 'high' : 'ok';
}
