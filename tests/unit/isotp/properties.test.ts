import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '#base/random.ts';
import type { CanFrame } from '#contract/adapter.ts';
import { DEFAULT_ISOTP_OPTIONS, type IsoTpAddress, type IsoTpOptions } from '#contract/isotp.ts';
import { IsoTpMachine } from '#link/isotp/machine.ts';
import { BMW_12, ENGINE } from './machine-recorder.ts';
import { type FlowReply, type PeerAddress, PeerReceiver, peerFrames } from './reference-peer.ts';

const SEED = 15765;

interface Case {
  readonly name: string;
  readonly address: IsoTpAddress;
  readonly peer: PeerAddress;
  readonly requestId: number;
  readonly responseId: number;
  readonly extended: boolean;
}

const CASES: readonly Case[] = [
  {
    name: 'normal, 11 bit',
    address: ENGINE,
    peer: { expects: null, sends: null },
    requestId: 0x7e0,
    responseId: 0x7e8,
    extended: false,
  },
  {
    name: 'normal, 29 bit',
    address: { format: 'normal', requestId: 0x17fc0076, responseId: 0x17fe0076, extendedId: true },
    peer: { expects: null, sends: null },
    requestId: 0x17fc0076,
    responseId: 0x17fe0076,
    extended: true,
  },
  {
    name: 'normal fixed',
    address: { format: 'normal-fixed', target: 0x10, source: 0xf1 },
    peer: { expects: null, sends: null },
    requestId: 0x18da10f1,
    responseId: 0x18daf110,
    extended: true,
  },
  {
    name: 'extended',
    address: BMW_12,
    peer: { expects: 0x12, sends: 0xf1 },
    requestId: 0x6f1,
    responseId: 0x612,
    extended: false,
  },
  {
    name: 'mixed, 11 bit',
    address: { format: 'mixed', requestId: 0x7e0, responseId: 0x7e8, extendedId: false, addressExtension: 0x21 },
    peer: { expects: 0x21, sends: 0x21 },
    requestId: 0x7e0,
    responseId: 0x7e8,
    extended: false,
  },
  {
    name: 'mixed, 29 bit',
    address: {
      format: 'mixed',
      requestId: 0x18ce10f1,
      responseId: 0x18cef110,
      extendedId: true,
      addressExtension: 0x21,
    },
    peer: { expects: 0x21, sends: 0x21 },
    requestId: 0x18ce10f1,
    responseId: 0x18cef110,
    extended: true,
  },
];

/** The machine at one end of a wire without delay; frames it sends are confirmed at once, time jumps to what it waits for. */
class Wire {
  readonly machine: IsoTpMachine;
  readonly delivered: Uint8Array[] = [];
  readonly outcomes: string[] = [];
  readonly out: CanFrame[] = [];
  readonly #setup: Case;
  #tokens: number[] = [];
  nowMs = 0;

  constructor(setup: Case, options: Partial<IsoTpOptions>) {
    this.#setup = setup;
    const take = (frames: readonly CanFrame[], token: number) => {
      this.out.push(...frames);
      this.#tokens.push(token);
    };
    this.machine = new IsoTpMachine(setup.address, { ...DEFAULT_ISOTP_OPTIONS, ...options }, null, {
      handOver: take,
      answer: take,
      started: () => undefined,
      deliver: (_source, pdu) => this.delivered.push(pdu),
      receptionFailed: (_source, error) => this.outcomes.push(error.code),
      sent: () => this.outcomes.push('sent'),
      sendFailed: (error) => this.outcomes.push(error.code),
    });
  }

  /** The frames sent since the last call, confirmed. */
  takeOut(): CanFrame[] {
    const tokens = this.#tokens;
    this.#tokens = [];
    for (const token of tokens) this.machine.confirmed(token, this.nowMs, this.nowMs);
    return this.out.splice(0);
  }

  feed(data: readonly number[]): void {
    const { responseId: id, extended } = this.#setup;
    this.machine.onFrame({ id, extended, data: Uint8Array.from(data) }, this.nowMs);
  }

  jump(): void {
    this.nowMs = Math.min(this.machine.nextFrameAtMs, this.machine.timeoutAtMs);
    this.machine.tick(this.nowMs);
  }
}

function payload(length: number, seed: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length }, () => random.below(256));
}

