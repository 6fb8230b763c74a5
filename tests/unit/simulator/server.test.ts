import { describe, expect, it } from 'vitest';
import { DECISION_STEPS } from '#simulator/car-data.ts';
import { V1 } from '#simulator/cars/v1.ts';
import { MemoryCarStore } from '#simulator/memory-store.ts';
import { BCM_NEW, BCM_OLD, onBench, prepare } from './tester.ts';

describe('virtual car V1, server bytes', () => {
  it('answers the coding trace of a body module byte for byte, reset included', async () => {
    const tester = await onBench();
    expect(await tester.ask('09', '10 03')).toEqual(['50 03 00 32 01 F4']);
    expect(await tester.ask('09', '22 F1 90')).toEqual(['62 F1 90 30 43 42 56 31 30 30 30 30 30 30 30 30 30 30 31 37']);
    expect(await tester.ask('09', '22 F1 89')).toEqual(['62 F1 89 30 31 31 34']);
    expect(await tester.ask('09', '22 F1 A5')).toEqual(['62 F1 A5 00 00 03 78 1F D7']);
    expect(await tester.ask('09', '22 06 00')).toEqual([`62 06 00 ${BCM_OLD}`]);
    expect(await tester.ask('09', '2E F1 99 26 11 22')).toEqual(['6E F1 99']);
    expect(await tester.ask('09', '2E F1 98 00 00 03 78 1F D7')).toEqual(['6E F1 98']);
    expect(await tester.ask('09', `2E 06 00 ${BCM_NEW}`, 200)).toEqual(['7F 2E 78', '6E 06 00']);
    expect(await tester.ask('09', '22 06 00')).toEqual([`62 06 00 ${BCM_NEW}`]);
    expect(await tester.ask('09', '11 02')).toEqual(['51 02']);
    expect(await tester.ask('09', '3E 00', 1950)).toEqual([]);
    expect(await tester.ask('09', '3E 00', 200)).toEqual(['7E 00']);
    expect(await tester.ask('09', '22 F1 86')).toEqual(['62 F1 86 01']);
    expect(await tester.ask('09', '22 06 00')).toEqual([`62 06 00 ${BCM_NEW}`]);
  });

  it('segments a multi-frame answer: 10 14 62 F1 90 30 43 42, then 21 and 22 after the flow control', async () => {
    const tester = await onBench();
    await tester.ask('09', '22 F1 90');
    expect(tester.frames).toEqual([
      '70E  03 22 F1 90 55 55 55 55',
      '778  10 14 62 F1 90 30 43 42',
      '70E  30 00 00 55 55 55 55 55',
      '778  21 56 31 30 30 30 30 30',
      '778  22 30 30 30 30 30 31 37',
    ]);
  });

  it('refuses coding without F199 and F198 in this session with 7F 2E 31, in session 01 with 7F 2E 7F', async () => {
    const tester = await onBench();
    const write = '2E 06 00 14 00 00 01 02 01';
    expect(await tester.ask('02', write)).toEqual(['7F 2E 7F']);
    await tester.ask('02', '10 03');
    expect(await tester.ask('02', write)).toEqual(['7F 2E 31']);
    await tester.ask('02', '2E F1 99 26 11 22');
    expect(await tester.ask('02', write)).toEqual(['7F 2E 31']);
    await tester.ask('02', '2E F1 98 00 00 00 00 00 01');
    expect(await tester.ask('02', '2E 06 00 14 00 00 01 02')).toEqual(['7F 2E 13']);
    expect(await tester.ask('02', write)).toEqual(['6E 06 00']);
    expect(await tester.ask('02', '22 F1 A5')).toEqual(['62 F1 A5 00 00 00 00 00 01']);
    await tester.ask('02', '10 03');
    expect(await tester.ask('02', write)).toEqual(['7F 2E 31']);
  });

  it('behaviour 6: falls back to 01 after 5.0 s without a request, not after 4.9 s', async () => {
    const tester = await onBench();
    await tester.ask('09', '10 03', 4900);
    expect(await tester.ask('09', '22 F1 86', 5100)).toEqual(['62 F1 86 03']);
    expect(await tester.ask('09', '22 F1 86')).toEqual(['62 F1 86 01']);
    expect(await tester.ask('09', '2E F1 99 26 11 22')).toEqual(['7F 2E 7F']);
  });

  it('behaviour 17: 3E 80 keeps the session and is not answered; 85 82 neither', async () => {
    const tester = await onBench();
    await tester.ask('09', '10 03');
    for (let i = 0; i < 5; i++) expect(await tester.askAll(0x700, '3E 80', 2000)).toEqual([]);
    expect(await tester.ask('09', '85 82')).toEqual([]);
    expect(await tester.ask('09', '22 F1 86')).toEqual(['62 F1 86 03']);
    expect(await tester.ask('09', '85 01')).toEqual(['C5 01']);
  });

  it('behaviour 17: after 7F 85 78 the positive answer comes although it was suppressed', async () => {
    const tester = await onBench({
      faults: [{ on: { sid: 0x85 }, effect: { kind: 'pending', count: 1, everyMs: 300 } }],
    });
    await tester.ask('09', '10 03');
    expect(await tester.ask('09', '85 82', 500)).toEqual(['7F 85 78', 'C5 02']);
  });

  it('keeps 11, 12, 31, 7E and 7F to itself when everybody was asked, and answers 22 F186 from each', async () => {
    const tester = await onBench();
    expect(await tester.askAll(0x700, '10 02')).toEqual([]);
    expect(await tester.askAll(0x700, '23 11 00 01')).toEqual([]);
    expect(await tester.askAll(0x700, '22 12 34')).toEqual([]);
    expect(await tester.askAll(0x700, '2E F1 99 26 11 22')).toEqual([]);
    expect((await tester.askAll(0x7df, '22 F1 86')).sort()).toEqual(['7E8: 62 F1 86 01', '7E9: 62 F1 86 01']);
    expect(await tester.askAll(0x700, '22 F1 86')).toHaveLength(10);
    expect(await tester.ask('09', '10 02')).toEqual(['7F 10 12']);
    expect(await tester.ask('09', '23 11 00 01')).toEqual(['7F 23 11']);
    expect(await tester.ask('09', '22 12 34')).toEqual(['7F 22 31']);
    expect(await tester.ask('15', '22 06 00')).toEqual(['7F 22 33']);
    expect(await tester.ask('09', '31 01 02 02')).toEqual(['7F 31 7F']);
    await tester.ask('09', '10 03');
    expect(await tester.ask('09', '31 01 02 02')).toEqual(['7F 31 31']);
    expect(await tester.ask('09', '31 01')).toEqual(['7F 31 13']);
  });

  it('reads several identifiers in one 22 and leaves out those it does not know', async () => {
    const tester = await onBench();
    expect(await tester.ask('09', '22 F1 89 12 34 F1 86')).toEqual(['62 F1 89 30 31 31 34 F1 86 01']);
    expect(await tester.ask('09', '22 F1 89 F1')).toEqual(['7F 22 13']);
  });

  it('reads, counts and clears fault memory; a clear of one DTC leaves the others', async () => {
    const tester = await onBench();
    expect(await tester.ask('09', '19 02 09')).toEqual(['59 02 FF 9A 02 15 09']);
    expect(await tester.ask('09', '19 01 08')).toEqual(['59 01 FF 01 00 01']);
    expect(await tester.ask('09', '19 0A')).toEqual(['59 0A FF 9A 02 15 09']);
    expect(await tester.ask('09', '19 04 9A 02 15 FF')).toEqual(['59 04 9A 02 15 09 01 01 F4 42 30 D4']);
    expect(await tester.ask('09', '19 06 9A 02 15 01')).toEqual(['59 06 9A 02 15 09 01 03']);
    expect(await tester.ask('09', '19 06 12 34 56 01')).toEqual(['7F 19 31']);
    expect(await tester.ask('17', '19 02 FF')).toEqual(['59 02 FF D1 00 87 08']);
    expect(await tester.ask('09', '14 12 34 56')).toEqual(['7F 14 31']);
    expect(await tester.ask('09', '14 FF FF FF', 300)).toEqual(['7F 14 78', '54']);
    expect(await tester.ask('09', '19 02 FF')).toEqual(['59 02 FF']);
    expect(tester.store.state?.ecus['17']?.dtcs).toEqual([{ dtc: 'D10087', status: 0x08 }]);
  });

  it('85 02 stops it from storing faults until the session ends', async () => {
    const tester = await onBench({
      faults: [{ on: { sid: 0x3e, sub: 0 }, effect: { kind: 'log-dtc', dtc: 'D10087', status: 0x09 } }],
    });
    await tester.ask('08', '10 03');
    await tester.ask('08', '85 02');
    await tester.ask('08', '3E 00');
    expect(await tester.ask('08', '19 02 FF')).toEqual(['59 02 FF']);
    await tester.ask('08', '10 01');
    await tester.ask('08', '3E 00');
    expect(await tester.ask('08', '19 02 FF')).toEqual(['59 02 FF D1 00 87 09']);
  });

  it('checks the sum of the battery record and measures the supply within its noise', async () => {
    const tester = await onBench();
    await tester.ask('19', '10 03');
    const battery = '50 02 56 41 52 30 30 30 30 30 30 34 37 31 32';
    expect(await tester.ask('19', `2E 04 11 ${battery} 00`)).toEqual(['7F 2E 31']);
    const sum = battery.split(' ').reduce((total, byte) => (total + Number.parseInt(byte, 16)) & 255, 0);
    expect(await tester.ask('19', `2E 04 11 ${battery} ${sum.toString(16).padStart(2, '0')}`)).toEqual(['6E 04 11']);
    const [answer = ''] = await tester.ask('19', '22 F4 42');
    const millivolts = Number.parseInt(answer.replaceAll(' ', '').slice(6), 16);
    expect(answer).toMatch(/^62 F4 42/);
    expect(Math.abs(millivolts - 12_600)).toBeLessThanOrEqual(30);
  });

  it('lets an ECU decide in its own order: 33 before 31 or the other way round', async () => {
    const order = [...DECISION_STEPS].filter((step) => step !== 'identifier-security');
    const late = {
      ...V1,
      ecus: V1.ecus.map((ecu) => ({ ...ecu, decisionOrder: [...order, 'identifier-security' as const] })),
    };
    const write = '2E 06 12 00 00 00 00 00 00 00 00';
    const usual = await onBench();
    await usual.ask('5F', '10 03');
    expect(await usual.ask('5F', write)).toEqual(['7F 2E 33']);
    const other = await onBench({ data: late });
    await other.ask('5F', '10 03');
    expect(await other.ask('5F', write)).toEqual(['7F 2E 31']);
  });

  it('refuses a request while another one runs with 21, but takes 3E 80', async () => {
    const tester = await onBench();
    await prepare(tester, '09');
    expect(await tester.ask('09', `2E 06 00 ${BCM_NEW}`, 20)).toEqual([]);
    expect(await tester.ask('09', '22 F1 86', 10)).toEqual(['7F 22 21']);
    expect(await tester.ask('09', '3E 80', 200)).toEqual(['7F 2E 78', '6E 06 00']);
  });
});

