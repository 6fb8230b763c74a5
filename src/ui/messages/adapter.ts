import type { AdapterFinding, AdapterInfo, AdapterJob } from '#contract/adapter.ts';
import type { AdapterReport, CheckResult } from '#contract/adapter-check.ts';
import type { VoltageReading } from '#contract/backup.ts';
import { en as commonEnglish, de as commonGerman } from './common.ts';
import { en as english, de as german } from './format.ts';

type Format = typeof english;
type Timing = NonNullable<AdapterReport['roundTripMs']>;
type NotRun = Extract<CheckResult, { kind: 'not-run' }>['why'];
type FindingWords = Readonly<Record<AdapterFinding['kind'], (detail: string) => string>>;

/** The most an adapter may do: one word for the strip, and what the title of its check says. */
export type Reach = AdapterJob | 'none';

export function reachOf(verdict: AdapterInfo['verdict']): Reach {
  if (verdict.program.may) return 'program';
  if (verdict.code.may) return 'code';
  return verdict.read.may ? 'read' : 'none';
}

const NBSP = '\u00A0';

/** Fast adapters differ below a millisecond: one decimal under ten. */
function milliseconds(format: Format) {
  return (ms: number): string => `${format.number(ms, ms < 9.95 ? 1 : 0)}${NBSP}ms`;
}

function volts(format: Format, none: string) {
  return (reading: VoltageReading): string =>
    reading.kind === 'unknown' ? none : `${format.volts(reading.volts)} ±${NBSP}${format.volts(reading.errorVolts)}`;
}

function usbId(usb: NonNullable<AdapterReport['usb']>): string {
  return [usb.vendorId, usb.productId].map((id) => id.toString(16).toUpperCase().padStart(4, '0')).join(':');
}

const msEn = milliseconds(english);
const msDe = milliseconds(german);

