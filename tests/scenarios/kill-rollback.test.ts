import { expect, it } from 'vitest';
import { summary, sweep } from './sweep.ts';
import { ROLLBACK } from './swept-jobs.ts';

it(`I1 I3 I4 kill sweep over ${ROLLBACK.name}: after every side effect the original is kept, nothing unapproved is written, one step leads out`, async () => {
  const result = await sweep(ROLLBACK);
  expect(result.effects.length).toBeGreaterThan(50);
  expect(new Set(result.effects.map((effect) => effect.kind))).toEqual(
    new Set(['durable', 'frame-out', 'answer', 'ecu-commit']),
  );
  // However often a repair is cut, it ends with the original back in the module ('new' is what the rollback writes).
  expect(new Set(result.kills.map((point) => point.end))).toEqual(new Set(['new']));
  expect(new Set(result.kills.map((point) => point.steps.join(' '))).size).toBeGreaterThan(1);
  for (const step of ['check', 'put-back']) expect(result.kills.flatMap((point) => point.steps)).toContain(step);
  console.log(summary(ROLLBACK.name, result));
}, 600_000);
