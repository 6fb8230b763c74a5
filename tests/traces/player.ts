import { readFileSync } from 'node:fs';
import { toHexSpaced } from '#base/hex.ts';
import type { CanFrame, CanLink, RxCanFrame, SendReceipt } from '#contract/adapter.ts';
import { DEFAULT_DIAG_TIMING, type DiagClient } from '#contract/diagnostics.ts';
import { type ChannelEvent, DEFAULT_ISOTP_OPTIONS, type DiagChannel, type IsoTpAddress } from '#contract/isotp.ts';
import type { PermitVerifier } from '#contract/permit.ts';
import { formatTraceLine, parseTrace, type TraceLine } from '#contract/trace.ts';
import { openDiagClient } from '#diagnostics/index.ts';
import { openIsoTpChannel } from '#link/isotp/index.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

type Wire = Exclude<TraceLine, { kind: 'comment' }>;

/**
 * The ECU's side of a recorded conversation: when the client has sent what the trace says next, the answers follow at their
 * recorded distances. Whatever the client sends is written down; a conversation that differs shows in the comparison.
 */
class Tape {
  readonly actual: string[] = [];
  readonly expected: string[];
  readonly #clock: VirtualClock;
  readonly #lines: readonly Wire[];
  #at = 0;

  constructor(clock: VirtualClock, lines: readonly TraceLine[]) {
    this.#clock = clock;
    this.#lines = lines.filter((line) => line.kind !== 'comment');
    this.expected = this.#lines.map(formatTraceLine);
  }

  get first(): Wire | undefined {
    return this.#lines[0];
  }

  /** Notes what was sent; `answer` gets each answer at its time, if this is what the trace says. */
  sent(line: Wire, answer: (line: Wire) => void): void {
    this.actual.push(formatTraceLine(line));
    const due = this.#lines[this.#at];
    if (due?.direction !== 'tx' || bytesOf(due) !== bytesOf(line)) return; // nothing more is answered
    this.#at++;
    for (let next = this.#lines[this.#at]; next?.direction === 'rx'; next = this.#lines[++this.#at]) {
      const said = next;
      void this.#clock.sleep(said.atMs - due.atMs).then(() => {
        this.actual.push(formatTraceLine({ ...said, atMs: this.#clock.now() }));
        answer(said);
      });
    }
  }
}

function bytesOf(line: Wire): string {
  return toHexSpaced(line.kind === 'frame' ? line.data : line.pdu);
}

/** Whole messages: the client's own lines. */
function messageChannel(tape: Tape, clock: VirtualClock, moduleId: string): DiagChannel {
  const listeners = new Set<(event: ChannelEvent) => void>();
  return {
    moduleId,
    functional: false,
    latencyMs: 0,
    closed: new Promise(() => undefined),
    async sendPdu(pdu) {
      tape.sent({ kind: 'pdu', atMs: clock.now(), direction: 'tx', moduleId, pdu }, (line) => {
        if (line.kind !== 'pdu') return;
        const event = { type: 'message', source: moduleId, pdu: line.pdu, atMs: clock.now() } as const;
        for (const listener of listeners) listener(event);
      });
    },
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => undefined,
  };
}

/** Frames: the real ISO-TP channel on a link without wire time; short frames as short as their data. */
function frameChannel(tape: Tape, clock: VirtualClock, address: IsoTpAddress): DiagChannel {
  const listeners = new Set<(frame: RxCanFrame) => void>();
  const link: CanLink = {
    config: { bitRate: 500_000 },
    closed: new Promise(() => undefined),
    counters: { received: 0, sent: 0, busErrors: 0, dropped: 0 },
    async send(frames: readonly CanFrame[]): Promise<SendReceipt> {
      const atMs = clock.now();
      for (const { id, extended, data } of frames)
        tape.sent({ kind: 'frame', atMs, direction: 'tx', id, extended, data: data.slice() }, (line) => {
          if (line.kind !== 'frame') return;
          const frame = { id: line.id, extended: line.extended, data: line.data, atMs: clock.now() };
          for (const listener of listeners) listener(frame);
        });
      return { acceptedAtMs: atMs, onWireByMs: atMs };
    },
    onFrame(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onBusError: () => () => undefined,
    close: async () => undefined,
  };
  return openIsoTpChannel(link, address, { ...DEFAULT_ISOTP_OPTIONS, padding: null }, clock);
}

export interface Played {
  /** Lines of the file without comments, as the formatter writes them. */
  readonly expected: readonly string[];
  readonly actual: readonly string[];
}

/**
 * Plays `<name>.trace` of this folder against the client while `work` uses it. Address of a frame trace: the first request's
 * id, and `responseId`.
 */
export async function play(
  name: string,
  verifier: PermitVerifier,
  work: (client: DiagClient) => Promise<void>,
  responseId = 0,
): Promise<Played> {
  const clock = new VirtualClock();
  const tape = new Tape(clock, parseTrace(readFileSync(new URL(`${name}.trace`, import.meta.url), 'utf8'), name));
  const { first } = tape;
  if (!first) throw new Error(`${name}.trace is empty`);
  const channel =
    first.kind === 'pdu'
      ? messageChannel(tape, clock, first.moduleId)
      : frameChannel(tape, clock, { format: 'normal', requestId: first.id, responseId, extendedId: first.extended });
  const client = openDiagClient({ channel, clock, timing: DEFAULT_DIAG_TIMING, verifier });
  await clock.run(work(client));
  return { expected: tape.expected, actual: tape.actual };
}
