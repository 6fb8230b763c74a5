import { describe, expect, it } from 'vitest';
import type { FaultScript, InterpreterModel } from '#contract/simulator-control.ts';
import { type InterpreterTerminal, plugInterpreter } from './interpreter-terminal.ts';
import { BCM_NEW, BCM_OLD } from './tester.ts';

const BCM = 'ATE0 ATS0 ATH1 ATSP6 ATAT0 ATSH70E ATCRA778 ATFCSH70E ATFCSD300000 ATFCSM1';

async function atBcm(model: InterpreterModel, more: { faults?: FaultScript } = {}): Promise<InterpreterTerminal> {
  const terminal = await plugInterpreter({ model, ...more });
  await terminal.all(BCM);
  return terminal;
}

function commits(terminal: InterpreterTerminal): string[] {
  const seen: string[] = [];
  terminal.car.onEvent((event) => {
    if (event.type === 'commit' && event.change.kind === 'dids') seen.push(Object.keys(event.change.values).join(' '));
  });
  return seen;
}

const longAnswer = (bytes: number): FaultScript => [
  { on: { ecu: '09', sid: 0x22, did: 0x600 }, effect: { kind: 'answer', pdu: `620600${'5A'.repeat(bytes - 3)}` } },
];

describe('reading with an ELM327', () => {
  it('a single frame: 22 F1 86 goes out filled with 00 and comes back with header and PCI', async () => {
    const terminal = await atBcm('elm327-v14b');
    expect(await terminal.ask('22F186')).toBe('7780462F18601AAAAAA');
    expect(terminal.sent).toEqual(['70E 0322F18600000000']);
    expect(terminal.device.counters).toEqual({ framesToBus: 1, framesFromBus: 1, dropped: 0 });
    expect(await terminal.ask('AT PP 26 SV CC')).toBe('OK');
    expect(await terminal.ask('ATV1')).toBe('OK');
    await terminal.ask('22F186');
    expect(terminal.sent.at(-1)).toBe('70E 0322F186');
    terminal.end();
  });

  it('several frames: the chip answers the first frame, three lines come', async () => {
    const terminal = await atBcm('elm327-v14b');
    expect(await terminal.ask('22F190')).toBe('778101462F190304342 / 7782156313030303030 / 7782230303030303137');
    expect(terminal.sent).toEqual(['70E 0322F19000000000', '70E 3000000000000000']);
    terminal.end();
  });

  it('without headers: the length, then numbered lines; with spaces behind every byte', async () => {
    const terminal = await atBcm('elm327-v14b');
    await terminal.all('ATH0 ATS1');
    expect(await terminal.say('22F190')).toBe(
      '014|0: 62 F1 90 30 43 42 |1: 56 31 30 30 30 30 30 |2: 30 30 30 30 30 31 37 ||>',
    );
    expect(await terminal.say('22F186')).toBe('62 F1 86 01 ||>');
    await terminal.all('ATH1 ATD1');
    expect(await terminal.say('22F186')).toBe('778 8 04 62 F1 86 01 AA AA AA ||>');
    terminal.end();
  });

  it('without CFC nobody answers the first frame', async () => {
    const terminal = await atBcm('elm327-v14b');
    await terminal.all('ATCFC0');
    expect(await terminal.ask('22F190')).toBe('778101462F190304342');
    terminal.end();
  });

  it('FC SM 0 guesses 7E0 for 7E8, and sends the flow control for 778 on 778', async () => {
    const terminal = await atBcm('elm327-v14b');
    await terminal.all('ATFCSM0');
    expect(await terminal.ask('22F190')).toBe('778101462F190304342');
    expect(terminal.heard.slice(-2)).toEqual(['778 101462F190304342', '778 3000000000000000']); // the last is its own
    await terminal.all('ATSH7E0 ATCRA7E8');
    expect(await terminal.ask('22F190')).toMatch(/^7E8101462F190304342 \/ 7E821\w+ \/ 7E822\w+$/);
    expect(terminal.sent.at(-1)).toBe('7E0 3000000000000000');
    await terminal.all('ATFCSD300005 ATFCSM2');
    await terminal.ask('22F190');
    expect(terminal.sent.at(-1)).toBe('7E0 3000050000000000');
    terminal.end();
  });

  it('hears 7E8 to 7EF only, unless told otherwise', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.all('ATE0 ATS0 ATH1 ATSP6 ATSH70E');
    expect(await terminal.ask('22F186')).toBe('NO DATA');
    await terminal.all('ATCF700 ATCM700');
    expect(await terminal.ask('22F186')).toBe('7780462F18601AAAAAA');
    await terminal.all('ATCRA77E');
    expect(await terminal.ask('22F186')).toBe('NO DATA');
    await terminal.all('ATCRA');
    await terminal.all('ATSH7E0');
    expect(await terminal.ask('22F186')).toBe('7E80462F18601AAAAAA');
    terminal.end();
  });

  it('waits as long as ST says: 205 ms as delivered, 4.096 ms × FF, five times that after CTM5', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v23' });
    await terminal.all('ATE0 ATS0 ATH1 ATSP6 ATAT0 ATSH7A0');
    for (const [commands, ms] of [
      [[], 204.8],
      [['ATST01'], 4.1],
      [['ATSTFF'], 1044.5],
      [['ATCTM5'], 5222],
      [['ATCTM1', 'ATST00'], 204.8],
    ] as const) {
      for (const command of commands) expect(await terminal.ask(command)).toBe('OK');
      const from = terminal.clock.now();
      expect(await terminal.ask('3E00')).toBe('NO DATA');
      const tookMs = terminal.clock.now() - from;
      expect(tookMs).toBeGreaterThan(ms);
      expect(tookMs).toBeLessThan(ms + 9);
    }
    terminal.end();
  });

  it('a count ends the wait with its line; AT1 learns how long answers take, AT0 waits to the end', async () => {
    const terminal = await atBcm('elm327-v14b');
    const took = async (command: string) => {
      const from = terminal.clock.now();
      await terminal.say(command);
      return terminal.clock.now() - from;
    };
    expect(await took('22F1861')).toBeLessThan(20);
    expect(await took('22F186')).toBeGreaterThan(205);
    await terminal.all('ATAT1');
    expect(await took('22F186')).toBeGreaterThan(20);
    expect(await took('22F186')).toBeLessThan(60);
    terminal.end();
  });

  it('too low a count: the rest of the answer comes into the next command', async () => {
    const slow = await atBcm('elm327-v14b');
    await slow.all('ATFCSD300014'); // 20 ms between consecutive frames
    expect(await slow.ask('22F1901')).toBe('778101462F190304342');
    // The first consecutive frame came while nothing ran and is lost; the module is still sending and hears no request.
    expect(await slow.ask('22F186')).toBe('7782230303030303137');
    slow.end();
  });

  it('BUFFER FULL: 37 frames back to back are more than 38400 baud and 256 bytes can take', async () => {
    const terminal = await atBcm('elm327-v14b', { faults: longAnswer(256) });
    const said = await terminal.ask('220600');
    expect(said).toMatch(/^778110062060 ?0\w+ \/ .* \/ BUFFER FULL$/);
    expect(said.split(' / ').length).toBeLessThan(25);
    expect(terminal.device.counters.dropped).toBe(1);
    await terminal.wait(1100);
    await terminal.all('ATFCSD30000A'); // with 10 ms between them all come through
    expect((await terminal.ask('220600')).split(' / ')).toHaveLength(37);
    terminal.end();
  });

  it('7F 22 78: v1.4b gives up after ST, v2.3 keeps waiting, and with a count it stops at the pending message', async () => {
    const faults: FaultScript = [
      { on: { ecu: '09', sid: 0x22 }, effect: { kind: 'pending', count: 1, everyMs: 1500 } },
    ];
    const old = await atBcm('elm327-v14b', { faults });
    expect(await old.ask('22F186')).toBe('778037F2278AAAAAAAA');
    old.end();
    const young = await atBcm('elm327-v23', { faults });
    const from = young.clock.now();
    expect(await young.ask('22F186')).toBe('778037F2278AAAAAAAA / 7780462F18601AAAAAA');
    expect(young.clock.now() - from).toBeLessThan(1500 + 205 + 30); // after the answer ST counts again
    expect(await young.ask('22F1861')).toBe('778037F2278AAAAAAAA');
    await young.wait(2000);
    await young.all('ATCAF0');
    expect(await young.ask('0322F186')).toBe('778037F2278AAAAAAAA'); // it reads no PCI then
    young.end();
  });
});

