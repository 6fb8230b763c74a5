import type { Ask, InterpreterConsole } from '#adapters/drivers/interpreter/console.ts';
import { parseLine } from '#adapters/drivers/interpreter/lines.ts';
import { sleepUnlessAborted } from '#base/clock.ts';
import type { AdapterInfo, CanConfig, CanFrame, IsoTpBus } from '#contract/adapter.ts';
import { isStackError, StackError } from '#contract/errors.ts';
import type { DiagChannel, IsoTpAddress, IsoTpOptions } from '#contract/isotp.ts';
import type { CloseReason } from '#contract/transport.ts';
import { isFunctional, physicalByRule, targetOf } from './addressing.ts';
import { ElmChannel } from './channel.ts';
import type { ChannelHost, Job } from './channel-host.ts';
import { stMinForLine } from './flow-control.ts';
import { readFormatted } from './formatted.ts';
import { parseIdentity } from './identity.ts';
import type { ElmAbilities } from './qualify.ts';
import { ElmSettings, type Patience, patienceOf } from './settings.ts';
import { ElmTurn, interruptFailed, type TurnHost } from './turn.ts';
import { filterFor, type IdFilter, joinFilters, parseFrame } from './wire.ts';

/** A device that restarts more often than this in a minute is no device to work with (fault S13). */
const MAX_RESTARTS = 3;
const RESTART_WINDOW_MS = 60_000;
/** Nobody wants the device: it listens for late answers. */
const IDLE_MS = 250;
/** How long the device listens when it is tried whether a listening command can be ended. */
const TRIAL_MS = 50;
/** Lowest priority of all: nobody sends it. */
const SILENT_ID = 0x7ff;
/** Listening fails on a bus that falls asleep, too; so often in one session it is the device. */
const MAX_MONITOR_FAILURES = 3;
/** What an ECU may take to begin its answer, seen through a slow device (reference: diagnostics A.2). */
const EXTRA_LATENCY_MS = { wired: 350, wireless: 850 } as const;
/** Small enough for every chip's buffer (reference: adapters N). */
const HOST_BLOCK_SIZE = 3;

export interface ElmBusParts {
  readonly console: InterpreterConsole;
  readonly config: CanConfig;
  readonly info: AdapterInfo;
  readonly abilities: ElmAbilities;
  /** bit/s of the serial line as far as known, else what such devices run at. */
  readonly lineRate: number;
  onClosed(): void;
}

/** One CAN bus behind an ELM327, in whole messages; the host segments (reference: adapters A.5, A.6). */
export class ElmBus implements IsoTpBus {
  readonly config: CanConfig;
  readonly closed: Promise<CloseReason>;
  readonly #parts: ElmBusParts;
  readonly #console: InterpreterConsole;
  readonly #settings: ElmSettings;
  readonly #channels: ElmChannel[] = [];
  readonly #jobs: Job[] = [];
  readonly #errorListeners = new Set<(flags: string, atMs: number) => void>();
  readonly #counters = { received: 0, sent: 0, busErrors: 0, dropped: 0 };
  readonly #restartsMs: number[] = [];
  readonly #stopEvents: () => void;
  #settleClosed: (reason: CloseReason) => void = () => undefined;
  #reason: CloseReason | null = null;
  #patience: Patience;
  #turn: ElmTurn | null = null;
  #turns = 0;
  #initialised = false;
  #canInterrupt = true;
  #monitors: boolean;
  #monitorFailures = 0;
  /** The chip's own flow control has let answers die here: the host sends it. */
  #chipFlowFails = false;
  #lastActive: ElmChannel | null = null;
  #idleTimer: AbortController | null = null;
  #dueTimer: AbortController | null = null;

