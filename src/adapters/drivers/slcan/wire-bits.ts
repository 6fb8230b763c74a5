import type { CanFrame } from '#contract/adapter.ts';

/** CRC delimiter, ACK slot and delimiter, end of frame, intermission: never stuffed (ISO 11898-1, 10.4). */
const TAIL_BITS = 1 + 2 + 7 + 3;
/** Start of frame to DLC: 11-bit and 29-bit identifiers. */
const STANDARD_HEADER_BITS = 19;
const EXTENDED_HEADER_BITS = 39;
const CRC_BITS = 15;
const CRC15_POLYNOMIAL = 0x4599;

/**
 * Stuffing state: which level the last bit had and how often in a row, 1 to 4 (after the fifth, the stuff bit of the
 * other level starts a new run). State = level · 4 + run − 1. The bus is recessive (1) before the start of frame, but
 * stuffing begins with it, so a frame starts in the state "one dominant bit seen".
 */
const AFTER_START_OF_FRAME = 0;

/** For each state and byte: next state, and the stuff bits the byte needed in the bits above the low three. */
const STUFF_BYTE = new Uint8Array(8 * 256);
const CRC15_BYTE = new Uint16Array(256);

function stuffBits(state: number, value: number, bits: number): number {
  let level = state >> 2;
  let run = (state & 3) + 1;
  let stuffed = 0;
  for (let i = bits - 1; i >= 0; i--) {
    const bit = (value >> i) & 1;
    run = bit === level ? run + 1 : 1;
    level = bit;
    if (run === 5) {
      stuffed++;
      level ^= 1;
      run = 1;
    }
  }
  return (stuffed << 3) | (level << 2) | (run - 1);
}

for (let state = 0; state < 8; state++)
  for (let byte = 0; byte < 256; byte++) STUFF_BYTE[(state << 8) | byte] = stuffBits(state, byte, 8);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte << 7;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x4000 ? (crc << 1) ^ CRC15_POLYNOMIAL : crc << 1;
  CRC15_BYTE[byte] = crc & 0x7fff;
}

const nextCrc = (crc: number, byte: number): number =>
  ((crc << 8) ^ (CRC15_BYTE[((crc >> 7) ^ byte) & 0xff] ?? 0)) & 0x7fff;

/**
 * Bits one classic data frame takes on the wire, intermission included: exact, with its own CRC-15 and stuff bits. So
 * the bound that keeps the device's queue from overflowing and the speed rest on the same number.
 */
export function wireBits(frame: CanFrame): number {
  const { id, data } = frame;
  // The header in whole bytes, padded with zeros in front: leading zeros do not change the CRC (it starts at 0).
  let crc = 0;
  let state: number;
  let stuffed = 0;
  if (frame.extended) {
    const base = id >>> 18;
    // bit 38 start of frame · 37–27 base id · 26 SRR 1 · 25 IDE 1 · 24–7 id extension · 6 RTR · 5, 4 reserved · 3–0 DLC
    const b4 = (base >>> 5) & 0x3f;
    const b3 = ((base & 0x1f) << 3) | 0b110 | ((id >>> 17) & 1);
    const b2 = (id >>> 9) & 0xff;
    const b1 = (id >>> 1) & 0xff;
    const b0 = ((id & 1) << 7) | data.length;
    crc = nextCrc(nextCrc(nextCrc(nextCrc(nextCrc(0, b4), b3), b2), b1), b0);
    state = stuffBits(AFTER_START_OF_FRAME, b4, 6);
    stuffed = state >> 3;
    for (let i = 0; i < 4; i++) {
      const byte = i === 0 ? b3 : i === 1 ? b2 : i === 2 ? b1 : b0;
      state = STUFF_BYTE[((state & 7) << 8) | byte] ?? 0;
      stuffed += state >> 3;
    }
  } else {
    // bit 18 start of frame · 17–7 id · 6 RTR · 5 IDE · 4 reserved · 3–0 DLC
    const b2 = id >> 9;
    const b1 = (id >> 1) & 0xff;
    const b0 = ((id & 1) << 7) | data.length;
    crc = nextCrc(nextCrc(nextCrc(0, b2), b1), b0);
    state = stuffBits(AFTER_START_OF_FRAME, b2, 2);
    stuffed = state >> 3;
    state = STUFF_BYTE[((state & 7) << 8) | b1] ?? 0;
    stuffed += state >> 3;
    state = STUFF_BYTE[((state & 7) << 8) | b0] ?? 0;
    stuffed += state >> 3;
  }
  for (let i = 0; i < data.length; i++) {
    const byte = data[i] ?? 0;
    crc = nextCrc(crc, byte);
    state = STUFF_BYTE[((state & 7) << 8) | byte] ?? 0;
    stuffed += state >> 3;
  }
  state = STUFF_BYTE[((state & 7) << 8) | (crc >> 7)] ?? 0;
  stuffed += state >> 3;
  stuffed += stuffBits(state & 7, crc & 0x7f, 7) >> 3;
  return unstuffedBits(frame.extended, data.length) + stuffed;
}

/** The most bits a frame of this length can take: a stuff bit after the first five bits, then after every fourth. */
export function worstWireBits(extended: boolean, lengthBytes: number): number {
  const whole = unstuffedBits(extended, lengthBytes);
  return whole + Math.floor((whole - TAIL_BITS - 1) / 4);
}

function unstuffedBits(extended: boolean, lengthBytes: number): number {
  return (extended ? EXTENDED_HEADER_BITS : STANDARD_HEADER_BITS) + 8 * lengthBytes + CRC_BITS + TAIL_BITS;
}
