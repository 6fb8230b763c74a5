import type { VoltageReading } from '#contract/backup.ts';
import { StackError } from '#contract/errors.ts';
import type { PlanWarning } from '#contract/plan.ts';

/** Coding and restore (design 6): warn outside the inner, block outside the outer limits. Volts. */
export const CODING_VOLTAGE = { warnBelow: 12.4, warnAbove: 14.8, blockBelow: 11.8, blockAbove: 15.2 } as const;
/** Readings have two decimals: 12.6 − 0.2 is not below 12.4. */
const EPSILON_VOLTS = 1e-6;
/** A car's supply is never outside this: the reading is broken (fault V05). */
const PLAUSIBLE = { least: 5, most: 20 } as const;

export function plausible(reading: VoltageReading): VoltageReading {
  if (reading.kind === 'unknown') return reading;
  return reading.volts >= PLAUSIBLE.least && reading.volts <= PLAUSIBLE.most
    ? reading
    : { kind: 'unknown', why: 'implausible' };
}

/**
 * May a coding write go ahead? Unknown voltage does not stop coding, it is recorded (I10, design 6).
 * @throws StackError `voltage/blocked`
 */
export function assertCodingVoltage(reading: VoltageReading): void {
  if (reading.kind === 'unknown') return;
  const { blockBelow, blockAbove } = CODING_VOLTAGE;
  if (reading.volts < blockBelow || reading.volts > blockAbove)
    throw new StackError(
      'voltage/blocked',
      `${reading.volts.toFixed(1)} V, coding needs ${blockBelow} to ${blockAbove} V`,
      {
        volts: reading.volts,
        lowest: blockBelow,
        highest: blockAbove,
      },
    );
}

export function voltageWarnings(reading: VoltageReading): readonly PlanWarning[] {
  if (reading.kind === 'unknown') return [{ kind: 'voltage-unknown' }];
  // The source's own error counts against us: what may lie outside is warned of.
  if (reading.volts - reading.errorVolts < CODING_VOLTAGE.warnBelow - EPSILON_VOLTS)
    return [{ kind: 'voltage-low', volts: reading.volts }];
  if (reading.volts + reading.errorVolts > CODING_VOLTAGE.warnAbove + EPSILON_VOLTS)
    return [{ kind: 'voltage-high', volts: reading.volts }];
  return [];
}
