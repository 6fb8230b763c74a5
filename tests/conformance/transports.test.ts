import { describe, expect, it } from 'vitest';
import { openSimulated } from '#adapters/transports/simulated.ts';
import { parseFromSimulatedDevice } from '#adapters/transports/simulated-messages.ts';
import { openWebSerial } from '#adapters/transports/web-serial.ts';
import { findGrantedPorts, openGrantedPort, watchPorts } from '#adapters/transports/web-serial-ports.ts';
import { isStackError } from '#contract/errors.ts';
import type { LineErrors } from '#contract/transport.ts';
import { FakeSerial, FakeSerialPort, type SoftErrorName } from '../support/fake-serial.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { collect, type TransportHarness, transportSuite } from './transport-suite.ts';

const CANABLE = { vendorId: 0xad50, productId: 0x60c4 };
const LINE = { baudRate: 115_200 };
const SOFT: Readonly<Record<keyof LineErrors, SoftErrorName>> = {
  breaks: 'BreakError',
  framing: 'FramingError',
  parity: 'ParityError',
  overruns: 'BufferOverrunError',
  unknown: 'UnknownError',
};

function webSerialHarness(): TransportHarness {
  const clock = new VirtualClock();
  const port = new FakeSerialPort(CANABLE);
  const got: number[] = [];
  port.onWrite((bytes) => got.push(...bytes));
  return {
    clock,
    open: () => openWebSerial(port, LINE, { clock }),
    received: () => Uint8Array.from(got),
    send: (bytes) => port.send(bytes),
    lineError: (name) => port.softError(SOFT[name]),
    unplug: () => port.unplug(),
    hangClose: () => {
      port.closeHangs = true;
    },
  };
}

function simulatedHarness(): TransportHarness {
  const clock = new VirtualClock();
  const { port1, port2 } = new MessageChannel();
  const got: number[] = [];
  let hangs = false;
  port2.onmessage = ({ data }) => {
    if (data.type === 'open') port2.postMessage({ type: 'opened', usb: CANABLE });
    if (data.type === 'bytes') got.push(...data.bytes);
    if (data.type === 'close' && !hangs) port2.postMessage({ type: 'closed', reason: { kind: 'closed' } });
  };
  return {
    clock,
    open: () => openSimulated(port1 as never, LINE, { clock }),
    received: () => Uint8Array.from(got),
    send: (bytes) => port2.postMessage({ type: 'bytes', bytes }),
    lineError: (name) => port2.postMessage({ type: 'line-error', name }),
    unplug: () => port2.postMessage({ type: 'closed', reason: { kind: 'lost', detail: 'pulled' } }),
    hangClose: () => {
      hangs = true;
    },
  };
}

transportSuite('web-serial', webSerialHarness);
transportSuite('simulated', simulatedHarness);

const caught = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