/** Plain comparison: the matchers are too slow for millions of bytes. */
function same(a: ArrayLike<number> | undefined, b: readonly number[]): boolean {
  return a !== undefined && a.length === b.length && b.every((byte, i) => byte === a[i]);
}

function expectOnly(messages: readonly number[][], message: readonly number[]): void {
  if (messages.length !== 1 || !same(messages[0], message)) expect(messages).toEqual([message]);
}

/** Sends through the machine into the independent receiver. */
function sendThrough(
  setup: Case,
  message: number[],
  options: Partial<IsoTpOptions>,
  reply: () => FlowReply,
): number[][] {
  const wire = new Wire(setup, options);
  const peer = new PeerReceiver(setup.peer, reply);
  wire.machine.send(Uint8Array.from(message), 0);
  while (wire.outcomes.length === 0) {
    const frames = wire.takeOut();
    if (frames.length === 0) wire.jump();
    for (const frame of frames) {
      if (frame.id !== setup.requestId || frame.extended !== setup.extended) throw new Error('sent with a wrong id');
      if (options.padding !== null && frame.data.length !== 8) throw new Error('a frame is not padded');
      for (const flow of peer.frame(frame.data)) wire.feed(flow);
    }
  }
  expect(wire.outcomes).toEqual(['sent']);
  return peer.messages;
}

/** Receives from the independent sender, which keeps to the machine's flow controls. Returns the count of flow controls. */
function receiveThrough(setup: Case, message: number[], options: Partial<IsoTpOptions>, padded: boolean): number {
  const wire = new Wire(setup, options);
  let allowed = 1;
  let flowControls = 0;
  for (const frame of peerFrames(message, setup.peer, padded)) {
    if (allowed === 0) throw new Error('no flow control at the end of a block');
    allowed--;
    wire.feed(frame);
    for (const { id, extended, data } of wire.takeOut()) {
      flowControls++;
      const at = setup.peer.expects === null ? 0 : 1;
      expect([id, extended]).toEqual([setup.requestId, setup.extended]);
      if (at === 1) expect(data[0]).toBe(setup.peer.expects);
      expect([data[at], data[at + 1], data[at + 2]]).toEqual([0x30, options.blockSize ?? 0, options.stMin ?? 0]);
      expect(allowed).toBe(0); // exactly at the end of a block
      allowed = options.blockSize ? options.blockSize : Number.POSITIVE_INFINITY;
    }
  }
  expect(wire.outcomes).toEqual([]);
  if (wire.delivered.length !== 1 || !same(wire.delivered[0], message)) throw new Error('not delivered as sent');
  return flowControls;
}

