import type { Ask } from '#adapters/drivers/interpreter/console.ts';
import { hasStatus } from '#adapters/drivers/interpreter/lines.ts';
import { hexNumber } from '#base/hex.ts';
import type { CanConfig } from '#contract/adapter.ts';
import { StackError } from '#contract/errors.ts';
import type { Target } from './addressing.ts';
import type { ElmAbilities } from './qualify.ts';
import { type IdFilter, idText, isExact } from './wire.ts';

/** How long the chip listens for an answer (ST, CTM): its command, and what it comes to. */
export interface Patience {
  readonly commands: readonly string[];
  readonly ms: number;
}

const ST_UNIT_MS = 4.096;
/** FF is the longest; 00 would be the default of 205 ms (reference: adapters A.3). */
const LONGEST_ST = 0xff;
/** Where nothing ends the wait early: above what an ECU takes to answer, below N_Bs of an ECU that waits for us. */
const SHORT_ST = 0x4b;
const DEFAULT_ST_MS = 205;

/**
 * A long wait is best: the chip then hears NRC 78 chains and late flow controls itself, and a wait that nobody needs any
 * more is interrupted. Where interrupts do not work each answer costs the whole of it.
 */
export function patienceOf(abilities: ElmAbilities, canInterrupt: boolean): Patience {
  if (!abilities.responseTimeout) return { commands: [], ms: DEFAULT_ST_MS };
  const st = canInterrupt ? LONGEST_ST : SHORT_ST;
  const times = canInterrupt && abilities.timerMultiplier ? 5 : 1;
  return {
    commands: [`ATST${hexNumber(st, 2)}`, ...(abilities.timerMultiplier ? [`ATCTM${times}`] : [])],
    ms: st * ST_UNIT_MS * times,
  };
}

/** Commands that choose the bus (reference: adapters A.2, A.3): number of the preset, or protocol B defined for the rate. */
export interface ProtocolChoice {
  readonly define: readonly string[];
  readonly number: string;
}

/**
 * `ATTP` leaves the EEPROM alone, `ATSP` writes it. Protocol B in options byte: C0 = 11-bit ids, variable length, no
 * formatting; 40 = the same with 29-bit ids; C1, 41 = formatted as ISO 15765. The second byte divides 500 kbit/s.
 * @throws StackError `adapter/unsupported` for a rate that the chip cannot make
 */
export function protocolFor(config: CanConfig, extended: boolean, rawFrames: boolean): ProtocolChoice {
  const { bitRate } = config;
  if (bitRate === 500_000) return { define: [], number: extended ? '7' : '6' };
  if (bitRate === 250_000) return { define: [], number: extended ? '9' : '8' };
  const divisor = Math.round(500_000 / bitRate);
  const exactEnough = Math.abs(500_000 / divisor - bitRate) < bitRate * 0.001;
  if (bitRate > 500_000 || !exactEnough)
    throw new StackError('adapter/unsupported', `an ELM327 cannot make ${bitRate} bit/s`, {
      ability: `CAN at ${bitRate} bit/s`,
    });
  const options = (extended ? 0x40 : 0xc0) | (rawFrames ? 0 : 1);
  return { define: [`ATPB${hexNumber(options, 2)}${hexNumber(divisor, 2)}`], number: 'B' };
}

/** The chip answers first frames itself, with the channel's id and this STmin; BS is 0, it answers nothing but first frames. */
export interface ChipFlowControl {
  readonly stMin: number;
}

/** What the chip was told, so that only what changes is sent. Forgotten when it restarted or a command failed. */
export class ElmSettings {
  readonly #known = new Map<string, string>();
  readonly #abilities: ElmAbilities;
  readonly #config: CanConfig;

  constructor(abilities: ElmAbilities, config: CanConfig) {
    this.#abilities = abilities;
    this.#config = config;
  }

  forget(): void {
    this.#known.clear();
  }

  /** From unknown to known: defaults, then ours. @throws StackError `adapter/refused`, `adapter/*` */
  async initialise(ask: Ask, patience: Patience): Promise<void> {
    this.forget();
    await this.#tell(ask, 'ATD', false);
    await this.#tell(ask, 'ATE0', false);
    await this.protocol(ask, false, patience);
  }

