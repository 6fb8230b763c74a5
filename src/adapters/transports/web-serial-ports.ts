import { type Clock, sleepUnlessAborted } from '#base/clock.ts';
import type { CallOptions } from '#contract/call.ts';
import { abortError, isStackError, StackError } from '#contract/errors.ts';
import type { LineSettings, SerialTransport, UsbIdentity } from '#contract/transport.ts';
import { reasonOf } from './serial-errors.ts';
import { openWebSerial, type SerialPortLike } from './web-serial.ts';

/** A worker that was ended may hold the port a little longer (reference: build-notes 8: 90 ms, other systems more). */
export const BUSY_RETRY_LIMIT_MS = 3000;
const BUSY_RETRY_PAUSE_MS = 100;
const NEVER = new AbortController().signal;

/** The part of `navigator.serial` used here; it exists in the page and in a dedicated worker, with the same grants. */
export interface SerialLike<Port extends SerialPortLike = SerialPortLike> {
  getPorts(): Promise<Port[]>;
  addEventListener(type: 'connect' | 'disconnect', listener: (event: Event) => void): void;
  removeEventListener(type: 'connect' | 'disconnect', listener: (event: Event) => void): void;
}

/**
 * All granted ports of this USB identity, in the platform's order; without an identity all granted ports. Several equal
 * adapters are told apart by the serial text of their handshake, never by the port object: a replug makes a new one
 * (fault S05).
 * @throws StackError `transport/unavailable` without Web Serial, `transport/permission-lost` when no port is granted:
 * then only a click on the chooser helps (fault S06).
 */
export async function findGrantedPorts<Port extends SerialPortLike>(
  serial: SerialLike<Port> | undefined,
  usb?: UsbIdentity,
): Promise<readonly [Port, ...Port[]]> {
  if (!serial) {
    const reason = 'navigator.serial is missing';
    throw new StackError('transport/unavailable', 'this browser has no Web Serial', { api: 'serial', reason });
  }
  const granted = await serial.getPorts().catch((error: unknown) => {
    const reason = reasonOf(error);
    throw new StackError(
      'transport/unavailable',
      `no list of ports: ${reason}`,
      { api: 'serial', reason },
      { cause: error },
    );
  });
  const [first, ...others] = granted.filter((port) => {
    const { usbVendorId, usbProductId } = port.getInfo();
    return !usb || (usbVendorId === usb.vendorId && usbProductId === usb.productId);
  });
  if (first) return [first, ...others];
  throw new StackError('transport/permission-lost', 'the browser holds no permission for this adapter', { ...usb });
}

/**
 * Opens a granted port; while it is still open elsewhere (a predecessor's worker that is going away), tries again.
 * @throws StackError `transport/busy` after BUSY_RETRY_LIMIT_MS (fault S02), and what `openWebSerial` throws
 */
export async function openGrantedPort(
  port: SerialPortLike,
  line: LineSettings,
  context: { readonly clock: Clock },
  options: CallOptions = {},
): Promise<SerialTransport> {
  const { clock } = context;
  const until = clock.now() + (options.timeoutMs ?? BUSY_RETRY_LIMIT_MS);
  for (;;) {
    try {
      return await openWebSerial(port, line, context, options);
    } catch (error) {
      if (!isStackError(error, 'transport/busy') || clock.now() + BUSY_RETRY_PAUSE_MS > until) throw error;
      const { signal = NEVER } = options;
      if (!(await sleepUnlessAborted(clock, BUSY_RETRY_PAUSE_MS, signal)))
        throw abortError(signal, 'open the serial port');
    }
  }
}

/**
 * Plugging and unplugging of granted ports. The event's target is the port; after a replug it is a new object.
 * @returns the end of watching
 */
export function watchPorts<Port extends SerialPortLike>(
  serial: SerialLike<Port>,
  onChange: (change: { readonly type: 'connected' | 'disconnected'; readonly usb: UsbIdentity | undefined }) => void,
): () => void {
  const report = (type: 'connected' | 'disconnected') => (event: Event) => {
    const info = portInfoOf(event.target);
    const { usbVendorId: vendorId, usbProductId: productId } = info ?? {};
    onChange({ type, usb: vendorId === undefined || productId === undefined ? undefined : { vendorId, productId } });
  };
  const connected = report('connected');
  const disconnected = report('disconnected');
  serial.addEventListener('connect', connected);
  serial.addEventListener('disconnect', disconnected);
  return () => {
    serial.removeEventListener('connect', connected);
    serial.removeEventListener('disconnect', disconnected);
  };
}

function portInfoOf(target: EventTarget | null): SerialPortInfo | undefined {
  if (!target || !('getInfo' in target) || typeof target.getInfo !== 'function') return undefined;
  return (target as unknown as SerialPortLike).getInfo(); // the event's own contract: its target is the SerialPort
}
