import type { AdapterInfo, AdapterJob, AdapterVerdict } from '#contract/adapter.ts';
import type { VoltageReading } from '#contract/backup.ts';
import type { UsbIdentity } from '#contract/transport.ts';

/** Names a physical adapter across sessions, as well as it can be told: driver, USB identity, its serial number, its firmware. */
export type AdapterKey = string;

export function adapterKeyOf(
  info: Pick<AdapterInfo, 'driver' | 'product' | 'firmware' | 'serialNumber'>,
  usb: UsbIdentity | null,
): AdapterKey {
  const id = usb === null ? '-' : `${usb.vendorId.toString(16)}:${usb.productId.toString(16)}`;
  return [info.driver, id, info.serialNumber ?? '-', info.product, info.firmware].join('|');
}

/** One measurement of the check. Counts are messages, `bytes` the length of the longest of them. */
export type CheckResult =
  | { readonly kind: 'passed'; readonly count: number; readonly bytes: number }
  | {
      readonly kind: 'failed';
      readonly count: number;
      readonly failed: number;
      readonly bytes: number;
      readonly why: string;
    }
  | { readonly kind: 'not-run'; readonly why: 'no-module' | 'not-possible' | 'no-long-value' | 'cancelled' };

/**
 * What the adapter check (doctor) found: measured, not as the device says. Kept per adapter; the verdict of every later
 * connection of the same adapter rests on the newest one.
 */
export interface AdapterReport {
  readonly id: string;
  readonly key: AdapterKey;
  readonly simulated: boolean;
  readonly takenAtWallMs: number;
  readonly toolVersion: string;
  readonly usb: UsbIdentity | null;
  readonly info: AdapterInfo;
  /** Inside the device; null where it never answers. */
  readonly roundTripMs: { readonly median: number; readonly p99: number; readonly count: number } | null;
  /** Request to answer of a module, the whole way. */
  readonly moduleRoundTripMs: { readonly median: number; readonly p99: number; readonly count: number } | null;
  /** Payload bytes a second of long answers, measured on the car. */
  readonly receiveBytesPerSecond: number | null;
  readonly voltage: VoltageReading;
  /** The same long answer, again and again, always equal. */
  readonly longReceive: CheckResult;
  /** A request longer than one frame, answered. */
  readonly longSend: CheckResult;
  /** Many requests without one lost. */
  readonly dropFree: CheckResult;
  /** Does the browser still know it after it was pulled and plugged again? Only seen, never assumed. */
  readonly survivesReplug: 'yes' | 'no' | 'unknown';
  readonly verdict: Readonly<Record<AdapterJob, AdapterVerdict>>;
}

/** What a shop decided about an adapter: a clone may code only where a person said so by name (reference: adapters L.1). */
export interface AdapterConsent {
  readonly key: AdapterKey;
  readonly job: 'code';
  readonly name: string;
  readonly givenAtWallMs: number;
}
