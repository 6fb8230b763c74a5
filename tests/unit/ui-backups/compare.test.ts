import { describe, expect, it } from 'vitest';
import { compareBlocks, readableOptions } from '#ui/views/backups/compare.ts';
import { coding, definition, stamp } from './fixtures.ts';

describe('two states of a module side by side', () => {
  it('names the options that differ, with the bytes that carry them', () => {
    const { differences, isEqual } = compareBlocks([coding('0A10')], [coding('0500')], definition);
    expect(isEqual).toBe(false);
    expect(differences).toEqual([
      expect.objectContaining({
        title: { en: 'Comfort turn signal', de: 'Komfortblinken' },
        from: { en: '10 ×', de: '10 ×' },
        to: { en: '5 ×', de: '5 ×' },
        bytes: { first: 0, last: 0 },
        oldHex: '0A',
        newHex: '05',
        risk: 'road-law',
      }),
      expect.objectContaining({
        title: { en: 'Mirrors fold when locking', de: 'Spiegel klappen an' },
        from: { en: 'On', de: 'Ein' },
        to: { en: 'Off', de: 'Aus' },
        oldHex: '10',
        newHex: '00',
      }),
    ]);
  });

  it('shows bits that no option names too', () => {
    const { differences } = compareBlocks([coding('0A10')], [coding('8A10')], definition);
    expect(differences).toHaveLength(1);
    expect(differences[0]).toMatchObject({ from: { en: '0x0A' }, to: { en: '0x8A' }, bytes: null });
  });

  it('falls back to bytes without a definition, and for a block of another length', () => {
    for (const known of [null, definition]) {
      const { differences } = compareBlocks([coding('0A10FF')], [coding('0A1100')], known);
      expect(differences.map(({ title, bytes, oldHex, newHex }) => ({ title, bytes, oldHex, newHex }))).toEqual([
        { title: null, bytes: { first: 1, last: 1 }, oldHex: '10', newHex: '11' },
        { title: null, bytes: { first: 2, last: 2 }, oldHex: 'FF', newHex: '00' },
      ]);
    }
  });

  it('counts a byte that only one of the two has', () => {
    const { differences } = compareBlocks([coding('0A10')], [coding('0A')], null);
    expect(differences.map(({ oldHex, newHex }) => [oldHex, newHex])).toEqual([['10', '–']]);
  });

  it('leaves out bits that change by themselves', () => {
    const masked = { ...coding('0A10'), unstableMask: '00FF' };
    expect(compareBlocks([masked], [coding('0A99')], null).isEqual).toBe(true);
    expect(compareBlocks([masked], [coding('0B99')], null).isEqual).toBe(false);
  });

  it('tells stamps apart from settings: they differ after every write', () => {
    const { differences, stamps, isEqual } = compareBlocks(
      [coding('0A10'), stamp('251101')],
      [coding('0A10'), stamp('261122')],
      definition,
    );
    expect(differences).toEqual([]);
    expect(stamps).toEqual(['F199']);
    expect(isEqual).toBe(true);
  });

  it('names blocks that only one of the two holds, and a missing one is no equality', () => {
    const both = compareBlocks(
      [coding('0A10'), coding('01', '0411')],
      [coding('0A10'), coding('02', '0612')],
      definition,
    );
    expect(both.onlyBefore).toEqual(['0411']);
    expect(both.onlyAfter).toEqual(['0612']);
    expect(both.isEqual).toBe(false);
  });

  it('reads every option of a block, and none of a block of another length', () => {
    expect(readableOptions(coding('0A10'), definition).map(({ value }) => value.en)).toEqual(['10 ×', 'On']);
    expect(readableOptions(coding('0A10FF'), definition)).toEqual([]);
    expect(readableOptions(stamp('0A10', '0600'), definition)).toEqual([]);
  });
});
