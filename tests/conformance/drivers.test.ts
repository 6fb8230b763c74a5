import { createSlcanDriver, type SlcanOptions } from '#adapters/drivers/slcan/driver.ts';
import { openWebSerial } from '#adapters/transports/web-serial.ts';
import { FakeSerialPort } from '../support/fake-serial.ts';
import { SlcanTestDevice, type SlcanVariant } from '../support/slcan-device.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { type DriverHarness, driverSuite } from './driver-suite.ts';

interface Bench {
  readonly variant: SlcanVariant;
  readonly queueFrames: number;
  readonly inTickMs?: number;
  readonly outTickMs?: number;
  readonly options?: SlcanOptions;
}

function slcanHarness({ options, ...bench }: Bench): () => DriverHarness {
  return () => {
    const clock = new VirtualClock();
    const device = new SlcanTestDevice({ clock, ...bench });
    const port = new FakeSerialPort({ vendorId: 0xad50, productId: 0x60c4 });
    port.onWrite((bytes) => device.write(bytes));
    device.onOutput((bytes) => port.send(bytes));
    return {
      clock,
      driver: createSlcanDriver(options),
      openTransport: () => openWebSerial(port, { baudRate: 115_200 }, { clock }),
      wire: () => device.wire,
      dropped: () => device.dropped,
      violations: () => device.violations,
      receive: (id, hexData) => device.receive(id, hexData),
      unplug: () => port.unplug(),
    };
  };
}

const acknowledging = { driverId: 'slcan', acknowledges: true, queueFrames: 27, listenOnly: true } as const;
const silent = { driverId: 'slcan', acknowledges: false, listenOnly: false } as const;

driverSuite(
  'slcan, CANable v1, queue 27, USB tick 1 ms',
  { ...silent, queueFrames: 27, wireShare: 0.98 },
  slcanHarness({ variant: 'canable-v1', queueFrames: 27, inTickMs: 1, outTickMs: 1 }),
);
driverSuite(
  'slcan, CANable v2, queue 63, USB tick 1 ms',
  { ...silent, queueFrames: 63, wireShare: 0.98 },
  slcanHarness({ variant: 'canable-v2', queueFrames: 63, inTickMs: 1, outTickMs: 1 }),
);
driverSuite(
  'slcan, CANable v2, queue 63, behind a latency of 16 ms',
  { ...silent, queueFrames: 63, wireShare: 0.8 },
  slcanHarness({ variant: 'canable-v2', queueFrames: 63, inTickMs: 16, outTickMs: 1 }),
);
driverSuite(
  'slcan, CANUSB, USB tick 1 ms',
  { ...acknowledging, wireShare: 0.98 },
  slcanHarness({ variant: 'canusb', queueFrames: 27, inTickMs: 1, outTickMs: 1 }),
);
driverSuite(
  'slcan, CANUSB with a known queue of 63, behind a latency of 16 ms',
  { ...acknowledging, queueFrames: 63, wireShare: 0.8 },
  slcanHarness({
    variant: 'canusb',
    queueFrames: 63,
    inTickMs: 16,
    outTickMs: 1,
    options: { queueFrames: 63, windowFrames: 63 },
  }),
);
driverSuite(
  'slcan, CANable 2.5, no delay',
  { ...acknowledging, wireShare: 0.98 },
  slcanHarness({ variant: 'elmue', queueFrames: 27 }),
);
driverSuite(
  'slcan, CANable v2, queue 63, 16 ms in both directions',
  { ...silent, queueFrames: 63, wireShare: 0.6 },
  slcanHarness({ variant: 'canable-v2', queueFrames: 63, inTickMs: 16, outTickMs: 16 }),
);
