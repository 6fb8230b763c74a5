import type { AdapterInfo, AdapterJob, AdapterVerdict } from '#contract/adapter.ts';
import type { AdapterConsent, AdapterReport, CheckResult } from '#contract/adapter-check.ts';
import type { Phase } from '#contract/operation.ts';
import type { CheckItem } from '#ui/components/rows.ts';
import type { Fact } from '#ui/components/types.ts';
import type { Texts } from '#ui/messages/index.svelte.ts';

/** What a check found as rows of lists: for the screen and, the same, for paper. */

export const JOBS: readonly AdapterJob[] = ['read', 'code', 'program'];

/** The parts of the check in their order, as its phases are told. */
export const PARTS = ['round-trips', 'long-answers', 'long-requests', 'drop-free'] as const;

/** The same list before the check, with what each line is for. */
export function plannedRows(text: Texts): readonly CheckItem[] {
  const { rows, why } = text.adapter;
  return (Object.keys(rows) as (keyof typeof rows)[]).map((id) => ({
    id,
    state: 'todo',
    label: rows[id],
    detail: why[id],
  }));
}

/** What was measured. Green only where something was measured and held; what was not run is said to be so. */
export function measuredRows(report: AdapterReport, text: Texts): readonly CheckItem[] {
  const words = text.adapter;
  const { info, moduleRoundTripMs, receiveBytesPerSecond, voltage } = report;
  return [
    roundTripRow(report, text),
    moduleRoundTripMs === null
      ? {
          id: 'moduleRoundTrip',
          state: 'todo',
          label: words.rows.moduleRoundTrip,
          detail: words.notRun('no-module'),
          value: notRun(text),
        }
      : {
          id: 'moduleRoundTrip',
          state: 'ok',
          label: words.rows.moduleRoundTrip,
          detail: words.timing(moduleRoundTripMs),
          value: words.milliseconds(moduleRoundTripMs.median),
        },
    receiveBytesPerSecond === null
      ? {
          id: 'bytesPerSecond',
          state: 'todo',
          label: words.rows.bytesPerSecond,
          detail: words.notRun('no-long-value'),
          value: notRun(text),
        }
      : {
          id: 'bytesPerSecond',
          state: 'ok',
          label: words.rows.bytesPerSecond,
          value: words.bytesPerSecond(receiveBytesPerSecond),
        },
    resultRow('longReceive', report.longReceive, text, ({ count, bytes }) => ({
      value: text.common.bytes(bytes),
      detail: `${words.equal(count)} ${words.ofFamily(info.longestReceiveBytes)}`,
    })),
    resultRow('longSend', report.longSend, text, ({ count, bytes }) => ({
      value: text.common.bytes(bytes),
      detail: `${words.answered(count)} ${words.ofFamily(info.longestSendBytes)}`,
    })),
    resultRow('dropFree', report.dropFree, text, ({ count }) => ({ value: words.noneLost(count) })),
    {
      id: 'voltage',
      // A typed reading is signed, never measured (design 6c).
      state: voltage.kind === 'unknown' ? 'todo' : voltage.source === 'signed' ? 'warn' : 'ok',
      label: words.rows.voltage,
      detail: text.status.voltage(voltage).detail,
      value: words.volts(voltage),
    },
    replugRow(report.survivesReplug, text),
  ];
}

/** Of the check; where the driver has no command for it, the one that was taken when the adapter was connected. */
function roundTripRow({ info, roundTripMs, verdict }: AdapterReport, text: Texts): CheckItem {
  const words = text.adapter;
  const head = { id: 'roundTrip', label: words.rows.roundTrip } as const;
  const known = roundTripMs ?? info.roundTripMs;
  if (known === null) return { ...head, state: 'todo', detail: words.silentInside, value: notRun(text) };
  const isTooSlow = JOBS.some((job) => isLimit(verdict[job], 'too-slow'));
  const taken = roundTripMs === null ? words.atConnection(known.p99) : words.timing(roundTripMs);
  return {
    ...head,
    state: isTooSlow ? 'warn' : 'ok',
    detail: isTooSlow ? `${taken} ${words.tooSlow}` : taken,
    value: words.milliseconds(known.median),
  };
}

type Passed = Extract<CheckResult, { kind: 'passed' }>;

function resultRow(
  id: 'longReceive' | 'longSend' | 'dropFree',
  result: CheckResult,
  text: Texts,
  passed: (result: Passed) => Pick<CheckItem, 'value' | 'detail'>,
): CheckItem {
  const words = text.adapter;
  const label = words.rows[id];
  switch (result.kind) {
    case 'passed':
      return { id, state: 'ok', label, ...passed(result) };
    case 'failed':
      return {
        id,
        state: 'danger',
        label,
        value: words.lost(result.failed, result.count),
        detail: words.lostWhy(result.why),
      };
    case 'not-run':
      return { id, state: 'todo', label, value: words.notRunValue, detail: words.notRun(result.why) };
  }
}

