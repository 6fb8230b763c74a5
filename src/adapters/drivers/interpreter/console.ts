import { type Clock, sleepUnlessAborted } from '#base/clock.ts';
import { Mutex } from '#base/mutex.ts';
import type { CallOptions } from '#contract/call.ts';
import { abortError, isStackError, StackError } from '#contract/errors.ts';
import type { ByteTransport, CloseReason, RxChunk, SerialTransport } from '#contract/transport.ts';
import { type AskOptions, type CommandHost, type ConsoleAnswer, labelOf, RunningCommand, squeeze } from './command.ts';
import { LineReader, type Prompt } from './line-reader.ts';
import { asleepError, parseLine, resetError } from './lines.ts';

export { type AskOptions, type ConsoleAnswer, INTERRUPT } from './command.ts';

/** Longest wait for a prompt after an ordinary command (reference: adapters N). */
export const COMMAND_LIMIT_MS = 1500;
/** An interrupted device answers at once; the reference gives it a second (adapters A.7). */
export const INTERRUPT_LIMIT_MS = 1000;
const WRITE_LIMIT_MS = 1000;
/** On top for each character: the slowest line is 9600 baud, 1.04 ms a character. */
const WRITE_MS_PER_CHAR = 1.1;
const RESYNC_SPACES = '    ';
/** `ATI` until it says something: once for a stale half line, once for a prompt that was late. */
const RESYNC_QUESTIONS = 3;
/** So long without a byte: the device has said all it had to say of what was broken off. */
export const SETTLE_MS = 100;

export interface ConsoleOptions {
  /** Default COMMAND_LIMIT_MS; longer behind Bluetooth. */
  readonly commandLimitMs?: number;
  /** Default INTERRUPT_LIMIT_MS. */
  readonly interruptLimitMs?: number;
  /** Default SETTLE_MS. */
  readonly settleMs?: number;
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
  readonly #host: CommandHost;
  readonly #settleMs: number;
  readonly #turns = new Mutex();
  /** One writer at a time: an interrupt never comes between the bytes of its command. */
  readonly #writes = new Mutex();
  readonly #reader: ReadableStreamDefaultReader<RxChunk>;
  readonly #lines: LineReader;
  readonly #listeners = new Set<(event: ConsoleEvent) => void>();
  readonly #stopLineErrors: () => void;
  readonly #ended = new AbortController();
  #running: RunningCommand | null = null;
  #waitingTurns = 0;
  /** The device may still be busy: the last command ended without its prompt. */
  #promptOwed = false;
  /** It restarted between two commands of the running turn: what the turn told it is gone, so nothing more may go out. */
  #restartInTurn: string | null = null;
  #echo: 'unknown' | 'on' | 'off' = 'unknown';
  #atMs = 0;
  #lastByteMs = Number.NEGATIVE_INFINITY;

