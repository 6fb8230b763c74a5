import { describe, expect, it } from 'vitest';
import { fromHex } from '#base/hex.ts';
import type { FunctionalResponse } from '#contract/diagnostics.ts';
import { formatTraceLine } from '#contract/trace.ts';
import { openFunctionalClient, openSession, readDataByIdentifier } from '#diagnostics/index.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { errorOf } from './bench.ts';
import { FakeChannel } from './fake-channel.ts';

function setup() {
  const clock = new VirtualClock();
  const channel = new FakeChannel(clock);
  const trace: string[] = [];
  const client = openFunctionalClient({
    channel,
    clock,
    trace: { record: (line) => trace.push(formatTraceLine(line)) },
  });
  const responses: FunctionalResponse<{ data: Uint8Array }>[] = [];
  const say = (source: string, hex: string) =>
    channel.emit({ type: 'message', source, pdu: fromHex(hex), atMs: clock.now() });
  const broadcast = (options: { signal?: AbortSignal; timeoutMs?: number } = {}) =>
    client.broadcast(readDataByIdentifier, { did: 0xf190 }, (each) => responses.push(each), {
      collectMs: 500,
      ...options,
    });
  return { clock, channel, trace, responses, say, broadcast, client };
}

describe('broadcast reads', () => {
  it('each ECU is told apart by its source; strays and 27 are not answers and show no seed', async () => {
    const { clock, responses, say, broadcast, trace, channel } = setup();
    const work = broadcast();
    await clock.advance(20);
    say('7E0-7E8', '62 F1 90 31');
    say('710-77A', '7F 22 31');
    say('70E-778', '62 F1 90');
    say('70E-778', '62 F1 87 41');
    say('70E-778', '67 03 DE AD');
    await clock.run(work);
    say('7E1-7E9', '62 F1 90 32');
    expect(responses).toEqual([
      { kind: 'positive', source: '7E0-7E8', response: { data: fromHex('31') } },
      { kind: 'negative', source: '710-77A', nrc: 0x31 },
      { kind: 'malformed', source: '70E-778', why: expect.stringContaining('without data') },
    ]);
    expect(clock.now()).toBe(500);
    expect(channel.requests).toEqual(['22 F1 90']);
    expect(trace.join('\n')).toContain('67 03 ** **');
  });

  it('a cancelled broadcast ends at once with call/aborted and listens no more', async () => {
    const { clock, responses, say, broadcast } = setup();
    const stop = new AbortController();
    const work = errorOf(broadcast({ signal: stop.signal }));
    await clock.advance(100);
    stop.abort();
    expect(await clock.run(work)).toMatchObject({ code: 'call/aborted' });
    say('7E0-7E8', '62 F1 90 31');
    expect(responses).toEqual([]);
  });

  it('timeoutMs bounds the whole, and a broadcast of a session is refused with 0 PDUs', async () => {
    const { clock, broadcast, client, channel } = setup();
    expect(await errorOf(clock.run(broadcast({ timeoutMs: 100 })))).toMatchObject({ code: 'call/timeout' });
    channel.sent.length = 0;
    const session = client.broadcast(openSession, { session: 3 }, () => undefined, { collectMs: 100 });
    expect(await errorOf(clock.run(session))).toMatchObject({ code: 'gate/effect-needs-permit' });
    expect(channel.sent).toEqual([]);
  });
});
