import { fromHex, toHex } from '#base/hex.ts';
import type { FaultEffect, InterruptedMemory } from '#contract/simulator-control.ts';
import type { CarStateChange } from './car-state.ts';
import type { Ecu } from './ecu.ts';
import { effectOf } from './faults.ts';
import type { Outcome, ServerRequest } from './uds/core.ts';

/** The server says 78 a little before P2 ends, and again well inside P2*. */
const P2_SHARE = 0.9;
const P2_STAR_SHARE = 0.7;
const LONGEST_ANSWER_BYTES = 4095;

interface Served {
  readonly request: ServerRequest;
  readonly functional: boolean;
  /** Bit 7 of the sub-function: no positive answer. */
  readonly suppressed: boolean;
  readonly effects: readonly FaultEffect[];
  readonly outcome: Outcome;
}

/** One request that passed the decisions (or was refused), from there to its answer. */
export class Exchange {
  readonly #ecu: Ecu;
  readonly #served: Served;
  readonly #era: number;
  #pendings = 0;

  constructor(ecu: Ecu, served: Served) {
    this.#ecu = ecu;
    this.#served = served;
    this.#era = ecu.era;
  }

  begin(): void {
    const { effects, outcome } = this.#served;
    const { answerMs, answerJitterMs, p2Ms, p2StarMs } = this.#ecu.data;
    const thinkMs = answerMs + answerJitterMs * this.#ecu.around.random();
    const forever = effectOf(effects, 'pending-forever');
    if (forever) {
      this.#pendForever(thinkMs, forever.everyMs);
      return;
    }
    const storm = effectOf(effects, 'pending');
    const late = effectOf(effects, 'late');
    let durationMs = outcome.durationMs ?? thinkMs;
    if (storm) {
      for (let i = 0; i < storm.count; i++) this.#at(thinkMs + i * storm.everyMs, () => this.#sendPending());
      durationMs = thinkMs + storm.count * storm.everyMs;
    } else if (late) {
      const count = late.pendings;
      for (let i = 0; i < count; i++)
        this.#at(p2Ms * P2_SHARE + i * p2StarMs * P2_STAR_SHARE, () => this.#sendPending());
      if (count > 0) durationMs = p2Ms * P2_SHARE + (count - 1) * p2StarMs * P2_STAR_SHARE + 1;
    } else {
      for (let at = p2Ms * P2_SHARE; at < durationMs; at += p2StarMs * P2_STAR_SHARE)
        this.#at(at, () => this.#sendPending());
    }
    this.#at(durationMs, () => this.#finish());
  }

