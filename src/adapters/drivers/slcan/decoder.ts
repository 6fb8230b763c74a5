/** Longest line we keep. The longest known one is the version text of the CANable 2.5 firmware, about 200 characters. */
export const MAX_LINE_BYTES = 512;

/**
 * What a line of an slcan device can mean (reference: adapters C.1). Plain callbacks, called synchronously in the order
 * of the bytes. Listeners must not throw.
 */
export interface SlcanEvents {
  /** A classic data frame; `data` is the listener's own array. A time stamp of four digits behind it was dropped. */
  frame(id: number, extended: boolean, data: Uint8Array): void;
  /** A remote frame: traffic, but nothing a diagnostic tool reads. */
  remoteFrame(): void;
  /** A bare CR: the last command was taken. */
  ack(): void;
  /** BEL: the last command was refused. It may come without a CR. */
  nak(): void;
  /** `z` or `Z`: a frame was taken (auto-poll). */
  transmitAck(extended: boolean): void;
  /** `Fxx`: status flags, bit 0 RX FIFO full … bit 7 bus error. */
  flags(value: number): void;
  /** Linux style `e1a`: error classes, one letter each (reference: adapters C.1). */
  errorLine(text: string): void;
  /** Linux style `sp128000`: state a, w, p or b (bus-off) and the error counters. */
  stateLine(text: string, state: 'a' | 'w' | 'p' | 'b'): void;
  /** Any other line: version, serial number, unknown verbs. Foreign text, at most MAX_LINE_BYTES characters. */
  text(line: string): void;
  /** A line that begins like a frame and is none, or a line too long. Nothing of it was used. */
  malformed(lengthBytes: number): void;
}

const CR = 0x0d;
const LF = 0x0a;
const BEL = 0x07;
/** Above every byte value, so that it survives joining two digits. */
const NOT_HEX = 0x100;
const VERB = { t: 0x74, T: 0x54, r: 0x72, R: 0x52, z: 0x7a, Z: 0x5a, F: 0x46, e: 0x65, s: 0x73 } as const;

/** Value of an ASCII digit, and the same as the high half of a byte. */
const HEX = new Uint16Array(256).fill(NOT_HEX);
const HEX_HIGH = new Uint16Array(256).fill(NOT_HEX);
for (let digit = 0; digit < 16; digit++)
  for (const text of [digit.toString(16), digit.toString(16).toUpperCase()]) {
    HEX[text.charCodeAt(0)] = digit;
    HEX_HIGH[text.charCodeAt(0)] = digit << 4;
  }

/**
 * Streaming decoder: bytes in, events out, one state machine over bytes without strings on the frame path. Any split of
 * the input gives the same events (fault S11).
 */
export class SlcanDecoder {
  readonly #events: SlcanEvents;
  readonly #pending = new Uint8Array(MAX_LINE_BYTES);
  #pendingBytes = 0;
  /** The rest of this line is not trusted: it was too long, or bytes before it are lost. */
  #skipping = false;
  #skippedBytes = 0;

  constructor(events: SlcanEvents) {
    this.#events = events;
  }

  /** Forgets a half-read line: what follows is a fresh start (after draining). */
  reset(): void {
    this.#pendingBytes = 0;
    this.#skipping = false;
    this.#skippedBytes = 0;
  }

  /**
   * Bytes were lost: nothing up to the next line end is trusted, so that two halves of different lines never make one
   * frame and the tail of a line never counts as an acknowledgement (faults S08, S09).
   */
  bytesLost(): void {
    this.#skippedBytes += this.#pendingBytes;
    this.#pendingBytes = 0;
    this.#skipping = true;
  }

  push(chunk: Uint8Array): void {
    const { length } = chunk;
    let start = 0;
    let at = 0;
    let fresh = this.#pendingBytes === 0 && !this.#skipping;
    while (at < length) {
      if (fresh && at === start) {
        const next = this.#wholeFrame(chunk, start);
        if (next > 0) {
          start = next;
          at = next;
          continue;
        }
        if (chunk[start] === VERB.z && chunk[start + 1] === CR) {
          this.#events.transmitAck(false);
          start += 2;
          at = start;
          continue;
        }
      }
      const byte = chunk[at] ?? 0;
      if (byte === CR || byte === BEL) {
        this.#lineEnd(chunk, start, at, byte);
        start = at + 1;
        fresh = true;
      }
      at++;
    }
    if (start < length) this.#keep(chunk, start, length);
  }

