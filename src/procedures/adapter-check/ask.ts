import type { DiagClient, ReadService } from '#contract/diagnostics.ts';
import { isNegativeResponse, isStackError, StackError } from '#contract/errors.ts';
import { openSession, readDataByIdentifier, testerPresent } from '#diagnostics/index.ts';
import type { AdapterBench } from '#procedures/adapter-check/bench.ts';
import type { ProcedureContext } from '#procedures/context.ts';

/** How one request went. `lost`: answers that were missing, also those that came when it was asked again. */
export type Asked = {
  readonly lost: number;
  readonly elapsedMs: number;
  /** The module asked for time (78) or patience (21): its own delay, not the adapter's. */
  readonly delayed: boolean;
  /** Frames heard meanwhile, of the whole bus where the device shows frames. */
  readonly frames: number;
} & (
  | { readonly kind: 'answered'; readonly data: Uint8Array }
  | { readonly kind: 'refused'; readonly nrc: number }
  /** No whole answer, though the module is there. `unheard`: it gave no flow control, so that only the first frame was sent. */
  | { readonly kind: 'lost'; readonly why: string; readonly unheard: boolean }
  /** The module says nothing any more, not even later: nobody can tell whose fault it is. */
  | { readonly kind: 'gone' }
);

/** Looks at a module that fell silent: this often, this far apart, beside the repeats of the client. */
const SECOND_LOOKS = 3;
const SECOND_LOOK_MS = 700;

/** Errors that are no answer: what was on the way is lost, the conversation goes on. */
const NO_ANSWER = ['diag/', 'isotp/', 'adapter/', 'can/bus-error', 'call/timeout'];
/** The end of the conversation, or a mistake of ours: not the adapter's losses. */
const NOT_LOST = ['adapter/identity-changed', 'adapter/in-use', 'isotp/message-too-long', 'isotp/overflow'] as const;

/** Asks one module in its default session and counts what was lost on the way. */
export class Asker {
  readonly #ctx: Pick<ProcedureContext, 'clock' | 'link' | 'signal'>;
  readonly #bench: Pick<AdapterBench, 'requestsSent'>;
  readonly client: DiagClient;

  constructor(
    ctx: Pick<ProcedureContext, 'clock' | 'link' | 'signal'>,
    bench: Pick<AdapterBench, 'requestsSent'>,
    client: DiagClient,
  ) {
    this.#ctx = ctx;
    this.#bench = bench;
    this.client = client;
  }

  /** A session that an earlier job left open is closed: everything here is read in the default one. */
  async begin(): Promise<void> {
    if (this.client.state.session !== 0x01)
      await this.client.call(openSession, { session: 0x01 }, { signal: this.#ctx.signal });
  }

  /** Asked once with the client's own patience; a refusal is an answer too. */
  async isThere(): Promise<boolean> {
    const { signal } = this.#ctx;
    try {
      await this.client.call(testerPresent, {}, { signal });
      return true;
    } catch (error) {
      if (isNegativeResponse(error)) return true;
      if (signal.aborted || !isLoss(error)) throw error;
      return false;
    }
  }

  present(): Promise<Asked> {
    return this.ask(testerPresent, {}, () => new Uint8Array());
  }

  read(did: number): Promise<Asked> {
    return this.ask(readDataByIdentifier, { did }, ({ data }) => data);
  }

  /** @throws StackError for a cancel, a lost adapter, and what is no loss: `isotp/overflow`, `isotp/message-too-long`, … */
  async ask<Request, Response>(
    service: ReadService<Request, Response>,
    request: Request,
    dataOf: (response: Response) => Uint8Array,
  ): Promise<Asked> {
    const { clock, link, signal } = this.#ctx;
    const { moduleId } = this.client;
    const before = { sent: this.#bench.requestsSent(moduleId), frames: link.framesSeen(), ms: clock.now() };
    let waits = 0;
    let delayed = false;
    const stop = this.client.onEvent(({ type }) => {
      if (type === 'waiting') waits++;
      if (type === 'waiting' || type === 'pending') delayed = true;
    });
    const counted = () => ({
      lost: Math.max(0, this.#bench.requestsSent(moduleId) - before.sent - 1 - waits),
      elapsedMs: clock.now() - before.ms,
      delayed,
      frames: link.framesSeen() - before.frames,
    });
    try {
      const response = await this.client.call(service, request, { signal });
      return { kind: 'answered', data: dataOf(response), ...counted() };
    } catch (error) {
      const count = counted();
      if (isNegativeResponse(error)) return { kind: 'refused', nrc: error.details.nrc, ...count };
      if (signal.aborted || !isLoss(error)) throw error;
      // After another service the client has looked itself whether the module is there.
      const silent = service.sid === testerPresent.sid ? 'diag/timeout' : 'diag/module-lost';
      if (isStackError(error, silent) && !(await this.#comesBack())) return { kind: 'gone', ...count };
      const cause = error.cause ?? error;
      const unheard = isStackError(cause, 'isotp/timeout-n-bs');
      return { kind: 'lost', why: error.code, unheard, ...count, lost: Math.max(1, count.lost) };
    } finally {
      stop();
    }
  }

  /** A module that answers again a moment later was there all the time: then answers were lost. */
  async #comesBack(): Promise<boolean> {
    const { clock, signal } = this.#ctx;
    for (let look = 0; look < SECOND_LOOKS; look++) {
      await clock.sleep(SECOND_LOOK_MS, { signal });
      if (await this.isThere()) return true;
    }
    return false;
  }
}

function isLoss(error: unknown): error is StackError {
  return (
    error instanceof StackError &&
    !isStackError(error, ...NOT_LOST) &&
    NO_ANSWER.some((start) => error.code.startsWith(start))
  );
}
