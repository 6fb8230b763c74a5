import { type Clock, sleepUnlessAborted } from '#base/clock.ts';
import { Mutex } from '#base/mutex.ts';
import type { CallOptions } from '#contract/call.ts';
import { abortError, StackError } from '#contract/errors.ts';
import type { ByteTransport, CloseReason, RxChunk, SerialTransport } from '#contract/transport.ts';
import { LineReader, type Prompt } from './line-reader.ts';
import { asleepError, parseLine, printable, resetError } from './lines.ts';

/** Longest wait for a prompt after an ordinary command (reference: adapters N). */
export const COMMAND_LIMIT_MS = 1500;
/** An interrupted device answers at once; the reference gives it a second (adapters A.7). */
export const INTERRUPT_LIMIT_MS = 1000;
/** One answer that is kept may have this many characters: 4095 bytes as lines with spaces, three times. */
export const MAX_ANSWER_CHARS = 65_536;
const WRITE_LIMIT_MS = 1000;
const RESYNC_SPACES = '    ';
/** `ATI` until it says something: once for a stale half line, once for a prompt that was late. */
const RESYNC_QUESTIONS = 3;

export interface ConsoleOptions {
  /** Default COMMAND_LIMIT_MS; longer behind Bluetooth. */
  readonly commandLimitMs?: number;
  /** Default INTERRUPT_LIMIT_MS. */
  readonly interruptLimitMs?: number;
}

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
  /** An identity text in the answer is no restart. Default: known by the command (`ATZ`, `ATWS`, `ATI`, `STI`, `VT…`, …). */
  readonly expectsBanner?: boolean;
}

export interface ConsoleAnswer {
  /** Lines without echo, without NULs, without the `STOPPED` of our own interrupt; trimmed. Empty with `keepLines: false`. */
  readonly lines: readonly string[];
  readonly prompt: Prompt;
  /** We interrupted it. */
  readonly interrupted: boolean;
  /** Lines that were too long or lost bytes on the way; they are not in `lines`. */
  readonly malformed: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** One command within a turn; see `InterpreterConsole.ask`. */
export type Ask = (command: string, options?: AskOptions) => Promise<ConsoleAnswer>;

export type ConsoleEvent =
  /** It began anew by itself, during a command or between two: all settings are gone (fault S13). */
  | { readonly type: 'reset'; readonly banner: string }
  /** It goes to sleep, or says that it will. */
  | { readonly type: 'asleep'; readonly banner: string }
  /** A line that no command waits for, e.g. of an answer whose command was given up. */
  | { readonly type: 'stray'; readonly line: string; readonly atMs: number };

interface Running {
  readonly command: string;
  readonly options: AskOptions;
  readonly startedAtMs: number;
  readonly lines: string[];
  readonly expectsBanner: boolean;
  /** Aborted when it ended. */
  readonly over: AbortSignal;
  heardLine: boolean;
  chars: number;
  malformed: number;
  lastByteMs: number;
  interrupted: boolean;
  stopped: string | null;
  resolve(answer: ConsoleAnswer): void;
  reject(error: StackError): void;
}

/**
 * The conversation with a command interpreter (ELM327 and relatives): one command at a time, each answered by lines and a
 * prompt (reference: adapters A.1).
 *
 *     ask  ──── command CR ────►
 *          ◄─── echo? line* ────   `onLine`
 *          ◄─── prompt ─────────   only now may the next byte go
 *
 * A byte while the device is busy breaks off what it does, so none is sent, but for a deliberate interrupt. A bare CR would
 * repeat the last command, maybe a write, so there is never an empty line. After a command that ended without its prompt
 * (limit, cancel) the next one begins with `resync`.
 */
export class InterpreterConsole {
  readonly clock: Clock;
  readonly transport: ByteTransport;
  readonly closed: Promise<CloseReason>;
  readonly #commandLimitMs: number;
  readonly #interruptLimitMs: number;
  readonly #turns = new Mutex();
  /** One writer at a time: an interrupt never comes between the bytes of its command. */
  readonly #writes = new Mutex();
  readonly #reader: ReadableStreamDefaultReader<RxChunk>;
  readonly #lines: LineReader;
  readonly #listeners = new Set<(event: ConsoleEvent) => void>();
  readonly #stopLineErrors: () => void;
  readonly #ended = new AbortController();
  #running: Running | null = null;
  #waitingTurns = 0;
  /** The device may still be busy: the last command ended without its prompt. */
  #promptOwed = false;
  #echo: 'unknown' | 'on' | 'off' = 'unknown';
  #atMs = 0;
  #yieldTimer: AbortController | null = null;

