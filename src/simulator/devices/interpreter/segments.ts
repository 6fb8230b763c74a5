import type { CanFrame } from '#simulator/frame-bits.ts';
import type { Chip } from './chip.ts';
import { isFirstFrame, pairedRx, pciOf, wireFrame } from './flow.ts';
import type { Protocol } from './protocols.ts';

export interface SenderOutcome {
  sent(endMs: number): void;
  /** In the words of the chip: `CAN ERROR`, `FC RX TIMEOUT`. */
  failed(words: string): void;
}

/** A message to the car in frames, as STCSEGT1 sends it: it obeys BS, STmin, WAIT and OVFLW of each flow control. */
export class SegmentSender {
  readonly #chip: Chip;
  readonly #protocol: Protocol;
  readonly #txId: number;
  readonly #payload: Uint8Array;
  readonly #outcome: SenderOutcome;
  /** Data bytes of a first frame: five where an address byte comes before them. */
  readonly #firstBytes: number;
  #sent = 0;
  #sn = 1;
  #waitsForFlow = false;
  #isOver = false;
  #deadlineMs = 0;

  constructor(chip: Chip, protocol: Protocol, txId: number, payload: Uint8Array, outcome: SenderOutcome) {
    this.#chip = chip;
    this.#protocol = protocol;
    this.#txId = txId;
    this.#payload = payload;
    this.#outcome = outcome;
    this.#firstBytes = chip.settings.targetByte === undefined ? 6 : 5;
  }

  start(): void {
    const { length } = this.#payload;
    const part = this.#payload.subarray(0, this.#firstBytes);
    this.#sent = this.#firstBytes;
    this.#send(Uint8Array.of(0x10 | (length >> 8), length & 0xff, ...part), (endMs) => this.#awaitFlow(endMs));
  }

  drop(): void {
    this.#isOver = true;
  }

  /** Takes the frame if it is the flow control of this message. */
  takes(frame: CanFrame): boolean {
    const pci = pciOf(this.#chip.settings, frame);
    const status = pci[0] ?? 0;
    if (this.#isOver || status >> 4 !== 3 || pci.length < 3) return false;
    if (frame.id !== pairedRx(this.#chip.settings, this.#protocol, this.#txId)) return false;
    if (!this.#waitsForFlow) return true;
    if ((status & 0x0f) === 1) this.#awaitFlow(this.#chip.kernel.nowMs);
    else if ((status & 0x0f) !== 0) this.#fail('FC RX TIMEOUT');
    else {
      this.#waitsForFlow = false;
      this.#block(pci[1] ?? 0, stMinMs(pci[2] ?? 0) + this.#chip.settings.extraStMinMs);
    }
    return true;
  }

  #block(blockSize: number, gapMs: number): void {
    let left = blockSize === 0 ? Number.POSITIVE_INFINITY : blockSize;
    const sendOne = (): void => {
      if (this.#isOver) return;
      const part = this.#payload.subarray(this.#sent, this.#sent + this.#firstBytes + 1);
      const content = Uint8Array.of(0x20 | this.#sn, ...part);
      this.#sent += part.length;
      this.#sn = (this.#sn + 1) & 0x0f;
      left--;
      this.#send(content, (endMs) => {
        if (this.#sent >= this.#payload.length) this.#finish(endMs);
        else if (left === 0) this.#awaitFlow(endMs);
        else this.#chip.kernel.at(endMs + gapMs, sendOne);
      });
    };
    sendOne();
  }

  #send(content: Uint8Array, then: (endMs: number) => void): void {
    const frame = wireFrame(this.#chip.settings, this.#protocol, this.#txId, content);
    this.#chip.can.send(frame, {
      sent: (endMs) => {
        if (!this.#isOver) then(endMs);
      },
      failed: () => this.#fail('CAN ERROR'),
    });
  }

  #awaitFlow(fromMs: number): void {
    this.#waitsForFlow = true;
    this.#deadlineMs = fromMs + this.#chip.settings.flowTimeoutMs;
    this.#chip.kernel.at(this.#deadlineMs, () => {
      if (this.#waitsForFlow && this.#chip.kernel.nowMs >= this.#deadlineMs) this.#fail('FC RX TIMEOUT');
    });
  }

  #finish(endMs: number): void {
    this.#isOver = true;
    this.#outcome.sent(endMs);
  }

  #fail(words: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#outcome.failed(words);
  }
}