describe('virtual car V1, security access', () => {
  const key = (seed: string) =>
    seed
      .split(' ')
      .map((byte) => (Number.parseInt(byte, 16) ^ 0xa5).toString(16).padStart(2, '0'))
      .join(' ');

  it('opens with seed XOR A5A5A5A5, gives a seed of zeros then, and locks again at 10 03', async () => {
    const tester = await onBench();
    expect(await tester.ask('5F', '27 03')).toEqual(['7F 27 7F']);
    await tester.ask('5F', '10 03');
    const [seed = ''] = await tester.ask('5F', '27 03');
    expect(seed).toMatch(/^67 03( [0-9A-F]{2}){4}$/);
    expect(seed).not.toBe('67 03 00 00 00 00');
    expect(await tester.ask('5F', `27 04 ${key(seed.slice(6))}`)).toEqual(['67 04']);
    expect(await tester.ask('5F', '27 03')).toEqual(['67 03 00 00 00 00']);
    expect(await tester.ask('5F', '27 04 B7 91 F3 DD')).toEqual(['7F 27 24']);
    await tester.ask('5F', '2E F1 99 26 11 22');
    await tester.ask('5F', '2E F1 98 00 00 03 78 1F D7');
    expect(await tester.ask('5F', '2E 06 12 00 00 00 00 00 00 00 03')).toEqual(['6E 06 12']);
    await tester.ask('5F', '10 03');
    expect(await tester.ask('5F', '27 03')).not.toEqual(['67 03 00 00 00 00']);
  });

  it('behaviour 5: two wrong keys give 35 and 36, then 37 for 600 s of ignition, also after a restart from its store', async () => {
    const store = new MemoryCarStore();
    const first = await onBench({ store });
    await first.ask('5F', '10 03');
    await first.ask('5F', '27 03');
    expect(await first.ask('5F', '27 04 00 00 00 00')).toEqual(['7F 27 35']);
    expect(store.state?.ecus['5F']?.security).toEqual({ '3': { wrongKeys: 1, lockedMs: 0 } });
    await first.ask('5F', '27 03');
    expect(await first.ask('5F', '27 04 00 00 00 00')).toEqual(['7F 27 36']);
    expect(await first.ask('5F', '27 03', 300_000)).toEqual(['7F 27 37']);
    await first.clock.run(first.car.set({ ignition: false }));
    await first.clock.advance(3_600_000);
    first.car.close();

    const second = await onBench({ store });
    await second.ask('5F', '10 03');
    expect(await second.ask('5F', '27 03', 299_000)).toEqual(['7F 27 37']);
    await second.ask('5F', '10 03');
    expect(await second.ask('5F', '27 03', 2000)).toEqual(['7F 27 37']);
    await second.ask('5F', '10 03');
    expect((await second.ask('5F', '27 03'))[0]).toMatch(/^67 03/);
  });

  it('behaviour 5: an ECU with a boot delay answers 37 for 10 s after its reset', async () => {
    const data = {
      ...V1,
      ecus: V1.ecus.map((ecu) => ({ ...ecu, security: { ...ecu.security, bootDelayMs: 10_000 } })),
    };
    const tester = await onBench({ data });
    await tester.ask('5F', '10 03');
    expect(await tester.ask('5F', '27 03', 10_000)).toEqual(['7F 27 37']);
    await tester.ask('5F', '10 03');
    expect((await tester.ask('5F', '27 03'))[0]).toMatch(/^67 03/);
  });

  it('gives the same seeds for the same seed of the car, and others for another', async () => {
    const seeds: (string | undefined)[] = [];
    for (const seed of [7, 7, 8]) {
      const tester = await onBench({ seed });
      await tester.ask('5F', '10 03');
      seeds.push((await tester.ask('5F', '27 03'))[0]);
    }
    expect(seeds[0]).toBe(seeds[1]);
    expect(seeds[0]).not.toBe(seeds[2]);
  });
});