  constructor(transport: ByteTransport, clock: Clock, options: ConsoleOptions = {}) {
    this.transport = transport;
    this.clock = clock;
    this.closed = transport.closed;
    this.#commandLimitMs = options.commandLimitMs ?? COMMAND_LIMIT_MS;
    this.#interruptLimitMs = options.interruptLimitMs ?? INTERRUPT_LIMIT_MS;
    this.#lines = new LineReader({
      line: (text) => this.#onLine(text.trim()),
      prompt: (prompt) => this.#onPrompt(prompt),
      malformed: () => {
        if (this.#running) this.#running.malformed++;
      },
    });
    this.#stopLineErrors =
      'onLineError' in transport
        ? (transport as SerialTransport).onLineError(() => this.#lines.bytesLost())
        : () => undefined;
    void transport.closed.then((reason) => {
      const error = lostError(reason);
      this.#ended.abort(error);
      this.#fail(error);
    });
    this.#reader = transport.chunks.getReader();
    void this.#read();
  }

  /** Does the device repeat our commands? `unknown` until one was answered. */
  get echo(): 'unknown' | 'on' | 'off' {
    return this.#echo;
  }

  /** Turns that wait for the running one. */
  get waitingTurns(): number {
    return this.#waitingTurns;
  }

  /** Lets go of the transport, unread bytes stay in it: another driver may try. Nothing may be asked afterwards. */
  release(): void {
    this.#stopLineErrors();
    this.#ended.abort(new StackError('transport/closed', 'the console let go of the device', {}));
    this.#reader.releaseLock();
  }

  onEvent(listener: (event: ConsoleEvent) => void): () => void {
    const entry = (event: ConsoleEvent) => listener(event);
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  /**
   * One command as a turn of its own: writes it, resolves with its lines at the prompt. What the lines mean is the caller's:
   * `?` and `NO DATA` are answers. Not inside `turn` (it would wait for itself): use the `ask` given there.
   * @throws StackError `adapter/no-answer` without a prompt in `timeoutMs` (default commandLimitMs) or `quietMs`,
   * `adapter/reset`, `adapter/asleep`, `adapter/stopped` (not by us), `adapter/garbage`, `transport/*`, `call/aborted`;
   * RangeError for an empty command or one with a line end or a prompt in it
   */
  ask(command: string, options: AskOptions = {}): Promise<ConsoleAnswer> {
    return this.turn((ask) => ask(command, options), options.signal ? { signal: options.signal } : {});
  }

  /**
   * Several commands that nobody may come between, first come, first served. A waiting turn makes a command that yields
   * (`yieldAfterMs`) end.
   * @throws what `work` throws, `call/aborted` when aborted before its turn came
   */
  turn<T>(work: (ask: Ask) => Promise<T>, options: { readonly signal?: AbortSignal } = {}): Promise<T> {
    const { signal } = options;
    this.#waitingTurns++;
    const taken = this.#turns.run(async () => {
      this.#waitingTurns--;
      if (signal?.aborted) throw abortError(signal, 'waiting for the adapter');
      return work((command, askOptions) => this.#ask(command, askOptions));
    });
    this.#considerYield();
    return taken;
  }

