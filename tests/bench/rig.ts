import { createSlcanDriver } from '#adapters/drivers/slcan/driver.ts';
import { openSimulated } from '#adapters/transports/simulated.ts';
import type { Clock } from '#base/clock.ts';
import { seededRandom } from '#base/random.ts';
import type { Adapter, CanConfig, CanLink } from '#contract/adapter.ts';
import { DEFAULT_ISOTP_OPTIONS, type DiagChannel, type IsoTpAddress } from '#contract/isotp.ts';
import type { SlcanFirmware } from '#contract/simulator-control.ts';
import { openIsoTpChannel, type PreciseWait } from '#link/isotp/index.ts';
import type { BusFrame } from '#simulator/can-bus.ts';
import { VirtualCar } from '#simulator/car.ts';
import { V1 } from '#simulator/cars/v1.ts';
import { attachSlcanDevice, type SlcanDevice } from '#simulator/devices/slcan/device.ts';
import { frameBits, INTERMISSION_BITS } from '#simulator/frame-bits.ts';
import { IsoTpServer, PLAIN_ISOTP } from '#simulator/isotp-server.ts';
import { MemoryCarStore } from '#simulator/memory-store.ts';
import { portPair } from '../support/port-pair.ts';

export const REQUEST_ID = 0x7e0;
export const RESPONSE_ID = 0x7e8;
const ADDRESS: IsoTpAddress = {
  format: 'normal',
  requestId: REQUEST_ID,
  responseId: RESPONSE_ID,
  extendedId: false,
};

export const MESSAGE_BYTES = 4095;

/** Bytes like those of a firmware image: their stuff bits are the typical ones. */
export function message(seed: number): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length: MESSAGE_BYTES }, () => random.below(256));
}

export interface LineOptions {
  readonly clock: Clock;
  readonly acknowledges: boolean;
  /** Frames the device holds before it drops: the driver is told the same. */
  readonly queueFrames: number;
  /** USB frame towards the host, ms; towards the device it is always 1 ms. */
  readonly tickMs: number;
  readonly bitRate: Extract<CanConfig['bitRate'], 500_000 | 1_000_000>;
  /** STmin the ECU asks for, as coded in its flow control. */
  readonly stMin?: number;
  /** See the simulator's kernel; 0 lets whoever sits inside the simulator act at the exact time of an event. */
  readonly quantumMs?: number;
}

/** A car with one ECU that takes messages and says nothing, an slcan device on its bus, and a log of the wire. */
export class Line {
  readonly car: VirtualCar;
  readonly device: SlcanDevice;
  readonly hostPort = portPair();
  /** Whole messages the ECU received. */
  readonly received: Uint8Array[] = [];
  readonly ecu: IsoTpServer<null>;
  /** Everything that was on the bus. */
  readonly wire: BusFrame[] = [];

  static async create(options: LineOptions): Promise<Line> {
    const { clock, bitRate, quantumMs = 1 } = options;
    const data = { ...V1, ecus: [] }; // without its own modules: an idle bus
    const store = new MemoryCarStore();
    return new Line(await VirtualCar.create({ data, clock, store, bitRate, quantumMs }), options);
  }

  private constructor(car: VirtualCar, options: LineOptions) {
    const { acknowledges, queueFrames, tickMs, stMin = 0 } = options;
    this.car = car;
    const firmware: SlcanFirmware = acknowledges ? 'canusb' : 'canable-v2';
    this.device = attachSlcanDevice(car, this.hostPort.far, { firmware, queueFrames, tickMs });
    const quirks = { ...PLAIN_ISOTP, stMin };
    this.ecu = new IsoTpServer(
      car.kernel,
      car.bus,
      { requestId: REQUEST_ID, responseId: RESPONSE_ID, functionalIds: [] },
      {
        listening: () => true,
        begins: () => ({ quirks, note: null }),
        received: (pdu) => void this.received.push(pdu),
      },
    );
    car.bus.tap((event) => void this.wire.push(event));
  }

  /** What the wire needs for all it carried, at the least: the stuffed bits of those very frames, and intermissions. */
  get wireMs(): number {
    const bits = this.wire.reduce((sum, { frame }) => sum + frameBits(frame) + INTERMISSION_BITS, 0);
    return (bits * 1000) / this.car.bus.bitRate;
  }

  get lastEndMs(): number {
    const bitMs = 1000 / this.car.bus.bitRate;
    return (this.wire.at(-1)?.endMs ?? Number.NaN) + INTERMISSION_BITS * bitMs;
  }

  close(): void {
    this.ecu.close();
    this.device.detach();
    this.car.close();
  }
}

/** The line with the real stack at its other end: transport, driver, link, channel. */
export interface Rig {
  readonly line: Line;
  readonly adapter: Adapter;
  readonly can: CanLink;
  readonly channel: DiagChannel;
  close(): Promise<void>;
}

export interface RigOptions extends LineOptions {
  readonly preciseWait?: PreciseWait;
  /** The driver is told nothing: the queue is what it assumes of such a device. */
  readonly asShipped?: boolean;
}

export async function openRig(options: RigOptions): Promise<Rig> {
  const { clock, queueFrames, bitRate, preciseWait } = options;
  const line = await Line.create(options);
  const transport = await openSimulated(line.hostPort.near, { baudRate: 115_200 }, { clock });
  const driver = createSlcanDriver(options.asShipped ? {} : { queueFrames });
  const adapter = await driver.open(transport, { clock });
  const can = await adapter?.can?.open({ bitRate });
  if (!adapter || !can) throw new Error('bench: the simulated adapter was not recognised');
  const latencyMs = Math.ceil(adapter.info.roundTripMs?.p99 ?? 20);
  const extras = preciseWait ? { latencyMs, preciseWait } : { latencyMs };
  const channel = openIsoTpChannel(can, ADDRESS, DEFAULT_ISOTP_OPTIONS, clock, extras);
  return {
    line,
    adapter,
    can,
    channel,
    async close() {
      await channel.close();
      await adapter.close();
      line.close();
    },
  };
}

/** Frames of one message: first frame, flow control, consecutive frames. */
export const FRAMES_PER_MESSAGE = 2 + Math.ceil((MESSAGE_BYTES - 6) / 7);
