import { describe, expect, it } from 'vitest';
import { toHex } from '#base/hex.ts';
import { isStackError } from '#contract/errors.ts';
import type { ChannelEvent, IsoTpAddress } from '#contract/isotp.ts';
import type { ElmVariant } from '../../../support/elm-device.ts';
import { ElmTestEcu } from '../../../support/elm-ecu.ts';
import { answerOf, bench, bytes, caught, ENGINE, GATEWAY, hex, listenTo, OPTIONS, shown, VIN } from './bench.ts';

const V14B: ElmVariant = { missing: ['ATCTM', 'ATAMC'] };

describe('elm327: long requests', () => {
  it('WAIT twice, then BS 0: the message arrives whole', async () => {
    const { clock, device, ecu, openBus } = bench(V14B);
    ecu.options = { ...ecu.options, waits: 2 };
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      await channel.sendPdu(bytes(30));
      await clock.sleep(100);
      expect(ecu.received).toEqual([bytes(30)]);
    });
    expect([device.violations, ecu.violations]).toEqual([[], []]);
  });

  it('more WAIT than maxWaits ends with isotp/wait-limit, and no consecutive frame was sent', async () => {
    const { clock, device, ecu, openBus } = bench(V14B);
    ecu.options = { ...ecu.options, waits: 4 };
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, { ...OPTIONS, maxWaits: 3 });
      expect(isStackError(await caught(channel.sendPdu(bytes(30))), 'isotp/wait-limit')).toBe(true);
    });
    expect(device.wire.filter(({ data }) => (data[0] ?? 0) >> 4 === 2)).toEqual([]);
  });

  it.each([
    [2, 'isotp/overflow'],
    [5, 'isotp/invalid-fs'],
  ] as const)('flow status %i: %s, nothing more is sent, the next message goes', async (flowStatus, code) => {
    const { clock, device, ecu, openBus } = bench(V14B);
    const plain = ecu.options;
    ecu.options = { ...plain, flowStatus };
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      expect(isStackError(await caught(channel.sendPdu(bytes(30))), code)).toBe(true);
      expect(device.wire.length).toBe(1);
      ecu.options = plain;
      await channel.sendPdu(bytes(30));
      await clock.sleep(100);
    });
    expect([ecu.received, device.violations]).toEqual([[bytes(30)], []]);
  });

  it('7F 2E 33 instead of the flow control: refused, delivered, nothing more is sent', async () => {
    const { clock, device, ecu, openBus } = bench(V14B);
    ecu.options = { ...ecu.options, refusal: hex('7F2E33') };
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      expect(isStackError(await caught(channel.sendPdu(bytes(30))), 'isotp/refused-while-sending')).toBe(true);
      expect(shown(events)).toEqual(['7F2E33']);
      await clock.sleep(500);
    });
    expect(device.wire.length).toBe(1);
  });

  it('no flow control: isotp/timeout-n-bs with the six bytes that left', async () => {
    const { clock, ecu, openBus } = bench(V14B);
    ecu.listens = false;
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const error = await caught(channel.sendPdu(bytes(30)));
      expect(isStackError(error, 'isotp/timeout-n-bs') && error.details.sentBytes).toBe(6);
    });
  });

  it('a block of 40 frames goes out with responses off, the last one with responses on', async () => {
    const { clock, device, ecu, openBus } = bench(V14B);
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      await channel.sendPdu(bytes(6 + 40 * 7));
      await clock.sleep(100);
    });
    expect(ecu.received).toEqual([bytes(286)]);
    const from = device.commands.lastIndexOf('ATR0');
    expect(device.commands.slice(from + 1, from + 40).every((command) => /^2[0-9A-F]{15}$/.test(command))).toBe(true);
    expect(device.commands.slice(from + 40, from + 42)).toEqual(['ATR1', expect.stringMatching(/^28/)]);
  });

  it('a device that heeds no space: no interrupt, short waits, and the message still arrives', async () => {
    const { clock, device, ecu, openBus } = bench({ ...V14B, heedsOnlyCr: true });
    ecu.options = { ...ecu.options, blockSize: 4 };
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      await channel.sendPdu(bytes(60));
      await clock.sleep(1000);
      await channel.sendPdu(hex('22F190'));
      await clock.sleep(1000);
      expect(shown(events)).toEqual(['6E070E', 'started 21', toHex(VIN)]);
    });
    expect(ecu.received).toEqual([bytes(60), hex('22F190')]);
    expect(device.commands.filter((command) => command === 'ATMA').length).toBe(1);
    expect(device.violations).toEqual(['"\\r" while busy']); // the one try, at open
  });
});

