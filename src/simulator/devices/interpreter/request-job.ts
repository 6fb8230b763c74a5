import type { BusFrame } from '#simulator/can-bus.ts';
import type { CanFrame } from '#simulator/frame-bits.ts';
import type { Answer, Job } from './answer.ts';
import type { Chip } from './chip.ts';
import { flowControl, isFirstFrame, isFormatted, pciOf, wireFrame } from './flow.ts';
import { frameLines, messageLine } from './printer.ts';
import type { Protocol } from './protocols.ts';
import { SearchJob } from './search-job.ts';
import { type Assembled, Assembler, firstFrameLength, SegmentSender } from './segments.ts';
import { parameter, passes, requestId } from './settings.ts';

/** One request of the host. */
export interface Request {
  /** Identifier of its own (STPX H:); undefined = that of SH. */
  readonly header: number | undefined;
  readonly payload: Uint8Array;
  /** So many lines or messages end it; undefined = the timeout does. */
  readonly expected: number | undefined;
  /** 0 = for ever. */
  readonly timeoutMs: number;
}

/** After `7F xx 78` a chip that knows it waits so long for the answer (how long is not documented: adapters A.4). */
const PENDING_MS = 5000;
const PENDING_BIT = 0x04;
/** What AT1 and AT2 add to the time that answers took lately. */
const ADAPTIVE = { 1: { factor: 2, extraMs: 20 }, 2: { factor: 1.25, extraMs: 8 } } as const;
/** Share of the past in what is learned about the time of answers. */
const LEARN_SHARE = 0.75;

/** Sends a request and prints what comes, after a search for the protocol where none is known. */
export function startRequest(chip: Chip, request: Request): Answer {
  const { protocol } = chip;
  if (!protocol) new SearchJob(chip, (found) => new RequestJob(chip, found, request).start()).start();
  else if (protocol.wires === 'k-line') new DeadWireJob(chip, protocol.initMs ?? 0, true).start();
  else if (protocol.wires === 'j1850') new DeadWireJob(chip, request.timeoutMs, false).start();
  else new RequestJob(chip, protocol, request).start();
  return 'later';
}

/** `SI`, `FI`: a K-line is woken without a request; on other wires there is nothing to wake. */
export function startInit(chip: Chip): Answer {
  const { protocol } = chip;
  if (protocol?.wires !== 'k-line') return '?';
  new DeadWireJob(chip, protocol.initMs ?? 0, true).start();
  return 'later';
}

/** A K-line or J1850 bus: the virtual car has none, nobody answers. */
class DeadWireJob implements Job {
  readonly #chip: Chip;
  readonly #timeMs: number;
  readonly #isInit: boolean;
  #isOver = false;

  constructor(chip: Chip, timeMs: number, isInit: boolean) {
    this.#chip = chip;
    this.#timeMs = timeMs;
    this.#isInit = isInit;
  }

