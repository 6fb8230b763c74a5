import { fromHex, toHex } from '#base/hex.ts';
import { createStnDriver, type StnOptions } from '#adapters/drivers/stn/driver.ts';
import { openWebSerial } from '#adapters/transports/web-serial.ts';
import type { Adapter, CanConfig, IsoTpBus } from '#contract/adapter.ts';
import { type ChannelEvent, DEFAULT_ISOTP_OPTIONS, type DiagChannel, type IsoTpOptions } from '#contract/isotp.ts';
import type { SerialTransport } from '#contract/transport.ts';
import { FakeSerialPort } from '../../../support/fake-serial.ts';
import { type StnDeviceOptions, StnTestDevice, StnTestEcu } from '../../../support/stn-device.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

export interface BenchOptions extends StnOptions {
  readonly device?: Omit<StnDeviceOptions, 'clock' | 'lineRate'>;
  /** Default FTDI: a real serial line. */
  readonly vendorId?: number;
  readonly wireless?: boolean;
  readonly hostRate?: number;
}

/** A car with one STN between it and the driver. */
export class StnBench {
  readonly clock = new VirtualClock();
  readonly port: FakeSerialPort;
  readonly device: StnTestDevice;
  /** 70E/778 answers everything with its positive response. */
  readonly ecu: StnTestEcu;
  readonly #options: BenchOptions;
  readonly #hostRate: number;

  constructor(options: BenchOptions = {}) {
    this.#options = options;
    this.#hostRate = options.hostRate ?? 115_200;
    this.port = new FakeSerialPort({ vendorId: options.vendorId ?? 0x0403, productId: 0x6015 });
    this.device = new StnTestDevice({
      ...options.device,
      clock: this.clock,
      lineRate: () => this.port.opens.at(-1)?.baudRate ?? 0,
    });
    this.port.onWrite((bytes) => this.device.write(bytes));
    this.device.onOutput((bytes) => this.port.send(bytes));
    this.ecu = this.addEcu(0x70e, 0x778);
  }

  addEcu(requestId: number, responseId: number): StnTestEcu {
    const ecu = new StnTestEcu(requestId, responseId);
    ecu.answer = (pdu) => [{ afterMs: 5, hex: toHex(Uint8Array.of((pdu[0] ?? 0) + 0x40, ...pdu.subarray(1, 3))) }];
    this.device.ecus.push(ecu);
    return ecu;
  }

  openTransport(): Promise<SerialTransport> {
    return openWebSerial(this.port, { baudRate: this.#hostRate }, { clock: this.clock });
  }

  async openAdapter(): Promise<Adapter | null> {
    const { wireless, lineRates } = this.#options;
    const driver = createStnDriver(lineRates === undefined ? { lineRates: [] } : { lineRates });
    return driver.open(await this.openTransport(), {
      clock: this.clock,
      ...(wireless === undefined ? {} : { wireless }),
    });
  }

  async openBus(config: CanConfig = { bitRate: 500_000 }): Promise<{ adapter: Adapter; bus: IsoTpBus }> {
    const adapter = await this.openAdapter();
    if (!adapter?.isoTp) throw new Error('not recognised');
    const bus = await adapter.isoTp.open(config);
    return { adapter, bus };
  }
}

export function openTo(
  bus: IsoTpBus,
  requestId: number,
  responseId: number,
  options: Partial<IsoTpOptions> = {},
): DiagChannel {
  return bus.openChannel(
    { format: 'normal', requestId, responseId, extendedId: requestId > 0x7ff },
    { ...DEFAULT_ISOTP_OPTIONS, ...options },
  );
}

/** Everything the channel tells, as short texts: `778 6EF190`, `started 40`, `failed isotp/overflow`. */
export function heard(channel: DiagChannel): string[] {
  const texts: string[] = [];
  channel.onEvent((event) => texts.push(textOf(event)));
  return texts;
}

function textOf(event: ChannelEvent): string {
  if (event.type === 'started') return `started ${event.lengthBytes}`;
  if (event.type === 'failed') return `failed ${event.error.code}`;
  return `${event.source.split('-')[1] ?? event.source} ${toHex(event.pdu)}`;
}

export const hex = (text: string): Uint8Array => fromHex(text);

export const message = (lengthBytes: number, first = 0x36): Uint8Array =>
  Uint8Array.from({ length: lengthBytes }, (_, i) => (i === 0 ? first : (i * 7) & 0xff));

export const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
