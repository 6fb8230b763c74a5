import { describe, expect, it } from 'vitest';
import type { SimulatorReport } from '#contract/simulator-control.ts';
import { VIRTUAL_ADAPTERS } from '#contract/simulator-control.ts';
import { V1 } from '#simulator/cars/v1.ts';
import { SimulatorHost } from '#simulator/host.ts';
import { MemoryCarStore } from '#simulator/memory-store.ts';
import { parseControl, parseFaultScript } from '#simulator/parse-control.ts';
import { portPair } from '../../support/port-pair.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { plugInterpreter } from './interpreter-terminal.ts';

const BCM = 'ATE0 ATSP6 ATS0 ATH1 ATAT0 ATSH70E ATCRA778 ATFCSH70E ATFCSD300000';

describe('clone-good', () => {
  it('forgets CAF, S and AL with each SP and TP; sent again they hold', async () => {
    const terminal = await plugInterpreter({ model: 'clone-good' });
    await terminal.all(`${BCM} ATFCSM1 ATAL ATCAF0`);
    expect(await terminal.ask('0322F1861')).toBe('7780462F18601AAAAAA');
    await terminal.all('ATTP6');
    expect(await terminal.ask('22F1861')).toBe('778 04 62 F1 86 01 AA AA AA');
    await terminal.all('ATCAF0');
    expect(await terminal.ask('0322F18600000000')).toBe('?');
    await terminal.all('ATAL ATS0');
    expect(await terminal.ask('0322F18600000000')).toBe('7780462F18601AAAAAA');
    terminal.end();
  });

  it('reads a VIN like a genuine one', async () => {
    const terminal = await plugInterpreter({ model: 'clone-good' });
    await terminal.all(`${BCM} ATFCSM1`);
    for (let i = 0; i < 20; i++)
      expect(await terminal.ask('22F190')).toBe('778101462F190304342 / 7782156313030303030 / 7782230303030303137');
    terminal.end();
  });

  it('prints the answer on the line of SEARCHING...', async () => {
    const terminal = await plugInterpreter({ model: 'clone-good' });
    await terminal.all('ATE0 ATSP0 ATS0 ATSH7E0');
    expect(await terminal.say('22F186')).toBe('SEARCHING...62F18601||>');
    terminal.end();
  });
});

describe('clone-bad', () => {
  it('cuts a write to two bytes: a shorter PDU is on the bus, and the ECU refuses it', async () => {
    const terminal = await plugInterpreter({ model: 'clone-bad' });
    await terminal.all(BCM);
    expect(await terminal.ask('2EF199261122')).toBe('778037F2E7FAAAAAAAA');
    expect(terminal.sent).toEqual(['70E 022EF10000000000']);
    expect(await terminal.ask('1003')).toContain('065003');
    expect(await terminal.ask('2EF199261122')).toBe('778037F2E13AAAAAAAA');
    terminal.end();
  });

  it('loses the end of a long answer: three lines come of five', async () => {
    const terminal = await plugInterpreter({
      model: 'clone-bad',
      faults: [{ on: { ecu: '01', sid: 0x3e }, effect: { kind: 'answer', pdu: '7E'.repeat(33) } }],
    });
    await terminal.all('ATE0 ATSP6 ATS0 ATH1 ATAT0 ATSH7E0 ATCRA7E8');
    const said = await terminal.ask('3E00');
    expect(said.split(' / ')).toEqual(['7E810217E7E7E7E7E7E', '7E8217E7E7E7E7E7E7E', '7E8227E7E7E7E7E7E7E']);
    expect(terminal.heard).toHaveLength(5);
    terminal.end();
  });
});

