import { InterpreterConsole } from '#adapters/drivers/interpreter/console.ts';
import type { Clock } from '#base/clock.ts';
import type { Adapter, AdapterInfo, CanConfig, Driver, DriverContext, IsoTpBus } from '#contract/adapter.ts';
import { bounded, type CallOptions } from '#contract/call.ts';
import { StackError } from '#contract/errors.ts';
import type { ByteTransport, SerialTransport } from '#contract/transport.ts';
import { ElmBus } from './bus.ts';
import { type ElmIdentity, recognise } from './identity.ts';
import { describeAdapter, supplyErrorVolts } from './info.ts';
import { type Qualification, qualify } from './qualify.ts';
import { protocolFor } from './settings.ts';

/** Whole of recognising and probing (reference: adapters N). */
const OPEN_LIMIT_MS = 8000;
const BUS_LIMIT_MS = 8000;
/** Before the first byte is written: is somebody talking already? (reference: adapters L.2) */
const LISTEN_MS = 100;
/** What a stranger may take to answer, and what an interpreter may (reference: adapters L.2, N). */
const ANSWER_MS = { wired: 300, wireless: 1500 } as const;
const SETTLE_MS = { wired: 100, wireless: 500 } as const;
const COMMAND_MS = { wired: 1500, wireless: 3000 } as const;
const INTERRUPT_MS = { wired: 1000, wireless: 2000 } as const;
/** Behind a radio, and where the line says nothing of the chip, it runs at its default. */
const DEFAULT_LINE_RATE = 38_400;
const ROUND_TRIP_LIMIT_MS = 3000;

/**
 * The driver of the ELM327 and what behaves like it (reference: adapters A). The line speed is the caller's: at a wrong one
 * nothing is recognised. A faster one (`ATBRD`) is not negotiated: Web Serial closes and opens the port to change its speed,
 * which takes longer than most chips wait for the answer at the new one (reference: adapters A.8), and no chip of this family
 * is known to do it safely.
 */
export function createElm327Driver(): Driver {
  return {
    async open(transport: ByteTransport, context: DriverContext, call: CallOptions = {}): Promise<Adapter | null> {
      const { clock, wireless = false, patient = false } = context;
      const place = wireless || patient ? 'wireless' : 'wired';
      const console = new InterpreterConsole(transport, clock, {
        commandLimitMs: COMMAND_MS[place],
        interruptLimitMs: INTERRUPT_MS[place],
        settleMs: SETTLE_MS[place],
      });
      try {
        const { timeoutMs = OPEN_LIMIT_MS, signal } = call;
        const adapter = await bounded(clock, 'recognise the ELM327', timeoutMs, signal, (ended) =>
          identify(console, transport, { clock, wireless, patient }, ended),
        );
        if (adapter) return adapter;
      } catch (error) {
        console.release();
        throw error;
      }
      console.release();
      return null;
    },
  };
}

async function identify(
  console: InterpreterConsole,
  transport: ByteTransport,
  { clock, wireless, patient }: { readonly clock: Clock; readonly wireless: boolean; readonly patient: boolean },
  signal: AbortSignal,
): Promise<Adapter | null> {
  await console.drain(LISTEN_MS, signal);
  const place = wireless || patient ? 'wireless' : 'wired';
  const settle = () => console.drain(SETTLE_MS[place], signal);
  // a turn for each command: a device that starts up just now says so between two of them, and that is no failure yet
  const identity = await recognise(
    (command, options) => console.ask(command, { ...options, signal }),
    ANSWER_MS[place],
    settle,
  );
  if (identity === null) return null;
  const baudRate = wireless ? null : lineRateOf(transport);
  const qualification = await console.turn(
    (ask) => qualify((command, options) => ask(command, { ...options, signal }), clock, identity, baudRate),
    { signal },
  );
  const lineRate = wireless ? DEFAULT_LINE_RATE : (lineRateOf(transport) ?? DEFAULT_LINE_RATE);
  return new ElmAdapter(console, identity, qualification, { wireless, baudRate, lineRate });
}

