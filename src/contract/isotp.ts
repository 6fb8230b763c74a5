import type { CallOptions } from '#contract/call.ts';
import type { StackError } from '#contract/errors.ts';
import type { CloseReason } from '#contract/transport.ts';

/**
 * ISO 15765-2 addressing of one ECU (reference: adapters J.5). Ids as numbers.
 * `normal-fixed`: ids are 18DA TT SS / 18DA SS TT. `extended`: first data byte is the target (requests) and `source`
 * (answers). `mixed`: first data byte is the address extension.
 */
export type IsoTpAddress =
  | { readonly format: 'normal'; readonly requestId: number; readonly responseId: number; readonly extendedId: boolean }
  | { readonly format: 'normal-fixed'; readonly target: number; readonly source: number; readonly functional?: boolean }
  | {
      readonly format: 'extended';
      readonly requestId: number;
      readonly responseId: number;
      readonly extendedId: boolean;
      readonly target: number;
      readonly source: number;
    }
  | {
      readonly format: 'mixed';
      readonly requestId: number;
      readonly responseId: number;
      readonly extendedId: boolean;
      readonly addressExtension: number;
    };

/** Stable text for one ECU address: `70E-778`, `18DA10F1-18DAF110`, `6F1-612/12`. Key of a module within a vehicle. */
export type ModuleId = string;

export function moduleIdOf(address: IsoTpAddress): ModuleId {
  const hex = (id: number) => id.toString(16).toUpperCase().padStart(3, '0');
  const byte = (value: number) => value.toString(16).toUpperCase().padStart(2, '0');
  switch (address.format) {
    case 'normal':
      return `${hex(address.requestId)}-${hex(address.responseId)}`;
    case 'normal-fixed':
      return `18DA${byte(address.target)}${byte(address.source)}-18DA${byte(address.source)}${byte(address.target)}`;
    case 'extended':
      return `${hex(address.requestId)}-${hex(address.responseId)}/${byte(address.target)}`;
    case 'mixed':
      return `${hex(address.requestId)}-${hex(address.responseId)}/${byte(address.addressExtension)}`;
  }
}

/** How we behave on one address; defaults by driver and definition (reference: adapters N). Times in ms. */
export interface IsoTpOptions {
  /** Filler of short frames; null = frames as short as their data (only where a definition says so). */
  readonly padding: number | null;
  readonly nAsMs: number;
  readonly nBsMs: number;
  readonly nCrMs: number;
  /** BS and STmin (coded byte) we ask for as receiver. */
  readonly blockSize: number;
  readonly stMin: number;
  /** FC.WAIT frames we accept in a row as sender. */
  readonly maxWaits: number;
  /** Longest message we accept; a longer first frame is answered with FC.OVFLW. */
  readonly maxReceiveBytes: number;
  /** Longest message we send, 4095 unless set; above that the first frame carries the 32-bit escape length (J.1). */
  readonly maxSendBytes?: number;
  /** Functional channels send single frames only and learn who answers. */
  readonly functional?: boolean;
  /** Responders a functional channel listens to: any id in this inclusive range. */
  readonly responseRange?: { readonly from: number; readonly to: number };
}

export const DEFAULT_ISOTP_OPTIONS: IsoTpOptions = {
  padding: 0xcc,
  nAsMs: 1000,
  nBsMs: 1000,
  nCrMs: 1500,
  blockSize: 0,
  stMin: 0,
  maxWaits: 20,
  maxReceiveBytes: 4095,
};

/**
 * What a channel reports, in order. `started` = a first frame arrived (N_USData_FF.indication): the answer has begun,
 * P2 is met. `source` is the CAN id (and address byte) the message came from: functional requests have several.
 */
export type ChannelEvent =
  | { readonly type: 'started'; readonly source: ModuleId; readonly lengthBytes: number; readonly atMs: number }
  | { readonly type: 'message'; readonly source: ModuleId; readonly pdu: Uint8Array; readonly atMs: number }
  | { readonly type: 'failed'; readonly source: ModuleId; readonly error: StackError; readonly atMs: number };

/** Whole messages to one ECU (ODX: logical link), or to all with a functional address. Only the diag client sends. */
export interface DiagChannel {
  readonly moduleId: ModuleId;
  readonly functional: boolean;
  readonly closed: Promise<CloseReason>;
  /** Host ⇄ adapter latency to add to every protocol time-out, ms. */
  readonly latencyMs: number;
  /**
   * Sends one message; resolves when its last frame is confirmed (or accepted, see SendReceipt).
   * @throws StackError `isotp/*`, `adapter/*`, `can/*`, `transport/*`, `call/*`. After an error of a segmented message the ECU
   * may have got all of it only if its last frame was handed over: `isotp/refused-while-sending`, N_Bs, the WAIT limit, OVFLW and
   * a reserved flow status prove not.
   */
  sendPdu(pdu: Uint8Array, options?: CallOptions): Promise<void>;
  onEvent(listener: (event: ChannelEvent) => void): () => void;
  close(): Promise<void>;
}
