import { fromHex, toHexSpaced } from '#base/hex.ts';
import type { CanFrame } from '#contract/adapter.ts';
import type { StackError } from '#contract/errors.ts';
import { DEFAULT_ISOTP_OPTIONS, type IsoTpAddress, type IsoTpOptions } from '#contract/isotp.ts';
import type { IsoTpActions, IsoTpEngine } from '#link/isotp/actions.ts';
import { FunctionalMachine, type FunctionalRouting } from '#link/isotp/functional-machine.ts';
import { IsoTpMachine } from '#link/isotp/machine.ts';

export const ENGINE: IsoTpAddress = { format: 'normal', requestId: 0x7e0, responseId: 0x7e8, extendedId: false };
export const BMW_12: IsoTpAddress = {
  format: 'extended',
  requestId: 0x6f1,
  responseId: 0x612,
  extendedId: false,
  target: 0x12,
  source: 0xf1,
};

/** A machine whose actions become lines of text, and which is fed with hex. */
export class MachineRecorder {
  readonly machine: IsoTpEngine;
  /** `> 7E0 03 22 F1 90 CC CC CC CC`, `started 20`, `message 62 F1 90`, `failed isotp/wrong-sn`, `sent`, `not sent isotp/overflow`. */
  readonly log: string[] = [];
  readonly errors: StackError[] = [];
  readonly messages: Uint8Array[] = [];
  nowMs = 0;
  #unconfirmed: number[] = [];
  readonly #answerId: number;
  readonly #extended: boolean;

  constructor(make: (actions: IsoTpActions) => IsoTpEngine, answerId: number, extended = false) {
    const sent = (frames: readonly CanFrame[], token: number) => {
      for (const frame of frames) this.log.push(`> ${frame.id.toString(16).toUpperCase()} ${toHexSpaced(frame.data)}`);
      this.#unconfirmed.push(token);
    };
    this.#answerId = answerId;
    this.#extended = extended;
    this.machine = make({
      handOver: sent,
      answer: sent,
      started: (_source, lengthBytes) => this.log.push(`started ${lengthBytes}`),
      deliver: (_source, pdu) => {
        this.messages.push(pdu);
        this.log.push(`message ${toHexSpaced(pdu)}`);
      },
      receptionFailed: (_source, error) => {
        this.errors.push(error);
        this.log.push(`failed ${error.code}`);
      },
      sent: () => this.log.push('sent'),
      sendFailed: (error) => {
        this.errors.push(error);
        this.log.push(`not sent ${error.code}`);
      },
    });
  }

  send(hex: string): this {
    this.machine.send(fromHex(hex), this.nowMs);
    return this;
  }

  /** The adapter confirms all it was given; the frames have left the wire now, or at the time given. */
  confirm(onWireByMs = this.nowMs): this {
    const tokens = this.#unconfirmed;
    this.#unconfirmed = [];
    for (const token of tokens) this.machine.confirmed(token, this.nowMs, onWireByMs);
    return this;
  }

  /** The tokens of what the adapter was given and has not confirmed. */
  get unconfirmed(): readonly number[] {
    return this.#unconfirmed;
  }

  refuse(error: StackError): this {
    const tokens = this.#unconfirmed;
    this.#unconfirmed = [];
    for (const token of tokens) this.machine.refused(token, error, this.nowMs);
    return this;
  }

  /** A frame with the ECU's id (or another one) arrives now. */
  feed(hex: string, id = this.#answerId): this {
    this.machine.onFrame({ id, extended: this.#extended, data: fromHex(hex) }, this.nowMs);
    return this;
  }

  /** Time passes; the machine is ticked when it asked for it, as a channel does. */
  pass(ms: number): this {
    const until = this.nowMs + ms;
    for (;;) {
      const at = Math.min(this.machine.timeoutAtMs, this.machine.nextFrameAtMs);
      if (at > until) break;
      this.nowMs = Math.max(this.nowMs, at);
      this.machine.tick(this.nowMs);
    }
    this.nowMs = until;
    return this;
  }

  /** The lines since the last call. */
  take(): string[] {
    return this.log.splice(0);
  }
}

export function recordMachine(
  address: IsoTpAddress = ENGINE,
  options: Partial<IsoTpOptions> = {},
  bitRate: number | null = null,
): MachineRecorder {
  const all = { ...DEFAULT_ISOTP_OPTIONS, ...options };
  const fixed = address.format === 'normal-fixed';
  const answerId = fixed ? 0x18da0000 + address.source * 256 + address.target : address.responseId;
  const extended = fixed || address.extendedId;
  return new MachineRecorder((actions) => new IsoTpMachine(address, all, bitRate, actions), answerId, extended);
}

export function recordFunctional(
  address: IsoTpAddress,
  options: Partial<IsoTpOptions>,
  routing: Partial<FunctionalRouting> = {},
): MachineRecorder {
  const all = { ...DEFAULT_ISOTP_OPTIONS, ...options, functional: true };
  const full = { physicalOf: () => null, ownedByOthers: () => false, ...routing };
  const extended = address.format === 'normal-fixed' || address.extendedId;
  return new MachineRecorder((actions) => new FunctionalMachine(address, all, full, actions), 0x7e8, extended);
}
