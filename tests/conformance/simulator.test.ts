import { describe, expect, it } from 'vitest';
import { hexNumber } from '#base/hex.ts';
import { plugIn, slcanDeviceSuite, type Terminal } from './simulator-suite.ts';

for (const firmware of ['canusb', 'usbtin', 'canable-v1', 'canable-v2'] as const)
  describe(`slcan device of the virtual car: ${firmware}`, () => slcanDeviceSuite(firmware));

/** Distinct frames that no ECU answers. */
function frames(count: number): string {
  return Array.from({ length: count }, (_, i) => `t1238${hexNumber(i, 2)}55AA55AA55AA55\r`).join('');
}

function onTheBus(terminal: Terminal): number[] {
  const numbers: number[] = [];
  terminal.car.bus.tap(({ frame }) => {
    if (frame.id === 0x123) numbers.push(frame.data[0] ?? -1);
  });
  return numbers;
}

describe('slcan queues', () => {
  it('CANable v1 keeps 27 frames of 40 written at once and loses the rest without a word', async () => {
    const terminal = await plugIn({ firmware: 'canable-v1' });
    await terminal.say('S6\rO\r');
    const seen = onTheBus(terminal);
    expect(await terminal.say(frames(40), 50)).toBe('');
    expect(seen).toEqual(Array.from({ length: 27 }, (_, i) => i));
    expect(terminal.device.counters).toMatchObject({ framesToBus: 27, dropped: 13 });
    terminal.end();
  });

  it('CANable v2 keeps 63 of 80', async () => {
    const terminal = await plugIn({ firmware: 'canable-v2' });
    await terminal.say('S6\rO\r');
    expect(await terminal.say(frames(80), 50)).toBe('');
    expect(terminal.device.counters).toMatchObject({ framesToBus: 63, dropped: 17 });
    terminal.end();
  });

  it('loses nothing when no more is handed over than the bus can have sent', async () => {
    const terminal = await plugIn({ firmware: 'canable-v1' });
    await terminal.say('S6\rO\r');
    await terminal.say(frames(20), 1);
    for (let i = 0; i < 50; i++) await terminal.say(frames(4), 1);
    await terminal.clock.advance(50);
    expect(terminal.device.counters).toMatchObject({ framesToBus: 220, dropped: 0 });
    terminal.end();
  });

  it('CANUSB acknowledges in order: z CR for what it takes, BEL for what finds the queue full', async () => {
    const terminal = await plugIn({ firmware: 'canusb' });
    await terminal.say('S6\rO\r');
    expect(await terminal.say(frames(34), 50)).toBe(`${'z|'.repeat(32)}!!`);
    expect(terminal.device.counters).toMatchObject({ framesToBus: 32, dropped: 2 });
    terminal.end();
  });

  it('hands over 585 consecutive frames in their wire time, first to last', async () => {
    const terminal = await plugIn({ firmware: 'canable-v2' });
    await terminal.say('S6\rO\r');
    const ends: number[] = [];
    terminal.car.bus.tap(({ endMs }) => ends.push(endMs));
    await terminal.say(frames(50), 1);
    for (let left = 535; left > 0; left -= 4) await terminal.say(frames(Math.min(4, left)), 1);
    await terminal.clock.advance(100);
    expect(ends).toHaveLength(585);
    const bits = ((ends.at(-1) ?? 0) - (ends[0] ?? 0)) * 500;
    expect(bits / 584).toBeGreaterThan(111);
    expect(bits / 584).toBeLessThan(125);
    expect(terminal.device.counters.dropped).toBe(0);
    terminal.end();
  });
});

