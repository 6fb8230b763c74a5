import { describe, expect, it } from 'vitest';
import { detectAdapter } from '#adapters/detect.ts';
import { createSlcanDriver, type SlcanOptions } from '#adapters/drivers/slcan/driver.ts';
import {
  aheadLimit,
  TransmitPacer,
  transitMsOf,
  usualRoundTripMs,
  windowFramesOf,
} from '#adapters/drivers/slcan/pacer.ts';
import { DRIVERS } from '#adapters/registry.ts';
import { openWebSerial } from '#adapters/transports/web-serial.ts';
import { findGrantedPorts, openGrantedPort } from '#adapters/transports/web-serial-ports.ts';
import { toHex } from '#base/hex.ts';
import type { Adapter, CanConfig, CanLink } from '#contract/adapter.ts';
import { isStackError } from '#contract/errors.ts';
import { batchOf, caught } from '../../conformance/driver-suite.ts';
import { type Delivery, FakeSerial, FakeSerialPort } from '../../support/fake-serial.ts';
import { bitsByHand, type SlcanDeviceOptions, SlcanTestDevice } from '../../support/slcan-device.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const USB = { vendorId: 0xad50, productId: 0x60c4 };
const LINE = { baudRate: 115_200 };
const AT_500K: CanConfig = { bitRate: 500_000 };

function bench(options: Omit<SlcanDeviceOptions, 'clock'>, usb = USB, delivery: Delivery = 'as-sent') {
  const clock = new VirtualClock();
  const device = new SlcanTestDevice({ clock, ...options });
  const port = new FakeSerialPort(usb);
  port.delivery = delivery;
  port.onWrite((bytes) => device.write(bytes));
  device.onOutput((bytes) => port.send(bytes));
  const connect = async (slcan: SlcanOptions = {}): Promise<Adapter> => {
    const transport = await openWebSerial(port, LINE, { clock });
    const adapter = await createSlcanDriver(slcan).open(transport, { clock });
    if (!adapter) throw new Error('not recognised');
    return adapter;
  };
  const openLink = async (config = AT_500K, slcan: SlcanOptions = {}): Promise<CanLink> => {
    const link = await (await connect(slcan)).can?.open(config);
    if (!link) throw new Error('no can');
    return link;
  };
  return { clock, device, port, connect, openLink };
}