  /**
   * Breaks off the running command with spaces: unlike a CR they repeat nothing, and when the prompt was faster the next
   * command merely begins with a space (reference: adapters A.7). The running `ask` resolves at the prompt with
   * `interrupted`, or rejects with `adapter/no-answer` when none comes in interruptLimitMs. Nothing happens without one.
   */
  async interrupt(): Promise<void> {
    const running = this.#running;
    if (!running || running.interrupted) return;
    running.interrupted = true;
    void this.#limitInterrupt(running);
    await this.#write(' ').catch(() => undefined); // a lost transport ends the running ask through `closed`
  }

  /**
   * Back to a known state from any other: four spaces, up to a second for a prompt, then `ATI`, again if a stale half line
   * made it `?` (reference: adapters A.7, N). A turn of its own.
   * @returns the lines of `ATI` @throws StackError `adapter/no-answer`, `transport/*`, `call/aborted`
   */
  resync(options: CallOptions = {}): Promise<readonly string[]> {
    return this.turn(() => this.#resync(options.signal), options.signal ? { signal: options.signal } : {});
  }

  /** The next command is preceded by `resync`: bytes of another session may be on their way. */
  distrust(): void {
    this.#promptOwed = true;
  }

  /** Ignores what comes for so long: leftovers of an earlier session (fault S12). @throws StackError `call/aborted` */
  async drain(ms: number, signal?: AbortSignal): Promise<void> {
    const stop = signal ? AbortSignal.any([signal, this.#ended.signal]) : this.#ended.signal;
    const slept = await sleepUnlessAborted(this.clock, ms, stop);
    this.#lines.reset();
    if (!slept) throw abortError(stop, 'drain the adapter');
  }

  async #ask(command: string, options: AskOptions = {}): Promise<ConsoleAnswer> {
    assertSendable(command);
    if (this.#ended.signal.aborted) throw abortError(this.#ended.signal, command);
    if (options.signal?.aborted) throw abortError(options.signal, command);
    if (this.#promptOwed) await this.#resync(options.signal);
    return this.#run(command, options);
  }

  #run(command: string, options: AskOptions): Promise<ConsoleAnswer> {
    const now = this.clock.now();
    const { signal } = options;
    if (forgetsEcho(command)) this.#echo = 'unknown';
    const onAbort = () => {
      if (signal) this.#fail(abortError(signal, command));
    };
    const limits = new AbortController();
    const answer = new Promise<ConsoleAnswer>((resolve, reject) => {
      const running: Running = {
        command,
        options,
        startedAtMs: now,
        lines: [],
        expectsBanner: options.expectsBanner ?? givesBanner(command),
        over: limits.signal,
        heardLine: false,
        chars: 0,
        malformed: 0,
        lastByteMs: now,
        interrupted: false,
        stopped: null,
        resolve,
        reject,
      };
      this.#running = running;
      signal?.addEventListener('abort', onAbort, { once: true });
      void this.#limit(running);
      if (options.interruptAfterMs !== undefined) void this.#interruptLater(running, options.interruptAfterMs);
      this.#write(options.ending === 'none' ? command : `${command}\r`).then(
        () => this.#considerYield(),
        (error: StackError) => this.#fail(error),
      );
    });
    return answer.finally(() => {
      limits.abort();
      this.#yieldTimer?.abort();
      signal?.removeEventListener('abort', onAbort);
    });
  }

  async #resync(signal: AbortSignal | undefined): Promise<readonly string[]> {
    this.#promptOwed = false;
    const options: AskOptions = {
      ...(signal ? { signal } : {}),
      timeoutMs: this.#interruptLimitMs,
      ending: 'none',
      expectsBanner: true,
    };
    // Silence here is no failure: an idle device says nothing to spaces.
    await this.#run(RESYNC_SPACES, options).catch((error: unknown) => {
      if (!(error instanceof StackError) || !FORGIVEN.has(error.code)) throw error;
    });
    this.#lines.reset();
    let lines: readonly string[] = [];
    for (let i = 0; i < RESYNC_QUESTIONS && !saysWho(lines); i++)
      lines = (await this.#run('ATI', signal ? { signal } : {})).lines;
    this.#promptOwed = false;
    return lines;
  }

