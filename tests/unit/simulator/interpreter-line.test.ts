import { describe, expect, it } from 'vitest';
import type { ReceivedByte } from '#simulator/devices/interpreter/uart.ts';
import { UartWire } from '#simulator/devices/interpreter/uart.ts';
import { Kernel } from '#simulator/kernel.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { plugInterpreter } from './interpreter-terminal.ts';

async function overWire(sendRate: number, readRate: number, bytes: readonly number[]): Promise<ReceivedByte[]> {
  const clock = new VirtualClock();
  const got: ReceivedByte[] = [];
  const wire = new UartWire(new Kernel(clock), 38_400, (received) => got.push(received));
  wire.sendRate = sendRate;
  wire.readRate = readRate;
  for (const byte of bytes) wire.send(byte);
  await clock.advance(1000);
  return got;
}

const TEXT = [...'ELM327'].map((character) => character.charCodeAt(0));

describe('one direction of a UART', () => {
  it('reads what was sent when the rates are the same or nearly: 115200 against 114286', async () => {
    for (const readRate of [115_200, 4_000_000 / 35])
      expect(await overWire(115_200, readRate, TEXT)).toEqual(TEXT.map((byte) => ({ byte, isDamaged: false })));
  });

  it('sent at 9600 and read at 38400: a byte becomes several, zeros come as 00 with a low stop bit', async () => {
    const got = await overWire(9600, 38_400, [0x00]);
    // Nine low bits of 104 us are 937 us: three characters of 260 us and the beginning of a fourth.
    expect(got.slice(0, 3)).toEqual(Array.from({ length: 3 }, () => ({ byte: 0, isDamaged: true })));
    const text = await overWire(9600, 38_400, TEXT);
    expect(text.length).toBeGreaterThan(TEXT.length);
    expect(text.some(({ isDamaged }) => isDamaged)).toBe(true);
  });

  it('sent at 115200 and read at 38400: several bytes become one', async () => {
    const got = await overWire(115_200, 38_400, TEXT);
    expect(got.length).toBeGreaterThan(0);
    expect(got.length).toBeLessThan(TEXT.length);
    expect(got.map(({ byte }) => byte)).not.toEqual(expect.arrayContaining([0x45, 0x4c, 0x4d]));
  });

  it('sent at 115200 and read at 9600: a burst is one byte of noise', async () => {
    expect((await overWire(115_200, 9600, [0x55])).map(({ byte }) => byte)).toEqual([0xff]);
  });
});

describe('the line of an ELM327 at 38400', () => {
  it('brings a frame of eight bytes with header and prompt in 5.7 ms: 22 characters of 260 us', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b', device: { tickMs: 1 } });
    await terminal.all('ATE0 ATS0 ATH1 ATSP6 ATSH70E ATCRA778');
    expect(await terminal.say('22F1861')).toBe('7780462F18601AAAAAA||>');
    const endMs = terminal.events.at(-1)?.endMs ?? 0;
    expect(terminal.lastByteMs - endMs).toBeGreaterThanOrEqual((22 * 10_000) / 38_400);
    expect(terminal.lastByteMs - endMs).toBeLessThan((22 * 10_000) / 38_400 + 1.01);
    terminal.end();
  });

  it('takes a command of eight characters in 2.1 ms, then a millisecond until the frame is on the bus', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.all('ATE0 ATS0 ATH1 ATSP6 ATSH70E ATCRA778');
    const typedMs = terminal.clock.now();
    await terminal.say('22F1861');
    const startMs = terminal.events.at(-2)?.startMs ?? 0;
    const crossedMs = typedMs + 1;
    expect(startMs - crossedMs).toBeCloseTo((8 * 10_000) / 38_400 + 1, 1);
    terminal.end();
  });

  it('an STN at 115200 brings the same frame in 1.9 ms', async () => {
    const terminal = await plugInterpreter({ model: 'stn1110' });
    await terminal.all('ATE0 ATS0 ATH1 ATSP6 ATSH70E ATCRA778');
    expect(await terminal.say('22F1861')).toBe('7780462F18601AAAAAA||>');
    const endMs = terminal.events.at(-1)?.endMs ?? 0;
    expect(terminal.lastByteMs - endMs).toBeGreaterThanOrEqual((22 * 10_000) / 115_200);
    expect(terminal.lastByteMs - endMs).toBeLessThan((22 * 10_000) / 115_200 + 1.01);
    terminal.end();
  });

  it('a host at 9600 hears noise and framing errors, and the chip hears noise', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b', baudRate: 9600 });
    expect(await terminal.say('ATI', 300)).not.toContain('ELM');
    terminal.bytes = [];
    terminal.device.alert('act');
    const said = await terminal.wait(50);
    expect(said).not.toContain('ALERT');
    terminal.device.alert('act');
    expect(await terminal.wait(50)).toBe(said); // the same wave form is the same noise
    expect(terminal.bytes.length).toBeGreaterThan(0);
    expect(terminal.messages.some((message) => message.type === 'line-error')).toBe(true);
    terminal.end();
  });

  it('a host at 115200 gets no ELM327 out of it; at the right rate afterwards the first ATI may end noise, the second is heard', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b', baudRate: 115_200 });
    for (const command of ['ATI', 'STI', 'VTVERS']) expect(await terminal.say(command, 300)).not.toContain('ELM327');
    await terminal.close();
    await terminal.open(38_400);
    await terminal.say('ATI', 300);
    expect(await terminal.ask('ATI')).toBe('ELM327 v1.4b');
    expect(terminal.sent).toEqual([]);
    terminal.end();
  });

  it('an STN heard at 38400 answers at 115200', async () => {
    const terminal = await plugInterpreter({ model: 'stn2120', baudRate: 38_400 });
    expect(await terminal.say('ATI', 300)).not.toContain('ELM327');
    await terminal.close();
    await terminal.open(115_200);
    await terminal.say('ATI', 300);
    expect(await terminal.ask('ATI')).toBe('ELM327 v1.4b');
    terminal.end();
  });

  it('keeps its state over close and open, and loses it with the plug', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.all('ATE0 ATSP6 ATH1');
    await terminal.close();
    expect(terminal.messages.at(-1)).toEqual({ type: 'closed', reason: { kind: 'closed' } });
    await terminal.open(38_400);
    expect(await terminal.say('ATDPN')).toBe('6||>');
    terminal.device.unplug();
    expect(await terminal.wait(5)).toBe('');
    expect(terminal.messages.at(-1)).toMatchObject({ type: 'closed', reason: { kind: 'lost' } });
    terminal.device.plug();
    await terminal.open(38_400);
    expect(await terminal.say('ATI')).toBe('ATI|ELM327 v1.4b||>'); // echo again
    terminal.end();
  });

  it('is pulled when a byte has reached the chip: the request before it went out, the one it cuts did not', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.all('ATE0 ATSP6 ATSH70E ATCRA778');
    terminal.device.unplugAtByte(8);
    await terminal.say('22F1861', 50);
    expect(terminal.device.plugged).toBe(false);
    expect(terminal.sent).toEqual([]); // its CR arrived, the millisecond of thinking did not pass
    terminal.device.plug();
    await terminal.open(38_400);
    await terminal.all('ATE0 ATSP6 ATSH70E ATCRA778');
    terminal.device.unplugAtByte(9);
    await terminal.say('22F1861', 50);
    await terminal.say('22F1861', 50);
    expect(terminal.sent).toEqual(['70E 0322F18600000000']);
    terminal.end();
  });

  it('refuses line settings that are none', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    for (const line of [undefined, {}, { baudRate: 0 }, { baudRate: 38_400.5 }, { baudRate: '38400' }]) {
      terminal.post({ type: 'open', line });
      await terminal.clock.advance(3);
      expect(terminal.messages.at(-1)).toMatchObject({ type: 'closed', reason: { kind: 'failed' } });
    }
    terminal.end();
  });
});

