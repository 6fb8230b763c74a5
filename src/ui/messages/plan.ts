import type { Plan, PlanStep, PlanWarning, WritePlan } from '#contract/plan.ts';
import { en as commonEnglish, de as commonGerman } from './common.ts';
import { en as english, de as german } from './format.ts';

/** What the caller knows of the backups that a plan names by id. */
export interface PlanFacts {
  /** When the backup that is put back was taken. */
  readonly sourceWallMs?: number | null;
  /** When the backup of what is there now was taken. */
  readonly backupWallMs?: number | null;
  readonly nowMs?: number;
}

/** Values that a write plan moves: its changes in words, else whole blocks. */
function moved(plan: WritePlan): { readonly count: number; readonly unit: 'changes' | 'blocks' } {
  return plan.changes.length > 0
    ? { count: plan.changes.length, unit: 'changes' }
    : { count: plan.blocks.length, unit: 'blocks' };
}

/** Words for plans, made from their verbs and numbers, never from anybody's free text (I8). Pattern: verb + object + consequence + way back. */
export const en = {
  /** Title of the dialog: asks what will happen. */
  title: (plan: Plan, facts: PlanFacts = {}): string => {
    const module = english.pick(plan.module.title);
    switch (plan.kind) {
      case 'coding': {
        const { count, unit } = moved(plan);
        return `Write ${commonEnglish[unit](count)} to ${module}?`;
      }
      case 'restore':
        return facts.sourceWallMs == null
          ? `Put back the settings of a backup in ${module}?`
          : `Put back the settings of ${english.date(facts.sourceWallMs, facts.nowMs)}?`;
      case 'rollback':
        return `Put ${module} back to what it held before the interrupted job?`;
      case 'finish':
        return `Finish the interrupted job in ${module}?`;
      case 'clear-faults':
        return `Clear ${commonEnglish.faultCodes(plan.faults.length)} in ${module}?`;
    }
  },
  /** The button that writes: verb, object, number. */
  primary: (plan: Plan): string => {
    switch (plan.kind) {
      case 'coding': {
        const { count, unit } = moved(plan);
        return `Write ${commonEnglish[unit](count)}`;
      }
      case 'restore':
      case 'rollback': {
        const { count, unit } = moved(plan);
        return `Put back ${unit === 'changes' ? commonEnglish.values(count) : commonEnglish.blocks(count)}`;
      }
      case 'finish':
        return plan.reset === null
          ? `Prove ${commonEnglish.blocks(plan.blocks.length)}`
          : `Restart and prove ${commonEnglish.blocks(plan.blocks.length)}`;
      case 'clear-faults':
        return `Clear ${commonEnglish.codes(plan.faults.length)}`;
    }
  },
  /** The safe button, which has the focus. */
  secondary: (plan: Plan): string => (plan.kind === 'coding' ? 'Keep editing' : 'Cancel'),
  /** Body of the dialog, a sentence each: backup, duration and what it does to the car, the way back. */
  body: (plan: Plan, facts: PlanFacts = {}): readonly string[] => [
    en.backup(plan, facts),
    en.effect(plan),
    en.wayBack(plan),
  ],
  backup: (plan: Plan, facts: PlanFacts = {}): string => {
    if (plan.kind === 'clear-faults') return 'The codes are saved in the record before they are cleared.';
    return facts.backupWallMs == null
      ? 'A backup of what the module holds now is saved.'
      : `The backup from ${english.time(facts.backupWallMs)} of what the module holds now is saved.`;
  },
  effect: (plan: Plan): string => {
    const takes = en.estimate(plan);
    if (plan.kind === 'clear-faults')
      return `Ignition must stay on (${takes}). Readiness monitors start anew; a fault that is still there comes back.`;
    const restart =
      plan.reset === null ? '' : ` ${english.pick(plan.module.title)} restarts once and is away for some seconds.`;
    const cycle = plan.ignitionCycle ? ' Afterwards switch the ignition off and on once.' : '';
    return `Ignition must stay on (${takes}).${restart}${cycle}`;
  },
  wayBack: (plan: Plan): string => {
    switch (plan.kind) {
      case 'coding':
      case 'restore':
      case 'rollback':
        return 'You can go back from Backups.';
      case 'finish':
        return 'No value changes any more; the backup from before the job stays.';
      case 'clear-faults':
        return 'Cleared codes cannot be put back; you find them in Sessions.';
    }
  },
  estimate: (plan: Plan): string => english.range(plan.estimateMs.least, plan.estimateMs.most),
  /** What the person types for risky changes and raw bytes. */
  typeVin: 'Type the last 4 of the VIN',
  typeVinWhy: (plan: WritePlan): string =>
    plan.expertRaw
      ? 'Raw bytes may also move what no option names.'
      : plan.risk === 'safety'
        ? 'This changes a safety option.'
        : 'This changes a driving assistance option.',
  /** A step in plain words. */
  step: (step: PlanStep): string => {
    switch (step.kind) {
      case 'session':
        return 'Get the module ready for changes';
      case 'unlock':
        return 'Unlock the module';
      case 'write':
        return step.purpose === 'prelude'
          ? `Write the stamp “${english.pick(step.title)}”`
          : `Write “${english.pick(step.title)}” and read it back`;
      case 'reset':
        return 'Restart the module and prove everything again';
      case 'clear':
        return `Clear ${commonEnglish.faultCodes(step.faults.length)} and read them again`;
    }
  },
  /** The same step for experts. */
  stepProtocol: (step: PlanStep): string => protocolWords(step),
  warning: (warning: PlanWarning): string => {
    switch (warning.kind) {
      case 'voltage-unknown':
        return 'The voltage is not known. Connect a charger if the battery is weak.';
      case 'voltage-low':
        return `The voltage is low: ${english.volts(warning.volts)}. Connect a charger.`;
      case 'voltage-high':
        return `The voltage is high: ${english.volts(warning.volts)}. Turn the charger down or the engine off.`;
      case 'storage-not-persistent':
        return 'The browser may clear its storage. Save a copy of the backup as a file.';
      case 'backup-is-old':
        return `The backup is old: it was taken on ${english.date(warning.takenAtWallMs)}.`;
      case 'software-differs':
        return `The backup was taken with software ${english.said(warning.backup)}, the module has ${english.said(warning.now)} now. ${commonEnglish.options(warning.leftOut)} ${warning.leftOut === 1 ? 'is' : 'are'} left out.`;
      case 'shop-code-of-module':
        return 'The stamp keeps the shop code that is in the module now.';
      case 'unknown-bits':
        return `${english.number(warning.count)} ${warning.count === 1 ? 'bit' : 'bits'} that no option names will change too.`;
      case 'adapter-unproven':
        return 'This adapter is not proven for changes. For the way back it is allowed; a proven one is better.';
      case 'foreign-tester':
        return 'Another tester is asking the modules of this car. Unplug it or stop it first.';
    }
  },
};

