import type { CancelPolicy, OperationEvent, OperationKind, Phase } from '#contract/operation.ts';
import type { EcuState, OperationOutcome } from '#contract/plan.ts';
import type { NextStep, UnfinishedJob } from '#contract/vehicle-api.ts';
import { en as commonEnglish, de as commonGerman } from './common.ts';
import { en as english, de as german } from './format.ts';

export type WaitingReason = Extract<OperationEvent, { type: 'waiting' }>['reason'];
export interface Waiting {
  readonly reason: WaitingReason;
  readonly untilWallMs: number | null;
  readonly count: number;
}

/** How a job ended: title, what the car holds, what to do now. `tone` ok = proven and nothing else (I5). */
export interface OutcomeText {
  readonly title: string;
  readonly car: string;
  readonly doNow: string;
  readonly tone: 'ok' | 'neutral' | 'warn' | 'danger';
}

export interface NextStepText {
  readonly title: string;
  readonly sentence: string;
  /** Null: nothing to press, it is running. */
  readonly button: string | null;
}

type OutcomeCase = EcuState | 'unproven' | 'cleared' | 'clear-unknown' | 'clear-untouched';

function caseOf(outcome: OperationOutcome, kind: OperationKind): OutcomeCase {
  if (kind === 'clear-faults') {
    if (outcome.state === 'untouched') return 'clear-untouched';
    return outcome.proven ? 'cleared' : 'clear-unknown';
  }
  const written = outcome.state === 'written-verified' || outcome.state === 'restored';
  return written && !outcome.proven ? 'unproven' : outcome.state;
}

const TONES: Readonly<Record<OutcomeCase, OutcomeText['tone']>> = {
  untouched: 'neutral',
  'written-verified': 'ok',
  restored: 'ok',
  unproven: 'warn',
  'partially-written': 'danger',
  'in-bootloader': 'danger',
  unknown: 'danger',
  cleared: 'ok',
  'clear-unknown': 'warn',
  'clear-untouched': 'neutral',
};

type CaseWords = Readonly<Record<OutcomeCase, readonly [title: string, car: string, doNow: string]>>;

function outcomeIn(words: CaseWords) {
  return (outcome: OperationOutcome, kind: OperationKind): OutcomeText => {
    const which = caseOf(outcome, kind);
    const [title, car, doNow] = words[which];
    return { title, car, doNow, tone: TONES[which] };
  };
}

const outcomesEn: CaseWords = {
  untouched: [
    'Nothing was changed',
    'The module holds what it held before.',
    'Look at the cause, then make a new plan.',
  ],
  'written-verified': [
    'Written and proven',
    'The module holds the new settings, read back byte by byte.',
    'Try the changed functions on the car.',
  ],
  restored: [
    'Put back and proven',
    'The module holds the settings of the backup, read back byte by byte.',
    'Try the functions on the car.',
  ],
  unproven: [
    'Written, not verified',
    'The module holds the new bytes, but the proof is missing.',
    'Do the next step of the unfinished job.',
  ],
  'partially-written': [
    'Stopped half way',
    'The module holds a mixture of old and new settings.',
    'Put the backup back: it is the next step of the unfinished job.',
  ],
  'in-bootloader': [
    'The module is in programming mode',
    'The module waits for software and does not do its work; nothing is damaged.',
    'Leave the ignition on and open the unfinished job.',
  ],
  unknown: [
    'Not verified',
    'It is not known what the module holds until it is read again.',
    'Leave the ignition on, reconnect if needed, and check the module.',
  ],
  cleared: [
    'Fault codes cleared',
    'The module was read again after the clear.',
    'A code that comes back is a fault that is still there.',
  ],
  'clear-unknown': [
    'Not verified',
    'It is not known whether the codes were cleared; no setting was touched.',
    'Reconnect if needed and check the module.',
  ],
  'clear-untouched': [
    'No code was cleared',
    'The module holds the same fault codes as before.',
    'Look at the cause, then try again.',
  ],
};

