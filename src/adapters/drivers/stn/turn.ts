import { type Clock, sleepUnlessAborted } from '#base/clock.ts';
import { toHex } from '#base/hex.ts';
import type { Ask, ConsoleAnswer } from '#adapters/drivers/interpreter/console.ts';
import { parseLine, type Status, statusError } from '#adapters/drivers/interpreter/lines.ts';
import { isStackError, StackError } from '#contract/errors.ts';
import { SEGMENT_TIMEOUT_MS, type StpxText } from './commands.ts';
import type { AnswerKind } from './reply.ts';

/** One message and the listening after it. */
export interface TurnRequest {
  /** Names the command in errors; never with the bytes of the message, which may be a key. */
  readonly label: string;
  /** The command, for a device that listens so long. */
  text(listenMs: number): StpxText;
  readonly lengthBytes: number;
  readonly maxSendBytes: number;
  /** More than one frame: the ECU's flow control stands between us and its last byte. */
  readonly segmented: boolean;
  /** Several may answer: no answer is the last one. */
  readonly functional: boolean;
  /** Until then an answer, an error, or it counts as sent and unanswered. */
  readonly answerLimitMs: number;
  /** Without a byte for so much longer than it listens the device does not live any more. */
  readonly silenceMarginMs: number;
}

/** What a turn tells to whoever routes. Synchronous. */
export interface TurnListener {
  /** A line with data. Delivers it; says what it means for this request, or null when it is no whole message. */
  message(text: string, atMs: number): { readonly kind: AnswerKind; readonly payload: Uint8Array } | null;
  /** A damaged line: an answer has begun that will not come whole. */
  begun(text: string, atMs: number): void;
  /** The answer is lost although the request went out. */
  failed(error: StackError, atMs: number): void;
  busError(flags: string, atMs: number): void;
}

/** The part of the console that a turn needs beside `ask`. */
export interface TurnConsole {
  interrupt(): Promise<void>;
  reconsiderYield(): void;
}

/** After the answer limit the client still waits its P2; meanwhile the device is not taken away for somebody else. */
const CLIENT_PATIENCE_MS = 250;
/** How long the answers to a broadcast may take (reference: diagnostics, behaviour 15), when nobody says that it is over. */
const BROADCAST_HOLD_MS = 2000;
/** A chip that waits for a flow control tells within its own limit, and some time on the line. */
const REFUSAL_MARGIN_MS = 200;
/** Longest wait for `DATA>`. */
const DATA_PROMPT_LIMIT_MS = 1500;

/**
 * One STPX, from the command to its prompt.
 *
 *     STPX … ──►                         the device sends, segments, waits for the flow control
 *            ◄── 7E8037F… | error | –    `handedOver` settles: an answer proves that the request arrived
 *            ◄── 7E87F2E78               pending: nobody may interrupt, or the final answer is lost
 *            ◄── 7E86EF190               final: from here on an interrupt costs nothing
 *      ' ' ──►                           only when somebody else needs the device
 *            ◄── STOPPED >
 *
 * The device hears only while a command runs (reference: adapters B.4), so it is left running for as long as nobody needs it:
 * late answers and a second answer after a stray still arrive, and no request is cut short by a limit that was guessed.
 */
