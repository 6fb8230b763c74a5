/** Joins byte arrays into one new array. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let lengthBytes = 0;
  for (const part of parts) lengthBytes += part.length;
  const whole = new Uint8Array(lengthBytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** True when both hold the same bytes in the same order. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Big-endian reader over a byte array; every read is bounded. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  /** @throws RangeError with the offset when fewer than `count` bytes are left. */
  bytes(count: number): Uint8Array {
    if (count < 0 || count > this.remaining)
      throw new RangeError(`${count} bytes wanted at offset ${this.#at}, ${this.remaining} are left`);
    const part = this.#bytes.slice(this.#at, this.#at + count);
    this.#at += count;
    return part;
  }

  /** Unsigned big-endian number of 1 to 6 bytes. */
  uint(byteCount: number): number {
    let value = 0;
    for (const byte of this.bytes(byteCount)) value = value * 256 + byte;
    return value;
  }

  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }
}

/** Big-endian bytes of an unsigned number. @throws RangeError when it does not fit. */
export function uintBytes(value: number, byteCount: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value >= 256 ** byteCount)
    throw new RangeError(`${value} does not fit ${byteCount} bytes`);
  const bytes = new Uint8Array(byteCount);
  let left = value;
  for (let i = byteCount - 1; i >= 0; i--) {
    bytes[i] = left % 256;
    left = Math.floor(left / 256);
  }
  return bytes;
}
