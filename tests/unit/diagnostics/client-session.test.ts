import { describe, expect, it } from 'vitest';
import { fromHex } from '#base/hex.ts';
import { ecuReset, openSession, testerPresent, writeDataByIdentifier } from '#diagnostics/index.ts';
import { Bench, errorOf, WRITE } from './bench.ts';

const STAMP = '2E F1 99 26 11 22';

function stamp(bench: Bench) {
  return bench.clock.run(
    bench.client.perform(
      writeDataByIdentifier,
      { did: 0xf199, data: fromHex('26 11 22') },
      bench.permits.permit(STAMP),
    ),
  );
}

describe('sessions', () => {
  it('50 03 00 32 01 F4 opens the session; the promised times are a lower bound and never cut our floors', async () => {
    const bench = new Bench();
    await bench.extended();
    expect(bench.client.state).toEqual({ session: 3, p2Ms: 150, p2StarMs: 5000, unlockedLevel: null });
    bench.channel.on('10 03', '50 03 01 F4 03 E8');
    await bench.extended();
    expect(bench.client.state).toMatchObject({ p2Ms: 500, p2StarMs: 10_000 });
  });

  it('U06 7F 22 7F to a read re-enters the session once and reads', async () => {
    const bench = new Bench();
    await bench.extended();
    bench.channel.on('22 06 00', '7F 22 7F', '62 06 00 09');
    expect(await bench.read(0x0600)).toBe('09');
    expect(bench.channel.requests).toEqual(['10 03', '22 06 00', '10 03', '22 06 00']);
    expect(bench.events).toContainEqual({ type: 'session-lost', expected: 3 });
  });

  it('U06 a second 7F 22 7E is the answer', async () => {
    const bench = new Bench();
    await bench.extended();
    bench.channel.always('22 06 00', '7F 22 7E');
    expect(await errorOf(bench.read(0x0600))).toMatchObject({ code: 'diag/negative-response', details: { nrc: 0x7e } });
    expect(bench.channel.requests).toEqual(['10 03', '22 06 00', '10 03', '22 06 00']);
  });

  it('U06 a session that cannot be opened again is diag/session-lost', async () => {
    const bench = new Bench();
    await bench.extended();
    bench.channel.on('22 06 00', '7F 22 7F').on('10 03', '7F 10 22');
    expect(await errorOf(bench.read(0x0600))).toMatchObject({
      code: 'diag/session-lost',
      details: { expected: 3, nrc: 0x22 },
    });
  });

  it('without a session opened on purpose 7F is the answer', async () => {
    const bench = new Bench();
    bench.channel.always('22 06 00', '7F 22 7F');
    await errorOf(bench.read(0x0600));
    expect(bench.channel.requests).toEqual(['22 06 00']);
  });

  it('U10 a read after a pause of 6 s re-enters first: no 31 of the default session is taken for "has none"', async () => {
    const bench = new Bench();
    await bench.extended();
    await bench.clock.advance(6000);
    bench.channel.on('22 06 00', '62 06 00 09').on('22 06 01', '62 06 01 08');
    expect(await bench.read(0x0600)).toBe('09');
    expect(await bench.read(0x0601)).toBe('08');
    expect(bench.channel.requests).toEqual(['10 03', '10 03', '22 06 00', '22 06 01']);
  });

  it('U10 after the same pause 3E 00 and 10 01 go out as they are', async () => {
    const bench = new Bench();
    await bench.extended();
    await bench.clock.advance(6000);
    await bench.clock.run(bench.client.call(testerPresent, {}));
    expect(bench.client.state.session).toBe(1);
    await bench.clock.run(bench.client.call(openSession, { session: 1 }));
    expect(bench.channel.requests).toEqual(['10 03', '3E 00', '10 01']);
  });

  it('U10 a module that is gone after the pause is module-lost, not session-lost', async () => {
    const bench = new Bench();
    await bench.extended();
    await bench.clock.advance(6000);
    bench.channel.always('10 03').always('3E 00');
    expect(await errorOf(bench.read(0x0600))).toMatchObject({ code: 'diag/module-lost' });
    expect(bench.channel.count('22 06 00')).toBe(0);
  });

  it('U10 a write after a pause of 6 s is not sent, its permit not used', async () => {
    const bench = new Bench();
    await bench.extended();
    await bench.clock.advance(6000);
    const permit = bench.permits.permit(WRITE);
    expect(await errorOf(bench.written({}, permit))).toMatchObject({
      code: 'diag/session-lost',
      details: { expected: 3 },
    });
    expect(bench.channel.requests).toEqual(['10 03']);
    await bench.extended();
    bench.channel.on(WRITE, '6E 06 00');
    await bench.written({}, permit);
  });

  it('U10 what was written in a session is gone with it: after a re-entry by a read the next write says so, once', async () => {
    const bench = new Bench();
    await bench.extended();
    bench.channel.on(STAMP, '6E F1 99').on('22 06 00', '7F 22 7F', '62 06 00 09');
    await stamp(bench);
    await bench.read(0x0600);
    expect(await errorOf(bench.written())).toMatchObject({ code: 'diag/session-lost' });
    expect(bench.channel.count(WRITE)).toBe(0);
    expect(bench.client.state.session).toBe(1);
    await bench.extended();
    bench.channel.on(WRITE, '6E 06 00');
    await bench.written();
  });

  it('a re-entry before anything was written costs nothing; a reset needs no session', async () => {
    const bench = new Bench();
    await bench.extended();
    await bench.clock.advance(6000);
    bench.channel.on('22 06 00', '62 06 00 09', '7F 22 7F', '62 06 00 09').on(WRITE, '6E 06 00').on('11 01', '51 01');
    await bench.read(0x0600);
    await bench.written();
    await bench.read(0x0600);
    await bench.clock.run(bench.client.perform(ecuReset, { type: 1 }, bench.permits.permit('11 01')));
    expect(bench.client.state.session).toBe(1);
  });

  it('7F 2E 7F while the session is open (22 F1 86 says 03) is an answer: the module has no such service', async () => {
    const bench = new Bench();
    await bench.extended();
    bench.channel.on(STAMP, '7F 2E 7F').on('22 F1 86', '62 F1 86 03');
    expect(await errorOf(stamp(bench))).toMatchObject({ code: 'diag/negative-response', details: { nrc: 0x7f } });
    expect(bench.channel.requests).toEqual(['10 03', STAMP, '22 F1 86']);
    expect(bench.client.state.session).toBe(3);
  });

  it('7F 2E 7F and 22 F1 86 says 01: the session is lost', async () => {
    const bench = new Bench();
    await bench.extended();
    bench.channel.on(STAMP, '7F 2E 7F').on('22 F1 86', '62 F1 86 01');
    expect(await errorOf(stamp(bench))).toMatchObject({
      code: 'diag/session-lost',
      details: { expected: 3, nrc: 0x7f },
      cause: { code: 'diag/negative-response' },
    });
    expect(bench.client.state.session).toBe(1);
  });

  it('7F 2E 7E and 22 F1 86 unreadable or silent: our own silence was shorter than S3, so it is an answer', async () => {
    for (const answer of [['7F 22 31'], []]) {
      const bench = new Bench();
      await bench.extended();
      bench.channel.on(STAMP, '7F 2E 7E').on('22 F1 86', answer);
      expect(await errorOf(stamp(bench))).toMatchObject({ code: 'diag/negative-response', details: { nrc: 0x7e } });
      expect(bench.channel.count('22 F1 86')).toBe(1);
    }
  });
});
