import { type Clock, sleepUnlessAborted } from '#base/clock.ts';
import type { DiagEvent, DiagTiming, SessionState } from '#contract/diagnostics.ts';
import { abortError, isStackError, StackError } from '#contract/errors.ts';
import type { ChannelEvent, DiagChannel } from '#contract/isotp.ts';
import type { TraceSink } from '#contract/trace.ts';
import { classify } from './answers.ts';
import { pendingLimit, provesUnsent, type ServiceName } from './failures.ts';
import { Inbox } from './inbox.ts';
import { secretFrom, shownPdu } from './shown.ts';
import { pause } from './turns.ts';

/** One request as it goes on the wire: its own copy of the bytes, which nobody else can change. */
export interface WireRequest {
  readonly service: ServiceName;
  readonly pdu: Uint8Array;
  readonly echo: Uint8Array;
}

export type ExchangeAnswer =
  | { readonly kind: 'positive'; readonly pdu: Uint8Array }
  | { readonly kind: 'negative'; readonly nrc: number }
  | { readonly kind: 'silent'; readonly afterMs: number; readonly cause?: unknown }
  /** The ECU has not got the whole request: it cannot have executed it. */
  | { readonly kind: 'unsent'; readonly error: StackError };

/** After a request whose answer is suppressed the next one waits this long (P3client, reference: diagnostics A.2). */
const SILENT_GAP_MS = 100;

/**
 * One request and its answer on one channel: sends once, waits by P2 and P2*, follows a chain of 78, lets nothing pass that is
 * not the answer. Whoever calls holds the client's turn.
 */
export class Exchange {
  /** End of the last request that reached the ECU as far as we know; S3 runs from here. */
  lastRequestMs: number | null = null;
  lastAnswerMs: number | null = null;
  readonly #channel: DiagChannel;
  readonly #clock: Clock;
  readonly #timing: DiagTiming;
  readonly #trace: TraceSink | undefined;
  readonly #inbox: Inbox;
  readonly #state: () => SessionState;
  readonly #emit: (event: DiagEvent) => void;
  #notBeforeMs = 0;
  #isClosed = false;

  constructor(
    parts: {
      readonly channel: DiagChannel;
      readonly clock: Clock;
      readonly timing: DiagTiming;
      readonly trace?: TraceSink;
    },
    state: () => SessionState,
    emit: (event: DiagEvent) => void,
  ) {
    this.#channel = parts.channel;
    this.#clock = parts.clock;
    this.#timing = parts.timing;
    this.#trace = parts.trace;
    this.#state = state;
    this.#emit = emit;
    this.#inbox = new Inbox(parts.channel, parts.clock, (event) => this.#stray(event));
    void parts.channel.closed.then(() => {
      this.#isClosed = true;
    });
  }

