import { fromHex, toHexSpaced } from '#base/hex.ts';
import { abortError, StackError } from '#contract/errors.ts';
import type { ChannelEvent, DiagChannel } from '#contract/isotp.ts';
import type { WritePermit } from '#contract/permit.ts';
import type { CloseReason } from '#contract/transport.ts';
import { PermitOffice } from '#procedures/permits.ts';
import type { VirtualClock } from '../../support/virtual-clock.ts';

export const MODULE = '70E-778';

/** What one sending of a request brings: `62 06 00 09` comes after 10 ms, `@3000 6E 06 00` after 3000 ms; none = silence. */
export type Reaction = readonly string[];

/** Scripted ECU on one channel: knows no protocol, says what it was told to say, and notes what it was asked. */
export class FakeChannel implements DiagChannel {
  readonly moduleId = MODULE;
  readonly functional = false;
  readonly latencyMs = 0;
  readonly closed: Promise<CloseReason>;
  readonly clock: VirtualClock;
  /** Everything handed to the channel: `@120 2E 06 00 09`. */
  readonly sent: string[] = [];
  /** First and last moment of each sending. */
  readonly sendings: { readonly pdu: string; readonly fromMs: number; toMs: number }[] = [];
  /** A message of more than 7 bytes needs this long. */
  segmentedMs = 0;
  /** The next sendings fail with these; null = works. */
  readonly failures: (StackError | null)[] = [];
  readonly #listeners = new Set<(event: ChannelEvent) => void>();
  readonly #script = new Map<string, { queue: Reaction[]; always: Reaction | null }>();
  #settle: (reason: CloseReason) => void = () => undefined;
  #ended: CloseReason | null = null;

  constructor(clock: VirtualClock) {
    this.clock = clock;
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** One reaction per sending of this request, in order. */
  on(request: string, ...reactions: (Reaction | string)[]): this {
    this.#entry(request).queue.push(...reactions.map((each) => (typeof each === 'string' ? [each] : each)));
    return this;
  }

  /** The reaction to every further sending. */
  always(request: string, ...reaction: string[]): this {
    this.#entry(request).always = reaction;
    return this;
  }

  /** Bytes of what was sent, without times. */
  get requests(): string[] {
    return this.sent.map((line) => line.replace(/^@\d+ /, ''));
  }

  count(request: string): number {
    return this.requests.filter((each) => each === request).length;
  }

  async sendPdu(pdu: Uint8Array, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const hex = toHexSpaced(pdu);
    this.sent.push(`@${Math.round(this.clock.now())} ${hex}`);
    if (this.#ended?.kind === 'closed') throw new StackError('can/closed', 'closed', {});
    if (this.#ended) throw new StackError('transport/lost', 'lost', { reason: this.#ended.detail });
    const sending = { pdu: hex, fromMs: this.clock.now(), toMs: this.clock.now() };
    this.sendings.push(sending);
    const failure = this.failures.shift() ?? null;
    if (pdu.length > 7 && this.segmentedMs > 0) {
      try {
        await this.clock.sleep(this.segmentedMs, options);
      } catch (error) {
        throw options.signal?.aborted ? abortError(options.signal, 'sending') : error;
      }
    }
    sending.toMs = this.clock.now();
    if (failure && failure.code !== 'isotp/refused-while-sending') throw failure;
    const entry = this.#script.get(hex);
    for (const line of entry?.queue.shift() ?? entry?.always ?? []) void this.say(line);
    if (failure) throw failure;
  }

  /** The ECU speaks, asked or not: `@5 7F 22 21`. */
  async say(line: string): Promise<void> {
    const [, delay = '10', hex = ''] = /^(?:@(\d+) )?(.*)$/.exec(line) ?? [];
    await this.clock.sleep(Number(delay));
    this.emit({ type: 'message', source: this.moduleId, pdu: fromHex(hex), atMs: this.clock.now() });
  }

  emit(event: ChannelEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  onEvent(listener: (event: ChannelEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.lose({ kind: 'closed' });
  }

  lose(reason: CloseReason = { kind: 'lost', detail: 'unplugged' }): void {
    this.#ended = reason;
    this.#settle(reason);
  }

  #entry(request: string): { queue: Reaction[]; always: Reaction | null } {
    const entry = this.#script.get(request) ?? { queue: [], always: null };
    this.#script.set(request, entry);
    return entry;
  }
}

/** The real office of the write gate, with permits for single requests. */
export class TestOffice {
  readonly office = new PermitOffice();
  /** NRCs after which a repeat was noted. */
  readonly repeats: number[] = [];

  /** One permit for these requests in this order; a trailing `..` leaves the rest of the bytes open. */
  permit(...requests: string[]): WritePermit {
    return this.permitFor(MODULE, ...requests);
  }

  permitFor(moduleId: string, ...requests: string[]): WritePermit {
    return this.office.mint({
      stepId: 'step-1',
      moduleId,
      requests: requests.map((text) => ({
        pdu: fromHex(text.replace('..', '').trim()),
        ...(text.endsWith('..') ? { anyTail: true } : {}),
      })),
      noteRepeat: async (nrc) => {
        this.repeats.push(nrc);
      },
    });
  }
}
