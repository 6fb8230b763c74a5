import type { Clock } from '#base/clock.ts';
import type { Adapter, AdapterInfo, CanConfig, CanLink, Driver, DriverContext } from '#contract/adapter.ts';
import { bounded, type CallOptions } from '#contract/call.ts';
import { StackError } from '#contract/errors.ts';
import type { ByteTransport, SerialTransport } from '#contract/transport.ts';
import { SlcanCanLink } from './can-link.ts';
import { ACK_LIMIT_MS, type Answer, SlcanDevice, TEXT_LIMIT_MS } from './device.ts';
import {
  describeFirmware,
  type Firmware,
  familyOf,
  hasListenOnly,
  initCommands,
  neverAcknowledges,
  printable,
  verdictOf,
} from './firmware.ts';
import { transitMsOf, usualRoundTripMs, windowFramesOf } from './pacer.ts';
import { N_AS_MS } from './transmitter.ts';

/** Whole of recognising or opening (reference: adapters N asks 2 s; a 16 ms path needs the second half). */
const IDENTIFY_LIMIT_MS = 4000;
/** The second look: whatever a loaded machine or a slow bridge adds. */
const PATIENT_ACK_LIMIT_MS = 300;
const OPEN_LIMIT_MS = 2000;
/** Before the first byte is written: is somebody talking already? (reference: adapters L.2) */
const LISTEN_MS = 100;
const ROUND_TRIPS = 20;
/** Timed for people, on a computer that does other things too: late is a measurement, silence this long is none. */
const TRIP_LIMIT_MS = 2000;
const ROUND_TRIPS_LIMIT_MS = 1000;
export interface SlcanOptions {
  /** The device's transmit queue where it is known better than by its family: a qualification run, a bench. */
  readonly queueFrames?: number;
  /** Outstanding unacknowledged frames; may exceed the queue, which the pacer bounds. Default: by the measured latency. */
  readonly windowFrames?: number;
}

/** The driver of the slcan family: LAWICEL CANUSB, USBtin, CANable v1, v2 and 2.5 firmware, and what behaves like them. */
export function createSlcanDriver(options: SlcanOptions = {}): Driver {
  return {
    async open(transport: ByteTransport, context: DriverContext, call: CallOptions = {}): Promise<Adapter | null> {
      const { clock } = context;
      const device = new SlcanDevice(transport, clock);
      try {
        const { timeoutMs = IDENTIFY_LIMIT_MS, signal } = call;
        const found = await bounded(clock, 'recognise the slcan adapter', timeoutMs, signal, (ended) =>
          recognise(device, transport, ended),
        );
        if (found) return new SlcanAdapter(device, withQueue(found, options), options);
      } catch (error) {
        device.release();
        throw error;
      }
      device.release();
      return null;
    },
  };
}

interface Identity {
  readonly firmware: Firmware;
  readonly serialNumber: string | null;
  readonly roundTripMs: AdapterInfo['roundTripMs'];
  /** What windows and waits are sized by; null where nothing could be measured. */
  readonly usualMs: number | null;
}

function withQueue(identity: Identity, { queueFrames }: SlcanOptions): Identity {
  return queueFrames === undefined ? identity : { ...identity, firmware: { ...identity.firmware, queueFrames } };
}

/**
 * Asks once as the standard has it. When nothing fits, a machine that is starting up may have been late: its
 * acknowledgements then stand where the next answer was expected. So: silence for longer than any answer takes, and once
 * more with more patience. Costs time only where it failed; the channel is closed all the while.
 */
async function recognise(device: SlcanDevice, transport: ByteTransport, signal: AbortSignal): Promise<Identity | null> {
  const first = await identify(device, transport, signal, ACK_LIMIT_MS);
  if (first !== null || device.isInterpreter) return first;
  await device.drain(TEXT_LIMIT_MS, signal);
  return identify(device, transport, signal, PATIENT_ACK_LIMIT_MS);
}

/**
 * Who is there? `C` twice, drain, `V`, `N`. Nothing of it reaches the bus: the channel is closed by the first command.
 * A version text decides; without a known one only a device that answers everything with CR and BEL is taken for slcan.
 */