  /** Waits until the next request may leave. @throws StackError `call/*` */
  ready(signal: AbortSignal | undefined): Promise<void> {
    const waitMs = this.#notBeforeMs - this.#clock.now();
    return waitMs > 0 ? pause(this.#clock, waitMs, signal, 'waiting to send') : Promise.resolve();
  }

  /** @throws StackError `diag/pending-limit`, `isotp/*`, `adapter/*`, `transport/*`, `call/*`: it may have reached the ECU */
  async run(request: WireRequest, signal: AbortSignal | undefined): Promise<ExchangeAnswer> {
    const waitMs = this.#notBeforeMs - this.#clock.now();
    if (waitMs > 0) await (signal ? sleepUnlessAborted(this.#clock, waitMs, signal) : this.#clock.sleep(waitMs));
    if (signal?.aborted) return { kind: 'unsent', error: abortError(signal, `sending ${request.service.name}`) };
    const wasClosed = this.#isClosed;
    let refusal: StackError | null = null;
    let reached = true;
    this.#inbox.begin();
    try {
      try {
        await this.#send(request.pdu, signal);
      } catch (error) {
        if (isStackError(error, 'isotp/refused-while-sending')) refusal = error;
        else if (provesUnsent(error) || (wasClosed && error instanceof StackError)) {
          reached = false;
          return { kind: 'unsent', error };
        } else throw error;
      }
      return await this.#answer(request, refusal, signal);
    } finally {
      this.#inbox.end();
      if (reached) this.lastRequestMs = this.#clock.now();
    }
  }

  /** A request whose positive answer is suppressed; a refusal that comes all the same is a stray. */
  async sendSilently(pdu: Uint8Array): Promise<void> {
    await this.#send(pdu, undefined);
    this.lastRequestMs = this.#clock.now();
    this.#notBeforeMs = this.lastRequestMs + SILENT_GAP_MS;
  }

  /**
   * With a `refusal` the ECU spoke before it had the whole request (reference: adapters J.4). Only a negative answer can be
   * meant for it then: whatever else was said belongs to something older, and the request counts as unsent.
   */
  async #answer(
    request: WireRequest,
    refusal: StackError | null,
    signal: AbortSignal | undefined,
  ): Promise<ExchangeAnswer> {
    const { service, echo } = request;
    const sentMs = this.#clock.now();
    const p4Ms = sentMs + this.#timing.pendingLimitMs;
    const p2 = () => Math.min(p4Ms, this.#clock.now() + this.#state().p2Ms + this.#channel.latencyMs);
    let pendings = 0;
    const over = (): ExchangeAnswer => {
      if (refusal) return { kind: 'unsent', error: refusal };
      if (this.#clock.now() >= p4Ms && pendings > 0) throw pendingLimit(service, pendings, this.#timing.pendingLimitMs);
      return { kind: 'silent', afterMs: this.#clock.now() - sentMs };
    };
    let untilMs = p2();
    /** The limit that a segmented message interrupted: should it be a stray, the wait goes on where it was. */
    let interruptedMs: number | null = null;
    for (;;) {
      const event = await this.#inbox.next(untilMs - this.#clock.now(), signal);
      const now = this.#clock.now();
      if (event === null) {
        if (now < untilMs) continue;
        return over();
      }
      if (event.type === 'failed') throw event.error;
      if (event.type === 'started') {
        interruptedMs ??= untilMs;
        untilMs = p4Ms; // P2 is met; from here the channel's own N_Cr bounds every frame
        continue;
      }
      this.#heard(event.pdu, event.atMs);
      const answer = classify(event.pdu, service.sid, echo);
      if (answer.kind === 'negative') return { kind: 'negative', nrc: answer.nrc };
      if (answer.kind === 'positive' && !refusal) return { kind: 'positive', pdu: event.pdu };
      if (answer.kind === 'pending' && !refusal) {
        pendings++;
        if (now >= p4Ms) return over();
        this.#emit({ type: 'pending', service: service.name, count: pendings, elapsedMs: now - sentMs });
        untilMs = Math.min(p4Ms, now + this.#state().p2StarMs + this.#channel.latencyMs);
      } else {
        this.#emit({ type: 'stray', pdu: shownPdu(event.pdu), source: event.source });
        if (now >= p4Ms) return over(); // a flood of strays ends here as well
        if (interruptedMs !== null) untilMs = Math.max(interruptedMs, p2());
      }
      interruptedMs = null;
    }
  }

  async #send(pdu: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    this.#record('tx', pdu, this.#clock.now());
    await this.#channel.sendPdu(pdu, signal ? { signal } : {});
  }

  #heard(pdu: Uint8Array, atMs: number): void {
    this.lastAnswerMs = atMs;
    this.#record('rx', pdu, atMs);
    this.#emit({ type: 'answered', atMs });
  }

  #record(direction: 'tx' | 'rx', pdu: Uint8Array, atMs: number): void {
    const hiddenFrom = secretFrom(pdu);
    this.#trace?.record({
      kind: 'pdu',
      atMs,
      direction,
      moduleId: this.#channel.moduleId,
      pdu: pdu.slice(),
      ...(hiddenFrom === undefined ? {} : { hiddenFrom }),
    });
  }

  #stray(event: ChannelEvent): void {
    if (event.type !== 'message') return;
    this.lastAnswerMs = Math.max(this.lastAnswerMs ?? event.atMs, event.atMs);
    this.#trace?.record({ kind: 'comment', text: `stray from ${event.source}: ${shownPdu(event.pdu, 16)}` });
    this.#emit({ type: 'stray', pdu: shownPdu(event.pdu), source: event.source });
  }
}
