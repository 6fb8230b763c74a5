import { createElm327Driver } from '#adapters/drivers/elm327/driver.ts';
import { openWebSerial } from '#adapters/transports/web-serial.ts';
import { fromHex, toHex } from '#base/hex.ts';
import type { Adapter, CanConfig, IsoTpBus } from '#contract/adapter.ts';
import { type ChannelEvent, DEFAULT_ISOTP_OPTIONS, type DiagChannel, type IsoTpAddress } from '#contract/isotp.ts';
import { ElmTestDevice, type ElmVariant } from '../../../support/elm-device.ts';
import { ElmTestEcu } from '../../../support/elm-ecu.ts';
import { FakeSerialPort } from '../../../support/fake-serial.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

export const ENGINE: IsoTpAddress = { format: 'normal', requestId: 0x7e0, responseId: 0x7e8, extendedId: false };
export const GATEWAY: IsoTpAddress = { format: 'normal', requestId: 0x710, responseId: 0x77a, extendedId: false };
export const AT_500K: CanConfig = { bitRate: 500_000 };
export const OPTIONS = DEFAULT_ISOTP_OPTIONS;

export const hex = (text: string): Uint8Array => fromHex(text);
export const bytes = (lengthBytes: number, first = 0x2e): Uint8Array =>
  Uint8Array.from({ length: lengthBytes }, (_, i) => (i === 0 ? first : (i * 7) & 0xff));

export const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

/** What the ECU of most tests says: `22 F1 90` has a long answer, `2E …` is pending twice, all else is echoed + 40. */
export const VIN = hex('62F190574241574241313233343536373839303132');

export function answerOf(pdu: Uint8Array): readonly { readonly afterMs: number; readonly pdu: Uint8Array }[] {
  if (toHex(pdu) === '22F190') return [{ afterMs: 5, pdu: VIN }];
  if (pdu[0] === 0x3e && pdu[1] === 0x80) return [];
  return [{ afterMs: 5, pdu: Uint8Array.of((pdu[0] ?? 0) + 0x40, ...pdu.slice(1, 3)) }];
}

/** A device on a port, the engine's ECU behind it. `cut.afterBytes`: the cable is pulled behind so many bytes to the host. */
export function bench(variant: ElmVariant = {}) {
  const clock = new VirtualClock();
  const device = new ElmTestDevice(clock, variant);
  const port = new FakeSerialPort({ vendorId: 0x1a86, productId: 0x7523 });
  port.onWrite((written) => device.write(written));
  const cut = { afterBytes: Number.POSITIVE_INFINITY, saidBytes: 0 };
  device.onOutput((said) => {
    const left = cut.afterBytes - cut.saidBytes;
    cut.saidBytes += said.length;
    port.send(said.slice(0, Math.max(0, left)));
    if (said.length >= left) port.unplug();
  });
  const ecu = new ElmTestEcu(device, { requestId: 0x7e0, responseId: 0x7e8, functionalId: 0x7df, answers: answerOf });
  const open = async (wireless = false): Promise<Adapter | null> => {
    const transport = await openWebSerial(port, { baudRate: variant.baudRate ?? 38_400 }, { clock });
    return createElm327Driver().open(transport, { clock, wireless });
  };
  const connect = async (wireless = false): Promise<Adapter> => {
    const adapter = await open(wireless);
    if (!adapter) throw new Error('not recognised');
    return adapter;
  };
  const openBus = async (config = AT_500K): Promise<IsoTpBus> => {
    const bus = await (await connect()).isoTp?.open(config);
    if (!bus) throw new Error('no bus');
    return bus;
  };
  return { clock, device, port, ecu, cut, open, connect, openBus };
}

export function listenTo(channel: DiagChannel): ChannelEvent[] {
  const events: ChannelEvent[] = [];
  channel.onEvent((event) => events.push(event));
  return events;
}

/** Events as short text: `started 20`, `62F190…`, `failed isotp/wrong-sn`. */
export function shown(events: readonly ChannelEvent[]): string[] {
  return events.map((event) =>
    event.type === 'message'
      ? toHex(event.pdu)
      : event.type === 'started'
        ? `started ${event.lengthBytes}`
        : `failed ${event.error.code}`,
  );
}
