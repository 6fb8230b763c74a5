import { describe, expect, it } from 'vitest';
import { createElm327Driver } from '#adapters/drivers/elm327/driver.ts';
import { openWebSerial } from '#adapters/transports/web-serial.ts';
import { isStackError } from '#contract/errors.ts';
import type { ElmVariant } from '../../../support/elm-device.ts';
import { FakeSerialPort } from '../../../support/fake-serial.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';
import { AT_500K, bench, bytes, caught, ENGINE, hex, listenTo, OPTIONS, shown } from './bench.ts';

const infoOf = async (variant: ElmVariant, wireless = false) => {
  const { clock, connect, device } = bench(variant);
  const { info } = await clock.run(connect(wireless));
  expect(device.violations).toEqual([]);
  expect(device.wire).toEqual([]);
  expect(device.commands.filter((command) => /^AT(?:Z|WS|MA)|^[0-9A-F]+$/.test(command))).toEqual([]);
  return info;
};

/** What a genuine chip of that version does not know. */
const V14B = ['ATCTM', 'ATAMC'];
const V13A = ['ATCTM', 'ATAMC', 'ATCEA', 'ATCSM'];

describe('elm327: who is it', () => {
  it.each([
    ['v1.3a', V13A],
    ['v1.4b', V14B],
    ['v2.1', []],
    ['v2.3', []],
  ] as const)('%s with all of its commands is genuine', async (version, missing) => {
    const info = await infoOf({ version, missing });
    expect([info.genuine, info.chip, info.product, info.firmware, info.findings]).toEqual([
      'genuine',
      'ELM327',
      'ELM327',
      `ELM327 ${version}`,
      [],
    ]);
    expect([info.longestSendBytes, info.verdict.read, info.verdict.code, info.verdict.program]).toEqual([
      4095,
      { may: true },
      { may: false, reason: 'not-qualified' },
      { may: false, reason: 'too-slow' },
    ]);
  });

  it('S14 v1.5 was never made: a clone, whatever it can do', async () => {
    const info = await infoOf({ version: 'v1.5' });
    expect([info.genuine, info.chip, info.product]).toEqual(['clone', 'ELM327-like', 'ELM327 clone']);
    expect(info.findings).toEqual([{ kind: 'version-never-existed', detail: 'ELM327 v1.5' }]);
    expect([info.verdict.code, info.longestSendBytes]).toEqual([{ may: false, reason: 'clone' }, 4095]);
  });

  it.each([
    ['ATH1', 'v1.4b', 'cannot-send-long-messages'],
    ['ATAL', 'v1.4b', 'cannot-send-long-messages'],
    ['ATCAF0', 'v1.4b', 'cannot-send-long-messages'],
    ['ATCRA7E8', 'v1.4b', 'cannot-send-long-messages'],
    ['ATFCSM1', 'v1.4b', 'cannot-send-long-messages'],
    ['ATFCSH7E0', 'v1.4b', 'cannot-send-long-messages'],
    ['ATR0', 'v1.4b', 'clone'],
    ['ATAT0', 'v1.4b', 'clone'],
    ['ATSTFF', 'v1.4b', 'clone'],
    ['ATCFC0', 'v1.4b', 'clone'],
    ['ATCEA01', 'v1.4b', 'clone'],
    ['ATCSM0', 'v1.4b', 'clone'],
    ['ATJE', 'v1.4b', 'clone'],
    ['ATPPS', 'v1.4b', 'clone'],
    ['ATCTM5', 'v2.1', 'clone'],
    ['ATAMC', 'v2.1', 'clone'],
  ] as const)('%s is missing in a %s: the finding names it, coding: %s', async (command, version, reason) => {
    const info = await infoOf({ version, missing: [...(version === 'v1.4b' ? V14B : []), `${command}$`] });
    expect(info.genuine).toBe('clone');
    expect(info.findings).toEqual([{ kind: 'command-missing', detail: command }]);
    expect(info.verdict.code).toEqual({ may: false, reason });
    expect(info.longestSendBytes).toBe(reason === 'clone' ? 4095 : 7);
    expect(info.verdict.read).toEqual({ may: true });
  });

  it.each(['ATV1', 'ATL0', 'ATS0', 'ATTP6'])('%s is missing: that proves nothing', async (command) => {
    const info = await infoOf({ missing: [...V14B, `${command}$`] });
    expect([info.genuine, info.findings]).toEqual(['genuine', []]);
  });

  it('another text for AT@1 leaves it unknown, and coding waits for the check', async () => {
    const info = await infoOf({ missing: V14B, description: 'OBD Solutions' });
    expect([info.genuine, info.chip, info.verdict.code]).toEqual([
      'unknown',
      'ELM327-like',
      { may: false, reason: 'not-qualified' },
    ]);
  });

  it('a table of parameters that ends early shows a smaller buffer', async () => {
    const pps = ['00:FF F  01:FF F  02:FF F  03:32 F', '04:01 F  05:FF F'];
    const info = await infoOf({ missing: V14B, pps });
    expect([info.genuine, info.findings]).toEqual([
      'clone',
      [{ kind: 'buffer-smaller', detail: 'ATPPS: 6 of 48 parameters' }],
    ]);
  });

  it('PP 0C names another speed than the line runs at', async () => {
    const info = await infoOf({ missing: V14B, baudRate: 115_200 });
    expect(info.findings).toEqual([{ kind: 'other-speed', detail: 'PP 0C names 38400, the line runs at 115200' }]);
    expect([info.baudRate, (await infoOf({ missing: V14B })).baudRate]).toEqual([115_200, 38_400]);
  });

  it('an echo that a change of protocol brings back is told; one that stays on is only lived with', async () => {
    const forgets = await infoOf({ missing: V14B, forgets: ['echo'] });
    expect(forgets.findings).toEqual([{ kind: 'forgets-settings', detail: 'ATTP6: echo is on again' }]);
    expect((await infoOf({ missing: V14B, echoStays: true })).findings).toEqual([]);
  });

  it('behind Bluetooth: no programming, no line speed, longer waits', async () => {
    const info = await infoOf({ version: 'v1.5', latencyMs: 120 }, true);
    expect([info.wireless, info.baudRate, info.verdict.program, info.verdict.code]).toEqual([
      true,
      null,
      { may: false, reason: 'wireless' },
      { may: false, reason: 'clone' },
    ]);
  });

  it('the round trip is measured while it is asked', async () => {
    const { roundTripMs } = await infoOf({ missing: V14B, latencyMs: 20 });
    expect(roundTripMs?.median).toBeGreaterThan(20);
    expect(roundTripMs?.p99).toBeLessThan(60);
  });
});