  #pendForever(inMs: number, everyMs: number): void {
    this.#at(inMs, () => {
      this.#sendPending();
      this.#pendForever(everyMs, everyMs);
    });
  }

  #sendPending(): void {
    this.#pendings++;
    this.#ecu.isotp.send(
      Uint8Array.of(0x7f, this.#served.request.sid, 0x78),
      this.#ecu.quirksFor(this.#served.effects),
    );
  }

  /** Runs unless the ECU was reset meanwhile. */
  #at(inMs: number, run: () => void | Promise<void>): void {
    this.#ecu.around.kernel.after(inMs, () => (this.#isVoid() ? undefined : run()));
  }

  #isVoid(): boolean {
    return this.#era !== this.#ecu.era;
  }

  /** Memory first, then RAM, then the answer. */
  async #finish(): Promise<void> {
    const ecu = this.#ecu;
    const { effects, outcome } = this.#served;
    const changes = this.#alteredChanges(outcome.changes ?? []);
    const reset = effectOf(effects, 'reset');
    const cut = effectOf(effects, 'power-cut');
    const interrupted = reset ?? cut;
    if (interrupted) {
      await ecu.store(interruptedChanges(changes, interrupted.memory, (did) => ecu.readDid(did)));
      if (reset) ecu.reset(reset.silentMs);
      else await ecu.around.powerCut(cut?.offMs ?? 0);
      return;
    }
    await ecu.store(this.#heldBack(changes));
    if (this.#isVoid()) return;
    outcome.apply?.();
    ecu.touch();
    ecu.running = undefined;
    if (effectOf(effects, 'unplug')?.at === 'answer') ecu.around.pullAdapter();
    const late = effectOf(effects, 'late');
    if (late) this.#at(late.delayMs, () => this.#answer());
    else this.#answer();
  }

  #answer(): void {
    const ecu = this.#ecu;
    const { functional, suppressed, effects, outcome } = this.#served;
    const style = effectOf(effects, 'reset-style');
    const then = () => {
      if (outcome.resets && !this.#isVoid()) ecu.reset(style?.silentMs ?? ecu.data.resetSilentMs);
    };
    const answer = this.#alteredAnswer(outcome.answer);
    const silent =
      (this.#pendings === 0 && ecu.isSilent(answer, functional, suppressed)) ||
      effectOf(effects, 'no-answer') !== undefined ||
      (outcome.resets === true && style?.answers === false);
    if (silent) {
      then();
      return;
    }
    const quirks = ecu.quirksFor(effects);
    ecu.around.note({ type: 'answer', ecu: ecu.label, atMs: ecu.nowMs, pdu: answer, functional });
    ecu.isotp.send(answer, quirks, () => {
      ecu.touch();
      then();
    });
    const repeat = effectOf(effects, 'repeat-answer');
    if (repeat) this.#at(repeat.delayMs, () => ecu.isotp.send(answer, quirks));
  }

  #alteredChanges(changes: readonly CarStateChange[]): readonly CarStateChange[] {
    const { effects } = this.#served;
    const masked = effectOf(effects, 'store-masked');
    const partly = effectOf(effects, 'store-partly');
    if (!masked && !partly) return changes;
    return mapDids(changes, (value, did) => {
      if (masked && masked.offset < value.length)
        value[masked.offset] = ((value[masked.offset] ?? 0) & masked.and) | masked.or;
      if (partly) keepLastDifference(value, this.#ecu.readDid(did) ?? new Uint8Array());
      return value;
    });
  }

  /** Fault `hold-until-reset`: the values stay in RAM, nothing is stored. */
  #heldBack(changes: readonly CarStateChange[]): readonly CarStateChange[] {
    const hold = effectOf(this.#served.effects, 'hold-until-reset');
    if (!hold) return changes;
    for (const change of changes)
      if (change.kind === 'dids')
        for (const [did, value] of Object.entries(change.values))
          this.#ecu.ram.held.set(did, { value, survives: hold.survives });
    return changes.filter((change) => change.kind !== 'dids');
  }

  #alteredAnswer(honest: Uint8Array): Uint8Array {
    const { effects } = this.#served;
    const replaced = effectOf(effects, 'answer');
    if (replaced) return fromHex(replaced.pdu);
    if (honest[0] === 0x7f) return honest;
    let answer = honest.slice();
    const echo = effectOf(effects, 'wrong-echo');
    if (echo && answer.length >= 3) {
      answer[1] = echo.did >> 8;
      answer[2] = echo.did & 0xff;
    }
    const unstable = effectOf(effects, 'unstable-byte');
    if (unstable && answer[0] === 0x62 && 3 + unstable.offset < answer.length)
      answer[3 + unstable.offset] = this.#ecu.countRead() & 0xff;
    const length = effectOf(effects, 'answer-length');
    if (length) {
      const sized = new Uint8Array(Math.max(1, Math.min(LONGEST_ANSWER_BYTES, answer.length + length.byBytes)));
      sized.set(answer.subarray(0, sized.length));
      answer = sized;
    }
    return answer;
  }
}

function mapDids(
  changes: readonly CarStateChange[],
  map: (value: Uint8Array, did: string) => Uint8Array,
): readonly CarStateChange[] {
  return changes.map((change) => {
    if (change.kind !== 'dids') return change;
    const values: Record<string, string> = {};
    for (const [did, value] of Object.entries(change.values)) values[did] = toHex(map(fromHex(value), did));
    return { ...change, values };
  });
}

function keepLastDifference(value: Uint8Array, old: Uint8Array): void {
  for (let i = value.length - 1; i >= 0; i--) {
    const before = old[i];
    if (before === undefined || before === value[i]) continue;
    value[i] = before;
    return;
  }
}

/** What an interruption leaves behind. `half`: the first half of each value is new, rounded up. */
function interruptedChanges(
  changes: readonly CarStateChange[],
  memory: InterruptedMemory,
  current: (did: string) => Uint8Array | undefined,
): readonly CarStateChange[] {
  if (memory === 'old') return [];
  if (memory === 'new') return changes;
  return mapDids(changes, (value, did) => {
    const old = current(did) ?? value;
    return value.map((byte, i) => (i < Math.ceil(value.length / 2) ? byte : (old[i] ?? byte)));
  });
}
