import { describe, expect, it } from 'vitest';
import { fromHex, toHexSpaced } from '#base/hex.ts';
import type { ReadService, Service } from '#contract/diagnostics.ts';
import { type ErrorCode, type ErrorDetails, StackError } from '#contract/errors.ts';
import type { WritePermit } from '#contract/permit.ts';
import {
  ecuReset,
  openDiagClient,
  openFunctionalClient,
  readDataByIdentifier,
  requestRoutineResults,
  startRoutine,
  testerPresent,
  writeDataByIdentifier,
} from '#diagnostics/index.ts';
import { Bench, errorOf, WRITE } from './bench.ts';
import { TestOffice } from './fake-channel.ts';

const data = fromHex('09');
const SMALL = '2E 06 00 09';

function stackError<C extends ErrorCode>(code: C, details: ErrorDetails[C]): StackError<C> {
  return new StackError(code, code, details);
}

describe('requests with an effect', () => {
  it('I6 silence after a write: not repeated, the outcome is unknown and says so', async () => {
    const bench = new Bench();
    const error = await errorOf(bench.written());
    expect(error).toMatchObject({
      code: 'diag/outcome-unknown',
      details: { sid: 0x2e, service: 'WriteDataByIdentifier' },
      cause: { code: 'diag/timeout', details: { sends: 1 } },
    });
    expect(bench.channel.requests).toEqual([WRITE]);
  });

  it.each([
    ['isotp/timeout-n-as', { timeoutMs: 1000 }],
    ['transport/lost', { reason: 'unplugged' }],
    ['adapter/queue-overrun', { queueFrames: 4 }],
    ['can/closed', {}],
  ] as const)(
    'I6 %s while the write was on its way: it may have left, so the outcome is unknown',
    async (code, details) => {
      const bench = new Bench();
      bench.channel.failures.push(stackError(code, details as never));
      expect(await errorOf(bench.written())).toMatchObject({ code: 'diag/outcome-unknown', cause: { code } });
      expect(bench.channel.requests).toEqual([WRITE]);
    },
  );

  it.each([
    ['isotp/message-too-long', { lengthBytes: 13, maxBytes: 7 }],
    ['isotp/busy', {}],
    ['isotp/timeout-n-bs', { timeoutMs: 1000, sentBytes: 6 }],
    ['isotp/wait-limit', { waits: 21 }],
    ['isotp/overflow', { lengthBytes: 13 }],
    ['isotp/invalid-fs', { flowStatus: 5 }],
  ] as const)(
    '%s proves that the last frame never left: the write keeps this code and is not executed',
    async (code, details) => {
      const bench = new Bench();
      bench.channel.failures.push(stackError(code, details as never));
      expect(await errorOf(bench.written())).toMatchObject({ code });
      expect(bench.channel.requests).toEqual([WRITE]);
    },
  );

  it('a channel that was closed, or an adapter that was lost before: its own code, not "unknown"', async () => {
    const closed = new Bench();
    await closed.client.close();
    expect(await errorOf(closed.written())).toMatchObject({ code: 'can/closed' });
    const lost = new Bench();
    lost.channel.lose();
    await lost.clock.advance(0);
    expect(await errorOf(lost.written())).toMatchObject({ code: 'transport/lost' });
  });

  it('7F 2E 31 instead of a flow control is the answer; a late 6E there is not: the write was never sent to its end', async () => {
    const refused = stackError('isotp/refused-while-sending', { frame: '03 7F 2E 31' });
    const answered = new Bench();
    answered.channel.failures.push(refused);
    answered.channel.on(WRITE, '@0 7F 2E 31');
    expect(await errorOf(answered.written())).toMatchObject({ code: 'diag/negative-response', details: { nrc: 0x31 } });

    const late = new Bench();
    late.channel.failures.push(refused);
    late.channel.on(WRITE, '@0 6E 06 00');
    expect(await errorOf(late.written())).toMatchObject({ code: 'isotp/refused-while-sending' });
    expect(late.channel.requests).toEqual([WRITE]);
    expect(late.events).toContainEqual({ type: 'stray', pdu: '6E 06 00', source: '70E-778' });
  });

  it('I6 after an unknown outcome the next 2E waits P2*, so that the late 7F 2E 72 is not its answer; reads go on', async () => {
    const bench = new Bench();
    bench.channel.on(SMALL, [], '6E 06 00').on('22 06 00', '62 06 00 08');
    const write = () => bench.client.perform(writeDataByIdentifier, { did: 0x0600, data }, bench.permits.permit(SMALL));
    await errorOf(bench.clock.run(write()));
    const second = write();
    expect(await bench.read(0x0600)).toBe('08');
    expect(bench.channel.sent.at(-1)).toBe('@150 22 06 00');
    void bench.channel.say('@3000 7F 2E 72');
    await bench.clock.run(second);
    expect(bench.channel.sent.at(-1)).toBe(`@5150 ${SMALL}`);
  });

  it('the silent wait holds for reads with that SID too, and ends when cancelled', async () => {
    const bench = new Bench();
    bench.channel.on('31 03 02 03', '71 03 02 03');
    const start = bench.client.perform(startRoutine, { rid: 0x0203 }, bench.permits.permit('31 01 02 03'));
    await errorOf(bench.clock.run(start));
    const stop = new AbortController();
    const cancelled = errorOf(bench.client.call(requestRoutineResults, { rid: 0x0203 }, { signal: stop.signal }));
    const results = bench.client.call(requestRoutineResults, { rid: 0x0203 });
    await bench.clock.advance(100);
    stop.abort();
    expect(await bench.clock.run(cancelled)).toMatchObject({ code: 'call/aborted' });
    await bench.clock.run(results);
    expect(bench.channel.sent).toEqual(['@0 31 01 02 03', '@5150 31 03 02 03']);
  });

  it('after a reset without an answer nobody believes in the old session', async () => {
    const bench = new Bench();
    await bench.extended();
    const reset = bench.client.perform(ecuReset, { type: 1 }, bench.permits.permit('11 01'));
    expect(await errorOf(bench.clock.run(reset))).toMatchObject({ code: 'diag/outcome-unknown' });
    expect(bench.client.state).toEqual({ session: 1, p2Ms: 150, p2StarMs: 5000, unlockedLevel: null });
  });

  it('timeoutMs of a write bounds the wait for its turn: nothing is sent, the permit is unused', async () => {
    const bench = new Bench();
    bench.channel.on('22 06 00', ['@100 7F 22 78', '@4000 62 06 00 08']).on(WRITE, '6E 06 00');
    const permit = bench.permits.permit(WRITE);
    const read = bench.client.call(readDataByIdentifier, { did: 0x0600 });
    const late = errorOf(bench.write({ timeoutMs: 1000 }, permit));
    expect(await bench.clock.run(late)).toMatchObject({ code: 'call/timeout', details: { timeoutMs: 1000 } });
    expect(bench.clock.now()).toBe(1000);
    await bench.clock.run(read);
    await bench.written({}, permit);
    expect(bench.channel.requests).toEqual(['22 06 00', WRITE]);
  });

  it('timeoutMs of a read bounds the whole, back-off and all, and frees the turn', async () => {
    const bench = new Bench();
    bench.channel.always('22 06 00', '7F 22 21').on('22 06 01', '62 06 01 08');
    expect(await errorOf(bench.read(0x0600, { timeoutMs: 700 }))).toMatchObject({ code: 'call/timeout' });
    expect(bench.clock.now()).toBe(700);
    expect(await bench.read(0x0601)).toBe('08');
    expect(bench.clock.now()).toBe(710);
  });

  it('timeoutMs never cuts a write whose answer may come: 6E after 8 s of 78 settles it', async () => {
    const bench = new Bench();
    bench.channel.on(WRITE, ['@100 7F 2E 78', '@4500 7F 2E 78', '@8000 6E 06 00']);
    await bench.written({ timeoutMs: 500 });
    expect(bench.clock.now()).toBe(8000);
  });

  it('a cancelled write still waiting for its turn sends nothing; cancelled during its answer it is unknown', async () => {
    const bench = new Bench();
    bench.channel.on('22 06 00', ['@100 7F 22 78', '@4000 62 06 00 08']);
    const read = bench.client.call(readDataByIdentifier, { did: 0x0600 });
    const stop = new AbortController();
    const waiting = errorOf(bench.write({ signal: stop.signal }));
    await bench.clock.advance(50);
    stop.abort();
    expect(await bench.clock.run(waiting)).toMatchObject({ code: 'call/aborted' });
    expect(bench.clock.now()).toBe(50);
    await bench.clock.run(read);
    expect(bench.channel.count(WRITE)).toBe(0);

    const stopLater = new AbortController();
    const sent = errorOf(bench.write({ signal: stopLater.signal }));
    await bench.clock.advance(20);
    stopLater.abort();
    expect(await bench.clock.run(sent)).toMatchObject({
      code: 'diag/outcome-unknown',
      cause: { code: 'call/aborted' },
    });
  });

  it('cancelled in the pause after 21: the ECU has not executed, so it is call/aborted, as a StackError', async () => {
    const stop = new AbortController();
    const bench = new Bench();
    bench.channel.always(WRITE, '7F 2E 21').always('22 06 00', '7F 22 21');
    const write = errorOf(bench.write({ signal: stop.signal }));
    const read = errorOf(bench.client.call(readDataByIdentifier, { did: 0x0600 }, { signal: stop.signal }));
    await bench.clock.advance(100);
    stop.abort();
    expect(await bench.clock.run(write)).toMatchObject({ code: 'call/aborted' });
    expect(await bench.clock.run(read)).toMatchObject({ code: 'call/aborted' });
    expect(bench.channel.requests).toEqual([WRITE]);
  });

  it('a read cancelled in its own back-off is a StackError too', async () => {
    const stop = new AbortController();
    const bench = new Bench();
    bench.channel.always('22 06 00', '7F 22 21');
    const read = errorOf(bench.client.call(readDataByIdentifier, { did: 0x0600 }, { signal: stop.signal }));
    await bench.clock.advance(100);
    stop.abort('the person stopped it');
    expect(await bench.clock.run(read)).toMatchObject({ code: 'call/aborted' });
  });
});