describe('writing with an ELM327', () => {
  async function inSession(terminal: InterpreterTerminal): Promise<void> {
    expect(await terminal.ask('10031')).toContain('065003');
    expect(await terminal.ask('2EF1992611221')).toContain('036EF199');
  }

  it('a repeated CR writes twice', async () => {
    const terminal = await atBcm('elm327-v14b');
    expect(await terminal.ask('10031')).toContain('065003');
    const seen = commits(terminal);
    expect(await terminal.ask('2EF199261122')).toBe('778036EF199AAAAAAAA');
    expect(seen).toEqual(['F199']);
    expect(await terminal.ask('')).toBe('778036EF199AAAAAAAA');
    expect(seen).toEqual(['F199', 'F199']);
    expect(terminal.sent.slice(-2)).toEqual(['70E 062EF19926112200', '70E 062EF19926112200']);
    terminal.end();
  });

  it('takes 7 bytes with CAF1, 7 raw ones with CAF0, 8 after AL; a count behind 8 raw bytes is refused', async () => {
    const terminal = await atBcm('elm327-v14b');
    expect(await terminal.ask('2EF19800000378')).not.toBe('?');
    expect(await terminal.ask('2EF1980000037800')).toBe('?');
    await terminal.all('ATCAF0');
    expect(await terminal.ask('0322F186000000')).toBe('7780462F18601AAAAAA');
    expect(await terminal.ask('0322F18600000000')).toBe('?');
    await terminal.all('ATAL');
    expect(await terminal.ask('0322F18600000000')).toBe('7780462F18601AAAAAA');
    expect(await terminal.ask('0322F186000000001')).toBe('?');
    expect(await terminal.ask('0322F1861')).toBe('7780462F18601AAAAAA');
    terminal.end();
  });

  it('33 bytes by hand: FF, FC read, consecutive frames with R0, the last one with R1', async () => {
    const terminal = await atBcm('elm327-v14b');
    await inSession(terminal);
    await terminal.all('ATAL ATCAF0 ATST64');
    const send = async (pdu: string): Promise<string> => {
      const digits = pdu.replaceAll(' ', '');
      const flow = await terminal.ask(`10${(digits.length / 2).toString(16).padStart(2, '0')}${digits.slice(0, 12)}`);
      expect(flow).toBe('778300000AAAAAAAAAA');
      await terminal.all('ATR0');
      const rest = digits.slice(12).match(/.{1,14}/g) ?? [];
      for (const [i, part] of rest.entries()) {
        const frame = `2${(i + 1).toString(16)}${part.padEnd(14, '0')}`;
        if (i < rest.length - 1) expect(await terminal.ask(frame)).toBe('');
        else {
          await terminal.all('ATR1');
          return terminal.ask(frame);
        }
      }
      throw new Error('no consecutive frame');
    };
    expect(await send('2E F1 98 00 00 03 78 1F D7')).toBe('778036EF198AAAAAAAA');
    const seen = commits(terminal);
    expect(await send(`2E 06 00 ${BCM_NEW}`)).toBe('778037F2E78AAAAAAAA / 778036E0600AAAAAAAA');
    expect(seen).toEqual(['0600']);
    expect(terminal.store.state?.ecus['09']?.dids['0600']).toBe(BCM_NEW.replaceAll(' ', ''));
    expect(BCM_NEW).not.toBe(BCM_OLD);
    terminal.end();
  });

  it('R0 prompts as soon as the frame is out', async () => {
    const terminal = await atBcm('elm327-v14b');
    await terminal.all('ATR0');
    const from = terminal.clock.now();
    expect(await terminal.ask('3E00')).toBe('');
    expect(terminal.clock.now() - from).toBeLessThan(8);
    expect(terminal.sent).toEqual(['70E 023E000000000000']);
    terminal.end();
  });
});

