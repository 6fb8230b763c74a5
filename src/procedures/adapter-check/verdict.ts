import type { AdapterInfo, AdapterLimit, AdapterVerdict } from '#contract/adapter.ts';
import type { AdapterConsent, AdapterKey, AdapterReport } from '#contract/adapter-check.ts';

/** What is known of one adapter beside what its driver says. */
export interface AdapterRecord {
  readonly key: AdapterKey;
  /** Newest first. */
  readonly reports: readonly AdapterReport[];
  readonly consent: AdapterConsent | null;
}

export interface Today {
  readonly wallMs: number;
  readonly toolVersion: string;
}

/** Chips and cables age, and so does what was measured of them. */
const REPORT_LIFE_MS = 365 * 24 * 3_600_000;
/** A report from later than this was made while the computer's clock was wrong: nobody knows how old it is. */
const CLOCK_SLACK_MS = 24 * 3_600_000;

/** What only a check can answer; every other reason is a fact of the family, which no measurement lifts. */
const LIFTED_BY_CHECK: readonly AdapterLimit[] = ['untested', 'not-qualified', 'clone'];

/**
 * What an adapter may do (reference: adapters A.9, L.1, N), from what its family is known to do, its newest report that counts,
 * and what a person decided.
 *
 * - A report that shows loss takes away, whatever the family: `loses-answers`, `cannot-send-long-messages`.
 * - Options (`code`): what the family may anyway, or a check passed with long answers and long requests; of a clone also a name.
 * - Programming: never wireless; only families that the reference lets program after a check, and all of it passed: slcan that
 *   acknowledges what it takes (without, nobody knows what left: `no-transmit-confirmation`, by any number of good runs), and the
 *   wired OBDLink. Voltage, and the long messages of this very session, are asked by whoever programs, not here.
 */
export function adapterVerdict(info: AdapterInfo, record: AdapterRecord, today: Today): AdapterInfo['verdict'] {
  const report = countedReport(record, today);
  return {
    read: info.verdict.read,
    code: codeVerdict(info, report, record),
    program: programVerdict(info, report),
  };
}

/**
 * The newest report that counts. Not one of another adapter or firmware (the key holds both), older than a year, from the
 * future, made by another major version of this tool (it may have measured something else), or made without a car: that one
 * neither proves nor disproves, and the one before it still stands.
 */
export function countedReport({ key, reports }: Omit<AdapterRecord, 'consent'>, today: Today): AdapterReport | null {
  return (
    reports.find((report) => {
      const ageMs = today.wallMs - report.takenAtWallMs;
      return (
        report.key === key &&
        ageMs <= REPORT_LIFE_MS &&
        ageMs >= -CLOCK_SLACK_MS &&
        majorOf(report.toolVersion) === majorOf(today.toolVersion) &&
        [report.longReceive, report.longSend, report.dropFree].some(({ kind }) => kind !== 'not-run')
      );
    }) ?? null
  );
}

/** May a person let it change options by name? Only a clone that passed all else. */
export function isAcceptable(verdict: AdapterInfo['verdict']): boolean {
  return !verdict.code.may && verdict.code.reason === 'clone';
}

const MAY: AdapterVerdict = { may: true };
const mayNot = (reason: AdapterLimit): AdapterVerdict => ({ may: false, reason });

function codeVerdict(
  info: AdapterInfo,
  report: AdapterReport | null,
  { key, consent }: Pick<AdapterRecord, 'key' | 'consent'>,
): AdapterVerdict {
  const family = info.verdict.code;
  const shown = lossShown(report);
  if (shown !== null) return mayNot(shown);
  if (!family.may && !LIFTED_BY_CHECK.includes(family.reason)) return family;
  const isClone = info.genuine === 'clone' || (!family.may && family.reason === 'clone');
  if (!isClone && family.may) return family;
  // A copy that was not measured is not a matter of trust yet: nobody is asked to sign for it.
  if (report?.longReceive.kind !== 'passed' || report.longSend.kind !== 'passed')
    return isClone ? mayNot('untested') : family;
  return isClone && consent?.key !== key ? mayNot('clone') : MAY;
}

function programVerdict(info: AdapterInfo, report: AdapterReport | null): AdapterVerdict {
  if (info.wireless) return mayNot('wireless');
  const shown = lossShown(report);
  if (shown !== null) return mayNot(shown);
  const family = info.verdict.program;
  if (family.may || !mayQualify(info)) return family;
  return report?.dropFree.kind === 'passed' && report.longReceive.kind === 'passed' && report.longSend.kind === 'passed'
    ? MAY
    : family;
}

/** Chips of the OBDLink SX and EX, the two with a wire (reference: adapters B.1, N). */
const WIRED_OBDLINK = /^STN(?:1130|223[0-2])$/;

/** The families that the reference lets program once they are measured (reference: adapters N, "flash gating"). */
function mayQualify({ driver, acknowledges, genuine, chip, verdict }: AdapterInfo): boolean {
  if (verdict.program.may || !LIFTED_BY_CHECK.includes(verdict.program.reason)) return false;
  return driver === 'slcan' ? acknowledges : genuine === 'genuine' && WIRED_OBDLINK.test(chip);
}

/** What a report shows against an adapter. Lost answers first: who loses answers cannot be trusted about requests either. */
function lossShown(report: AdapterReport | null): AdapterLimit | null {
  if (report?.longReceive.kind === 'failed' || report?.dropFree.kind === 'failed') return 'loses-answers';
  return report?.longSend.kind === 'failed' ? 'cannot-send-long-messages' : null;
}

/** `2.1.0` → `2`; a development build stands for itself. */
function majorOf(version: string): string {
  return version.split('.', 1)[0] ?? version;
}
