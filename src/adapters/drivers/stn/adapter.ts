import type { Ask, InterpreterConsole } from '#adapters/drivers/interpreter/console.ts';
import type { Adapter, AdapterInfo, CanConfig, IsoTpBus } from '#contract/adapter.ts';
import { bounded, type CallOptions } from '#contract/call.ts';
import { isStackError, StackError } from '#contract/errors.ts';
import type { SerialTransport } from '#contract/transport.ts';
import { StnBus } from './bus.ts';
import { hasSerialLine, printable, type StnIdentity, verdictOf } from './identity.ts';
import type { LineRate } from './line-rate.ts';

/** With the rate of the line changed forth and back. */
const OPEN_LIMIT_MS = 10_000;
const SUPPLY_LIMIT_MS = 5000;
const ROUND_TRIPS = 20;
const ROUND_TRIPS_LIMIT_MS = 1000;
/** Until it is measured; and what a device that never was costs. */
const ASSUMED_LATENCY_MS = 20;
/** The only error the class states: 2 % (reference: adapters A.3), of 15 V. STVR has finer steps, not a better reference. */
const SUPPLY_ERROR_VOLTS = 0.3;
/** No car and no bench is beyond: another text than a voltage. */
const HIGHEST_VOLTS = 40;
const BITS_PER_CHARACTER = 10;

export interface StnAdapterParts {
  readonly console: InterpreterConsole;
  readonly identity: StnIdentity;
  readonly isWireless: boolean;
  readonly knowsAddressing: boolean;
  /** Null where the rate of the line is nothing to us. */
  readonly rate: LineRate | null;
  /** Faster ones to try before the first bus is opened; not while adapters are looked for, where time is short. */
  readonly lineRates: readonly number[];
}

/** An opened device of the family; see `createStnDriver`. */
export class StnAdapter implements Adapter {
  readonly isoTp: NonNullable<Adapter['isoTp']>;
  readonly supply: NonNullable<Adapter['supply']>;
  readonly roundTrips: NonNullable<Adapter['roundTrips']>;
  readonly closed: Adapter['closed'];
  readonly #parts: StnAdapterParts;
  readonly #console: InterpreterConsole;
  #roundTripMs: AdapterInfo['roundTripMs'] = null;
  #bus: StnBus | null = null;
  #isOpening = false;
  #raising: Promise<void> | null = null;

  constructor(parts: StnAdapterParts) {
    this.#parts = parts;
    this.#console = parts.console;
    this.closed = parts.console.closed;
    this.isoTp = { open: (config, call) => this.#open(config, call) };
    this.supply = { readVolts: (call) => this.#readVolts(call), errorVolts: SUPPLY_ERROR_VOLTS };
    this.roundTrips = (count, call) => this.#measureTrips(count, Number.POSITIVE_INFINITY, call);
  }

  get info(): AdapterInfo {
    const { identity, isWireless } = this.#parts;
    const { longestSendBytes, longestReceiveBytes } = identity.limits;
    return {
      driver: 'stn',
      product: identity.product,
      firmware: identity.firmware,
      serialNumber: identity.serialNumber,
      // A serial of twelve digits is the maker's; of a vLinker nothing tells a copy from the original.
      genuine: identity.family !== 'vlinker' && identity.serialNumber !== null ? 'genuine' : 'unknown',
      chip: identity.chip,
      findings: [],
      longestSendBytes,
      longestReceiveBytes,
      listenOnly: false, // it can (STCMM), but not while it talks ISO-TP
      wireless: isWireless,
      baudRate: this.#serial?.line.baudRate ?? null,
      acknowledges: true,
      transmitQueueFrames: 1, // one message at a time; its frames are its own affair
      roundTripMs: this.#roundTripMs,
      verdict: verdictOf(identity, isWireless),
    };
  }

  /** At connect: how far away the device is. */
  async measure(signal: AbortSignal): Promise<void> {
    const tripsMs = [...(await this.#measureTrips(ROUND_TRIPS, ROUND_TRIPS_LIMIT_MS, { signal }))].sort(
      (a, b) => a - b,
    );
    const at = (share: number) => tripsMs[Math.min(tripsMs.length - 1, Math.floor(tripsMs.length * share))] ?? 0;
    this.#roundTripMs = { median: at(0.5), p99: at(0.99) };
  }

  async close(): Promise<void> {
    await this.#bus?.close();
    await this.#parts.rate?.restore();
    await this.#console.transport.close();
  }

  async #open(config: CanConfig, call: CallOptions = {}): Promise<IsoTpBus> {
    if (this.#bus || this.#isOpening)
      throw new StackError('adapter/in-use', 'its bus is open already', { by: 'this-tab' });
    if (config.listenOnly === true)
      throw new StackError('adapter/unsupported', 'no listen-only', { ability: 'listen-only' });
    const { identity, knowsAddressing } = this.#parts;
    this.#isOpening = true;
    try {
      const { timeoutMs = OPEN_LIMIT_MS, signal } = call;
      const bus = new StnBus({
        console: this.#console,
        config,
        limits: identity.limits,
        latencyMs: Math.ceil(this.#roundTripMs?.p99 ?? ASSUMED_LATENCY_MS),
        knowsAddressing,
        lineMs: (characters) => this.#lineMs(characters),
        revive: (ask) => this.#revive(ask),
        onClosed: () => {
          this.#bus = null;
        },
      });
      await bounded(this.#console.clock, 'open the bus', timeoutMs, signal, async (ended) => {
        this.#raising ??= this.#parts.rate?.raise(this.#parts.lineRates) ?? Promise.resolve();
        await this.#raising;
        await bus.configure(ended);
      }).catch((error: unknown) => {
        bus.discard();
        throw error;
      });
      this.#bus = bus;
      return bus;
    } finally {
      this.#isOpening = false;
    }
  }

  /** Still the same device? After a restart it is at its own line rate, and so are we then. */
  async #revive(ask: Ask): Promise<void> {
    const { identity, rate } = this.#parts;
    const text = await this.#identityText(ask).catch(async (error: unknown) => {
      if (!isStackError(error, 'adapter/no-answer') || !rate?.isRaised) throw error;
      await rate.followRestart();
      return this.#identityText(ask);
    });
    if (text === identity.firmware) return;
    const details = { expected: identity.firmware, actual: text };
    throw new StackError('adapter/identity-changed', 'another device answers than before', details);
  }

