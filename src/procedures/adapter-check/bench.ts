import type { Adapter, AdapterInfo } from '#contract/adapter.ts';
import type { AdapterKey, AdapterReport } from '#contract/adapter-check.ts';
import type { ModuleId } from '#contract/isotp.ts';
import type { UsbIdentity } from '#contract/transport.ts';

/**
 * What the check needs of the open adapter beside the diag clients: who it is, and counts that only the owner of the link
 * has. Nothing of it reaches the car.
 */
export interface AdapterBench {
  readonly key: AdapterKey;
  readonly info: AdapterInfo;
  readonly usb: UsbIdentity | null;
  readonly survivesReplug: AdapterReport['survivesReplug'];
  /** Frames leave as we made them: a module then answers a long request only after its last frame (ISO 15765-2). */
  readonly sendsOurFrames: boolean;
  /** Absent where the device answers no command of its own. */
  readonly roundTrips?: NonNullable<Adapter['roundTrips']>;
  /**
   * Requests that left for a module so far, repeats counted: the client asks again by itself when an answer is missing, and
   * nothing else tells that one was.
   */
  requestsSent(moduleId: ModuleId): number;
  /** The report is on disk: from now on it decides. */
  checked(report: AdapterReport): Promise<void>;
}
