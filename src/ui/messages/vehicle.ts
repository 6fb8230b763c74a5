import { en as commonEnglish, de as commonGerman } from './common.ts';
import { en as english, de as german } from './format.ts';

/** Vehicle: the modules of the car as the last scan found them. */
export const en = {
  title: 'This car',
  simulated: 'Virtual car',
  tree: 'Modules',
  vin: 'VIN',
  vinFrom: (modules: readonly string[]) =>
    modules.length > 3
      ? `${commonEnglish.modules(modules.length)} report the same VIN.`
      : modules.length > 1
        ? `${english.list(modules)} report the same VIN.`
        : modules.length === 1
          ? `${modules[0]} reports the VIN.`
          : 'No module reports a VIN.',
  vinConflict: 'Modules of this car report different VINs',
  vinConflictCar: 'The car is unchanged; nothing can be written to it.',
  vinConflictDo: 'Find out which module comes from another car.',
  filtered: (gateway: string) => `${gateway} answers, but nothing behind it does`,
  filteredCar: 'The car is unchanged. The gateway lets no diagnosis through.',
  filteredDo: 'Open the bonnet, or release the gateway with the means of the maker, then scan again.',
  since: (news: { readonly modules: number; readonly missing: number; readonly faults: number }) => {
    const parts = [
      news.faults > 0 ? `${english.number(news.faults)} new ${news.faults === 1 ? 'fault' : 'faults'}` : '',
      news.missing > 0 ? `${commonEnglish.modules(news.missing)} missing` : '',
      news.modules > 0 ? `${english.number(news.modules)} new ${news.modules === 1 ? 'module' : 'modules'}` : '',
    ].filter((part) => part !== '');
    return parts.length === 0 ? 'Nothing new since the last scan.' : `Since the last scan: ${parts.join(', ')}.`;
  },
  modules: 'Modules',
  modulesOf: (answering: number, all: number) => `${english.number(answering)} of ${english.number(all)}`,
  faults: 'Faults',
  noFaults: 'none',
  scanned: 'Scanned',
  notOk: (count: number) => `${english.number(count)} not OK`,
  missing: 'missing since the last scan',
  isNew: 'new',
  side: 'Faults of this car',
  sideNone: 'No module has stored a fault.',
  sideNotYet: 'Faults show up here while the car is read.',
  openModule: (module: string) => `Open ${module}`,
  scan: 'Scan this car',
  scanAgain: 'Scan again',
  written: (module: string, when: string) => `Last written ${when}: ${module}.`,
  backUpAll: 'Back up all',
  nothingToBackUp: 'No module of this car has settings that could be backed up',
  round: {
    starting: 'Backing up',
    now: (module: string) => `Backing up ${module}`,
    stop: 'Stop after this module',
    stopNow: 'Stop now',
    title: (done: number, all: number) =>
      done === all
        ? `${commonEnglish.modules(done)} backed up`
        : `${english.number(done)} of ${commonEnglish.modules(all)} backed up`,
    car: 'The car is unchanged: backing up only reads, twice.',
    mayGo: 'The browser may clear its storage. Save copies of the backups as files.',
    again: (count: number) => `Back up ${commonEnglish.modules(count)} again`,
    show: 'Show backups',
    missing: 'Not backed up',
    without: 'Left out',
    notReached: 'The round ended before it was this module’s turn, or before its backup was whole.',
    leftOut: {
      'no-definition': 'Left out: no definition fits it, so nobody knows where its settings are.',
      'no-settings': 'Left out: its definition has no settings.',
    },
  },
  stopped: 'The last scan was stopped before its end. What it found stays.',
  onlyReads: 'The scan only reads, it changes nothing.',
  unchanged: 'The car is unchanged.',
  staged: (changes: number, modules: number) =>
    `${commonEnglish.changes(changes)} staged in ${commonEnglish.modules(modules)}.`,
  nothingWritten: 'Nothing is written yet, the car is unchanged.',
  pickModule: 'Pick a module to see and change its options.',
  openStaged: (module: string, changes: number) => `Open ${commonEnglish.changes(changes)} in ${module}`,
  scanning: 'The car is being read. Nothing is changed.',
  stale: (asOf: string) => `The adapter is not connected; values are ${asOf}.`,
  emptyTitle: 'No car is known yet',
  emptyConnected: 'The adapter is ready. The scan finds the modules of the car; it only reads.',
  emptyNotConnected: 'Connect an adapter or start the simulator, then the car can be scanned.',
  goConnect: 'Go to Connect',
  silentTitle: 'No module answers',
  silentChecks: 'What it mostly is',
  silentIgnition: ['The ignition is off', 'Switch it on; many modules sleep without it.'] as readonly [string, string],
  silentLight: [
    'The adapter has no power from the car',
    'Its light tells; look at the plug and the fuse of the socket.',
  ] as readonly [string, string],
  silentGateway: [
    'The gateway of the car sleeps or filters',
    'Open the bonnet, switch the ignition off and on, then scan again.',
  ] as readonly [string, string],
  traffic: (has: boolean): string =>
    has ? 'The bus has traffic: the car is awake.' : 'The bus has no traffic: the car sleeps.',
  notConnected: 'The adapter is not connected',
};

