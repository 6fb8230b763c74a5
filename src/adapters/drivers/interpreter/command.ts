import { type Clock, sleepUnlessAborted } from '#base/clock.ts';
import type { CallOptions } from '#contract/call.ts';
import { StackError } from '#contract/errors.ts';
import type { Prompt } from './line-reader.ts';

/** One answer that is kept may have this many characters: 4095 bytes as lines with spaces, three times. */
export const MAX_ANSWER_CHARS = 65_536;

const MAX_LABEL_CHARS = 24;

/** Stands for the command in `adapter/no-answer` when the device did not heed an interrupt. */
export const INTERRUPT = 'interrupt';

export interface AskOptions extends CallOptions {
  /** Every line of the answer as it comes, without echo. Synchronous, must not throw. */
  onLine?(line: string, atMs: number): void;
  /** Default true. `false`: lines go to `onLine` only, and there may be any number of them (monitoring). */
  readonly keepLines?: boolean;
  /** Longest silence instead of a limit for the whole (`timeoutMs` is then not applied unless given). */
  readonly quietMs?: number;
  /** Ends by itself with an interrupt after so long: for commands that have no end of their own (monitoring). */
  readonly interruptAfterMs?: number;
  /**
   * From this moment on (monotonic ms, asked again after every line) the command is interrupted as soon as another turn
   * waits. Without it the command runs to its prompt.
   */
  yieldAfterMs?(): number;
  /** `none`: the text goes out without CR, e.g. the bytes an STN asks for with `DATA>`. Default `cr`. */
  readonly ending?: 'cr' | 'none';
  /**
   * Stands for the command in errors, which end up in records and reports. Default: the command, cut to 24 characters. What
   * carries bytes of a message needs one: seeds and keys are told to nobody.
   */
  readonly label?: string;
  /** An identity text in the answer is no restart. Default: known by the command (`ATZ`, `ATWS`, `ATI`, `STI`, `VT…`, …). */
  readonly expectsBanner?: boolean;
}

export interface ConsoleAnswer {
  /** Lines without echo, without NULs, without the `STOPPED` of our own interrupt; trimmed. Empty with `keepLines: false`. */
  readonly lines: readonly string[];
  readonly prompt: Prompt;
  /** The device repeated the command before it answered. */
  readonly echoed: boolean;
  /** We interrupted it. */
  readonly interrupted: boolean;
  /** Lines that were too long or lost bytes on the way; they are not in `lines`. */
  readonly malformed: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** What a running command needs of the console. */
export interface CommandHost {
  readonly clock: Clock;
  readonly commandLimitMs: number;
  readonly interruptLimitMs: number;
  /** Sends the interrupt. */
  interrupt(command: RunningCommand): void;
  /** The command ended without its prompt. */
  gaveUp(command: RunningCommand): void;
}

/** One command between its first byte and its prompt: collects lines, keeps the limits, settles once. */
export class RunningCommand {
  readonly text: string;
  readonly label: string;
  readonly options: AskOptions;
  readonly answer: Promise<ConsoleAnswer>;
  readonly expectsBanner: boolean;
  /** An echo comes first or not at all. */
  heardLine = false;
  echoed = false;
  interrupted = false;
  malformed = 0;
  readonly #host: CommandHost;
  readonly #over = new AbortController();
  readonly #lines: string[] = [];
  readonly #startedAtMs: number;
  #lastByteMs: number;
  #chars = 0;
  #lookAtMs = Number.POSITIVE_INFINITY;
  #stopped = false;
  #resolve: (answer: ConsoleAnswer) => void = () => undefined;
  #reject: (error: StackError) => void = () => undefined;

  constructor(text: string, options: AskOptions, host: CommandHost) {
    this.text = text;
    this.label = labelOf(text, options);
    this.options = options;
    this.expectsBanner = options.expectsBanner ?? givesBanner(text);
    this.#host = host;
    this.#startedAtMs = host.clock.now();
    this.#lastByteMs = this.#startedAtMs;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    void this.#keepLimits();
    const { interruptAfterMs } = options;
    if (interruptAfterMs !== undefined) this.after(interruptAfterMs, () => host.interrupt(this));
  }