const phasesEn: Readonly<Record<Phase, string>> = {
  wake: 'Waking the car',
  vin: 'Reading the VIN',
  modules: 'Looking for modules',
  identity: 'Reading who the module is',
  'first-pass': 'Reading the settings',
  'second-pass': 'Reading them a second time',
  store: 'Saving the backup',
  preflight: 'Checking before the write',
  write: 'Writing',
  verify: 'Reading back',
  reset: 'Restarting the module',
  'verify-again': 'Proving again',
  'faults-before': 'Reading fault codes before',
  'faults-after': 'Reading fault codes after',
  faults: 'Reading fault codes',
  compare: 'Comparing with before',
  'round-trips': 'Timing the adapter',
  'long-answers': 'Reading long answers',
  'long-requests': 'Sending long requests',
  'drop-free': 'Looking for lost messages',
};

const kindsEn: Readonly<Record<OperationKind, string>> = {
  scan: 'Scan',
  'read-module': 'Reading a module',
  faults: 'Reading fault codes',
  backup: 'Backup',
  coding: 'Writing changes',
  restore: 'Putting a backup back',
  rollback: 'Going back after an interruption',
  finish: 'Finishing an interrupted job',
  'clear-faults': 'Clearing fault codes',
  'check-module': 'Checking a module',
  'check-adapter': 'Checking the adapter',
};

/** Words for what runs, how it ended and what comes next. */
export const en = {
  kind: (kind: OperationKind): string => kindsEn[kind],
  phase: (phase: Phase): string => phasesEn[phase],
  progress: (done: number, total: number | null): string =>
    total === null ? english.number(done) : `${english.number(done)} of ${english.number(total)}`,
  waiting: ({ reason, untilWallMs, count }: Waiting, nowMs = Date.now()): string => {
    const left = untilWallMs === null ? null : english.duration(Math.max(0, untilWallMs - nowMs));
    switch (reason) {
      case 'module-working':
        return `The module is working (${english.number(count)} ${count === 1 ? 'answer' : 'answers'}).`;
      case 'module-busy':
        return `The module is busy, asked ${english.number(count)} ${count === 1 ? 'time' : 'times'}${left === null ? '' : `, again in ${left}`}.`;
      case 'locked-out':
        return left === null ? 'The module takes no key for a while.' : `The module takes no key for another ${left}.`;
      case 'module-restarting':
        return 'The module is restarting.';
      case 'cancel-at-checkpoint':
        return 'Stopping after the step under way.';
    }
  },
  /** What the module holds, as the sentence on the state of the car. */
  car: (state: EcuState): string => outcomesEn[state][1],
  outcome: outcomeIn(outcomesEn),
  /** Short word for lists and the record. */
  result: (outcome: OperationOutcome | null, result: 'running' | 'done' | 'cancelled' | 'failed'): string => {
    if (result === 'running') return 'running';
    if (outcome?.proven === true && outcome.state !== 'untouched') return 'proven';
    if (outcome !== null && outcome.state !== 'untouched') return 'not verified';
    return result === 'done' ? 'done' : result === 'cancelled' ? 'stopped' : 'failed';
  },
  faultsNew: (count: number): string => `${commonEnglish.faultCodes(count)} new since before the job.`,
  faultsGone: (count: number): string => `${commonEnglish.faultCodes(count)} gone since before the job.`,
  stamps: (dids: readonly string[]): string =>
    `The stamps ${english.list(dids)} were written although the settings are unchanged; this does no harm.`,
  /** The stop button and what pressing it does. */
  stop: (policy: CancelPolicy): { readonly button: string; readonly hint: string } =>
    ({
      immediate: { button: 'Stop now', hint: 'Stops at once; nothing is left half done.' },
      'at-checkpoint': {
        button: 'Stop after this step',
        hint: 'Stops before the next step; the module is then read again.',
      },
      never: { button: 'Stop', hint: 'This part cannot be stopped; leave ignition and adapter as they are.' },
    })[policy],
  doNot: 'Do not switch off the ignition, unplug the adapter or close this page.',
  unfinishedTitle: (job: Pick<UnfinishedJob, 'kind' | 'title'>): string =>
    `${english.pick(job.title)}: ${kindsEn[job.kind].toLowerCase()} was interrupted`,
  nextStep: (next: NextStep, job: Pick<UnfinishedJob, 'title'>): NextStepText => {
    const module = english.pick(job.title);
    switch (next.kind) {
      case 'wait':
        return {
          title: 'The job is running',
          sentence: 'Leave the ignition and the adapter as they are.',
          button: null,
        };
      case 'check':
        return {
          title: `Check what ${module} holds`,
          sentence: 'Connect this car with the ignition on. Checking only reads, it changes nothing.',
          button: 'Check 1 module',
        };
      case 'put-back':
        return {
          title: `Put the backup of ${module} back`,
          sentence: 'The module holds something else than before the job. You see every value before it is written.',
          button: 'Plan to put 1 backup back',
        };
      case 'finish':
        return {
          title: `Finish the job in ${module}`,
          sentence: 'All values are written; only restart and proof are missing.',
          button: 'Plan to finish 1 job',
        };
    }
  },
  blocksOthers: 'Nothing else is written to this car until then. Other cars are free.',
  park: { button: 'Park this job', hint: 'Saves everything about it to a file under a name; then it blocks nothing.' },
};

