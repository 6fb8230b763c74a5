/** What the tests of the lane itself share: the minimal tester in www/ in the product's place, and what the car holds. */
import path from 'node:path';
import type { DeviceOptions, EcuName } from './device-process.ts';
import type { Harness } from './harness.ts';
import type { SystemTest } from './system-test.ts';

export const root = path.join(import.meta.dirname, 'www');
/** Request and response identifier of each ECU. */
export const IDS: Readonly<Record<EcuName, readonly [string, string]>> = {
  bcm: ['70E', '778'],
  cluster: ['714', '77E'],
  gateway: ['710', '77A'],
};
export const VIN = '0CBSYSTEX00000042';
export const BCM_CODING = '0959A03C1E1400FF417E1035008843005AC301629D0004012CF00F660012AB30';
/** mirrorsFoldOnLock (byte 2, mask 01) on, nothing else changed. */
export const BCM_CODING_FOLDING = '0959A13C1E1400FF417E1035008843005AC301629D0004012CF00F660012AB30';

export interface PortInfo {
  readonly usbVendorId?: number;
  readonly usbProductId?: number;
  readonly object: number;
}

/** Runs an operation of www/worker.js. */
export const ask = <T>(harness: Harness, operation: string, ...args: readonly unknown[]): Promise<T> =>
  harness.page.evaluate(
    ([name, parameters]) =>
      (globalThis as unknown as { inWorker(name: string, ...rest: readonly unknown[]): Promise<T> }).inWorker(
        name,
        ...parameters,
      ),
    [operation, args] as const,
  );

/** What the body electronics wants before a write of 0600, and its answers. */
export const PRELUDE = [
  ['10 03', '50 03 00 32 01 F4'],
  ['2E F1 99 26 11 22', '6E F1 99'],
  ['2E F1 98 00 00 08 F6 30 39', '6E F1 98'],
] as const;

/** One test of the lane with the minimal tester. */
export const lane = (
  name: string,
  run: (harness: Harness) => Promise<void>,
  device: DeviceOptions = {},
  limitMs?: number,
): SystemTest => ({ name, start: { root, device }, run, ...(limitMs === undefined ? {} : { limitMs }) });