/** The adapter check: what an adapter says it is, what it really does, and what it may do because of that. */
export const en = {
  title: 'Adapter check',
  where: 'Place',
  lead: 'Measures what the adapter really does on this car. It only reads, the car is not changed.',
  check: 'Check adapter',
  checkAgain: 'Check adapter again',
  checkThis: 'Check this adapter',
  scanFirst: 'Scan the car first',
  scanFirstState: 'Scan the car first.',
  scanFirstWhy: 'The check reads a module of this car again and again, so one has to be known.',
  scan: 'Scan this car',
  connectFirst: 'Connect an adapter first',
  busy: 'Another command is under way',
  running: 'The check is under way',
  steps: 'Parts of the check',
  done: 'done',
  partStates: { ok: 'done', warn: 'attention', danger: 'failed', live: 'under way', todo: 'part' },
  open: 'Show the check',
  reach: {
    none: 'not fit',
    read: 'reads',
    code: 'codes',
    program: 'programs',
  } satisfies Readonly<Record<Reach, string>>,
  verdictTitle: (product: string, reach: Reach): string =>
    ({
      none: `${product} is not fit for this car`,
      read: `${product} may diagnose`,
      code: `${product} may diagnose and code`,
      program: `${product} may diagnose, code and program`,
    })[reach],
  takenAt: (wallMs: number) => `checked ${english.relativeDay(wallMs)}`,
  neverTaken: 'never checked on this computer',
  byFamily: 'Until it is checked, this is what its kind may do.',
  byCheck: (wallMs: number) => `Measured ${english.relativeDay(wallMs)}.`,
  car: 'The check only reads, it changes nothing.',
  carChecked: (wallMs: number) => `Last checked ${english.relativeDay(wallMs)}.`,
  again: 'Check again after a change of cable, hub or car.',
  takes: 'It takes up to two minutes. Leave the ignition on.',
  cancelled: 'The check was stopped',
  cancelledCar: 'The car is unchanged. Nothing was concluded from the part that ran.',
  failed: 'The check did not end',
  simulated: 'Measured on the virtual car. It says nothing about a real adapter.',

  measured: 'Measured',
  notMeasured: 'What the check measures',
  good: (good: number, all: number) => `${english.number(good)} of ${english.number(all)} good`,
  rows: {
    roundTrip: 'Answer time of the adapter',
    moduleRoundTrip: 'Answer time of a module',
    bytesPerSecond: 'Speed of long answers',
    longReceive: 'Longest answer it brings whole',
    longSend: 'Longest request it sends whole',
    dropFree: 'Requests in a row, none lost',
    voltage: 'Supply voltage',
    replug: 'Permission after a replug',
  },
  why: {
    roundTrip: 'From this computer to the adapter and back.',
    moduleRoundTrip: 'The whole way to a module of the car and back.',
    bytesPerSecond: 'How long a backup takes.',
    longReceive: 'The same long value again and again, always equal.',
    longSend: 'A request longer than one frame, answered.',
    dropFree: 'Many requests, each with its answer.',
    voltage: 'Where the voltage comes from, and how exact it is.',
    replug: 'Does the browser still know it after it was pulled and plugged in?',
  },
  milliseconds: msEn,
  timing: ({ p99, count }: Timing) => `99 of 100 within ${msEn(p99)}, ${english.number(count)} asked.`,
  atConnection: (p99Ms: number) => `Within ${msEn(p99Ms)}, taken when it was connected.`,
  silentInside: 'It answers nothing by itself.',
  tooSlow: 'Too slow for more than the verdict says.',
  bytesPerSecond: (value: number) => `${english.bytes(Math.round(value))}/s`,
  ofFamily: (bytes: number) => `Its kind carries up to ${commonEnglish.bytes(bytes)}.`,
  equal: (count: number) => `${english.number(count)} times, always equal.`,
  answered: (count: number) => `${english.number(count)} sent, all answered.`,
  noneLost: (count: number) => `${english.number(count)} of ${english.number(count)}`,
  lost: (failed: number, count: number) => `${english.number(failed)} of ${english.number(count)} went wrong`,
  lostWhy: (why: string) => `What was seen: ${english.said(why)}.`,
  notRun: (why: NotRun): string =>
    ({
      'no-module': 'No module answered that could be asked.',
      'not-possible': 'This adapter has no way to do it.',
      'no-long-value': 'No module of this car has a value that long.',
      cancelled: 'The check was stopped before.',
    })[why],
  notRunValue: 'not checked',
  volts: volts(english, 'not known'),
  replug: {
    yes: ['kept', 'The browser still knew it after it was pulled and plugged in.'],
    no: [
      'lost',
      'After a replug it has to be chosen again; it has no serial number of its own, or the system hides it.',
    ],
    unknown: ['not seen', 'Pull it and plug it in while Codebay is open, then it is known.'],
  } satisfies Readonly<Record<AdapterReport['survivesReplug'], readonly [value: string, detail: string]>>,

  identity: 'What it is',
  facts: {
    make: 'Make',
    chip: 'Chip, as probed',
    firmware: 'Calls itself',
    serial: 'Serial number',
    usb: 'USB identity',
    way: 'Way',
    line: 'True line speed',
    send: 'Sends up to',
    receive: 'Receives up to',
    queue: 'Holds',
    confirms: 'Confirms what it takes',
    listens: 'Can only listen',
    consent: 'Let to change options',
  },
  wireless: 'radio',
  cable: 'cable',
  baud: (rate: number) => `${english.number(rate)}${NBSP}bit/s`,
  anyLine: 'plays no part on this line',
  frames: (count: number) => `${english.number(count)} ${count === 1 ? 'frame' : 'frames'}`,
  consentBy: (name: string, wallMs: number) => `${english.said(name)}, ${english.relativeDay(wallMs)}`,
  yes: 'yes',
  no: 'no',
  none: 'none',

  findings: 'What does not fit its own words',
  noFindings: 'Nothing: what it says of itself held where it was tried.',
  genuineButFindings: 'One such point does not make it useless; the measurements decide what it may do.',
  finding: {
    'version-never-existed': (detail) =>
      `It calls itself ${english.said(detail)}. The maker of that chip never made such a version.`,
    'command-missing': (detail) => `Its version has the command ${english.said(detail)}, the device does not know it.`,
    'forgets-settings': (detail) => `It forgets settings when the protocol changes (${english.said(detail)}).`,
    'drops-bytes': (detail) => `It cut a request short (${english.said(detail)}).`,
    'buffer-smaller': (detail) => `It holds less than its version promises (${english.said(detail)}).`,
    'other-speed': (detail) => `It names another line speed than the one it runs at (${english.said(detail)}).`,
  } satisfies FindingWords as FindingWords,

  accept: {
    open: 'Let this copy change options',
    why: 'It is a copy, and it passed this check. A person may answer for it.',
    title: 'Let this copy change options?',
    lead: (product: string, checkedWallMs: number) =>
      `${product} is a copy of another maker’s chip. It passed the check of ${english.relativeDay(checkedWallMs)}.`,
    risks: [
      'Copies differ from one to the next and may fail in ways that no check sees.',
      'If it loses a request in the middle of a write, a module may hold half of the new settings until they are put back.',
      'Every module is backed up before and read back after, as with any adapter. It never programs.',
    ] as readonly string[],
    name: 'Your name',
    nameHint: 'Stands in the record of this adapter.',
    nameMissing: 'Type your name first',
    safe: 'Only diagnose',
    act: 'Let it change options',
    given: (name: string, wallMs: number) =>
      `${english.said(name)} let it change options ${english.relativeDay(wallMs)}.`,
  },

  before: 'Adapters checked on this computer',
  beforeNone: 'None so far. What a check finds is kept here, in this browser.',
  beforeLine: (reach: Reach, genuine: AdapterInfo['genuine']) =>
    [
      { none: 'not fit', read: 'diagnoses', code: 'diagnoses and codes', program: 'diagnoses, codes and programs' }[
        reach
      ],
      ...(genuine === 'clone' ? ['a copy'] : []),
    ].join(', '),
  inUse: 'connected now',
  gone: 'This check is not on this computer',
  goneText: 'It was made in another browser, or its data was cleared.',
  noAdapter: 'No adapter is connected',
  noAdapterText: 'Connect the adapter that you want to check, and the car with it.',
  goConnect: 'Go to Connect',

  print: 'Print the check',
  paper: {
    title: 'Adapter check',
    adapter: 'Adapter',
    firmware: 'Firmware',
    usb: 'USB',
    serial: 'Serial number',
    jobs: 'What it may do',
    job: 'Job',
    verdict: 'Verdict',
    reason: 'Why',
    may: 'yes',
    mayNot: 'no',
    measurement: 'Measurement',
    result: 'Result',
    remark: 'Remark',
    foot: (id: string, version: string) => `Codebay ${version}, check ${id}`,
    simulated: 'Simulator: this is no check of a real adapter.',
    sign: ['Technician, date'] as readonly string[],
  },
  usbId,
};

