import { describe, expect, it } from 'vitest';
import { fromHex, toHexSpaced } from '#base/hex.ts';
import type { FaultEffect, FaultScript } from '#contract/simulator-control.ts';
import { MemoryCarStore } from '#simulator/memory-store.ts';
import { BCM_NEW, BCM_OLD, onBench, prepare, type Tester } from './tester.ts';

const OLD = '14 00 00 01 02 00';
const NEW = '54 00 00 01 02 30';
const WRITE = `2E 06 00 ${NEW}`;

function onWrite(effect: FaultEffect): FaultScript {
  return [{ on: { ecu: '02', sid: 0x2e, did: 0x0600 }, effect }];
}

async function writing(effect: FaultEffect): Promise<Tester> {
  const tester = await onBench({ faults: onWrite(effect) });
  await prepare(tester, '02');
  return tester;
}

function held(tester: Tester): string {
  return toHexSpaced(tester.car.memory('02', '0600'));
}

describe('virtual car, memory', () => {
  it('commits before the answer: what is not durable yet is not answered', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let commits = 0;
    const store = new MemoryCarStore({
      onCommit: (_count, change) => (change.kind === 'dids' && ++commits === 3 ? gate : undefined),
    });
    const tester = await onBench({ store });
    await prepare(tester, '02');
    expect(await tester.ask('02', WRITE, 5000)).toEqual([]);
    expect(store.state?.ecus['02']?.dids['0600']).toBe(NEW.replaceAll(' ', ''));
    release();
    expect(await tester.ask('02', '22 F1 86', 100)).toContain('6E 06 00');
  });

  it('can lose originals: after a write nothing in the store holds the old bytes', async () => {
    const tester = await onBench();
    await prepare(tester, '09');
    await tester.ask('09', `2E 06 00 ${BCM_NEW}`, 200);
    expect(JSON.stringify(tester.store.state)).not.toContain(BCM_OLD.replaceAll(' ', ''));
    expect(JSON.stringify(tester.car.state)).not.toContain(BCM_OLD.replaceAll(' ', ''));
  });

  it('stops answering when its store fails, and says so', async () => {
    const store = new MemoryCarStore({
      onCommit: (count) => (count > 1 ? Promise.reject(new Error('disk full')) : undefined),
    });
    const tester = await onBench({ store });
    const failures: unknown[] = [];
    const onFailure = (error: unknown) => failures.push(error);
    process.once('unhandledRejection', onFailure);
    await tester.ask('02', '10 03');
    expect(await tester.ask('02', '2E F1 99 26 11 22', 500)).toEqual([]);
    expect(await tester.ask('02', '3E 00', 500)).toEqual([]);
    process.off('unhandledRejection', onFailure);
    expect(String(failures[0])).toContain('disk full');
  });

  it('is the car it was after a new start from the store, with sessions forgotten', async () => {
    const store = new MemoryCarStore();
    const first = await onBench({ store });
    await prepare(first, '02');
    await first.ask('02', WRITE);
    first.car.close();
    const second = await onBench({ store });
    expect(await second.ask('02', '22 06 00')).toEqual([`62 06 00 ${NEW}`]);
    expect(await second.ask('02', '22 F1 86')).toEqual(['62 F1 86 01']);
  });
});

