import { describe, expect, it } from 'vitest';
import { fromHex } from '#base/hex.ts';
import {
  clearDiagnosticInformation,
  readDataByIdentifier,
  requestRoutineResults,
  startRoutine,
  writeDataByIdentifier,
} from '#diagnostics/index.ts';
import { Bench, CODING_NEW, CODING_OLD, errorOf, WRITE } from './bench.ts';

const LOCKED = '7F 2E 33';

describe('answers of an ECU, at the client', () => {
  it('22 06 00 gives the data behind 62 06 00', async () => {
    const bench = new Bench();
    bench.channel.on('22 06 00', `62 06 00 ${CODING_OLD}`);
    expect(await bench.read(0x0600)).toBe(CODING_OLD);
    expect(bench.trace).toEqual(['@0      => 70E-778  22 06 00', `@10     =< 70E-778  62 06 00 ${CODING_OLD}`]);
    expect(bench.client.lastAnswerMs).toBe(10);
  });

  it('U01 thirty 7F 31 78 every 4.9 s restart P2* each, 31 01 is sent once, the answer settles it', async () => {
    const bench = new Bench({ pendingLimitMs: 180_000 });
    const pendings = Array.from({ length: 30 }, (_, i) => `@${(i + 1) * 4900} 7F 31 78`);
    bench.channel.on('31 01 FF 01', ['@100 7F 31 78', ...pendings, '@151900 71 01 FF 01 00']);
    const result = await bench.clock.run(
      bench.client.perform(startRoutine, { rid: 0xff01 }, bench.permits.permit('31 01 FF 01')),
    );
    expect(result.status).toEqual(fromHex('00'));
    expect(bench.channel.requests).toEqual(['31 01 FF 01']);
    expect(bench.events.filter((event) => event.type === 'pending').at(-1)).toMatchObject({ count: 31 });
  });

  it('U01 a chain of 78 that never ends stops at the cap: 60 s, nothing sent again, a write is then of unknown outcome', async () => {
    const bench = new Bench();
    const pendings = Array.from({ length: 100 }, (_, i) => `@${(i + 1) * 2000} 7F 2E 78`);
    bench.channel.on(WRITE, ['@100 7F 2E 78', ...pendings]);
    const error = await errorOf(bench.written());
    expect(error).toMatchObject({ code: 'diag/outcome-unknown', cause: { code: 'diag/pending-limit' } });
    expect(bench.clock.now()).toBeGreaterThanOrEqual(60_000);
    expect(bench.clock.now()).toBeLessThan(65_100);
    expect(bench.channel.requests).toEqual([WRITE]);
  });

  it('U01 a chain of 78 that goes quiet for P2* is a time-out, not a wait to the cap', async () => {
    const bench = new Bench();
    bench.channel.on(WRITE, '7F 2E 78');
    expect(await errorOf(bench.written())).toMatchObject({ cause: { code: 'diag/timeout' } });
    expect(bench.clock.now()).toBe(10 + 5000);
  });

  it('U02 7F 22 21 three times: waits 200, 300, 450 ms, then reads', async () => {
    const bench = new Bench();
    bench.channel.on('22 06 00', '7F 22 21', '7F 22 21', '7F 22 21', '62 06 00 09');
    expect(await bench.read(0x0600)).toBe('09');
    expect(bench.channel.sent).toEqual(['@0 22 06 00', '@210 22 06 00', '@520 22 06 00', '@980 22 06 00']);
  });

  it('U02 an ECU that stays busy is asked for about 10 s, then its 21 is the answer', async () => {
    const bench = new Bench();
    bench.channel.always('22 06 00', '7F 22 21');
    const error = await errorOf(bench.read(0x0600));
    expect(error).toMatchObject({
      code: 'diag/negative-response',
      details: { nrc: 0x21, nrcName: 'busyRepeatRequest' },
    });
    expect(bench.clock.now()).toBeLessThan(13_000);
    expect(bench.channel.requests.length).toBeLessThanOrEqual(11);
  });

  it('U02 21 to a write is repeated under its permit, each repeat noted; 94 is not', async () => {
    const busy = new Bench();
    busy.channel.on(WRITE, '7F 2E 21', '7F 2E 21', '6E 06 00');
    await busy.written();
    expect(busy.permits.repeats).toEqual([0x21, 0x21]);
    expect(busy.channel.count(WRITE)).toBe(3);

    const unavailable = new Bench();
    unavailable.channel.always(WRITE, '7F 2E 94');
    expect(await errorOf(unavailable.written())).toMatchObject({ details: { nrc: 0x94 } });
    expect(unavailable.channel.requests).toEqual([WRITE]);
    expect(unavailable.permits.repeats).toEqual([]);
  });

  it('94 to a read is asked again after 1 s', async () => {
    const bench = new Bench();
    bench.channel.on('22 06 00', '7F 22 94', '62 06 00 09');
    expect(await bench.read(0x0600)).toBe('09');
    expect(bench.channel.sent[1]).toBe('@1010 22 06 00');
  });

  it.each([
    ['U03 conditions not correct', '7F 2E 22', 0x22, 'conditionsNotCorrect'],
    ['U04 security access denied', LOCKED, 0x33, 'securityAccessDenied'],
    ['U04 authentication required', '7F 2E 34', 0x34, 'authenticationRequired'],
    ['U07 request out of range', '7F 2E 31', 0x31, 'requestOutOfRange'],
    ['U07 wrong length', '7F 2E 13', 0x13, 'incorrectMessageLengthOrInvalidFormat'],
    ['U08 voltage too low', '7F 2E 93', 0x93, 'voltageTooLow'],
    ['U16 general programming failure', '7F 2E 72', 0x72, 'generalProgrammingFailure'],
    ['general reject', '7F 2E 10', 0x10, 'generalReject'],
  ])('%s: %s to a write is an answer, sent once, no retry loop', async (_, answer, nrc, nrcName) => {
    const bench = new Bench();
    bench.channel.always(WRITE, answer);
    const error = await errorOf(bench.written());
    expect(error).toMatchObject({ code: 'diag/negative-response', details: { sid: 0x2e, nrc, nrcName } });
    expect(bench.channel.requests).toEqual([WRITE]);
  });

  it('U03 7F 22 22 to a read is not asked again either', async () => {
    const bench = new Bench();
    bench.channel.always('22 06 00', '7F 22 22');
    expect(await errorOf(bench.read(0x0600))).toMatchObject({ details: { nrc: 0x22 } });
    expect(bench.channel.requests).toEqual(['22 06 00']);
  });

  it('10 to a read is asked once more after 500 ms', async () => {
    const bench = new Bench();
    bench.channel.always('22 06 00', '7F 22 10');
    expect(await errorOf(bench.read(0x0600))).toMatchObject({ details: { nrc: 0x10 } });
    expect(bench.channel.sent).toEqual(['@0 22 06 00', '@510 22 06 00']);
  });

  it('U09 an answer for another identifier never becomes the data: it is a stray, the right one settles the read', async () => {
    const bench = new Bench();
    bench.channel.on('22 F1 87', ['@5 62 F1 90 31 32', '@8 7F 2E 31', '@9 63 F1 87 00', '@20 62 F1 87 41']);
    expect(await bench.read(0xf187)).toBe('41');
    expect(bench.events.filter((event) => event.type === 'stray').map((event) => event.pdu)).toEqual([
      '62 F1 90 31 32',
      '7F 2E 31',
      '63 F1 87 00',
    ]);
  });

  it('U09 only answers for another identifier: the read times out, nothing is returned', async () => {
    const bench = new Bench();
    bench.channel.always('22 F1 87', '62 F1 90 31');
    expect(await errorOf(bench.read(0xf187))).toMatchObject({ code: 'diag/timeout', details: { sends: 3 } });
  });

  it('U09 a late answer that comes between two requests is not taken for the answer to the next one', async () => {
    const bench = new Bench();
    bench.channel.on('22 F1 90', [], [], []).on('22 F1 90', '62 F1 90 32');
    await errorOf(bench.read(0xf190));
    await bench.clock.run(bench.channel.say('62 F1 90 31'));
    expect(bench.client.lastAnswerMs).toBe(bench.clock.now());
    expect(await bench.read(0xf190)).toBe('32');
  });

  it('U11 a positive answer of the wrong length is refused with its bytes', async () => {
    const bench = new Bench();
    bench.channel.always('22 06 00', '62 06 00').always('14 FF FF FF', '54 00');
    expect(await errorOf(bench.read(0x0600))).toMatchObject({
      code: 'diag/malformed-response',
      details: { pdu: '62 06 00' },
    });
    const clear = bench.client.perform(
      clearDiagnosticInformation,
      { group: fromHex('FF FF FF') },
      bench.permits.permit('14 FF FF FF'),
    );
    expect(await errorOf(bench.clock.run(clear))).toMatchObject({
      code: 'diag/outcome-unknown',
      cause: { code: 'diag/malformed-response', details: { pdu: '54 00' } },
    });
  });

  it('U12 an answer that is kept back: a read is asked 3 times, the module is still there, time-out', async () => {
    const bench = new Bench();
    const error = await errorOf(bench.read(0x0600));
    expect(error).toMatchObject({ code: 'diag/timeout', details: { sid: 0x22, sends: 3 } });
    expect(bench.channel.requests).toEqual(['22 06 00', '22 06 00', '22 06 00', '3E 00']);
  });

  it('busy answers do not use up the repeats after silence', async () => {
    const bench = new Bench();
    bench.channel.on('22 06 00', '7F 22 21', '7F 22 21', '7F 22 21', [], [], '62 06 00 09');
    expect(await bench.read(0x0600)).toBe('09');
  });

  it('a module that does not even answer 3E 00 is lost', async () => {
    const bench = new Bench();
    bench.channel.always('3E 00');
    expect(await errorOf(bench.read(0x0600))).toMatchObject({
      code: 'diag/module-lost',
      details: { moduleId: '70E-778' },
    });
  });

  it('a lost frame of the answer (N_Cr) is asked again: T01', async () => {
    const bench = new Bench();
    const { StackError } = await import('#contract/errors.ts');
    bench.channel.on('22 06 00', [], '62 06 00 09');
    const read = bench.client.call(readDataByIdentifier, { did: 0x0600 });
    await bench.clock.advance(20);
    const details = { timeoutMs: 1500, receivedBytes: 6, expectedBytes: 13 };
    const error = new StackError('isotp/timeout-n-cr', 'N_Cr', details);
    bench.channel.emit({ type: 'failed', source: '70E-778', error, atMs: 20 });
    expect((await bench.clock.run(read)).data).toEqual(fromHex('09'));
    expect(bench.channel.count('22 06 00')).toBe(2);
  });

  it('a first frame meets P2: the rest may take longer', async () => {
    const bench = new Bench();
    bench.channel.on('22 06 00', [`@900 62 06 00 ${CODING_OLD}`]);
    const read = bench.client.call(readDataByIdentifier, { did: 0x0600 });
    await bench.clock.advance(100);
    bench.channel.emit({ type: 'started', source: '70E-778', lengthBytes: 13, atMs: 100 });
    expect((await bench.clock.run(read)).data.length).toBe(10);
    expect(bench.channel.requests).toEqual(['22 06 00']);
  });

  it('strays without end do not hold a request beyond its cap', async () => {
    const bench = new Bench({ pendingLimitMs: 2000 });
    const write = errorOf(bench.write());
    for (let i = 0; i < 40; i++) {
      bench.channel.emit({ type: 'started', source: '70E-778', lengthBytes: 20, atMs: bench.clock.now() });
      await bench.clock.advance(100);
      await bench.clock.run(bench.channel.say('@0 62 F1 90 31'));
    }
    expect(await bench.clock.run(write)).toMatchObject({ code: 'diag/outcome-unknown' });
    expect(bench.channel.requests).toEqual([WRITE]);
  });

  it('31 03 is a read and needs no permit', async () => {
    const bench = new Bench();
    bench.channel.on('31 03 FF 00', '71 03 FF 00 32');
    const { status } = await bench.clock.run(bench.client.call(requestRoutineResults, { rid: 0xff00 }));
    expect(status).toEqual(fromHex('32'));
  });

  it('a write that is accepted at once resolves, and was sent once', async () => {
    const bench = new Bench();
    bench.channel.on(WRITE, ['7F 2E 78', '@3000 6E 06 00']);
    await bench.written();
    expect(bench.channel.requests).toEqual([WRITE]);
    expect(writeDataByIdentifier.encode({ did: 0x0600, data: fromHex(CODING_NEW) })).toEqual(fromHex(WRITE));
  });
});