  /**
   * Another protocol loses CAF, S, AL and more on several clones: all of it is said again (reference: adapters A.2).
   * @throws StackError `adapter/refused`, `adapter/unsupported`
   */
  async protocol(ask: Ask, extended: boolean, patience: Patience): Promise<void> {
    const choice = protocolFor(this.#config, extended, this.#abilities.rawFrames);
    const name = `${choice.define.join()}${choice.number}`;
    if (this.#known.get('protocol') === name) return;
    this.forget();
    for (const command of choice.define) await this.#tell(ask, command, true);
    const tried = this.#abilities.tryProtocol && (await this.#tell(ask, `ATTP${choice.number}`, false));
    if (!tried) await this.#tell(ask, `ATSP${choice.number}`, true);
    const { headers, rawFrames, longMessages, adaptiveTimingOff } = this.#abilities;
    await this.#tell(ask, 'ATE0', false);
    await this.#tell(ask, 'ATL0', false);
    await this.#tell(ask, 'ATS0', false);
    await this.#tell(ask, headers ? 'ATH1' : 'ATH0', headers);
    if (rawFrames) await this.#tell(ask, 'ATCAF0', true);
    if (longMessages) await this.#tell(ask, 'ATAL', true);
    if (adaptiveTimingOff) await this.#tell(ask, 'ATAT0', true);
    for (const command of patience.commands) await this.#tell(ask, command, true);
    if (patience.commands[0]) this.#known.set('timeout', patience.commands[0]);
    this.#known.set('protocol', name);
  }

  /** Header, filter, flow control and length of frames for a channel's turn. @throws StackError `adapter/refused` */
  async channel(
    ask: Ask,
    target: Target,
    filter: IdFilter,
    patience: Patience,
    chipFlow: ChipFlowControl | null,
  ): Promise<void> {
    await this.protocol(ask, target.extended, patience);
    await this.#flowControl(ask, target, chipFlow);
    await this.filter(ask, filter);
    if (this.#abilities.variableDlc) await this.#set(ask, 'dlc', target.variableDlc ? 'ATV1' : 'ATV0');
    await this.header(ask, target);
    await this.responses(ask, true);
    await this.timeout(ask, patience.commands[0]);
  }

  /** The id of what we send. 29-bit ids go in two parts (reference: adapters A.10). */
  async header(ask: Ask, { requestId, extended }: Pick<Target, 'requestId' | 'extended'>): Promise<void> {
    const text = idText(requestId, extended);
    if (extended) await this.#set(ask, 'priority', `ATCP${text.slice(0, 2)}`);
    await this.#set(ask, 'header', `ATSH${extended ? text.slice(2) : text}`);
  }

  async responses(ask: Ask, on: boolean): Promise<void> {
    if (this.#abilities.responsesOff) await this.#set(ask, 'responses', on ? 'ATR1' : 'ATR0');
  }

  async timeout(ask: Ask, command: string | undefined): Promise<void> {
    if (command !== undefined) await this.#set(ask, 'timeout', command);
  }

  /** Acknowledge while monitoring, or stay silent. */
  async acknowledgeMonitored(ask: Ask, on: boolean): Promise<void> {
    if (this.#abilities.silentMonitor) await this.#set(ask, 'silence', on ? 'ATCSM0' : 'ATCSM1');
  }

  async #flowControl(ask: Ask, target: Target, chipFlow: ChipFlowControl | null): Promise<void> {
    if (chipFlow === null) {
      if (this.#abilities.hostFlowControl) await this.#set(ask, 'flow', 'ATCFC0');
      return;
    }
    await this.#set(ask, 'flow-header', `ATFCSH${idText(target.requestId, target.extended)}`);
    await this.#set(ask, 'flow-data', `ATFCSD3000${hexNumber(chipFlow.stMin, 2)}`);
    await this.#set(ask, 'flow-mode', 'ATFCSM1'); // refused before the two above
    await this.#set(ask, 'flow', 'ATCFC1');
  }

  /** Which ids are shown. @throws StackError `adapter/refused` */
  async filter(ask: Ask, filter: IdFilter): Promise<void> {
    const id = idText(filter.id, filter.extended);
    const mask = idText(filter.mask, filter.extended);
    if (isExact(filter) && this.#abilities.receiveAddress) {
      await this.#set(ask, 'filter', `ATCRA${id}`);
      return;
    }
    const name = `ATCF${id} ATCM${mask}`;
    if (this.#known.get('filter') === name) return;
    // some chips keep the receive address beside filter and mask
    if (this.#known.get('filter')?.startsWith('ATCRA')) await this.#tell(ask, 'ATCRA', false);
    this.#known.delete('filter');
    await this.#tell(ask, `ATCF${id}`, true);
    await this.#tell(ask, `ATCM${mask}`, true);
    this.#known.set('filter', name);
  }

  async #set(ask: Ask, name: string, command: string): Promise<void> {
    if (this.#known.get(name) === command) return;
    this.#known.delete(name);
    await this.#tell(ask, command, true);
    this.#known.set(name, command);
  }

  async #tell(ask: Ask, command: string, required: boolean): Promise<boolean> {
    const { lines } = await ask(command);
    if (hasStatus(lines, 'ok')) return true;
    if (required)
      throw new StackError('adapter/refused', `the adapter answered ${command} with ${shown(lines)}`, { command });
    return false;
  }
}

function shown(lines: readonly string[]): string {
  return lines.length === 0 ? 'nothing' : lines.join(' ').slice(0, 40);
}