async function identify(
  device: SlcanDevice,
  transport: ByteTransport,
  signal: AbortSignal,
  ackLimitMs: number,
): Promise<Identity | null> {
  await device.drain(LISTEN_MS, signal);
  const { closes, version } = await device.resync(signal, ackLimitMs);
  const versionText = version.kind === 'text' ? version.text : '';
  const family = familyOf(versionText);
  if (family && neverAcknowledges(family)) {
    const firmware = describeFirmware(family, versionText, false, usbOf(transport));
    return { firmware, serialNumber: null, ...(await measure(device, versionText, signal)) };
  }
  const serial = await device.exchange('N', 'text', TEXT_LIMIT_MS, signal);
  const serialNumber = serial.kind === 'text' && /^N./.test(serial.text) ? printable(serial.text.slice(1)) : null;
  const speaksSlcan = closes.every(answers) && (serialNumber !== null || /^V/i.test(versionText) || answers(version));
  if (!family && (!speaksSlcan || device.isInterpreter)) return null;
  const configured = await device.exchange('S6', 'ack', ackLimitMs, signal);
  const firmware = describeFirmware(family ?? 'unknown', versionText, answers(configured), usbOf(transport));
  return { firmware, serialNumber, ...(await measure(device, versionText, signal)) };
}

const answers = (answer: Answer): boolean => answer.kind === 'ack' || answer.kind === 'nak';

function usbOf(transport: ByteTransport): SerialTransport['usb'] {
  return 'usb' in transport ? (transport as SerialTransport).usb : undefined;
}

/** Host ⇄ device round trip, twenty times with `V`; null where it is not answered. */
async function measure(
  device: SlcanDevice,
  versionText: string,
  signal: AbortSignal,
): Promise<Pick<Identity, 'roundTripMs' | 'usualMs'>> {
  const unknown = { roundTripMs: null, usualMs: null };
  if (!versionText) return unknown;
  const { clock } = device;
  const until = clock.now() + ROUND_TRIPS_LIMIT_MS;
  const tripsMs: number[] = [];
  for (let i = 0; i < ROUND_TRIPS && clock.now() < until; i++) {
    const startMs = clock.now();
    const answer = await device.exchange('V', 'text', TEXT_LIMIT_MS, signal);
    if (answer.kind !== 'text' || answer.text !== versionText) return unknown;
    tripsMs.push(clock.now() - startMs);
  }
  tripsMs.sort((a, b) => a - b);
  const at = (share: number): number => tripsMs[Math.min(tripsMs.length - 1, Math.floor(tripsMs.length * share))] ?? 0;
  return { roundTripMs: { median: at(0.5), p99: at(0.99) }, usualMs: usualRoundTripMs(tripsMs) };
}

class SlcanAdapter implements Adapter {
  readonly info: AdapterInfo;
  readonly can: NonNullable<Adapter['can']>;
  /** Where the device answers `V`; it does so with the channel open too. */
  readonly roundTrips?: NonNullable<Adapter['roundTrips']>;
  readonly #device: SlcanDevice;
  readonly #firmware: Firmware;
  readonly #usualMs: number | null;
  readonly #options: SlcanOptions;
  readonly #clock: Clock;
  #link: SlcanCanLink | null = null;
  #opening = false;

