import { DEFAULT_ISOTP_OPTIONS, type DiagChannel, type IsoTpAddress } from '#contract/isotp.ts';
import { type ChannelHarness, channelSuite } from '../../../conformance/channel-suite.ts';
import type { StnTestEcu } from '../../../support/stn-device.ts';
import { type BenchOptions, hex, StnBench } from './bench.ts';

interface Setup extends BenchOptions {
  readonly address: IsoTpAddress;
  readonly requestId: number;
  readonly responseId: number;
}

/** A channel through a whole device, from the port on. The ECU says nothing by itself: the suite makes it speak. */
class StnHarness implements ChannelHarness {
  readonly #bench: StnBench;
  readonly #setup: Setup;
  readonly #ecu: StnTestEcu;

  constructor(setup: Setup) {
    this.#setup = setup;
    this.#bench = new StnBench(setup);
    this.#ecu = this.#bench.addEcu(setup.requestId, setup.responseId);
  }

  get clock() {
    return this.#bench.clock;
  }

  /** The device hears only while a command runs: one question before, then it listens. */
  async open(): Promise<DiagChannel> {
    const { bus } = await this.#bench.openBus();
    const channel = bus.openChannel(this.#setup.address, DEFAULT_ISOTP_OPTIONS);
    await channel.sendPdu(hex('3E00'));
    this.#ecu.received.length = 0;
    this.#ecu.answer = () => [];
    return channel;
  }

  received(): readonly Uint8Array[] {
    return this.#ecu.received;
  }

  /** The message shows on the line to the host when it is whole: that line belongs to the answer. */
  async answer(pdu: Uint8Array): Promise<void> {
    await this.#bench.device.fromEcu(this.#ecu, pdu);
    await this.#bench.device.saidAll();
  }

  beginAnswer(): Promise<void> {
    return this.#bench.device.beginFromEcu(this.#ecu);
  }

  listen(on: boolean): void {
    this.#ecu.hears = on;
  }

  refuseNext(pdu: Uint8Array): void {
    this.#ecu.refusal = Buffer.from(pdu).toString('hex');
  }

  unplug(): void {
    this.#bench.port.unplug();
  }
}

const NORMAL = { format: 'normal', requestId: 0x714, responseId: 0x77e, extendedId: false } as const;

channelSuite('STN2120 at 115200', () => new StnHarness({ address: NORMAL, requestId: 0x714, responseId: 0x77e }));

channelSuite(
  'STN2120 at 500000, every character at its time on the line',
  () =>
    new StnHarness({
      address: NORMAL,
      requestId: 0x714,
      responseId: 0x77e,
      hostRate: 500_000,
      device: { paced: true, baudRate: 500_000 },
    }),
);

channelSuite(
  'STN2120, normal fixed, 29 bit',
  () =>
    new StnHarness({
      address: { format: 'normal-fixed', target: 0x10, source: 0xf1 },
      requestId: 0x18da10f1,
      responseId: 0x18daf110,
    }),
);

channelSuite(
  'STN2120, extended addressing (BMW)',
  () =>
    new StnHarness({
      address: {
        format: 'extended',
        requestId: 0x6f1,
        responseId: 0x612,
        extendedId: false,
        target: 0x12,
        source: 0xf1,
      },
      requestId: 0x6f1,
      responseId: 0x612,
      device: { showsAddressByte: true },
    }),
);
