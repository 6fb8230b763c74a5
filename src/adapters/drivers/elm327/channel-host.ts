import type { Clock } from '#base/clock.ts';
import type { CanFrame } from '#contract/adapter.ts';
import type { IsoTpAddress } from '#contract/isotp.ts';
import type { IsoTpEngine } from '#link/isotp/machine.ts';
import type { ElmChannel } from './channel.ts';

/** Frames that an ISO-TP machine wants on the wire, in order and as one block. */
export interface Job {
  readonly channel: ElmChannel;
  readonly engine: IsoTpEngine;
  readonly token: number;
  readonly frames: readonly CanFrame[];
  /** Gap between consecutive frames that the ECU asked for. */
  readonly stMinMs: number;
  /** The chip may be left listening until then: others may still be answering. */
  readonly dueMs: number;
  cancelled: boolean;
}

/** What a channel needs of its bus. */
export interface ChannelHost {
  readonly clock: Clock;
  readonly latencyMs: number;
  /** BS and STmin that we ask for when the host sends the flow control, and the longest message the device can send. */
  readonly receive: { readonly blockSize: number; readonly stMin: number };
  readonly longestSendBytes: number;
  requestTurn(channel: ElmChannel, signal: AbortSignal): void;
  enqueue(job: Job): void;
  /** A hold ended or a message waits: the running command may have to end. */
  changed(): void;
  /** The chip itself sent the flow control to the frame that is being heard, for this channel. */
  chipAnswers(channel: ElmChannel): boolean;
  /** A reception that the chip answered did not go on. */
  chipFlowControlFailed(): void;
  ownsFlowControl(channel: ElmChannel, responseId: number, responseByte: number | null): boolean;
  /** The physical address of a responder; null = unknown. */
  physicalOf(channel: ElmChannel, responseId: number): IsoTpAddress | null;
  closed(channel: ElmChannel): void;
}
