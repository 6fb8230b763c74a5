import type { Clock } from '#base/clock.ts';
import { bounded, type CallOptions } from '#contract/call.ts';
import type { FunctionalClient, FunctionalResponse, ReadService } from '#contract/diagnostics.ts';
import { abortError, isStackError, StackError } from '#contract/errors.ts';
import type { DiagChannel } from '#contract/isotp.ts';
import { type Effect, effectOfRequest } from '#contract/permit.ts';
import type { TraceSink } from '#contract/trace.ts';
import { classify, decodeAnswer } from './answers.ts';
import { secretFrom, shownPdu } from './shown.ts';
import { pause } from './turns.ts';

interface FunctionalParts {
  readonly channel: DiagChannel;
  readonly clock: Clock;
  readonly trace?: TraceSink;
}

/** Broadcast reads over a functional channel; see `FunctionalClient`. */
export function openFunctionalClient(parts: FunctionalParts): FunctionalClient {
  return {
    async broadcast<Request, Response>(
      service: ReadService<Request, Response>,
      request: Request,
      onResponse: (response: FunctionalResponse<Response>) => void,
      options: CallOptions & { readonly collectMs: number },
    ): Promise<void> {
      const pdu = service.encode(request).slice();
      const claimed: Effect = service.effect(request);
      const effect = [effectOfRequest(pdu), claimed].find((each) => each !== 'read');
      if (effect !== undefined)
        throw new StackError(
          'gate/effect-needs-permit',
          `a broadcast of ${service.name} ${shownPdu(pdu, 3)} would have the effect '${effect}'`,
          { sid: pdu[0] ?? 0, effect },
        );
      const answers = new Answers(service, request, onResponse);
      const work = (signal?: AbortSignal) => collect(parts, pdu, answers, options.collectMs, signal);
      if (options.timeoutMs === undefined) await work(options.signal);
      else await bounded(parts.clock, service.name, options.timeoutMs, options.signal, work);
    },
    close: () => parts.channel.close(),
  };
}

/** Tells what each ECU said; strays are left out. */
class Answers<Request, Response> {
  readonly #service: ReadService<Request, Response>;
  readonly #request: Request;
  readonly #echo: Uint8Array;
  readonly #onResponse: (response: FunctionalResponse<Response>) => void;

  constructor(
    service: ReadService<Request, Response>,
    request: Request,
    onResponse: (response: FunctionalResponse<Response>) => void,
  ) {
    this.#service = service;
    this.#request = request;
    this.#echo = service.echo(request);
    this.#onResponse = onResponse;
  }

  take(source: string, pdu: Uint8Array): void {
    const answer = classify(pdu, this.#service.sid, this.#echo);
    if (answer.kind === 'negative') this.#onResponse({ kind: 'negative', source, nrc: answer.nrc });
    if (answer.kind === 'positive') this.#onResponse(this.#decoded(source, pdu));
  }

  #decoded(source: string, pdu: Uint8Array): FunctionalResponse<Response> {
    try {
      return { kind: 'positive', source, response: decodeAnswer(this.#service, this.#request, pdu) };
    } catch (error) {
      if (!isStackError(error, 'diag/malformed-response')) throw error;
      return { kind: 'malformed', source, why: error.message };
    }
  }
}

async function collect<Request, Response>(
  parts: FunctionalParts,
  pdu: Uint8Array,
  answers: Answers<Request, Response>,
  collectMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { channel, clock } = parts;
  const record = (direction: 'tx' | 'rx', moduleId: string, bytes: Uint8Array, atMs: number) => {
    const hiddenFrom = secretFrom(bytes);
    parts.trace?.record({
      kind: 'pdu',
      atMs,
      direction,
      moduleId,
      pdu: bytes.slice(),
      ...(hiddenFrom === undefined ? {} : { hiddenFrom }),
    });
  };
  if (signal?.aborted) throw abortError(signal, 'a broadcast');
  const stop = channel.onEvent((event) => {
    if (event.type !== 'message') return;
    record('rx', event.source, event.pdu, event.atMs);
    answers.take(event.source, event.pdu);
  });
  try {
    record('tx', channel.moduleId, pdu, clock.now());
    await channel.sendPdu(pdu, signal ? { signal } : {});
    await pause(clock, collectMs, signal, 'a broadcast');
  } finally {
    stop();
  }
}
