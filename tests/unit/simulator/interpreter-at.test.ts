import { describe, expect, it } from 'vitest';
import type { InterpreterModel } from '#contract/simulator-control.ts';
import { type InterpreterTerminal, plugInterpreter } from './interpreter-terminal.ts';

async function expectAnswers(terminal: InterpreterTerminal, table: readonly (readonly [string, string])[]) {
  const got: [string, string][] = [];
  for (const [command] of table) got.push([command, await terminal.ask(command)]);
  expect(got).toEqual(table);
}

/** What `ATI`, `AT@1`, `STI` and `VTVERS` say, and the USB identity. */
const IDENTITIES: readonly (readonly [InterpreterModel, readonly string[], number, number])[] = [
  ['elm327-v14b', ['ELM327 v1.4b', 'OBDII to RS232 Interpreter', '?', '?'], 0x10c4, 0xea60],
  ['elm327-v23', ['ELM327 v2.3', 'OBDII to RS232 Interpreter', '?', '?'], 0x1a86, 0x7523],
  ['clone-good', ['ELM327 v1.5', 'OBDII to RS232 Interpreter', '?', '?'], 0x1a86, 0x7523],
  ['clone-bad', ['ELM327 v2.1', '?', '?', '?'], 0x1a86, 0x7523],
  ['stn1110', ['ELM327 v1.4b', 'OBDII to RS232 Interpreter', 'STN1110 v4.3.0', '?'], 0x0403, 0x6015],
  ['stn2120', ['ELM327 v1.4b', 'OBDII to RS232 Interpreter', 'STN2120 v5.1.0', '?'], 0x0403, 0x6015],
  ['vlinker', ['ELM327 v2.3', 'OBDII to RS232 Interpreter', 'STN1170 v4.3.0', 'MIC3X2X V2.3.08'], 0x0403, 0x6001],
];

describe.each(IDENTITIES)('identity of %s', (model, said, vendorId, productId) => {
  it(`says ${said.join(', ')} and is ${vendorId.toString(16)}:${productId.toString(16)}`, async () => {
    const terminal = await plugInterpreter({ model });
    expect(terminal.messages).toEqual([{ type: 'opened', usb: { vendorId, productId } }]);
    const got = [];
    for (const command of ['ATI', 'AT@1', 'STI', 'VTVERS']) got.push(await terminal.ask(command));
    expect(got).toEqual(said);
    terminal.end();
  });
});

describe('the command line of an ELM327', () => {
  it('echoes, answers and prompts: ATI CR gives ATI CR, ELM327 v1.4b CR, CR >', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    expect(await terminal.say('ATI')).toBe('ATI|ELM327 v1.4b||>');
    expect(await terminal.say('ATE0')).toBe('ATE0|OK||>');
    expect(await terminal.say('ATI')).toBe('ELM327 v1.4b||>');
    expect(await terminal.say('ATL1')).toBe('OK|~|~>');
    expect(await terminal.say('ATI')).toBe('ELM327 v1.4b|~|~>');
    terminal.end();
  });

  it('does not care for case, spaces, NUL or a line feed behind the CR', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.say('ATE0');
    expect(await terminal.say('a t  S p 6')).toBe('OK||>');
    expect(await terminal.say('\0at dp\0n')).toBe('6||>');
    terminal.type('ATI\r\n');
    expect(await terminal.wait(50)).toBe('ELM327 v1.4b||>');
    terminal.end();
  });

  it('answers ? to what it does not know, to half bytes, to noise, and to a line that is too long', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.say('ATE0');
    await expectAnswers(terminal, [
      ['ATQQ', '?'],
      ['AT', '?'],
      ['V', '?'],
      ['C', '?'],
      ['22F1G0', '?'],
      ['\u0001\u00e7\u00e7\t', '?'],
      ['A'.repeat(200), '?'],
    ]);
    expect(terminal.sent).toEqual([]);
    terminal.end();
  });

  it('an empty line runs the last command again; with none before it only prompts', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.say('ATE0');
    expect(await terminal.say('ATRV')).toBe('12.6V||>');
    expect(await terminal.say('')).toBe('12.6V||>');
    await terminal.car.set({ volts: 13.9 });
    expect(await terminal.say('   ')).toBe('13.9V||>');
    await terminal.say('ATZ');
    expect(await terminal.say('')).toBe('|' + '|>'); // the echo of the CR, and nothing to repeat
    terminal.end();
  });

  it('gives a line up that gets no CR for 20 s', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.say('ATE0');
    terminal.type('22F1');
    expect(await terminal.wait(19_900)).toBe('');
    expect(await terminal.wait(300)).toBe('?||>');
    expect(await terminal.ask('ATI')).toBe('ELM327 v1.4b');
    terminal.end();
  });

  it('loses what is typed before its prompt is through', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.say('ATE0');
    terminal.type('ATH1\rATS0\rATI\r');
    const said = await terminal.wait(200);
    expect(said).toContain('STOPPED');
    expect(said).not.toContain('ELM327');
    terminal.end();
  });
});