describe('elm327: long answers', () => {
  const read = async (variant: ElmVariant, mangle?: (frames: readonly Uint8Array[]) => readonly Uint8Array[]) => {
    const { clock, device, ecu, openBus } = bench(variant);
    ecu.options = { ...ecu.options, ...(mangle ? { mangle } : {}) };
    let events: ChannelEvent[] = [];
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      events = listenTo(channel);
      await channel.sendPdu(hex('22F190'));
      await clock.sleep(4000);
      ecu.options = { ...ecu.options, mangle: (frames) => frames };
      await channel.sendPdu(hex('3E00'));
      await clock.sleep(200);
    });
    expect([device.violations, ecu.violations]).toEqual([[], []]);
    return { events: shown(events), ecu, device };
  };

  it.each([
    ['the first lost', (frames: readonly Uint8Array[]) => frames.slice(1), 'failed isotp/wrong-sn'],
    ['the last lost', (frames: readonly Uint8Array[]) => frames.slice(0, -1), 'failed isotp/timeout-n-cr'],
    [
      'the first doubled',
      (frames: readonly Uint8Array[]) => [...frames.slice(0, 1), ...frames],
      'failed isotp/wrong-sn',
    ],
    ['two swapped', (frames: readonly Uint8Array[]) => [...frames].reverse(), 'failed isotp/wrong-sn'],
  ] as const)('%s: never a message, the next answer is heard', async (_, mangle, failure) => {
    expect((await read(V14B, mangle)).events).toEqual(['started 21', failure, '7E00']);
  });

  it('a chip whose flow control does not work: one time-out, from then on the host sends it', async () => {
    const { clock, ecu, device, openBus } = bench({ ...V14B, chipFlowControlBroken: true });
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      for (let i = 0; i < 2; i++) {
        await channel.sendPdu(hex('22F190'));
        await clock.sleep(4000);
      }
      expect(shown(events)).toEqual(['started 21', 'failed isotp/timeout-n-cr', 'started 21', toHex(VIN)]);
    });
    expect(ecu.flowControls).toEqual(['30030A']);
    expect(device.violations).toEqual([]);
  });

  it('a chip without user flow control gets it from the host, block by block', async () => {
    const { clock, ecu, device, openBus } = bench({ version: 'v1.5', missing: ['ATFCS', 'ATCTM'] });
    ecu.options = { ...ecu.options, answers: () => [{ afterMs: 5, pdu: bytes(70, 0x62) }] };
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      await channel.sendPdu(hex('22F190'));
      await clock.sleep(2000);
      expect(shown(events)).toEqual(['started 70', toHex(bytes(70, 0x62))]);
    });
    expect(ecu.flowControls).toEqual(['30030A', '30030A', '30030A', '30030A']);
    expect(device.violations).toEqual([]);
  });

  it('BUFFER FULL: the answer is lost with adapter/buffer-full, the next one comes in blocks of the host', async () => {
    const { clock, ecu, device, openBus } = bench({ ...V14B, bufferChars: 150 });
    ecu.options = { ...ecu.options, answers: () => [{ afterMs: 5, pdu: bytes(120, 0x62) }] };
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(ENGINE, OPTIONS);
      const events = listenTo(channel);
      for (let i = 0; i < 2; i++) {
        await channel.sendPdu(hex('22F190'));
        await clock.sleep(4000);
      }
      expect(shown(events)).toEqual([
        'started 120',
        'failed adapter/buffer-full',
        'started 120',
        toHex(bytes(120, 0x62)),
      ]);
    });
    expect(device.violations).toEqual([]);
  });
});