  async #identityText(ask: Ask): Promise<string> {
    const { lines } = await ask(this.#parts.identity.firmwareCommand);
    return printable(lines.join(' '));
  }

  async #readVolts(call: CallOptions = {}): Promise<number> {
    const { timeoutMs = SUPPLY_LIMIT_MS, signal } = call;
    return bounded(this.#console.clock, 'read the supply voltage', timeoutMs, signal, (ended) =>
      this.#console.turn(
        async (ask) => {
          for (const command of ['STVR', 'ATRV']) {
            const volts = voltsOf((await ask(command)).lines);
            if (volts !== null) return volts;
          }
          throw new StackError('adapter/unsupported', 'the adapter tells no voltage', { ability: 'STVR' });
        },
        { signal: ended },
      ),
    );
  }

  async #measureTrips(count: number, limitMs: number, call: CallOptions = {}): Promise<readonly number[]> {
    const { clock } = this.#console;
    const { firmwareCommand } = this.#parts.identity;
    const measure = async (signal: AbortSignal | undefined) => {
      const untilMs = clock.now() + limitMs;
      const tripsMs: number[] = [];
      while (tripsMs.length < count && (tripsMs.length === 0 || clock.now() < untilMs)) {
        const answer = await this.#console.ask(firmwareCommand, signal ? { signal } : {});
        tripsMs.push(answer.endedAtMs - answer.startedAtMs);
      }
      return tripsMs;
    };
    if (call.timeoutMs === undefined) return measure(call.signal);
    return bounded(clock, 'measure the round trip', call.timeoutMs, call.signal, measure);
  }

  get #serial(): SerialTransport | null {
    const { transport } = this.#console;
    if (!('reconfigure' in transport)) return null;
    const serial = transport as SerialTransport;
    return hasSerialLine(serial.usb) ? serial : null;
  }

  #lineMs(characters: number): number {
    const baudRate = this.#serial?.line.baudRate;
    return baudRate === undefined ? 0 : (characters * BITS_PER_CHARACTER * 1000) / baudRate;
  }
}

/** `12.34`, `12.3V` → volts; null for anything else. */
export function voltsOf(lines: readonly string[]): number | null {
  for (const line of lines) {
    const match = /^(\d{1,2}(?:\.\d{1,3})?)\s*V?$/i.exec(line.trim());
    const volts = match?.[1] === undefined ? Number.NaN : Number(match[1]);
    if (volts >= 0 && volts <= HIGHEST_VOLTS) return volts;
  }
  return null;
}
