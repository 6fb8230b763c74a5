import { describe, expect, it } from 'vitest';
import { StackError } from '#contract/errors.ts';
import { openSession, readDataByIdentifier } from '#diagnostics/index.ts';
import { Bench, errorOf, WRITE } from './bench.ts';

const PRESENT = '3E 80';

describe('tester present', () => {
  it('3E 80 goes every 2 s of silence while a session is held, and stops with it', async () => {
    const bench = new Bench();
    await bench.extended();
    const release = bench.client.keepSession();
    await bench.clock.advance(7000);
    release();
    await bench.clock.advance(20_000);
    expect(bench.channel.sent.slice(1)).toEqual([`@2010 ${PRESENT}`, `@4010 ${PRESENT}`, `@6010 ${PRESENT}`]);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('every request counts as presence', async () => {
    const bench = new Bench();
    await bench.extended();
    const release = bench.client.keepSession();
    bench.channel.always('22 06 00', '62 06 00 09');
    for (let i = 0; i < 5; i++) {
      await bench.clock.advance(1500);
      await bench.read(0x0600);
    }
    release();
    expect(bench.channel.count(PRESENT)).toBe(0);
  });

  it('none in the default session, and none after 10 01', async () => {
    const bench = new Bench();
    const release = bench.client.keepSession();
    await bench.clock.advance(10_000);
    await bench.extended();
    await bench.clock.run(bench.client.call(openSession, { session: 1 }));
    await bench.clock.advance(10_000);
    release();
    expect(bench.channel.count(PRESENT)).toBe(0);
  });

  it('none between the first and the last frame of a message, none while its answer is pending, gap ≤ S3client', async () => {
    const bench = new Bench();
    await bench.extended();
    const release = bench.client.keepSession();
    bench.channel.segmentedMs = 5000;
    const pendings = Array.from({ length: 20 }, (_, i) => `@${(i + 1) * 1000 - 900} 7F 2E 78`);
    bench.channel.on(WRITE, [...pendings, '@20000 6E 06 00']);
    await bench.clock.advance(1000);
    const write = bench.write();
    const answeredMs = 1010 + 5000 + 20_000;
    await bench.clock.run(write);
    expect(bench.clock.now()).toBe(answeredMs);
    await bench.clock.advance(2500);
    release();
    expect(bench.channel.sent.filter((line) => line.endsWith(PRESENT))).toEqual([`@${answeredMs + 2000} ${PRESENT}`]);
  });

  it('the session is kept through the silent wait after an unknown outcome', async () => {
    const bench = new Bench();
    await bench.extended();
    const release = bench.client.keepSession();
    bench.channel.on(WRITE, [], '6E 06 00');
    await errorOf(bench.written());
    await bench.written();
    release();
    const [firstMs = 0, ...rest] = bench.channel.sendings.map((sending) => sending.fromMs);
    let beforeMs = firstMs;
    for (const atMs of rest) {
      expect(atMs - beforeMs).toBeLessThanOrEqual(2160);
      beforeMs = atMs;
    }
    expect(bench.channel.requests).toEqual(['10 03', WRITE, PRESENT, PRESENT, WRITE]);
    expect(bench.client.state.session).toBe(3);
  });

  it('the request after 3E 80 keeps 100 ms distance', async () => {
    const bench = new Bench();
    await bench.extended();
    const release = bench.client.keepSession();
    await bench.clock.advance(2020);
    bench.channel.on('22 06 00', '62 06 00 09');
    await bench.read(0x0600);
    release();
    expect(bench.channel.sent.slice(1)).toEqual([`@2010 ${PRESENT}`, '@2110 22 06 00']);
  });

  it('a release while 3E 80 waits for its turn takes it back', async () => {
    const bench = new Bench();
    await bench.extended();
    const release = bench.client.keepSession();
    bench.channel.on('22 06 00', ['@100 7F 22 78', '@4000 62 06 00 09']);
    const read = bench.client.call(readDataByIdentifier, { did: 0x0600 });
    await bench.clock.advance(3000);
    release();
    await bench.clock.run(read);
    await bench.clock.advance(10_000);
    expect(bench.channel.count(PRESENT)).toBe(0);
  });

  it('two holders: it stops when the last one lets go, and letting go twice counts once', async () => {
    const bench = new Bench();
    await bench.extended();
    const [first, second] = [bench.client.keepSession(), bench.client.keepSession()];
    first();
    first();
    await bench.clock.advance(2500);
    second();
    await bench.clock.advance(10_000);
    expect(bench.channel.count(PRESENT)).toBe(1);
  });

  it.each([
    ['close', (bench: Bench) => void bench.client.close()],
    ['a lost adapter', (bench: Bench) => bench.channel.lose()],
  ])('stops for good with %s, also for who holds it later', async (_, end) => {
    const bench = new Bench();
    await bench.extended();
    const release = bench.client.keepSession();
    end(bench);
    await bench.clock.advance(10_000);
    const again = bench.client.keepSession();
    await bench.clock.advance(10_000);
    expect(bench.channel.requests).toEqual(['10 03']);
    expect(bench.clock.pendingTimers).toBe(0);
    release();
    again();
  });

  it('three failures in a row mean that the session is gone; then it is silent', async () => {
    const bench = new Bench();
    await bench.extended();
    const fail = new StackError('isotp/timeout-n-as', 'N_As', { timeoutMs: 1000 });
    bench.channel.failures.push(fail, fail, fail, fail);
    const release = bench.client.keepSession();
    await bench.clock.advance(30_000);
    release();
    expect(bench.channel.count(PRESENT)).toBe(3);
    expect(bench.client.state.session).toBe(1);
    expect(bench.events).toContainEqual({ type: 'session-lost', expected: 3 });
  });

  it('U10 a frozen page: the first thing after 60 s is not a 3E that hides the lost session', async () => {
    const bench = new Bench();
    await bench.extended();
    await bench.clock.advance(60_000);
    const release = bench.client.keepSession();
    await bench.clock.advance(100);
    expect(bench.channel.count(PRESENT)).toBe(0);
    expect(bench.client.state.session).toBe(1);
    expect(await errorOf(bench.written())).toMatchObject({ code: 'diag/session-lost' });
    release();
  });
});