describe('elm327: addresses', () => {
  it('BMW extended addressing: id 6F1, data 12 PCI; answers 612 with F1; the host sends 12 30 … (A.11)', async () => {
    const { clock, device, openBus } = bench(V14B);
    device.ecus.length = 0;
    const ecu = new ElmTestEcu(device, {
      requestId: 0x6f1,
      responseId: 0x612,
      bytes: { target: 0x12, source: 0xf1 },
      answers: answerOf,
    });
    const address: IsoTpAddress = {
      format: 'extended',
      requestId: 0x6f1,
      responseId: 0x612,
      extendedId: false,
      target: 0x12,
      source: 0xf1,
    };
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(address, OPTIONS);
      const events = listenTo(channel);
      await channel.sendPdu(hex('22F190'));
      await clock.sleep(1500);
      await channel.sendPdu(bytes(20));
      await clock.sleep(300);
      expect(shown(events)).toEqual(['started 21', toHex(VIN), '6E070E']);
    });
    expect(ecu.received).toEqual([hex('22F190'), bytes(20)]);
    expect(device.wire.slice(0, 2).map(({ id, data }) => [id, toHex(data)])).toEqual([
      [0x6f1, '120322F190CCCCCC'],
      [0x6f1, '1230030ACCCCCCCC'],
    ]);
    expect([device.settings.chipFlow, device.violations, ecu.violations]).toEqual([false, [], []]);
  });

  it('extended addressing without CAF0 is adapter/unsupported, before anything goes out', async () => {
    const { clock, openBus } = bench({ version: 'v1.5', missing: ['ATCAF0'] });
    await clock.run(async () => {
      const bus = await openBus();
      const address = {
        format: 'mixed',
        requestId: 0x7e0,
        responseId: 0x7e8,
        extendedId: false,
        addressExtension: 1,
      } as const;
      expect(() => bus.openChannel(address, OPTIONS)).toThrow(/extended or mixed/);
      expect(() => bus.openChannel({ ...ENGINE, requestId: 0x800 } as IsoTpAddress, OPTIONS)).toThrow(RangeError);
    });
  });

  it('frames without padding go out as short as their data (V1)', async () => {
    const { clock, device, openBus } = bench(V14B);
    await clock.run(async () => {
      await (await openBus()).openChannel(ENGINE, { ...OPTIONS, padding: null }).sendPdu(hex('3E00'));
    });
    expect(device.commands).toContain('ATV1');
    expect(device.commands).toContain('023E00');
  });
});

describe('elm327: all ECUs at once', () => {
  const FUNCTIONAL: IsoTpAddress = { format: 'normal', requestId: 0x7df, responseId: 0x7e8, extendedId: false };
  const RANGE = { ...OPTIONS, functional: true, responseRange: { from: 0x7e8, to: 0x7ef } };

  it('collects single and long answers, each long one gets its flow control on its own id', async () => {
    const { clock, device, ecu, openBus } = bench(V14B);
    const others = [1, 2, 5].map(
      (n) =>
        new ElmTestEcu(device, {
          requestId: 0x7e0 + n,
          responseId: 0x7e8 + n,
          functionalId: 0x7df,
          answers: () => [{ afterMs: 3 * n, pdu: n === 2 ? hex('7F2231') : VIN }],
        }),
    );
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(FUNCTIONAL, RANGE);
      const events = listenTo(channel);
      await channel.sendPdu(hex('22F190'));
      await clock.sleep(2000);
      const messages = events.flatMap((event) =>
        event.type === 'message' ? [`${event.source} ${toHex(event.pdu)}`] : [],
      );
      expect(messages.sort()).toEqual(
        [`7E0-7E8 ${toHex(VIN)}`, `7E1-7E9 ${toHex(VIN)}`, '7E2-7EA 7F2231', `7E5-7ED ${toHex(VIN)}`].sort(),
      );
    });
    expect([ecu, ...others].map(({ flowControls }) => flowControls)).toEqual([['30030A'], ['30030A'], [], ['30030A']]);
    expect(device.violations).toEqual([]);
  });

  it('a request longer than one frame is refused', async () => {
    const { clock, openBus } = bench(V14B);
    await clock.run(async () => {
      const channel = (await openBus()).openChannel(FUNCTIONAL, RANGE);
      expect(isStackError(await caught(channel.sendPdu(bytes(8))), 'isotp/message-too-long')).toBe(true);
    });
  });

  it('an ECU with a channel of its own tells both, and gets one flow control', async () => {
    const { clock, device, openBus } = bench(V14B);
    const gateway = new ElmTestEcu(device, {
      requestId: 0x710,
      responseId: 0x77a,
      functionalId: 0x700,
      answers: () => [{ afterMs: 5, pdu: VIN }],
    });
    await clock.run(async () => {
      const bus = await openBus();
      const own = listenTo(bus.openChannel(GATEWAY, OPTIONS));
      const all = bus.openChannel(
        { format: 'normal', requestId: 0x700, responseId: 0x77a, extendedId: false },
        { ...OPTIONS, functional: true, responseRange: { from: 0x760, to: 0x7ff } },
      );
      const events = listenTo(all);
      await all.sendPdu(hex('22F190'));
      await clock.sleep(2000);
      expect(shown(own)).toEqual(['started 21', toHex(VIN)]);
      expect(shown(events)).toEqual(['started 21', toHex(VIN)]);
    });
    expect(gateway.flowControls).toEqual(['30030A']);
    expect(device.violations).toEqual([]);
  });

  it('a long answer of an ECU whose request id nobody knows fails, and no flow control goes out', async () => {
    const { clock, device, openBus } = bench(V14B);
    const stranger = new ElmTestEcu(device, {
      requestId: 0x710,
      responseId: 0x77a,
      functionalId: 0x700,
      answers: () => [{ afterMs: 5, pdu: VIN }],
    });
    await clock.run(async () => {
      const all = (await openBus()).openChannel(
        { format: 'normal', requestId: 0x700, responseId: 0x77a, extendedId: false },
        { ...OPTIONS, functional: true, responseRange: { from: 0x760, to: 0x7ff } },
      );
      const events = listenTo(all);
      await all.sendPdu(hex('22F190'));
      await clock.sleep(4000);
      expect(shown(events)).toEqual(['started 21', 'failed isotp/timeout-n-cr']);
    });
    expect([stranger.flowControls, device.violations]).toEqual([[], []]);
  });
});