describe('commands by version', () => {
  const BY_VERSION: readonly (readonly [command: string, v14b: string, v23: string, good: string, bad: string])[] = [
    ['ATAL', 'OK', 'OK', 'OK', '?'],
    ['ATCAF0', 'OK', 'OK', 'OK', '?'],
    ['ATR0', 'OK', 'OK', 'OK', '?'],
    ['ATR1', 'OK', 'OK', 'OK', 'OK'],
    ['ATAT0', 'OK', 'OK', 'OK', 'OK'],
    ['ATCEA01', 'OK', 'OK', 'OK', '?'],
    ['ATCEA', 'OK', 'OK', 'OK', '?'],
    ['ATCSM0', 'OK', 'OK', 'OK', '?'],
    ['ATCTM5', '?', 'OK', '?', '?'],
    ['ATAMC', '?', '00', '?', '?'],
    ['ATJE', 'OK', 'OK', 'OK', '?'],
    ['ATFE', '?', 'OK', '?', '?'],
    ['ATBRT00', 'OK', 'OK', '?', '?'],
    ['ATBRD07', '?', '?', '?', '?'],
    ['ATSH7E0', 'OK', 'OK', 'OK', 'OK'],
    ['ATSH18DA10F1', '?', 'OK', '?', '?'],
    ['ATCRA7E8', 'OK', 'OK', 'OK', 'OK'],
    ['ATCRA7EX', '?', 'OK', '?', '?'],
    ['ATCRA', 'OK', 'OK', 'OK', '?'],
    ['ATFCSM1', '?', '?', '?', '?'],
    ['ATFCSH7E0', 'OK', 'OK', 'OK', 'OK'],
    ['ATFCSM2', '?', '?', '?', '?'],
    ['ATFCSD300000', 'OK', 'OK', 'OK', 'OK'],
    ['ATFCSM1', 'OK', 'OK', 'OK', '?'],
    ['ATIGN', 'ON', 'ON', 'ON', '?'],
    ['ATRV', '12.6V', '12.6V', '12.6V', '12.0V'],
    ['ATCS', 'T:00 R:00', 'T:00 R:00', 'T:00 R:00', 'T:00 R:00'],
    ['ATPB0100', '?', '?', '?', '?'],
    ['ATPBC001', 'OK', 'OK', 'OK', '?'],
    ['ATSPB', 'OK', 'OK', 'OK', 'OK'],
  ];
  it.each([
    ['elm327-v14b', 1],
    ['elm327-v23', 2],
    ['clone-good', 3],
    ['clone-bad', 4],
  ] as const)('%s', async (model, column) => {
    const terminal = await plugInterpreter({ model });
    await terminal.say('ATE0');
    await expectAnswers(
      terminal,
      BY_VERSION.map((row) => [row[0], row[column]] as const),
    );
    terminal.end();
  });

  it('programmable parameters: a table of 48, and a value that works from the next reset on', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.say('ATE0');
    const table = (await terminal.ask('ATPPS')).split(' / ');
    expect(table).toHaveLength(12);
    expect(table[0]).toBe('00:FF F  01:FF F  02:FF F  03:32 F');
    expect(table[3]).toBe('0C:68 F  0D:FF F  0E:FF F  0F:FF F');
    await terminal.all('ATPP09SVFF ATPP09ON');
    expect(await terminal.say('ATZ')).toContain('ELM327');
    expect(await terminal.say('ATI')).toBe('ELM327 v1.4b||>'); // no echo
    expect((await terminal.ask('ATPPS')).split(' / ')[2]).toContain('09:FF N');
    terminal.device.unplug();
    terminal.device.plug();
    await terminal.open(38_400);
    expect(await terminal.say('ATI')).toBe('ELM327 v1.4b||>'); // it is in the EEPROM
    await terminal.all('ATPPFFOFF');
    await terminal.say('ATZ');
    expect(await terminal.say('ATI')).toBe('ATI|ELM327 v1.4b||>');
    terminal.end();
  });
});

