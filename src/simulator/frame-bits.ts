/** A classic CAN frame. `data` holds at most 8 bytes. */
export interface CanFrame {
  readonly id: number;
  readonly extended: boolean;
  /** Remote frame: asks for data and carries none. */
  readonly rtr?: boolean;
  readonly data: Uint8Array;
}

/** CRC delimiter, ACK slot and delimiter, end of frame: not stuffed (ISO 11898-1). */
const TRAILER_BITS = 1 + 2 + 7;
export const INTERMISSION_BITS = 3;
const CRC15 = 0x4599;

/** Counts bits as they go to the wire: CRC-15 over the unstuffed bits, a stuff bit after five equal ones. */
class BitCounter {
  bits = 0;
  crc = 0;
  #last = -1;
  #run = 0;

  /** The low `count` bits of `value`, the highest first. */
  push(value: number, count: number, inCrc: boolean): void {
    for (let i = count - 1; i >= 0; i--) {
      const bit = (value >>> i) & 1;
      if (inCrc) {
        const feedback = bit ^ ((this.crc >> 14) & 1);
        this.crc = (this.crc << 1) & 0x7fff;
        if (feedback) this.crc ^= CRC15;
      }
      this.#wire(bit);
    }
  }

  #wire(bit: number): void {
    this.bits++;
    this.#run = bit === this.#last ? this.#run + 1 : 1;
    this.#last = bit;
    if (this.#run < 5) return;
    this.bits++;
    this.#last = bit ^ 1;
    this.#run = 1;
  }
}

/**
 * Bits of a frame on the wire from start of frame to end of frame, with its exact stuff bits, without intermission.
 * An 11-bit frame of 8 bytes has 108 to 132 of them.
 */
export function frameBits(frame: CanFrame): number {
  const counter = new BitCounter();
  const rtr = frame.rtr ? 1 : 0;
  counter.push(0, 1, true); // start of frame
  if (frame.extended) {
    counter.push(frame.id >>> 18, 11, true);
    counter.push(0b11, 2, true); // SRR, IDE
    counter.push(frame.id & 0x3ffff, 18, true);
    counter.push(rtr << 2, 3, true); // RTR, r1, r0
  } else {
    counter.push(frame.id, 11, true);
    counter.push(rtr << 2, 3, true); // RTR, IDE, r0
  }
  counter.push(frame.data.length, 4, true);
  if (!frame.rtr) for (const byte of frame.data) counter.push(byte, 8, true);
  counter.push(counter.crc, 15, false);
  return counter.bits + TRAILER_BITS;
}

/** What decides arbitration: the lower one wins. 11-bit wins against 29-bit with the same base, data against remote. */
export function arbitrationKey(frame: CanFrame): number {
  const base = frame.extended ? frame.id >>> 18 : frame.id;
  const tail = frame.extended ? 1 + (frame.id & 0x3ffff) : 0;
  return (base * 0x80000 + tail) * 2 + (frame.rtr ? 1 : 0);
}
