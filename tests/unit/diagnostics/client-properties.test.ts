import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHexSpaced } from '#base/hex.ts';
import { isStackError, StackError } from '#contract/errors.ts';
import type { ChannelEvent } from '#contract/isotp.ts';
import { readDataByIdentifier, writeDataByIdentifier } from '#diagnostics/index.ts';
import { Bench } from './bench.ts';
import { MODULE } from './fake-channel.ts';

const SEED = 20_261_122;

/** Bytes near enough to the truth to be dangerous, and plain noise. */
const pdu = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.uint8Array({ maxLength: 4 }).map((tail) => Uint8Array.of(0x62, 0x06, 0x00, ...tail)),
  fc.uint8Array({ maxLength: 4 }).map((tail) => Uint8Array.of(0x62, 0x06, ...tail)),
  fc.uint8Array({ maxLength: 3 }).map((tail) => Uint8Array.of(0x6e, 0x06, 0x00, ...tail)),
  fc.uint8Array({ maxLength: 3 }).map((tail) => Uint8Array.of(0x7f, ...tail)),
  fc
    .constantFrom('7F 22 78', '7F 22 21', '7F 22 7F', '7F 2E 78', '7F 2E 21', '7F 2E 31', '7F 2E 7F', '7F 22')
    .map(fromHex),
);

const happening = fc.record({
  afterMs: fc.nat({ max: 3000 }),
  what: fc.oneof(
    { weight: 6, arbitrary: pdu.map((bytes) => ({ type: 'message' as const, bytes })) },
    { weight: 1, arbitrary: fc.constant({ type: 'started' as const }) },
    { weight: 1, arbitrary: fc.constant({ type: 'failed' as const }) },
  ),
});

type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

async function tell(bench: Bench, stream: readonly Happening[]): Promise<void> {
  for (const { afterMs, what } of stream) {
    await bench.clock.sleep(afterMs);
    const at = { source: MODULE, atMs: bench.clock.now() };
    const error = new StackError('isotp/wrong-sn', 'wrong SN', { expected: 1, actual: 2 });
    const event: ChannelEvent =
      what.type === 'message'
        ? { type: 'message', pdu: what.bytes, ...at }
        : what.type === 'started'
          ? { type: 'started', lengthBytes: 13, ...at }
          : { type: 'failed', error, ...at };
    bench.channel.emit(event);
  }
}