describe('elm327: who is it not', () => {
  it.each([
    ['STN1110 answers STI', { stn: 'STN1110 v4.0.4' }],
    ['vLinker answers VTVERS', { version: 'v2.3', vtVersion: 'MIC3X2X V2.3.08' }],
  ] as const)('%s: left to its driver, the transport stays usable', async (_, variant) => {
    const { clock, device, open, port } = bench(variant);
    expect(await clock.run(open())).toBeNull();
    expect([device.wire, port.isOpen]).toEqual([[], true]);
  });

  /** Something else on the port. */
  const other = async (answer: (text: string) => string | null) => {
    const clock = new VirtualClock();
    const port = new FakeSerialPort({ vendorId: 0x0403, productId: 0x6015 });
    const send = (text: string) => port.send(Uint8Array.from(text, (character) => character.charCodeAt(0)));
    port.onWrite((written) => {
      const text = answer(String.fromCharCode(...written));
      if (text !== null) void clock.sleep(5).then(() => send(text));
    });
    const transport = await openWebSerial(port, { baudRate: 115_200 }, { clock });
    const adapter = await clock.run(createElm327Driver().open(transport, { clock }));
    const reader = transport.chunks.getReader();
    send('!');
    const next = await clock.run(reader.read());
    return { adapter, next: next.value?.bytes, ms: clock.now() };
  };

  it.each([
    ['silence', () => null],
    ['BEL of an slcan device', () => '\x07'],
    ['CR of an slcan device', () => '\r'],
    ['a K-line echo', (text: string) => text],
    ['a version text of slcan without a prompt', () => 'V1013\r'],
    ['? and a prompt', () => '?\r\r>'],
    ['a prompt and nothing else', () => '\r>'],
  ] as const)('%s: null, and the next driver can read', async (_, answer) => {
    const { adapter, next, ms } = await other(answer);
    expect([adapter, next]).toEqual([null, Uint8Array.of(0x21)]);
    expect(ms).toBeLessThan(1000);
  });

  it('a device that never stops talking is none', async () => {
    const { adapter } = await other(() => `${'t7E88065003003201F4AA\r'.repeat(4000)}`);
    expect(adapter).toBeNull();
  });

  it('an earlier session left ATMA running: it is recognised all the same', async () => {
    const { clock, device, connect } = bench({ missing: V14B });
    device.write(Uint8Array.from('ATMA\r', (character) => character.charCodeAt(0)));
    await clock.advance(50);
    const { info } = await clock.run(connect());
    expect(info.firmware).toBe('ELM327 v1.4b');
  });

  it('an earlier session left half a line: it is recognised all the same', async () => {
    const { clock, device, connect } = bench({ missing: V14B });
    device.write(Uint8Array.from('ATSH7', (character) => character.charCodeAt(0)));
    await clock.advance(50);
    expect((await clock.run(connect())).info.firmware).toBe('ELM327 v1.4b');
  });

  it('cancelling ends with call/aborted and lets go of the transport', async () => {
    const { clock, port } = bench({ missing: V14B });
    const cancel = new AbortController();
    const transport = await openWebSerial(port, { baudRate: 38_400 }, { clock });
    const opening = caught(createElm327Driver().open(transport, { clock }, { signal: cancel.signal }));
    await clock.advance(300);
    cancel.abort();
    expect(isStackError(await clock.run(opening), 'call/aborted')).toBe(true);
    expect(transport.chunks.locked).toBe(false);
  });
});