describe.each(CASES)('$name', (setup) => {
  const long = fc.record({
    length: fc.oneof(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 4095 }),
      fc.integer({ min: 4090, max: 9000 }),
    ),
    seed: fc.nat(),
    blockSize: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 255 })),
    stMin: fc.oneof(fc.constant(0), fc.nat(255)),
    padding: fc.oneof(fc.constant(null), fc.nat(255)),
  });

  it('any message reaches an independent receiver whole, with its BS, STmin and WAITs changing at every block', () => {
    fc.assert(
      fc.property(long, fc.nat(), ({ length, seed, padding }, replySeed) => {
        const message = payload(length, seed);
        const random = seededRandom(replySeed);
        const reply = () => ({
          waits: random.below(4) === 0 ? random.below(20) : 0,
          blockSize: random.below(3) === 0 ? 0 : 1 + random.below(255),
          stMin: random.below(2) === 0 ? 0 : random.below(256),
        });
        expectOnly(sendThrough(setup, message, { padding, maxSendBytes: 9000 }, reply), message);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it('any message of an independent sender arrives whole, with one flow control per block', () => {
    fc.assert(
      fc.property(long, fc.boolean(), ({ length, seed, blockSize, stMin, padding }, padded) => {
        const options = { blockSize, stMin, padding, maxReceiveBytes: 9000 };
        const message = payload(length, seed);
        const frames = peerFrames(message, setup.peer).length - 1;
        const blocks = frames === 0 ? 0 : blockSize === 0 ? 1 : Math.ceil(frames / blockSize);
        expect(receiveThrough(setup, message, options, padded)).toBe(blocks);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it('every BS from 0 to 255, both ways', () => {
    const message = payload(700, SEED);
    for (let blockSize = 0; blockSize < 256; blockSize++) {
      expectOnly(
        sendThrough(setup, message, {}, () => ({ waits: 0, blockSize, stMin: 0 })),
        message,
      );
      receiveThrough(setup, message, { blockSize }, true);
    }
  });

  it('every length from 1 to 130 and around 4095, both ways', () => {
    const lengths = [...Array.from({ length: 130 }, (_, i) => i + 1), 4093, 4094, 4095, 4096, 4097];
    for (const length of lengths) {
      const message = payload(length, length);
      const options = { maxSendBytes: 5000, maxReceiveBytes: 5000 };
      expectOnly(
        sendThrough(setup, message, options, () => ({ waits: 0, blockSize: 0, stMin: 0 })),
        message,
      );
      receiveThrough(setup, message, options, true);
    }
  });
});

it('every length from 1 to 4095 with normal addressing, both ways', () => {
  const setup = CASES[0] as Case;
  const whole = payload(4095, SEED);
  for (let length = 1; length <= 4095; length++) {
    const message = whole.slice(0, length);
    expectOnly(
      sendThrough(setup, message, {}, () => ({ waits: 0, blockSize: 0, stMin: 0 })),
      message,
    );
    receiveThrough(setup, message, {}, false);
  }
});

describe('garbage', () => {
  const byte = fc.nat(255);
  const garbage = fc.oneof(
    fc.array(byte, { maxLength: 8 }),
    fc
      .tuple(fc.constantFrom(0x00, 0x05, 0x10, 0x21, 0x22, 0x30, 0x31, 0x32, 0x3f), fc.array(byte, { maxLength: 7 }))
      .map(([pci, rest]) => [pci, ...rest]),
  );
  const steps = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: garbage.map((data) => ({ do: 'frame' as const, data })) },
      { weight: 2, arbitrary: fc.constant({ do: 'confirm' as const }) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 30 }).map((length) => ({ do: 'send' as const, length })) },
      { weight: 1, arbitrary: fc.constant({ do: 'jump' as const }) },
      { weight: 1, arbitrary: fc.constant({ do: 'cancel' as const }) },
    ),
    { maxLength: 60 },
  );

  it.each(CASES)('never throws, and the machine works as before afterwards: $name', (setup) => {
    fc.assert(
      fc.property(steps, (sequence) => {
        const wire = new Wire(setup, { maxReceiveBytes: 4095 });
        const head = setup.peer.sends === null ? [] : [setup.peer.sends];
        for (const step of sequence) {
          if (step.do === 'frame') wire.feed([...head, ...step.data].slice(0, 8));
          else if (step.do === 'confirm') wire.takeOut();
          else if (step.do === 'cancel') wire.machine.cancelSend();
          else if (step.do === 'jump' && Math.min(wire.machine.nextFrameAtMs, wire.machine.timeoutAtMs) < 1e9)
            wire.jump();
          else if (step.do === 'send' && !wire.machine.sendMustWait) {
            wire.machine.cancelSend();
            if (!wire.machine.sendMustWait) wire.machine.send(Uint8Array.from(payload(step.length, 1)), wire.nowMs);
          }
        }
        wire.machine.cancelSend();
        wire.delivered.length = 0;
        wire.feed([...head, 0x02, 0x7e, 0x00]);
        expect(wire.delivered.map((pdu) => Array.from(pdu))).toEqual([[0x7e, 0x00]]);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('frames lost, doubled, swapped and cut on the way never change a delivered byte', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8, max: 400 }),
        fc.array(fc.record({ what: fc.constantFrom('lose', 'double', 'swap', 'cut'), at: fc.nat(60) }), {
          maxLength: 4,
        }),
        (length, faults) => {
          const setup = CASES[0] as Case;
          const message = payload(length, length);
          const frames = peerFrames(message, setup.peer);
          for (const { what, at } of faults) {
            const i = at % frames.length;
            const frame = frames[i] ?? [];
            if (what === 'lose' && frames.length > 1) frames.splice(i, 1);
            else if (what === 'double') frames.splice(i, 0, frame);
            else if (what === 'swap') frames.splice(i, 2, ...frames.slice(i, i + 2).reverse());
            else frames[i] = frame.slice(0, -1 - (at % 7));
          }
          const wire = new Wire(setup, {});
          for (const frame of frames) {
            wire.feed(frame);
            wire.takeOut();
          }
          for (const pdu of wire.delivered) expect(Array.from(pdu)).toEqual(message);
        },
      ),
      { seed: SEED, numRuns: 500 },
    );
  });
});
