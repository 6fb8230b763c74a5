import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { de, en } from '#ui/messages/format.ts';

const at = (year: number, month: number, day: number, hour = 12, minute = 0) =>
  new Date(year, month - 1, day, hour, minute).getTime();
const NOW = at(2026, 11, 22, 15, 30);

describe('numbers and units', () => {
  it.each([
    [0, '0 s', '0 s'],
    [300, '0.3 s', '0,3 s'],
    [2000, '2 s', '2 s'],
    [14_400, '14 s', '14 s'],
    [200_000, '3 min 20 s', '3 min 20 s'],
    [3_600_000, '1 h', '1 h'],
    [7_500_000, '2 h 5 min', '2 h 5 min'],
  ])('%i ms is %s', (ms, english, german) => {
    expect(plain(en.duration(ms))).toBe(english);
    expect(plain(de.duration(ms))).toBe(german);
  });

  it.each([
    [5200, 11_300, '5–12 s', '5–12 s'],
    [300, 6000, 'up to 6 s', 'bis zu 6 s'],
    [4000, 4000, '4 s', '4 s'],
    [720_000, 800_000, '12–14 min', '12–14 min'],
  ])('from %i to %i ms is %s', (least, most, english, german) => {
    expect(plain(en.range(least, most))).toBe(english);
    expect(plain(de.range(least, most))).toBe(german);
  });

  it('a range never promises less than the longest time', () => {
    fc.assert(
      fc.property(fc.nat(600_000), fc.nat(600_000), (one, two) => {
        const [least, most] = [Math.min(one, two), Math.max(one, two)];
        const text = plain(en.range(least, most));
        const last = Number(/(\d+) (?:s|min)$/.exec(text)?.[1]);
        expect(last * (text.endsWith('min') ? 60_000 : 1000)).toBeGreaterThanOrEqual(most);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it('volts have one decimal, the language’s comma and a space that does not break', () => {
    expect(en.volts(13.94)).toBe('13.9\u00A0V');
    expect(de.volts(13.94)).toBe('13,9\u00A0V');
  });

  it('bytes and large numbers have plurals, units and thin groups', () => {
    expect(plain(en.bytes(1))).toBe('1 byte');
    expect(plain(en.bytes(512))).toBe('512 bytes');
    expect(plain(de.bytes(1))).toBe('1 Byte');
    expect(plain(de.bytes(1234))).toBe('1,2 kB');
    expect(en.number(12_400)).toBe('12\u202F400');
    expect(de.number(12_400)).toBe('12\u202F400');
  });
});

describe('days and times', () => {
  it.each([
    [at(2026, 11, 22, 10, 42), 'today 10:42', 'heute 10:42'],
    [at(2026, 11, 21, 23, 59), 'yesterday 23:59', 'gestern 23:59'],
    [at(2026, 5, 3, 11, 20), '3 May 11:20', '3. Mai 11:20'],
    [at(2025, 5, 3, 11, 20), '3 May 2025 11:20', '3. Mai 2025 11:20'],
    [at(2026, 11, 23, 0, 5), '23 November 00:05', '23. November 00:05'],
  ])('%i is %s', (wallMs, english, german) => {
    expect(en.relativeDay(wallMs, NOW)).toBe(english);
    expect(de.relativeDay(wallMs, NOW)).toBe(german);
  });

  it('D05 the day before a change of the clocks is still yesterday', () => {
    expect(en.relativeDay(at(2026, 10, 25, 1), at(2026, 10, 26, 1))).toBe('yesterday 01:00');
    expect(en.relativeDay(at(2026, 3, 29, 1), at(2026, 3, 30, 1))).toBe('yesterday 01:00');
  });
});

describe('bytes and fault codes', () => {
  it.each([
    ['012345', 'P0123-45', '01 23 45'],
    ['56789A', 'C1678-9A', '56 78 9A'],
    ['A5B6C7', 'B25B6-C7', 'A5 B6 C7'],
    ['D10087', 'U1100-87', 'D1 00 87'],
    ['FFFFFF', 'U3FFF-FF', 'FF FF FF'],
  ])('%s is %s (reference: diagnostics A.4)', (code, sae, raw) => {
    expect(en.dtc(code)).toEqual({ sae, raw });
  });

  it('what is no code of three bytes is shown as it is', () => {
    expect(en.dtc('0123')).toEqual({ sae: '0123', raw: '0123' });
  });

  it('a status byte in words, the worst first: 8B = now, lamp, stored, this drive', () => {
    expect(en.dtcStatus(0x8b)).toEqual(['failing now', 'lamp on', 'stored', 'failed this drive']);
    expect(de.dtcStatus(0x08)).toEqual(['gespeichert']);
    expect(en.dtcStatus(0xff)).toHaveLength(8);
    expect(en.dtcStatus(0x00)).toEqual([]);
  });

  it.each([
    [0x09, 'failing now'],
    [0x08, 'stored'],
    [0x04, 'pending'],
    [0x20, 'failed since clear'],
    [0x50, 'not tested'],
  ])('status %i in one word is %s', (status, word) => {
    expect(en.dtcWord(status)).toBe(word);
  });

  it('hex has a space between bytes; what is no hex stays', () => {
    expect(en.hexSpaced('22f190')).toBe('22 F1 90');
    expect(en.hexSpaced('unreadable')).toBe('unreadable');
    expect(en.hexByte(0x0b)).toBe('0B');
  });

  it('a VIN is shown by its last six', () => {
    expect(en.vinEnd('0CBVIRTUAL0014702')).toBe('014702');
    expect(de.vinEnd(null)).toBe('nicht gelesen');
  });

  it('the text of a definition is taken in the language in force', () => {
    expect(en.pick({ en: 'Brakes', de: 'Bremse' })).toBe('Brakes');
    expect(de.pick({ en: 'Brakes', de: 'Bremse' })).toBe('Bremse');
  });
});

function plain(text: string): string {
  return text.replaceAll('\u00A0', ' ');
}
