import type { FaultScript, ScenarioName } from '#contract/simulator-control.ts';
import type { Conditions } from './uds/core.ts';

/** A training situation: what the car does, and what goes wrong. */
export interface Scenario {
  readonly conditions: Partial<Conditions>;
  readonly faults: FaultScript;
}

const CALM: Partial<Conditions> = { volts: 12.6, ignition: true, rpm: 0, speedKmh: 0 };
const WRITE_CODING = { sid: 0x2e, did: 0x0600 };

export const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = {
  good: { conditions: CALM, faults: [] },
  /** A battery that is nearly flat: the ECUs refuse to write (93). */
  'low-voltage': { conditions: { ...CALM, volts: 11.3 }, faults: [] },
  /** The cable goes when the module has stored the coding and before it says so. Once. */
  'cable-pulled-while-writing': {
    conditions: CALM,
    faults: [{ on: { ...WRITE_CODING, nth: 1 }, effect: { kind: 'unplug', at: 'answer' } }],
  },
  /** The body module answers 21 now and then, and takes ten seconds to store its coding. */
  'module-busy': {
    conditions: CALM,
    faults: [
      { on: { ecu: '09', sid: 0x22, nth: 3, times: 3 }, effect: { kind: 'negative', nrc: 0x21 } },
      { on: { ecu: '09', sid: 0x22, chance: 0.05 }, effect: { kind: 'negative', nrc: 0x21 } },
      { on: { ecu: '09', ...WRITE_CODING }, effect: { kind: 'pending', count: 5, everyMs: 2000 } },
    ],
  },
  /** A module says yes and keeps the last changed byte as it was. */
  'write-normalised': {
    conditions: CALM,
    faults: [{ on: WRITE_CODING, effect: { kind: 'store-partly' } }],
  },
  /** The instrument cluster is from another car. */
  'vin-mismatch': {
    conditions: CALM,
    faults: [
      {
        on: { ecu: '17', sid: 0x22, did: 0xf190 },
        effect: { kind: 'answer', pdu: '62 F1 90 30 43 42 56 31 30 30 30 30 30 30 30 30 30 30 39 39' },
      },
    ],
  },
};
