import type { Ask, InterpreterConsole } from '#adapters/drivers/interpreter/console.ts';
import type { Clock } from '#base/clock.ts';
import type { CanConfig, IsoTpBus } from '#contract/adapter.ts';
import { bounded } from '#contract/call.ts';
import { abortError, isStackError, StackError } from '#contract/errors.ts';
import type { DiagChannel, IsoTpAddress, IsoTpOptions } from '#contract/isotp.ts';
import type { CloseReason } from '#contract/transport.ts';
import { channelAddress, responderId } from './addressing.ts';
import { type ChannelBus, endError, StnChannel } from './channel.ts';
import { idText, stpx } from './commands.ts';
import type { StnLimits } from './identity.ts';
import { type AnswerKind, isNeverAnswered, kindOfAnswer, parseMessage } from './reply.ts';
import { DeviceSettings } from './settings.ts';
import { Turn, type TurnRequest } from './turn.ts';

/** A module that was silent last time, or was never asked: it answers short questions first, and soon. */
const FIRST_ANSWER_MS = 250;
/** A module that answers usually: a long answer shows only when it is whole, so its begin says nothing before. */
const USUAL_ANSWER_MS = 2000;
/** Beside that, for each frame of a long request: an ECU that asks for STmin up to 20 ms, and some waits. */
const FRAME_ALLOWANCE_MS = 40;
const FRAME_BYTES = 7;
/** The device says nothing for as long as it listens; a second more and it is dead (reference: adapters N). */
const SILENCE_MARGIN_MS = 1000;
/** Tester present without an answer: time for a refusal, and for an error of the bus. */
const SHORT_LISTEN_MS = 50;
const CLOSE_LIMIT_MS = 1500;
/** How often a device that restarts meanwhile is made ready for one message. */
const PREPARATIONS = 3;
/** A line of the longest message: header, two digits a byte, its end. */
const LONGEST_LINE_CHARS = 8 + 2 * 4095 + 1;

export interface StnBusParts {
  readonly console: InterpreterConsole;
  readonly config: CanConfig;
  readonly limits: StnLimits;
  readonly latencyMs: number;
  /** STCAF was accepted. */
  readonly knowsAddressing: boolean;
  /** How long so many characters take on the serial line, ms. */
  lineMs(characters: number): number;
  /** Brings a device back that restarted, and makes sure that it is the same. */
  revive(ask: Ask): Promise<void>;
  onClosed(): void;
}

/**
 * One bus of a device that segments. Its channels take turns, first come, first served; a turn lasts until its answer is there
 * and somebody else needs the device. An answer in another's turn still reaches its own channel.
 */
export class StnBus implements IsoTpBus {
  readonly config: CanConfig;
  readonly closed: Promise<CloseReason>;
  readonly counters = { received: 0, sent: 0, busErrors: 0, dropped: 0 };
  readonly #parts: StnBusParts;
  readonly #clock: Clock;
  readonly #settings: DeviceSettings;
  readonly #channels = new Set<StnChannel>();
  readonly #turns = new Map<StnChannel, Turn>();
  readonly #errorListeners = new Set<(flags: string, atMs: number) => void>();
  readonly #stopEvents: () => void;
  #settleClosed: (reason: CloseReason) => void = () => undefined;
  #reason: CloseReason | null = null;
  #closing: Promise<void> | null = null;