const outcomesDe: CaseWords = {
  untouched: [
    'Nichts wurde geändert',
    'Das Modul enthält, was es vorher enthielt.',
    'Die Ursache ansehen, dann einen neuen Plan machen.',
  ],
  'written-verified': [
    'Geschrieben und bewiesen',
    'Das Modul enthält die neuen Einstellungen, Byte für Byte zurückgelesen.',
    'Die geänderten Funktionen am Auto ausprobieren.',
  ],
  restored: [
    'Zurückgespielt und bewiesen',
    'Das Modul enthält die Einstellungen der Sicherung, Byte für Byte zurückgelesen.',
    'Die Funktionen am Auto ausprobieren.',
  ],
  unproven: [
    'Geschrieben, nicht bewiesen',
    'Das Modul enthält die neuen Bytes, aber der Beweis fehlt.',
    'Den nächsten Schritt des offenen Auftrags tun.',
  ],
  'partially-written': [
    'Auf halbem Weg stehen geblieben',
    'Das Modul enthält teils alte, teils neue Einstellungen.',
    'Die Sicherung zurückspielen: das ist der nächste Schritt des offenen Auftrags.',
  ],
  'in-bootloader': [
    'Das Modul ist im Programmiermodus',
    'Das Modul wartet auf Software und arbeitet nicht; nichts ist beschädigt.',
    'Zündung anlassen und den offenen Auftrag öffnen.',
  ],
  unknown: [
    'Nicht bewiesen',
    'Was das Modul enthält, ist nicht bekannt, bis es erneut gelesen ist.',
    'Zündung anlassen, falls nötig neu verbinden und das Modul prüfen.',
  ],
  cleared: [
    'Fehlercodes gelöscht',
    'Das Modul wurde nach dem Löschen erneut gelesen.',
    'Ein Code, der wiederkommt, ist ein Fehler, der noch besteht.',
  ],
  'clear-unknown': [
    'Nicht bewiesen',
    'Ob die Codes gelöscht sind, ist nicht bekannt; keine Einstellung wurde berührt.',
    'Falls nötig neu verbinden und das Modul prüfen.',
  ],
  'clear-untouched': [
    'Kein Code wurde gelöscht',
    'Das Modul enthält dieselben Fehlercodes wie vorher.',
    'Die Ursache ansehen, dann erneut versuchen.',
  ],
};

const phasesDe: typeof phasesEn = {
  wake: 'Auto wecken',
  vin: 'Fahrgestellnummer lesen',
  modules: 'Module suchen',
  identity: 'Identität des Moduls lesen',
  'first-pass': 'Einstellungen lesen',
  'second-pass': 'Ein zweites Mal lesen',
  store: 'Sicherung speichern',
  preflight: 'Vor dem Schreiben prüfen',
  write: 'Schreiben',
  verify: 'Zurücklesen',
  reset: 'Modul neu starten',
  'verify-again': 'Noch einmal beweisen',
  'faults-before': 'Fehlercodes vorher lesen',
  'faults-after': 'Fehlercodes nachher lesen',
  faults: 'Fehlercodes lesen',
  compare: 'Mit vorher vergleichen',
  'round-trips': 'Antwortzeit des Adapters messen',
  'long-answers': 'Lange Antworten lesen',
  'long-requests': 'Lange Anfragen senden',
  'drop-free': 'Nach verlorenen Nachrichten suchen',
};

const kindsDe: typeof kindsEn = {
  scan: 'Suche',
  'read-module': 'Modul lesen',
  faults: 'Fehlercodes lesen',
  backup: 'Sicherung',
  coding: 'Änderungen schreiben',
  restore: 'Sicherung zurückspielen',
  rollback: 'Nach einer Unterbrechung zurückgehen',
  finish: 'Unterbrochenen Auftrag beenden',
  'clear-faults': 'Fehlercodes löschen',
  'check-module': 'Modul prüfen',
  'check-adapter': 'Adapter prüfen',
};

