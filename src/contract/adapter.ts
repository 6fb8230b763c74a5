import type { Clock } from '#base/clock.ts';
import type { CallOptions } from '#contract/call.ts';
import type { DiagChannel, IsoTpAddress, IsoTpOptions } from '#contract/isotp.ts';
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
  | 'loses-answers'
  | 'clone'
  | 'wireless'
  | 'untested';

/**
 * What probing found that the device's own words do not say. `detail` is short foreign or protocol text, e.g. the command.
 * `version-never-existed`: it calls itself by a version its maker never made. `command-missing`: its version has the command,
 * the device does not know it. `forgets-settings`: a change of protocol loses settings. `drops-bytes`: a request was cut.
 * `buffer-smaller`: fewer bytes than its version promises. `other-speed`: the line speed it names is not the one it runs at.
 */
export interface AdapterFinding {
  readonly kind:
    | 'version-never-existed'
    | 'command-missing'
    | 'forgets-settings'
    | 'drops-bytes'
    | 'buffer-smaller'
    | 'other-speed';
  readonly detail: string;
}

export interface AdapterInfo {
  readonly driver: string;
  /** Product as far as it can be told, e.g. `CANable`; foreign text, bounded to 64 printable characters. */
  readonly product: string;
  readonly firmware: string;
  /** The device's own serial text, if it has one: how it is known again after a replug (fault S05). */
  readonly serialNumber: string | null;
  readonly genuine: 'genuine' | 'clone' | 'unknown';
  /** The chip or firmware family as probed, not as it calls itself: `ELM327`, `ELM327-like`, `STN1110`, `MIC3322`, `slcan`. */
  readonly chip: string;
  readonly findings: readonly AdapterFinding[];
  /** Longest messages it carries, bytes: what the family is known to do and probing did not refute. */
  readonly longestSendBytes: number;
  readonly longestReceiveBytes: number;
  /** Real listen-only: the device can join a bus without acknowledging. Only then may the bit rate be searched for. */
  readonly listenOnly: boolean;
  /** Behind Bluetooth or Wi-Fi: no programming, and latency that is not the device's own. */
  readonly wireless: boolean;
  /** Speed of the serial line in bit/s where it matters; null on a line whose speed changes nothing (USB CDC, simulated). */
  readonly baudRate: number | null;
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
  /** Whole messages: the adapter or its driver segments. Where `can` is there too, `can` is used. */
  readonly isoTp?: { open(config: CanConfig, options?: CallOptions): Promise<IsoTpBus> };
  readonly stream?: ByteTransport;
  readonly supply?: { readVolts(options?: CallOptions): Promise<number>; readonly errorVolts: number };
  /** Host ⇄ device round trips, ms, one after the other, with a command that stays inside the device. */
  readonly roundTrips?: (count: number, options?: CallOptions) => Promise<readonly number[]>;
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

/**
 * One bus on which the adapter (or its driver) segments. A command interpreter does one thing at a time: channels of one bus
 * take turns, and an answer that arrives in another channel's turn still reaches its own channel.
 */
export interface IsoTpBus {
  readonly config: CanConfig;
  readonly closed: Promise<CloseReason>;
  /** Frames where the device shows frames, else messages. */
  readonly counters: Readonly<{ received: number; sent: number; busErrors: number; dropped: number }>;
  /**
   * A channel to the ECU (or, with `options.functional`, to all ECUs) at an address. Nothing is sent by opening it.
   * @throws RangeError for an address that no frame can carry; StackError `adapter/unsupported` for one this device cannot do
   */
  openChannel(address: IsoTpAddress, options: IsoTpOptions): DiagChannel;
  onBusError(listener: (flags: string, atMs: number) => void): () => void;
  close(): Promise<void>;
}

/** One line of the registry: how a family is recognised and loaded. */
export interface DriverEntry {
  readonly id: string;
  readonly title: string;
  readonly usbFilters: readonly { readonly vendorId: number; readonly productId?: number }[];
  /** Drivers of one family speak alike: they are probed together at one line speed before the next is set. */
  readonly family: 'interpreter' | 'slcan';
  /** Line speeds to try, most likely first; empty where the speed changes nothing. */
  readonly baudRates: readonly number[];
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
  /** The port is a Bluetooth one (RFCOMM): answers take longer, and the line speed changes nothing. */
  readonly wireless?: boolean;
  /** The second try: nobody was recognised, and a busy machine may have heard an answer too late. Waits as behind Bluetooth. */
  readonly patient?: boolean;
}