  /**
   * The fast path of nearly every line: a correct data frame that lies whole in the chunk, without looking for its end
   * first. Everything else is left to the slow path, which says the same about a correct frame.
   * @returns where the next line begins, 0 when this is no such frame
   */
  #wholeFrame(chunk: Uint8Array, start: number): number {
    const verb = chunk[start];
    if (verb !== VERB.t && verb !== VERB.T) return 0;
    const extended = verb === VERB.T;
    const lengthAt = start + (extended ? 9 : 4);
    const dlc = (chunk[lengthAt] ?? 0) - 0x30;
    if (dlc < 0 || dlc > 8) return 0;
    const end = lengthAt + 1 + 2 * dlc;
    if (end >= chunk.length || chunk[end] !== CR) return 0;
    let bad = 0;
    let id = 0;
    for (let at = start + 1; at < lengthAt; at++) {
      const digit = HEX[chunk[at] as number] as number; // in range: `end` is, and HEX has 256 entries
      bad |= digit;
      id = (id << 4) | digit;
    }
    const data = new Uint8Array(dlc);
    let at = lengthAt + 1;
    for (let i = 0; i < dlc; i++) {
      const byte = (HEX_HIGH[chunk[at] as number] as number) | (HEX[chunk[at + 1] as number] as number);
      bad |= byte;
      data[i] = byte;
      at += 2;
    }
    if (bad >= NOT_HEX || id >>> 0 > (extended ? 0x1fffffff : 0x7ff)) return 0;
    this.#events.frame(id, extended, data);
    return end + 1;
  }

  #lineEnd(chunk: Uint8Array, start: number, end: number, terminator: number): void {
    if (this.#pendingBytes > 0 || this.#skipping) {
      this.#keep(chunk, start, end);
      const lengthBytes = this.#pendingBytes;
      const skipped = this.#skipping;
      const skippedBytes = this.#skippedBytes;
      this.reset();
      if (skipped) this.#events.malformed(skippedBytes);
      else this.#line(this.#pending, 0, lengthBytes, terminator);
      if (skipped && terminator === BEL) this.#events.nak();
      return;
    }
    this.#line(chunk, start, end, terminator);
  }

  #keep(chunk: Uint8Array, start: number, end: number): void {
    const lengthBytes = end - start;
    if (!this.#skipping && this.#pendingBytes + lengthBytes <= MAX_LINE_BYTES) {
      for (let at = start; at < end; at++) this.#pending[this.#pendingBytes++] = chunk[at] ?? 0;
      return;
    }
    this.#skippedBytes += this.#pendingBytes + lengthBytes;
    this.#pendingBytes = 0;
    this.#skipping = true;
  }

  #line(line: Uint8Array, from: number, end: number, terminator: number): void {
    let start = from;
    while (start < end && line[start] === LF) start++; // firmware that ends its lines with CR LF
    const lengthBytes = end - start;
    // one chunk may hold the whole of a line that is too long
    const tooLong = end - from > MAX_LINE_BYTES;
    if (tooLong || (terminator === BEL && lengthBytes > 0)) this.#events.malformed(end - from);
    if (terminator === BEL) this.#events.nak();
    if (tooLong || terminator === BEL) return;
    if (lengthBytes === 0) {
      this.#events.ack();
      return;
    }
    switch (line[start]) {
      case VERB.t:
        this.#frame(line, start, end, 3, false);
        break;
      case VERB.T:
        this.#frame(line, start, end, 8, true);
        break;
      case VERB.r:
        this.#remote(line, start, end, 3);
        break;
      case VERB.R:
        this.#remote(line, start, end, 8);
        break;
      default:
        this.#other(line, start, end);
        break;
    }
  }

  /** `tiiildd…` or `Tiiiiiiiildd…`: exactly two digits per data byte, or four more for a time stamp. */
  #frame(line: Uint8Array, start: number, end: number, idDigits: number, extended: boolean): void {
    const lengthAt = start + 1 + idDigits;
    const dlc = lengthAt < end ? (HEX[line[lengthAt] ?? 0] ?? NOT_HEX) : NOT_HEX;
    const dataEnd = lengthAt + 1 + 2 * dlc;
    if (dlc > 8 || (dataEnd !== end && dataEnd + 4 !== end)) {
      this.#events.malformed(end - start);
      return;
    }
    let bad = 0;
    let id = 0;
    for (let at = start + 1; at < lengthAt; at++) {
      const digit = HEX[line[at] ?? 0] ?? NOT_HEX;
      bad |= digit;
      id = (id << 4) | (digit & 0x0f);
    }
    const data = new Uint8Array(dlc);
    for (let at = lengthAt + 1, i = 0; i < dlc; at += 2, i++) {
      const high = HEX[line[at] ?? 0] ?? NOT_HEX;
      const low = HEX[line[at + 1] ?? 0] ?? NOT_HEX;
      bad |= high | low;
      data[i] = (high << 4) | low;
    }
    for (let at = dataEnd; at < end; at++) bad |= HEX[line[at] ?? 0] ?? NOT_HEX;
    // `id` is compared unsigned: eight digits can set bit 31
    if (bad & NOT_HEX || id >>> 0 > (extended ? 0x1fffffff : 0x7ff)) {
      this.#events.malformed(end - start);
      return;
    }
    this.#events.frame(id, extended, data);
  }

  #remote(line: Uint8Array, start: number, end: number, idDigits: number): void {
    let bad = end - start === 2 + idDigits || end - start === 6 + idDigits ? 0 : NOT_HEX;
    for (let at = start + 1; at < end; at++) bad |= HEX[line[at] ?? 0] ?? NOT_HEX;
    if (bad & NOT_HEX) this.#events.malformed(end - start);
    else this.#events.remoteFrame();
  }

  #other(line: Uint8Array, start: number, end: number): void {
    const verb = line[start];
    if (end - start === 1 && (verb === VERB.z || verb === VERB.Z)) {
      this.#events.transmitAck(verb === VERB.Z);
      return;
    }
    const text = latin1(line, start, end);
    // strict shapes: the version text of a CANable is a commit hash and may begin with e
    const error = verb === VERB.e && /^e[1-8][abBcfoOs]+$/.test(text) && text.length === 2 + Number(text[1]);
    const state = verb === VERB.s ? /^s([awpb])\d{6}$/.exec(text)?.[1] : undefined;
    if (verb === VERB.F && /^F[0-9A-Fa-f]{2}$/.test(text)) this.#events.flags(Number.parseInt(text.slice(1), 16));
    else if (error) this.#events.errorLine(text);
    else if (state) this.#events.stateLine(text, state as 'a' | 'w' | 'p' | 'b');
    else this.#events.text(text);
  }
}

function latin1(line: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at++) text += String.fromCharCode(line[at] ?? 0);
  return text;
}
