import type { CanFrame } from '#contract/adapter.ts';
import { StackError } from '#contract/errors.ts';
import { type IsoTpAddress, type IsoTpOptions, type ModuleId, moduleIdOf } from '#contract/isotp.ts';
import { type IsoTpActions, type IsoTpEngine, TokenSource } from './actions.ts';
import { type FrameLayout, layoutOf } from './layout.ts';
import { type FlowControlRole, IsoTpReceiver } from './receiver.ts';
import { IsoTpSender } from './sender.ts';

/**
 * The physical address of whoever answers with this id; null = unknown. A flow control must go to the physical request
 * id, which only the definition or the address table knows (normal fixed addresses say it themselves).
 */
export type PhysicalOf = (responseId: number) => IsoTpAddress | null;

export interface FunctionalRouting {
  readonly physicalOf: PhysicalOf;
  /** True when another channel on the link sends the flow controls to this ECU. */
  readonly ownedByOthers: (responseId: number, responseByte: number | null) => boolean;
}

/** Ids that are heard at the same time; an address range names fewer. */
const MAX_RESPONDERS = 256;

/**
 * ISO 15765-2 with a functional address: requests are single frames, answers are put together per response id
 * (reference: adapters J.5). Sending and receiving do not wait for each other: the answers come from many ECUs.
 */
export class FunctionalMachine implements IsoTpEngine {
  readonly moduleId: ModuleId;
  readonly #address: IsoTpAddress;
  readonly #options: IsoTpOptions;
  readonly #layout: FrameLayout;
  readonly #range: { readonly from: number; readonly to: number };
  readonly #routing: FunctionalRouting;
  readonly #actions: IsoTpActions;
  readonly #tokens = new TokenSource();
  readonly #sender: IsoTpSender;
  readonly #responders = new Map<number, IsoTpReceiver>();

  constructor(address: IsoTpAddress, options: IsoTpOptions, routing: FunctionalRouting, actions: IsoTpActions) {
    this.moduleId = moduleIdOf(address);
    this.#address = address;
    this.#options = options;
    this.#layout = layoutOf(address);
    this.#range = options.responseRange ?? defaultRange(address, this.#layout);
    this.#routing = routing;
    this.#actions = actions;
    this.#sender = new IsoTpSender(this.#layout, options, null, this.moduleId, this.#tokens, actions);
  }

  get timeoutAtMs(): number {
    let earliest = this.#sender.timeoutAtMs;
    for (const responder of this.#responders.values()) earliest = Math.min(earliest, responder.timeoutAtMs);
    return earliest;
  }

  get nextFrameAtMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  get sendMustWait(): boolean {
    return false;
  }

  check(pdu: Uint8Array): void {
    this.#sender.check(pdu, true);
  }

  send(pdu: Uint8Array, nowMs: number): void {
    if (this.#sender.state !== 'idle')
      throw new StackError('isotp/busy', `a message to ${this.moduleId} is still on its way`, {});
    this.check(pdu);
    this.#sender.start(pdu, nowMs);
  }

  cancelSend(): void {
    this.#sender.stop();
  }

  answersTo(responseId: number, responseByte: number | null): boolean {
    if (responseId < this.#range.from || responseId > this.#range.to) return false;
    return responseByte === this.#layout.responseByte && this.#physicalOf(responseId) !== null;
  }

  onFrame(frame: CanFrame, atMs: number): void {
    const { id, data } = frame;
    const { extended, responseByte } = this.#layout;
    if (frame.extended !== extended || id < this.#range.from || id > this.#range.to) return;
    if (responseByte !== null && data[0] !== responseByte) return;
    const at = responseByte === null ? 0 : 1;
    const pci = data[at];
    if (pci === undefined || pci >> 4 > 2) return;
    const responder = this.#responders.get(id) ?? this.#newResponder(id);
    if (responder === undefined) return;
    if (pci >> 4 === 2) responder.consecutive(data, at, atMs);
    else if (pci >> 4 === 1) responder.first(data, at, atMs);
    else responder.single(data, at, atMs);
  }

  confirmed(token: number, nowMs: number, onWireByMs: number): void {
    this.#sender.confirmed(token, nowMs, onWireByMs);
    for (const responder of this.#responders.values()) responder.confirmed(token, nowMs, onWireByMs);
  }

  refused(token: number, error: StackError, nowMs: number): void {
    this.#sender.refused(token, error);
    for (const responder of this.#responders.values()) responder.refused(token, error, nowMs);
  }

  tick(nowMs: number): void {
    this.#sender.tick(nowMs);
    for (const responder of this.#responders.values()) responder.tick(nowMs);
  }

  #newResponder(responseId: number): IsoTpReceiver | undefined {
    if (this.#responders.size >= MAX_RESPONDERS) return undefined;
    const physical = this.#physicalOf(responseId);
    const layout = physical === null ? this.#layout : layoutOf(physical);
    const source = physical === null ? unknownSource(this.#address, responseId) : moduleIdOf(physical);
    const role = (): FlowControlRole => {
      if (this.#routing.ownedByOthers(responseId, this.#layout.responseByte)) return 'others';
      return physical === null ? 'nobody' : 'ours';
    };
    const responder = new IsoTpReceiver(layout, this.#options, source, this.#tokens, this.#actions, role);
    this.#responders.set(responseId, responder);
    return responder;
  }

  #physicalOf(responseId: number): IsoTpAddress | null {
    const known = this.#routing.physicalOf(responseId);
    if (known !== null || this.#address.format !== 'normal-fixed') return known;
    return { format: 'normal-fixed', target: responseId & 0xff, source: this.#address.source };
  }
}

/** Normal fixed: every ECU that answers our tester address. Else only the id the address itself names. */
function defaultRange(address: IsoTpAddress, layout: FrameLayout): { readonly from: number; readonly to: number } {
  if (address.format !== 'normal-fixed') return { from: layout.responseId, to: layout.responseId };
  const from = 0x18da_0000 + address.source * 256;
  return { from, to: from + 0xff };
}

/** A responder whose physical address is unknown: the functional id, and the id it answered with. */
function unknownSource(address: IsoTpAddress, responseId: number): ModuleId {
  return address.format === 'normal-fixed' ? moduleIdOf(address) : moduleIdOf({ ...address, responseId });
}