function lineRateOf(transport: ByteTransport): number | null {
  return 'line' in transport ? (transport as SerialTransport).line.baudRate : null;
}

class ElmAdapter implements Adapter {
  readonly info: AdapterInfo;
  readonly isoTp: NonNullable<Adapter['isoTp']>;
  readonly supply?: NonNullable<Adapter['supply']>;
  readonly roundTrips: NonNullable<Adapter['roundTrips']>;
  readonly closed: Adapter['closed'];
  readonly #console: InterpreterConsole;
  readonly #qualification: Qualification;
  readonly #lineRate: number;
  #bus: ElmBus | null = null;
  #opening = false;

  constructor(
    console: InterpreterConsole,
    identity: ElmIdentity,
    qualification: Qualification,
    place: { readonly wireless: boolean; readonly baudRate: number | null; readonly lineRate: number },
  ) {
    this.#console = console;
    this.#qualification = qualification;
    this.#lineRate = place.lineRate;
    this.closed = console.closed;
    this.info = describeAdapter(identity, qualification, place);
    this.isoTp = { open: (config, options) => this.#open(config, options) };
    if (qualification.hasVoltage)
      this.supply = {
        readVolts: (options) => this.#readVolts(options),
        errorVolts: supplyErrorVolts(qualification),
      };
    this.roundTrips = (count, options) => this.#roundTrips(count, options);
  }

  async close(): Promise<void> {
    await this.#bus?.close();
    await this.#console.transport.close();
  }

  async #open(config: CanConfig, options: CallOptions = {}): Promise<IsoTpBus> {
    const { timeoutMs = BUS_LIMIT_MS, signal } = options;
    if (this.#bus || this.#opening)
      throw new StackError('adapter/in-use', 'its bus is open already', { by: 'this-tab' });
    if (config.listenOnly === true)
      throw new StackError('adapter/unsupported', 'an ELM327 cannot join a bus silently', { ability: 'listen-only' });
    const { abilities } = this.#qualification;
    protocolFor(config, false, abilities.rawFrames); // refuses a rate that it cannot make before anything is sent
    const bus = new ElmBus({
      console: this.#console,
      config,
      info: this.info,
      abilities,
      lineRate: this.#lineRate,
      onClosed: () => {
        this.#bus = null;
      },
    });
    this.#opening = true;
    try {
      await bounded(this.#console.clock, 'open the bus', timeoutMs, signal, (ended) => bus.open(ended));
      this.#bus = bus;
      return bus;
    } catch (error) {
      await bus.close();
      throw error;
    } finally {
      this.#opening = false;
    }
  }

  async #readVolts(options: CallOptions = {}): Promise<number> {
    const { lines } = await this.#console.ask('ATRV', options);
    const volts = Number.parseFloat(/(\d{1,2}(?:\.\d+)?)\s*V/i.exec(lines.join(' '))?.[1] ?? '');
    if (Number.isFinite(volts)) return volts;
    throw new StackError('adapter/refused', `no voltage in the answer to ATRV: ${lines.join(' ').slice(0, 40)}`, {
      command: 'ATRV',
    });
  }

  /** With `ATI`: it stays inside the chip. */
  async #roundTrips(count: number, options: CallOptions = {}): Promise<readonly number[]> {
    const { timeoutMs = count * ROUND_TRIP_LIMIT_MS, signal } = options;
    return bounded(this.#console.clock, 'measure round trips', timeoutMs, signal, (ended) =>
      this.#console.turn(
        async (ask) => {
          const tripsMs: number[] = [];
          for (let i = 0; i < count; i++) {
            const { startedAtMs, endedAtMs } = await ask('ATI', { signal: ended });
            tripsMs.push(endedAtMs - startedAtMs);
          }
          return tripsMs;
        },
        { signal: ended },
      ),
    );
  }
}
