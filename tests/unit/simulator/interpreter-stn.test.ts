import { describe, expect, it } from 'vitest';
import { fromHex } from '#base/hex.ts';
import type { FaultScript, InterpreterModel, IsoTpQuirks } from '#contract/simulator-control.ts';
import { type InterpreterTerminal, plugInterpreter } from './interpreter-terminal.ts';
import { BCM_NEW } from './tester.ts';

/** The recommended set-up (reference: adapters B.5), for the body control module. */
const BCM =
  'ATE0 ATL0 ATS0 ATH1 ATAL STP33 ATSH70E ATCRA778 STCFCPA70E,778 STCSEGR1 STCSEGT1 ATCAF1 ATAT0 STCTOR1000,1000 STPTO1000';
const VIN = '3043425631303030303030303030303137';

async function atBcm(
  model: InterpreterModel = 'stn1110',
  more: { faults?: FaultScript } = {},
): Promise<InterpreterTerminal> {
  const terminal = await plugInterpreter({ model, ...more });
  await terminal.all(BCM);
  return terminal;
}

const quirk = (quirks: Partial<IsoTpQuirks>): FaultScript => [
  { on: { ecu: '09', sid: 0x2e }, effect: { kind: 'isotp', quirks } },
];

async function prepared(terminal: InterpreterTerminal): Promise<void> {
  expect(await terminal.ask('STPX D:1003,R:1')).toBe('7785003003201F4');
  expect(await terminal.ask('STPX D:2EF199261122,R:1')).toBe('7786EF199');
  expect(await terminal.ask('STPX D:2EF19800000378 1FD7,R:1')).toBe('7786EF198');
}

const WRITE = `2E0600${BCM_NEW.replaceAll(' ', '')}`;
const stored = (terminal: InterpreterTerminal) => terminal.store.state?.ecus['09']?.dids['0600'];

describe('identity of an STN', () => {
  it('STIX, STDI, STDIX, STMFR, STSN, STVR; a genuine ELM knows none of them', async () => {
    const terminal = await plugInterpreter({ model: 'stn1110' });
    const plain = await plugInterpreter({ model: 'elm327-v23' });
    for (const [command, answer] of [
      ['STI', 'STN1110 v4.3.0'],
      ['STIX', 'STN1110 v4.3.0 [2016.05.17]'],
      ['STDI', 'CBAY STN1110 r1.1'],
      ['STDIX', 'CBAY STN1110 r1.1 [2016.05.17]'],
      ['STMFR', 'Codebay training'],
      ['STSN', '110100000017'],
      ['STVR', '12.60'],
      ['STVR3', '12.600'],
      ['STQQ', '?'],
      ['VTVERS', '?'],
    ] as const) {
      expect([command, await terminal.ask(command)]).toEqual([command, answer]);
      expect([command, await plain.ask(command)]).toEqual([command, '?']);
    }
    terminal.end();
    plain.end();
  });

  it('ATZ is answered with some NULs first', async () => {
    const terminal = await plugInterpreter({ model: 'stn2120' });
    expect(await terminal.say('ATZ')).toBe('ATZ|\0\0\0||ELM327 v1.4b||>');
    terminal.end();
  });

  it('presets: STP 33 is protocol 6, other wires than HS-CAN reach nobody, another bit rate neither', async () => {
    const terminal = await plugInterpreter({ model: 'stn1110' });
    await terminal.all('ATE0 STP33');
    expect(await terminal.ask('STPR')).toBe('33');
    expect(await terminal.ask('STPRS')).toBe('HS CAN (ISO 15765, 11-bit, 500 kbps)');
    expect(await terminal.ask('STPBRR')).toBe('500000');
    expect(await terminal.ask('ATDPN')).toBe('6');
    expect(await terminal.ask('STP99')).toBe('?');
    await terminal.all('STP53');
    expect(await terminal.ask('1003')).toBe('CAN ERROR');
    await terminal.all('STPBR500000'); // the rate is right now, the wires are not
    expect(await terminal.ask('1003')).toBe('CAN ERROR');
    await terminal.all('STP33 STPBR250000');
    expect(await terminal.ask('STPBRR')).toBe('250000');
    expect(await terminal.ask('1003')).toBe('CAN ERROR');
    terminal.end();
  });
});