  constructor(parts: StnBusParts) {
    const { console, config } = parts;
    this.#parts = parts;
    this.#clock = console.clock;
    this.config = config;
    this.#settings = new DeviceSettings(config, (ask) => parts.revive(ask));
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    this.#stopEvents = console.onEvent((event) => {
      if (event.type === 'stray') return;
      this.#settings.forget();
      this.#busError(`${event.type}: ${event.banner}`, this.#clock.now());
    });
    void console.closed.then((reason) => this.#end(reason));
  }

  /** It could not be configured: nobody has it yet. */
  discard(): void {
    this.#end({ kind: 'closed' });
  }

  /** Sets protocol and answers up, so that a device which cannot do them says so before anything is sent. */
  async configure(signal: AbortSignal): Promise<void> {
    const needs = { extendedId: false, addressing: { kind: 'normal' }, filters: [], pairs: [] } as const;
    await this.#parts.console.turn((ask) => this.#settings.prepare(ask, needs), { signal });
  }

  openChannel(address: IsoTpAddress, options: IsoTpOptions): DiagChannel {
    if (this.#reason) throw endError(this.#reason, 'the bus');
    const where = channelAddress(address, options, this.#parts.knowsAddressing);
    const channel = new StnChannel(this.#channelBus(), where, options);
    this.#channels.add(channel);
    return channel;
  }

  onBusError(listener: (flags: string, atMs: number) => void): () => void {
    const entry = (flags: string, atMs: number) => listener(flags, atMs);
    this.#errorListeners.add(entry);
    return () => {
      this.#errorListeners.delete(entry);
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#reason) return;
    for (const channel of [...this.#channels]) channel.end({ kind: 'closed' });
    const { console } = this.#parts;
    // The bus is left in any case; a device that does not answer any more is the next connection's problem.
    await bounded(this.#clock, 'close the bus', CLOSE_LIMIT_MS, undefined, () => console.ask('STPC')).catch(
      () => undefined,
    );
    this.#end({ kind: 'closed' });
  }

  #channelBus(): ChannelBus {
    return {
      clock: this.#clock,
      latencyMs: this.#parts.latencyMs,
      longestSendBytes: this.#parts.limits.longestSendBytes,
      transmit: (channel, pdu, signal) => this.#transmit(channel, pdu, signal),
      release: (channel) => this.#turns.get(channel)?.release(),
      gone: (channel) => {
        this.#channels.delete(channel);
        this.#turns.get(channel)?.release();
      },
    };
  }

  async #transmit(channel: StnChannel, pdu: Uint8Array, signal: AbortSignal): Promise<void> {
    if (this.#reason) throw endError(this.#reason, channel.moduleId);
    this.#turns.get(channel)?.release(); // whoever asks again has given up on the last answer
    const turn = this.#newTurn(channel, pdu);
    this.#turns.set(channel, turn);
    const onAbort = () => turn.cancel(abortError(signal, `sending to ${channel.moduleId}`));
    signal.addEventListener('abort', onAbort, { once: true });
    void this.#run(channel, turn);
    try {
      await turn.handedOver;
      this.counters.sent++;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /**
   * The whole turn, in the background: `handedOver` tells what the sender waits for. A restart of the device that shows while it
   * is made ready costs another try: nothing of the message was sent, and `Turn.run` itself never rejects.
   */
  async #run(channel: StnChannel, turn: Turn): Promise<void> {
    for (let tries = 1; ; tries++) {
      const error = await this.#try(channel, turn);
      if (error === null) break;
      this.#settings.forget();
      if (isStackError(error, 'adapter/reset') && tries < PREPARATIONS) continue;
      turn.fail(error);
      break;
    }
    if (this.#turns.get(channel) === turn) this.#turns.delete(channel);
  }

  /** @returns why the message could not be begun */
  async #try(channel: StnChannel, turn: Turn): Promise<StackError | null> {
    const others = [...this.#channels].filter((other) => other !== channel).map(({ address }) => address.needs);
    try {
      await this.#parts.console.turn(async (ask) => {
        if (turn.isCancelled) return;
        await this.#settings.prepare(ask, channel.address.needs, others);
        const failure = await turn.run(ask, this.#settings.listenMs);
        if (isStackError(failure, ...UNSETTLING)) this.#settings.forget();
      });
      return null;
    } catch (error) {
      if (error instanceof StackError) return error;
      throw error;
    }
  }

  #newTurn(channel: StnChannel, pdu: Uint8Array): Turn {
    const { console } = this.#parts;
    return new Turn(this.#clock, console, this.#requestFor(channel, pdu), {
      message: (text, atMs) => this.#onMessage(channel, pdu[0] ?? 0, text, atMs),
      begun: (text, atMs) => {
        const message = parseMessage(text, channel.address.needs.extendedId);
        if (message && !channel.functional && channel.hears(message.id, channel.address.needs.extendedId))
          channel.begin(channel.moduleId, message.payload.length, atMs);
      },
      failed: (error, atMs) => {
        this.counters.dropped++;
        channel.fail(channel.moduleId, error, atMs);
      },
      busError: (flags, atMs) => this.#busError(flags, atMs),
    });
  }

  #requestFor(channel: StnChannel, pdu: Uint8Array): TurnRequest {
    const { limits, latencyMs, lineMs } = this.#parts;
    const { requestId, singleBytes, needs } = channel.address;
    const { extendedId } = needs;
    const segmented = pdu.length > singleBytes;
    const sendingMs = lineMs(2 * pdu.length + 40) + (segmented ? (pdu.length / FRAME_BYTES) * FRAME_ALLOWANCE_MS : 0);
    const short = isNeverAnswered(pdu);
    const answerMs = channel.answersUsually ? USUAL_ANSWER_MS + lineMs(LONGEST_LINE_CHARS) : FIRST_ANSWER_MS;
    channel.answersUsually = false; // until it answers this one
    return {
      label: `STPX H:${idText(requestId, extendedId)}`,
      text: (listenMs) =>
        stpx({ id: requestId, extendedId, pdu, listenMs: short ? SHORT_LISTEN_MS : listenMs }, limits.commandChars),
      lengthBytes: pdu.length,
      maxSendBytes: limits.longestSendBytes,
      segmented,
      functional: channel.functional,
      answerLimitMs: sendingMs + 2 * latencyMs + (short ? SHORT_LISTEN_MS + SILENCE_MARGIN_MS : answerMs),
      silenceMarginMs: sendingMs + 2 * latencyMs + SILENCE_MARGIN_MS,
    };
  }

  /** A line with data in the turn of `asker`: to everybody who listens to that id. */
  #onMessage(
    asker: StnChannel,
    sid: number,
    text: string,
    atMs: number,
  ): { readonly kind: AnswerKind; readonly payload: Uint8Array } | null {
    const { extendedId } = asker.address.needs;
    const message = parseMessage(text, extendedId);
    if (message === null) return null;
    this.counters.received++;
    const { id } = message;
    const listening = [...this.#channels].filter((channel) => channel.hears(id, extendedId));
    const owner = listening.find(({ functional }) => !functional);
    let kind: AnswerKind = 'other';
    let payload = message.payload;
    for (const channel of listening) {
      const source = channel.functional ? (owner?.moduleId ?? responderId(channel.address, id)) : channel.moduleId;
      const pdu = withoutAddress(message.payload, channel.address.responseByte);
      if (channel === asker) {
        kind = kindOfAnswer(pdu, sid);
        payload = pdu;
      }
      if (channel !== asker || kind !== 'other') channel.answersUsually = !channel.functional;
      channel.deliver(source, pdu, atMs);
    }
    return { kind, payload };
  }

  #busError(flags: string, atMs: number): void {
    this.counters.busErrors++;
    for (const listener of this.#errorListeners) listener(flags, atMs);
  }

  #end(reason: CloseReason): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#stopEvents();
    for (const channel of [...this.#channels]) channel.end(reason);
    this.#errorListeners.clear();
    this.#settleClosed(reason);
    this.#parts.onClosed();
  }
}

/** After these nobody knows what the device holds. */
const UNSETTLING = [
  'adapter/no-answer',
  'adapter/reset',
  'adapter/asleep',
  'adapter/garbage',
  'adapter/stopped',
] as const;

/** Whether the device shows the tester's address in front of the answer is not documented: no answer begins like it. */
function withoutAddress(payload: Uint8Array, responseByte: number | null): Uint8Array {
  return payload.length > 1 && payload[0] === responseByte ? payload.subarray(1) : payload;
}