describe('elm327: what it offers', () => {
  it.each([
    ['12.6V', {}, 12.6, 0.5],
    ['11.9V', { missing: V14B }, 11.9, 0.3],
    ['4.1V', { version: 'v1.5' }, 4.1, 0.5],
  ] as const)('ATRV %s: volts with their error', async (voltage, variant, volts, errorVolts) => {
    const { clock, connect } = bench({
      version: 'v1.5',
      ...variant,
      ...('missing' in variant ? { version: 'v1.4b' } : {}),
      voltage,
    });
    const adapter = await clock.run(connect());
    expect([await clock.run(adapter.supply?.readVolts() ?? Promise.resolve(0)), adapter.supply?.errorVolts]).toEqual([
      volts,
      errorVolts,
    ]);
  });

  it('without ATRV there is no supply', async () => {
    const { clock, connect } = bench({ missing: ['ATRV'] });
    expect((await clock.run(connect())).supply).toBeUndefined();
  });

  it('round trips stay inside the device', async () => {
    const { clock, connect, device } = bench();
    const adapter = await clock.run(connect());
    const before = device.commands.length;
    const trips = await clock.run(adapter.roundTrips?.(10) ?? Promise.resolve([]));
    expect(trips.length).toBe(10);
    expect(device.commands.slice(before)).toEqual(Array.from({ length: 10 }, () => 'ATI'));
  });

  it('one bus at a time; after its end the next may open', async () => {
    const { clock, connect } = bench();
    await clock.run(async () => {
      const adapter = await connect();
      const bus = await adapter.isoTp?.open(AT_500K);
      expect(isStackError(await caught(adapter.isoTp?.open(AT_500K) ?? Promise.resolve()), 'adapter/in-use')).toBe(
        true,
      );
      await bus?.close();
      await (await adapter.isoTp?.open(AT_500K))?.close();
    });
  });

  it('a rate it cannot make and listen-only are adapter/unsupported, before anything is sent', async () => {
    const { clock, connect, device } = bench();
    await clock.run(async () => {
      const adapter = await connect();
      const before = device.commands.length;
      for (const config of [{ bitRate: 1_000_000 }, { bitRate: 500_000, listenOnly: true }] as const)
        expect(
          isStackError(await caught(adapter.isoTp?.open(config) ?? Promise.resolve()), 'adapter/unsupported'),
        ).toBe(true);
      expect(device.commands.length).toBe(before);
    });
  });

  it('one that cannot segment sends 7 bytes and refuses 8 before anything goes out', async () => {
    const { clock, device, ecu, openBus } = bench({ version: 'v1.5', missing: ['ATCAF0'] });
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      await channel.sendPdu(bytes(7));
      await clock.sleep(300);
      expect(isStackError(await caught(channel.sendPdu(bytes(8))), 'isotp/message-too-long')).toBe(true);
      expect(shown(events)).toEqual(['6E070E']);
      await channel.sendPdu(hex('22F190'));
      await clock.sleep(400);
      expect(shown(events).at(-1)?.slice(0, 6)).toBe('62F190');
    });
    expect(ecu.received).toEqual([bytes(7), hex('22F190')]);
    expect(device.violations).toEqual([]);
  });

  it('29-bit ids are another protocol: CAF, S and AL are said again for a chip that forgets them', async () => {
    const { clock, device, ecu, openBus } = bench({ version: 'v1.5', forgets: ['caf', 's', 'al'] });
    ecu.options = { ...ecu.options, requestId: 0x18da10f1, responseId: 0x18daf110, extended: true };
    await clock.run(async () => {
      const channel = (await openBus()).openChannel({ format: 'normal-fixed', target: 0x10, source: 0xf1 }, OPTIONS);
      const events = listenTo(channel);
      await channel.sendPdu(hex('22F190'));
      await clock.sleep(500);
      await channel.sendPdu(bytes(40));
      await clock.sleep(300);
      expect(shown(events).map((text) => text.slice(0, 6))).toEqual(['starte', '62F190', '6E070E']);
    });
    expect(ecu.received.at(-1)).toEqual(bytes(40));
    expect(device.settings).toMatchObject({
      caf: false,
      spaces: false,
      long: true,
      protocol: '7',
      fcHeader: '18DA10F1',
    });
    expect(device.violations).toEqual([]);
  });
});
