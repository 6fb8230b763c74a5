import { en as english, de as german } from './format.ts';

/** `one` for 1, else `many`, with the number before it: `1 change`, `3 changes`, `1 024 bytes`. */
function counted(number: (value: number) => string) {
  return (count: number, one: string, many: string) => `${number(count)} ${count === 1 ? one : many}`;
}

const countEn = counted(english.number);
const countDe = counted(german.number);

/** Words that several screens share. */
export const en = {
  appName: 'Codebay',
  simulator: 'SIMULATOR',
  sections: {
    connect: 'Connect',
    vehicle: 'Vehicle',
    backups: 'Backups',
    programming: 'Programming',
    remote: 'Remote',
    sessions: 'Sessions',
    help: 'Help',
  },
  changes: (count: number) => countEn(count, 'change', 'changes'),
  values: (count: number) => countEn(count, 'value', 'values'),
  blocks: (count: number) => countEn(count, 'block', 'blocks'),
  faultCodes: (count: number) => countEn(count, 'fault code', 'fault codes'),
  codes: (count: number) => countEn(count, 'code', 'codes'),
  faults: (count: number) => countEn(count, 'fault', 'faults'),
  modules: (count: number) => countEn(count, 'module', 'modules'),
  options: (count: number) => countEn(count, 'option', 'options'),
  backups: (count: number) => countEn(count, 'backup', 'backups'),
  bytes: (count: number) => countEn(count, 'byte', 'bytes'),
  cancel: 'Cancel',
  close: 'Close',
  details: 'Details',
  copy: 'Copy',
  undo: 'Undo',
  copyDetails: 'Copy the details',
  tryAgain: 'Try again',
  reconnectAdapter: 'Reconnect adapter',
  chooseAdapter: 'Choose adapter',
  was: 'was',
  now: 'Now',
  after: 'After',
  unknownValue: 'not known',
  notRead: 'not read',
  /** A value that may be old. */
  asOf: (wallMs: number, nowMs?: number) => `as of ${english.relativeDay(wallMs, nowMs)}`,
  /** For a worker that gives no sign of life. */
  silentFor: (seconds: number) => `No sign of life for ${english.duration(seconds * 1000)}.`,
  lastAnswer: (agoMs: number) => `Last answer ${english.ago(agoMs)}`,
  noAnswerFor: (agoMs: number) => `No answer for ${english.duration(agoMs)}`,
};

export const de: typeof en = {
  appName: 'Codebay',
  simulator: 'SIMULATOR',
  sections: {
    connect: 'Verbinden',
    vehicle: 'Fahrzeug',
    backups: 'Sicherungen',
    programming: 'Programmieren',
    remote: 'Fernhilfe',
    sessions: 'Sitzungen',
    help: 'Hilfe',
  },
  changes: (count) => countDe(count, 'Änderung', 'Änderungen'),
  values: (count) => countDe(count, 'Wert', 'Werte'),
  blocks: (count) => countDe(count, 'Block', 'Blöcke'),
  faultCodes: (count) => countDe(count, 'Fehlercode', 'Fehlercodes'),
  codes: (count) => countDe(count, 'Code', 'Codes'),
  faults: (count) => countDe(count, 'Fehler', 'Fehler'),
  modules: (count) => countDe(count, 'Modul', 'Module'),
  options: (count) => countDe(count, 'Option', 'Optionen'),
  backups: (count) => countDe(count, 'Sicherung', 'Sicherungen'),
  bytes: (count) => countDe(count, 'Byte', 'Bytes'),
  cancel: 'Abbrechen',
  close: 'Schließen',
  details: 'Einzelheiten',
  copy: 'Kopieren',
  undo: 'Zurücknehmen',
  copyDetails: 'Einzelheiten kopieren',
  tryAgain: 'Erneut versuchen',
  reconnectAdapter: 'Adapter neu verbinden',
  chooseAdapter: 'Adapter wählen',
  was: 'war',
  now: 'Jetzt',
  after: 'Danach',
  unknownValue: 'nicht bekannt',
  notRead: 'nicht gelesen',
  asOf: (wallMs, nowMs) => `Stand ${german.relativeDay(wallMs, nowMs)}`,
  silentFor: (seconds) => `Kein Lebenszeichen seit ${german.duration(seconds * 1000)}.`,
  lastAnswer: (agoMs) => `Letzte Antwort ${german.ago(agoMs)}`,
  noAnswerFor: (agoMs) => `Keine Antwort seit ${german.duration(agoMs)}`,
};
