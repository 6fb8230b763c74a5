import type { Adapter, DriverContext, DriverEntry } from '#contract/adapter.ts';
import type { CallOptions } from '#contract/call.ts';
import { isStackError, StackError } from '#contract/errors.ts';
import type { ByteTransport, SerialTransport, UsbIdentity } from '#contract/transport.ts';
import { DRIVERS } from './registry.ts';

/**
 * All of the probing. A device at its usual speed is found within the five seconds of the reference (adapters L.2); the rest is
 * for those that somebody left at another one: each speed is a close and an open of the port.
 */
const DETECT_LIMIT_MS = 30_000;
/** Speeds of a family that the patient second try goes through. */
const USUAL_SPEEDS = 2;

/**
 * Finds the driver of the device behind an open transport: those whose USB filters match first, then the others; each at the line
 * speeds of its family. One probe at a time; none of them transmits on the vehicle bus, and none leaves a setting behind that
 * another driver does not put right (`ATI` switches a CANable's automatic repeat off; its driver always switches it on). The
 * transport stays open when nobody recognises it.
 * @throws StackError `adapter/not-recognised`, `transport/*`, `call/*`
 */
export async function detectAdapter(
  transport: ByteTransport,
  context: DriverContext,
  options: CallOptions & { readonly drivers?: readonly DriverEntry[] } = {},
): Promise<Adapter> {
  const serial = isSerial(transport) ? transport : null;
  serial?.forgiveLineErrors(true);
  try {
    return await probe(transport, serial, context, options);
  } finally {
    serial?.forgiveLineErrors(false);
  }
}

async function probe(
  transport: ByteTransport,
  serial: SerialTransport | null,
  context: DriverContext,
  options: CallOptions & { readonly drivers?: readonly DriverEntry[] },
): Promise<Adapter> {
  const { signal, timeoutMs = DETECT_LIMIT_MS, drivers = DRIVERS } = options;
  const usb = serial?.usb;
  const until = context.clock.now() + timeoutMs;
  const tried = new Set<string>();
  const canChangeSpeed = serial !== null && context.wireless !== true;
  const ordered = inProbeOrder(drivers, usb);
  // Interpreters answer in a few milliseconds and are asked at many speeds, so they are not waited for long. Where nobody was
  // recognised they are asked once more, at their usual speeds and with patience: the machine may have been busy.
  const again = ordered
    .filter(({ family }) => family === 'interpreter')
    .map((entry) => ({ ...entry, baudRates: entry.baudRates.slice(0, USUAL_SPEEDS) }));
  for (const { entry, baudRate, patient } of [
    ...[...attempts(ordered, canChangeSpeed)].map((attempt) => ({ ...attempt, patient: false })),
    ...[...attempts(again, canChangeSpeed)].map((attempt) => ({ ...attempt, patient: true })),
  ]) {
    const driver = await entry.load();
    const leftMs = until - context.clock.now();
    if (leftMs <= 0) break;
    tried.add(entry.title);
    const call = { timeoutMs: leftMs, ...(signal ? { signal } : {}) };
    if (serial !== null && baudRate !== null && serial.line.baudRate !== baudRate)
      await serial.reconfigure({ ...serial.line, baudRate }, call);
    try {
      const adapter = await driver.open(transport, { ...context, patient }, call);
      if (adapter) return adapter;
    } catch (error) {
      if (!isStackError(error, 'call/timeout', 'adapter/no-answer')) throw error; // silence: not of this family
    }
  }
  const which = usb ? `USB device ${hex(usb.vendorId)}:${hex(usb.productId)}` : 'device';
  const names = [...tried].join(', ');
  // A driver that does not know the device keeps its bytes to itself: nothing is said to have been answered.
  throw new StackError('adapter/not-recognised', `no driver recognises the ${which} (tried ${names})`, {
    received: '',
  });
}

interface Attempt {
  readonly entry: DriverEntry;
  /** Null: at whatever speed the line has. */
  readonly baudRate: number | null;
}

/**
 * Drivers in order; neighbours that care for the speed are tried together at one speed before the next is set, beginning with the
 * speeds of the likeliest.
 */
function* attempts(entries: readonly DriverEntry[], canChangeSpeed: boolean): Generator<Attempt> {
  let group: DriverEntry[] = [];
  const flush = function* (): Generator<Attempt> {
    const rates = new Set(group.flatMap(({ baudRates }) => baudRates));
    for (const baudRate of rates)
      for (const entry of group) if (entry.baudRates.includes(baudRate)) yield { entry, baudRate };
    group = [];
  };
  for (const entry of entries) {
    if (canChangeSpeed && entry.baudRates.length > 0) {
      if (group[0] !== undefined && group[0].family !== entry.family) yield* flush();
      group.push(entry);
      continue;
    }
    yield* flush();
    yield { entry, baudRate: null };
  }
  yield* flush();
}

function isSerial(transport: ByteTransport): transport is SerialTransport {
  return 'reconfigure' in transport;
}

function inProbeOrder(drivers: readonly DriverEntry[], usb: UsbIdentity | undefined): readonly DriverEntry[] {
  const matches = ({ usbFilters }: DriverEntry): boolean =>
    usbFilters.some(
      ({ vendorId, productId }) => vendorId === usb?.vendorId && (productId ?? usb.productId) === usb.productId,
    );
  return [...drivers.filter(matches), ...drivers.filter((entry) => !matches(entry))];
}

function hex(id: number): string {
  return id.toString(16).toUpperCase().padStart(4, '0');
}