describe('slcan identification', () => {
  it('tells the firmware families apart by their version text and their answers', async () => {
    const seen: unknown[] = [];
    for (const variant of ['canusb', 'usbtin', 'canable-v1', 'canable-v2', 'elmue'] as const) {
      const { clock, connect, device } = bench(
        { variant },
        variant === 'usbtin' ? { vendorId: 0x04d8, productId: 0x000a } : USB,
      );
      const { info } = await clock.run(connect());
      seen.push([info.product, info.firmware, info.serialNumber, info.acknowledges, info.transmitQueueFrames]);
      expect(device.violations).toEqual([]);
    }
    expect(seen).toEqual([
      ['LAWICEL-compatible adapter', 'V1013', 'A123', true, 27],
      ['USBtin', 'V0101', 'A123', true, 3],
      ['CANable', 'e1a77fc https://github.com/normaldotcom/canable-fw.git', null, false, 27],
      ['CANable 2', 'b158aa7 https://github.com/normaldotcom/canable2-fw.git', null, false, 63],
      ['CANable 2.5', '+Board: MksMakerbase MCU: STM32G431 Slcan: 105', null, true, 27],
    ]);
  });

  it('asks C, C, V, N and S6 before it believes in acknowledgements, then V twenty times for the round trip', async () => {
    const { clock, connect, device } = bench({ variant: 'canusb', inTickMs: 1, outTickMs: 1 });
    const { info } = await clock.run(connect());
    expect(device.lines).toEqual(['C', 'C', 'V', 'N', 'S6', ...Array(20).fill('V')]);
    expect(info.roundTripMs).toEqual({ median: 2, p99: 2 });
  });

  it('takes a device without a version text only when it answers every C with CR or BEL', async () => {
    const { clock, connect } = bench({ variant: 'unnamed' });
    const { info } = await clock.run(connect());
    expect([info.product, info.acknowledges, info.roundTripMs]).toEqual(['slcan adapter', true, null]);
  });

  it('is not taken in by an ELM327 that answers ? to everything, nor by silence', async () => {
    for (const entry of DRIVERS) await entry.load(); // a module being loaded stands still for the virtual clock
    for (const answer of ['?\r\r>', '']) {
      const clock = new VirtualClock();
      const port = new FakeSerialPort(USB);
      const heard: string[] = [];
      port.onWrite((bytes) => {
        heard.push(new TextDecoder().decode(bytes));
        if (answer) port.send(new TextEncoder().encode(answer));
      });
      const transport = await clock.run(openWebSerial(port, LINE, { clock }));
      expect(await clock.run(createSlcanDriver().open(transport, { clock }))).toBe(null);
      expect(heard).not.toContain('\r');
      const error = await clock.run(caught(detectAdapter(transport, { clock })));
      expect(isStackError(error, 'adapter/not-recognised')).toBe(true);
      await clock.run(transport.close());
    }
  });

  it('S12 does not take leftovers of an earlier session for answers', async () => {
    const { clock, connect, device, port } = bench({ variant: 'canable-v1' });
    device.isOpen = true;
    void clock.sleep(20).then(() => {
      port.send(new TextEncoder().encode('V9999\rt7E88065003003201F4AA\r3201F4AA\r\x07garbage'));
      device.receive(0x123, 'AABB');
    });
    const { info } = await clock.run(connect());
    expect(info.product).toBe('CANable');
    expect(device.isOpen).toBe(false);
  });

  it('S11 recognises the device when every byte comes alone, and when all come at once', async () => {
    for (const delivery of ['one-byte', 'coalesced'] as const) {
      const { clock, openLink, device } = bench({ variant: 'canusb' }, USB, delivery);
      await clock.run(async () => {
        const link = await openLink();
        const got: string[] = [];
        link.onFrame(({ data }) => got.push(toHex(data)));
        await link.send(batchOf(30));
        device.receive(0x7e8, '065003003201F4AA');
        device.receive(0x7e8, '30');
        await clock.sleep(20);
        expect(got).toEqual(['065003003201F4AA', '30']);
      });
    }
  });

  it('S05 knows the adapter again after a replug by its serial text, on a new port object', async () => {
    const clock = new VirtualClock();
    const serial = new FakeSerial();
    const plug = (port: FakeSerialPort): FakeSerialPort => {
      const device = new SlcanTestDevice({ clock, variant: 'canusb' });
      port.onWrite((bytes) => device.write(bytes));
      device.onOutput((bytes) => port.send(bytes));
      return port;
    };
    const first = plug(serial.plugIn(USB));
    await clock.run(async () => {
      const [granted] = await findGrantedPorts(serial, USB);
      const before = await detectAdapter(await openGrantedPort(granted, LINE, { clock }), { clock });
      plug(serial.replug(first));
      expect((await before.closed).kind).toBe('lost');
      const [again] = await findGrantedPorts(serial, USB);
      const after = await detectAdapter(await openGrantedPort(again, LINE, { clock }), { clock });
      expect(again).not.toBe(granted);
      expect(after.info.serialNumber).toBe('A123');
      expect(after.info.serialNumber).toBe(before.info.serialNumber);
    });
  });

  it('loads its driver from the registry for the USB identities of the known devices', async () => {
    const entry = DRIVERS.find(({ id }) => id === 'slcan');
    expect(entry?.usbFilters.map(({ vendorId, productId }) => toHexId(vendorId, productId))).toEqual([
      'ad50:60c4',
      '16d0:117e',
      '483:5740',
      '2e3c:5740',
      '4d8:a',
      '403:ffa8',
      '403:6001',
      '403:6015',
    ]);
    expect(typeof (await entry?.load())?.open).toBe('function');
  });
});