export class Turn {
  /**
   * Resolves when an answer, or the silence after it, shows that the message went out; rejects when the device says that it
   * did not, or was cancelled. Handled, also when nobody waits.
   */
  readonly handedOver: Promise<void>;
  readonly #clock: Clock;
  readonly #console: TurnConsole;
  readonly #request: TurnRequest;
  readonly #listener: TurnListener;
  readonly #over = new AbortController();
  #settleHandOver: (error: StackError | null) => void = () => undefined;
  #state: 'waiting' | 'asking-for-data' | 'running' | 'over' = 'waiting';
  #isSettled = false;
  #isCancelled = false;
  #isAnswered = false;
  /** The device is, or may be, in the middle of being interrupted: a line that ends now can be half a line. */
  #mayBeCut = false;
  #refusal: Uint8Array | null = null;
  #atMs = 0;
  #quietMs = 0;
  #answerUntilMs = Number.POSITIVE_INFINITY;
  #holdUntilMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, console: TurnConsole, request: TurnRequest, listener: TurnListener) {
    this.#clock = clock;
    this.#console = console;
    this.#request = request;
    this.#listener = listener;
    this.handedOver = new Promise((resolve, reject) => {
      this.#settleHandOver = (error) => (error === null ? resolve() : reject(error));
    });
    this.handedOver.catch(() => undefined);
  }

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Runs it on the device. Never rejects: what went wrong is told by `handedOver` or `failed`. Returns it as well. */
  async run(ask: Ask, listenMs: number): Promise<StackError | null> {
    if (this.#isCancelled) return null;
    try {
      const text = this.#request.text(listenMs);
      this.#quietMs = listenMs + this.#request.silenceMarginMs;
      if (text.kind === 'data' && !(await this.#askForData(ask, text.command))) return null;
      await this.#talk(ask, text.kind === 'data' ? text.data : text.command, text.kind === 'data' ? 'none' : 'cr');
      return null;
    } catch (error) {
      const failure = this.#labelled(error);
      this.fail(failure);
      return failure;
    } finally {
      this.#state = 'over';
      this.#over.abort();
    }
  }

  /** It cannot even begin. */
  fail(error: StackError): void {
    if (!this.#isSettled) this.#settle(error);
    else if (!this.#isAnswered) this.#listener.failed(error, this.#clock.now());
    this.#isAnswered = true;
    this.release();
  }

  /**
   * Nobody waits for it any more. What is not sent stays unsent; a transmission is broken off. While the device waits for the
   * bytes it was promised it would take any other command for them, so it gets them, and is stopped at the first frame.
   */
  cancel(error: StackError): void {
    if (!this.#isSettled) {
      this.#isCancelled = true;
      this.#settle(error);
      if (this.#state === 'running') this.#interrupt();
    }
    this.release();
  }

  /** From now on anybody may end the listening. */
  release(): void {
    this.#isAnswered = true;
    this.#holdUntilMs = Number.NEGATIVE_INFINITY;
    if (this.#state === 'running') this.#console.reconsiderYield();
  }

  /** `L:` form: true when the device asks for the bytes. Without `DATA>` none may be sent (reference: adapters B.4). */
  async #askForData(ask: Ask, command: string): Promise<boolean> {
    this.#state = 'asking-for-data';
    const answer = await ask(command, { timeoutMs: DATA_PROMPT_LIMIT_MS });
    if (answer.prompt === 'DATA>') return true;
    const statuses = answer.lines.flatMap((line) => parseLine(line).statuses);
    const { label, lengthBytes, maxSendBytes } = this.#request;
    if (statuses.some(({ name }) => name === 'out-of-memory')) {
      const details = { lengthBytes, maxBytes: Math.min(maxSendBytes, lengthBytes - 1) };
      throw new StackError('isotp/message-too-long', `the adapter has no room for ${lengthBytes} bytes`, details);
    }
    for (const status of statuses) {
      const error = this.#errorOf(status);
      if (error) throw error;
    }
    throw new StackError('adapter/refused', `the adapter did not ask for the bytes of ${label}`, { command: label });
  }

  async #talk(ask: Ask, command: string, ending: 'cr' | 'none'): Promise<void> {
    const { answerLimitMs } = this.#request;
    this.#state = 'running';
    this.#answerUntilMs = this.#clock.now() + answerLimitMs;
    if (!this.#isAnswered) this.#holdUntilMs = this.#answerUntilMs + this.#patienceMs();
    void this.#watch();
    const asked = ask(command, {
      ending,
      keepLines: false,
      quietMs: this.#quietMs,
      onLine: (line, atMs) => this.#onLine(line, atMs),
      yieldAfterMs: () => this.#yieldAfterMs(),
    });
    if (this.#isCancelled) this.#interrupt();
    this.#ended(await asked);
  }

  #onLine(line: string, atMs: number): void {
    this.#atMs = atMs;
    const { text, statuses } = parseLine(line);
    const damaged = statuses.some(({ name }) => !HARMLESS.has(name));
    if (text !== '' && statuses.some(({ name }) => name === 'damaged-line') && !this.#mayBeCut)
      this.#listener.begun(text, atMs);
    for (const status of statuses) this.#onStatus(status, line);
    if (text !== '' && !damaged && !this.#mayBeCut) this.#onMessage(text);
  }

  #onMessage(text: string): void {
    const message = this.#listener.message(text, this.#atMs);
    if (message === null) {
      this.#answerLost(unexpected(text));
      return;
    }
    const { kind, payload } = message;
    if (kind === 'other' || this.#isAnswered) return;
    if (this.#request.functional) {
      this.#settle(null);
      this.#hold(this.#clock.now() + BROADCAST_HOLD_MS);
    } else if (kind === 'pending') {
      this.#settle(null);
      this.#hold(Number.POSITIVE_INFINITY);
    } else if (kind === 'negative' && this.#request.segmented && !this.#isSettled) {
      // Instead of a flow control, or after the whole message? The device says so: it is still waiting for one.
      this.#refusal = payload;
      this.#answerUntilMs = this.#clock.now() + SEGMENT_TIMEOUT_MS + REFUSAL_MARGIN_MS;
      this.#hold(this.#answerUntilMs);
      void this.#watch();
    } else {
      this.#settle(null);
      this.release();
    }
  }

  #onStatus(status: Status, line: string): void {
    switch (status.name) {
      case 'no-data':
        this.#settle(null);
        return;
      case 'buffer-full':
        this.#answerLost(this.#errorOf(status) ?? unexpected(line));
        return;
      case 'damaged-line':
      case 'data-error':
        this.#answerLost(unexpected(line));
        return;
      default: {
        const error = this.#errorOf(status);
        if (error === null) return;
        if (isStackError(error, 'can/bus-error')) this.#listener.busError(status.text, this.#atMs);
        this.fail(error);
      }
    }
  }

  /** Something answered, so the request went out; what it said is not known. */
  #answerLost(error: StackError): void {
    this.#settle(null);
    this.#listener.failed(error, this.#atMs);
    if (!this.#request.functional) this.release();
  }

  #errorOf(status: Status): StackError | null {
    const { label } = this.#request;
    switch (status.name) {
      case 'flow-control-timeout':
        if (this.#refusal !== null && !this.#isSettled) {
          const frame = toHex(this.#refusal);
          return new StackError('isotp/refused-while-sending', `the ECU answered ${frame} and no flow control`, {
            frame,
          });
        }
        // The device does not say how many frames had gone; the first one had.
        return new StackError('isotp/timeout-n-bs', `no flow control for ${label} in ${SEGMENT_TIMEOUT_MS} ms`, {
          timeoutMs: SEGMENT_TIMEOUT_MS,
          sentBytes: 0,
        });
      case 'out-of-memory':
        // Not the refusal of a length (`#askForData`): it may have sent, and had no room for the answer.
        return new StackError('adapter/buffer-full', `the adapter ran out of memory during ${label}`, {
          command: label,
        });
      case 'receive-overflow':
        return new StackError('adapter/stopped', `the adapter lost bytes of ${label} (${status.text})`, {
          command: label,
        });
      default:
        return statusError(status, label);
    }
  }

  #ended({ malformed }: ConsoleAnswer): void {
    this.#atMs = this.#clock.now();
    if (malformed > 0 && !this.#isAnswered && !this.#mayBeCut) this.#answerLost(unexpected('a line that lost bytes'));
    this.#settle(null);
  }

  /** Ends the wait for a sign: the message counts as sent, and the device goes on listening. */
  async #watch(): Promise<void> {
    while (!this.#isSettled) {
      const leftMs = this.#answerUntilMs - this.#clock.now();
      if (leftMs > 0) {
        if (!(await sleepUnlessAborted(this.#clock, leftMs, this.#over.signal))) return;
        continue;
      }
      this.#settle(null);
      if (this.#refusal !== null) this.release();
    }
  }

  #patienceMs(): number {
    return this.#request.functional ? BROADCAST_HOLD_MS : CLIENT_PATIENCE_MS;
  }

  /** The console asks when somebody else needs the device; a moment that has passed means that it interrupts. */
  #yieldAfterMs(): number {
    if (this.#holdUntilMs <= this.#clock.now()) this.#mayBeCut = true;
    return this.#holdUntilMs;
  }

  #interrupt(): void {
    this.#mayBeCut = true;
    void this.#console.interrupt();
  }

  #hold(untilMs: number): void {
    this.#holdUntilMs = untilMs;
    this.#console.reconsiderYield();
  }

  #settle(error: StackError | null): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#settleHandOver(error);
  }

  /** The console names the command with all its bytes: not here. */
  #labelled(error: unknown): StackError {
    const { label } = this.#request;
    if (isStackError(error, 'adapter/no-answer'))
      return new StackError(error.code, `the adapter does not answer any more after ${label}`, {
        command: label,
        timeoutMs: error.details.timeoutMs,
      });
    if (isStackError(error, 'adapter/stopped'))
      return new StackError(error.code, `the adapter broke off ${label}`, { command: label });
    if (isStackError(error, 'adapter/garbage'))
      return new StackError(
        error.code,
        `${error.details.bytes} characters without an end after ${label}`,
        error.details,
      );
    if (isStackError(error, 'call/timeout'))
      return new StackError('adapter/no-answer', `the adapter does not take ${label}`, {
        command: label,
        timeoutMs: error.details.timeoutMs,
      });
    if (error instanceof StackError) return error;
    throw error;
  }
}

/** Words that may stand on a line with a message. */
const HARMLESS: ReadonlySet<Status['name']> = new Set(['ok', 'searching', 'bus-init-ok']);

/** Header and service only: the rest may be somebody's seed. */
const SHOWN_CHARS = 11;

function unexpected(line: string): StackError {
  const frame = line.length > SHOWN_CHARS ? `${line.slice(0, SHOWN_CHARS)}… (${line.length} characters)` : line;
  return new StackError('isotp/unexpected-pdu', `no whole message: ${frame}`, { frame });
}
