import { type Clock, sleepUnlessAborted } from '#base/clock.ts';
import { abortError, StackError } from '#contract/errors.ts';
import type { ByteTransport, RxChunk, SerialTransport } from '#contract/transport.ts';
import { SlcanDecoder, type SlcanEvents } from './decoder.ts';
import { encodeCommand } from './encoder.ts';

/** How long a firmware that acknowledges may take (reference: adapters N). Silence means: it never does. */
export const ACK_LIMIT_MS = 50;
/** For texts: version, serial number, flags (reference: adapters L.2). */
export const TEXT_LIMIT_MS = 300;
export const DRAIN_MS = 50;
const WRITE_LIMIT_MS = 1000;

export type Answer =
  | { readonly kind: 'ack' }
  | { readonly kind: 'nak' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'flags'; readonly value: number }
  | { readonly kind: 'silence' };

/** What the open channel hears. `atMs` of the chunk is passed along; answers are those no command waits for. */
export interface ChannelListener {
  frame(id: number, extended: boolean, data: Uint8Array, atMs: number): void;
  remoteFrame(): void;
  answer(kind: 'ack' | 'nak', atMs: number): void;
  errorLine(text: string, atMs: number): void;
  stateLine(text: string, state: 'a' | 'w' | 'p' | 'b', atMs: number): void;
  text(line: string, atMs: number): void;
  malformed(): void;
  lineError(name: string, atMs: number): void;
}

interface Waiter {
  readonly wants: 'ack' | 'text' | 'flags';
  settle(answer: Answer): void;
}

/**
 * The conversation with one slcan device: one reader of the transport, one command at a time. Everything that no
 * command waits for goes to the open channel.
 */
export class SlcanDevice {
  readonly clock: Clock;
  readonly transport: ByteTransport;
  listener: ChannelListener | null = null;
  readonly #decoder: SlcanDecoder;
  readonly #stopLineErrors: () => void;
  readonly #reader: ReadableStreamDefaultReader<RxChunk>;
  readonly #lost: Promise<never>;
  #prompted = false;
  #waiter: Waiter | null = null;
  #atMs = 0;

  constructor(transport: ByteTransport, clock: Clock) {
    this.transport = transport;
    this.clock = clock;
    this.#decoder = new SlcanDecoder(this.#events());
    this.#lost = transport.closed.then((reason) => {
      const detail = reason.kind === 'closed' ? 'closed' : reason.detail;
      throw new StackError('transport/lost', `the adapter went away: ${detail}`, { reason: detail });
    });
    this.#lost.catch(() => undefined); // told by `closed`; here it only ends a running exchange
    this.#reader = transport.chunks.getReader();
    this.#stopLineErrors = isSerial(transport)
      ? transport.onLineError((name, atMs) => {
          this.#decoder.bytesLost();
          this.listener?.lineError(name, atMs);
        })
      : () => undefined;
    void this.#read();
  }

  /** Lets go of the transport, unread bytes stay in it: another driver may try. */
  release(): void {
    this.#stopLineErrors();
    this.#reader.releaseLock();
  }

  /** Frames: the channel bounds the wait. */
  write(bytes: Uint8Array): Promise<void> {
    return this.transport.write(bytes);
  }

  /** Ignores what comes for so long: leftovers of an earlier session (fault S12). */
  async drain(ms: number, signal: AbortSignal): Promise<void> {
    const listener = this.listener;
    this.listener = null;
    const slept = await sleepUnlessAborted(this.clock, ms, signal);
    this.listener = listener;
    this.#decoder.reset();
    if (!slept) throw abortError(signal, 'drain the adapter');
  }

  /**
   * Sends one command and waits for its answer; a BEL answers everything. Only while no frame is unacknowledged, else an
   * acknowledgement could be a frame's. Silence is an answer.
   * @throws StackError `transport/*`, `call/*`
   */
  async exchange(command: string, wants: Waiter['wants'], limitMs: number, signal: AbortSignal): Promise<Answer> {
    if (signal.aborted) throw abortError(signal, command);
    const ended = new AbortController();
    const stop = AbortSignal.any([signal, ended.signal]);
    const answer = new Promise<Answer>((resolve) => {
      this.#waiter = { wants, settle: resolve };
    });
    const silence = sleepUnlessAborted(this.clock, limitMs, stop).then((): Answer => ({ kind: 'silence' }));
    try {
      await this.transport.write(encodeCommand(command), { signal, timeoutMs: WRITE_LIMIT_MS });
      const first = await Promise.race([answer, silence, this.#lost]);
      if (signal.aborted) throw abortError(signal, command);
      return first;
    } finally {
      this.#waiter = null;
      ended.abort();
    }
  }

  /** Several commands of a firmware that never answers, in one write. */
  async post(commands: readonly string[], signal: AbortSignal): Promise<void> {
    const lines = commands.map(encodeCommand);
    const bytes = Uint8Array.from(lines.flatMap((line) => [...line]));
    await this.transport.write(bytes, { signal, timeoutMs: WRITE_LIMIT_MS });
  }

  /**
   * Back to a known state from any other: `C` twice (the first may only end a partial line), drain, ask who is there.
   * Never a bare CR, it would repeat the last frame (reference: adapters C.3).
   * @returns what both `C` and the version query were answered with
   */
  async resync(
    signal: AbortSignal,
    ackLimitMs = ACK_LIMIT_MS,
  ): Promise<{ readonly closes: readonly Answer[]; readonly version: Answer }> {
    const closes = [await this.exchange('C', 'ack', ackLimitMs, signal)];
    closes.push(await this.exchange('C', 'ack', ackLimitMs, signal));
    await this.drain(DRAIN_MS, signal);
    return { closes, version: await this.exchange('V', 'text', TEXT_LIMIT_MS, signal) };
  }

  /** It spoke as a command interpreter does (`?`, a prompt): no slcan device, though its empty lines look like acknowledgements. */
  get isInterpreter(): boolean {
    return this.#prompted;
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const { value, done } = await this.#reader.read();
        if (done) return;
        this.#atMs = value.atMs;
        this.#decoder.push(value.bytes);
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // a released reader rejects its pending read with TypeError
    }
  }

  #events(): SlcanEvents {
    const answered = (kind: 'ack' | 'nak') => {
      const waiter = this.#waiter;
      if (!waiter) this.listener?.answer(kind, this.#atMs);
      else if (kind === 'nak' || waiter.wants === 'ack') this.#settle({ kind });
    };
    return {
      frame: (id, extended, data) => this.listener?.frame(id, extended, data, this.#atMs),
      remoteFrame: () => this.listener?.remoteFrame(),
      ack: () => answered('ack'),
      nak: () => answered('nak'),
      transmitAck: () => this.listener?.answer('ack', this.#atMs),
      flags: (value) => {
        if (this.#waiter?.wants === 'flags') this.#settle({ kind: 'flags', value });
      },
      errorLine: (text) => this.listener?.errorLine(text, this.#atMs),
      stateLine: (text, state) => this.listener?.stateLine(text, state, this.#atMs),
      text: (text) => {
        if (text === '?' || text.startsWith('>')) this.#prompted = true;
        if (this.#waiter?.wants === 'text') this.#settle({ kind: 'text', text });
        else this.listener?.text(text, this.#atMs);
      },
      malformed: () => this.listener?.malformed(),
    };
  }

  #settle(answer: Answer): void {
    const waiter = this.#waiter;
    this.#waiter = null;
    waiter?.settle(answer);
  }
}

function isSerial(transport: ByteTransport): transport is SerialTransport {
  return 'onLineError' in transport;
}
