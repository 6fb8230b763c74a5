import { expect, it } from 'vitest';
import { atTheCar, codeWith } from './faults-rig.ts';

it('a module that is that leaves one identifier unanswered (three times) at the compare before 2E is "no answer", not "another module"', () =>
  atTheCar(async (bench) => {
    const { end } = await codeWith(
      bench,
      { ecu: '09', sid: 0x22, did: 0xf190, nth: 4, times: 3 },
      { kind: 'no-answer', executes: false },
    );
    expect(end.error?.code).toMatch(/^diag\//);
  }));