const toHexId = (vendorId: number, productId = 0): string => `${vendorId.toString(16)}:${productId.toString(16)}`;

describe('slcan channel', () => {
  it('opens a CANable with C, A1, M0, S6, O and asks V whether it listened', async () => {
    const { clock, openLink, device } = bench({ variant: 'canable-v2' });
    await clock.run(openLink());
    expect(device.lines.slice(-6)).toEqual(['C', 'A1', 'M0', 'S6', 'O', 'V']);
    expect(device.isOpen).toBe(true);
  });

  it('opens a CANUSB with poll, time stamps and filters set back, and closes it with C', async () => {
    const { clock, openLink, device } = bench({ variant: 'canusb' });
    const link = await clock.run(openLink({ bitRate: 250_000 }));
    expect(device.lines.slice(-7)).toEqual(['C', 'X1', 'Z0', 'M00000000', 'mFFFFFFFF', 'S5', 'O']);
    await clock.run(link.close());
    expect(device.lines.at(-1)).toBe('C');
    expect(device.isOpen).toBe(false);
  });

  it('never sends S7 to a CANable, and 83.3 kbit/s only to v2', async () => {
    const v1 = bench({ variant: 'canable-v1' });
    const adapter = await v1.clock.run(v1.connect());
    for (const bitRate of [800_000, 83_300] as const) {
      const error = await caught(adapter.can?.open({ bitRate }) ?? Promise.resolve());
      expect(isStackError(error, 'adapter/unsupported')).toBe(true);
    }
    expect(v1.device.lines.filter((line) => /^S[79]/.test(line))).toEqual([]);
    const v2 = bench({ variant: 'canable-v2' });
    await v2.clock.run(v2.openLink({ bitRate: 83_300 }));
    expect(v2.device.lines).toContain('S9');
  });

  it('waits for what is queued before it closes the channel: C would throw it away', async () => {
    const { clock, openLink, device } = bench({ variant: 'canable-v2', inTickMs: 1, outTickMs: 1 });
    await clock.run(async () => {
      const link = await openLink();
      await link.send(batchOf(52));
      await link.close();
      await clock.sleep(5);
    });
    expect(device.wire.length).toBe(52);
  });

  it('a NAK ends the batch as refused and sends nothing behind it', async () => {
    const { clock, openLink, device } = bench({ variant: 'canusb', queueFrames: 4, refuses: true });
    await clock.run(async () => {
      const link = await openLink();
      const error = await caught(link.send(batchOf(100)));
      expect(isStackError(error, 'adapter/refused')).toBe(true);
      await clock.sleep(50);
      expect(device.wire.length).toBe(4);
      await link.send(batchOf(2, 0x701));
      await clock.sleep(5);
      expect(device.wire.slice(-2).map(({ frame }) => frame.id)).toEqual([0x701, 0x701]);
    });
  });

  it('S16 says adapter/no-answer after N_As when the acknowledgements stay away', async () => {
    const { clock, openLink, device } = bench({ variant: 'canusb' });
    await clock.run(async () => {
      const link = await openLink();
      device.mute = true;
      const startMs = clock.now();
      const error = await caught(link.send(batchOf(100)));
      expect(isStackError(error, 'adapter/no-answer')).toBe(true);
      const wireMs = device.wire.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
      const endedMs = clock.now() - startMs; // a second after the last write
      expect([endedMs >= 1000, endedMs < 1000 + wireMs]).toEqual([true, true]);
      expect(device.lines.filter((line) => line.startsWith('t')).length).toBe(24); // 16, then 8; the last 3 of the window are no useful write
    });
  });

  it('S16 does not hang on a port that takes no bytes', async () => {
    const { clock, openLink, port } = bench({ variant: 'canable-v2' });
    await clock.run(async () => {
      const link = await openLink();
      port.writesHang = true;
      expect(isStackError(await caught(link.send(batchOf(3))), 'adapter/no-answer')).toBe(true);
    });
  });

  it('S08 S09 fails a batch whose acknowledgements were lost, counts, and goes on with the next', async () => {
    const { clock, openLink, port, device } = bench({ variant: 'canusb', inTickMs: 1, outTickMs: 1 });
    await clock.run(async () => {
      const link = await openLink();
      const sending = caught(link.send(batchOf(100)));
      await clock.sleep(1.5); // the answers to the first frames come at 2 ms
      port.softError('BufferOverrunError');
      expect(isStackError(await sending, 'transport/line-errors')).toBe(true);
      expect(link.counters.dropped).toBeGreaterThan(0);
      await clock.sleep(50);
      await link.send(batchOf(3, 0x701));
      await clock.sleep(5);
      expect(device.wire.at(-1)?.frame.id).toBe(0x701);
    });
  });

  it('S08 does not make one frame of the two halves around a line error', async () => {
    const { clock, openLink, port } = bench({ variant: 'canable-v1' });
    await clock.run(async () => {
      const link = await openLink();
      const got: string[] = [];
      link.onFrame(({ data }) => got.push(toHex(data)));
      port.send(new TextEncoder().encode('t7E8806500300'));
      await clock.sleep(1);
      port.softError('FramingError');
      await clock.sleep(1);
      port.send(new TextEncoder().encode('3201F4AA\rt7E8101\r'));
      await clock.sleep(1);
      expect(got).toEqual(['01']);
    });
  });

  it('S13 sees the banner of a device that reset itself, fails what was under way and opens the channel again', async () => {
    for (const variant of ['canusb', 'canable-v2'] as const) {
      const { clock, openLink, device } = bench({ variant, inTickMs: 1, outTickMs: 1 });
      await clock.run(async () => {
        const link = await openLink();
        const told: string[] = [];
        link.onBusError((flags) => told.push(flags.slice(0, 6)));
        const sending = caught(link.send(batchOf(200, 0x700)));
        const queued = caught(link.send(batchOf(5, 0x702)));
        await clock.sleep(10);
        device.reset(variant === 'canusb' ? 'V1013\r' : 'b158aa7 https://github.com/normaldotcom/canable2-fw.git\r');
        expect(isStackError(await sending, 'adapter/reset')).toBe(true);
        expect(isStackError(await queued, 'adapter/reset')).toBe(true);
        expect(told).toEqual(['reset:']);
        await link.send(batchOf(5, 0x701));
        await clock.sleep(20);
        expect(device.isOpen).toBe(true);
        expect(device.wire.slice(-5).map(({ frame }) => frame.id)).toEqual(Array(5).fill(0x701));
        expect(device.wire.some(({ frame }) => frame.id === 0x702)).toBe(false);
      });
      expect(device.violations).toEqual([]);
    }
  });

  it('S13 finds out about a silent reset when a frame is refused and F is refused too', async () => {
    const { clock, openLink, device } = bench({ variant: 'canusb' });
    await clock.run(async () => {
      const link = await openLink();
      device.reset(null);
      expect(isStackError(await caught(link.send(batchOf(2))), 'adapter/reset')).toBe(true);
      await link.send(batchOf(2));
      await clock.sleep(5);
      expect(device.wire.length).toBe(2);
    });
  });

  it('S13 ends the link when another device answers after the reset', async () => {
    const { clock, openLink, device, port } = bench({ variant: 'canusb' });
    await clock.run(async () => {
      const link = await openLink();
      const other = new SlcanTestDevice({ clock, variant: 'usbtin' });
      other.onOutput((bytes) => port.send(bytes));
      port.onWrite((bytes) => other.write(bytes));
      device.reset('V0101\r');
      const reason = await link.closed;
      expect(reason.kind === 'failed' && reason.detail).toContain('another device');
    });
  });

  it('T08 tells a bus without any other node by its flags, and stops sending', async () => {
    const { clock, openLink, device } = bench({ variant: 'canusb', refuses: true });
    await clock.run(async () => {
      const link = await openLink();
      const told: string[] = [];
      link.onBusError((flags) => told.push(flags));
      device.busDead = true;
      device.flags = 0xa4;
      await link.send(batchOf(1));
      await clock.sleep(200);
      expect(told).toEqual(['FA4']);
      const linesBefore = device.lines.length;
      const error = await caught(link.send(batchOf(3)));
      expect(isStackError(error, 'can/bus-error') && error.details.flags).toBe('FA4');
      expect(device.lines.slice(linesBefore)).toEqual(['F']);
      device.flags = 0;
      device.busDead = false;
      await link.send(batchOf(1));
    });
  });

  it('T08 silence without flags is no bus error: no node answers', async () => {
    const { clock, openLink } = bench({ variant: 'canusb' });
    await clock.run(async () => {
      const link = await openLink();
      await link.send(batchOf(1));
      await clock.sleep(500);
      expect(link.counters).toEqual({ received: 0, sent: 1, busErrors: 0, dropped: 0 });
    });
  });

  it('T08 takes bus-off from a state line, stops the batch under way, and is untold by the next good state', async () => {
    const { clock, openLink, device } = bench({ variant: 'elmue', inTickMs: 1, outTickMs: 1 });
    await clock.run(async () => {
      const link = await openLink();
      const sending = caught(link.send(batchOf(300)));
      await clock.sleep(10);
      device.say('e1a\r');
      device.say('sb255000\r');
      expect(isStackError(await sending, 'can/bus-error')).toBe(true);
      expect(link.counters.busErrors).toBe(2);
      device.say('sa000000\r');
      await clock.sleep(20);
      await link.send(batchOf(2));
    });
  });

  it('is cut at every byte of an exchange, and always ends as lost, never hangs', async () => {
    const request = batchOf(2);
    const answer = 't7E88065003003201F4AA\rt7E88100A62F190574231\r';
    for (let cut = 0; cut <= answer.length; cut++) {
      const { clock, openLink, port } = bench({ variant: 'canable-v1' });
      await clock.run(async () => {
        const link = await openLink();
        const got: string[] = [];
        link.onFrame(({ data }) => got.push(toHex(data)));
        await link.send(request);
        port.send(new TextEncoder().encode(answer.slice(0, cut)));
        await clock.sleep(1);
        port.unplug();
        expect((await link.closed).kind).toBe('lost');
        expect(got.length).toBe(cut === answer.length ? 2 : cut >= 22 ? 1 : 0);
        expect(isStackError(await caught(link.send(request)), 'can/closed')).toBe(true);
      });
    }
  });

  it('is cut at every byte of its own lines, while it connects and while it sends', async () => {
    for (let cut = 1; cut < 260; cut += 1) {
      const { clock, connect, device, port } = bench({ variant: 'canusb' });
      let written = 0;
      port.onWrite((bytes) => {
        const left = cut - written;
        written += bytes.length;
        device.write(bytes.subarray(0, Math.max(0, left)));
        if (left > 0 && bytes.length >= left) port.unplug();
      });
      const error = await clock.run(
        caught(
          (async () => {
            const adapter = await connect();
            const link = await adapter.can?.open(AT_500K);
            await link?.send(batchOf(20));
          })(),
        ),
      );
      if (written >= cut) expect(isStackError(error, 'transport/lost', 'can/closed', 'transport/closed')).toBe(true);
      expect(device.violations).toEqual([]);
    }
  });
});