describe('slcan grammar', () => {
  it('CANUSB: V, N, F, S, O, C, Z, X, M, m and their refusals', async () => {
    const terminal = await plugIn({ firmware: 'canusb' });
    for (const [command, answer] of [
      ['V\r', 'V1013|'],
      ['N\r', 'NCB01|'],
      ['\r', '|'],
      ['O\r', '!'],
      ['F\r', '!'],
      ['C\r', '!'],
      ['t12310\r', '!'],
      ['S9\r', '!'],
      ['S6\r', '|'],
      ['M00000000\rmFFFFFFFF\r', '||'],
      ['Z1\r', '|'],
      ['O\r', '|'],
      ['O\r', '!'],
      ['S6\r', '!'],
      ['F\r', 'F00|'],
      ['t7E\r', '!'],
      ['t7E08023E00\r', '!'],
      ['t7EG08\r', '!'],
      ['Q\r', '!'],
      ['X0\r', '|'],
      ['t12310A\r', '|'],
      ['X1\r', '|'],
      ['t12310A\r', 'z|'],
      ['T0000012310A\r', 'Z|'],
      ['C\r', '|'],
    ] as const)
      expect([command, await terminal.say(command)]).toEqual([command, answer]);
    terminal.end();
  });

  it('CANUSB: Z1 adds four digits of milliseconds, X0 keeps frames until P or A', async () => {
    const terminal = await plugIn({ firmware: 'canusb' });
    await terminal.say('S6\rZ1\rO\r');
    expect(await terminal.say('t7E08023E005555555555\r')).toMatch(/^z\|t7E88027E00AAAAAAAAAA[0-9A-F]{4}\|$/);
    await terminal.say('X0\r');
    expect(await terminal.say('t7E08023E005555555555\r')).toBe('|');
    expect(await terminal.say('A\r')).toMatch(/^t7E88027E00A{10}[0-9A-F]{4}\|A\|$/);
    terminal.end();
  });

  it('listen-only hears the bus but takes no frame', async () => {
    const terminal = await plugIn({ firmware: 'usbtin' });
    await terminal.say('S6\rL\r');
    expect(await terminal.say('t7E08023E005555555555\r')).toBe('!');
    const node = terminal.car.bus.attach(() => true);
    node.send({ id: 0x7e0, extended: false, rtr: false, data: Uint8Array.of(2, 0x3e, 0) });
    await terminal.clock.advance(20);
    expect(terminal.text).toContain('t7E03023E00|t7E88027E00AAAAAAAAAA|');
    terminal.end();
  });

  it('CANable: silent but for V, and a bare CR sends the last frame again', async () => {
    const terminal = await plugIn({ firmware: 'canable-v1' });
    expect(await terminal.say('C\rA1\rM0\rS6\rO\r')).toBe('');
    expect(await terminal.say('V\r')).toMatch(/^\S+ github\.com\/\S*canable-fw\.git\|$/);
    const seen = onTheBus(terminal);
    await terminal.say('t1238010203' + '0405060708\r');
    expect(await terminal.say('\r\r')).toBe('');
    expect(seen).toEqual([1, 1, 1]);
    terminal.end();
  });

  it('CANable: a frame of too few digits ends in the bytes of the one before', async () => {
    const terminal = await plugIn({ firmware: 'canable-v2' });
    await terminal.say('S6\rO\r');
    const frames: string[] = [];
    terminal.car.bus.tap(({ frame }) => frames.push(Buffer.from(frame.data).toString('hex')));
    await terminal.say('t12341122' + '3344\r');
    await terminal.say('t1234AA\r');
    expect(frames).toEqual(['11223344', 'aa223344']);
    terminal.end();
  });
});

describe('slcan line', () => {
  it('crosses in ticks: answers come at whole milliseconds, behind FTDI every 16', async () => {
    for (const tickMs of [1, 16]) {
      const terminal = await plugIn({ firmware: 'canusb', tickMs });
      await terminal.say('S6\rO\r', 40);
      await terminal.say('t7E08023E005555555555\r', 60);
      expect(terminal.arrivals.length).toBeGreaterThan(1);
      for (const { atMs } of terminal.arrivals) expect(atMs % tickMs).toBe(0);
      terminal.end();
    }
  });

  it('a fault pulls the cable between commit and answer: stored, never told', async () => {
    const terminal = await plugIn(
      { firmware: 'canable-v2' },
      { faults: [{ on: { sid: 0x2e, did: 0xf199 }, effect: { kind: 'unplug', at: 'answer' } }] },
    );
    await terminal.say('S6\rO\r');
    await terminal.say('t7E18021003CCCCCCCCCC\r');
    expect(await terminal.say('t7E18062EF199261122CC\r')).toBe('');
    expect(terminal.store.state?.ecus['02']?.dids.F199).toBe('261122');
    expect(terminal.messages.at(-1)).toMatchObject({ type: 'closed', reason: { kind: 'lost' } });
    terminal.end();
  });

  it('runs twice the same: every byte and its time', async () => {
    const runs: unknown[] = [];
    for (let run = 0; run < 2; run++) {
      const terminal = await plugIn({ firmware: 'canusb' });
      await terminal.say('S6\rO\r');
      for (let i = 0; i < 5; i++) await terminal.say('t70080322F18655555555\r', 13);
      runs.push(terminal.arrivals);
      terminal.end();
    }
    expect(runs[0]).toEqual(runs[1]);
    expect(JSON.stringify(runs[0])).toContain('t77880462F18601');
  });
});