/** A message of the car, put together from its frames. */
export interface Assembled {
  readonly frame: CanFrame;
  readonly pdu: Uint8Array;
  /** Frames of it are missing. */
  readonly isBroken: boolean;
}

interface Reception {
  readonly frame: CanFrame;
  readonly pdu: Uint8Array;
  filled: number;
  sn: number;
  deadlineMs: number;
}

/** What STCSEGR1 does with frames, for each identifier by itself. */
export class Assembler {
  readonly #chip: Chip;
  readonly #done: (message: Assembled) => void;
  readonly #open = new Map<number, Reception>();
  #isOver = false;

  constructor(chip: Chip, done: (message: Assembled) => void) {
    this.#chip = chip;
    this.#done = done;
  }

  /** A message is under way. */
  get isBusy(): boolean {
    return this.#open.size > 0;
  }

  drop(): void {
    this.#isOver = true;
    this.#open.clear();
  }

  take(frame: CanFrame): void {
    const pci = pciOf(this.#chip.settings, frame);
    const first = pci[0] ?? 0;
    if (first >> 4 === 0 && first > 0 && pci.length > first) {
      this.#open.delete(frame.id);
      this.#done({ frame, pdu: pci.slice(1, 1 + first), isBroken: false });
    } else if (isFirstFrame(pci)) this.#begin(frame, pci);
    else if (first >> 4 === 2) this.#goOn(frame.id, pci);
  }

  #begin(frame: CanFrame, pci: Uint8Array): void {
    const lengthBytes = firstFrameLength(pci);
    const part = pci.subarray(2);
    if (lengthBytes <= part.length) return; // that would have fitted a single frame
    const pdu = new Uint8Array(lengthBytes);
    pdu.set(part);
    const reception: Reception = { frame, pdu, filled: part.length, sn: 1, deadlineMs: 0 };
    this.#open.set(frame.id, reception);
    this.#touch(reception);
    this.#watch(reception);
  }

  #goOn(id: number, pci: Uint8Array): void {
    const reception = this.#open.get(id);
    if (!reception) return;
    if (((pci[0] ?? 0) & 0x0f) !== reception.sn) {
      this.#end(reception, true);
      return;
    }
    const part = pci.subarray(1, 1 + reception.pdu.length - reception.filled);
    reception.pdu.set(part, reception.filled);
    reception.filled += part.length;
    reception.sn = (reception.sn + 1) & 0x0f;
    this.#touch(reception);
    if (reception.filled === reception.pdu.length) this.#end(reception, false);
  }

  #touch(reception: Reception): void {
    reception.deadlineMs = this.#chip.kernel.nowMs + this.#chip.settings.consecutiveTimeoutMs;
  }

  #watch(reception: Reception): void {
    this.#chip.kernel.at(reception.deadlineMs, () => {
      if (this.#isOver || this.#open.get(reception.frame.id) !== reception) return;
      if (this.#chip.kernel.nowMs < reception.deadlineMs) this.#watch(reception);
      else this.#end(reception, true);
    });
  }

  #end({ frame, pdu, filled }: Reception, isBroken: boolean): void {
    this.#open.delete(frame.id);
    this.#done({ frame, pdu: pdu.subarray(0, filled), isBroken });
  }
}

/** 12 bits of length. */
export function firstFrameLength(pci: Uint8Array): number {
  return (((pci[0] ?? 0) & 0x0f) << 8) | (pci[1] ?? 0);
}

/** Reserved values count as the longest (reference: adapters J.2). */
function stMinMs(code: number): number {
  if (code >= 0xf1 && code <= 0xf9) return (code & 0x0f) * 0.1;
  return Math.min(code, 0x7f);
}