  start(): void {
    const chip = this.#chip;
    chip.work(this);
    if (this.#isInit) chip.print('BUS INIT: ');
    chip.kernel.after(this.#timeMs, () => {
      if (this.#isOver) return;
      chip.line(this.#isInit ? (chip.model.level < 2 ? '...ERROR' : 'ERROR') : 'NO DATA');
      chip.finish();
    });
  }

  input(): void {
    this.#chip.stop();
  }
  drop(): void {
    this.#isOver = true;
  }
}

class RequestJob implements Job {
  readonly #chip: Chip;
  readonly #protocol: Protocol;
  readonly #request: Request;
  readonly #isFormatted: boolean;
  readonly #assembler: Assembler | undefined;
  #sender: SegmentSender | undefined;
  #isSent = false;
  #isOver = false;
  #isPending = false;
  #lines = 0;
  #counted = 0;
  #lastMs = 0;
  #deadlineMs = Number.POSITIVE_INFINITY;
  /** The deadline that an event waits for. */
  #watchedMs = Number.POSITIVE_INFINITY;

  constructor(chip: Chip, protocol: Protocol, request: Request) {
    this.#chip = chip;
    this.#protocol = protocol;
    this.#request = request;
    this.#isFormatted = isFormatted(chip);
    if (chip.model.st && chip.settings.reassemble && this.#isFormatted)
      this.#assembler = new Assembler(chip, (message) => this.#gotMessage(message));
  }

  start(): void {
    const chip = this.#chip;
    const { payload } = this.#request;
    chip.work(this);
    chip.can.open(this.#protocol);
    const id = this.#request.header ?? requestId(chip.settings, this.#protocol);
    const outcome = {
      sent: (endMs: number) => this.#wasSent(endMs),
      failed: (words = 'CAN ERROR') => this.#endWith(words),
    };
    const singleBytes = chip.settings.targetByte === undefined ? 7 : 6;
    if (this.#isFormatted && payload.length > singleBytes) {
      this.#sender = new SegmentSender(chip, this.#protocol, id, payload, outcome);
      this.#sender.start();
      return;
    }
    const content = this.#isFormatted ? Uint8Array.of(payload.length, ...payload) : payload;
    chip.can.send(wireFrame(chip.settings, this.#protocol, id, content), outcome);
  }

  input(): void {
    this.#chip.stop();
  }

  drop(): void {
    this.#isOver = true;
    this.#sender?.drop();
    this.#assembler?.drop();
  }

  received({ frame, endMs }: BusFrame): void {
    const { settings } = this.#chip;
    if (this.#isOver || frame.extended !== this.#protocol.extended) return;
    if (this.#sender?.takes(frame)) return;
    if (!passes(settings, this.#protocol, frame.id)) return;
    this.#learn(endMs);
    if (isFirstFrame(pciOf(settings, frame)) && !this.#answersFirstFrame(frame)) return;
    if (this.#assembler) this.#assembler.take(frame);
    else this.#gotFrame(frame);
    if (!this.#isOver) this.#waitFrom(endMs);
  }

  #wasSent(endMs: number): void {
    if (this.#isOver) return;
    this.#isSent = true;
    if (!this.#chip.settings.responses || this.#request.expected === 0) this.#end();
    else {
      this.#lastMs = endMs;
      this.#waitFrom(endMs);
    }
  }

  /** False when the message is longer than the chip can hold: it refuses it and gives up. */
  #answersFirstFrame(frame: CanFrame): boolean {
    const chip = this.#chip;
    const answer = flowControl(chip, this.#protocol, frame.id);
    const limit = this.#assembler && chip.model.st ? chip.model.st.messageBytes : Number.POSITIVE_INFINITY;
    const isTooLong = firstFrameLength(pciOf(chip.settings, frame)) > limit;
    const ignored = { sent: () => undefined, failed: () => undefined };
    if (answer && isTooLong)
      chip.can.send(wireFrame(chip.settings, this.#protocol, answer.id, Uint8Array.of(0x32, 0, 0)), ignored);
    else if (answer) chip.can.send(answer, ignored);
    if (isTooLong) this.#endWith('OUT OF MEMORY');
    return !isTooLong;
  }

  #gotFrame(frame: CanFrame): void {
    const chip = this.#chip;
    const most = chip.model.answerLines ?? Number.POSITIVE_INFINITY;
    for (const line of frameLines(chip.settings, frame, this.#isFormatted)) {
      if (this.#lines >= most) break;
      if (!chip.tryLine(line)) {
        chip.can.counters.dropped++;
        this.#endWith('BUFFER FULL');
        return;
      }
      this.#lines++;
    }
    const pci = pciOf(chip.settings, frame);
    const keepsWaiting = chip.model.waitsAfterPending && (parameter(chip.eeprom, 0x2a) & PENDING_BIT) !== 0;
    const isPending = this.#isFormatted && keepsWaiting && pci[0] === 3 && pci[1] === 0x7f && pci[3] === 0x78;
    this.#count(isPending);
  }

  /** Without AL a whole message has seven bytes at most (reference: adapters B.4); longer ones are lost. */
  #gotMessage({ frame, pdu, isBroken }: Assembled): void {
    if (pdu.length > 7 && !this.#chip.settings.allowLong) return;
    this.#chip.line(messageLine(this.#chip.settings, frame, pdu) + (isBroken ? '<RX ERROR' : ''));
    this.#lines++;
    this.#count(false);
  }

  #count(isPending: boolean): void {
    this.#counted++;
    this.#isPending = isPending;
    if (this.#counted === this.#request.expected) this.#end();
  }

  /** The times between what was heard; AT1 and AT2 wait no longer than they let expect. */
  #learn(endMs: number): void {
    if (!this.#isSent) return;
    const gapMs = endMs - this.#lastMs;
    this.#lastMs = endMs;
    const learnedMs = this.#chip.learnedMs ?? gapMs;
    this.#chip.learnedMs = Math.max(gapMs, learnedMs * LEARN_SHARE + gapMs * (1 - LEARN_SHARE));
  }

  #waitFrom(fromMs: number): void {
    if (!this.#isSent) return;
    this.#deadlineMs = fromMs + this.#waitMs();
    if (this.#deadlineMs < this.#watchedMs) this.#watch();
  }

  #waitMs(): number {
    const { adaptive, consecutiveTimeoutMs } = this.#chip.settings;
    const { learnedMs } = this.#chip;
    const { timeoutMs } = this.#request;
    if (timeoutMs === 0) return Number.POSITIVE_INFINITY;
    if (this.#isPending) return Math.max(PENDING_MS, timeoutMs);
    let waitMs = timeoutMs;
    if (adaptive !== 0 && learnedMs !== undefined) {
      const { factor, extraMs } = ADAPTIVE[adaptive];
      waitMs = Math.min(timeoutMs, learnedMs * factor + extraMs);
    }
    return this.#assembler?.isBusy ? Math.max(waitMs, consecutiveTimeoutMs) : waitMs;
  }

  /** One event instead of one per frame: it looks again at the deadline as it then is. Only an earlier one needs its own. */
  #watch(): void {
    const { kernel } = this.#chip;
    const watchedMs = this.#deadlineMs;
    this.#watchedMs = watchedMs;
    if (watchedMs === Number.POSITIVE_INFINITY) return;
    kernel.at(watchedMs, () => {
      if (this.#isOver || watchedMs !== this.#watchedMs) return;
      if (kernel.nowMs < this.#deadlineMs) this.#watch();
      else this.#end();
    });
  }

  #end(): void {
    if (this.#isOver) return;
    const waited = this.#chip.settings.responses && this.#request.expected !== 0;
    if (waited && this.#lines === 0) this.#chip.line('NO DATA');
    this.#leave();
  }

  #endWith(words: string): void {
    if (this.#isOver) return;
    this.#chip.line(words);
    this.#leave();
  }

  /** A flow control that waits for the bus still goes out: the rest of the answer then comes when nobody expects it. */
  #leave(): void {
    this.drop();
    if (!this.#isSent) this.#chip.can.callOff();
    this.#chip.finish();
  }
}