describe('random answers', () => {
  it('a read ends with the data of an answer that began 62 06 00, or with a StackError; never with anything else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 25 }), async (stream) => {
        const bench = new Bench();
        const told = tell(bench, stream);
        const result = await bench.clock
          .run(bench.client.call(readDataByIdentifier, { did: 0x0600 }))
          .then(({ data }) => data)
          .catch((error: unknown) => error);
        await bench.clock.run(told);
        if (result instanceof Uint8Array) {
          expect(result.length).toBeGreaterThan(0);
          const heard = stream.map(({ what }) => (what.type === 'message' ? toHexSpaced(what.bytes) : ''));
          expect(heard).toContain(`62 06 00 ${toHexSpaced(result)}`);
        } else expect(isStackError(result)).toBe(true);
        expect(bench.channel.requests.every((hex) => hex === '22 06 00' || hex === '3E 00')).toBe(true);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('a write is accepted only by 6E 06 00, is sent again only after 21, and ends within its limits', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 25 }), async (stream) => {
        const bench = new Bench();
        const told = tell(bench, stream);
        const permit = bench.permits.permit('2E 06 00 09');
        const work = bench.client.perform(writeDataByIdentifier, { did: 0x0600, data: fromHex('09') }, permit);
        const error = await bench.clock.run(work, 200_000).then(
          () => null,
          (reason: unknown) => reason,
        );
        await bench.clock.run(told);
        const heard = stream.map(({ what }) => (what.type === 'message' ? toHexSpaced(what.bytes) : ''));
        if (error === null) expect(heard).toContain('6E 06 00');
        else
          expect(
            isStackError(error, 'diag/outcome-unknown', 'diag/negative-response', 'gate/repeat-limit'),
            String(error),
          ).toBe(true);
        if (isStackError(error, 'diag/negative-response'))
          expect(heard).toContain(toHexSpaced(Uint8Array.of(0x7f, 0x2e, error.details.nrc)));
        const sends = bench.channel.count('2E 06 00 09');
        expect(sends).toBe(1 + bench.permits.repeats.length);
        expect(bench.permits.repeats.every((nrc) => nrc === 0x21)).toBe(true);
        expect(bench.permits.repeats.length).toBeLessThanOrEqual(heard.filter((hex) => hex === '7F 2E 21').length);
        expect(bench.channel.requests.length).toBe(sends);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('with a session held: 3E 80 never within a message nor before its answer, and never more than 2 s of silence', async () => {
    const step = fc.record({
      idleMs: fc.nat({ max: 6000 }),
      segmentedMs: fc.nat({ max: 3000 }),
      pendings: fc.array(fc.integer({ min: 1, max: 4900 }), { maxLength: 3 }),
      answers: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const bench = new Bench();
        const request = '2E 06 00 01 02 03 04 05';
        await bench.extended();
        const release = bench.client.keepSession();
        /** From the first byte to the answer, or to the end of waiting for it. */
        const spans: { fromMs: number; toMs: number }[] = [{ fromMs: 0, toMs: bench.clock.now() }];
        for (const { idleMs, segmentedMs, pendings, answers } of steps) {
          await bench.clock.advance(idleMs);
          let atMs = 100;
          const said = pendings.map((gapMs, i) => {
            if (i > 0) atMs += gapMs;
            return `@${atMs} 7F 2E 78`;
          });
          bench.channel.segmentedMs = segmentedMs;
          bench.channel.on(request, answers ? [...said, `@${atMs + 40} 6E 06 00`] : said);
          const write = bench.client.perform(
            writeDataByIdentifier,
            { did: 0x0600, data: fromHex('01 02 03 04 05') },
            bench.permits.permit(request),
          );
          await bench.clock.run(write).catch(() => undefined);
          const sending = bench.channel.sendings.findLast(({ pdu }) => pdu === request);
          spans.push({ fromMs: sending?.fromMs ?? 0, toMs: bench.clock.now() });
        }
        release();
        const presents = bench.channel.sendings.filter(({ pdu }) => pdu === '3E 80').map(({ fromMs }) => fromMs);
        for (const atMs of presents)
          expect(spans.some(({ fromMs, toMs }) => atMs >= fromMs && atMs < toMs)).toBe(false);
        const marks = [...spans, ...presents.map((atMs) => ({ fromMs: atMs, toMs: atMs }))];
        marks.sort((a, b) => a.fromMs - b.fromMs);
        let quietSinceMs = 0;
        for (const { fromMs, toMs } of marks) {
          expect(fromMs - quietSinceMs).toBeLessThanOrEqual(2000);
          quietSinceMs = toMs;
        }
        expect(bench.client.state.session).toBe(3);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it('every cut of a good answer is refused or waited out, never half a coding block', async () => {
    const good = fromHex('62 06 00 09 19 00 12');
    for (let cut = 0; cut < good.length; cut++) {
      const bench = new Bench();
      bench.channel.always('22 06 00', ...(cut === 0 ? [] : [toHexSpaced(good.subarray(0, cut))]));
      const result = await bench.clock
        .run(bench.client.call(readDataByIdentifier, { did: 0x0600 }))
        .catch((error: unknown) => error);
      // Cuts behind the identifier look like a shorter block: lengths are the definition's to check (block-length).
      if (cut > 3) expect(result).toEqual({ data: good.subarray(3, cut) });
      else expect(isStackError(result, 'diag/timeout', 'diag/malformed-response')).toBe(true);
    }
  });
});