describe('slcan pacing', () => {
  it('lets 16 of 27 and 52 of 63 frames be ahead of the wire', () => {
    expect([3, 16, 27, 32, 63].map(aheadLimit)).toEqual([1, 9, 16, 21, 52]);
  });

  it('takes half the round trip for the way to the device, a USB frame at least', () => {
    expect([null, 0.4, 2, 16].map(transitMsOf)).toEqual([2, 1, 1, 8]);
  });

  it('leaves two hiccups of twenty round trips out, and keeps what befalls every fifth', () => {
    const quiet = Array.from({ length: 18 }, () => 2);
    expect(usualRoundTripMs([40, ...quiet, 9])).toBe(2);
    expect(usualRoundTripMs([...quiet.slice(2), 16, 16, 16, 16])).toBe(16);
    expect([usualRoundTripMs([]), usualRoundTripMs([7])]).toEqual([null, 7]);
  });

  it('sizes the window by the latency, also above the queue; a tiny queue stays the limit', () => {
    expect(windowFramesOf(2, 500_000, 16)).toBe(21);
    expect(windowFramesOf(2, 500_000, 63)).toBe(63);
    expect(windowFramesOf(16, 500_000, 27)).toBe(81);
    expect(windowFramesOf(16, 10_000, 27)).toBe(27);
    expect(windowFramesOf(null, 1_000_000, 63)).toBe(63);
    expect(windowFramesOf(16, 500_000, 3)).toBe(3);
  });

  it('makes room exactly as the stuffed bits of each frame leave the wire', () => {
    const pacer = new TransmitPacer({ bitRate: 500_000, queueFrames: 27, transitMs: 1 });
    const frames = batchOf(16);
    for (const frame of frames) pacer.handOver(frame, 100);
    expect(pacer.room(100)).toBe(0);
    let endMs = 100;
    for (const [i, frame] of frames.entries()) {
      endMs += bitsByHand(frame) / 500;
      expect(pacer.room(endMs - 0.001)).toBe(i);
      expect(pacer.room(endMs + 1e-9)).toBe(i + 1);
    }
    expect(pacer.lastEndMs).toBeCloseTo(endMs, 9);
  });

  it('waits longer while frames of others are on the bus', () => {
    const pacer = new TransmitPacer({ bitRate: 500_000, queueFrames: 27, transitMs: 1 });
    const [frame] = batchOf(1);
    if (!frame) throw new Error('no frame');
    pacer.handOver(frame, 0);
    const aloneMs = pacer.lastEndMs;
    pacer.foreignFrame(135, 0.1);
    expect(pacer.lastEndMs).toBeCloseTo(aloneMs + 0.27, 9);
    pacer.foreignFrame(135, 10);
    expect(pacer.lastEndMs).toBeCloseTo(aloneMs + 0.27, 9);
  });

  it('reaches 98 % of the wire at 500k and 95 % at 1M with 1 ms ticks, and drops none', async () => {
    for (const variant of ['canable-v1', 'canable-v2', 'canusb'] as const)
      for (const [bitRate, share] of [
        [500_000, 0.98],
        [1_000_000, 0.95],
      ] as const) {
        const queueFrames = variant === 'canable-v2' ? 63 : 27;
        const { clock, openLink, device } = bench({ variant, queueFrames, inTickMs: 1, outTickMs: 1 });
        const options = variant === 'canusb' ? { queueFrames: 27, windowFrames: 27 } : {};
        await clock.run(async () => {
          const link = await openLink({ bitRate }, options);
          await link.send(batchOf(1200));
          await clock.sleep(50);
        });
        const busyMs = device.wire.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
        const wholeMs = (device.wire.at(-1)?.endMs ?? 0) - (device.wire[0]?.startMs ?? 0);
        expect([variant, device.dropped, device.wire.length]).toEqual([variant, 0, 1200]);
        expect(busyMs / wholeMs).toBeGreaterThan(share);
      }
  });
});
