import { createSlcanDriver, type SlcanOptions } from '#adapters/drivers/slcan/driver.ts';
import { openSimulated } from '#adapters/transports/simulated.ts';
import { fromHex } from '#base/hex.ts';
import type { CanFrame } from '#contract/adapter.ts';
import type { SlcanFirmware } from '#contract/simulator-control.ts';
import { VirtualCar } from '#simulator/car.ts';
import { V1 } from '#simulator/cars/v1.ts';
import { attachSlcanDevice, type SlcanOptions as DeviceOptions } from '#simulator/devices/slcan/device.ts';
import { MemoryCarStore } from '#simulator/memory-store.ts';
import { portPair } from '../support/port-pair.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { type DriverHarness, driverSuite } from './driver-suite.ts';

/** The driver at the virtual car's own slcan devices: two codecs that share nothing must agree. */
function carHarness(
  firmware: SlcanFirmware,
  slcan: SlcanOptions = {},
  device: DeviceOptions = {},
): () => DriverHarness {
  return () => {
    const clock = new VirtualClock();
    const store = new MemoryCarStore();
    const { near, far } = portPair();
    const wire: { frame: CanFrame; startMs: number; endMs: number }[] = [];
    let slcanDevice: ReturnType<typeof attachSlcanDevice> | undefined;
    let receive: (id: number, hexData: string) => void = () => undefined;
    return {
      clock,
      driver: createSlcanDriver(slcan),
      openTransport: async () => {
        const car = await VirtualCar.create({ data: V1, clock, store });
        const other = car.bus.attach(() => true);
        car.bus.tap(({ frame, startMs, endMs, from }) => {
          // its ends leave the intermission out: three bits
          if (from !== other) wire.push({ frame, startMs, endMs: endMs + 3 / 500 });
        });
        receive = (id, hexData) => other.send({ id, extended: false, rtr: false, data: fromHex(hexData) });
        slcanDevice = attachSlcanDevice(car, far, { firmware, ...device });
        return openSimulated(near, { baudRate: 115_200 }, { clock });
      },
      wire: () => wire,
      dropped: () => slcanDevice?.counters.dropped ?? 0,
      violations: () => [],
      receive: (id, hexData) => receive(id, hexData),
      unplug: () => slcanDevice?.unplug(),
    };
  };
}

const silent = { driverId: 'slcan', acknowledges: false, listenOnly: false, wireShare: 0.98 } as const;
const acknowledging = { driverId: 'slcan', acknowledges: true, listenOnly: true, wireShare: 0.98 } as const;

driverSuite('virtual car, CANable v1', { ...silent, queueFrames: 27 }, carHarness('canable-v1'));
driverSuite('virtual car, CANable v2', { ...silent, queueFrames: 63 }, carHarness('canable-v2'));
driverSuite('virtual car, CANUSB', { ...acknowledging, queueFrames: 27 }, carHarness('canusb'));
driverSuite(
  'virtual car, CANUSB with a queue of 63 behind a latency of 16 ms',
  { ...acknowledging, queueFrames: 63, wireShare: 0.8 },
  carHarness('canusb', { queueFrames: 63, windowFrames: 63 }, { queueFrames: 63, tickMs: 16 }),
);
