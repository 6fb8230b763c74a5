import type { IsoTpQuirks } from '#contract/simulator-control.ts';
import type { BusFrame, BusPort, CanBus } from './can-bus.ts';
import type { Kernel } from './kernel.ts';

export const PLAIN_ISOTP: IsoTpQuirks = {
  stMin: 0,
  blockSize: 0,
  waits: 0,
  waitEveryMs: 200,
  overflow: false,
  flowControlDelayMs: 0,
  dropFlowControl: 0,
  loseFlowControl: 0,
  loseConsecutive: 0,
  strictStMin: false,
  padding: 0xaa,
  dropConsecutive: 0,
  duplicateConsecutive: 0,
  wrongSnAt: 0,
};

/** N_Bs and N_Cr of the server (ISO 15765-2). */
const WAIT_LIMIT_MS = 1000;
/** 12-bit length of a first frame. */
const MAX_PDU_BYTES = 4095;

export interface IsoTpAddressing {
  readonly requestId: number;
  readonly responseId: number;
  /** Requests to everybody: single frames only. */
  readonly functionalIds: readonly number[];
}

/** `Note` is what `begins` found out about a message; it comes back with the whole message. */
export interface IsoTpHandler<Note> {
  /** Powered and not in a reset: hears and sends. */
  listening(): boolean;
  /** A message begins; `head` holds its first bytes (at least 6 of a longer one). Gives the quirks of its reception. */
  begins(head: Uint8Array, functional: boolean): { readonly quirks: IsoTpQuirks; readonly note: Note };
  received(pdu: Uint8Array, functional: boolean, note: Note): void;
}

interface Reception<Note> {
  readonly pdu: Uint8Array;
  readonly quirks: IsoTpQuirks;
  readonly note: Note;
  filled: number;
  nextSn: number;
  /** CFs until the next flow control; undefined = none follows. */
  blockLeft: number | undefined;
  flowControls: number;
  /** Consecutive frames that were on the wire. */
  consecutives: number;
  /** True between a flow control that is due and its departure: nothing may arrive then. */
  holding: boolean;
  /** End of the frame before, for STmin; the first frame after a flow control has none. */
  lastEndMs: number;
  deadlineMs: number;
}

interface Transmission {
  readonly pdu: Uint8Array;
  readonly quirks: IsoTpQuirks;
  readonly onSent: (() => void) | undefined;
  sent: number;
  index: number;
  /** Flow controls that were on the wire. */
  flowControls: number;
  waitingForFlow: boolean;
  deadlineMs: number;
}

/**
 * The ECU's side of ISO 15765-2 on one address pair (normal addressing, classic CAN). It is the simulator's own code,
 * written apart from the client's, so that each can catch the other's mistakes.
 */
export class IsoTpServer<Note> {
  readonly #kernel: Kernel;
  readonly #address: IsoTpAddressing;
  readonly #handler: IsoTpHandler<Note>;
  readonly #port: BusPort;
  readonly #detach: (() => void)[];
  #reception: Reception<Note> | undefined;
  #transmission: Transmission | undefined;
  #sending = false;
  #outbox: { readonly pdu: Uint8Array; readonly quirks: IsoTpQuirks; readonly onSent: (() => void) | undefined }[] = [];
  /** Grows with each reset: what was scheduled before is void. */
  #era = 0;

