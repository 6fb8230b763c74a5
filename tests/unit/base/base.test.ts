import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '#base/canonical-json.ts';
import { crc16CcittFalse, crc32, sum8 } from '#base/crc.ts';
import { fromHex, toHex, toHexSpaced } from '#base/hex.ts';
import { sha256, sha256Hex } from '#base/sha256.ts';

describe('hex', () => {
  it('writes 22 F1 90 and reads it back', () => {
    expect(toHexSpaced(fromHex('22f190'))).toBe('22 F1 90');
    expect(toHex(fromHex('22 F1 90'))).toBe('22F190');
  });
  it('names the position of a character that is no digit, an odd digit, a space inside a byte', () => {
    expect(() => fromHex('22G1')).toThrow('position 2');
    expect(() => fromHex('221')).toThrow('3 digits');
    expect(() => fromHex('2 2')).toThrow('position 1');
  });
});

describe('checksums', () => {
  const check = new TextEncoder().encode('123456789');
  it('gives the catalogue value for 123456789', () => {
    expect(crc32(check).toString(16)).toBe('cbf43926');
    expect(crc16CcittFalse(check).toString(16)).toBe('29b1');
    expect(sum8(check)).toBe(0xdd);
  });
  it('hashes like OpenSSL for every length around the block borders and for random data', () => {
    for (const length of [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000]) {
      const data = new Uint8Array(length).map((_, i) => i * 7);
      expect(toHex(sha256(data)).toLowerCase()).toBe(createHash('sha256').update(data).digest('hex'));
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
        expect(sha256Hex(data)).toBe(createHash('sha256').update(data).digest('hex'));
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});

describe('canonical JSON (RFC 8785)', () => {
  it('sorts keys by UTF-16 units, drops undefined members, writes numbers as ECMAScript does', () => {
    expect(canonicalJson({ b: [1, 2.5, 1e21], a: { '\u20ac': null, '1': true }, c: undefined })).toBe(
      '{"a":{"1":true,"€":null},"b":[1,2.5,1e+21]}',
    );
  });
  it('refuses NaN, lone surrogates and functions', () => {
    expect(() => canonicalJson(Number.NaN)).toThrow(TypeError);
    expect(() => canonicalJson('\ud800')).toThrow('surrogate');
    expect(() => canonicalJson(() => 1)).toThrow('function');
  });
});
