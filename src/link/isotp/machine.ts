import { toHexSpaced } from '#base/hex.ts';
import type { CanFrame } from '#contract/adapter.ts';
import { StackError } from '#contract/errors.ts';
import { type IsoTpAddress, type IsoTpOptions, type ModuleId, moduleIdOf } from '#contract/isotp.ts';
import { type IsoTpActions, type IsoTpEngine, TokenSource } from './actions.ts';
import { singleFrameLength } from './frames.ts';
import { type FrameLayout, layoutOf } from './layout.ts';
import { IsoTpReceiver } from './receiver.ts';
import { IsoTpSender } from './sender.ts';

/** What a driver that segments in the host needs beside the machine. */
export type { IsoTpActions, IsoTpEngine } from './actions.ts';

const SF = 0;
const FF = 1;
const CF = 2;
const FC = 3;

/** An ECU says one thing at a time; more frames than this before our own confirmation are not an answer. */
const MAX_QUEUED_FRAMES = 8;

/**
 * ISO 15765-2 with one ECU on classic CAN, half duplex (reference: adapters J.4). Pure: frames, confirmations and ticks
 * come in with their time, `IsoTpActions` go out. What arrives, by what we are doing:
 *
 *     state                        SF                 FF             CF             FC
 *     idle                         deliver            receive, FC    ignore         ignore
 *     receiving                    end old, deliver   end old, new   continue (SN)  ignore
 *     handed: first / block's end  queue              ignore         ignore         queue
 *     handed: last frame           queue              queue          ignore         ignore
 *     handed: inside a block       ignore             ignore         ignore         ignore
 *     awaiting flow control        refusal, deliver   ignore         ignore         process
 *     gap (STmin)                  ignore             ignore         ignore         ignore
 *
 * "Queue": the adapter's confirmation is late, the ECU was faster; the frame is processed when the confirmation came (or
 * failed). At a block's end only frames count that can have come after it: a doubled flow control does not.
 */
export class IsoTpMachine implements IsoTpEngine {
  readonly moduleId: ModuleId;
  readonly #layout: FrameLayout;
  readonly #sender: IsoTpSender;
  readonly #receiver: IsoTpReceiver;
  #queue: { readonly frame: CanFrame; readonly atMs: number }[] = [];

  /** `bitRate` in bit/s, null when the driver does not know it (then no frame at a block's end is too early). */
  constructor(address: IsoTpAddress, options: IsoTpOptions, bitRate: number | null, actions: IsoTpActions) {
    const tokens = new TokenSource();
    this.moduleId = moduleIdOf(address);
    this.#layout = layoutOf(address);
    this.#sender = new IsoTpSender(this.#layout, options, bitRate, this.moduleId, tokens, actions);
    this.#receiver = new IsoTpReceiver(this.#layout, options, this.moduleId, tokens, actions);
  }

  get timeoutAtMs(): number {
    return Math.min(this.#sender.timeoutAtMs, this.#receiver.timeoutAtMs);
  }

  get nextFrameAtMs(): number {
    return this.#sender.nextFrameAtMs;
  }

  get sendMustWait(): boolean {
    return this.#receiver.receiving;
  }

  check(pdu: Uint8Array): void {
    this.#sender.check(pdu, false);
  }

  send(pdu: Uint8Array, nowMs: number): void {
    if (this.#sender.state !== 'idle' || this.#receiver.receiving)
      throw new StackError('isotp/busy', `a message with ${this.moduleId} is still on its way`, {});
    this.check(pdu);
    this.#sender.start(pdu, nowMs);
  }

  cancelSend(): void {
    this.#sender.stop();
    this.#processQueue();
  }

  answersTo(responseId: number, responseByte: number | null): boolean {
    return responseId === this.#layout.responseId && responseByte === this.#layout.responseByte;
  }

  onFrame(frame: CanFrame, atMs: number): void {
    const { responseId, extended, responseByte } = this.#layout;
    if (frame.id !== responseId || frame.extended !== extended) return;
    const data = frame.data;
    if (responseByte !== null && data[0] !== responseByte) return;
    const at = responseByte === null ? 0 : 1;
    const pci = data[at];
    if (pci === undefined) return;
    const type = pci >> 4;
    switch (this.#sender.state) {
      case 'idle':
        if (type === CF) this.#receiver.consecutive(data, at, atMs);
        else if (type === SF) this.#receiver.single(data, at, atMs);
        else if (type === FF) this.#receiver.first(data, at, atMs);
        return;
      case 'awaiting':
        if (type === FC) this.#sender.flowControl(data, at, atMs);
        else if (type === SF) this.#refusal(data, at, atMs);
        return;
      case 'handed':
        if (this.#canBeAnswer(type, atMs)) this.#enqueue(frame, atMs);
        return;
      case 'gap':
        return;
    }
  }

  confirmed(token: number, nowMs: number, onWireByMs: number): void {
    this.#receiver.confirmed(token, nowMs, onWireByMs);
    this.#sender.confirmed(token, nowMs, onWireByMs);
    this.#processQueue();
  }

  refused(token: number, error: StackError, nowMs: number): void {
    this.#receiver.refused(token, error, nowMs);
    this.#sender.refused(token, error);
    this.#processQueue();
  }

  tick(nowMs: number): void {
    this.#receiver.tick(nowMs);
    this.#sender.tick(nowMs);
    this.#processQueue();
  }

  /** The ECU answers instead of sending a flow control, normally `7F xx yy`: stop and deliver (J.4). */
  #refusal(data: Uint8Array, at: number, atMs: number): void {
    if (singleFrameLength(data, at) === 0) return;
    const frame = toHexSpaced(data);
    this.#sender.fail(
      new StackError(
        'isotp/refused-while-sending',
        `${this.moduleId} answered ${frame} instead of a flow control; the message was not sent to its end`,
        { frame },
      ),
    );
    this.#receiver.single(data, at, atMs);
  }

  #canBeAnswer(type: number, atMs: number): boolean {
    switch (this.#sender.handedPart) {
      case 'last':
        return type === SF || type === FF;
      case 'first':
        return type === SF || type === FC;
      case 'block-end':
        return (type === SF || type === FC) && this.#sender.mayHaveLeftBy(atMs);
      case 'middle':
        return false;
    }
  }

  #enqueue(frame: CanFrame, atMs: number): void {
    if (this.#queue.length >= MAX_QUEUED_FRAMES) return;
    this.#queue.push({ frame: { ...frame, data: frame.data.slice() }, atMs });
  }

  #processQueue(): void {
    if (this.#queue.length === 0 || this.#sender.state === 'handed') return;
    const queued = this.#queue;
    this.#queue = [];
    for (const { frame, atMs } of queued) this.onFrame(frame, atMs);
  }
}