describe('STPX', () => {
  it('D:22F190,R:1 is one line: header and the whole message, at once', async () => {
    const terminal = await atBcm();
    const from = terminal.clock.now();
    expect(await terminal.say('STPX D:22F190,R:1')).toBe(`77862F190${VIN}||>`);
    expect(terminal.clock.now() - from).toBeLessThan(20);
    expect(terminal.sent).toEqual(['70E 0322F19000000000', '70E 3000000000000000']);
    terminal.end();
  });

  it('H has its own header, T its own time; without R it waits for the time to pass', async () => {
    const terminal = await atBcm();
    const from = terminal.clock.now();
    expect(await terminal.ask('STPX H:7A0, D:3E00, T:300')).toBe('NO DATA');
    expect(terminal.clock.now() - from).toBeGreaterThan(300);
    expect(terminal.clock.now() - from).toBeLessThan(310);
    expect(terminal.sent).toEqual(['7A0 023E000000000000']);
    const again = terminal.clock.now();
    expect(await terminal.ask('STPX T:200,D:3E00')).toBe('7787E00');
    expect(terminal.clock.now() - again).toBeGreaterThan(200);
    await terminal.ask('STPX D:3E00,R:0');
    expect(terminal.clock.now() - again).toBeLessThan(230);
    terminal.end();
  });

  it('refuses fields that it does not know or that do not fit', async () => {
    const terminal = await atBcm();
    for (const fields of [
      'H:7E0',
      'D:22F190,L:3',
      'D:22F19',
      'D:22F190,D:22F190',
      'H:18DA10F1,D:3E00',
      'H:7E,D:3E00',
      'Q:1,D:3E00',
      'D:3E00,R:x',
      'D',
      'L:0',
    ])
      expect([fields, await terminal.ask(`STPX ${fields}`)]).toEqual([fields, '?']);
    expect(terminal.sent).toEqual([]);
    terminal.end();
  });

  it('without STCSEGT1 it takes seven bytes, whatever the field', async () => {
    const terminal = await atBcm();
    await terminal.all('STCSEGT0');
    expect(await terminal.ask(`STPX D:${WRITE}`)).toBe('?');
    expect(await terminal.ask('STPX L:33')).toBe('?');
    expect(await terminal.ask('STPX D:3E00,R:1')).toBe('7787E00');
    terminal.end();
  });

  it('writes 33 bytes: 78 is a message of its own, so R:1 returns before the answer', async () => {
    const terminal = await atBcm();
    await prepared(terminal);
    expect(await terminal.ask(`STPX D:${WRITE},R:1`)).toBe('7787F2E78');
    expect(stored(terminal)).not.toBe(WRITE.slice(6)); // not even stored yet
    await terminal.wait(200);
    expect(stored(terminal)).toBe(WRITE.slice(6));
    expect(await terminal.ask(`STPX D:${WRITE},T:1000`)).toBe('7787F2E78 / 7786E0600');
    terminal.end();
  });

  it('an empty line repeats it: the ECU stores it twice', async () => {
    const terminal = await atBcm();
    await prepared(terminal);
    await terminal.ask(`STPX D:${WRITE},T:300`);
    let commits = 0;
    terminal.car.onEvent((event) => {
      if (event.type === 'commit') commits++;
    });
    expect(await terminal.ask('')).toBe('7787F2E78 / 7786E0600');
    expect(commits).toBe(1);
    terminal.end();
  });

  it('L:33 asks for DATA> and takes the bytes in pieces, with spaces and line ends between them', async () => {
    const terminal = await atBcm();
    await prepared(terminal);
    expect(await terminal.say('STPX L:33,T:300')).toBe('DATA>');
    terminal.type(`${WRITE.slice(0, 20)}\r ${WRITE.slice(20, 41)}`);
    expect(await terminal.wait(50)).toBe('');
    terminal.type(WRITE.slice(41));
    expect(await terminal.wait(600)).toBe('7787F2E78|7786E0600||>');
    expect(stored(terminal)).toBe(WRITE.slice(6));
    expect(await terminal.say('STPX L:33')).toBe('DATA>');
    terminal.type('2EQ');
    expect(await terminal.wait(5)).toBe('?||>');
    terminal.end();
  });

  it('OUT OF MEMORY beyond 2 kB (STN1110) and 4095 bytes (STN2120), without DATA>', async () => {
    const small = await atBcm('stn1110');
    expect(await small.say('STPX L:2049')).toBe('OUT OF MEMORY||>');
    expect(await small.say('STPX L:2048')).toBe('DATA>');
    small.end();
    const large = await atBcm('stn2120');
    expect(await large.say('STPX L:4096')).toBe('OUT OF MEMORY||>');
    expect(await large.say('STPX L:4095')).toBe('DATA>');
    large.end();
  });

  it('a command line holds 1FF characters (STN1110) or 3FF (STN2120)', async () => {
    const line = (characters: number) => `STPXD:22${'F190'.repeat((characters - 8) / 4)}`;
    const small = await atBcm('stn1110');
    expect(line(508)).toHaveLength(508);
    expect(await small.ask(line(508))).toMatch(/^778/);
    expect(await small.ask(line(512))).toBe('?');
    small.end();
    const large = await atBcm('stn2120');
    expect(await large.ask(line(1020))).toMatch(/^778/);
    expect(await large.ask(line(1024))).toBe('?');
    large.end();
  });
});

