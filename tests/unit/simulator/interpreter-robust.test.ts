import { describe, expect, it } from 'vitest';
import { seededRandom } from '#base/random.ts';
import type { InterpreterModel } from '#contract/simulator-control.ts';
import { INTERPRETERS } from '#simulator/devices/interpreter/models.ts';
import { type InterpreterTerminal, plugInterpreter } from './interpreter-terminal.ts';

const PARTS = [
  ...'ATZ ATWS ATD ATE0 ATH1 ATS0 ATAL ATCAF0 ATCAF1 ATR0 ATR1 ATSP0 ATSP6 ATSP7 ATTPB ATSPA6 ATPBC001 ATMA ATPC'.split(
    ' ',
  ),
  ...'ATSH7E0 ATSHDA10F1 ATCEA12 ATCEA ATCRA7E8 ATCRA ATFCSH7E0 ATFCSD300000 ATFCSM1 ATFCSM0 ATST01 ATAT2'.split(' '),
  ...'ATPPS ATPP2DSV00 ATPP2DON ATPP03SV00 ATPP03ON ATBRD68 ATLP ATCSM0 ATV1 ATD1 ATIGN ATSPB ATSP3'.split(' '),
  ...'STP33 STP34 STP31 STP53 STCSEGT1 STCSEGR1 STCFCPA7E0,7E8 STPTO50 STCTOR0,0 STPBR250000 STM STCAF1,12'.split(' '),
  ...'STPXH:7E0,D:22F190,R:1 STPXD:2EF198000003781FD7 STPXL:12 STPXL:3,T:0 STFPA778,7FF STVR STSBR38400'.split(' '),
  ...'22F190 22F1901 3E00 0322F19000000000 2EF199261122 102122F190F187F1 0100 1 ß é 10 \u00ff\u0000 >'.split(' '),
  '',
  '  ',
];

async function storm(model: InterpreterModel, seed: number): Promise<InterpreterTerminal> {
  const terminal = await plugInterpreter({ model });
  const random = seededRandom(seed);
  for (let i = 0; i < 120; i++) {
    let text = PARTS[random.below(PARTS.length)] ?? '';
    if (random.below(10) === 0) text = text.slice(0, random.below(text.length + 1));
    if (random.below(10) === 0) text += String.fromCharCode(random.below(256));
    terminal.post({ type: 'bytes', bytes: Uint8Array.from(`${text}\r`, (character) => character.charCodeAt(0)) });
    await terminal.clock.advance([0, 1, 5, 30, 400][random.below(5)] ?? 0);
    if (random.below(40) === 0) await terminal.car.set({ volts: 6 + random.below(10) });
    if (random.below(60) === 0) {
      terminal.device.unplug();
      terminal.device.plug();
      await terminal.open(INTERPRETERS[model].baudRate);
    }
  }
  return terminal;
}

describe.each(Object.keys(INTERPRETERS) as InterpreterModel[])('%s under a storm of commands', (model) => {
  it('neither stops the car nor hangs, and the same seed gives the same text at the same time', async () => {
    const runs: string[] = [];
    for (let run = 0; run < 2; run++) {
      const terminal = await storm(model, 7);
      runs.push(`${terminal.clock.now()} ${terminal.text} ${terminal.sent.join()}`);
      terminal.device.unplug();
      terminal.device.plug();
      await terminal.open(terminal.device.baudRate);
      await terminal.say('ATI', 300); // echo may be off by a stored parameter
      expect(await terminal.ask('ATI')).toContain('ELM327');
      terminal.end();
    }
    expect(runs[1]).toBe(runs[0]);
  });

  it.each([1, 2, 3, 4])('answers ATI after seed %i', async (seed) => {
    const terminal = await storm(model, seed);
    terminal.device.unplug();
    terminal.device.plug();
    await terminal.open(terminal.device.baudRate);
    expect(await terminal.ask('ATI')).toContain('ELM327');
    expect(terminal.car.kernel.closed).toBe(false);
    terminal.end();
  });
});
