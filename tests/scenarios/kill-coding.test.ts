import { expect, it } from 'vitest';
import { summary, sweep } from './sweep.ts';
import { CODING } from './swept-jobs.ts';

it(`I1 I3 I4 kill sweep over ${CODING.name}: after every side effect the original is kept, nothing unapproved is written, one step leads out`, async () => {
  const result = await sweep(CODING);
  expect(result.effects.length).toBeGreaterThan(50);
  expect(new Set(result.effects.map((effect) => effect.kind))).toEqual(
    new Set(['durable', 'frame-out', 'answer', 'ecu-commit']),
  );
  // A sweep in which all kills end alike would prove nothing: both ends and these steps must occur.
  expect(new Set(result.kills.map((point) => point.end))).toEqual(new Set(['old', 'new']));
  for (const step of ['check', 'finish']) expect(result.kills.flatMap((point) => point.steps)).toContain(step);
  console.log(summary(CODING.name, result));
}, 600_000);