describe('interruptions', () => {
  it('any byte while it waits is STOPPED; the four spaces of a resynchronisation repeat nothing', async () => {
    const terminal = await atBcm('elm327-v14b');
    await terminal.all('ATSTFF ATSH7A0');
    terminal.type('3E00\r');
    await terminal.wait(100);
    terminal.type('    ');
    expect(await terminal.wait(50)).toBe('STOPPED||>');
    expect(await terminal.ask('ATI')).toBe('ELM327 v1.4b');
    expect(terminal.sent).toHaveLength(1);
    terminal.end();
  });

  it('STOPPED comes after the write: the ECU has stored it all the same', async () => {
    const terminal = await atBcm('elm327-v14b');
    await terminal.ask('10031');
    const seen = commits(terminal);
    terminal.type('2EF199261122\r');
    await terminal.wait(9);
    terminal.type(' ');
    const said = await terminal.wait(80);
    expect(said).toContain('STOPPED');
    expect(seen).toEqual(['F199']);
    terminal.end();
  });

  it('restarts by itself at a request (S13): banner, echo again, settings gone', async () => {
    const terminal = await atBcm('elm327-v14b', {
      faults: [{ on: { ecu: '09', sid: 0x22, nth: 2 }, effect: { kind: 'adapter-reset' } }],
    });
    expect(await terminal.ask('22F186')).toContain('62F186');
    expect(await terminal.say('22F186')).toBe('||ELM327 v1.4b||>');
    expect(await terminal.say('ATDP')).toMatch(/^ATDP\|/);
    terminal.end();
  });

  it('is pulled by a fault when the write is stored and not yet answered', async () => {
    const terminal = await atBcm('elm327-v14b', {
      faults: [{ on: { ecu: '09', sid: 0x2e }, effect: { kind: 'unplug', at: 'answer' } }],
    });
    await terminal.ask('10031');
    const seen = commits(terminal);
    await terminal.say('2EF199261122', 100);
    expect(seen).toEqual(['F199']);
    expect(terminal.messages.at(-1)).toMatchObject({ type: 'closed', reason: { kind: 'lost' } });
    terminal.end();
  });
});

