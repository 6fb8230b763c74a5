import { describe, expect, it } from 'vitest';
import { stMinMs } from '#link/isotp/st-min.ts';

describe('STmin, all 256 coded values', () => {
  const microseconds: Readonly<Record<number, number>> = {
    241: 0.1,
    242: 0.2,
    243: 0.3,
    244: 0.4,
    245: 0.5,
    246: 0.6,
    247: 0.7,
    248: 0.8,
    249: 0.9,
  };

  it('T05 00–7F are milliseconds, F1–F9 hundreds of microseconds, every reserved value means 127 ms', () => {
    const table = Array.from({ length: 256 }, (_, code) => stMinMs(code));
    const expected = table.map((_, code) => (code < 128 ? code : (microseconds[code] ?? 127)));
    expect(table).toEqual(expected);
    expect(table.filter((ms) => ms === 127)).toHaveLength(1 + 256 - 128 - 9);
  });
});