function replugRow(survives: AdapterReport['survivesReplug'], text: Texts): CheckItem {
  const [value, detail] = text.adapter.replug[survives];
  return {
    id: 'replug',
    state: survives === 'yes' ? 'ok' : survives === 'no' ? 'warn' : 'todo',
    label: text.adapter.rows.replug,
    value,
    detail,
  };
}

function notRun(text: Texts): string {
  return text.adapter.notRunValue;
}

/** What probing at the connection found that the device's own words do not say. */
export function findingRows(info: AdapterInfo, text: Texts): readonly CheckItem[] {
  return info.findings.map(({ kind, detail }, index) => ({
    id: `${kind} ${index}`,
    state: 'warn',
    label: text.adapter.finding[kind](detail),
  }));
}

/** One line of `Abilities`. */
export interface AbilityRow {
  readonly id: AdapterJob;
  readonly label: string;
  readonly state: 'ok' | 'silent';
  readonly text: string;
  readonly action?: { readonly label: string; readonly onact: () => void } | undefined;
}

/** Read, code, program, each with the reason; `accept` where a person may let a clone change options. */
export function abilities(
  info: AdapterInfo,
  verdict: AdapterInfo['verdict'],
  text: Texts,
  accept?: AbilityRow['action'],
): readonly AbilityRow[] {
  return JOBS.map((job) => {
    const { may, sentence } = text.status.verdict({ ...info, verdict }, job);
    return {
      id: job,
      label: text.status.job[job],
      state: may ? 'ok' : 'silent',
      text: sentence,
      ...(job === 'code' && accept !== undefined ? { text: text.adapter.accept.why, action: accept } : {}),
    };
  });
}

/**
 * May a person be asked to answer for this adapter? The worker keeps the reason `clone` for a copy that was measured and that
 * nothing else keeps from coding; it asks the same again.
 */
export function mayBeAccepted(report: AdapterReport | null, verdict: AdapterInfo['verdict']): boolean {
  return report !== null && isLimit(verdict.code, 'clone');
}

function isLimit(verdict: AdapterVerdict, reason: string): boolean {
  return !verdict.may && verdict.reason === reason;
}

/** Words of the device itself, as the screen marks them: isolated and never translated (I9). */
export type DeviceWords = Readonly<Record<'chip' | 'firmware' | 'serial', Fact['value']>>;

type Identified = Pick<AdapterReport, 'info' | 'usb'>;

/** Who the adapter is, in one line under the verdict. */
export function headFacts({ info }: Identified, said: DeviceWords, text: Texts): readonly Fact[] {
  const words = text.adapter;
  const { facts } = words;
  return [
    {
      label: facts.make,
      value: text.status.genuine(info.genuine),
      tone: info.genuine === 'clone' ? 'warn' : undefined,
    },
    { label: facts.chip, value: said.chip },
    { label: facts.firmware, value: said.firmware },
    { label: facts.way, value: info.wireless ? words.wireless : words.cable },
    ...(info.baudRate === null ? [] : [{ label: facts.line, value: words.baud(info.baudRate) }]),
  ];
}

/** The rest of it, one fact per line. What it carries is what its kind is known to carry, beside what was measured. */
export function identityFacts(
  { info, usb }: Identified,
  said: DeviceWords,
  consent: AdapterConsent | null,
  text: Texts,
): readonly Fact[] {
  const words = text.adapter;
  const { facts } = words;
  const flag = (value: boolean) => (value ? words.yes : words.no);
  return [
    { label: facts.serial, value: info.serialNumber === null ? words.none : said.serial },
    ...(usb === null ? [] : [{ label: facts.usb, value: words.usbId(usb), isCode: true }]),
    ...(info.baudRate === null ? [{ label: facts.line, value: words.anyLine }] : []),
    { label: facts.send, value: text.common.bytes(info.longestSendBytes) },
    { label: facts.receive, value: text.common.bytes(info.longestReceiveBytes) },
    { label: facts.queue, value: words.frames(info.transmitQueueFrames) },
    { label: facts.confirms, value: flag(info.acknowledges) },
    { label: facts.listens, value: flag(info.listenOnly) },
    ...(consent === null
      ? []
      : [{ label: facts.consent, value: words.consentBy(consent.name, consent.givenAtWallMs) }]),
  ];
}

/** The newest check of each adapter, newest first. */
export function newestOfEach(reports: readonly AdapterReport[]): readonly AdapterReport[] {
  const newest = new Map<string, AdapterReport>();
  for (const report of reports) if (!newest.has(report.key)) newest.set(report.key, report);
  return [...newest.values()];
}

/** The parts of a running check: behind it, under way, or to come. A part that is over is no result yet, so nothing is green. */
export function runRows(
  run: { readonly phase: Phase | null; readonly phasesDone: readonly Phase[] },
  text: Texts,
): readonly CheckItem[] {
  const words = text.adapter;
  return PARTS.map((part) => {
    const isOver = run.phasesDone.includes(part);
    const isNow = run.phase === part && !isOver;
    return {
      id: part,
      state: isNow ? 'live' : 'todo',
      label: text.operation.phase(part),
      value: isOver ? words.done : undefined,
    };
  });
}
