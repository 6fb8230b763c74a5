/** A car's supply is never outside this (fault V05); the worker refuses it as well. */
export const LEAST_VOLTS = 5;
export const MOST_VOLTS = 20;

export type TypedVolts =
  | { readonly kind: 'volts'; readonly volts: number }
  | { readonly kind: 'empty' }
  | { readonly kind: 'not-a-number' }
  | { readonly kind: 'out-of-range' };

/** What a person types from a meter: a comma or a point, up to three decimals, with or without the unit. Rounded to 0.01 V. */
export function parseVolts(typed: string): TypedVolts {
  const text = typed.trim();
  if (text === '') return { kind: 'empty' };
  const match = /^(\d{1,3})(?:[.,](\d{1,3}))?\s*[vV]?$/.exec(text);
  if (match === null) return { kind: 'not-a-number' };
  const volts = Math.round(Number(`${match[1]}.${match[2] ?? '0'}`) * 100) / 100;
  return volts < LEAST_VOLTS || volts > MOST_VOLTS ? { kind: 'out-of-range' } : { kind: 'volts', volts };
}
