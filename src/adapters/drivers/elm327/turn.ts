import { type Ask, type InterpreterConsole, INTERRUPT } from '#adapters/drivers/interpreter/console.ts';
import { parseLine, statusError } from '#adapters/drivers/interpreter/lines.ts';
import { sleepUnlessAborted } from '#base/clock.ts';
import type { CanFrame } from '#contract/adapter.ts';
import { isStackError, StackError } from '#contract/errors.ts';
import type { IsoTpEngine } from '#link/isotp/machine.ts';
import type { ElmChannel } from './channel.ts';
import type { Job } from './channel-host.ts';
import type { ElmAbilities } from './qualify.ts';
import type { ElmSettings, Patience } from './settings.ts';
import { idText, parseFrame, requestText } from './wire.ts';

/** One look at the bus; then the device shows with a prompt that it is alive, and looks again. */
const LISTEN_SLICE_MS = 30_000;
/** On top of ST before a request counts as lost (reference: adapters N). */
const PROMPT_MARGIN_MS = 2000;
/** From the CR to the frame on the wire, or to `CAN ERROR` when nobody acknowledges it; only silence costs this time. */
const CHIP_MS = 50;
const SHORTEST_ST = 'ATST01';

/** What a turn needs of its bus. */
export interface TurnHost {
  readonly console: InterpreterConsole;
  readonly settings: ElmSettings;
  readonly abilities: ElmAbilities;
  readonly patience: Patience;
  /** Characters a second of the line, and the longest round trip measured. */
  readonly lineRate: number;
  readonly roundTripMs: number;
  readonly jobs: Job[];
  readonly ended: boolean;
  /** Commands that listen can be ended. */
  readonly canInterrupt: boolean;
  /** Listening between two requests has not failed on this device. */
  readonly monitors: boolean;
  /** A frame was heard on this bus: its bit rate is right. */
  readonly heardFrames: boolean;
  holdUntilMs(): number;
  frame(frame: CanFrame, atMs: number): void;
  /** Lines of an answer that the device put together. */
  formatted(channel: ElmChannel, lines: readonly string[], atMs: number): void;
  sentFrame(): void;
  droppedLine(): void;
  busError(flags: string, atMs: number): void;
  /** Listening ended by itself. */
  monitorFailed(): void;
}

/**
 * One channel's time with the device: its frames go out, then the device listens for it until somebody else wants it and
 * the answer is no longer waited for.
 */
export class ElmTurn {
  /** The chip answers first frames itself while a request is open. */
  chipAnswering = false;
  readonly #host: TurnHost;
  readonly #channel: ElmChannel;
  readonly #ask: Ask;
  readonly #usesChipFlow: boolean;
  #waitsToBegin: boolean;
  #listening = false;
  /** Whose frames went out last: the answer that comes in now is for it. */
  #engine: IsoTpEngine | null = null;
  #lastFrameMs = Number.NEGATIVE_INFINITY;

  constructor(host: TurnHost, channel: ElmChannel, ask: Ask, usesChipFlow: boolean) {
    this.#host = host;
    this.#channel = channel;
    this.#ask = ask;
    this.#usesChipFlow = usesChipFlow;
    this.#waitsToBegin = channel.hasMessage;
  }

  get channel(): ElmChannel {
    return this.#channel;
  }

  /** The device listens and nothing it does now would be lost by an interrupt. */
  get listening(): boolean {
    return this.#listening;
  }