describe('the bus as an ELM327 sees it', () => {
  it('CAN ERROR at a wrong bit rate, and when everybody sleeps; NO DATA when somebody hears and nobody answers', async () => {
    const terminal = await atBcm('elm327-v14b');
    await terminal.all('ATTP8');
    expect(await terminal.ask('22F186')).toBe('CAN ERROR');
    expect(await terminal.ask('ATCS')).toBe('T:80 R:00');
    await terminal.all('ATTP6');
    expect(await terminal.ask('22F1861')).toContain('62F186');
    await terminal.car.set({ ignition: false });
    await terminal.wait(60_000);
    expect(await terminal.ask('22F186')).toBe('CAN ERROR');
    await terminal.car.set({ ignition: true });
    await terminal.wait(3000);
    await terminal.all('ATSH7A0');
    expect(await terminal.ask('22F186')).toBe('NO DATA');
    terminal.end();
  });

  it('a car at 250 kbit/s is found at protocol 8', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b', bitRate: 250_000 });
    await terminal.all('ATE0 ATS0 ATH1 ATSH7E0 ATSP8');
    expect(await terminal.ask('22F1861')).toBe('7E80462F18601AAAAAA');
    await terminal.all('ATSP6');
    expect(await terminal.ask('22F1861')).toBe('CAN ERROR');
    terminal.end();
  });

  it('SEARCHING asks 01 00 on protocol after protocol; then the request goes out once', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.all('ATE0 ATS0 ATH1 ATSP0 ATSH7E0');
    const from = terminal.clock.now();
    expect(await terminal.say('22F186')).toBe('SEARCHING...|7E80462F18601AAAAAA||>');
    expect(terminal.clock.now() - from).toBeGreaterThan(5000);
    expect(terminal.clock.now() - from).toBeLessThan(10_000);
    expect(terminal.sent).toEqual(['7E0 0201000000000000', '7E0 0322F18600000000']);
    expect(await terminal.ask('ATDPN')).toBe('A6');
    await terminal.all('ATSPA6');
    const again = terminal.clock.now();
    await terminal.say('22F186');
    expect(terminal.clock.now() - again).toBeLessThan(400);
    terminal.end();
  });

  it('UNABLE TO CONNECT when nothing answers anywhere; BUS INIT fails on K-line', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.all('ATE0 ATSP0 ATSH7A0');
    expect(await terminal.say('3E00')).toBe('SEARCHING...|UNABLE TO CONNECT||>');
    await terminal.all('ATSP5');
    expect(await terminal.say('3E00')).toBe('BUS INIT: ...ERROR||>');
    expect(await terminal.say('ATFI')).toBe('BUS INIT: ...ERROR||>');
    await terminal.all('ATSP1');
    expect(await terminal.ask('ATFI')).toBe('?');
    expect(await terminal.ask('3E00')).toBe('NO DATA');
    terminal.end();
  });

  it('29 bits: CP and SH make 18DA10F1, and nobody of this car answers', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.all('ATE0 ATS0 ATH1 ATSP7 ATCP18 ATSHDA10F1');
    expect(await terminal.ask('22F186')).toBe('NO DATA');
    expect(terminal.sent).toEqual(['18DA10F1 0322F18600000000']);
    const node = terminal.car.bus.attach(() => true);
    terminal.type('22F186\r');
    await terminal.wait(20);
    node.send({ id: 0x18daf110, extended: true, rtr: false, data: Uint8Array.of(0x10, 9, 1, 2, 3, 4, 5, 6) });
    expect(await terminal.wait(300)).toBe('18DAF1101009010203040506||>');
    expect(terminal.sent.at(-1)).toBe('18DA10F1 3000000000000000');
    terminal.end();
  });

  it('extended addressing: CEA puts the target in front, six bytes are left', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.all('ATE0 ATS0 ATH1 ATSP6 ATSH6F1 ATCRA612 ATCEA12');
    expect(await terminal.ask('22F190')).toBe('NO DATA');
    expect(await terminal.ask('22F19001020304')).toBe('?');
    expect(terminal.sent).toEqual(['6F1 120322F190000000']);
    terminal.end();
  });

  it('protocol B as C0 01 is raw 11-bit CAN at 500 kbit/s, only as long as its data', async () => {
    const terminal = await plugInterpreter({ model: 'elm327-v14b' });
    await terminal.all('ATE0 ATS0 ATH1 ATPBC001 ATSPB ATAL ATAT0 ATSH70E ATCRA778');
    expect(await terminal.ask('0322F186')).toBe('7780462F18601AAAAAA');
    expect(terminal.sent).toEqual(['70E 0322F186']);
    expect(await terminal.ask('0322F190')).toBe('778101462F190304342'); // no flow control of the chip here
    terminal.end();
  });

  it('MA prints everything until a byte comes, and sends nothing meanwhile', async () => {
    const terminal = await atBcm('elm327-v14b');
    terminal.type('ATMA\r');
    await terminal.wait(10);
    const node = terminal.car.bus.attach(() => true);
    node.send({ id: 0x70e, extended: false, rtr: false, data: Uint8Array.of(3, 0x22, 0xf1, 0x90) });
    expect(await terminal.wait(30)).toBe('70E0322F190|778101462F190304342|');
    terminal.type(' ');
    expect(await terminal.wait(20)).toBe('STOPPED||>');
    expect(terminal.device.counters.framesToBus).toBe(0);
    terminal.end();
  });
});