describe('protocols and resets', () => {
  it('names them: DP and DPN, with A and AUTO while searching', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.say('ATE0');
    await expectAnswers(terminal, [
      ['ATDP', 'AUTO'],
      ['ATDPN', 'A0'],
      ['ATSP6', 'OK'],
      ['ATDP', 'ISO 15765-4 (CAN 11/500)'],
      ['ATDPN', '6'],
      ['ATTP9', 'OK'],
      ['ATDPN', '9'],
      ['ATSPB', 'OK'],
      ['ATDP', 'USER1 (CAN 11/125)'],
      ['ATPBC001', 'OK'],
      ['ATDP', 'USER1 (CAN 11/500)'],
      ['ATSPC', 'OK'],
      ['ATDP', 'USER2 (CAN 11/50)'],
      ['ATSPD', '?'],
    ]);
    terminal.end();
  });

  it('SP is stored and comes back after ATZ, TP is not', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.say('ATSP8');
    await terminal.say('ATTP6');
    expect(await terminal.ask('ATDPN')).toBe('6');
    await terminal.say('ATZ');
    expect(await terminal.ask('ATDPN')).toBe('8');
    terminal.end();
  });

  it('ATZ takes 0.9 s and gives back echo, headers and the rate of the line; ATWS is at once', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.all('ATE0 ATH1 ATS0');
    const before = terminal.clock.now();
    expect(await terminal.say('ATZ')).toBe('||ELM327 v1.4b||>');
    expect(terminal.clock.now() - before).toBeGreaterThan(900);
    expect(await terminal.say('ATI')).toContain('ATI|');
    const warm = terminal.clock.now();
    expect(await terminal.say('ATWS')).toBe('ATWS|||ELM327 v1.4b||>');
    expect(terminal.clock.now() - warm).toBeLessThan(20);
    terminal.end();
  });

  it('LV RESET below 7 V: says so, and every setting is lost', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.all('ATE0 ATSP6 ATSH70E');
    await terminal.car.set({ volts: 7.4 });
    expect(await terminal.wait(50)).toBe('');
    await terminal.car.set({ volts: 6.2 });
    expect(await terminal.wait(50)).toBe('||LV RESET|ELM327 v1.4b||>');
    expect(await terminal.say('ATRV')).toBe('ATRV|6.2V||>'); // echo again
    await terminal.car.set({ volts: 6.1 });
    expect(await terminal.wait(50)).toBe(''); // once
    terminal.end();
  });

  it('says ACT ALERT and LP ALERT when told to, sleeps two seconds after LP, wakes at a byte that is lost', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.say('ATE0');
    terminal.device.alert('act');
    expect(await terminal.wait(20)).toBe('ACT ALERT|');
    terminal.device.alert('lp');
    expect(await terminal.wait(20)).toBe('LP ALERT|');
    await terminal.wait(2000);
    expect(await terminal.say('ATI', 50)).toBe('');
    await terminal.wait(150);
    expect(await terminal.ask('ATI')).toBe('ELM327 v1.4b');
    terminal.end();
  });
});
