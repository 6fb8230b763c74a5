import type { Adapter, DriverContext, DriverEntry } from '#contract/adapter.ts';
import type { CallOptions } from '#contract/call.ts';
import { isStackError, StackError } from '#contract/errors.ts';
import type { ByteTransport, SerialTransport, UsbIdentity } from '#contract/transport.ts';
import { DRIVERS } from './registry.ts';

/** All of the probing (reference: adapters L.2). */
const DETECT_LIMIT_MS = 5000;

/**
 * Finds the driver of the device behind an open transport: those whose USB filters match first, then the others. One
 * probe at a time; none of them transmits on the vehicle bus. The transport stays open when nobody recognises it.
 * @throws StackError `adapter/not-recognised`, `transport/*`, `call/*`
 */
export async function detectAdapter(
  transport: ByteTransport,
  context: DriverContext,
  options: CallOptions & { readonly drivers?: readonly DriverEntry[] } = {},
): Promise<Adapter> {
  const { signal, timeoutMs = DETECT_LIMIT_MS, drivers = DRIVERS } = options;
  const usb = 'usb' in transport ? (transport as SerialTransport).usb : undefined;
  const until = context.clock.now() + timeoutMs;
  const tried: string[] = [];
  for (const entry of inProbeOrder(drivers, usb)) {
    const driver = await entry.load();
    const leftMs = until - context.clock.now();
    if (leftMs <= 0) break;
    tried.push(entry.id);
    try {
      const adapter = await driver.open(transport, context, { timeoutMs: leftMs, ...(signal ? { signal } : {}) });
      if (adapter) return adapter;
    } catch (error) {
      if (!isStackError(error, 'call/timeout', 'adapter/no-answer')) throw error; // silence: not of this family
    }
  }
  const which = usb ? `USB device ${hex(usb.vendorId)}:${hex(usb.productId)}` : 'device';
  // A driver that does not know the device keeps its bytes to itself: nothing is said to have been answered.
  throw new StackError('adapter/not-recognised', `no driver recognises the ${which} (tried ${tried.join(', ')})`, {
    received: '',
  });
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