  async #write(text: string): Promise<void> {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    await this.#writes.run(() =>
      this.transport.write(bytes, { timeoutMs: WRITE_LIMIT_MS, signal: this.#ended.signal }),
    );
  }

  async #limit(running: Running): Promise<void> {
    const { timeoutMs, quietMs } = running.options;
    const wholeMs = timeoutMs ?? (quietMs === undefined ? this.#commandLimitMs : Number.POSITIVE_INFINITY);
    for (;;) {
      const endMs = running.startedAtMs + wholeMs;
      const quietEndMs = running.lastByteMs + (quietMs ?? Number.POSITIVE_INFINITY);
      const untilMs = Math.min(endMs, quietEndMs);
      if (untilMs === Number.POSITIVE_INFINITY) return;
      const leftMs = untilMs - this.clock.now();
      if (leftMs <= 0) {
        const limitMs = endMs <= quietEndMs ? wholeMs : (quietMs ?? 0);
        if (this.#running === running) this.#fail(noAnswer(running.command, limitMs));
        return;
      }
      if (!(await sleepUnlessAborted(this.clock, leftMs, running.over))) return;
    }
  }

  async #limitInterrupt(running: Running): Promise<void> {
    await sleepUnlessAborted(this.clock, this.#interruptLimitMs, running.over);
    if (this.#running === running) this.#fail(noAnswer(`interrupt of ${running.command}`, this.#interruptLimitMs));
  }

  async #interruptLater(running: Running, afterMs: number): Promise<void> {
    if (await sleepUnlessAborted(this.clock, afterMs, running.over)) await this.interrupt();
  }

  /** Another turn waits: ends the running command if it yields, now or when its hold is over. */
  #considerYield(): void {
    const yieldAfterMs = this.#running?.options.yieldAfterMs;
    if (!yieldAfterMs || this.#waitingTurns === 0) return;
    this.#yieldTimer?.abort();
    const waitMs = yieldAfterMs() - this.clock.now();
    if (waitMs <= 0) {
      void this.interrupt();
      return;
    }
    if (waitMs === Number.POSITIVE_INFINITY) return;
    const timer = new AbortController();
    this.#yieldTimer = timer;
    void sleepUnlessAborted(this.clock, waitMs, timer.signal).then((slept) => {
      if (slept) this.#considerYield();
    });
  }

  /** The hold of the running command changed without a line having come. */
  reconsiderYield(): void {
    this.#considerYield();
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const { value, done } = await this.#reader.read();
        if (done) return;
        this.#atMs = value.atMs;
        if (this.#running) this.#running.lastByteMs = this.clock.now();
        this.#lines.push(value.bytes);
        this.#checkSize();
        this.#considerYield();
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // a released reader rejects its pending read with TypeError
    }
  }

  #checkSize(): void {
    const running = this.#running;
    if (!running || running.chars <= MAX_ANSWER_CHARS) return;
    const what = `${running.chars} characters and no prompt in answer to ${running.command}`;
    this.#fail(new StackError('adapter/garbage', what, { bytes: running.chars }));
  }

  #onLine(line: string): void {
    const running = this.#running;
    if (running && !running.heardLine && this.#takeEcho(running, line)) return;
    const status = parseLine(line).statuses.find(
      ({ name }) =>
        name === 'reset' || name === 'sleep-alert' || (name === 'banner' && running?.expectsBanner !== true),
    );
    if (status?.name === 'sleep-alert') {
      this.#emit({ type: 'asleep', banner: status.text });
      this.#fail(asleepError(status.text));
    } else if (status) this.#restarted(status.text);
    else if (running) this.#collect(running, line);
    else this.#emit({ type: 'stray', line, atMs: this.#atMs });
  }

