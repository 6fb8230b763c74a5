import { hasStatus } from '#adapters/drivers/interpreter/lines.ts';
import type { Ask } from '#adapters/drivers/interpreter/console.ts';
import type { CanConfig } from '#contract/adapter.ts';
import { StackError } from '#contract/errors.ts';
import {
  type Addressing,
  addressingCommands,
  flowControlPair,
  type IdBlock,
  LISTEN_MS,
  passFilter,
  sameAddressing,
  setupCommands,
} from './commands.ts';

/** What one channel needs of the device. */
export interface ChannelNeeds {
  readonly extendedId: boolean;
  readonly addressing: Addressing;
  /** Ids it listens to. */
  readonly filters: readonly IdBlock[];
  /**
   * Whose first frames are answered with a flow control, and on which id. `automatic`: the device's own rule (29 bit: the last
   * two bytes swapped; 11 bit: the answer's id − 8), which the first pair of anybody switches off.
   */
  readonly pairs: readonly FlowControlPair[] | 'automatic';
}

export interface FlowControlPair {
  readonly requestId: number;
  readonly responseId: number;
}

interface InForce {
  readonly extendedId: boolean;
  addressing: Addressing;
  readonly filters: Set<string>;
  readonly pairs: Set<string>;
}

/**
 * What the device is set to, and the commands from there to what a message needs. Nothing here reaches the bus. After a
 * restart of the device everything is set anew; `revive` makes sure first that it is still the same one.
 */
export class DeviceSettings {
  readonly #config: CanConfig;
  readonly #revive: (ask: Ask) => Promise<void>;
  #inForce: InForce | null = null;
  #suspect = false;
  #listenMs = LISTEN_MS[0] ?? 0;

  constructor(config: CanConfig, revive: (ask: Ask) => Promise<void>) {
    this.#config = config;
    this.#revive = revive;
  }

  /** How long the device listens after the last message, ms. */
  get listenMs(): number {
    return this.#listenMs;
  }

  /** The device restarted, or nobody knows what it holds. */
  forget(): void {
    this.#inForce = null;
    this.#suspect = true;
  }

  /**
   * Makes the device ready for a message of a channel, so that answers to the `others` are heard as well.
   * @throws StackError `adapter/unsupported`, `adapter/identity-changed`, and what `ask` throws
   */
  async prepare(ask: Ask, needs: ChannelNeeds, others: readonly ChannelNeeds[] = []): Promise<void> {
    if (this.#suspect) {
      await this.#revive(ask);
      this.#suspect = false;
    }
    if (this.#inForce?.extendedId !== needs.extendedId) await this.#setUp(ask, needs.extendedId);
    const inForce = this.#inForce;
    if (inForce === null) return;
    if (!sameAddressing(inForce.addressing, needs.addressing)) await this.#readdress(ask, inForce, needs.addressing);
    const alike = others.filter(
      (other) => other.extendedId === needs.extendedId && sameAddressing(other.addressing, needs.addressing),
    );
    const filters = [needs, ...alike].map(filtersOf);
    await this.#complete(ask, inForce.filters, 'STFAC', filters[0] ?? [], filters.flat());
    if (needs.pairs === 'automatic') {
      if (inForce.pairs.size > 0) await command(ask, 'STCFCPC', false);
      inForce.pairs.clear();
    } else {
      const pairs = [needs, ...alike].map(pairsOf);
      await this.#complete(ask, inForce.pairs, 'STCFCPC', pairs[0] ?? [], pairs.flat());
    }
  }

  async #setUp(ask: Ask, extendedId: boolean): Promise<void> {
    this.#inForce = null;
    for (const { text, optional } of setupCommands(this.#config, extendedId)) await command(ask, text, optional);
    this.#listenMs = await longestListening(ask);
    this.#inForce = { extendedId, addressing: { kind: 'normal' }, filters: new Set(), pairs: new Set() };
  }

  async #readdress(ask: Ask, inForce: InForce, addressing: Addressing): Promise<void> {
    this.#inForce = null; // half done is not done
    for (const text of addressingCommands(addressing)) await command(ask, text, false);
    await command(ask, 'STCFCPC', false);
    inForce.pairs.clear();
    inForce.addressing = addressing;
    this.#inForce = inForce;
  }

  /**
   * Adds what is missing. A device whose table is full starts over with what this message needs; the others come back when
   * it is their turn.
   */
  async #complete(
    ask: Ask,
    inForce: Set<string>,
    clear: string,
    own: readonly string[],
    all: readonly string[],
  ): Promise<void> {
    for (const text of all) {
      if (inForce.has(text)) continue;
      if (await accepts(ask, text)) {
        inForce.add(text);
        continue;
      }
      if (inForce.size === 0) throw unsupported(text);
      inForce.clear();
      await command(ask, clear, false);
      for (const again of own) {
        await command(ask, again, false);
        inForce.add(again);
      }
      return;
    }
  }
}

const filtersOf = ({ filters, extendedId }: ChannelNeeds): readonly string[] =>
  filters.map((block) => passFilter(block, extendedId));
const pairsOf = ({ pairs, extendedId, addressing }: ChannelNeeds): readonly string[] =>
  pairs === 'automatic' ? [] : pairs.map((pair) => flowControlPair(pair, extendedId, addressing));

/** @throws StackError `adapter/unsupported` */
async function longestListening(ask: Ask): Promise<number> {
  for (const ms of LISTEN_MS) if (await accepts(ask, `STPTO${ms}`)) return ms;
  throw unsupported('STPTO');
}

/** Did the device take the command? @throws what `ask` throws */
export async function accepts(ask: Ask, text: string): Promise<boolean> {
  const { lines } = await ask(text);
  return hasStatus(lines, 'ok') && !hasStatus(lines, 'unknown-command');
}

async function command(ask: Ask, text: string, optional: boolean): Promise<void> {
  if (!(await accepts(ask, text)) && !optional) throw unsupported(text);
}

function unsupported(text: string): StackError {
  return new StackError('adapter/unsupported', `the adapter does not know ${text}`, { ability: text });
}