  constructor(device: SlcanDevice, { firmware, serialNumber, roundTripMs, usualMs }: Identity, options: SlcanOptions) {
    this.#device = device;
    this.#clock = device.clock;
    this.#firmware = firmware;
    this.#usualMs = usualMs;
    this.#options = options;
    this.info = {
      driver: 'slcan',
      product: firmware.product,
      firmware: firmware.text,
      serialNumber,
      genuine: 'unknown',
      chip: 'slcan',
      findings: [],
      longestSendBytes: 4095,
      longestReceiveBytes: 4095,
      listenOnly: hasListenOnly(firmware),
      wireless: false,
      baudRate: null,
      acknowledges: firmware.acknowledges,
      transmitQueueFrames: firmware.queueFrames,
      roundTripMs,
      verdict: verdictOf(firmware),
    };
    this.can = { open: (config, call) => this.#open(config, call) };
    if (firmware.text) this.roundTrips = (count, call) => this.#roundTrips(count, call);
  }

  get closed(): Adapter['closed'] {
    return this.#device.transport.closed;
  }

  async close(): Promise<void> {
    await this.#link?.close();
    await this.#device.transport.close();
  }

  /** @throws StackError `adapter/no-answer` for one that stays away, `adapter/identity-changed` */
  async #roundTrips(count: number, { timeoutMs, signal }: CallOptions = {}): Promise<readonly number[]> {
    const { text } = this.#firmware;
    const one = async (ended: AbortSignal): Promise<number> => {
      const startMs = this.#clock.now();
      const answer = await this.#device.exchange('V', 'text', TRIP_LIMIT_MS, ended);
      if (answer.kind !== 'text') throw noAnswer('V', TRIP_LIMIT_MS);
      if (printable(answer.text) !== text)
        throw new StackError('adapter/identity-changed', 'another device answers than before', {
          expected: text,
          actual: printable(answer.text),
        });
      return this.#clock.now() - startMs;
    };
    const limitMs = timeoutMs ?? count * TRIP_LIMIT_MS;
    return bounded(this.#clock, 'time the adapter', limitMs, signal, async (ended) => {
      const tripsMs: number[] = [];
      // One at a time: frames of the car's own traffic come between them, and nothing waits for all.
      while (tripsMs.length < count) tripsMs.push(await (this.#link ? this.#link.askBetween(one, ended) : one(ended)));
      return tripsMs;
    });
  }

  async #open(config: CanConfig, call: CallOptions = {}): Promise<CanLink> {
    if (this.#link || this.#opening)
      throw new StackError('adapter/in-use', 'its CAN channel is open already', { by: 'this-tab' });
    initCommands(this.#firmware, config); // refuses what the firmware lacks before anything is sent
    this.#opening = true;
    try {
      const { timeoutMs = OPEN_LIMIT_MS, signal } = call;
      await bounded(this.#clock, 'open the CAN channel', timeoutMs, signal, (ended) => this.#configure(config, ended));
      const firmware = this.#firmware;
      const byLatency = windowFramesOf(this.#usualMs, config.bitRate, firmware.queueFrames);
      this.#link = new SlcanCanLink({
        device: this.#device,
        firmware,
        config,
        transitMs: transitMsOf(this.#usualMs),
        windowFrames: this.#options.windowFrames ?? byLatency,
        reinitialise: (ended) => this.#reinitialise(config, ended),
        onClosed: () => {
          this.#link = null;
        },
      });
      return this.#link;
    } finally {
      this.#opening = false;
    }
  }

  async #configure(config: CanConfig, signal: AbortSignal): Promise<void> {
    const commands = initCommands(this.#firmware, config);
    if (!this.#firmware.acknowledges) {
      await this.#device.post(
        commands.map(({ text }) => text),
        signal,
      );
      if (this.#firmware.text) await this.#checkAlive(signal);
      return;
    }
    for (const { text, optional } of commands) {
      // It does acknowledge, that is known by now: waiting longer for a busy machine costs nothing where all is well.
      const answer = await this.#device.exchange(text, 'ack', PATIENT_ACK_LIMIT_MS, signal);
      if (optional || answer.kind === 'ack') continue;
      if (answer.kind === 'nak')
        throw new StackError('adapter/refused', `the adapter refused ${text}`, { command: text });
      throw noAnswer(text, PATIENT_ACK_LIMIT_MS);
    }
  }

  /** A firmware that never acknowledges has read its init commands when it answers the `V` behind them. */
  async #checkAlive(signal: AbortSignal): Promise<void> {
    const answer = await this.#device.exchange('V', 'text', TEXT_LIMIT_MS, signal);
    if (answer.kind !== 'text') throw noAnswer('V', TEXT_LIMIT_MS);
  }

  async #reinitialise(config: CanConfig, signal: AbortSignal): Promise<void> {
    await bounded(this.#clock, 'open the CAN channel again', OPEN_LIMIT_MS + N_AS_MS, signal, async (ended) => {
      const { version } = await this.#device.resync(ended);
      const actual = version.kind === 'text' ? printable(version.text) : '';
      if (actual !== this.#firmware.text) {
        const details = { expected: this.#firmware.text, actual };
        throw new StackError('adapter/identity-changed', 'another device answers than before', details);
      }
      await this.#configure(config, ended);
    });
  }
}

function noAnswer(command: string, timeoutMs: number): StackError {
  return new StackError('adapter/no-answer', `no answer to ${command} in ${timeoutMs} ms`, { command, timeoutMs });
}