  #collect(running: Running, line: string): void {
    if (!running.heardLine) {
      running.heardLine = true;
      if (this.#echo === 'unknown' && running.options.ending !== 'none') this.#echo = 'off';
    }
    const stopped = /^(.*?)\s*STOPPED$/i.exec(line);
    if (stopped) running.stopped = line;
    const kept = stopped ? (stopped[1] ?? '') : line;
    if (kept === '') return;
    if (running.options.keepLines !== false) {
      running.lines.push(kept);
      running.chars += kept.length;
    }
    running.options.onLine?.(kept, this.#atMs);
  }

  /** An echo where echo was off means that the device has its defaults again: it restarted without a word. */
  #takeEcho(running: Running, line: string): boolean {
    if (squeeze(line) !== squeeze(running.command)) return false;
    if (this.#echo === 'off') {
      this.#restarted('its echo is on again');
      return true;
    }
    this.#echo = 'on';
    running.heardLine = true;
    if (/^ATE0$/.test(squeeze(running.command))) this.#echo = 'unknown';
    return true;
  }

  #restarted(banner: string): void {
    this.#echo = 'unknown';
    this.#emit({ type: 'reset', banner });
    this.#fail(resetError(banner));
  }

  #onPrompt(prompt: Prompt): void {
    const running = this.#running;
    if (!running) {
      this.#promptOwed = false;
      return;
    }
    this.#running = null;
    const { command, lines, interrupted, malformed, startedAtMs, stopped } = running;
    if (stopped !== null && !interrupted) {
      const what = `the adapter broke off ${command} (${printable(stopped)})`;
      running.reject(new StackError('adapter/stopped', what, { command }));
      return;
    }
    running.resolve({ lines, prompt, interrupted, malformed, startedAtMs, endedAtMs: this.clock.now() });
  }

  /** Ends the running command without its prompt. */
  #fail(error: StackError): void {
    const running = this.#running;
    if (!running) return;
    this.#running = null;
    this.#promptOwed = true;
    running.reject(error);
  }

  #emit(event: ConsoleEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** The text of `ATI`, whoever says it: not `?` to a stale half line, not a late prompt without text. */
function saysWho(lines: readonly string[]): boolean {
  return lines.some((line) => !line.endsWith('?'));
}

/** What may happen while spaces bring the device back, and is no reason to give up. */
const FORGIVEN: ReadonlySet<string> = new Set([
  'adapter/no-answer',
  'adapter/stopped',
  'adapter/reset',
  'adapter/garbage',
]);

/** Spaces do not count, nor does the case (A.1). */
function squeeze(text: string): string {
  return text.replace(/\s/g, '').toUpperCase();
}

function assertSendable(command: string): void {
  if (squeeze(command) === '') throw new RangeError('an empty line would repeat the last command');
  if (!/^[\x20-\x3d\x3f-\x7e]*$/.test(command)) throw new RangeError('a command is printable ASCII without a prompt');
}

function givesBanner(command: string): boolean {
  return /^(?:AT(?:Z|WS|I|BRD..|@.)|ST(?:I|IX|DI|DIX|BR\d+|SBR\d+|RSTNVM)|VT.*)$/.test(squeeze(command));
}

function forgetsEcho(command: string): boolean {
  return /^(?:AT(?:Z|WS|D|E[01])|STRSTNVM)$/.test(squeeze(command));
}

function noAnswer(command: string, timeoutMs: number): StackError {
  return new StackError('adapter/no-answer', `no prompt after ${command} in ${timeoutMs} ms`, { command, timeoutMs });
}

function lostError(reason: CloseReason): StackError {
  const detail = reason.kind === 'closed' ? 'closed' : reason.detail;
  return new StackError('transport/lost', `the adapter went away: ${detail}`, { reason: detail });
}
