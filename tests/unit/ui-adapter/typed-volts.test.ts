import { describe, expect, it } from 'vitest';
import { parseVolts } from '#ui/views/shell/typed-volts.ts';

describe('a typed voltage', () => {
  it.each([
    ['12.6', 12.6],
    ['12,64', 12.64],
    [' 13.8 V ', 13.8],
    ['14v', 14],
    ['12.345', 12.35],
  ])('%s is %f V', (typed, volts) => {
    expect(parseVolts(typed)).toEqual({ kind: 'volts', volts });
  });

  it.each(['12.6.1', '-12', '1e1', '12 6', 'zwölf', '0x0C'])('%s is no number of volts', (typed) => {
    expect(parseVolts(typed)).toEqual({ kind: 'not-a-number' });
  });

  it('V05 no car has 1.26 or 126 V: a slip of the point is caught', () => {
    expect(parseVolts('1.26')).toEqual({ kind: 'out-of-range' });
    expect(parseVolts('126')).toEqual({ kind: 'out-of-range' });
    expect(parseVolts('  ')).toEqual({ kind: 'empty' });
  });
});