  constructor(transport: ByteTransport, clock: Clock, options: ConsoleOptions = {}) {
    this.transport = transport;
    this.clock = clock;
    this.closed = transport.closed;
    this.#settleMs = options.settleMs ?? SETTLE_MS;
    this.#host = {
      clock,
      commandLimitMs: options.commandLimitMs ?? COMMAND_LIMIT_MS,
      interruptLimitMs: options.interruptLimitMs ?? INTERRUPT_LIMIT_MS,
      interrupt: (command) => {
        if (this.#running === command) void this.interrupt();
      },
      gaveUp: (command) => {
        if (this.#running === command) this.#running = null;
        this.#promptOwed = true;
      },
    };
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
      this.#running?.fail(error);
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

  /** Lets go of the transport, unread bytes stay in it: another driver may try. Nothing can be asked afterwards. */
  release(): void {
    this.#stopLineErrors();
    const error = new StackError('transport/closed', 'the console let go of the device', {});
    this.#ended.abort(error);
    this.#running?.fail(error);
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
   * (`yieldAfterMs`) end. After a restart of the device every further command of the turn fails with `adapter/reset`.
   * @throws what `work` throws, `call/aborted` when aborted before its turn came
   */
  turn<T>(work: (ask: Ask) => Promise<T>, options: { readonly signal?: AbortSignal } = {}): Promise<T> {
    const { signal } = options;
    this.#waitingTurns++;
    const taken = this.#turns.run(async () => {
      this.#waitingTurns--;
      this.#restartInTurn = null;
      if (signal?.aborted) throw abortError(signal, 'waiting for the adapter');
      return work((command, askOptions) => this.#ask(command, askOptions));
    });
    this.reconsiderYield();
    return taken;
  }

  /**
   * Breaks off the running command with a space: unlike a CR it repeats nothing, and when the prompt was faster the next
   * command merely begins with a space (reference: adapters A.7). The running `ask` resolves at the prompt with
   * `interrupted`, or rejects with `adapter/no-answer` (command INTERRUPT) when none comes in interruptLimitMs. Nothing happens without one.
   */
  async interrupt(): Promise<void> {
    const running = this.#running;
    if (!running || running.interrupted) return;
    running.limitInterrupt();
    // A space that cannot be written: a lost transport ends the command through `closed`, all else through its limit.
    await this.#write(' ').catch(() => undefined);
  }

  /**
   * Back to a known state from any other: four spaces, up to a second for a prompt, silence, then `ATI`, again if a stale
   * half line made it `?` (reference: adapters A.7, N). A turn of its own.
   * @returns the lines of `ATI` @throws StackError `adapter/no-answer`, `transport/*`, `call/aborted`
   */
  resync(options: CallOptions = {}): Promise<readonly string[]> {
    const { signal } = options;
    return this.turn(() => this.#resync(signal), signal ? { signal } : {});
  }

  /** The next command is preceded by `resync`: the device may be busy with something we know nothing of. */
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

  /**
   * What the running command answers to `yieldAfterMs` may have changed without a line having come. When another turn waits
   * and the hold is over the command is interrupted, else this looks again when it will be.
   */
  reconsiderYield(): void {
    const running = this.#running;
    if (!running?.options.yieldAfterMs || running.interrupted || this.#waitingTurns === 0) return;
    const waitMs = running.options.yieldAfterMs() - this.clock.now();
    if (waitMs <= 0) void this.interrupt();
    else running.lookAgain(waitMs, () => this.reconsiderYield());
  }

  async #ask(command: string, options: AskOptions = {}): Promise<ConsoleAnswer> {
    assertSendable(command);
    if (options.signal?.aborted) throw abortError(options.signal, labelOf(command, options));
    if (this.#restartInTurn !== null) throw resetError(this.#restartInTurn);
    if (this.#promptOwed) await this.#resync(options.signal);
    return this.#run(command, options);
  }

  async #run(text: string, options: AskOptions): Promise<ConsoleAnswer> {
    const { signal } = options;
    if (this.#ended.signal.aborted) throw abortError(this.#ended.signal, labelOf(text, options));
    if (forgetsEcho(text)) this.#echo = 'unknown';
    const running = new RunningCommand(text, options, this.#host);
    this.#running = running;
    const onAbort = () => {
      if (signal) running.fail(abortError(signal, running.label));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      this.#write(options.ending === 'none' ? text : `${text}\r`).then(
        () => this.reconsiderYield(),
        (error: StackError) => running.fail(error),
      );
      return await running.answer;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async #resync(signal: AbortSignal | undefined): Promise<readonly string[]> {
    const stop = signal ? { signal } : {};
    const quiet: AskOptions = {
      ...stop,
      timeoutMs: this.#host.interruptLimitMs,
      ending: 'none',
      expectsBanner: true,
      keepLines: false,
      onLine: (line, atMs) => this.#emit({ type: 'stray', line, atMs }),
    };
    // Silence is no failure here: an idle device says nothing to spaces.
    await this.#run(RESYNC_SPACES, quiet).catch((error: unknown) => {
      if (!isStackError(error, 'adapter/no-answer', 'adapter/stopped', 'adapter/reset')) throw error;
    });
    let lines: readonly string[] = [];
    for (let i = 0; i < RESYNC_QUESTIONS && !saysWho(lines); i++) {
      await this.#settle(signal); // else the answer to something older would be taken for this one's, and so on for ever
      lines = await this.#run('ATI', stop).then(
        (answer) => answer.lines,
        (error: unknown) => {
          // a device that heeds no space is broken off by the CR of ATI
          if (!isStackError(error, 'adapter/stopped')) throw error;
          return [];
        },
      );
    }
    this.#echo = 'unknown'; // a late line may have stood where an echo was looked for
    this.#promptOwed = false;
    return lines;
  }

  /** Waits until nothing has come for settleMs; what comes is told as stray. */
  async #settle(signal: AbortSignal | undefined): Promise<void> {
    const stop = signal ? AbortSignal.any([signal, this.#ended.signal]) : this.#ended.signal;
    const untilMs = this.clock.now() + this.#host.interruptLimitMs;
    for (;;) {
      const quietMs = this.clock.now() - this.#lastByteMs;
      if (quietMs >= this.#settleMs || this.clock.now() >= untilMs) break;
      if (!(await sleepUnlessAborted(this.clock, this.#settleMs - quietMs, stop))) throw abortError(stop, 'resync');
    }
    this.#lines.reset();
  }

  async #write(text: string): Promise<void> {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const timeoutMs = WRITE_LIMIT_MS + Math.ceil(bytes.length * WRITE_MS_PER_CHAR);
    await this.#writes.run(() => this.transport.write(bytes, { timeoutMs, signal: this.#ended.signal }));
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const { value, done } = await this.#reader.read();
        if (done) return;
        this.#atMs = value.atMs;
        this.#lastByteMs = this.clock.now();
        this.#running?.touch();
        this.#lines.push(value.bytes);
        this.reconsiderYield();
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // a released reader rejects its pending read with TypeError
    }
  }

  #onLine(line: string): void {
    const running = this.#running;
    if (running && !running.heardLine && squeeze(line) === squeeze(running.text)) {
      this.#onEcho(running);
      return;
    }
    const expectsBanner = running?.expectsBanner === true;
    const status = parseLine(line).statuses.find(
      ({ name }) => name === 'reset' || name === 'sleep-alert' || (name === 'banner' && !expectsBanner),
    );
    if (status?.name === 'sleep-alert') {
      this.#emit({ type: 'asleep', banner: status.text });
      running?.fail(asleepError(status.text));
    } else if (status) this.#restarted(status.text);
    else if (running) this.#take(running, line);
    else this.#emit({ type: 'stray', line, atMs: this.#atMs });
  }

  #take(running: RunningCommand, line: string): void {
    if (!running.echoed && this.#echo === 'unknown' && running.options.ending !== 'none') this.#echo = 'off';
    running.take(line, this.#atMs);
  }

  /** An echo where echo was off means that the device has its defaults again: it restarted without a word. */
  #onEcho(running: RunningCommand): void {
    running.heardLine = true;
    running.echoed = true;
    if (this.#echo === 'off') this.#restarted('its echo is on again');
    else if (!forgetsEcho(running.text)) this.#echo = 'on';
  }

  #restarted(banner: string): void {
    this.#echo = 'unknown';
    this.#restartInTurn = banner;
    this.#emit({ type: 'reset', banner });
    this.#running?.fail(resetError(banner));
  }

  #onPrompt(prompt: Prompt): void {
    const running = this.#running;
    this.#running = null;
    if (running) running.settle(prompt);
    else this.#promptOwed = false; // the one a given-up command still owed
  }

  #emit(event: ConsoleEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** The text of `ATI`, whoever says it: not `?` to a stale half line, not a late prompt without text. */
function saysWho(lines: readonly string[]): boolean {
  return lines.some((line) => !line.endsWith('?'));
}

function assertSendable(command: string): void {
  if (squeeze(command) === '') throw new RangeError('an empty line would repeat the last command');
  if (!/^[\x20-\x3d\x3f-\x7e]*$/.test(command)) throw new RangeError('a command is printable ASCII without a prompt');
}

/** After these the device may echo or not, whatever it did before; a change of protocol on some clones (A.9). */
function forgetsEcho(command: string): boolean {
  return /^(?:AT(?:Z|WS|D|E[01]|[ST]PA?[0-9A-C])|STP\d+|STRSTNVM)$/.test(squeeze(command));
}

function lostError(reason: CloseReason): StackError {
  const detail = reason.kind === 'closed' ? 'closed' : reason.detail;
  return new StackError('transport/lost', `the adapter went away: ${detail}`, { reason: detail });
}