describe('virtual car, behaviours', () => {
  it('behaviour 1: 78 twenty times, 400 ms apart, then 6E', async () => {
    const tester = await writing({ kind: 'pending', count: 20, everyMs: 400 });
    const answers = await tester.ask('02', WRITE, 9000);
    expect(answers).toEqual([...Array.from({ length: 20 }, () => '7F 2E 78'), '6E 06 00']);
  });

  it('78 for ever: nothing is stored, only a reset ends it', async () => {
    const tester = await writing({ kind: 'pending-forever', everyMs: 2000 });
    const answers = await tester.ask('02', WRITE, 60_000);
    expect(new Set(answers)).toEqual(new Set(['7F 2E 78']));
    expect(answers.length).toBeGreaterThan(28);
    expect(held(tester)).toBe(OLD);
  });

  it('behaviour 2: the answer comes 5600 ms after the 78, others are answered meanwhile', async () => {
    const tester = await writing({ kind: 'late', pendings: 1, delayMs: 5600 });
    expect(await tester.ask('02', WRITE, 5200)).toEqual(['7F 2E 78']);
    expect(await tester.ask('02', '22 06 00', 200)).toEqual([`62 06 00 ${NEW}`]);
    expect(await tester.ask('02', '22 F1 86', 500)).toEqual(['62 F1 86 01', '6E 06 00']);
  });

  it('behaviour 4: a lost flow control of the ECU ends the request silently; a lost consecutive frame the answer', async () => {
    const tester = await writing({ kind: 'isotp', quirks: { dropFlowControl: 1 } });
    expect(await tester.ask('02', WRITE, 3000)).toEqual([]);
    expect(held(tester)).toBe(OLD);
    const answering = await onBench({
      faults: [{ on: { sid: 0x22, nth: 1 }, effect: { kind: 'isotp', quirks: { dropConsecutive: 1 } } }],
    });
    expect(await answering.ask('09', '22 F1 90', 1500)).toEqual([]);
    expect(await answering.ask('09', '22 F1 90')).toHaveLength(1);
  });

  it('behaviour 4: what is lost towards the ECU: a flow control ends its answer after N_Bs, a frame the request', async () => {
    const answering = await onBench({
      faults: [{ on: { sid: 0x22, nth: 1 }, effect: { kind: 'isotp', quirks: { loseFlowControl: 1 } } }],
    });
    expect(await answering.ask('09', '22 F1 90', 900)).toEqual([]);
    expect(await answering.ask('09', '22 F1 86', 200)).toEqual([]); // it still sends: half duplex
    expect(await answering.ask('09', '22 F1 90')).toHaveLength(1);
    const tester = await writing({ kind: 'isotp', quirks: { loseConsecutive: 1 } });
    expect(await tester.ask('02', WRITE, 1500)).toEqual([]);
    expect(held(tester)).toBe(OLD);
  });

  it('behaviour 7: a reset without its answer, silent for 8 s', async () => {
    const tester = await onBench({
      faults: [{ on: { sid: 0x11 }, effect: { kind: 'reset-style', answers: false, silentMs: 8000 } }],
    });
    expect(await tester.ask('02', '11 01', 7900)).toEqual([]);
    expect(await tester.ask('02', '3E 00', 150)).toEqual([]);
    expect(await tester.ask('02', '3E 00')).toEqual(['7E 00']);
  });

  it('behaviour 8 and 12: 93 below 11.5 V, 92 above 15.5 V, 83 with the engine on, 88 while moving', async () => {
    const tester = await onBench();
    await prepare(tester, '02');
    for (const [conditions, nrc] of [
      [{ volts: 11.2 }, '93'],
      [{ volts: 15.8 }, '92'],
      [{ volts: 12.6, rpm: 800 }, '83'],
      [{ rpm: 800, speedKmh: 5 }, '88'],
    ] as const) {
      void tester.car.set(conditions);
      expect(await tester.ask('02', WRITE)).toEqual([`7F 2E ${nrc}`]);
    }
    void tester.car.set({ rpm: 0, speedKmh: 0 });
    expect(await tester.ask('02', WRITE)).toEqual(['6E 06 00']);
  });

  it('behaviour 11: 21 three times, then the answer', async () => {
    const tester = await onBench({
      faults: [{ on: { ecu: '09', sid: 0x22, nth: 1, times: 3 }, effect: { kind: 'negative', nrc: 0x21 } }],
    });
    for (let i = 0; i < 3; i++) expect(await tester.ask('09', '22 F1 86')).toEqual(['7F 22 21']);
    expect(await tester.ask('09', '22 F1 86')).toEqual(['62 F1 86 01']);
    expect(await tester.ask('08', '22 F1 86')).toEqual(['62 F1 86 01']);
  });

  it('behaviour 15: another node answers a functional 3E 300 ms late, one with an address byte', async () => {
    const tester = await onBench({
      faults: [
        {
          on: { ecu: '01', sid: 0x3e },
          effect: { kind: 'other-responder', canId: 0x7ea, extended: false, data: '02 7E 00', delayMs: 300 },
        },
        {
          on: { ecu: '01', sid: 0x3e },
          effect: { kind: 'other-responder', canId: 0x612, extended: false, data: 'F1 02 7E 00', delayMs: 5 },
        },
      ],
    });
    await tester.ask(0x7df, '3E 00', 290);
    expect(tester.frames).toContain('612  F1 02 7E 00');
    expect(tester.frames).not.toContain('7EA  02 7E 00');
    await tester.clock.advance(30);
    expect(tester.frames).toContain('7EA  02 7E 00');
  });

  it('behaviour 16: STmin F5, BS 2, two WAITs, short frames, wrong filler', async () => {
    const tester = await onBench({
      faults: [
        {
          on: { ecu: '09', sid: 0x2e, did: 0x0600 },
          effect: { kind: 'isotp', quirks: { stMin: 0xf5, blockSize: 2, waits: 2, waitEveryMs: 100, padding: -1 } },
        },
        { on: { ecu: '02' }, effect: { kind: 'isotp', quirks: { padding: 0x3c } } },
      ],
    });
    await prepare(tester, '09');
    tester.frames.length = 0;
    await tester.ask('09', `2E 06 00 ${BCM_NEW}`, 1500);
    expect(tester.frames.filter((frame) => frame.startsWith('778'))).toEqual([
      '778  31 02 F5',
      '778  31 02 F5',
      '778  30 02 F5',
      '778  31 02 F5',
      '778  31 02 F5',
      '778  30 02 F5',
      '778  03 7F 2E 78',
      '778  03 6E 06 00',
    ]);
    await tester.ask('02', '3E 00');
    expect(tester.frames.at(-1)).toBe('7E9  02 7E 00 3C 3C 3C 3C 3C');
  });

  it('behaviour 16: a strict ECU loses what comes earlier than its STmin of 2 ms, and takes what keeps it', async () => {
    const tester = await writing({ kind: 'isotp', quirks: { stMin: 2, strictStMin: true } });
    const long = await onBench({
      faults: [{ on: { ecu: '17', sid: 0x2e }, effect: { kind: 'isotp', quirks: { stMin: 2, strictStMin: true } } }],
    });
    // One consecutive frame: nothing can be too early.
    expect(await tester.ask('02', WRITE)).toEqual(['6E 06 00']);
    await long.ask('17', '10 03');
    const back = '2E 06 00 03 A5 00 08 00 01 40 00 00 20 00 00 07 00 00 00 00 10 00 00';
    expect(await long.ask('17', back, 1500)).toEqual([]);
    const frames = ['10 17 2E 06 00 03 A5 00', '21 08 00 01 40 00 00 20', '22 00 00 07 00 00 00 00', '23 10 00 00'];
    for (const frame of frames) {
      long.raw(0x714, fromHex(frame));
      await long.clock.advance(3);
    }
    await long.clock.advance(20);
    expect(long.frames.at(-1)).toBe('77E  03 7F 2E 31 AA AA AA AA');
  });

  it('behaviour 16: a wrong sequence number, a doubled frame and an overflow are on the wire', async () => {
    for (const [quirks, second] of [
      [{ wrongSnAt: 2 }, '778  23 30 30 30 30 30 31 37'],
      [{ duplicateConsecutive: 1 }, '778  21 56 31 30 30 30 30 30'],
    ] as const) {
      const tester = await onBench({ faults: [{ on: { sid: 0x22 }, effect: { kind: 'isotp', quirks } }] });
      expect(await tester.ask('09', '22 F1 90', 300)).toEqual([]);
      expect(tester.frames[4]).toBe(second);
    }
    const tester = await writing({ kind: 'isotp', quirks: { overflow: true } });
    expect(await tester.ask('02', WRITE, 300)).toEqual([]);
    expect(tester.frames.at(-1)).toBe('7E9  32 00 00 AA AA AA AA AA');
  });

  it('behaviour 20: a virgin module and one with a foreign VIN', async () => {
    const tester = await onBench();
    await tester.clock.run(tester.car.factoryReset('virgin-cluster'));
    expect(await tester.ask('17', '22 F1 90')).toEqual([`62 F1 90 ${'FF '.repeat(17).trim()}`]);
    await tester.clock.run(tester.car.factoryReset('foreign-cluster'));
    expect((await tester.ask('17', '22 F1 90'))[0]).toMatch(/39 39$/);
    expect((await tester.ask('09', '22 F1 90'))[0]).toMatch(/31 37$/);
  });

  it('stores something else than was written: by mask, or all but the last changed byte', async () => {
    const masked = await writing({ kind: 'store-masked', offset: 0, and: 0xbf, or: 0x01 });
    expect(await masked.ask('02', WRITE)).toEqual(['6E 06 00']);
    expect(held(masked)).toBe('15 00 00 01 02 30');
    const partly = await writing({ kind: 'store-partly' });
    expect(await partly.ask('02', WRITE)).toEqual(['6E 06 00']);
    expect(held(partly)).toBe('54 00 00 01 02 00');
  });

  it('resets during a write with old, half or new memory, and answers nothing', async () => {
    for (const [memory, bytes] of [
      ['old', OLD],
      ['half', '54 00 00 01 02 00'],
      ['new', NEW],
    ] as const) {
      const tester = await writing({ kind: 'reset', memory, silentMs: 2000 });
      expect(await tester.ask('02', WRITE, 2100)).toEqual([]);
      expect(held(tester)).toBe(bytes);
      expect(await tester.ask('02', '22 F1 86')).toEqual(['62 F1 86 01']);
    }
  });

  it('loses power of the whole car during a write; a frame that nobody acknowledges waits until it is back', async () => {
    const tester = await writing({ kind: 'power-cut', memory: 'half', offMs: 3000 });
    expect(await tester.ask('02', WRITE, 2900)).toEqual([]);
    tester.frames.length = 0;
    expect(await tester.ask('09', '3E 00', 2000)).toEqual([]);
    expect(tester.frames).toEqual([]);
    expect(held(tester)).toBe('54 00 00 01 02 00');
    await tester.clock.advance(200);
    expect(tester.frames).toEqual(['70E  02 3E 00 55 55 55 55 55', '778  02 7E 00 AA AA AA AA AA']);
  });

  it('keeps a write in RAM until the reset, which stores it or loses it', async () => {
    for (const [survives, bytes] of [
      [true, NEW],
      [false, OLD],
    ] as const) {
      const tester = await writing({ kind: 'hold-until-reset', survives });
      expect(await tester.ask('02', WRITE)).toEqual(['6E 06 00']);
      expect(await tester.ask('02', '22 06 00')).toEqual([`62 06 00 ${NEW}`]);
      expect(held(tester)).toBe(OLD);
      await tester.ask('02', '11 01', 2200);
      expect(await tester.ask('02', '22 06 00')).toEqual([`62 06 00 ${bytes}`]);
      expect(held(tester)).toBe(bytes);
    }
  });

  it('loses a held write with the power', async () => {
    const tester = await writing({ kind: 'hold-until-reset', survives: true });
    await tester.ask('02', WRITE);
    void tester.car.powerCut(500);
    await tester.clock.advance(3000);
    expect(await tester.ask('02', '22 06 00')).toEqual([`62 06 00 ${OLD}`]);
  });

  it('answers with a wrong echo, a wrong length, or an answer to another tester before its own', async () => {
    const cases: [FaultEffect, string[]][] = [
      [{ kind: 'wrong-echo', did: 0x0601 }, [`62 06 01 ${OLD}`]],
      [{ kind: 'answer-length', byBytes: -1 }, [`62 06 00 ${OLD.slice(0, -3)}`]],
      [{ kind: 'answer-length', byBytes: 2 }, [`62 06 00 ${OLD} 00 00`]],
      [{ kind: 'foreign-answer', pdu: '62 F4 42 30 D4', leadMs: 0 }, ['62 F4 42 30 D4', `62 06 00 ${OLD}`]],
      [{ kind: 'repeat-answer', delayMs: 20 }, [`62 06 00 ${OLD}`, `62 06 00 ${OLD}`]],
      [{ kind: 'no-answer', executes: true }, []],
    ];
    for (const [effect, answers] of cases) {
      const tester = await onBench({ faults: [{ on: { sid: 0x22 }, effect }] });
      expect(await tester.ask('02', '22 06 00')).toEqual(answers);
    }
  });

  it('counts a byte of a coding block up with each read', async () => {
    const tester = await onBench({
      faults: [{ on: { ecu: '02', sid: 0x22, did: 0x0600 }, effect: { kind: 'unstable-byte', offset: 2 } }],
    });
    expect(await tester.ask('02', '22 06 00')).toEqual(['62 06 00 14 00 01 01 02 00']);
    expect(await tester.ask('02', '22 06 00')).toEqual(['62 06 00 14 00 02 01 02 00']);
  });

  it('hears nothing for a while when mute, and executes or not when it only stays silent', async () => {
    const mute = await onBench({ faults: [{ on: { ecu: '02', nth: 2 }, effect: { kind: 'mute', forMs: 4000 } }] });
    expect(await mute.ask('02', '10 03')).toHaveLength(1);
    expect(await mute.ask('02', '3E 00', 2000)).toEqual([]);
    expect(await mute.ask('02', '3E 00', 2100)).toEqual([]);
    expect(await mute.ask('02', '22 F1 86')).toEqual(['62 F1 86 03']);
    const unheard = await writing({ kind: 'no-answer', executes: false });
    expect(await unheard.ask('02', WRITE)).toEqual([]);
    expect(held(unheard)).toBe(OLD);
    const silent = await writing({ kind: 'no-answer', executes: true });
    expect(await silent.ask('02', WRITE)).toEqual([]);
    expect(held(silent)).toBe(NEW);
  });

  it('changes the conditions of the car when a request arrives', async () => {
    const tester = await onBench({
      faults: [{ on: { ecu: '09', sid: 0x10 }, effect: { kind: 'conditions', volts: 11 } }],
    });
    await tester.ask('09', '10 03');
    expect(tester.car.conditions.volts).toBe(11);
  });

  it('draws its chances from the seed: twice the same run', async () => {
    const runs: string[][] = [];
    for (let run = 0; run < 2; run++) {
      const tester = await onBench({
        seed: 5,
        faults: [{ on: { sid: 0x22, chance: 0.5 }, effect: { kind: 'negative', nrc: 0x21 } }],
      });
      for (let i = 0; i < 20; i++) await tester.ask('09', '22 F1 86');
      runs.push(tester.frames);
    }
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]?.join('\n')).toContain('7F 22 21');
    expect(runs[0]?.join('\n')).toContain('62 F1 86');
  });
});
