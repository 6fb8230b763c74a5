import type { Clock } from '#base/clock.ts';
import type { CallOptions } from '#contract/call.ts';
import { bounded } from '#contract/call.ts';
import type { DiagClient, DiagEvent, DiagTiming, ReadService, Service, SessionState } from '#contract/diagnostics.ts';
import { abortError, isNegativeResponse, StackError } from '#contract/errors.ts';
import type { DiagChannel } from '#contract/isotp.ts';
import { type Effect, effectOfRequest, type PermitVerifier, type WritePermit } from '#contract/permit.ts';
import type { TraceSink } from '#contract/trace.ts';
import type { CloseReason } from '#contract/transport.ts';
import { isSessionNrc } from '#diagnostics/uds/nrc.ts';
import { openSession } from '#diagnostics/uds/services/diagnostic-session-control.ts';
import { readDataByIdentifier } from '#diagnostics/uds/services/read-data-by-identifier.ts';
import { testerPresent } from '#diagnostics/uds/services/tester-present.ts';
import { decodeAnswer, negativeResponse } from './answers.ts';
import { Exchange, type ExchangeAnswer, type WireRequest } from './exchange.ts';
import { isRepeatable, moduleLost, outcomeUnknown, sessionLost, timeoutError } from './failures.ts';
import { RetryBudget } from './retry.ts';
import { DEFAULT_SESSION, S3_SERVER_MS, SessionTracker } from './session.ts';
import { SessionKeeper } from './session-keeper.ts';
import { shownPdu } from './shown.ts';
import { pause, type StartLimit, startLimit, Turns } from './turns.ts';

export interface DiagClientParts {
  readonly channel: DiagChannel;
  readonly clock: Clock;
  readonly timing: DiagTiming;
  readonly verifier: PermitVerifier;
  readonly trace?: TraceSink;
}

const READ_REPEATS = 2;
/** activeDiagnosticSession (ISO 14229-1 annex C). */
const ACTIVE_SESSION_DID = 0xf186;

export function openDiagClient(parts: DiagClientParts): DiagClient {
  return new UdsClient(parts);
}

/** The request engine of one ECU; see `DiagClient` for the rules it keeps. */
class UdsClient implements DiagClient {
  readonly moduleId: string;
  readonly closed: Promise<CloseReason>;
  readonly #parts: DiagClientParts;
  readonly #turns = new Turns();
  readonly #exchange: Exchange;
  readonly #session: SessionTracker;
  readonly #keeper: SessionKeeper;
  readonly #listeners = new Set<(event: DiagEvent) => void>();
  /** Per SID: until when a late answer to a request of unknown outcome may still come (reference: diagnostics A.1). */
  readonly #quietUntilMs = new Map<number, number>();

