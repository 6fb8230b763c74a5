import { describe, expect, it } from 'vitest';
import { fromHex } from '#base/hex.ts';
import type { DiagClient } from '#contract/diagnostics.ts';
import type { WritePermit } from '#contract/permit.ts';
import {
  changeSession,
  clearDiagnosticInformation,
  controlDtcSetting,
  ecuReset,
  readDataByIdentifier,
  requestSeed,
  sendKey,
  startRoutine,
  stopRoutine,
  writeDataByIdentifier,
} from '#diagnostics/index.ts';
import { Bench } from './bench.ts';

const bytes = fromHex('01 02 03');

/**
 * Each line must not compile: `tsc -b` checks this file (tsconfig.node.json), and an unused `@ts-expect-error` is an error.
 * At run time each line must be refused as well, and nothing sent.
 */
const withoutPermit: readonly ((client: DiagClient) => Promise<unknown>)[] = [
  // @ts-expect-error DiagnosticSessionControl of any session has an effect
  (client) => client.call(changeSession, { session: 2 }),
  // @ts-expect-error ECUReset has an effect
  (client) => client.call(ecuReset, { type: 1 }),
  // @ts-expect-error ClearDiagnosticInformation has an effect
  (client) => client.call(clearDiagnosticInformation, { group: bytes }),
  // @ts-expect-error SecurityAccess requestSeed has an effect
  (client) => client.call(requestSeed, { level: 1 }),
  // @ts-expect-error SecurityAccess sendKey has an effect
  (client) => client.call(sendKey, { level: 1, key: bytes }),
  // @ts-expect-error WriteDataByIdentifier has an effect
  (client) => client.call(writeDataByIdentifier, { did: 0x0600, data: bytes }),
  // @ts-expect-error RoutineControl start has an effect
  (client) => client.call(startRoutine, { rid: 0xff00 }),
  // @ts-expect-error RoutineControl stop has an effect
  (client) => client.call(stopRoutine, { rid: 0xff00 }),
  // @ts-expect-error ControlDTCSetting has an effect
  (client) => client.call(controlDtcSetting, { setting: 'off' }),
  // @ts-expect-error perform wants a permit
  (client) => client.perform(writeDataByIdentifier, { did: 0x0600, data: bytes }),
  // @ts-expect-error options are no permit
  (client) => client.perform(writeDataByIdentifier, { did: 0x0600, data: bytes }, { timeoutMs: 100 }),
  // @ts-expect-error an object with the right look is no permit
  (client) => client.perform(writeDataByIdentifier, { did: 0x0600, data: bytes }, { stepId: 'step-1' }),
];

describe('requests with an effect need a permit by type', () => {
  it.each(withoutPermit.map((work, index) => [index + 1, work] as const))(
    'line %i does not compile, and forced through it is refused with 0 PDUs',
    async (_, work) => {
      const bench = new Bench();
      await expect(bench.clock.run(work(bench.client))).rejects.toThrow(/permit/);
      expect(bench.channel.sent).toEqual([]);
    },
  );

  it('reads go through call, and a permit makes perform compile', () => {
    const compiles = [
      (client: DiagClient) => client.call(readDataByIdentifier, { did: 0x0600 }),
      (client: DiagClient, permit: WritePermit) => client.perform(ecuReset, { type: 1 }, permit),
    ];
    expect(compiles.length).toBe(2);
  });
});
