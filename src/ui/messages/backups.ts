import type { Backup } from '#contract/backup.ts';
import { en as commonEnglish, de as commonGerman } from './common.ts';
import { en as english, de as german } from './format.ts';

/** What has to be there before a backup can go back; each with what to do. */
type Missing =
  | 'connection'
  | 'scan'
  | 'other-car'
  | 'module'
  | 'module-silent'
  | 'adapter'
  | 'storage'
  | 'vin-conflict'
  | 'open-job';

const codingBytes = (backup: Backup) =>
  backup.blocks.reduce((sum, block) => sum + (block.role === 'coding' ? block.hex.length / 2 : 0), 0);

/** Backups: list, comparing two, putting back, files in and out. */
export const en = {
  title: 'Backups',
  lead: 'Taken before every write and read twice. Each one can be put back into its module.',
  listLabel: 'Backups',
  sideLabel: 'Selected backup',
  search: (count: number) => `Search ${commonEnglish.backups(count)}`,
  carFilter: 'Which cars',
  thisCar: 'This car',
  allCars: 'All cars',
  carOf: (vin: string | null): string => (vin === null ? 'Car without a VIN' : 'Car with the VIN'),
  open: 'Open a backup file',
  dropHere: 'Drop the backup file here',
  opened: (what: string) => `Opened: ${what}`,
  openedKnown: (what: string) => `Already here: ${what}`,
  openedThen: 'It is kept with the others. Nothing was written to the car.',
  openedOtherCar: 'It is of another car than the connected one; it can go back when its car is connected.',
  damaged: (count: number) => `${commonEnglish.backups(count)} cannot be read any more`,
  damagedThen: 'The stored bytes do not match their own hash. Use a copy from a file; the other backups are good.',
  /** Title of one backup: why it was taken. */
  reason: (backup: Pick<Backup, 'reason' | 'pinned'>): string =>
    backup.pinned === 'as-received'
      ? 'As received'
      : {
          asked: 'Taken by hand',
          'before-write': 'Before a write',
          'before-restore': 'Before putting a backup back',
          imported: 'From a file',
        }[backup.reason],
  reasonLong: (backup: Pick<Backup, 'reason' | 'pinned'>): string =>
    backup.pinned === 'as-received'
      ? 'As received: the first backup of this module here. It is never deleted.'
      : {
          asked: 'Taken because somebody asked for it.',
          'before-write': 'Taken before a write, of what the write replaces.',
          'before-restore': 'Taken before another backup was put back.',
          imported: 'Came from a file.',
        }[backup.reason],
  lineDetail: (backup: Backup) =>
    `${commonEnglish.bytes(codingBytes(backup))} of settings${backup.pinned === null ? '' : ', never deleted'}`,
  copies: (isExported: boolean): string => (isExported ? '2 copies' : '1 copy'),
  copiesLong: (exportedWallMs: number | undefined) =>
    exportedWallMs === undefined
      ? 'This browser only'
      : `This browser, file saved ${english.relativeDay(exportedWallMs)}`,
  onTheCar: 'On the car now',
  fits: 'Fits the module in the car',
  doesNotFit: 'Does not fit',
  notComparable: 'Not compared',
  differs: (values: number) =>
    values === 0
      ? 'The car holds the same values now.'
      : `${commonEnglish.values(values)} ${values === 1 ? 'differs' : 'differ'} from the car now.`,
  comparedAt: (wallMs: number) => `Car read ${english.relativeDay(wallMs)}`,
  notReadYet: 'The values in the car have not been read since it was connected or last written.',
  facts: {
    reason: 'Why',
    taken: 'Taken',
    vin: 'VIN',
    module: 'Module',
    part: 'Part',
    hardware: 'Hardware',
    software: 'Software',
    serial: 'Serial number',
    holds: 'Holds',
    copies: 'Copies',
    readAt: 'Read at',
    faults: 'Faults then',
    fingerprint: 'Fingerprint',
    recordHash: 'Record hash',
    parent: 'Backup before',
    tool: 'Made with',
    definition: 'Definition',
    difference: 'From now',
  },
  none: 'none',
  firstOfModule: 'none, it is the first',
  voltageUnknown: 'voltage not known',
  session: (session: number) =>
    ({ 1: 'normal session', 2: 'programming session', 3: 'extended session' })[session] ??
    `session ${english.hexByte(session)}`,
  unlocked: (level: number) => `unlocked at level ${english.hexByte(level)}`,
  blockCount: (count: number, bytes: number) => `${commonEnglish.blocks(count)}, ${commonEnglish.bytes(bytes)}`,
  details: 'Everything in this backup',
  compareNow: 'Compare with the car',
  save: 'Save as file',
  saved: 'The file is in the downloads of this browser.',
  restore: (values: number | null) =>
    values === null ? 'Plan to put it back' : `Put back ${commonEnglish.values(values)}`,
  restoreWorking: 'Reading the car',
  selected: (when: string) => `${when} selected.`,
  nothingWritten: 'You see every value before anything is written.',
  planning: 'The module is read and backed up again. Nothing is written yet.',
  notFitting: 'It stays as it is; the car is unchanged.',
  missing: (what: Missing): { readonly word: string; readonly doNow: string } =>
    ({
      connection: { word: 'No car is connected', doNow: 'Connect the car of this backup.' },
      scan: { word: 'The car is not scanned yet', doNow: 'Scan the car first, so that its modules are known.' },
      'other-car': {
        word: 'Another car is connected',
        doNow: 'Connect the car of this backup. Compare the VINs if you think it is the same.',
      },
      module: { word: 'The module is not in this car', doNow: 'Scan again, or look whether the module is fitted.' },
      'module-silent': { word: 'The module does not answer', doNow: 'Switch the ignition on and scan again.' },
      adapter: { word: 'This adapter may not write', doNow: 'Use an adapter that may code; Connect says why.' },
      storage: {
        word: 'The storage is read only',
        doNow: 'Free disk space first: without a new backup nothing is written.',
      },
      'vin-conflict': {
        word: 'The modules name different VINs',
        doNow: 'Find out which module is from another car; until then nothing is written.',
      },
      'open-job': { word: 'A job of this car is unfinished', doNow: 'Do its next step first.' },
    })[what],
  goConnect: 'Go to Connect',
  goVehicle: 'Go to Vehicle',
  readModule: 'Read the module now',
  tabs: { compare: 'Compare', values: 'Values', record: 'Record' },
  tabsLabel: 'Views of this backup',
  where: 'Where you are',
  compareWith: 'Compare with',
  carNow: (asOf: string) => `The car now (${asOf})`,
  compareHeads: {
    name: 'Value',
    before: (when: string) => `Backup, ${when}`,
    other: (when: string) => `Backup, ${when}`,
    car: 'On the car',
    byte: 'Byte',
    hex: 'Bytes',
  },
  byteTitle: (did: string, byte: number) => `Block ${did}, byte ${byte}`,
  byteRange: (did: string, first: number, last: number) =>
    first === last ? `${did} · ${first}` : `${did} · ${first}–${last}`,
  same: 'No value differs.',
  sameWhy: 'Both hold the same settings, bits that change by themselves aside.',
  nothingToCompare: 'Nothing to compare with yet',
  nothingToCompareWhy: 'Connect this car and read the module, or take a second backup of it.',
  stamps: (dids: readonly string[]) =>
    `The stamps ${english.list(dids)} (date, shop code) differ too. They are no settings: each write makes them new.`,
  missingBlocks: (dids: readonly string[]) => `Only one of the two holds ${english.list(dids)}.`,
  noDefinition: 'No definition of this module is here, so the values are shown as bytes.',
  blocks: 'Blocks as read',
  blockName: (did: string, title: string | null) => (title === null ? did : `${title} (${did})`),
  stamp: 'Stamp',
  unreadable: 'Could not be read',
  silent: 'no answer',
  identity: 'Who the module was',
  circumstances: 'How it was taken',
  proof: 'Proof',
  option: 'Option',
  value: 'Value',
  emptyTitle: 'No backups yet',
  emptyText:
    'A backup holds every setting of a module as it was. One is taken before each write, and any time from the page of a module.',
  noHit: 'No backup matches',
  noHitText: 'Search looks at VIN, module, part, serial number, date and fingerprint.',
  clearSearch: 'Show all backups',
  reading: 'Reading the backups on this machine',
  gone: 'This backup is not on this machine',
  goneText: 'It may be in the other world (simulator or real cars), or the address is from another computer.',
  toList: 'Show all backups here',
};

