import type { Clock } from '#base/clock.ts';
import type { CallOptions } from '#contract/call.ts';
import type { DiagChannel, IsoTpAddress } from '#contract/isotp.ts';
import type { ByteTransport, CloseReason } from '#contract/transport.ts';

/** What a job asks of an adapter. */
export type AdapterJob = 'read' | 'code' | 'program';
export type AdapterVerdict = { readonly may: true } | { readonly may: false; readonly reason: AdapterLimit };
/** Reasons are codes; the sentences are in `ui/messages`. */
export type AdapterLimit =
  | 'not-qualified'
  | 'no-transmit-confirmation'
  | 'too-slow'
  | 'cannot-send-long-messages'
  | 'clone'
  | 'wireless';

export interface AdapterInfo {
  readonly driver: string;
  /** Product as far as it can be told, e.g. `CANable`; foreign text, bounded to 64 printable characters. */
  readonly product: string;
  readonly firmware: string;
  /** The device's own serial text, if it has one: how it is known again after a replug (fault S05). */
  readonly serialNumber: string | null;
  readonly genuine: 'genuine' | 'clone' | 'unknown';
  /** Does the device confirm what it took? slcan firmware of the CANable never does. */
  readonly acknowledges: boolean;
  /** Frames the device can hold before it drops silently; the driver stays below. */
  readonly transmitQueueFrames: number;
  /** Host ⇄ device round trip measured at connect, ms; null where the device never answers anything. */
  readonly roundTripMs: { readonly median: number; readonly p99: number } | null;
  readonly verdict: Readonly<Record<AdapterJob, AdapterVerdict>>;
}

/** An opened device (VCI). An ability the hardware lacks is a property that is absent. */
export interface Adapter {
  readonly info: AdapterInfo;
  readonly can?: { open(config: CanConfig, options?: CallOptions): Promise<CanLink> };
  /** Segmentation inside the adapter. */
  readonly isoTp?: { open(address: IsoTpAddress, options?: CallOptions): Promise<DiagChannel> };
  readonly stream?: ByteTransport;
  readonly supply?: { readVolts(options?: CallOptions): Promise<number>; readonly errorVolts: number };
  /** Settles once, never rejects. */
  readonly closed: Promise<CloseReason>;
  close(): Promise<void>;
}

export interface CanConfig {
  readonly bitRate: 10_000 | 20_000 | 50_000 | 83_300 | 100_000 | 125_000 | 250_000 | 500_000 | 800_000 | 1_000_000;
  readonly listenOnly?: boolean;
}

/** A classic CAN data frame. `id` up to 0x7FF, or 0x1FFF_FFFF when `extended`. `data` 0–8 bytes. */
export interface CanFrame {
  readonly id: number;
  readonly extended: boolean;
  readonly data: Uint8Array;
}

export interface RxCanFrame extends CanFrame {
  readonly atMs: number;
}

/**
 * When a batch surely is on its way. `acceptedAtMs`: the device took the last frame (its acknowledgement, or our
 * computed wire time where it gives none). `onWireByMs`: the last frame has left the wire by then, computed from bit
 * rate and worst stuffing: count STmin from here, never from the write.
 */
export interface SendReceipt {
  readonly acceptedAtMs: number;
  readonly onWireByMs: number;
}

/** Frames on one bus. Several ISO-TP channels share a link. */
export interface CanLink {
  readonly config: CanConfig;
  readonly closed: Promise<CloseReason>;
  /** Frames seen since open and errors told by the device: "any traffic?" and "no node answers" (fault T08). */
  readonly counters: Readonly<{ received: number; sent: number; busErrors: number; dropped: number }>;
  /**
   * Sends frames in order, as one batch, within the device's queue. Batches of several callers do not interleave frames.
   * @throws StackError `adapter/*`, `can/*`, `transport/*`, `call/*`; on an error it is unknown which frames left.
   */
  send(frames: readonly CanFrame[], options?: CallOptions): Promise<SendReceipt>;
  /** Every received frame, in order, synchronously. The listener must not throw. Returns the unsubscribe function. */
  onFrame(listener: (frame: RxCanFrame) => void): () => void;
  /** Error conditions told by the device (flags, error lines). */
  onBusError(listener: (flags: string, atMs: number) => void): () => void;
  close(): Promise<void>;
}

/** One line of the registry: how a family is recognised and loaded. */
export interface DriverEntry {
  readonly id: string;
  readonly title: string;
  readonly usbFilters: readonly { readonly vendorId: number; readonly productId?: number }[];
  load(): Promise<Driver>;
}

export interface Driver {
  /**
   * Recognises and opens the device behind an open transport, or returns null when it is not of this family.
   * Nothing it sends may reach the vehicle bus.
   */
  open(transport: ByteTransport, context: DriverContext, options?: CallOptions): Promise<Adapter | null>;
}

export interface DriverContext {
  readonly clock: Clock;
}