describe('segmentation in an STN', () => {
  it('a plain line of hex is segmented too', async () => {
    const terminal = await atBcm();
    await prepared(terminal);
    expect(await terminal.ask(WRITE)).toBe('7787F2E78 / 7786E0600');
    expect(stored(terminal)).toBe(WRITE.slice(6));
    terminal.end();
  });

  it.each([
    ['BS 2 and STmin 5 ms', { blockSize: 2, stMin: 5, strictStMin: true }],
    ['STmin 300 us', { stMin: 0xf3, strictStMin: true }],
    ['three WAIT of 400 ms before CTS', { waits: 3, waitEveryMs: 400 }],
  ] as const)('obeys %s', async (_, quirks) => {
    const terminal = await atBcm('stn1110', { faults: quirk(quirks) });
    await prepared(terminal);
    expect(await terminal.ask(`STPX D:${WRITE},T:3000`)).toBe('7787F2E78 / 7786E0600');
    expect(stored(terminal)).toBe(WRITE.slice(6));
    terminal.end();
  });

  it('keeps STmin from the end of one frame to the start of the next, and STCSTM on top', async () => {
    const terminal = await atBcm('stn1110', { faults: quirk({ stMin: 10 }) });
    await prepared(terminal);
    const gaps = () => {
      const frames = terminal.events.filter(({ frame }) => frame.id === 0x70e && (frame.data[0] ?? 0) >> 4 === 2);
      return frames.slice(-3).map((event, i, all) => event.startMs - (all[i - 1]?.endMs ?? event.startMs));
    };
    await terminal.ask(`STPX D:${WRITE},T:500`);
    for (const gapMs of gaps().slice(1)) expect(gapMs).toBeCloseTo(10, 3);
    await terminal.all('STCSTM2.5');
    await terminal.ask(`STPX D:${WRITE},T:500`);
    for (const gapMs of gaps().slice(1)) expect(gapMs).toBeCloseTo(12.5, 3);
    terminal.end();
  });

  it('FC RX TIMEOUT after 75 ms as delivered, when an ECU thinks 100 ms about its flow control', async () => {
    const slow = quirk({ flowControlDelayMs: 100 });
    const terminal = await atBcm('stn1110', { faults: slow });
    await prepared(terminal);
    await terminal.all('STCTOR75,150');
    const from = terminal.clock.now();
    expect(await terminal.ask(`STPX D:${WRITE},T:500`)).toBe('FC RX TIMEOUT');
    expect(terminal.clock.now() - from).toBeLessThan(100);
    await terminal.wait(1200);
    await terminal.all('STCTOR1000,1000');
    expect(await terminal.ask(`STPX D:${WRITE},T:500`)).toBe('7787F2E78 / 7786E0600');
    terminal.end();
  });

  it('gives up at OVFLW at once, and writes nothing', async () => {
    const terminal = await atBcm('stn1110', {
      faults: [{ on: { ecu: '09', sid: 0x2e, did: 0x600 }, effect: { kind: 'isotp', quirks: { overflow: true } } }],
    });
    await prepared(terminal);
    const before = stored(terminal);
    const from = terminal.clock.now();
    expect(await terminal.ask(`STPX D:${WRITE},T:500`)).toBe('FC RX TIMEOUT');
    expect(terminal.clock.now() - from).toBeLessThan(30);
    expect(stored(terminal)).toBe(before);
    terminal.end();
  });

  it('an interrupted message ends on the bus where it was', async () => {
    const terminal = await atBcm('stn1110', { faults: quirk({ stMin: 50 }) });
    await prepared(terminal);
    const before = stored(terminal);
    terminal.type(`STPX D:${WRITE},T:500\r`);
    await terminal.wait(80);
    terminal.type(' ');
    expect(await terminal.wait(500)).toBe('STOPPED||>');
    expect(terminal.sent.at(-1)).toMatch(/^70E 22/);
    await terminal.wait(1500);
    expect(stored(terminal)).toBe(before);
    terminal.end();
  });
});

