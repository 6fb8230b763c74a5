import type { ErrorCode, ErrorDetails, ErrorRecord } from '#contract/errors.ts';
import type { EcuState } from '#contract/plan.ts';
import * as data from './errors/data.ts';
import * as device from './errors/device.ts';
import type { Sentences } from './errors/entries.ts';
import { FAULT_IDS, type FaultFacts } from './errors/fault-ids.ts';
import * as job from './errors/job.ts';
import * as nrc from './errors/negative-response.ts';
import * as protocol from './errors/protocol.ts';
import { en as operationEnglish, de as operationGerman } from './operation.ts';
import { plainText } from './said.ts';

/** What a person reads of an error: what happened · state of the car · do this now. `faultId`: row of the fault catalogue. */
export interface ErrorText {
  readonly happened: string;
  readonly car: string;
  readonly doNow: string;
  readonly faultId: string | null;
}

/** What the caller knows beside the error. */
export interface ErrorFacts {
  /** The error ended a write with this state of the module: then that is the state told. */
  readonly state?: EcuState;
  /** A write was under way; follows from `state` when that is given. */
  readonly inJob?: boolean;
}

/** One entry per code, details typed by the code: a missing code does not compile. */
type AllEntries = { readonly [C in ErrorCode]: (details: ErrorDetails[C]) => Sentences };

function errorTexts(entries: AllEntries, car: (state: EcuState) => string, refusals: typeof nrc.en) {
  return {
    of: (record: ErrorRecord, facts: ErrorFacts = {}): ErrorText => {
      // A record pairs its code with that code's details (contract/errors.ts); the union does not say so.
      const entry = entries[record.code] as (details: ErrorRecord['details']) => Sentences;
      const [happened, state, doNow] = entry(record.details);
      return {
        happened,
        car: facts.state === undefined ? state : car(facts.state),
        doNow,
        faultId: faultIdOf(record, { inJob: facts.inJob ?? facts.state !== undefined }),
      };
    },
    /** Why a module says no, as half a sentence, e.g. for an identifier that could not be read. */
    whyRefused: refusals.why,
    faultIdOf,
    technical,
  };
}

/** The row of the fault catalogue that an error is, null where none is about it. */
export function faultIdOf(record: ErrorRecord, facts: FaultFacts): string | null {
  const known = FAULT_IDS[record.code] as
    | string
    | null
    | ((details: ErrorRecord['details'], facts: FaultFacts) => string | null);
  return typeof known === 'function' ? known(record.details, facts) : known;
}

/** Lines for the details under a message: code, technical words and causes, as text. In no language: for whoever helps. */
export function technical(record: ErrorRecord): readonly string[] {
  const lines: string[] = [];
  for (let at: ErrorRecord['cause'] = record; at !== undefined; at = 'code' in at ? at.cause : undefined)
    lines.push(`${'code' in at ? at.code : plainText(at.name)}: ${plainText(at.message)}`);
  return lines;
}

export const en = errorTexts(
  { ...device.en, ...protocol.en, ...job.en, ...data.en },
  (state) => operationEnglish.car(state),
  nrc.en,
);

export const de: typeof en = errorTexts(
  { ...device.de, ...protocol.de, ...job.de, ...data.de },
  (state) => operationGerman.car(state),
  nrc.de,
);
