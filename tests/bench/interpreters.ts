/** P13: long requests through a chip that segments (STN) and by hand through one that cannot (ELM327), at the same line speed. */
import { createElm327Driver } from '#adapters/drivers/elm327/driver.ts';
import { createStnDriver } from '#adapters/drivers/stn/driver.ts';
import { openSimulated } from '#adapters/transports/simulated.ts';
import { DEFAULT_ISOTP_OPTIONS } from '#contract/isotp.ts';
import type { InterpreterModel } from '#contract/simulator-control.ts';
import { VirtualCar } from '#simulator/car.ts';
import { V1 } from '#simulator/cars/v1.ts';
import { attachInterpreterDevice } from '#simulator/devices/interpreter/device.ts';
import { IsoTpServer, PLAIN_ISOTP } from '#simulator/isotp-server.ts';
import { MemoryCarStore } from '#simulator/memory-store.ts';
import { portPair } from '../support/port-pair.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { MESSAGE_BYTES, message, REQUEST_ID, RESPONSE_ID } from './rig.ts';
import { assertEqual, type BenchOptions, type BenchRow } from './rows.ts';

const LINES = [
  { baudRate: 115_200, goal: 2 },
  { baudRate: 500_000, goal: 4 },
] as const;
const BITS_PER_CHARACTER = 10;
/** A full frame with typical stuffing at 500 kbit/s (performance 1). */
const FRAME_MS = 0.233;
/** Of one consecutive frame by hand: sixteen digits and CR, and the two characters of a prompt. */
const CHARACTERS_PER_FRAME = 17 + 2;
const BYTES_PER_FRAME = 7;
const USB_FRAME_MS = 1;

export async function interpretersBench({ smoke }: BenchOptions): Promise<BenchRow[]> {
  const messages = smoke ? 1 : 3;
  const rows: BenchRow[] = [];
  for (const { baudRate, goal } of LINES) {
    const byHand = await bytesPerSecond('elm327-v23', baudRate, messages);
    const segmented = await bytesPerSecond('stn2120', baudRate, messages);
    const limit = handLimit(baudRate);
    const at = `${MESSAGE_BYTES} B requests, line at ${baudRate} bit/s, virtual time`;
    rows.push(
      { id: 'P13', what: `STN ÷ ELM327 by hand, ${at}`, value: segmented / byHand, unit: '×', goal: { atLeast: goal } },
      { id: 'P13', what: `STN, ${at}`, value: segmented / 1000, unit: 'kB/s', goal: null },
      { id: 'P13', what: `ELM327 by hand, ${at}`, value: byHand / 1000, unit: 'kB/s', goal: null },
      {
        id: 'P13',
        what: `ELM327 by hand, of its physical limit (characters, frame, USB: ${(limit / 1000).toFixed(2)} kB/s), ${at}`,
        value: (100 * byHand) / limit,
        unit: '%',
        goal: null,
      },
    );
  }
  return rows;
}

/**
 * The characters on the line and the frame on the bus, one after the other, by a chip that takes no time itself; the answer
 * crosses to the host with the next USB frame, and the next command to the device with the one after.
 */
function handLimit(baudRate: number): number {
  const busyMs = (CHARACTERS_PER_FRAME * BITS_PER_CHARACTER * 1000) / baudRate + FRAME_MS;
  const perFrameMs = Math.ceil(busyMs / USB_FRAME_MS) * USB_FRAME_MS + USB_FRAME_MS;
  return (BYTES_PER_FRAME * 1000) / perFrameMs;
}

async function bytesPerSecond(model: InterpreterModel, baudRate: number, messages: number): Promise<number> {
  const clock = new VirtualClock();
  const data = { ...V1, ecus: [] }; // without its own modules: an idle bus
  const car = await VirtualCar.create({ data, clock, store: new MemoryCarStore() });
  const ports = portPair();
  const device = attachInterpreterDevice(car, ports.far, { model, baudRate, tickMs: 1 });
  const arrived: { readonly bytes: number; readonly atMs: number }[] = [];
  const ecu = new IsoTpServer(
    car.kernel,
    car.bus,
    { requestId: REQUEST_ID, responseId: RESPONSE_ID, functionalIds: [] },
    {
      listening: () => true,
      begins: () => ({ quirks: PLAIN_ISOTP, note: null }),
      received: (pdu) => void arrived.push({ bytes: pdu.length, atMs: clock.now() }),
    },
  );
  return clock.run(async () => {
    const transport = await openSimulated(ports.near, { baudRate }, { clock });
    const driver = model === 'stn2120' ? createStnDriver() : createElm327Driver();
    const adapter = await driver.open(transport, { clock });
    const bus = await adapter?.isoTp?.open({ bitRate: 500_000 });
    if (!adapter || !bus) throw new Error(`bench: ${model} has no bus of messages`);
    const channel = bus.openChannel(
      { format: 'normal', requestId: REQUEST_ID, responseId: RESPONSE_ID, extendedId: false },
      DEFAULT_ISOTP_OPTIONS,
    );
    let spentMs = 0;
    for (let n = 0; n < messages; n++) {
      const startMs = clock.now();
      await channel.sendPdu(message(n + 1));
      while (arrived.length <= n) await clock.sleep(1);
      spentMs += (arrived[n]?.atMs ?? Number.NaN) - startMs;
      await clock.sleep(6000); // whatever the chip still waits for
    }
    assertEqual(
      `${model}: bytes at the ECU`,
      arrived.reduce((sum, { bytes }) => sum + bytes, 0),
      messages * MESSAGE_BYTES,
    );
    await channel.close();
    await adapter.close();
    ecu.close();
    device.detach();
    car.close();
    return (messages * MESSAGE_BYTES * 1000) / spentMs;
  });
}