describe('address pairs and filters of an STN', () => {
  it('without pairs the partner of 778 is 770: no flow control for the BCM; with 7E8 it works', async () => {
    const terminal = await atBcm();
    await terminal.all('STCFCPC');
    expect(await terminal.ask('STPX D:22F190,T:400')).toBe('77862F190304342<RX ERROR');
    expect(terminal.sent.at(-1)).toBe('770 3000000000000000');
    await terminal.all('ATCRA7E8');
    expect(await terminal.ask('STPX H:7E0,D:22F190,R:1')).toBe(`7E862F190${VIN}`);
    terminal.end();
  });

  it('a pair switches the automatic ones off', async () => {
    const terminal = await atBcm();
    await terminal.all('ATCRA7E8 STCTOR75,150');
    expect(await terminal.ask('STPX H:7E0,D:22F190,T:400')).toBe('7E862F190304342<RX ERROR');
    await terminal.all('STCFCPA7E0,7E8');
    await terminal.wait(1100);
    expect(await terminal.ask('STPX H:7E0,D:22F190,R:1')).toBe(`7E862F190${VIN}`);
    await terminal.all('ATCRA778');
    expect(await terminal.ask('STPX D:22F190,R:1')).toBe(`77862F190${VIN}`);
    terminal.end();
  });

  it('pass, block and flow control filters', async () => {
    const terminal = await atBcm();
    const functional = 'STPX H:700,D:3E00,T:100';
    expect(await terminal.ask(functional)).toBe('7787E00');
    await terminal.all('STFPA778,7FF STFPA77E,7FF');
    expect((await terminal.ask(functional)).split(' / ').sort()).toEqual(['7787E00', '77E7E00']);
    await terminal.all('STFBA778,7FF');
    expect(await terminal.ask(functional)).toBe('77E7E00');
    await terminal.all('STFAC');
    expect((await terminal.ask(functional)).split(' / ').sort()).toEqual(['7E87E00', '7E97E00']);
    await terminal.all('ATCRA778 STFFCA77E,7FF');
    expect(await terminal.ask('STPX D:22F190,T:300')).toMatch(/^77862F190304342(<RX ERROR)?$/);
    expect(terminal.sent.at(-1)).toBe('70E 0322F19000000000');
    expect(await terminal.ask('STFPA 77,7FF')).toBe('?');
    terminal.end();
  });

  it('STCSEGR0: frames with their PCI, R counts them', async () => {
    const terminal = await atBcm();
    await terminal.all('STCSEGR0');
    expect(await terminal.ask('STPX D:22F190,R:3')).toBe(
      '778101462F190304342 / 7782156313030303030 / 7782230303030303137',
    );
    expect(await terminal.ask('STPX D:22F190,R:1')).toBe('778101462F190304342');
    terminal.end();
  });

  it('an answer with a frame missing comes as far as it goes, marked <RX ERROR', async () => {
    const terminal = await atBcm('stn1110', {
      faults: [{ on: { ecu: '09', sid: 0x22 }, effect: { kind: 'isotp', quirks: { dropConsecutive: 1 } } }],
    });
    expect(await terminal.ask('STPX D:22F190,T:300')).toBe('77862F190304342<RX ERROR');
    terminal.end();
  });

  it('without AL a message of more than seven bytes is lost', async () => {
    const terminal = await atBcm();
    await terminal.all('ATNL');
    expect(await terminal.ask('STPX D:22F186,R:1')).toBe('77862F18601');
    expect(await terminal.ask('STPX D:22F190,T:300')).toBe('NO DATA');
    terminal.end();
  });

  it('a long answer is one line, however slow the UART is', async () => {
    const pdu = `620600${'5A'.repeat(1997)}`;
    const faults: FaultScript = [{ on: { ecu: '09', sid: 0x22, did: 0x600 }, effect: { kind: 'answer', pdu } }];
    const terminal = await atBcm('stn1110', { faults });
    expect(await terminal.ask('STPX D:220600,R:1')).toBe(`778${pdu}`);
    expect(terminal.device.counters.dropped).toBe(0);
    terminal.end();
  });

  it('an answer of more than 2 kB is refused with OVFLW and OUT OF MEMORY', async () => {
    const pdu = `620600${'5A'.repeat(2100)}`;
    const faults: FaultScript = [{ on: { ecu: '09', sid: 0x22, did: 0x600 }, effect: { kind: 'answer', pdu } }];
    const terminal = await atBcm('stn1110', { faults });
    expect(await terminal.ask('STPX D:220600,R:1')).toBe('OUT OF MEMORY');
    await terminal.wait(5);
    expect(terminal.sent.at(-1)).toBe('70E 3200000000000000');
    terminal.end();
  });

  it('STM hears what the filters let through, STMA everything', async () => {
    const terminal = await atBcm();
    const say = (id: number, hex: string) => {
      const node = terminal.car.bus.attach(() => true);
      node.send({ id, extended: false, rtr: false, data: fromHex(hex) });
    };
    terminal.type('STM\r');
    await terminal.wait(5);
    say(0x123, '0102');
    say(0x778, '037F2231');
    expect(await terminal.wait(20)).toBe('778037F2231|');
    terminal.type(' ');
    await terminal.wait(5);
    terminal.type('STMA\r');
    await terminal.wait(5);
    say(0x123, '0102');
    expect(await terminal.wait(20)).toBe('1230102|');
    terminal.end();
  });
});
