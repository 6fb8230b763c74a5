import { afterAll, describe, expect, it } from 'vitest';
import { Lanes } from './lane.ts';
import { SABOTAGES } from './sabotages.ts';

/**
 * The proof that the tests of the promises can fail: each fault below is planted in a copy of the tree, and the test that
 * bears the promise's name must turn red there. Unsabotaged, all of them are green.
 */
const lanes = new Lanes(2);
afterAll(() => lanes.remove());

const PROMISES = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I9', 'I10', 'I11', 'I12'];

describe.concurrent('sabotage', () => {
  it('every test that is expected to turn red is green without a fault', async () => {
    const tests = SABOTAGES.map(({ test }) => test);
    const { exitCode, passed, failed, output } = await lanes.use((lane) => lane.run(tests));
    expect(failed, output).toEqual([]);
    expect(exitCode, output).toBe(0);
    expect([...passed].sort()).toEqual([...new Set(tests.map(({ name }) => name))].sort());
  });

  it('there is a planted fault for every promise', () => {
    expect(PROMISES.filter((promise) => !SABOTAGES.some(({ id }) => id.startsWith(`${promise}-`)))).toEqual([]);
  });

  it.each(SABOTAGES.map((sabotage) => [sabotage.id, sabotage.what, sabotage] as const))(
    '%s: %s',
    async (_, __, sabotage) => {
      const { exitCode, failed, passed, output } = await lanes.use((lane) => lane.runSabotaged(sabotage));
      expect(failed, `still green: ${sabotage.test.name}\n${output}`).toEqual([sabotage.test.name]);
      expect(passed).toEqual([]);
      expect(exitCode).not.toBe(0);
    },
  );
});