describe('changing the rate', () => {
  it('BRD 23: OK at 38400, its name at 115200, OK when the host sends CR in time', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.all('ATE0 ATBRT00');
    terminal.type('ATBRD23\r');
    expect(await terminal.wait(20)).toBe('OK|');
    await terminal.open(115_200);
    expect(await terminal.wait(1300)).toBe('ELM327 v1.4b|');
    terminal.type('\r');
    expect(await terminal.wait(20)).toBe('OK||>');
    expect(await terminal.ask('ATI')).toBe('ELM327 v1.4b');
    expect(terminal.device.baudRate).toBe(4_000_000 / 35);
    await terminal.say('ATWS');
    expect(terminal.device.baudRate).toBe(4_000_000 / 35); // a warm start keeps it
    await terminal.say('ATZ', 1500);
    expect(terminal.device.baudRate).toBe(38_400);
    terminal.end();
  });

  it('BRD 23 without a CR: back at 38400', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.say('ATE0');
    terminal.type('ATBRD23\r');
    await terminal.wait(300);
    expect(terminal.device.baudRate).toBe(38_400);
    expect(await terminal.ask('ATI')).toBe('ELM327 v1.4b');
    terminal.end();
  });

  it('STSBR 500000 after STBRT 1000: OK at the old rate, a second later the prompt at the new one', async () => {
    const terminal = await plugInterpreter({ model: 'stn1110' });
    await terminal.all('ATE0 STBRT1000');
    terminal.type('STSBR500000\r');
    expect(await terminal.wait(20)).toBe('OK|');
    await terminal.close();
    await terminal.open(500_000);
    expect(await terminal.wait(1000)).toBe('|>');
    expect(await terminal.ask('STI')).toBe('STN1110 v4.3.0');
    terminal.end();
  });

  it('STBR shakes hands with its own name, and refuses a rate that its clock cannot divide to within 3 %', async () => {
    const terminal = await plugInterpreter({ model: 'stn2120' });
    await terminal.all('ATE0 STBRT200');
    expect(await terminal.ask('STBR 1900000')).toBe('?');
    expect(await terminal.ask('STBR 3000000')).toBe('?');
    terminal.type('STBR 1000000\r');
    await terminal.wait(20);
    await terminal.open(1_000_000);
    expect(await terminal.wait(200)).toBe('STN2120 v5.1.0|');
    terminal.type('\r');
    expect(await terminal.wait(5)).toBe('OK||>');
    expect(await terminal.ask('STWBR')).toBe('OK');
    await terminal.say('ATZ');
    expect(terminal.device.baudRate).toBe(1_000_000);
    terminal.end();
  });
});