describe('elm327: several channels on one device', () => {
  it('take turns; each hears its own answer', async () => {
    const { clock, device, ecu, openBus } = bench(V14B);
    const gateway = new ElmTestEcu(device, { requestId: 0x710, responseId: 0x77a, answers: answerOf });
    await clock.run(async () => {
      const bus = await openBus();
      const [first, second] = [bus.openChannel(ENGINE, OPTIONS), bus.openChannel(GATEWAY, OPTIONS)];
      const [one, two] = [listenTo(first), listenTo(second)];
      await Promise.all([first.sendPdu(hex('22F190')), second.sendPdu(hex('22F190'))]);
      await clock.sleep(500);
      expect([shown(one), shown(two)]).toEqual([
        ['started 21', toHex(VIN)],
        ['started 21', toHex(VIN)],
      ]);
    });
    expect([ecu.received.length, gateway.received.length, device.violations]).toEqual([1, 1, []]);
  });

  it('a pending answer keeps the device: the other channel waits for it', async () => {
    const { clock, device, ecu, openBus } = bench(V14B);
    new ElmTestEcu(device, { requestId: 0x710, responseId: 0x77a, answers: answerOf });
    ecu.options = {
      ...ecu.options,
      answers: () => [
        { afterMs: 10, pdu: hex('7F2E78') },
        { afterMs: 2500, pdu: hex('6EF190') },
      ],
    };
    await clock.run(async () => {
      const bus = await openBus();
      const [first, second] = [bus.openChannel(ENGINE, OPTIONS), bus.openChannel(GATEWAY, OPTIONS)];
      const [one, two] = [listenTo(first), listenTo(second)];
      await first.sendPdu(hex('2EF19001'));
      await clock.sleep(200);
      const from = clock.now();
      await second.sendPdu(hex('3E00'));
      expect(clock.now() - from).toBeGreaterThan(2000);
      await clock.sleep(200);
      expect([shown(one), shown(two)]).toEqual([['7F2E78', '6EF190'], ['7E00']]);
    });
    expect(device.violations).toEqual([]);
  });

  it('an answer nobody waits for any more still reaches its own channel in the turn of another', async () => {
    const { clock, device, ecu, openBus } = bench(V14B);
    new ElmTestEcu(device, { requestId: 0x710, responseId: 0x77a, answers: answerOf });
    ecu.options = {
      ...ecu.options,
      answers: () => [
        { afterMs: 10, pdu: hex('7F2E78') },
        { afterMs: 7000, pdu: hex('6EF190') },
      ],
    };
    await clock.run(async () => {
      const bus = await openBus();
      const [first, second] = [bus.openChannel(ENGINE, OPTIONS), bus.openChannel(GATEWAY, OPTIONS)];
      const one = listenTo(first);
      await first.sendPdu(hex('2EF19001'));
      await clock.sleep(6000);
      await second.sendPdu(hex('3E00'));
      await clock.sleep(3000);
      expect(shown(one)).toEqual(['7F2E78', '6EF190']);
    });
    expect(device.violations).toEqual([]);
  });

  it('the voltage is read between two requests, never while an answer is due', async () => {
    const { clock, device, ecu, connect } = bench(V14B);
    ecu.options = { ...ecu.options, answers: () => [{ afterMs: 300, pdu: hex('62F18730') }] };
    await clock.run(async () => {
      const adapter = await connect();
      const bus = await adapter.isoTp?.open({ bitRate: 500_000 });
      const channel = bus?.openChannel(ENGINE, OPTIONS);
      if (!channel) throw new Error('no channel');
      const events = listenTo(channel);
      await channel.sendPdu(hex('22F187'));
      const from = clock.now();
      expect(await adapter.supply?.readVolts()).toBe(12.3);
      expect(clock.now() - from).toBeGreaterThan(200);
      expect(shown(events)).toEqual(['62F18730']);
    });
    expect(device.violations).toEqual([]);
  });
});