export const de: typeof en = {
  title: 'Sicherungen',
  lead: 'Vor jedem Schreiben angelegt und zweimal gelesen. Jede lässt sich in ihr Modul zurückspielen.',
  listLabel: 'Sicherungen',
  sideLabel: 'Gewählte Sicherung',
  search: (count) => `${commonGerman.backups(count)} durchsuchen`,
  carFilter: 'Welche Autos',
  thisCar: 'Dieses Auto',
  allCars: 'Alle Autos',
  carOf: (vin) => (vin === null ? 'Auto ohne Fahrgestellnummer' : 'Auto mit der Fahrgestellnummer'),
  open: 'Sicherungsdatei öffnen',
  dropHere: 'Sicherungsdatei hier ablegen',
  opened: (what) => `Geöffnet: ${what}`,
  openedKnown: (what) => `Schon vorhanden: ${what}`,
  openedThen: 'Sie liegt bei den anderen. Am Auto wurde nichts geschrieben.',
  openedOtherCar:
    'Sie ist von einem anderen Auto als dem verbundenen; zurückspielen geht, sobald ihr Auto verbunden ist.',
  damaged: (count) => `${commonGerman.backups(count)} nicht mehr lesbar`,
  damagedThen:
    'Die gespeicherten Bytes passen nicht zu ihrer eigenen Prüfsumme. Eine Kopie aus einer Datei nehmen; die anderen Sicherungen sind gut.',
  reason: (backup) =>
    backup.pinned === 'as-received'
      ? 'Anlieferungszustand'
      : {
          asked: 'Von Hand angelegt',
          'before-write': 'Vor dem Schreiben',
          'before-restore': 'Vor dem Zurückspielen',
          imported: 'Aus einer Datei',
        }[backup.reason],
  reasonLong: (backup) =>
    backup.pinned === 'as-received'
      ? 'Anlieferungszustand: die erste Sicherung dieses Moduls hier. Sie wird nie gelöscht.'
      : {
          asked: 'Angelegt, weil jemand darum bat.',
          'before-write': 'Angelegt vor einem Schreiben, von dem, was es ersetzt.',
          'before-restore': 'Angelegt, bevor eine andere Sicherung zurückgespielt wurde.',
          imported: 'Kam aus einer Datei.',
        }[backup.reason],
  lineDetail: (backup) =>
    `${commonGerman.bytes(codingBytes(backup))} Einstellungen${backup.pinned === null ? '' : ', wird nie gelöscht'}`,
  copies: (isExported) => (isExported ? '2 Kopien' : '1 Kopie'),
  copiesLong: (exportedWallMs) =>
    exportedWallMs === undefined
      ? 'Nur dieser Browser'
      : `Dieser Browser, Datei gespeichert ${german.relativeDay(exportedWallMs)}`,
  onTheCar: 'Jetzt im Auto',
  fits: 'Passt zum Modul im Auto',
  doesNotFit: 'Passt nicht',
  notComparable: 'Nicht verglichen',
  differs: (values) =>
    values === 0
      ? 'Das Auto enthält jetzt dieselben Werte.'
      : `${commonGerman.values(values)} ${values === 1 ? 'weicht' : 'weichen'} vom Auto ab.`,
  comparedAt: (wallMs) => `Auto gelesen ${german.relativeDay(wallMs)}`,
  notReadYet: 'Die Werte im Auto sind seit dem Verbinden oder letzten Schreiben nicht gelesen.',
  facts: {
    reason: 'Warum',
    taken: 'Angelegt',
    vin: 'Fahrgestellnummer',
    module: 'Modul',
    part: 'Teil',
    hardware: 'Hardware',
    software: 'Software',
    serial: 'Seriennummer',
    holds: 'Enthält',
    copies: 'Kopien',
    readAt: 'Gelesen bei',
    faults: 'Fehler damals',
    fingerprint: 'Fingerabdruck',
    recordHash: 'Prüfsumme',
    parent: 'Sicherung davor',
    tool: 'Erstellt mit',
    definition: 'Definition',
    difference: 'Gegen jetzt',
  },
  none: 'keine',
  firstOfModule: 'keine, sie ist die erste',
  voltageUnknown: 'Spannung nicht bekannt',
  session: (session) =>
    ({ 1: 'normale Sitzung', 2: 'Programmiersitzung', 3: 'erweiterte Sitzung' })[session] ??
    `Sitzung ${german.hexByte(session)}`,
  unlocked: (level) => `entsperrt auf Stufe ${german.hexByte(level)}`,
  blockCount: (count, bytes) => `${commonGerman.blocks(count)}, ${commonGerman.bytes(bytes)}`,
  details: 'Alles in dieser Sicherung',
  compareNow: 'Mit dem Auto vergleichen',
  save: 'Als Datei speichern',
  saved: 'Die Datei liegt in den Downloads dieses Browsers.',
  restore: (values) => (values === null ? 'Zurückspielen planen' : `${commonGerman.values(values)} zurückspielen`),
  restoreWorking: 'Auto wird gelesen',
  selected: (when) => `${when} gewählt.`,
  nothingWritten: 'Jeder Wert ist zu sehen, bevor etwas geschrieben wird.',
  planning: 'Das Modul wird noch einmal gelesen und gesichert. Geschrieben ist noch nichts.',
  notFitting: 'Sie bleibt, wie sie ist; das Auto ist unverändert.',
  missing: (what) =>
    ({
      connection: { word: 'Kein Auto verbunden', doNow: 'Das Auto dieser Sicherung verbinden.' },
      scan: {
        word: 'Das Auto ist noch nicht durchsucht',
        doNow: 'Zuerst das Auto durchsuchen, damit seine Module bekannt sind.',
      },
      'other-car': {
        word: 'Ein anderes Auto ist verbunden',
        doNow: 'Das Auto dieser Sicherung verbinden. Bei Zweifel die Fahrgestellnummern vergleichen.',
      },
      module: { word: 'Das Modul ist nicht in diesem Auto', doNow: 'Erneut suchen oder nachsehen, ob es verbaut ist.' },
      'module-silent': { word: 'Das Modul antwortet nicht', doNow: 'Zündung einschalten und erneut suchen.' },
      adapter: {
        word: 'Dieser Adapter darf nicht schreiben',
        doNow: 'Einen Adapter nehmen, der codieren darf; unter Verbinden steht der Grund.',
      },
      storage: {
        word: 'Der Speicher ist nur lesbar',
        doNow: 'Zuerst Platz schaffen: ohne neue Sicherung wird nichts geschrieben.',
      },
      'vin-conflict': {
        word: 'Die Module nennen verschiedene Fahrgestellnummern',
        doNow: 'Herausfinden, welches Modul aus einem anderen Auto ist; bis dahin wird nichts geschrieben.',
      },
      'open-job': { word: 'Ein Auftrag dieses Autos ist offen', doNow: 'Zuerst seinen nächsten Schritt tun.' },
    })[what],
  goConnect: 'Zu Verbinden',
  goVehicle: 'Zum Fahrzeug',
  readModule: 'Modul jetzt lesen',
  tabs: { compare: 'Vergleich', values: 'Werte', record: 'Aufzeichnung' },
  tabsLabel: 'Ansichten dieser Sicherung',
  where: 'Ort in der App',
  compareWith: 'Vergleichen mit',
  carNow: (asOf) => `Das Auto jetzt (${asOf})`,
  compareHeads: {
    name: 'Wert',
    before: (when) => `Sicherung, ${when}`,
    other: (when) => `Sicherung, ${when}`,
    car: 'Im Auto',
    byte: 'Byte',
    hex: 'Bytes',
  },
  byteTitle: (did, byte) => `Block ${did}, Byte ${byte}`,
  byteRange: (did, first, last) => (first === last ? `${did} · ${first}` : `${did} · ${first}–${last}`),
  same: 'Kein Wert weicht ab.',
  sameWhy: 'Beide enthalten dieselben Einstellungen, abgesehen von Bits, die sich von selbst ändern.',
  nothingToCompare: 'Noch nichts zum Vergleichen',
  nothingToCompareWhy: 'Dieses Auto verbinden und das Modul lesen, oder eine zweite Sicherung anlegen.',
  stamps: (dids) =>
    `Auch die Stempel ${german.list(dids)} (Datum, Werkstattcode) weichen ab. Sie sind keine Einstellungen: jedes Schreiben setzt sie neu.`,
  missingBlocks: (dids) => `Nur eine der beiden enthält ${german.list(dids)}.`,
  noDefinition: 'Zu diesem Modul ist keine Definition da, deshalb stehen die Werte als Bytes hier.',
  blocks: 'Blöcke wie gelesen',
  blockName: (did, title) => (title === null ? did : `${title} (${did})`),
  stamp: 'Stempel',
  unreadable: 'Nicht lesbar',
  silent: 'keine Antwort',
  identity: 'Wer das Modul war',
  circumstances: 'Wie sie entstand',
  proof: 'Beweis',
  option: 'Option',
  value: 'Wert',
  emptyTitle: 'Noch keine Sicherungen',
  emptyText:
    'Eine Sicherung enthält jede Einstellung eines Moduls, wie sie war. Vor jedem Schreiben entsteht eine, und jederzeit auf der Seite eines Moduls.',
  noHit: 'Keine Sicherung gefunden',
  noHitText: 'Gesucht wird in Fahrgestellnummer, Modul, Teil, Seriennummer, Datum und Fingerabdruck.',
  clearSearch: 'Alle Sicherungen zeigen',
  reading: 'Sicherungen auf diesem Rechner werden gelesen',
  gone: 'Diese Sicherung ist nicht auf diesem Rechner',
  goneText:
    'Vielleicht gehört sie zur anderen Welt (Simulator oder echte Autos), oder die Adresse ist von einem anderen Rechner.',
  toList: 'Alle Sicherungen hier zeigen',
};