export const de: typeof en = {
  title: 'Adapterprüfung',
  where: 'Ort',
  lead: 'Misst, was der Adapter an diesem Auto wirklich leistet. Es wird nur gelesen, das Auto bleibt unverändert.',
  check: 'Adapter prüfen',
  checkAgain: 'Adapter erneut prüfen',
  checkThis: 'Diesen Adapter prüfen',
  scanFirst: 'Zuerst das Auto scannen',
  scanFirstState: 'Zuerst das Auto scannen.',
  scanFirstWhy: 'Die Prüfung liest ein Modul dieses Autos immer wieder, darum muss eines bekannt sein.',
  scan: 'Dieses Auto scannen',
  connectFirst: 'Zuerst einen Adapter verbinden',
  busy: 'Ein anderer Befehl läuft noch',
  running: 'Die Prüfung läuft',
  steps: 'Teile der Prüfung',
  done: 'erledigt',
  partStates: { ok: 'erledigt', warn: 'Achtung', danger: 'misslungen', live: 'läuft', todo: 'Teil' },
  open: 'Prüfung zeigen',
  reach: { none: 'ungeeignet', read: 'liest', code: 'codiert', program: 'programmiert' },
  verdictTitle: (product, reach) =>
    ({
      none: `${product} ist für dieses Auto ungeeignet`,
      read: `${product} darf diagnostizieren`,
      code: `${product} darf diagnostizieren und codieren`,
      program: `${product} darf diagnostizieren, codieren und programmieren`,
    })[reach],
  takenAt: (wallMs) => `geprüft ${german.relativeDay(wallMs)}`,
  neverTaken: 'auf diesem Computer nie geprüft',
  byFamily: 'Bis er geprüft ist, gilt, was seine Art darf.',
  byCheck: (wallMs) => `Gemessen ${german.relativeDay(wallMs)}.`,
  car: 'Die Prüfung liest nur, sie ändert nichts.',
  carChecked: (wallMs) => `Zuletzt geprüft ${german.relativeDay(wallMs)}.`,
  again: 'Erneut prüfen, wenn Kabel, Hub oder Auto ein anderes ist.',
  takes: 'Sie dauert bis zu zwei Minuten. Die Zündung anlassen.',
  cancelled: 'Die Prüfung wurde angehalten',
  cancelledCar: 'Das Auto ist unverändert. Aus dem Teil, der lief, wurde nichts geschlossen.',
  failed: 'Die Prüfung kam nicht zum Ende',
  simulated: 'Am virtuellen Auto gemessen. Über einen echten Adapter sagt das nichts.',

  measured: 'Gemessen',
  notMeasured: 'Was die Prüfung misst',
  good: (good, all) => `${german.number(good)} von ${german.number(all)} gut`,
  rows: {
    roundTrip: 'Antwortzeit des Adapters',
    moduleRoundTrip: 'Antwortzeit eines Moduls',
    bytesPerSecond: 'Tempo langer Antworten',
    longReceive: 'Längste Antwort, die er ganz bringt',
    longSend: 'Längste Anfrage, die er ganz sendet',
    dropFree: 'Anfragen in Folge, keine verloren',
    voltage: 'Bordspannung',
    replug: 'Erlaubnis nach dem Umstecken',
  },
  why: {
    roundTrip: 'Von diesem Computer zum Adapter und zurück.',
    moduleRoundTrip: 'Der ganze Weg zu einem Modul des Autos und zurück.',
    bytesPerSecond: 'So lange dauert eine Sicherung.',
    longReceive: 'Derselbe lange Wert immer wieder, immer gleich.',
    longSend: 'Eine Anfrage, die länger als eine Botschaft ist, und ihre Antwort.',
    dropFree: 'Viele Anfragen, jede mit ihrer Antwort.',
    voltage: 'Woher die Spannung kommt und wie genau sie ist.',
    replug: 'Kennt der Browser ihn noch, wenn er gezogen und wieder eingesteckt wurde?',
  },
  milliseconds: msDe,
  timing: ({ p99, count }) => `99 von 100 innerhalb von ${msDe(p99)}, ${german.number(count)} gefragt.`,
  atConnection: (p99Ms) => `Innerhalb von ${msDe(p99Ms)}, beim Verbinden gemessen.`,
  silentInside: 'Er antwortet von sich aus nichts.',
  tooSlow: 'Zu langsam für mehr, als das Urteil sagt.',
  bytesPerSecond: (value) => `${german.bytes(Math.round(value))}/s`,
  ofFamily: (bytes) => `Seine Art trägt bis zu ${commonGerman.bytes(bytes)}.`,
  equal: (count) => `${german.number(count)}-mal, immer gleich.`,
  answered: (count) => `${german.number(count)} gesendet, alle beantwortet.`,
  noneLost: (count) => `${german.number(count)} von ${german.number(count)}`,
  lost: (failed, count) => `${german.number(failed)} von ${german.number(count)} misslungen`,
  lostWhy: (why) => `Was gesehen wurde: ${german.said(why)}.`,
  notRun: (why) =>
    ({
      'no-module': 'Kein Modul antwortete, das gefragt werden konnte.',
      'not-possible': 'Dieser Adapter hat keinen Weg dafür.',
      'no-long-value': 'Kein Modul dieses Autos hat einen so langen Wert.',
      cancelled: 'Die Prüfung wurde vorher angehalten.',
    })[why],
  notRunValue: 'nicht geprüft',
  volts: volts(german, 'nicht bekannt'),
  replug: {
    yes: ['bleibt', 'Der Browser kannte ihn noch, nachdem er gezogen und eingesteckt wurde.'],
    no: [
      'verloren',
      'Nach dem Umstecken muss er neu gewählt werden; er hat keine eigene Seriennummer, oder das System verbirgt sie.',
    ],
    unknown: ['nicht gesehen', 'Ihn ziehen und einstecken, während Codebay offen ist, dann ist es bekannt.'],
  },

  identity: 'Was er ist',
  facts: {
    make: 'Herkunft',
    chip: 'Chip, wie erkannt',
    firmware: 'Nennt sich',
    serial: 'Seriennummer',
    usb: 'USB-Kennung',
    way: 'Weg',
    line: 'Wahres Leitungstempo',
    send: 'Sendet bis zu',
    receive: 'Empfängt bis zu',
    queue: 'Fasst',
    confirms: 'Bestätigt, was er nimmt',
    listens: 'Kann nur zuhören',
    consent: 'Darf Optionen ändern',
  },
  wireless: 'Funk',
  cable: 'Kabel',
  baud: (rate) => `${german.number(rate)}${NBSP}bit/s`,
  anyLine: 'spielt auf dieser Leitung keine Rolle',
  frames: (count) => `${german.number(count)} ${count === 1 ? 'Botschaft' : 'Botschaften'}`,
  consentBy: (name, wallMs) => `${german.said(name)}, ${german.relativeDay(wallMs)}`,
  yes: 'ja',
  no: 'nein',
  none: 'keine',

  findings: 'Was nicht zu seinen Worten passt',
  noFindings: 'Nichts: Was er von sich sagt, hielt, wo es versucht wurde.',
  genuineButFindings: 'Ein solcher Punkt macht ihn nicht unbrauchbar; was er darf, entscheiden die Messungen.',
  finding: {
    'version-never-existed': (detail) =>
      `Er nennt sich ${german.said(detail)}. Eine solche Version hat der Hersteller dieses Chips nie gemacht.`,
    'command-missing': (detail) => `Seine Version hat den Befehl ${german.said(detail)}, das Gerät kennt ihn nicht.`,
    'forgets-settings': (detail) => `Er vergisst Einstellungen, wenn das Protokoll wechselt (${german.said(detail)}).`,
    'drops-bytes': (detail) => `Er hat eine Anfrage abgeschnitten (${german.said(detail)}).`,
    'buffer-smaller': (detail) => `Er fasst weniger, als seine Version verspricht (${german.said(detail)}).`,
    'other-speed': (detail) => `Er nennt ein anderes Leitungstempo als das, mit dem er läuft (${german.said(detail)}).`,
  },

  accept: {
    open: 'Diesen Nachbau Optionen ändern lassen',
    why: 'Er ist ein Nachbau und hat diese Prüfung bestanden. Ein Mensch kann für ihn einstehen.',
    title: 'Diesen Nachbau Optionen ändern lassen?',
    lead: (product, checkedWallMs) =>
      `${product} ist ein Nachbau eines fremden Chips. Er hat die Prüfung von ${german.relativeDay(checkedWallMs)} bestanden.`,
    risks: [
      'Nachbauten unterscheiden sich von Stück zu Stück und können auf Weisen versagen, die keine Prüfung sieht.',
      'Verliert er mitten im Schreiben eine Anfrage, kann ein Modul die neuen Einstellungen halb enthalten, bis sie zurückgelegt sind.',
      'Jedes Modul wird vorher gesichert und danach zurückgelesen, wie bei jedem Adapter. Programmieren wird er nie.',
    ],
    name: 'Ihr Name',
    nameHint: 'Steht im Eintrag dieses Adapters.',
    nameMissing: 'Zuerst den Namen eingeben',
    safe: 'Nur diagnostizieren',
    act: 'Optionen ändern lassen',
    given: (name, wallMs) => `${german.said(name)} ließ ihn ${german.relativeDay(wallMs)} Optionen ändern.`,
  },

  before: 'Auf diesem Computer geprüfte Adapter',
  beforeNone: 'Noch keiner. Was eine Prüfung findet, bleibt hier, in diesem Browser.',
  beforeLine: (reach, genuine) =>
    [
      {
        none: 'ungeeignet',
        read: 'diagnostiziert',
        code: 'diagnostiziert und codiert',
        program: 'diagnostiziert, codiert und programmiert',
      }[reach],
      ...(genuine === 'clone' ? ['ein Nachbau'] : []),
    ].join(', '),
  inUse: 'jetzt verbunden',
  gone: 'Diese Prüfung ist nicht auf diesem Computer',
  goneText: 'Sie entstand in einem anderen Browser, oder seine Daten wurden gelöscht.',
  noAdapter: 'Kein Adapter ist verbunden',
  noAdapterText: 'Den Adapter verbinden, der geprüft werden soll, und das Auto mit ihm.',
  goConnect: 'Zu Verbinden',

  print: 'Prüfung drucken',
  paper: {
    title: 'Adapterprüfung',
    adapter: 'Adapter',
    firmware: 'Firmware',
    usb: 'USB',
    serial: 'Seriennummer',
    jobs: 'Was er darf',
    job: 'Arbeit',
    verdict: 'Urteil',
    reason: 'Warum',
    may: 'ja',
    mayNot: 'nein',
    measurement: 'Messung',
    result: 'Ergebnis',
    remark: 'Bemerkung',
    foot: (id, version) => `Codebay ${version}, Prüfung ${id}`,
    simulated: 'Simulator: Das ist keine Prüfung eines echten Adapters.',
    sign: ['Techniker, Datum'],
  },
  usbId,
};
