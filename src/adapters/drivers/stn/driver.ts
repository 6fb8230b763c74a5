import { InterpreterConsole } from '#adapters/drivers/interpreter/console.ts';
import { hasStatus } from '#adapters/drivers/interpreter/lines.ts';
import type { Adapter, Driver, DriverContext } from '#contract/adapter.ts';
import { bounded, type CallOptions } from '#contract/call.ts';
import { isStackError } from '#contract/errors.ts';
import type { ByteTransport, SerialTransport } from '#contract/transport.ts';
import { StnAdapter } from './adapter.ts';
import { fasterRates, hasSerialLine, identify, isElm, isWirelessProduct, type StnIdentity } from './identity.ts';
import { LineRate } from './line-rate.ts';

/** Recognising and opening (reference: adapters N). */
const OPEN_LIMIT_MS = 5000;
/** Before the first byte is written: is somebody talking already? (reference: adapters L.2) */
const LISTEN_FIRST_MS = 100;
const PROBE_LIMIT_MS = 300;
const WIRELESS_PROBE_LIMIT_MS = 1500;
/** What a half line of another program leaves behind: its `?` and prompt. */
const LEFTOVER_MS = 100;
const QUESTIONS = 3;
const COMMAND_LIMIT_MS = 1000;
const WIRELESS_COMMAND_LIMIT_MS = 3000;

export interface StnOptions {
  /** Line rates to try, best first; default by product. Empty: stay at the one the port has. */
  readonly lineRates?: readonly number[];
}

/**
 * The driver of the STN family: OBDLink, bare STN chips with firmware from 4.2 on, and what speaks their language (vLinker).
 * A plain ELM327 is not of the family.
 */
export function createStnDriver(options: StnOptions = {}): Driver {
  return {
    async open(transport: ByteTransport, context: DriverContext, call: CallOptions = {}): Promise<Adapter | null> {
      const { clock, wireless = false } = context;
      const console = new InterpreterConsole(transport, clock, {
        commandLimitMs: wireless ? WIRELESS_COMMAND_LIMIT_MS : COMMAND_LIMIT_MS,
      });
      try {
        const { timeoutMs = OPEN_LIMIT_MS, signal } = call;
        const adapter = await bounded(clock, 'recognise the STN adapter', timeoutMs, signal, (ended) =>
          open(console, wireless, options, ended),
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

async function open(
  console: InterpreterConsole,
  radio: boolean,
  options: StnOptions,
  signal: AbortSignal,
): Promise<StnAdapter | null> {
  const { transport } = console;
  const probeMs = radio ? WIRELESS_PROBE_LIMIT_MS : PROBE_LIMIT_MS;
  await console.drain(LISTEN_FIRST_MS, signal);
  const identity = await recognise(console, probeMs, signal);
  if (identity === null) return null;
  const isWireless = radio || isWirelessProduct(identity.product);
  await console.ask('ATE0', { signal });
  const knowsAddressing = await console.ask('STCAF0', { signal }).then(({ lines }) => hasStatus(lines, 'ok'));
  const serial = serialOf(transport);
  const rate =
    serial === null || isWireless
      ? null
      : new LineRate({ console, serial, identity: { command: identity.firmwareCommand, text: identity.firmware } });
  const lineRates = options.lineRates ?? fasterRates(identity);
  const adapter = new StnAdapter({ console, identity, isWireless, knowsAddressing, rate, lineRates });
  await adapter.measure(signal);
  return adapter;
}

/** Who is there? All of it stays inside the device. Null for anything but the family. */
async function recognise(
  console: InterpreterConsole,
  limitMs: number,
  signal: AbortSignal,
): Promise<StnIdentity | null> {
  const ask = (command: string) => textOf(console, command, limitMs, signal);
  let elm = await ask('ATI');
  // A half line made it `?`, or it was busy and stopped for us, or the echo was not what we wrote: what that leaves behind
  // first, then again.
  for (let i = 1; i < QUESTIONS && elm !== null && !isElm(elm); i++) {
    await console.drain(LEFTOVER_MS, signal);
    elm = await ask('ATI');
  }
  if (elm === null || !isElm(elm)) return null;
  const st = (await ask('STI')) ?? '';
  const vt = (await ask('VTVERS')) ?? '';
  if (st === '' && vt === '') return null;
  return identify({ elm, st, vt, product: (await ask('STDI')) ?? '', serial: (await ask('STSN')) ?? '' });
}

/** The text of an answer, '' for `?` and for one that was broken off, null for silence. */
async function textOf(
  console: InterpreterConsole,
  command: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const { lines } = await console.ask(command, { timeoutMs, signal, expectsBanner: true });
    return hasStatus(lines, 'unknown-command') ? '' : lines.join(' ').trim();
  } catch (error) {
    if (isStackError(error, 'adapter/no-answer', 'adapter/garbage')) return null;
    if (isStackError(error, 'adapter/stopped', 'adapter/reset')) return '';
    throw error;
  }
}

function serialOf(transport: ByteTransport): SerialTransport | null {
  if (!('reconfigure' in transport)) return null;
  const serial = transport as SerialTransport;
  return hasSerialLine(serial.usb) ? serial : null;
}
