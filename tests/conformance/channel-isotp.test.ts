import { DEFAULT_ISOTP_OPTIONS, type IsoTpAddress } from '#contract/isotp.ts';
import { openIsoTpChannel } from '#link/isotp/index.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { FakeCanLink } from '../unit/isotp/fake-can-link.ts';
import { type PeerAddress, PeerReceiver, peerFrames } from '../unit/isotp/reference-peer.ts';
import { type ChannelHarness, channelSuite } from './channel-suite.ts';

interface Setup {
  readonly address: IsoTpAddress;
  readonly peer: PeerAddress;
  readonly requestId: number;
  readonly responseId: number;
  readonly extended: boolean;
  /** The ECU's flow control. */
  readonly flow: { readonly blockSize: number; readonly stMin: number };
  /** Ours. */
  readonly own: { readonly blockSize: number; readonly stMin: number };
}

/** Our channel on a bus with one ECU, whose side is the independent peer of the unit tests. */
class IsoTpHarness implements ChannelHarness {
  readonly clock = new VirtualClock();
  readonly #link = new FakeCanLink(this.clock);
  readonly #setup: Setup;
  #peer: PeerReceiver;
  #listening = true;
  #refusal: Uint8Array | null = null;
  readonly #messages: Uint8Array[] = [];

  constructor(setup: Setup) {
    this.#setup = setup;
    this.#peer = this.#newPeer();
    this.#link.nodes.push((frame) => {
      const at = setup.peer.expects === null ? 0 : 1;
      if (this.#listening && frame.id === setup.requestId && (frame.data[at] ?? 0) >> 4 !== 3)
        this.#hear(frame.data, at);
    });
  }

  async open() {
    const options = { ...DEFAULT_ISOTP_OPTIONS, ...this.#setup.own };
    return openIsoTpChannel(this.#link, this.#setup.address, options, this.clock);
  }

  received(): readonly Uint8Array[] {
    return this.#messages;
  }

  async answer(pdu: Uint8Array): Promise<void> {
    const frames = peerFrames([...pdu], this.#setup.peer);
    const { blockSize } = this.#setup.own;
    for (const [i, frame] of frames.entries()) {
      // Time for the flow control after the first frame and after each block.
      if (i === 1 || (blockSize > 0 && i > 1 && (i - 1) % blockSize === 0)) await this.clock.sleep(1);
      await this.#link.fromBus(this.#setup.responseId, frame, this.#setup.extended);
    }
  }

  async beginAnswer(lengthBytes: number): Promise<void> {
    const [first = []] = peerFrames(Array<number>(lengthBytes).fill(0), this.#setup.peer);
    await this.#link.fromBus(this.#setup.responseId, first, this.#setup.extended);
  }

  listen(on: boolean): void {
    this.#listening = on;
    this.#peer = this.#newPeer();
  }

  refuseNext(pdu: Uint8Array): void {
    this.#refusal = pdu;
  }

  unplug(): void {
    this.#link.lose();
  }

  #hear(data: Uint8Array, at: number): void {
    if (this.#refusal && (data[at] ?? 0) >> 4 === 1) {
      void this.answer(this.#refusal);
      this.#refusal = null;
      return;
    }
    for (const flow of this.#peer.frame(data))
      void this.#link.fromBus(this.#setup.responseId, flow, this.#setup.extended);
    for (const message of this.#peer.messages.splice(0)) this.#messages.push(Uint8Array.from(message));
  }

  #newPeer(): PeerReceiver {
    return new PeerReceiver(this.#setup.peer, () => ({ waits: 0, ...this.#setup.flow }));
  }
}

const NONE = { blockSize: 0, stMin: 0 };

channelSuite(
  'ISO-TP, normal addressing, 11 bit',
  () =>
    new IsoTpHarness({
      address: { format: 'normal', requestId: 0x714, responseId: 0x77e, extendedId: false },
      peer: { expects: null, sends: null },
      requestId: 0x714,
      responseId: 0x77e,
      extended: false,
      flow: NONE,
      own: NONE,
    }),
);

channelSuite(
  'ISO-TP, normal fixed, the ECU asks for BS 8 and STmin 2 ms, we for BS 4',
  () =>
    new IsoTpHarness({
      address: { format: 'normal-fixed', target: 0x10, source: 0xf1 },
      peer: { expects: null, sends: null },
      requestId: 0x18da10f1,
      responseId: 0x18daf110,
      extended: true,
      flow: { blockSize: 8, stMin: 2 },
      own: { blockSize: 4, stMin: 0 },
    }),
);

channelSuite(
  'ISO-TP, extended addressing (BMW)',
  () =>
    new IsoTpHarness({
      address: {
        format: 'extended',
        requestId: 0x6f1,
        responseId: 0x612,
        extendedId: false,
        target: 0x12,
        source: 0xf1,
      },
      peer: { expects: 0x12, sends: 0xf1 },
      requestId: 0x6f1,
      responseId: 0x612,
      extended: false,
      flow: { blockSize: 0, stMin: 0xf3 },
      own: NONE,
    }),
);