  constructor(parts: ElmBusParts) {
    this.#parts = parts;
    this.#console = parts.console;
    this.config = parts.config;
    this.#settings = new ElmSettings(parts.abilities, parts.config);
    this.#monitors = parts.abilities.headers;
    this.#patience = patienceOf(parts.abilities, true);
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    this.#stopEvents = parts.console.onEvent((event) => {
      if (event.type === 'reset') this.#restarted(event.banner);
      else if (event.type === 'asleep') this.#stayAwake();
      else this.#stray(event.line, event.atMs);
    });
    void parts.console.closed.then((reason) => this.#end(reason));
  }

  get counters(): IsoTpBus['counters'] {
    return { ...this.#counters };
  }

  /**
   * Makes the device ready: our settings, and whether a listening command can be ended without harm (silent monitoring, so
   * nothing reaches the bus). @throws StackError `adapter/*`, `transport/*`, `call/aborted`
   */
  open(signal: AbortSignal): Promise<void> {
    return this.#console.turn(
      async (ask) => {
        await this.#settings.initialise(ask, this.#patience);
        await this.#settings.acknowledgeMonitored(ask, false);
        await this.#settings.filter(ask, filterFor([SILENT_ID], false)); // else a lively bus fills its buffer at once
        await this.#tryInterrupt(ask);
        this.#initialised = true;
      },
      { signal },
    );
  }

  openChannel(address: IsoTpAddress, options: IsoTpOptions): DiagChannel {
    if (this.#reason) throw new StackError('can/closed', 'the bus is closed', {});
    this.#assertPossible(address, options);
    const channel = new ElmChannel(address, options, this.#channelHost(targetOf(address, options).extended));
    this.#channels.push(channel);
    this.#idleSoon();
    return channel;
  }

  onBusError(listener: (flags: string, atMs: number) => void): () => void {
    const entry = (flags: string, atMs: number) => listener(flags, atMs);
    this.#errorListeners.add(entry);
    return () => {
      this.#errorListeners.delete(entry);
    };
  }

  async close(): Promise<void> {
    if (this.#reason) return;
    this.#end({ kind: 'closed' });
    // The bus is left quiet; a device that does not answer any more is the adapter's business.
    await this.#console.ask('ATPC').catch(() => undefined);
  }

  #assertPossible(address: IsoTpAddress, options: IsoTpOptions): void {
    const { rawFrames, headers, hostFlowControl, variableDlc } = this.#parts.abilities;
    const target = targetOf(address, options);
    const missing =
      target.hasAddressByte && !(rawFrames && headers && hostFlowControl)
        ? 'extended or mixed addressing'
        : isFunctional(address, options) && !headers
          ? 'functional addressing'
          : target.variableDlc && !variableDlc
            ? 'frames without padding'
            : null;
    if (missing === null) return;
    throw new StackError('adapter/unsupported', `this adapter cannot do ${missing}`, { ability: missing });
  }

  async #tryInterrupt(ask: Ask): Promise<void> {
    try {
      const { interrupted } = await ask('ATMA', {
        keepLines: false,
        interruptAfterMs: TRIAL_MS,
        timeoutMs: TRIAL_MS + 5000,
      });
      if (!interrupted) this.#monitors = false;
    } catch (error) {
      if (!interruptFailed(error)) throw error;
      await this.#giveUpInterrupts(ask);
    }
  }

  async #giveUpInterrupts(ask: Ask): Promise<void> {
    this.#canInterrupt = false;
    this.#monitors = false;
    this.#patience = patienceOf(this.#parts.abilities, false);
    await this.#settings.initialise(ask, this.#patience);
  }

  /** Asks for the device on behalf of a channel. */
  #requestTurn(channel: ElmChannel, signal: AbortSignal | undefined): void {
    this.#turns++;
    this.#idleTimer?.abort();
    this.#console
      .turn((ask) => this.#takeTurn(channel, ask), signal ? { signal } : {})
      .catch((error: unknown) => this.#turnFailed(channel, error, signal))
      .finally(() => {
        this.#turns--;
        this.#serveJobs();
        this.#idleSoon();
      });
  }

  /** A flow control is due and nobody has the device, e.g. for a first frame that came behind its prompt. */
  #serveJobs(): void {
    const job = this.#jobs[0];
    if (job && this.#turns === 0 && !this.#reason) this.#requestTurn(job.channel, undefined);
  }

  async #takeTurn(channel: ElmChannel, ask: Ask): Promise<void> {
    if (this.#reason || channel.isClosed) return;
    if (!this.#initialised) await this.#reinitialise(ask);
    const chipFlow = this.#chipFlowFor(channel);
    const flow = chipFlow ? { stMin: channel.options.stMin } : null;
    await this.#settings.channel(ask, channel.target, this.#filterFor(channel), this.#patience, flow);
    const turn = new ElmTurn(this.#turnHost(), channel, ask, chipFlow);
    this.#turn = turn;
    this.#lastActive = channel;
    try {
      await turn.run();
    } finally {
      this.#turn = null;
    }
  }

  /** Something is not as it was: the next turn begins with our settings, said anew. */
  #turnFailed(channel: ElmChannel, error: unknown, signal: AbortSignal | undefined): void {
    if (!(error instanceof StackError)) throw error;
    if (isStackError(error, 'call/aborted', 'call/timeout')) return;
    this.#initialised = false;
    for (const job of this.#jobs.splice(0)) {
      job.channel.refuse(job, error);
      job.channel.done(job);
    }
    if (interruptFailed(error)) {
      this.#canInterrupt = false;
      this.#monitors = false;
      this.#patience = patienceOf(this.#parts.abilities, false);
    }
    channel.fail(error, signal);
  }

  /** @throws StackError `adapter/identity-changed` when another device answers than before */
  async #reinitialise(ask: Ask): Promise<void> {
    const { lines } = await ask('ATI');
    const actual = parseIdentity(lines)?.text ?? '';
    const expected = this.#parts.info.firmware;
    if (actual !== expected) {
      const error = new StackError('adapter/identity-changed', 'another device answers than before', {
        expected,
        actual,
      });
      this.#end({ kind: 'failed', detail: error.message });
      throw error;
    }
    await this.#settings.initialise(ask, this.#patience);
    this.#initialised = true;
  }

  /** Any command puts its sleep off; what it forgets in it is told anew. */
  #stayAwake(): void {
    this.#initialised = false;
    if (this.#turns > 0) return;
    this.#console.ask('ATI').catch(() => undefined); // the next request finds out whether it lives
  }

  #restarted(banner: string): void {
    const now = this.#console.clock.now();
    this.#initialised = false;
    this.#restartsMs.push(now);
    while ((this.#restartsMs[0] ?? now) < now - RESTART_WINDOW_MS) this.#restartsMs.shift();
    if (this.#restartsMs.length > MAX_RESTARTS)
      this.#end({
        kind: 'failed',
        detail: `the adapter restarted ${this.#restartsMs.length} times in a minute (${banner})`,
      });
  }

  /** The chip sees first frames only where the PCI comes first, and answers with one id only. */
  #chipFlowFor(channel: ElmChannel): boolean {
    if (channel.functional || channel.target.hasAddressByte) return false;
    const { userFlowControl, hostFlowControl } = this.#parts.abilities;
    return userFlowControl && !(this.#chipFlowFails && hostFlowControl);
  }

  /** The channel's own ids, and those of channels whose answer is still expected. */
  #filterFor(channel: ElmChannel): IdFilter {
    const { extended } = channel.target;
    return this.#channels
      .filter((other) => other !== channel && other.target.extended === extended && other.awaitsAnswer)
      .reduce((filter, other) => joinFilters(filter, other.target.filter), channel.target.filter);
  }

  #changed(): void {
    const turn = this.#turn;
    if (turn?.listening && this.#canInterrupt) {
      const now = this.#console.clock.now();
      const dueMs = Math.min(...this.#jobs.filter((job) => turn.mayServe(job)).map((job) => job.dueMs));
      if (dueMs <= now || turn.isReady || turn.channel.isClosed || this.#reason) void this.#console.interrupt();
      else if (dueMs !== Number.POSITIVE_INFINITY) this.#lookAgainAt(dueMs);
    }
    this.#console.reconsiderYield();
  }

  #lookAgainAt(dueMs: number): void {
    this.#dueTimer?.abort();
    const timer = new AbortController();
    this.#dueTimer = timer;
    void sleepUnlessAborted(this.#console.clock, dueMs - this.#console.clock.now(), timer.signal).then((slept) => {
      if (slept) this.#changed();
    });
  }

  /** Listens for late answers once nobody wants the device. */
  #idleSoon(): void {
    if (this.#turns > 0 || this.#reason || !this.#initialised || !this.#monitors) return;
    this.#idleTimer?.abort();
    const timer = new AbortController();
    this.#idleTimer = timer;
    void sleepUnlessAborted(this.#console.clock, IDLE_MS, timer.signal).then((slept) => {
      const last = this.#lastActive?.isClosed === false ? this.#lastActive : this.#channels.at(-1);
      if (slept && this.#turns === 0 && last) this.#requestTurn(last, undefined);
    });
  }

  #stray(line: string, atMs: number): void {
    const frame = parseFrame(parseLine(line).text);
    if (frame) this.#frame(frame, atMs);
  }

  #frame(frame: CanFrame, atMs: number): void {
    this.#counters.received++;
    for (const channel of [...this.#channels]) channel.hear(frame, atMs);
    this.#changed();
  }

  #channelHost(extended: boolean): ChannelHost {
    const { info, lineRate } = this.#parts;
    const roundTripMs = Math.ceil(info.roundTripMs?.p99 ?? 0);
    return {
      clock: this.#console.clock,
      latencyMs: roundTripMs + (info.wireless ? EXTRA_LATENCY_MS.wireless : EXTRA_LATENCY_MS.wired),
      receive: { blockSize: HOST_BLOCK_SIZE, stMin: stMinForLine(lineRate, extended) },
      longestSendBytes: info.longestSendBytes,
      requestTurn: (channel, signal) => this.#requestTurn(channel, signal),
      enqueue: (job) => {
        this.#jobs.push(job);
        this.#serveJobs();
        this.#changed();
      },
      changed: () => this.#changed(),
      chipAnswers: (channel) => this.#turn?.channel === channel && this.#turn.chipAnswering,
      chipFlowControlFailed: () => {
        this.#chipFlowFails = true;
      },
      ownsFlowControl: (channel, responseId, responseByte) => this.#ownsFlowControl(channel, responseId, responseByte),
      physicalOf: (channel, responseId) => this.#physicalOf(channel, responseId),
      closed: (channel) => {
        const at = this.#channels.indexOf(channel);
        if (at >= 0) this.#channels.splice(at, 1);
        this.#changed();
      },
    };
  }

  /** A flow control goes out once: by the ECU's own channel, else by the functional channel that was opened first. */
  #ownsFlowControl(channel: ElmChannel, responseId: number, responseByte: number | null): boolean {
    if (channel.functional && this.#physicalOf(channel, responseId) === null) return false;
    const covering = this.#channels.filter((other) => other.covers(responseId, responseByte));
    return (covering.find((other) => !other.functional) ?? covering[0]) === channel;
  }

  #physicalOf(channel: ElmChannel, responseId: number): IsoTpAddress | null {
    const own = this.#channels.find(
      ({ functional, target }) =>
        !functional && target.responseId === responseId && target.extended === channel.target.extended,
    );
    return own?.address ?? physicalByRule(channel.address, responseId);
  }

  #turnHost(): TurnHost {
    const bus = this;
    const { console, abilities, lineRate, info } = this.#parts;
    return {
      console,
      settings: this.#settings,
      abilities,
      lineRate,
      roundTripMs: Math.ceil(info.roundTripMs?.p99 ?? 0),
      jobs: this.#jobs,
      get patience() {
        return bus.#patience;
      },
      get ended() {
        return bus.#reason !== null;
      },
      get canInterrupt() {
        return bus.#canInterrupt;
      },
      get monitors() {
        return bus.#monitors;
      },
      get heardFrames() {
        return bus.#counters.received > 0;
      },
      holdUntilMs: () => (bus.#reason ? Number.NEGATIVE_INFINITY : bus.#holdUntilMs()),
      frame: (frame, atMs) => bus.#frame(frame, atMs),
      formatted: (channel, lines, atMs) => {
        for (const pdu of readFormatted(lines)) channel.hearMessage(pdu, atMs);
      },
      sentFrame: () => {
        bus.#counters.sent++;
      },
      droppedLine: () => {
        bus.#counters.dropped++;
      },
      busError: (flags, atMs) => {
        bus.#counters.busErrors++;
        for (const listener of bus.#errorListeners) listener(flags, atMs);
      },
      monitorFailed: () => {
        bus.#monitorFailures++;
        bus.#monitors &&= bus.#monitorFailures < MAX_MONITOR_FAILURES;
      },
    };
  }

  #holdUntilMs(): number {
    return Math.max(...this.#channels.map((channel) => channel.holdUntilMs), Number.NEGATIVE_INFINITY);
  }

  #end(reason: CloseReason): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#idleTimer?.abort();
    this.#dueTimer?.abort();
    this.#stopEvents();
    this.#jobs.length = 0;
    for (const channel of [...this.#channels]) channel.end(reason);
    this.#console.reconsiderYield();
    this.#settleClosed(reason);
    this.#parts.onClosed();
  }
}