export const de: typeof en = {
  title: (plan, facts = {}) => {
    const module = german.pick(plan.module.title);
    switch (plan.kind) {
      case 'coding': {
        const { count, unit } = moved(plan);
        return `${commonGerman[unit](count)} in ${module} schreiben?`;
      }
      case 'restore':
        return facts.sourceWallMs == null
          ? `Einstellungen einer Sicherung in ${module} zurückspielen?`
          : `Einstellungen vom ${german.date(facts.sourceWallMs, facts.nowMs)} zurückspielen?`;
      case 'rollback':
        return `${module} auf den Stand vor dem unterbrochenen Auftrag zurückbringen?`;
      case 'finish':
        return `Den unterbrochenen Auftrag in ${module} beenden?`;
      case 'clear-faults':
        return `${commonGerman.faultCodes(plan.faults.length)} in ${module} löschen?`;
    }
  },
  primary: (plan) => {
    switch (plan.kind) {
      case 'coding': {
        const { count, unit } = moved(plan);
        return `${commonGerman[unit](count)} schreiben`;
      }
      case 'restore':
      case 'rollback': {
        const { count, unit } = moved(plan);
        return `${unit === 'changes' ? commonGerman.values(count) : commonGerman.blocks(count)} zurückspielen`;
      }
      case 'finish':
        return plan.reset === null
          ? `${commonGerman.blocks(plan.blocks.length)} beweisen`
          : `Neu starten und ${commonGerman.blocks(plan.blocks.length)} beweisen`;
      case 'clear-faults':
        return `${commonGerman.codes(plan.faults.length)} löschen`;
    }
  },
  secondary: (plan) => (plan.kind === 'coding' ? 'Weiter bearbeiten' : 'Abbrechen'),
  body: (plan, facts = {}) => [de.backup(plan, facts), de.effect(plan), de.wayBack(plan)],
  backup: (plan, facts = {}) => {
    if (plan.kind === 'clear-faults') return 'Die Codes werden vor dem Löschen im Protokoll gesichert.';
    return facts.backupWallMs == null
      ? 'Eine Sicherung dessen, was das Modul jetzt enthält, ist gespeichert.'
      : `Die Sicherung von ${german.time(facts.backupWallMs)} Uhr mit dem jetzigen Inhalt des Moduls ist gespeichert.`;
  },
  effect: (plan) => {
    const takes = de.estimate(plan);
    if (plan.kind === 'clear-faults')
      return `Die Zündung muss an bleiben (${takes}). Die Bereitschaftstests beginnen neu; ein Fehler, der noch besteht, kommt wieder.`;
    const restart =
      plan.reset === null ? '' : ` ${german.pick(plan.module.title)} startet einmal neu und ist einige Sekunden weg.`;
    const cycle = plan.ignitionCycle ? ' Danach die Zündung einmal aus- und einschalten.' : '';
    return `Die Zündung muss an bleiben (${takes}).${restart}${cycle}`;
  },
  wayBack: (plan) => {
    switch (plan.kind) {
      case 'coding':
      case 'restore':
      case 'rollback':
        return 'Unter Sicherungen geht es wieder zurück.';
      case 'finish':
        return 'Es ändert sich kein Wert mehr; die Sicherung von vor dem Auftrag bleibt.';
      case 'clear-faults':
        return 'Gelöschte Codes lassen sich nicht zurückspielen; sie stehen unter Sitzungen.';
    }
  },
  estimate: (plan) => german.range(plan.estimateMs.least, plan.estimateMs.most),
  typeVin: 'Die letzten 4 der Fahrgestellnummer eingeben',
  typeVinWhy: (plan) =>
    plan.expertRaw
      ? 'Rohe Bytes können auch ändern, was keine Option benennt.'
      : plan.risk === 'safety'
        ? 'Das ändert eine Option der Sicherheit.'
        : 'Das ändert eine Option der Fahrassistenz.',
  step: (step) => {
    switch (step.kind) {
      case 'session':
        return 'Modul auf Änderungen vorbereiten';
      case 'unlock':
        return 'Modul entsperren';
      case 'write':
        return step.purpose === 'prelude'
          ? `Stempel „${german.pick(step.title)}“ schreiben`
          : `„${german.pick(step.title)}“ schreiben und zurücklesen`;
      case 'reset':
        return 'Modul neu starten und alles noch einmal beweisen';
      case 'clear':
        return `${commonGerman.faultCodes(step.faults.length)} löschen und erneut lesen`;
    }
  },
  stepProtocol: (step) => protocolWords(step),
  warning: (warning) => {
    switch (warning.kind) {
      case 'voltage-unknown':
        return 'Die Spannung ist nicht bekannt. Bei schwacher Batterie ein Ladegerät anschließen.';
      case 'voltage-low':
        return `Die Spannung ist niedrig: ${german.volts(warning.volts)}. Ladegerät anschließen.`;
      case 'voltage-high':
        return `Die Spannung ist hoch: ${german.volts(warning.volts)}. Ladegerät herunterregeln oder Motor abstellen.`;
      case 'storage-not-persistent':
        return 'Der Browser darf seinen Speicher leeren. Eine Kopie der Sicherung als Datei speichern.';
      case 'backup-is-old':
        return `Die Sicherung ist alt: sie ist vom ${german.date(warning.takenAtWallMs)}.`;
      case 'software-differs':
        return `Die Sicherung entstand mit Software ${german.said(warning.backup)}, das Modul hat jetzt ${german.said(warning.now)}. ${commonGerman.options(warning.leftOut)} ${warning.leftOut === 1 ? 'bleibt' : 'bleiben'} weg.`;
      case 'shop-code-of-module':
        return 'Der Stempel behält den Werkstattcode, der jetzt im Modul steht.';
      case 'unknown-bits':
        return `${german.number(warning.count)} ${warning.count === 1 ? 'Bit, das keine Option benennt, ändert' : 'Bits, die keine Option benennt, ändern'} sich mit.`;
      case 'adapter-unproven':
        return 'Dieser Adapter ist für Änderungen nicht geprüft. Für den Weg zurück ist er erlaubt; ein geprüfter ist besser.';
      case 'foreign-tester':
        return 'Ein anderer Tester fragt die Module dieses Autos. Erst abziehen oder anhalten.';
    }
  },
};

/** Service and bytes, as the trace shows them (ISO 14229-1); a key is never shown. */
function protocolWords(step: PlanStep): string {
  switch (step.kind) {
    case 'session':
      return `10 ${english.hexByte(step.session)}`;
    case 'unlock':
      return `27 ${english.hexByte(step.level)} · 27 ${english.hexByte(step.level + 1)}`;
    case 'write':
      return `2E ${english.hexSpaced(step.did)} ${english.hexSpaced(step.newHex)}`;
    case 'reset':
      return `11 ${english.hexByte(step.type)}`;
    case 'clear':
      return `14 ${english.hexSpaced(step.group)}`;
  }
}
