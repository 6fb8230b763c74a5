import type { CanConfig } from '#contract/adapter.ts';
import { type AdapterKey, adapterKeyOf } from '#contract/adapter-check.ts';
import type { ErrorRecord } from '#contract/errors.ts';
import type { UsbIdentity } from '#contract/transport.ts';
import type { ConnectionView, GrantedAdapter, SerialChoice } from '#contract/vehicle-api.ts';

export type BitRate = CanConfig['bitRate'];

/** Every car with a diagnostic CAN on pins 6 and 14 of today; another one only on a person's word. */
export const USUAL_BIT_RATE: BitRate = 500_000;

/** Speeds that cars' buses are known to run at, fastest first: what a person may say. */
export const BIT_RATES: readonly BitRate[] = [500_000, 250_000, 125_000, 100_000, 83_300, 50_000];

/** What happened to a connection that nobody pressed a button for. Told in a quiet line, never as an error. */
export type ConnectNote =
  /** The known adapter was tried at the start, or when it came back, and did not open. */
  | { readonly kind: 'failed'; readonly error: ErrorRecord }
  /** The known adapter was last used on a bus of another speed; which bus this is, only a person can say. */
  | { readonly kind: 'other-speed'; readonly bitRate: BitRate }
  | { readonly kind: 'other-tab' }
  /** The lost adapter is plugged in again, and a job is open: its own card says what to do. */
  | { readonly kind: 'back' };

export type StartChoice =
  | { readonly kind: 'open'; readonly choice: SerialChoice }
  | { readonly kind: 'note'; readonly note: ConnectNote }
  | { readonly kind: 'none' };

/**
 * What the start may open without a click: the one granted adapter, over its cable, on the usual bus. A wrong speed on a bus
 * that is awake disturbs it, so a person's word for one car is not carried over to the next.
 */
export function startChoice(granted: readonly GrantedAdapter[], isTaken: boolean): StartChoice {
  const [only, ...others] = granted;
  if (only === undefined || others.length > 0) return { kind: 'none' };
  const last = only.known[0];
  if (last?.wireless) return { kind: 'none' };
  if (isTaken) return { kind: 'note', note: { kind: 'other-tab' } };
  if (last !== undefined && last.bitRate !== USUAL_BIT_RATE)
    return { kind: 'note', note: { kind: 'other-speed', bitRate: last.bitRate } };
  return { kind: 'open', choice: { usb: only.usb, chosen: false } };
}

/** An adapter as it was connected last, so that the same one is opened again. */
export interface LastAdapter {
  readonly key: AdapterKey;
  readonly usb: UsbIdentity | null;
  readonly wireless: boolean;
  readonly bitRate: BitRate;
}

export function lastAdapterOf(connection: ConnectionView, bitRate: BitRate): LastAdapter | null {
  if (connection.kind !== 'open' || connection.simulated) return null;
  const { adapter, usb } = connection;
  return { key: adapterKeyOf(adapter, usb), usb, wireless: adapter.wireless, bitRate };
}

/**
 * The granted adapter that a press of "Reconnect adapter" opens: the one with this identity, or the only one. Of several alike
 * the same as before. Null: none is plugged in and granted, so the browser has to be asked (faults S05, S06).
 */
export function reconnectChoice(
  granted: readonly GrantedAdapter[],
  usb: UsbIdentity | null,
  last: LastAdapter | null,
): SerialChoice | null {
  const same = granted.filter((one) =>
    usb === null ? one.usb === null || granted.length === 1 : isSame(one.usb, usb),
  );
  const [first, ...alike] = same;
  if (first === undefined || (usb === null && alike.length > 0)) return null;
  return {
    usb: first.usb,
    chosen: false,
    ...(last?.wireless && first.usb === null ? { wireless: true } : {}),
    ...(last !== null && alike.length > 0 ? { adapter: last.key } : {}),
  };
}

/** Is a port that came back the one that was lost? Its object is a new one; its identity is what stays (fault S05). */
export function isSame(one: UsbIdentity | null, other: UsbIdentity | null): boolean {
  if (one === null || other === null) return one === other;
  return one.vendorId === other.vendorId && one.productId === other.productId;
}