describe('permits at the client', () => {
  const foreign = new TestOffice().permit(WRITE);
  it.each<[string, string, (bench: Bench) => WritePermit]>([
    ['forged', 'gate/permit-unknown', () => Object.freeze({ stepId: 'step-1' }) as WritePermit],
    ['made-up', 'gate/permit-unknown', () => 'step-1' as unknown as WritePermit],
    ['copied', 'gate/permit-unknown', (bench) => ({ ...bench.permits.permit(WRITE) })],
    ['from another office', 'gate/permit-unknown', () => foreign],
    ['for other bytes', 'gate/permit-foreign', (bench) => bench.permits.permit('2E 06 00 09 19')],
    ['for another module', 'gate/permit-foreign', (bench) => bench.permits.permitFor('710-77A', WRITE)],
    [
      'revoked',
      'gate/permit-used',
      (bench) => {
        const permit = bench.permits.permit(WRITE);
        bench.permits.office.revoke(permit);
        return permit;
      },
    ],
  ])('a %s permit: %s, and 0 PDUs at the channel', async (_, code, permitOf) => {
    const bench = new Bench();
    expect(await errorOf(bench.written({}, permitOf(bench)))).toMatchObject({ code });
    expect(bench.channel.sent).toEqual([]);
  });

  it('a permit is good once', async () => {
    const bench = new Bench();
    bench.channel.always(WRITE, '6E 06 00');
    const permit = bench.permits.permit(WRITE);
    await bench.written({}, permit);
    expect(await errorOf(bench.written({}, permit))).toMatchObject({ code: 'gate/permit-used' });
    expect(bench.channel.requests).toEqual([WRITE]);
  });

  it('the bytes that were permitted are sent, whatever the service does with its array afterwards', async () => {
    const bench = new Bench();
    const kept = fromHex(SMALL);
    const sly: Service<null, void> = {
      ...writeDataByIdentifier,
      effect: () => 'write',
      encode: () => kept,
      echo: () => fromHex('06 00'),
      decode: () => undefined,
    };
    const client = openDiagClient({
      channel: bench.channel,
      clock: bench.clock,
      timing: { p2FloorMs: 150, p2StarFloorMs: 5000, pendingLimitMs: 60_000, s3ClientMs: 2000, equalSessions: [] },
      verifier: {
        redeem(permit, use) {
          bench.permits.office.redeem(permit, use);
          kept.fill(0xee);
          use.pdu.fill(0xee);
        },
        repeat: (permit, use, nrc) => bench.permits.office.repeat(permit, use, nrc),
      },
    });
    bench.channel.on(SMALL, '6E 06 00');
    await bench.clock.run(client.perform(sly, null, bench.permits.permit(SMALL)));
    expect(bench.channel.requests).toEqual([SMALL]);
  });

  it.each([
    ['10 02', 'control'],
    ['11 01', 'reset'],
    ['14 FF FF FF', 'clear'],
    ['27 01', 'unlock'],
    ['28 03 01', 'control'],
    ['2E 06 00 09', 'write'],
    ['2F 00 01 03', 'control'],
    ['31 01 FF 00', 'routine'],
    ['31 02 FF 00', 'routine'],
    ['34 00 44', 'transfer'],
    ['36 01', 'transfer'],
    ['3D 11 00', 'write'],
    ['85 02', 'control'],
    ['BA 00', 'control'],
  ])('call refuses %s from a service that calls itself a read: effect %s, 0 PDUs', async (hex, effect) => {
    const bench = new Bench();
    const liar: ReadService<null, void> = {
      ...testerPresent,
      effect: () => 'read',
      encode: () => fromHex(hex),
      echo: () => new Uint8Array(),
      decode: () => undefined,
    };
    expect(await errorOf(bench.clock.run(bench.client.call(liar, null)))).toMatchObject({
      code: 'gate/effect-needs-permit',
      details: { effect },
    });
    const functional = openFunctionalClient({ channel: bench.channel, clock: bench.clock });
    const broadcast = functional.broadcast(liar, null, () => undefined, { collectMs: 100 });
    expect(await errorOf(bench.clock.run(broadcast))).toMatchObject({ code: 'gate/effect-needs-permit' });
    expect(bench.channel.sent).toEqual([]);
  });

  it('call refuses a service that says it has an effect, also when its bytes look like a read', async () => {
    const bench = new Bench();
    const bytes = { encode: () => fromHex('22 06 00'), echo: () => fromHex('06 00') };
    const cast = { ...writeDataByIdentifier, ...bytes } as unknown as ReadService<null, void>;
    expect(await errorOf(bench.clock.run(bench.client.call(cast, null)))).toMatchObject({
      code: 'gate/effect-needs-permit',
      details: { effect: 'write' },
    });
    expect(bench.channel.sent).toEqual([]);
  });

  it('session 4F needs a permit unless the definition names it as equal to 03', async () => {
    const { openSession } = await import('#diagnostics/index.ts');
    const plain = new Bench();
    expect(await errorOf(plain.clock.run(plain.client.call(openSession, { session: 0x4f })))).toMatchObject({
      code: 'gate/effect-needs-permit',
    });
    const equal = new Bench({ equalSessions: [0x4f] });
    equal.channel.on('10 4F', '50 4F 00 32 01 F4');
    await equal.clock.run(equal.client.call(openSession, { session: 0x4f }));
    expect(equal.client.state.session).toBe(0x4f);
    expect(toHexSpaced(openSession.encode({ session: 0x4f }))).toBe('10 4F');
  });

  it('ten repeats after 21 are the most a permit covers, and 0 PDUs follow', async () => {
    const bench = new Bench();
    bench.channel.always(WRITE, '@1 7F 2E 21');
    const error = await errorOf(bench.written());
    expect(['gate/repeat-limit', 'diag/negative-response']).toContain(error.code);
    expect(bench.channel.requests.length).toBeLessThanOrEqual(11);
  });
});