  /** Runs `action` after `ms` unless the command has ended by then. */
  after(ms: number, action: () => void): void {
    void sleepUnlessAborted(this.#host.clock, ms, this.#over.signal).then((slept) => {
      if (slept) action();
    });
  }

  /** `action` in `ms`, unless it was asked for earlier anyway: then it looks again by itself. */
  lookAgain(ms: number, action: () => void): void {
    const atMs = this.#host.clock.now() + ms;
    if (atMs >= this.#lookAtMs) return;
    this.#lookAtMs = atMs;
    this.after(ms, () => {
      this.#lookAtMs = Number.POSITIVE_INFINITY;
      action();
    });
  }

  /** An interrupt is on its way: the prompt is due. */
  limitInterrupt(): void {
    this.interrupted = true;
    const limitMs = this.#host.interruptLimitMs;
    this.after(limitMs, () => this.fail(noAnswer(INTERRUPT, limitMs)));
  }

  touch(): void {
    this.#lastByteMs = this.#host.clock.now();
  }

  /** A line of the answer that is no echo. */
  take(line: string, atMs: number): void {
    this.heardLine = true;
    const stopped = /^(.*?)\s*STOPPED$/i.exec(line);
    if (stopped) {
      this.#stopped = true;
      if (stopped[1] !== '') this.malformed++; // glued to it: the device broke off in the middle of a line
      return;
    }
    if (this.options.keepLines !== false) {
      this.#lines.push(line);
      this.#chars += line.length;
      if (this.#chars > MAX_ANSWER_CHARS) {
        const what = `${this.#chars} characters and no prompt in answer to ${this.label}`;
        this.fail(new StackError('adapter/garbage', what, { bytes: this.#chars }));
        return;
      }
    }
    this.options.onLine?.(line, atMs);
  }

  /** The prompt came: the device is free. */
  settle(prompt: Prompt): void {
    this.#over.abort();
    if (this.#stopped && !this.interrupted) {
      const what = `the adapter broke off ${this.label}`;
      this.#reject(new StackError('adapter/stopped', what, { command: this.label }));
      return;
    }
    const { echoed, interrupted, malformed } = this;
    const endedAtMs = this.#host.clock.now();
    this.#resolve({
      lines: this.#lines,
      prompt,
      echoed,
      interrupted,
      malformed,
      startedAtMs: this.#startedAtMs,
      endedAtMs,
    });
  }

  /** Ends without its prompt: the device may still be busy. */
  fail(error: StackError): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#host.gaveUp(this);
    this.#reject(error);
  }

  async #keepLimits(): Promise<void> {
    const { timeoutMs, quietMs } = this.options;
    const wholeMs = timeoutMs ?? (quietMs === undefined ? this.#host.commandLimitMs : Number.POSITIVE_INFINITY);
    for (;;) {
      const endMs = this.#startedAtMs + wholeMs;
      const quietEndMs = this.#lastByteMs + (quietMs ?? Number.POSITIVE_INFINITY);
      const untilMs = Math.min(endMs, quietEndMs);
      if (untilMs === Number.POSITIVE_INFINITY) return;
      const leftMs = untilMs - this.#host.clock.now();
      if (leftMs <= 0) {
        this.fail(noAnswer(this.label, endMs <= quietEndMs ? wholeMs : (quietMs ?? 0)));
        return;
      }
      if (!(await sleepUnlessAborted(this.#host.clock, leftMs, this.#over.signal))) return;
    }
  }
}

export function labelOf(command: string, { label }: AskOptions): string {
  if (label !== undefined) return label;
  return command.length > MAX_LABEL_CHARS ? `${command.slice(0, MAX_LABEL_CHARS)}…` : command;
}

/** Spaces do not count, nor does the case (A.1). */
export function squeeze(text: string): string {
  return text.replace(/\s/g, '').toUpperCase();
}

function givesBanner(command: string): boolean {
  return /^(?:AT(?:Z|WS|I|BRD..|@.)|ST(?:I|IX|DI|DIX|BR\d+|SBR\d+|RSTNVM)|VT.*)$/.test(squeeze(command));
}

function noAnswer(command: string, timeoutMs: number): StackError {
  return new StackError('adapter/no-answer', `no prompt after ${command} in ${timeoutMs} ms`, { command, timeoutMs });
}
