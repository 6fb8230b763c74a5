import { describe, expect, it } from 'vitest';
import type { Definition } from '#contract/definition.ts';
import { countUnknownBits, diffBlocks } from '#definitions/index.ts';

/** Four bytes: byte 0 one option in its low nibble, byte 1 a counter, byte 3 the checksum; byte 2 and the high nibble unknown. */
const definition = {
  codingBlocks: [
    {
      id: 'coding',
      did: '0600',
      lengthBytes: 4,
      unstableMask: '00FF0000',
      checksum: { algorithm: 'sum8', fromByte: 0, toByte: 2, atByte: 3 },
    },
  ],
  parameters: [
    {
      id: 'lamp',
      block: 'coding',
      title: { en: 'Lamp', de: 'Lampe' },
      risk: 'comfort',
      position: { byte: 0, bit: 0, lengthBits: 4, endian: 'big' },
      compu: { kind: 'linear', factor: 1, offset: 0, unit: '', minCoded: 0, maxCoded: 15, stepCoded: 1 },
    },
  ],
} as unknown as Definition;

const count = (before: readonly number[], after: readonly number[]) =>
  countUnknownBits(Uint8Array.from(before), Uint8Array.from(after), definition, 'coding');

describe('bits that no definition explains', () => {
  it('are counted one by one: three bits of one byte are three, not one entry', () => {
    expect(count([0x00, 0, 0x00, 0], [0x70, 0, 0x00, 0])).toBe(3);
    expect(count([0x00, 0, 0x00, 0], [0x10, 0, 0xff, 0])).toBe(9);
    const [entry, ...others] = diffBlocks(
      Uint8Array.of(0, 0, 0, 0),
      Uint8Array.of(0x70, 0, 0, 0),
      definition,
      'coding',
    );
    expect(others).toEqual([]);
    expect(entry?.title.en).toBe('Byte 0, bits 6 5 4, no known option');
  });

  it('are not those of an option, of a counter or of the checksum', () => {
    expect(count([0x00, 0x00, 0, 0x00], [0x0f, 0x7e, 0, 0x0f])).toBe(0);
  });
});
