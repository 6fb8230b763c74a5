import type { CallOptions } from '#contract/call.ts';

/** Bytes as they arrived; any split is legal. `atMs` is the clock's monotonic time of arrival. */
export interface RxChunk {
  readonly bytes: Uint8Array;
  readonly atMs: number;
}

/** Why something ended. `lost` = unplugged or the device went away; `closed` = we closed it. */
export type CloseReason =
  | { readonly kind: 'closed' }
  | { readonly kind: 'lost'; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string };

/**
 * Raw bytes to a device. One reader, one writer at a time.
 * `write` resolves when the platform took the bytes, which proves nothing about the wire (fault S16).
 */
export interface ByteTransport {
  readonly kind: 'serial' | 'usb' | 'socket' | 'simulated';
  /** Ends when the transport ends; errors never come out of it (soft line errors are counted in `lineErrors`). */
  readonly chunks: ReadableStream<RxChunk>;
  /** Settles once, never rejects. */
  readonly closed: Promise<CloseReason>;
  /** @throws StackError `transport/lost`, `transport/closed`, `transport/write-failed`, `call/*` */
  write(bytes: Uint8Array, options?: CallOptions): Promise<void>;
  close(): Promise<void>;
}

export interface LineSettings {
  readonly baudRate: number;
  readonly dataBits?: 7 | 8;
  readonly stopBits?: 1 | 2;
  readonly parity?: 'none' | 'even' | 'odd';
  readonly flowControl?: 'none' | 'hardware';
}

export interface LineErrors {
  readonly breaks: number;
  readonly framing: number;
  readonly parity: number;
  readonly overruns: number;
  readonly unknown: number;
}

/** Called when soft errors of the line lost bytes: whoever parses must resynchronise (faults S08, S09). */
export type LineErrorListener = (name: keyof LineErrors, atMs: number) => void;

export interface SerialTransport extends ByteTransport {
  readonly usb: UsbIdentity | undefined;
  readonly line: LineSettings;
  readonly lineErrors: LineErrors;
  onLineError(listener: LineErrorListener): () => void;
  /**
   * While the speed of a device is being looked for, errors of the line are what a wrong speed looks like: they are counted and
   * told, and do not end the transport. Off again as soon as the device is known.
   */
  forgiveLineErrors(on: boolean): void;
  /** Web Serial must close and open to change the rate: 150–400 ms on real systems. */
  reconfigure(line: LineSettings, options?: CallOptions): Promise<void>;
  setSignals(signals: { readonly dtr?: boolean; readonly rts?: boolean; readonly brk?: boolean }): Promise<void>;
}

export interface UsbIdentity {
  readonly vendorId: number;
  readonly productId: number;
}

/**
 * What crosses the MessagePort between a worker and the virtual car. One port carries one serial device.
 * Both sides parse what they get.
 */
export type SimulatedLineMessage =
  | { readonly type: 'open'; readonly line: LineSettings }
  | { readonly type: 'opened'; readonly usb: UsbIdentity }
  | { readonly type: 'bytes'; readonly bytes: Uint8Array }
  | { readonly type: 'signals'; readonly dtr?: boolean; readonly rts?: boolean; readonly brk?: boolean }
  | { readonly type: 'line-error'; readonly name: keyof LineErrors }
  | { readonly type: 'close' }
  | { readonly type: 'closed'; readonly reason: CloseReason };

/** The part of a MessagePort that a simulated line needs: Node's, the browser's and a test's pair all fit. */
export interface MessagePortLike {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  removeEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  start?(): void;
  close(): void;
}