export const de: typeof en = {
  kind: (kind) => kindsDe[kind],
  phase: (phase) => phasesDe[phase],
  progress: (done, total) =>
    total === null ? german.number(done) : `${german.number(done)} von ${german.number(total)}`,
  waiting: ({ reason, untilWallMs, count }, nowMs = Date.now()) => {
    const left = untilWallMs === null ? null : german.duration(Math.max(0, untilWallMs - nowMs));
    switch (reason) {
      case 'module-working':
        return `Das Modul arbeitet (${german.number(count)} ${count === 1 ? 'Antwort' : 'Antworten'}).`;
      case 'module-busy':
        return `Das Modul ist beschäftigt, ${german.number(count)}-mal gefragt${left === null ? '' : `, wieder in ${left}`}.`;
      case 'locked-out':
        return left === null
          ? 'Das Modul nimmt eine Weile keinen Schlüssel an.'
          : `Das Modul nimmt noch ${left} lang keinen Schlüssel an.`;
      case 'module-restarting':
        return 'Das Modul startet neu.';
      case 'cancel-at-checkpoint':
        return 'Hält nach dem laufenden Schritt an.';
    }
  },
  car: (state) => outcomesDe[state][1],
  outcome: outcomeIn(outcomesDe),
  result: (outcome, result) => {
    if (result === 'running') return 'läuft';
    if (outcome?.proven === true && outcome.state !== 'untouched') return 'bewiesen';
    if (outcome !== null && outcome.state !== 'untouched') return 'nicht bewiesen';
    return result === 'done' ? 'fertig' : result === 'cancelled' ? 'angehalten' : 'gescheitert';
  },
  faultsNew: (count) => `${commonGerman.faultCodes(count)} neu seit vor dem Auftrag.`,
  faultsGone: (count) => `${commonGerman.faultCodes(count)} weg seit vor dem Auftrag.`,
  stamps: (dids) =>
    `Die Stempel ${german.list(dids)} wurden geschrieben, obwohl die Einstellungen unverändert sind; das schadet nicht.`,
  stop: (policy) =>
    ({
      immediate: { button: 'Jetzt anhalten', hint: 'Hält sofort an; nichts bleibt halb fertig.' },
      'at-checkpoint': {
        button: 'Nach diesem Schritt anhalten',
        hint: 'Hält vor dem nächsten Schritt an; das Modul wird dann erneut gelesen.',
      },
      never: {
        button: 'Anhalten',
        hint: 'Dieser Teil lässt sich nicht anhalten; Zündung und Adapter lassen, wie sie sind.',
      },
    })[policy],
  doNot: 'Zündung nicht ausschalten, Adapter nicht abziehen, diese Seite nicht schließen.',
  unfinishedTitle: (job) => `${german.pick(job.title)}: „${kindsDe[job.kind]}“ wurde unterbrochen`,
  nextStep: (next, job) => {
    const module = german.pick(job.title);
    switch (next.kind) {
      case 'wait':
        return { title: 'Der Auftrag läuft', sentence: 'Zündung und Adapter lassen, wie sie sind.', button: null };
      case 'check':
        return {
          title: `Prüfen, was ${module} enthält`,
          sentence: 'Dieses Auto mit eingeschalteter Zündung verbinden. Prüfen liest nur und ändert nichts.',
          button: '1 Modul prüfen',
        };
      case 'put-back':
        return {
          title: `Sicherung von ${module} zurückspielen`,
          sentence: 'Das Modul enthält etwas anderes als vor dem Auftrag. Jeder Wert ist vor dem Schreiben zu sehen.',
          button: 'Zurückspielen von 1 Sicherung planen',
        };
      case 'finish':
        return {
          title: `Auftrag in ${module} beenden`,
          sentence: 'Alle Werte sind geschrieben; nur Neustart und Beweis fehlen.',
          button: 'Ende von 1 Auftrag planen',
        };
    }
  },
  blocksOthers: 'Bis dahin wird an diesem Auto nichts anderes geschrieben. Andere Autos sind frei.',
  park: {
    button: 'Auftrag parken',
    hint: 'Speichert alles darüber unter einem Namen in eine Datei; dann sperrt er nichts mehr.',
  },
};
