import type { Random } from '#base/random.ts';
import type { FaultEffect, FaultScript, FaultTrigger } from '#contract/simulator-control.ts';

const WITH_DID = new Set([0x22, 0x2e, 0x2f, 0x24]);
const WITH_SUB_FUNCTION = new Set([0x10, 0x11, 0x19, 0x27, 0x28, 0x29, 0x2c, 0x31, 0x3e, 0x83, 0x85, 0x86, 0x87]);

/** The faults that are switched on. Each rule counts the requests it matches, from when the script was set. */
export class FaultEngine {
  readonly #random: Random;
  #rules: { readonly on: FaultTrigger; readonly effect: FaultEffect; matches: number }[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  get ruleCount(): number {
    return this.#rules.length;
  }

  set(script: FaultScript): void {
    this.#rules = script.map((rule) => ({ ...rule, matches: 0 }));
  }

  add(script: FaultScript): void {
    for (const rule of script) this.#rules.push({ ...rule, matches: 0 });
  }

  /** Effects on the request that begins with `head` (its first bytes; at least 6 of a longer one). */
  match(ecu: string, head: Uint8Array): readonly FaultEffect[] {
    if (this.#rules.length === 0) return NONE;
    const effects: FaultEffect[] = [];
    for (const rule of this.#rules) {
      if (!matches(rule.on, ecu, head)) continue;
      rule.matches++;
      const { nth, times, chance } = rule.on;
      const first = nth ?? 1;
      const count = times ?? (nth === undefined ? Number.POSITIVE_INFINITY : 1);
      if (rule.matches < first || rule.matches >= first + count) continue;
      if (chance !== undefined && this.#random.next() >= chance) continue;
      effects.push(rule.effect);
    }
    return effects;
  }
}

const NONE: readonly FaultEffect[] = [];

function matches(on: FaultTrigger, ecu: string, head: Uint8Array): boolean {
  const sid = head[0] ?? -1;
  if (on.ecu !== undefined && on.ecu !== ecu) return false;
  if (on.sid !== undefined && on.sid !== sid) return false;
  if (on.sub !== undefined && !(WITH_SUB_FUNCTION.has(sid) && ((head[1] ?? 0) & 0x7f) === on.sub)) return false;
  const did = ((head[1] ?? 0) << 8) | (head[2] ?? 0);
  return on.did === undefined || (WITH_DID.has(sid) && head.length >= 3 && did === on.did);
}

/** The first effect of a kind. */
export function effectOf<K extends FaultEffect['kind']>(
  effects: readonly FaultEffect[],
  kind: K,
): Extract<FaultEffect, { kind: K }> | undefined {
  return effects.find((effect): effect is Extract<FaultEffect, { kind: K }> => effect.kind === kind);
}