describe('web-serial', () => {
  it('opens with a buffer of 64 KiB and knows its USB identity', async () => {
    const clock = new VirtualClock();
    const port = new FakeSerialPort(CANABLE);
    const transport = await clock.run(openWebSerial(port, { baudRate: 500_000, flowControl: 'hardware' }, { clock }));
    expect(port.opens).toEqual([{ baudRate: 500_000, flowControl: 'hardware', bufferSize: 65_536 }]);
    expect(transport.usb).toEqual(CANABLE);
    await transport.setSignals({ dtr: true, brk: false });
    expect(port.signals).toEqual([{ dataTerminalReady: true, break: false }]);
    await clock.run(transport.close());
    expect(port.isOpen).toBe(false);
  });

  it('S02 retries a port that a predecessor still holds, then says busy', async () => {
    const clock = new VirtualClock();
    const port = new FakeSerialPort(CANABLE);
    port.busyOpens = 2;
    await clock.run(openGrantedPort(port, LINE, { clock }));
    expect(clock.now()).toBe(200);

    const held = new FakeSerialPort(CANABLE);
    held.busyOpens = Number.POSITIVE_INFINITY;
    const error = await clock.run(caught(openGrantedPort(held, LINE, { clock })));
    expect(isStackError(error, 'transport/busy') && error.details.owner).toBe('unknown');
    expect(clock.now()).toBeLessThan(4000);
    const twice = await clock.run(caught(openWebSerial(port, LINE, { clock })));
    expect(isStackError(twice, 'transport/busy') && twice.details.owner).toBe('this-app');
  });

  it('S02 stops retrying when the wait is cancelled', async () => {
    const clock = new VirtualClock();
    const held = new FakeSerialPort(CANABLE);
    held.busyOpens = Number.POSITIVE_INFINITY;
    const stop = new AbortController();
    void clock.sleep(250).then(() => stop.abort());
    const error = await clock.run(caught(openGrantedPort(held, LINE, { clock }, { signal: stop.signal })));
    expect(isStackError(error, 'call/aborted')).toBe(true);
  });

  it('S05 finds the new port object after a replug, and all candidates where several are equal', async () => {
    const clock = new VirtualClock();
    const serial = new FakeSerial();
    const changes: string[] = [];
    const stop = watchPorts(serial, ({ type, usb }) => changes.push(`${type} ${usb?.vendorId.toString(16)}`));
    const first = serial.plugIn(CANABLE);
    serial.plugIn({ vendorId: 0x0403, productId: 0x6001 });
    const transport = await clock.run(openGrantedPort(first, LINE, { clock }));
    const second = serial.replug(first);
    expect((await clock.run(transport.closed)).kind).toBe('lost');
    expect(await findGrantedPorts(serial, CANABLE)).toEqual([second]);
    const again = await clock.run(openGrantedPort(second, LINE, { clock }));
    const got = collect(again);
    second.send(Uint8Array.of(0x41));
    await clock.advance(1);
    expect(got.bytes()).toEqual(Uint8Array.of(0x41));
    const twin = serial.plugIn(CANABLE);
    expect(await findGrantedPorts(serial, CANABLE)).toEqual([second, twin]);
    expect(changes).toEqual([
      'connected ad50',
      'connected 403',
      'disconnected ad50',
      'connected ad50',
      'connected ad50',
    ]);
    stop();
    serial.unplug(twin);
    expect(changes).toHaveLength(5);
    expect(isStackError(await clock.run(caught(openWebSerial(first, LINE, { clock }))), 'transport/busy')).toBe(true);
  });

  it('S06 says that the permission is lost when no granted port is left', async () => {
    const serial = new FakeSerial();
    serial.unplug(serial.plugIn(CANABLE));
    const error = await caught(findGrantedPorts(serial, CANABLE));
    expect(isStackError(error, 'transport/permission-lost') && error.details).toEqual(CANABLE);
    const missing = await caught(findGrantedPorts(undefined));
    expect(isStackError(missing, 'transport/unavailable')).toBe(true);
  });

  it('S16 a write that resolves proves nothing: the first one after the loss resolves too', async () => {
    const clock = new VirtualClock();
    const port = new FakeSerialPort(CANABLE);
    let heard = 0;
    port.onWrite((bytes) => {
      heard += bytes.length;
    });
    const transport = await clock.run(openWebSerial(port, LINE, { clock }));
    port.swallowsWrites = true;
    await clock.run(transport.write(Uint8Array.of(1, 2, 3)));
    expect(heard).toBe(0);
    port.unplug();
    const late = transport.write(Uint8Array.of(4)); // before the loss is told
    expect(await clock.run(caught(late))).toBe(null);
    expect((await clock.run(transport.closed)).kind).toBe('lost');
  });

  it('drains what was written before it closes: the last C of a channel leaves', async () => {
    const clock = new VirtualClock();
    const port = new FakeSerialPort(CANABLE);
    const heard: number[] = [];
    port.onWrite((bytes) => heard.push(...bytes));
    const transport = await clock.run(openWebSerial(port, LINE, { clock }));
    void transport.write(Uint8Array.of(0x43, 0x0d));
    await clock.run(transport.close());
    expect(heard).toEqual([0x43, 0x0d]);
    expect(port.isOpen).toBe(false);
  });

  it('S17 aborts a writer that hangs and still closes the port, each step capped at 2 s', async () => {
    const clock = new VirtualClock();
    const port = new FakeSerialPort(CANABLE);
    port.writesHang = true;
    const transport = await clock.run(openWebSerial(port, LINE, { clock }));
    const stuck = caught(transport.write(Uint8Array.of(1), { timeoutMs: 500 }));
    expect(isStackError(await clock.run(stuck), 'call/timeout')).toBe(true);
    await clock.run(transport.close());
    expect(clock.now()).toBeLessThanOrEqual(500 + 3 * 2000);
    expect(port.isOpen).toBe(false);
  });

  it('bounds what nobody reads: a megabyte is kept, the rest counts as overrun', async () => {
    const clock = new VirtualClock();
    const port = new FakeSerialPort(CANABLE);
    const transport = await clock.run(openWebSerial(port, LINE, { clock }));
    for (let i = 0; i < 18; i++) port.send(new Uint8Array(65_536));
    await clock.advance(1);
    expect(transport.lineErrors.overruns).toBe(2);
    await clock.run(transport.close());
  });
});

describe('simulated', () => {
  it('parses what comes through the port and refuses everything else', () => {
    const bytes = Uint8Array.of(1);
    expect(parseFromSimulatedDevice({ type: 'bytes', bytes })).toEqual({ type: 'bytes', bytes });
    expect(parseFromSimulatedDevice({ type: 'opened', usb: CANABLE, extra: 1 })).toEqual({
      type: 'opened',
      usb: CANABLE,
    });
    const long = { type: 'closed', reason: { kind: 'lost', detail: 'x'.repeat(1000) } };
    const parsed = parseFromSimulatedDevice(long);
    expect(parsed?.type === 'closed' && parsed.reason.kind === 'lost' && parsed.reason.detail.length).toBe(200);
    for (const bad of [
      null,
      'bytes',
      {},
      { type: 'bytes', bytes: [1, 2] },
      { type: 'bytes', bytes: new Uint8Array(0) },
      { type: 'bytes', bytes: new Uint8Array(65_537) },
      { type: 'opened', usb: { vendorId: 70_000, productId: 1 } },
      { type: 'opened' },
      { type: 'line-error', name: 'constructor' },
      { type: 'closed', reason: { kind: 'lost' } },
      { type: 'closed', reason: { kind: 'gone', detail: '' } },
      { type: 'open', line: LINE },
    ])
      expect(parseFromSimulatedDevice(bad)).toBe(null);
  });

  it('counts a message it does not understand as an unknown line error', async () => {
    const clock = new VirtualClock();
    const { port1, port2 } = new MessageChannel();
    port2.onmessage = ({ data }) => data.type === 'open' && port2.postMessage({ type: 'opened', usb: CANABLE });
    const transport = await clock.run(openSimulated(port1 as never, LINE, { clock }));
    port2.postMessage({ type: 'bytes', bytes: 'not bytes' });
    await clock.advance(1);
    expect(transport.lineErrors.unknown).toBe(1);
    expect(transport.usb).toEqual(CANABLE);
    port2.close();
  });

  it('says call/timeout when nobody is at the other end', async () => {
    const clock = new VirtualClock();
    const { port1 } = new MessageChannel();
    const error = await clock.run(caught(openSimulated(port1 as never, LINE, { clock })));
    expect(isStackError(error, 'call/timeout')).toBe(true);
    expect(clock.now()).toBe(2000);
  });
});