describe('vlinker', () => {
  it('ATSP takes CAF, S and AL back; the ST subset writes 33 bytes', async () => {
    const terminal = await plugInterpreter({ model: 'vlinker' });
    await terminal.all('ATE0 ATS0 ATCAF0 ATSP6');
    expect(await terminal.ask('ATDP')).toBe('ISO 15765-4 (CAN 11/500)');
    await terminal.all('ATH1 ATSH70E ATCRA778');
    expect(await terminal.ask('22F1861')).toBe('778 04 62 F1 86 01 AA AA AA');
    await terminal.all('ATS0 ATAL STCFCPA70E,778 STCSEGR1 STCSEGT1 STCTOR1000,1000');
    expect(await terminal.ask('STPX D:22F190,R:1')).toMatch(/^77862F190/);
    expect(await terminal.ask('STPX D:1003,R:1')).toContain('5003');
    expect(await terminal.ask('STPX D:2EF198000003781FD7,R:1')).toBe('7786EF198');
    terminal.end();
  });

  it('says who it is by VT, and does not know all of ST', async () => {
    const terminal = await plugInterpreter({ model: 'vlinker' });
    await terminal.say('ATE0');
    for (const [command, answer] of [
      ['VTI', 'vLinker FS'],
      ['VTPROI', 'Vgate'],
      ['VTVLRD', '12.60'],
      ['VTFPA', '?'],
      ['STMFR', '?'],
      ['STSN', '?'],
      ['STDI', 'vLinker FS'],
      ['ATCTM5', 'OK'],
    ] as const)
      expect([command, await terminal.ask(command)]).toEqual([command, answer]);
    terminal.end();
  });
});

describe('every adapter of the virtual car through its host', () => {
  it.each(VIRTUAL_ADAPTERS)('%s is plugged in by its name, opened, and pulled', async (firmware) => {
    const clock = new VirtualClock();
    const reports: SimulatorReport[] = [];
    const host = await SimulatorHost.create({
      data: V1,
      store: new MemoryCarStore(),
      clock,
      report: (report) => reports.push(report),
    });
    const tell = async (control: unknown) => {
      void host.receive({ control, id: 1 });
      await clock.advance(5);
    };
    await tell({ type: 'adapter', firmware, tickMs: 1 });
    const { near, far } = portPair();
    const heard: { type?: unknown; bytes?: Uint8Array }[] = [];
    near.addEventListener('message', ({ data }) => heard.push(data as { type?: unknown }));
    near.start?.();
    host.attach(far);
    near.postMessage({ type: 'open', line: { baudRate: firmware.startsWith('stn') ? 115_200 : 38_400 } });
    await clock.advance(5);
    expect(heard[0]).toMatchObject({ type: 'opened' });
    expect(host.state().adapter).toMatchObject({ firmware, plugged: true, lineOpen: true, channelOpen: false });
    await tell({ type: 'adapter-alert', alert: 'act' });
    await tell({ type: 'unplug' });
    expect(heard.at(-1)).toMatchObject({ type: 'closed', reason: { kind: 'lost' } });
    expect(host.state().adapter).toMatchObject({ plugged: false });
    expect(reports.some(({ type }) => type === 'refused')).toBe(false);
    host.device?.detach();
    host.car.close();
  });

  it('a fault restarts an slcan adapter too: its channel is closed, the rest of the frames goes nowhere', async () => {
    const clock = new VirtualClock();
    const host = await SimulatorHost.create({
      data: V1,
      store: new MemoryCarStore(),
      clock,
      report: () => undefined,
    });
    await host.control({ type: 'adapter', firmware: 'canusb', tickMs: 1 });
    await host.control({ type: 'faults', script: [{ on: { sid: 0x3e, nth: 2 }, effect: { kind: 'adapter-reset' } }] });
    const { near, far } = portPair();
    near.start?.();
    host.attach(far);
    near.postMessage({ type: 'open', line: { baudRate: 115_200 } });
    await clock.advance(5);
    const type = async (text: string) => {
      near.postMessage({ type: 'bytes', bytes: new TextEncoder().encode(text) });
      await clock.advance(20);
    };
    await type('S6\rO\rt7E08023E005555555555\r');
    expect(host.state().adapter).toMatchObject({ channelOpen: true, framesFromBus: 1 });
    await type('t7E08023E005555555555\r');
    expect(host.state().adapter).toMatchObject({ plugged: true, lineOpen: true, channelOpen: false });
    await type('t7E08023E005555555555\r');
    expect(host.state().adapter).toMatchObject({ framesToBus: 2, dropped: 1 });
    host.device?.detach();
    host.car.close();
  });

  it('parses the new control and the new fault, and refuses others', () => {
    expect(parseControl({ type: 'adapter-alert', alert: 'lp' })).toEqual({ type: 'adapter-alert', alert: 'lp' });
    expect(() => parseControl({ type: 'adapter-alert', alert: 'x' })).toThrow('adapter-alert.alert: one of act, lp');
    const script = [{ on: { sid: 0x2e, nth: 2 }, effect: { kind: 'adapter-reset' } }];
    expect(parseFaultScript(script)).toEqual(script);
  });
});