  constructor(kernel: Kernel, bus: CanBus, address: IsoTpAddressing, handler: IsoTpHandler<Note>) {
    this.#kernel = kernel;
    this.#address = address;
    this.#handler = handler;
    this.#port = bus.attach(() => handler.listening());
    this.#detach = [
      bus.listen(address.requestId, false, (event) => this.#physical(event)),
      ...address.functionalIds.map((id) => bus.listen(id, false, (event) => this.#functional(event))),
      () => this.#port.detach(),
    ];
  }

  /** Sends a PDU (1–4095 bytes) after those before it. `onSent`: its last frame has left. */
  send(pdu: Uint8Array, quirks: IsoTpQuirks, onSent?: () => void): void {
    if (pdu.length === 0 || pdu.length > MAX_PDU_BYTES) throw new RangeError(`a PDU of ${pdu.length} bytes`);
    this.#outbox.push({ pdu, quirks, onSent });
    this.#next();
  }

  /** Reset or loss of power: everything half done is gone. */
  clear(): void {
    this.#era++;
    this.#reception = undefined;
    this.#transmission = undefined;
    this.#sending = false;
    this.#outbox = [];
    this.#port.clear();
  }

  close(): void {
    this.clear();
    for (const detach of this.#detach) detach();
  }

  #functional({ frame }: BusFrame): void {
    if (!this.#handler.listening() || frame.rtr) return;
    const pdu = singleFrame(frame.data);
    if (!pdu) return;
    this.#handler.received(pdu, true, this.#handler.begins(pdu, true).note);
  }

  #physical(event: BusFrame): void {
    const { data, rtr } = event.frame;
    if (!this.#handler.listening() || rtr || data.length === 0) return;
    const type = (data[0] ?? 0) >> 4;
    if (type === 3) this.#flowControl(data, event.endMs);
    else if (this.#transmission)
      return; // half duplex (reference: adapters J.4)
    else if (type === 0) this.#single(data);
    else if (type === 1) this.#first(data, event.endMs);
    else if (type === 2) this.#consecutive(data, event);
  }

  #single(data: Uint8Array): void {
    const pdu = singleFrame(data);
    if (!pdu) return;
    this.#reception = undefined;
    this.#handler.received(pdu, false, this.#handler.begins(pdu, false).note);
  }

  #first(data: Uint8Array, endMs: number): void {
    const lengthBytes = (((data[0] ?? 0) & 0x0f) << 8) | (data[1] ?? 0);
    if (data.length < 8) return;
    if (lengthBytes < 8 && !(lengthBytes === 0 && data[0] === 0x10)) return;
    const head = data.slice(2, 8);
    const { quirks, note } = this.#handler.begins(head, false);
    // 10 00 announces a 32-bit length: more than the buffer holds.
    if (lengthBytes === 0 || quirks.overflow) {
      this.#reception = undefined;
      this.#frame(Uint8Array.of(0x32, 0, 0), quirks);
      return;
    }
    const pdu = new Uint8Array(lengthBytes);
    pdu.set(head);
    const reception: Reception<Note> = {
      pdu,
      quirks,
      note,
      filled: 6,
      nextSn: 1,
      blockLeft: undefined,
      flowControls: 0,
      consecutives: 0,
      holding: true,
      lastEndMs: endMs,
      deadlineMs: endMs + WAIT_LIMIT_MS,
    };
    this.#reception = reception;
    this.#answerFlow(reception);
    this.#watchReception(reception);
  }

  #consecutive(data: Uint8Array, event: BusFrame): void {
    const reception = this.#reception;
    if (!reception || reception.holding) return;
    if (++reception.consecutives === reception.quirks.loseConsecutive) return;
    const early = event.startMs - reception.lastEndMs < stMinMs(reception.quirks.stMin) - 1e-3;
    reception.lastEndMs = event.endMs;
    if (reception.quirks.strictStMin && early) return;
    if (((data[0] ?? 0) & 0x0f) !== reception.nextSn) {
      this.#reception = undefined; // N_WRONG_SN: no flow control, the sender finds out by N_Bs
      return;
    }
    const wanted = Math.min(7, reception.pdu.length - reception.filled);
    if (data.length - 1 < wanted) return;
    reception.pdu.set(data.subarray(1, 1 + wanted), reception.filled);
    reception.filled += wanted;
    reception.nextSn = (reception.nextSn + 1) & 0x0f;
    reception.deadlineMs = event.endMs + WAIT_LIMIT_MS;
    if (reception.filled === reception.pdu.length) {
      this.#reception = undefined;
      this.#handler.received(reception.pdu, false, reception.note);
    } else if (reception.blockLeft !== undefined && --reception.blockLeft === 0) {
      reception.holding = true;
      this.#answerFlow(reception);
    }
  }

  #answerFlow(reception: Reception<Note>): void {
    const { quirks } = reception;
    const era = this.#era;
    const send = (status: number, then: () => void) => {
      if (era !== this.#era || this.#reception !== reception) return;
      this.#frame(Uint8Array.of(0x30 | status, quirks.blockSize, quirks.stMin), quirks, then);
    };
    const clearToSend = () => {
      reception.flowControls++;
      reception.blockLeft = quirks.blockSize || undefined;
      reception.lastEndMs = Number.NEGATIVE_INFINITY;
      reception.holding = false;
      if (reception.flowControls !== quirks.dropFlowControl) send(0, () => undefined);
    };
    const step = (waitsLeft: number) => {
      if (waitsLeft === 0) {
        clearToSend();
        return;
      }
      reception.deadlineMs = this.#kernel.nowMs + quirks.waitEveryMs + WAIT_LIMIT_MS;
      send(1, () => this.#kernel.after(quirks.waitEveryMs, () => step(waitsLeft - 1)));
    };
    if (quirks.flowControlDelayMs > 0) this.#kernel.after(quirks.flowControlDelayMs, () => step(quirks.waits));
    else step(quirks.waits);
  }

  /** One timer per message instead of one per frame: it looks again at the deadline as it then is. */
  #watchReception(reception: Reception<Note>): void {
    this.#kernel.at(reception.deadlineMs, () => {
      if (this.#reception !== reception) return;
      if (reception.deadlineMs > this.#kernel.nowMs) this.#watchReception(reception);
      else this.#reception = undefined; // N_Cr
    });
  }

  #next(): void {
    if (this.#sending) return;
    const message = this.#outbox.shift();
    if (!message) return;
    const { pdu, quirks, onSent } = message;
    this.#sending = true;
    if (pdu.length <= 7) {
      this.#frame(Uint8Array.of(pdu.length, ...pdu), quirks, () => {
        onSent?.();
        this.#done();
      });
      return;
    }
    const head = new Uint8Array(8);
    head[0] = 0x10 | (pdu.length >> 8);
    head[1] = pdu.length & 0xff;
    head.set(pdu.subarray(0, 6), 2);
    const transmission: Transmission = {
      pdu,
      quirks,
      onSent,
      sent: 6,
      index: 1,
      flowControls: 0,
      waitingForFlow: true,
      deadlineMs: Number.POSITIVE_INFINITY,
    };
    this.#transmission = transmission;
    this.#frame(head, quirks, (endMs) => this.#awaitFlow(transmission, endMs));
  }

  #done(): void {
    this.#sending = false;
    this.#transmission = undefined;
    this.#next();
  }

  #awaitFlow(transmission: Transmission, fromMs: number): void {
    transmission.deadlineMs = fromMs + WAIT_LIMIT_MS;
    this.#kernel.at(transmission.deadlineMs, () => {
      const isOurs = this.#transmission === transmission && transmission.waitingForFlow;
      if (isOurs && transmission.deadlineMs <= this.#kernel.nowMs) this.#done(); // N_Bs: the answer is given up
    });
  }

  #flowControl(data: Uint8Array, endMs: number): void {
    const transmission = this.#transmission;
    if (!transmission?.waitingForFlow || data.length < 3) return;
    if (++transmission.flowControls === transmission.quirks.loseFlowControl) return;
    const status = (data[0] ?? 0) & 0x0f;
    if (status === 1) this.#awaitFlow(transmission, endMs);
    else if (status !== 0) this.#done();
    else {
      transmission.waitingForFlow = false;
      this.#block(transmission, data[1] ?? 0, stMinMs(data[2] ?? 0));
    }
  }

  /** The CFs of one block. Without STmin all of them queue at once; the bus spaces them. */
  #block(transmission: Transmission, blockSize: number, gapMs: number): void {
    const { pdu, quirks } = transmission;
    const era = this.#era;
    let left = blockSize || Number.POSITIVE_INFINITY;
    const sendOne = (): void => {
      const { index } = transmission;
      const sn = index === quirks.wrongSnAt ? index + 1 : index;
      const part = pdu.subarray(transmission.sent, transmission.sent + 7);
      const frame = new Uint8Array(part.length + 1);
      frame[0] = 0x20 | (sn & 0x0f);
      frame.set(part, 1);
      transmission.sent += part.length;
      transmission.index++;
      left--;
      const isLast = transmission.sent >= pdu.length;
      const next = (endMs: number) => {
        if (era !== this.#era || this.#transmission !== transmission) return;
        if (isLast) {
          transmission.onSent?.();
          this.#done();
        } else if (left === 0) {
          transmission.waitingForFlow = true;
          this.#awaitFlow(transmission, endMs);
        } else if (gapMs > 0) this.#kernel.at(endMs + gapMs, sendOne);
      };
      if (index === quirks.duplicateConsecutive) this.#frame(frame, quirks);
      if (index === quirks.dropConsecutive) next(this.#kernel.nowMs);
      else this.#frame(frame, quirks, isLast || left === 0 || gapMs > 0 ? next : undefined);
    };
    do sendOne();
    while (gapMs === 0 && left > 0 && transmission.sent < pdu.length);
  }

  #frame(content: Uint8Array, quirks: IsoTpQuirks, onSent?: (endMs: number) => void): void {
    let data = content;
    if (quirks.padding >= 0 && content.length < 8) {
      data = new Uint8Array(8).fill(quirks.padding);
      data.set(content);
    }
    const era = this.#era;
    this.#port.send({ id: this.#address.responseId, extended: false, rtr: false, data }, (endMs) => {
      if (era === this.#era) onSent?.(endMs);
    });
  }
}

function singleFrame(data: Uint8Array): Uint8Array | undefined {
  const first = data[0] ?? 0;
  if (first === 0 || first > 7 || data.length <= first) return undefined;
  return data.slice(1, 1 + first);
}

/** STmin in ms; reserved values count as 127 (ISO 15765-2). */
export function stMinMs(byte: number): number {
  if (byte <= 0x7f) return byte;
  return byte >= 0xf1 && byte <= 0xf9 ? (byte - 0xf0) / 10 : 127;
}