  constructor(parts: DiagClientParts) {
    this.#parts = parts;
    this.moduleId = parts.channel.moduleId;
    this.closed = parts.channel.closed;
    this.#session = new SessionTracker(parts.timing);
    this.#exchange = new Exchange(
      parts,
      () => this.#session.state,
      (event) => this.#emit(event),
    );
    this.#keeper = new SessionKeeper({
      clock: parts.clock,
      everyMs: parts.timing.s3ClientMs,
      lastRequestMs: () => this.#exchange.lastRequestMs,
      wanted: () => this.#session.state.session !== DEFAULT_SESSION,
      send: (signal) => this.#turns.take('tester present', signal, () => this.#present(signal)),
      onLost: () => this.#sessionLost(),
    });
    void this.closed.then(() => this.#keeper.end());
  }

  get state(): SessionState {
    return this.#session.state;
  }

  get lastAnswerMs(): number | null {
    return this.#exchange.lastAnswerMs;
  }

  async call<Request, Response>(
    service: ReadService<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): Promise<Response> {
    const wire = wireOf(service, request);
    // Twice: a service may mislabel itself, and bytes that read may be meant otherwise by their service.
    const claimed: Effect = service.effect(request);
    const actual = effectOfRequest(wire.pdu, this.#parts.timing.equalSessions);
    const effect = [actual, claimed].find((each) => each !== 'read' && each !== 'session');
    if (effect !== undefined)
      throw new StackError(
        'gate/effect-needs-permit',
        `${service.name} ${shownPdu(wire.pdu, 3)} has the effect '${effect}' and needs a permit`,
        { sid: wire.pdu[0] ?? 0, effect },
      );
    const work = (signal?: AbortSignal) =>
      this.#turn(service, signal, async () => {
        const answer = await this.#ask(wire, signal, true);
        const response = decodeAnswer(service, request, answer);
        this.#track(wire, answer, 'caller');
        return response;
      });
    if (options.timeoutMs === undefined) return work(options.signal);
    return bounded(this.#parts.clock, service.name, options.timeoutMs, options.signal, work);
  }

  /**
   * `timeoutMs` bounds the wait before the first byte only: once it has left, the limits of the exchange itself count. A signal
   * that aborts later ends the wait with `diag/outcome-unknown`, in a pause after NRC 21 (nothing executed) with `call/aborted`.
   */
  async perform<Request, Response>(
    service: Service<Request, Response>,
    request: Request,
    permit: WritePermit,
    options: CallOptions = {},
  ): Promise<Response> {
    const wire = wireOf(service, request);
    const start = startLimit(this.#parts.clock, service.name, options);
    try {
      return await this.#turn(service, start.signal, async () => {
        const answer = await this.#effect(wire, permit, start, options.signal);
        try {
          return decodeAnswer(service, request, answer);
        } catch (error) {
          throw this.#outcomeUnknown(wire, error);
        }
      });
    } finally {
      start.end();
    }
  }

  keepSession(): () => void {
    return this.#keeper.hold();
  }

  onEvent(listener: (event: DiagEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#keeper.end();
    await this.#parts.channel.close();
  }

  /**
   * The one outstanding request. After a request of unknown outcome its late answer could be taken for the answer to the next
   * one with this SID: that is waited out first, without the turn, so that tester present and other services go on.
   */
  async #turn<T>(
    service: { readonly sid: number; readonly name: string },
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    const { clock } = this.#parts;
    const quietMs = () => (this.#quietUntilMs.get(service.sid) ?? 0) - clock.now();
    for (;;) {
      if (signal?.aborted) throw abortError(signal, service.name);
      const waitMs = quietMs();
      if (waitMs > 0) await pause(clock, waitMs, signal, service.name);
      const done = await this.#turns.take(service.name, signal, async () =>
        quietMs() > 0 ? null : { value: await work() },
      );
      if (done) return done.value;
    }
  }

  /** Holds the turn: sends a request that may be repeated until there is an answer; gives its positive answer. */
  async #ask(wire: WireRequest, signal: AbortSignal | undefined, mayReenter: boolean): Promise<Uint8Array> {
    const { clock } = this.#parts;
    const { service } = wire;
    let reenterable = mayReenter && service.sid !== openSession.sid && service.sid !== testerPresent.sid;
    if (service.sid !== openSession.sid && this.#session.isGone(this.#idleMs())) {
      // U10: what is read in the default session would be another value, or "module has none".
      if (reenterable) await this.#reenter(signal);
      else this.#session.lost();
      reenterable = false;
    }
    const budget = new RetryBudget(clock.now());
    let silences = 0;
    for (let sends = 1; ; sends++) {
      const answer = await this.#tryOnce(wire, signal);
      if (answer.kind === 'positive') return answer.pdu;
      if (answer.kind === 'silent') {
        if (++silences <= READ_REPEATS) continue;
        throw await this.#silence(wire, sends, answer, signal);
      }
      if (isSessionNrc(answer.nrc) && this.#session.wanted !== DEFAULT_SESSION && reenterable) {
        reenterable = false; // U06: once
        await this.#reenter(signal);
        continue;
      }
      const waitMs = budget.forRead(answer.nrc, clock.now());
      if (waitMs === null) throw negativeResponse(service, wire.pdu, answer.nrc);
      this.#emit({ type: 'waiting', service: service.name, nrc: answer.nrc, untilMs: clock.now() + waitMs });
      await pause(clock, waitMs, signal, service.name);
    }
  }

  /** A lost frame on the way is no answer either; what cannot be repeated (adapter gone, cancelled) is thrown. */
  async #tryOnce(
    wire: WireRequest,
    signal: AbortSignal | undefined,
  ): Promise<Exclude<ExchangeAnswer, { kind: 'unsent' }>> {
    try {
      const answer = await this.#exchange.run(wire, signal);
      if (answer.kind === 'unsent') throw answer.error;
      return answer;
    } catch (error) {
      if (isRepeatable(error)) return { kind: 'silent', afterMs: 0, cause: error };
      throw error;
    }
  }

  /** Holds the turn: one request with an effect; gives its positive answer, not yet decoded. */
  async #effect(
    wire: WireRequest,
    permit: WritePermit,
    start: StartLimit,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const { clock, verifier, timing } = this.#parts;
    const { service, pdu } = wire;
    const effect = effectOfRequest(pdu, timing.equalSessions);
    this.#assertSession(effect);
    await this.#exchange.ready(start.signal);
    if (start.signal.aborted) throw abortError(start.signal, service.name);
    start.end();
    const use = { moduleId: this.moduleId, pdu: pdu.slice(), effect };
    verifier.redeem(permit, use);
    const budget = new RetryBudget(clock.now());
    for (;;) {
      const answer = await this.#exchange.run(wire, signal).catch((error: unknown) => {
        throw this.#outcomeUnknown(wire, error, effect);
      });
      if (answer.kind === 'unsent') throw answer.error;
      if (answer.kind === 'silent')
        throw this.#outcomeUnknown(wire, timeoutError(service, answer.afterMs, 1, answer.cause), effect);
      if (answer.kind === 'positive') {
        this.#session.effectDone();
        this.#track(wire, answer.pdu, 'caller');
        return answer.pdu;
      }
      const { nrc } = answer;
      if (isSessionNrc(nrc) && this.#session.wanted !== DEFAULT_SESSION) throw await this.#refusedBySession(wire, nrc);
      const waitMs = budget.forEffect(nrc, clock.now());
      if (waitMs === null) throw negativeResponse(service, pdu, nrc);
      await verifier.repeat(permit, use, nrc);
      this.#emit({ type: 'waiting', service: service.name, nrc, untilMs: clock.now() + waitMs });
      await pause(clock, waitMs, signal, service.name);
    }
  }

  /** U10: nothing is sent into a session that is not what the plan made of it: the plan re-enters and checks again. */
  #assertSession(effect: Effect): void {
    const { wanted } = this.#session;
    const isGone = this.#session.isGone(this.#idleMs());
    if (!isGone && !this.#session.lacksWorkFor(effect)) return;
    this.#sessionLost();
    throw sessionLost(wanted, isGone ? 'ran out during a pause' : 'was lost and opened again since the last write');
  }

  /**
   * 7E or 7F to a request with an effect: the session ran out, or this ECU does not do this request in it, which is an answer.
   * An ECU that does not tell its session counts as being in it: our own silence was shorter than S3.
   */
  async #refusedBySession(wire: WireRequest, nrc: number): Promise<StackError> {
    const { wanted } = this.#session;
    const refusal = negativeResponse(wire.service, wire.pdu, nrc);
    const probe = wireOf(readDataByIdentifier, { did: ACTIVE_SESSION_DID });
    const answer = await this.#exchange.run(probe, undefined).catch(() => null); // the refusal is certain, whatever follows
    if (answer?.kind !== 'positive' || answer.pdu[3] === wanted) return refusal;
    this.#sessionLost();
    return sessionLost(wanted, `is gone: ${wire.service.name} refused`, nrc, refusal);
  }

  /** No answer to a read after all repeats: is the module there at all? (reference: diagnostics A.8) */
  async #silence(
    wire: WireRequest,
    sends: number,
    answer: { readonly afterMs: number; readonly cause?: unknown },
    signal: AbortSignal | undefined,
  ): Promise<StackError> {
    const timeout = timeoutError(wire.service, answer.afterMs, sends, answer.cause);
    if (wire.service.sid === testerPresent.sid) return timeout;
    const probe = await this.#tryOnce(wireOf(testerPresent, {}), signal);
    if (probe.kind !== 'silent') return timeout;
    this.#session.lost();
    return moduleLost(this.moduleId, timeout);
  }

  async #reenter(signal: AbortSignal | undefined): Promise<void> {
    const session = this.#session.wanted;
    this.#sessionLost();
    const wire = wireOf(openSession, { session });
    try {
      const answer = await this.#ask(wire, signal, false);
      decodeAnswer(openSession, { session }, answer);
      this.#track(wire, answer, 'client');
    } catch (error) {
      if (!isNegativeResponse(error)) throw error;
      throw sessionLost(session, 'cannot be opened again', error.details.nrc, error);
    }
  }

  /** Holds the turn: 3E 80, unless a request went out meanwhile. */
  async #present(signal: AbortSignal): Promise<void> {
    await this.#exchange.ready(signal);
    const { lastRequestMs } = this.#exchange;
    if (lastRequestMs !== null && this.#idleMs() < this.#parts.timing.s3ClientMs) return;
    // A pause beyond S3 (a frozen page): the session is gone, and 3E would only hide that from the next request (U10).
    if (this.#idleMs() > S3_SERVER_MS) this.#sessionLost();
    else await this.#exchange.sendSilently(testerPresent.encode({ suppress: true }));
  }

  #outcomeUnknown(wire: WireRequest, cause: unknown, effect?: Effect): StackError {
    const waitMs = Math.max(this.#session.state.p2StarMs, this.#parts.timing.p2StarFloorMs);
    this.#quietUntilMs.set(wire.service.sid, this.#parts.clock.now() + waitMs);
    if (effect === 'reset') this.#session.forget();
    return outcomeUnknown(wire.service, cause);
  }

  #track(wire: WireRequest, answer: Uint8Array, by: 'caller' | 'client'): void {
    if (this.#session.track(wire.pdu, answer, by))
      this.#emit({ type: 'session-opened', session: this.#session.state.session });
  }

  #sessionLost(): void {
    this.#session.lost();
    this.#emit({ type: 'session-lost', expected: this.#session.wanted });
  }

  #idleMs(): number {
    const { lastRequestMs } = this.#exchange;
    return lastRequestMs === null ? 0 : this.#parts.clock.now() - lastRequestMs;
  }

  #emit(event: DiagEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** Copies the bytes: whatever the service keeps of its array, what is permitted is what is sent. */
function wireOf<Request, Response>(service: Service<Request, Response>, request: Request): WireRequest {
  const { sid, name } = service;
  return { service: { sid, name }, pdu: service.encode(request).slice(), echo: service.echo(request).slice() };
}
