import { toHex } from '#base/hex.ts';

/**
 * SHA-256 (FIPS 180-4), synchronous. WebCrypto is faster but only asynchronous: an IndexedDB transaction would commit
 * while it waits, and a run on a virtual clock would no longer be deterministic. Records here are a few kilobytes.
 */
export function sha256(data: Uint8Array): Uint8Array {
  const blocks = Math.ceil((data.length + 9) / 64);
  const padded = new Uint8Array(blocks * 64);
  padded.set(data);
  padded[data.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor((data.length * 8) / 4294967296));
  view.setUint32(padded.length - 4, (data.length * 8) >>> 0);

  const hash = new Int32Array(INITIAL);
  const w = new Int32Array(64);
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(block * 64 + i * 4);
    for (let i = 16; i < 64; i++) {
      const a = at(w, i - 15);
      const b = at(w, i - 2);
      const s0 = rotr(a, 7) ^ rotr(a, 18) ^ (a >>> 3);
      const s1 = rotr(b, 17) ^ rotr(b, 19) ^ (b >>> 10);
      w[i] = (at(w, i - 16) + s0 + at(w, i - 7) + s1) | 0;
    }
    compress(hash, w);
  }
  const digest = new Uint8Array(32);
  const out = new DataView(digest.buffer);
  for (let i = 0; i < 8; i++) out.setInt32(i * 4, at(hash, i));
  return digest;
}

/** SHA-256 of a text's UTF-8 bytes, as lower-case hex: the form hashes have in records and files. */
export function sha256Hex(data: Uint8Array | string): string {
  return toHex(sha256(typeof data === 'string' ? new TextEncoder().encode(data) : data)).toLowerCase();
}

function compress(hash: Int32Array, w: Int32Array): void {
  let [a, b, c, d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => at(hash, i)) as unknown as EightWords;
  for (let i = 0; i < 64; i++) {
    const s1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + at(K, i) + at(w, i)) | 0;
    const s0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    hash[i] = (at(hash, i) + word) | 0;
  });
}

type EightWords = [number, number, number, number, number, number, number, number];
const at = (words: Int32Array, i: number): number => words[i] ?? 0;
const rotr = (x: number, n: number): number => (x >>> n) | (x << (32 - n));

/** Fractional parts of square (initial value) and cube roots (K) of the first primes, FIPS 180-4 sections 4.2.2 and 5.3.3. */
function fractions(count: number, root: (prime: number) => number): Int32Array {
  const words = new Int32Array(count);
  for (let n = 0, candidate = 2; n < count; candidate++) {
    let prime = true;
    for (let i = 2; i * i <= candidate && prime; i++) prime = candidate % i !== 0;
    if (prime) words[n++] = (root(candidate) % 1) * 4294967296;
  }
  return words;
}
const K = fractions(64, Math.cbrt);
const INITIAL = fractions(8, Math.sqrt);