export const de: typeof en = {
  title: 'Dieses Auto',
  simulated: 'Virtuelles Auto',
  tree: 'Module',
  vin: 'FIN',
  vinFrom: (modules) =>
    modules.length > 3
      ? `${commonGerman.modules(modules.length)} melden dieselbe FIN.`
      : modules.length > 1
        ? `${german.list(modules)} melden dieselbe FIN.`
        : modules.length === 1
          ? `${modules[0]} meldet die FIN.`
          : 'Kein Modul meldet eine FIN.',
  vinConflict: 'Module dieses Autos melden verschiedene FIN',
  vinConflictCar: 'Das Auto ist unverändert; es kann nicht beschrieben werden.',
  vinConflictDo: 'Herausfinden, welches Modul aus einem anderen Auto stammt.',
  filtered: (gateway) => `${gateway} antwortet, aber nichts dahinter`,
  filteredCar: 'Das Auto ist unverändert. Das Gateway lässt keine Diagnose durch.',
  filteredDo: 'Motorhaube öffnen oder das Gateway mit den Mitteln des Herstellers freischalten, dann erneut scannen.',
  since: (news) => {
    const parts = [
      news.faults > 0 ? `${german.number(news.faults)} neue Fehler` : '',
      news.missing > 0 ? `${commonGerman.modules(news.missing)} fehlen` : '',
      news.modules > 0 ? `${german.number(news.modules)} neue Module` : '',
    ].filter((part) => part !== '');
    return parts.length === 0 ? 'Nichts Neues seit dem letzten Scan.' : `Seit dem letzten Scan: ${parts.join(', ')}.`;
  },
  modules: 'Module',
  modulesOf: (answering, all) => `${german.number(answering)} von ${german.number(all)}`,
  faults: 'Fehler',
  noFaults: 'keine',
  scanned: 'Gescannt',
  notOk: (count) => `${german.number(count)} nicht OK`,
  missing: 'fehlt seit dem letzten Scan',
  isNew: 'neu',
  side: 'Fehler dieses Autos',
  sideNone: 'Kein Modul hat einen Fehler gespeichert.',
  sideNotYet: 'Fehler erscheinen hier, während das Auto gelesen wird.',
  openModule: (module) => `${module} öffnen`,
  scan: 'Dieses Auto scannen',
  scanAgain: 'Erneut scannen',
  written: (module, when) => `Zuletzt geschrieben ${when}: ${module}.`,
  backUpAll: 'Alle sichern',
  nothingToBackUp: 'Kein Modul dieses Autos hat Einstellungen, die gesichert werden könnten',
  round: {
    starting: 'Sicherung läuft',
    now: (module) => `${module} wird gesichert`,
    stop: 'Nach diesem Modul anhalten',
    stopNow: 'Jetzt anhalten',
    title: (done, all) =>
      done === all
        ? `${commonGerman.modules(done)} gesichert`
        : `${german.number(done)} von ${commonGerman.modules(all)} gesichert`,
    car: 'Das Auto ist unverändert: Sichern liest nur, zweimal.',
    mayGo: 'Der Browser darf seinen Speicher leeren. Kopien der Sicherungen als Dateien speichern.',
    again: (count) => `${commonGerman.modules(count)} noch einmal sichern`,
    show: 'Sicherungen zeigen',
    missing: 'Nicht gesichert',
    without: 'Weggelassen',
    notReached: 'Die Runde endete, bevor dieses Modul an der Reihe oder seine Sicherung vollständig war.',
    leftOut: {
      'no-definition': 'Weggelassen: keine Definition passt; wo seine Einstellungen sind, weiß niemand.',
      'no-settings': 'Weggelassen: seine Definition hat keine Einstellungen.',
    },
  },
  stopped: 'Der letzte Scan wurde vor dem Ende angehalten. Was er fand, bleibt.',
  onlyReads: 'Der Scan liest nur, er ändert nichts.',
  unchanged: 'Das Auto ist unverändert.',
  staged: (changes, modules) => `${commonGerman.changes(changes)} in ${commonGerman.modules(modules)} vorgemerkt.`,
  nothingWritten: 'Noch ist nichts geschrieben, das Auto ist unverändert.',
  pickModule: 'Ein Modul wählen, um seine Optionen zu sehen und zu ändern.',
  openStaged: (module, changes) => `${commonGerman.changes(changes)} in ${module} öffnen`,
  scanning: 'Das Auto wird gelesen. Nichts wird geändert.',
  stale: (asOf) => `Der Adapter ist nicht verbunden; Werte: ${asOf}.`,
  emptyTitle: 'Noch ist kein Auto bekannt',
  emptyConnected: 'Der Adapter ist bereit. Der Scan findet die Module des Autos; er liest nur.',
  emptyNotConnected: 'Einen Adapter verbinden oder den Simulator starten, dann kann das Auto gescannt werden.',
  goConnect: 'Zu Verbinden',
  silentTitle: 'Kein Modul antwortet',
  silentChecks: 'Woran es meistens liegt',
  silentIgnition: ['Die Zündung ist aus', 'Einschalten; viele Module schlafen sonst.'],
  silentLight: [
    'Der Adapter bekommt vom Auto keinen Strom',
    'Sein Licht sagt es; Stecker und Sicherung der Dose ansehen.',
  ],
  silentGateway: [
    'Das Gateway des Autos schläft oder filtert',
    'Motorhaube öffnen, Zündung aus- und einschalten, dann erneut scannen.',
  ],
  traffic: (has) =>
    has ? 'Auf dem Bus ist Verkehr: Das Auto ist wach.' : 'Auf dem Bus ist kein Verkehr: Das Auto schläft.',
  notConnected: 'Der Adapter ist nicht verbunden',
};