  /** @throws StackError `adapter/*`, `transport/*`: the device's settings are then unknown */
  async run(): Promise<void> {
    const { console } = this.#host;
    for (;;) {
      if (this.#host.ended) return;
      if (this.isReady) this.#begin();
      const job = this.#nextJob();
      if (job) await this.#perform(job);
      else if (this.#channel.isClosed || this.#mayYield(console.waitingTurns)) return;
      else if (!(this.#host.canInterrupt && this.#host.monitors && (await this.#listen()))) return;
    }
  }

  /** The message this turn is for can begin. A later one has a turn of its own, with settings of its own. */
  get isReady(): boolean {
    return this.#waitsToBegin && this.#channel.isReady;
  }

  #begin(): void {
    this.#waitsToBegin = false;
    this.#channel.begin();
  }

  /** An answer that comes in block by block is not broken off for the flow control of another one. */
  mayServe(job: Job): boolean {
    return job.engine === this.#engine || this.#engine?.sendMustWait !== true;
  }

  #nextJob(): Job | undefined {
    const { jobs } = this.#host;
    const own = jobs.findIndex((job) => job.engine === this.#engine);
    return jobs.splice(Math.max(0, own), 1)[0];
  }

  #mayYield(waitingTurns: number): boolean {
    return waitingTurns > 0 && this.#host.console.clock.now() >= this.#host.holdUntilMs();
  }

  async #perform(job: Job): Promise<void> {
    const last = job.frames.at(-1);
    try {
      if (job.cancelled || !last) return;
      this.#engine = job.engine;
      await this.#host.settings.header(this.#ask, { requestId: last.id, extended: last.extended });
      if (job.frames.length > 1) await this.#sendWithoutAnswer(job);
      if (!job.cancelled) await this.#sendAndListen(job, last);
    } catch (error) {
      if (error instanceof StackError) job.channel.refuse(job, error);
      throw error;
    } finally {
      job.channel.done(job);
    }
  }

  /** All but the last frame of a block: nothing answers them, so the prompt comes as soon as they are out (A.5). */
  async #sendWithoutAnswer(job: Job): Promise<void> {
    const { settings, abilities, patience } = this.#host;
    if (abilities.responsesOff) await settings.responses(this.#ask, false);
    else await settings.timeout(this.#ask, SHORTEST_ST);
    for (const frame of job.frames.slice(0, -1)) {
      await this.#gap(job.stMinMs);
      if (job.cancelled) break;
      await this.#sendQuickly(frame);
      this.#lastFrameMs = this.#host.console.clock.now();
      this.#host.sentFrame();
    }
    if (abilities.responsesOff) await settings.responses(this.#ask, true);
    else await settings.timeout(this.#ask, patience.commands[0]);
  }

  async #sendQuickly(frame: CanFrame): Promise<void> {
    const text = requestText(frame, this.#host.abilities.rawFrames);
    const label = labelOf(frame);
    let failure: StackError | null = null;
    const heard = (line: string, atMs: number) => {
      failure ??= this.#hear(line, atMs, label, () => undefined);
    };
    try {
      await this.#ask(text, { keepLines: false, onLine: heard, label });
    } catch (error) {
      // with the shortest time-out some chips say STOPPED although the frame is out (A.5)
      if (this.#host.abilities.responsesOff || !isStackError(error, 'adapter/stopped')) throw error;
    }
    if (failure) throw failure;
  }

  /**
   * The last frame of a block or message: the device listens behind it. The frame counts as sent with the first thing that
   * is heard, with the prompt, or once the device surely had the time.
   */
  async #sendAndListen(job: Job, frame: CanFrame): Promise<void> {
    const { console, patience, abilities } = this.#host;
    const { clock } = console;
    await this.#gap(job.stMinMs);
    if (job.cancelled) return;
    const text = requestText(frame, abilities.rawFrames);
    const label = labelOf(frame);
    const over = new AbortController();
    const state: { accepted: boolean; failure: StackError | null; lines: string[] } = {
      accepted: false,
      failure: null,
      lines: [],
    };
    const accept = () => {
      if (state.accepted || state.failure) return;
      state.accepted = true;
      this.#lastFrameMs = clock.now();
      this.#host.sentFrame();
      job.channel.confirm(job);
      job.channel.done(job); // from here only the answer keeps the device from the other channels
    };
    const onLine = (line: string, atMs: number) => {
      if (!abilities.headers) state.lines.push(line);
      const failure = this.#hear(line, atMs, label, accept);
      if (failure === null) return;
      state.failure ??= failure;
    };
    void sleepUnlessAborted(clock, this.#handOverMs(text), over.signal).then((slept) => {
      if (slept) accept();
    });
    this.#listening = true;
    this.chipAnswering = this.#usesChipFlow;
    try {
      const quietMs = patience.ms + PROMPT_MARGIN_MS;
      const yields = this.#host.canInterrupt ? { yieldAfterMs: () => this.#host.holdUntilMs() } : {};
      await this.#ask(text, { keepLines: false, quietMs, onLine, label, ...yields });
      if (state.failure === null) accept();
      if (state.lines.length > 0) this.#host.formatted(job.channel, state.lines, clock.now());
    } catch (error) {
      if (state.accepted && error instanceof StackError) job.channel.fail(error);
      throw error;
    } finally {
      over.abort();
      this.#listening = false;
      this.chipAnswering = false;
    }
    if (state.failure === null) return;
    if (state.accepted) job.channel.fail(state.failure);
    else job.channel.refuse(job, state.failure);
  }

  /**
   * Shows what is on the bus until somebody wants something else. Acknowledges only where the bit rate is proven.
   * @returns false when the device ended it by itself
   */
  async #listen(): Promise<boolean> {
    const { settings, jobs, heardFrames } = this.#host;
    await settings.acknowledgeMonitored(this.#ask, heardFrames);
    if (jobs.length > 0 || this.isReady || this.#host.ended) return true;
    let failed = false;
    const onLine = (line: string, atMs: number) => {
      failed = this.#hear(line, atMs, 'ATMA', () => undefined) !== null || failed;
    };
    this.#listening = true;
    try {
      const { interrupted } = await this.#ask('ATMA', {
        keepLines: false,
        onLine,
        interruptAfterMs: LISTEN_SLICE_MS,
        timeoutMs: LISTEN_SLICE_MS + PROMPT_MARGIN_MS,
        yieldAfterMs: () => this.#host.holdUntilMs(),
      });
      if (!failed && interrupted) return true;
      this.#host.monitorFailed(); // BUFFER FULL, `?`, or an end without a reason
      return false;
    } finally {
      this.#listening = false;
    }
  }

  /** @returns the error that the line means for the command, or null */
  #hear(line: string, atMs: number, command: string, accept: () => void): StackError | null {
    const { text, statuses } = parseLine(line.replace(/^FC: ?/, ''));
    let failure: StackError | null = null;
    for (const status of statuses) {
      if (status.name === 'no-data') accept();
      const error = statusError(status, command);
      if (isStackError(error, 'can/bus-error')) this.#host.busError(error.details.flags, atMs);
      failure ??= error;
    }
    if (text === '') return failure;
    if (!this.#host.abilities.headers) {
      accept();
      return failure;
    }
    const frame = statuses.some(({ name }) => name === 'damaged-line') ? null : parseFrame(text);
    if (frame === null) {
      this.#host.droppedLine();
      return failure;
    }
    accept();
    this.#host.frame(frame, atMs);
    return failure;
  }

  async #gap(stMinMs: number): Promise<void> {
    const { clock } = this.#host.console;
    const waitMs = this.#lastFrameMs + stMinMs - clock.now();
    if (stMinMs > 0 && waitMs > 0) await clock.sleep(waitMs);
  }

  #handOverMs(text: string): number {
    const { lineRate, roundTripMs } = this.#host;
    return ((text.length + 1) * 10_000) / lineRate + roundTripMs + CHIP_MS;
  }
}

/** What errors say of a frame: never its bytes, which may be a key. */
function labelOf({ id, extended }: CanFrame): string {
  return `a frame to ${idText(id, extended)}`;
}

/** Did the device not heed an interrupt? */
export function interruptFailed(error: unknown): boolean {
  return isStackError(error, 'adapter/no-answer') && error.details.command === INTERRUPT;
}
