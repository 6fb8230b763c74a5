import { describe, expect, it } from 'vitest';
import { fromHex } from '#base/hex.ts';
import type { KeyProvider, SecurityMemory, SecurityRecord } from '#contract/diagnostics.ts';
import { toErrorRecord } from '#contract/errors.ts';
import { requestSeed, type UnlockOptions, unlock } from '#diagnostics/index.ts';
import { Bench, errorOf } from './bench.ts';

const SEED = '67 03 12 34 56 78';
const KEY = '27 04 B7 91 F3 DD';

/** The demonstration key of reference diagnostics D.1: seed XOR A5 A5 A5 A5. */
const xor: KeyProvider = { id: 'xor', title: 'demo', keyFor: (seed) => seed.map((byte) => byte ^ 0xa5) };

class Memory implements SecurityMemory {
  record: SecurityRecord | null = null;
  async read(): Promise<SecurityRecord | null> {
    return this.record;
  }
  async write(record: SecurityRecord): Promise<void> {
    this.record = record;
  }
}

function unlocking(bench: Bench, memory: Memory, more: Partial<UnlockOptions> = {}) {
  const permit = bench.permits.permit('27 03', '27 04 ..');
  const { clock, client } = bench;
  return clock.run(unlock(client, { level: 3, provider: xor, permit, memory, moduleKey: 'BCM', clock, ...more }));
}

describe('security access', () => {
  it('27 03 → seed, 27 04 with the key → unlocked; neither seed nor key is in the trace', async () => {
    const bench = new Bench();
    const memory = new Memory();
    await bench.extended();
    bench.channel.on('27 03', SEED).on(KEY, '67 04');
    expect(await unlocking(bench, memory)).toBe('unlocked');
    expect(bench.client.state.unlockedLevel).toBe(3);
    expect(memory.record).toBeNull();
    expect(bench.trace.slice(2).map((line) => line.slice(8))).toEqual([
      '=> 70E-778  27 03',
      '=< 70E-778  67 03 ** ** ** **',
      '=> 70E-778  27 04 ** ** ** **',
      '=< 70E-778  67 04',
    ]);
    await bench.extended();
    expect(bench.client.state.unlockedLevel).toBeNull();
  });

  it.each(['67 03 00 00', '67 03 00 00 00 00'])('%s: open already, no key is sent', async (seed) => {
    const bench = new Bench();
    bench.channel.on('27 03', seed);
    expect(await unlocking(bench, new Memory())).toBe('already-open');
    expect(bench.channel.requests).toEqual(['27 03']);
  });

  it.each(['35', '13'])(
    'U04 7F 27 %s to a key: one failed key is remembered, nothing more is sent until the person says so',
    async (nrc) => {
      const bench = new Bench();
      const memory = new Memory();
      bench.channel.always('27 03', SEED).on(KEY, `7F 27 ${nrc}`, '67 04');
      expect(await errorOf(unlocking(bench, memory))).toMatchObject({
        code: 'security/key-refused',
        details: { level: 3 },
      });
      expect(memory.record).toMatchObject({ failedKeys: 1, lastFailureWallMs: bench.clock.wallMs() });
      const sent = bench.channel.sent.length;
      expect(await errorOf(unlocking(bench, memory))).toMatchObject({ code: 'security/attempt-used' });
      expect(bench.channel.sent.length).toBe(sent);
      expect(await unlocking(bench, memory, { confirmedByPerson: true })).toBe('unlocked');
      expect(memory.record).toMatchObject({ failedKeys: 0 });
    },
  );

  it.each(['35', '13', '12', '7F'])('7F 27 %s to the request of a seed is no failed key', async (nrc) => {
    const bench = new Bench();
    const memory = new Memory();
    bench.channel.on('27 03', `7F 27 ${nrc}`);
    expect(await errorOf(unlocking(bench, memory))).toMatchObject({ code: 'diag/negative-response' });
    expect(memory.record).toBeNull();
  });

  it('U05 7F 27 36: locked for 10 min, remembered, and nothing is sent meanwhile, also by a new client', async () => {
    const bench = new Bench();
    const memory = new Memory();
    bench.channel.on('27 03', SEED).on(KEY, '7F 27 36');
    expect(await errorOf(unlocking(bench, memory))).toMatchObject({
      code: 'security/locked-out',
      details: { remainingMs: 600_000 },
    });
    const reloaded = new Bench();
    await reloaded.clock.advance(599_000);
    expect(await errorOf(unlocking(reloaded, memory, { confirmedByPerson: true }))).toMatchObject({
      code: 'security/locked-out',
    });
    expect(reloaded.channel.sent).toEqual([]);
    await reloaded.clock.advance(2000);
    reloaded.channel.on('27 03', '67 03 00 00');
    expect(await unlocking(reloaded, memory, { confirmedByPerson: true })).toBe('already-open');
  });

  it('U05 7F 27 37 after power-on: 10 s, no failed key, no repeat', async () => {
    const bench = new Bench();
    const memory = new Memory();
    bench.channel.always('27 03', '7F 27 37');
    expect(await errorOf(unlocking(bench, memory))).toMatchObject({ details: { remainingMs: 10_000 } });
    expect(memory.record).toMatchObject({ failedKeys: 0 });
    expect(bench.channel.requests).toEqual(['27 03']);
  });

  it.each<[string, KeyProvider['keyFor']]>([
    [
      'throws',
      (seed) => {
        throw new RangeError(`no key for ${seed.join(' ')}`);
      },
    ],
    ['gives an empty key', () => new Uint8Array()],
    ['gives nothing', () => undefined as unknown as Uint8Array],
  ])('a provider that %s is security/key-failed; the seed is in no word of it, no key is sent', async (_, keyFor) => {
    const bench = new Bench();
    const memory = new Memory();
    bench.channel.on('27 03', SEED);
    const error = await errorOf(unlocking(bench, memory, { provider: { ...xor, keyFor } }));
    expect(error).toMatchObject({ code: 'security/key-failed', details: { level: 3, provider: 'xor' } });
    expect(JSON.stringify(toErrorRecord(error))).not.toMatch(/18 52 86 120|12 34 56 78/);
    expect(bench.channel.requests).toEqual(['27 03']);
    expect(memory.record).toBeNull();
  });

  it('strays, malformed answers, refusals and comments never show seed or key', async () => {
    const bench = new Bench();
    bench.channel
      .on('27 03', ['@5 67 05 DE AD BE EF', '@10 67 03'], SEED)
      .on(KEY, '67 04 DE AD')
      .on('22 06 00', ['@5 67 03 DE AD BE EF', '@10 62 06 00 09']);
    const errors = [
      await errorOf(bench.clock.run(bench.client.perform(requestSeed, { level: 3 }, bench.permits.permit('27 03')))),
    ];
    await bench.read(0x0600);
    await bench.clock.run(bench.channel.say('67 03 DE AD BE EF'));
    errors.push(await errorOf(unlocking(bench, new Memory())));
    const refused = new Bench();
    refused.channel.on('27 03', SEED).on(KEY, '7F 27 22');
    errors.push(await errorOf(unlocking(refused, new Memory())));
    const words = JSON.stringify([errors.map((e) => toErrorRecord(e)), bench.events, bench.trace, refused.trace]);
    expect(errors.map((error) => error.code)).toEqual([
      'diag/outcome-unknown',
      'diag/outcome-unknown',
      'diag/negative-response',
    ]);
    expect(words).toContain('67 05 ** ** ** **');
    expect(words).not.toMatch(/DE AD|B7 91|12 34 56/);
    expect(fromHex(KEY).length).toBe(6);
  });
});
