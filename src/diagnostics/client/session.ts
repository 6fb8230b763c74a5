import type { DiagTiming, SessionState } from '#contract/diagnostics.ts';
import type { Effect } from '#contract/permit.ts';

export const DEFAULT_SESSION = 0x01;

/** The ECU leaves a non-default session after this silence (S3server, reference: diagnostics A.2), less a margin. */
export const S3_SERVER_MS = 4800;

/** These do not build on what was done in the session before: no prelude, no unlock. */
const NEEDS_NO_SESSION_WORK: ReadonlySet<Effect> = new Set(['reset', 'clear']);

/** What we know of the ECU's session, and the one that was opened on purpose: what a lost session goes back to. */
export class SessionTracker {
  readonly #timing: DiagTiming;
  #state: SessionState;
  #wanted = DEFAULT_SESSION;
  /**
   * Requests with an effect leave traces that end with the session (unlocked level, VW's F199/F198 prelude). When the client
   * re-entered a session by itself in order to read, those are lost and the caller must learn it before its next effect.
   */
  #work: 'none' | 'done' | 'lost' = 'none';

  constructor(timing: DiagTiming) {
    this.#timing = timing;
    this.#state = defaultState(timing);
  }

  get state(): SessionState {
    return this.#state;
  }

  get wanted(): number {
    return this.#wanted;
  }

  /** The wanted session is not the one that the ECU is in, by what we know and by our own silence (U10). */
  isGone(idleMs: number): boolean {
    if (this.#wanted === DEFAULT_SESSION) return false;
    return this.#state.session !== this.#wanted || idleMs > S3_SERVER_MS;
  }

  /** The session is the wanted one, but what was done in it before is gone. */
  lacksWorkFor(effect: Effect): boolean {
    return this.#work === 'lost' && !NEEDS_NO_SESSION_WORK.has(effect);
  }

  lost(): void {
    this.#state = defaultState(this.#timing);
  }

  /** After a reset, also one that may have happened: default session, and nobody wants the old one back. */
  forget(): void {
    this.lost();
    this.#wanted = DEFAULT_SESSION;
    this.#work = 'none';
  }

  /** What a positive answer says about session and lock (reference: diagnostics A.3). True: a session was opened. */
  track(request: Uint8Array, answer: Uint8Array, by: 'caller' | 'client'): boolean {
    const sub = (request[1] ?? 0) & 0x7f;
    switch (request[0]) {
      case 0x10:
        this.#opened(sub, answer, by);
        return true;
      case 0x11:
        this.forget();
        return false;
      case 0x27:
        if (sub % 2 === 0) this.#state = { ...this.#state, unlockedLevel: sub - 1 };
        return false;
      default:
        return false;
    }
  }

  /** A request with an effect was accepted in this session. */
  effectDone(): void {
    if (this.#wanted !== DEFAULT_SESSION && this.#work === 'none') this.#work = 'done';
  }

  #opened(session: number, answer: Uint8Array, by: 'caller' | 'client'): void {
    const { p2FloorMs, p2StarFloorMs } = this.#timing;
    const told = answer.length >= 6;
    const p2Ms = told ? ((answer[2] ?? 0) << 8) | (answer[3] ?? 0) : 0;
    const p2StarMs = told ? (((answer[4] ?? 0) << 8) | (answer[5] ?? 0)) * 10 : 0;
    // The record is a lower bound: some ECUs promise less than they need, none of ours is cut short for it.
    this.#state = {
      session,
      p2Ms: Math.max(p2Ms, p2FloorMs),
      p2StarMs: Math.max(p2StarMs, p2StarFloorMs),
      unlockedLevel: null,
    };
    this.#wanted = session;
    if (by === 'caller') this.#work = 'none';
    else if (this.#work === 'done') this.#work = 'lost';
  }
}

function defaultState({ p2FloorMs, p2StarFloorMs }: DiagTiming): SessionState {
  return { session: DEFAULT_SESSION, p2Ms: p2FloorMs, p2StarMs: p2StarFloorMs, unlockedLevel: null };
}
