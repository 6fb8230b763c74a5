import { describe, expect, it } from 'vitest';
import { readTextFile } from '#ui/views/backups/files.ts';
import { parseShopCode } from '#ui/views/help/shop-code.ts';

describe('a shop code as typed', () => {
  it('takes 12 hex digits with blanks, dashes or colons between them', () => {
    for (const typed of ['00112233aabb', '00 11 22 33 AA BB', ' 00-11-22-33-aa-bb ', '00:11:22:33:AA:BB'])
      expect(parseShopCode(typed)).toEqual({ kind: 'code', hex: '00112233AABB' });
  });

  it('says at which place another character stands', () => {
    expect(parseShopCode('00 11 2G')).toEqual({ kind: 'not-hex', position: 8, character: 'G' });
    expect(parseShopCode('😀')).toEqual({ kind: 'not-hex', position: 1, character: '😀' });
  });

  it('says how many digits there are', () => {
    expect(parseShopCode('00 11 2')).toEqual({ kind: 'length', digits: 5 });
    expect(parseShopCode('00112233AABBC')).toEqual({ kind: 'length', digits: 13 });
    expect(parseShopCode(' - ')).toEqual({ kind: 'empty' });
  });
});

describe('a file that somebody opens', () => {
  it('is refused by its size before it is read', async () => {
    const file = {
      name: 'big.json',
      size: 4 * 1024 * 1024 + 1,
      arrayBuffer: () => Promise.reject(new Error('was read')),
    };
    await expect(readTextFile(file as unknown as File)).rejects.toMatchObject({
      code: 'file/too-large',
      details: { bytes: 4194305, maxBytes: 4194304 },
    });
  });

  it('is refused when its bytes are no text', async () => {
    const file = new File([Uint8Array.of(0xff, 0xfe, 0x00)], 'photo.json');
    await expect(readTextFile(file)).rejects.toMatchObject({ code: 'file/malformed', details: { at: 'UTF-8' } });
  });

  it('gives its text', async () => {
    expect(await readTextFile(new File(['{"a":"ü"}'], 'a.json'))).toEqual({ name: 'a.json', text: '{"a":"ü"}' });
  });
});
