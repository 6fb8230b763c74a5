import type { AdapterInfo, AdapterJob, AdapterLimit } from '#contract/adapter.ts';
import type { VoltageReading } from '#contract/backup.ts';
import type { DefinitionMatch, RiskClass } from '#contract/definition.ts';
import type { ConnectionView, ModuleView, StoreHealth } from '#contract/vehicle-api.ts';
import { en as commonEnglish, de as commonGerman } from './common.ts';
import { en as english, de as german } from './format.ts';
import { type VoltageLevel, voltageLevel } from './voltage.ts';

/** A voltage for the strip: number, word, where it stands, and the words for a screen reader's meter. */
export interface VoltageText {
  readonly number: string;
  readonly word: string;
  readonly level: VoltageLevel;
  readonly aria: string;
  /** Where the number comes from, or why there is none. */
  readonly detail: string;
}

interface VoltageWords {
  readonly level: Readonly<Record<VoltageLevel, string>>;
  readonly none: string;
  readonly ariaNone: string;
  readonly aria: (number: string, word: string) => string;
  readonly why: Readonly<Record<Extract<VoltageReading, { kind: 'unknown' }>['why'], string>>;
  readonly source: Readonly<
    Record<Extract<VoltageReading, { kind: 'known' }>['source'], (from: string, error: string) => string>
  >;
}

function voltageIn(format: typeof english, words: VoltageWords) {
  return (reading: VoltageReading): VoltageText => {
    const level = voltageLevel(reading);
    const word = words.level[level];
    if (reading.kind === 'unknown')
      return { number: words.none, word, level, aria: words.ariaNone, detail: words.why[reading.why] };
    return {
      number: format.volts(reading.volts),
      word,
      level,
      aria: words.aria(format.number(reading.volts, 1), word),
      detail: words.source[reading.source](format.said(reading.from), format.volts(reading.errorVolts)),
    };
  };
}

export type ModuleStatusName = ModuleView['status'];

const limitsEn: Readonly<Record<AdapterLimit, string>> = {
  'not-qualified': 'It is not proven for this yet.',
  'no-transmit-confirmation': 'It does not confirm what it sends.',
  'too-slow': 'It answers too slowly.',
  'cannot-send-long-messages': 'It cannot send long messages.',
  clone: 'It is a copy that says more than it can do.',
  wireless: 'It works over radio, which may break off.',
  'loses-answers': 'It lost answers when it was checked.',
  untested: 'Nobody has tried it yet: the adapter check decides.',
};

/** One word per state; only what deviates is told at length. */
export const en = {
  module: (status: ModuleStatusName, faults = 0): string =>
    ({
      ok: 'OK',
      faults: commonEnglish.faults(faults),
      'not-answering': 'Not answering',
      'boot-loader': 'Boot loader',
      locked: 'Locked',
      'unknown-variant': 'Unknown variant',
      reading: 'Reading',
      waiting: 'Waiting',
    })[status],
  /** What a module's state means, for the page of the module. */
  moduleMeaning: (status: ModuleStatusName): string =>
    ({
      ok: 'Answers, no fault codes.',
      faults: 'Answers and has stored fault codes.',
      'not-answering': 'Gave no answer on the last scan. It may be asleep, unplugged or not fitted.',
      'boot-loader': 'Waits for software and does not do its work.',
      locked: 'Answers, but lets nobody read its settings.',
      'unknown-variant': 'Answers, but no definition fits; its options cannot be shown.',
      reading: 'Is being read.',
      waiting: 'Is read next.',
    })[status],
  connection: (connection: ConnectionView): { readonly word: string; readonly detail: string } => {
    switch (connection.kind) {
      case 'none':
        return { word: 'Not connected', detail: 'No adapter is connected.' };
      case 'opening':
        return {
          word: 'Connecting',
          detail: {
            port: 'Opening the port.',
            recognise: 'Finding out which adapter this is.',
            bus: 'Joining the bus of the car.',
          }[connection.step],
        };
      case 'open':
        return {
          word: connection.traffic ? 'Connected' : 'Connected, bus silent',
          detail: connection.traffic
            ? `CAN ${english.number(connection.bitRate / 1000)} kbit/s, with traffic.`
            : `CAN ${english.number(connection.bitRate / 1000)} kbit/s, no traffic. Switch the ignition on.`,
        };
      case 'lost':
        return {
          word: 'Adapter lost',
          detail: 'Plug it in and press Reconnect adapter.',
        };
    }
  },
  roundTrip: (adapter: AdapterInfo): string =>
    adapter.roundTripMs === null
      ? 'no answer time'
      : `${english.number(Math.round(adapter.roundTripMs.median))}\u00A0ms`,
  voltage: voltageIn(english, {
    level: { ok: 'OK', low: 'Low', high: 'High', 'too-low': 'Too low', 'too-high': 'Too high', unknown: 'Unknown' },
    none: '– V',
    ariaNone: 'Voltage unknown',
    aria: (number, word) => `${number} volts, ${word}`,
    why: {
      'no-source': 'This adapter measures no voltage, and no module of this car tells it.',
      'no-answer': 'The source of the voltage does not answer.',
      implausible: 'The reading cannot be right.',
    },
    source: {
      adapter: (_, error) => `Measured by the adapter, ±${error}.`,
      module: (from, error) => `Told by the module ${from}, ±${error}.`,
      signed: (from) => `Typed in and signed by ${from}.`,
    },
  }),
  store: (store: StoreHealth): { readonly word: string; readonly detail: string } => {
    if (store.kind === 'read-only')
      return { word: 'Read only', detail: 'The storage does not work, so nothing is written to the car.' };
    return store.persistent
      ? { word: 'OK', detail: 'Backups are kept by this browser.' }
      : {
          word: 'May be cleared',
          detail: 'The browser may clear backups when the disk is full. Save copies as files.',
        };
  },
  job: { read: 'Diagnose', code: 'Code', program: 'Program' } satisfies Readonly<Record<AdapterJob, string>>,
  /** What an adapter may do, and why not. */
  verdict: (adapter: AdapterInfo, job: AdapterJob): { readonly may: boolean; readonly sentence: string } => {
    const verdict = adapter.verdict[job];
    return verdict.may
      ? {
          may: true,
          sentence: {
            read: 'Scan, read faults, read options.',
            code: 'Change options with backup and read-back.',
            program: 'Write new software.',
          }[job],
        }
      : { may: false, sentence: limitsEn[verdict.reason] };
  },
  genuine: (genuine: AdapterInfo['genuine']): string =>
    ({ genuine: 'Genuine', clone: 'Copy', unknown: 'Not known' })[genuine],
  /** Empty for comfort options: they carry no tag. */
  risk: (risk: RiskClass): string =>
    ({ comfort: '', 'road-law': 'Road law', 'driving-assistance': 'Driving assistance', safety: 'Safety' })[risk],
  riskMeaning: (risk: RiskClass): string =>
    ({
      comfort: 'Changes comfort only.',
      'road-law': 'May not be allowed on public roads everywhere.',
      'driving-assistance': 'Changes how the car helps the driver.',
      safety: 'Changes brakes, steering or restraint; experts only.',
    })[risk],
  match: (match: DefinitionMatch): { readonly word: string; readonly detail: string } => {
    switch (match.kind) {
      case 'exact':
        return { word: 'Exact match', detail: 'The definition fits this module; its options can be written.' };
      case 'near':
        return {
          word: 'Near match',
          detail: `Shown, not written. It differs: ${english.list(match.differs.map(english.said))}.`,
        };
      case 'none':
        return { word: 'No definition', detail: 'Identity and faults can be read; options need a definition.' };
    }
  },
};

const limitsDe: typeof limitsEn = {
  'not-qualified': 'Dafür ist er noch nicht erprobt.',
  'no-transmit-confirmation': 'Er bestätigt nicht, was er sendet.',
  'too-slow': 'Er antwortet zu langsam.',
  'cannot-send-long-messages': 'Er kann keine langen Nachrichten senden.',
  clone: 'Er ist ein Nachbau, der mehr angibt, als er kann.',
  wireless: 'Er arbeitet über Funk, und der kann abreißen.',
  'loses-answers': 'Er hat bei der Prüfung Antworten verloren.',
  untested: 'Das hat noch niemand versucht: Die Adapterprüfung entscheidet.',
};

export const de: typeof en = {
  module: (status, faults = 0) =>
    ({
      ok: 'OK',
      faults: commonGerman.faults(faults),
      'not-answering': 'Antwortet nicht',
      'boot-loader': 'Bootloader',
      locked: 'Gesperrt',
      'unknown-variant': 'Unbekannte Variante',
      reading: 'Wird gelesen',
      waiting: 'Wartet',
    })[status],
  moduleMeaning: (status) =>
    ({
      ok: 'Antwortet, keine Fehlercodes.',
      faults: 'Antwortet und hat gespeicherte Fehlercodes.',
      'not-answering':
        'Gab bei der letzten Suche keine Antwort. Vielleicht schläft es, ist abgezogen oder nicht verbaut.',
      'boot-loader': 'Wartet auf Software und arbeitet nicht.',
      locked: 'Antwortet, lässt aber niemanden seine Einstellungen lesen.',
      'unknown-variant': 'Antwortet, aber keine Definition passt; seine Optionen lassen sich nicht zeigen.',
      reading: 'Wird gerade gelesen.',
      waiting: 'Wird als Nächstes gelesen.',
    })[status],
  connection: (connection) => {
    switch (connection.kind) {
      case 'none':
        return { word: 'Nicht verbunden', detail: 'Es ist kein Adapter verbunden.' };
      case 'opening':
        return {
          word: 'Verbindet',
          detail: {
            port: 'Der Anschluss wird geöffnet.',
            recognise: 'Der Adapter wird erkannt.',
            bus: 'Der Bus des Autos wird verbunden.',
          }[connection.step],
        };
      case 'open':
        return {
          word: connection.traffic ? 'Verbunden' : 'Verbunden, Bus still',
          detail: connection.traffic
            ? `CAN ${german.number(connection.bitRate / 1000)} kbit/s, mit Verkehr.`
            : `CAN ${german.number(connection.bitRate / 1000)} kbit/s, kein Verkehr. Zündung einschalten.`,
        };
      case 'lost':
        return {
          word: 'Adapter weg',
          detail: 'Einstecken und „Adapter neu verbinden“ drücken.',
        };
    }
  },
  roundTrip: (adapter) =>
    adapter.roundTripMs === null
      ? 'keine Antwortzeit'
      : `${german.number(Math.round(adapter.roundTripMs.median))}\u00A0ms`,
  voltage: voltageIn(german, {
    level: {
      ok: 'OK',
      low: 'Niedrig',
      high: 'Hoch',
      'too-low': 'Zu niedrig',
      'too-high': 'Zu hoch',
      unknown: 'Unbekannt',
    },
    none: '– V',
    ariaNone: 'Spannung unbekannt',
    aria: (number, word) => `${number} Volt, ${word}`,
    why: {
      'no-source': 'Dieser Adapter misst keine Spannung, und kein Modul dieses Autos nennt sie.',
      'no-answer': 'Die Quelle der Spannung antwortet nicht.',
      implausible: 'Der Messwert kann nicht stimmen.',
    },
    source: {
      adapter: (_, error) => `Gemessen vom Adapter, ±${error}.`,
      module: (from, error) => `Gemeldet vom Modul ${from}, ±${error}.`,
      signed: (from) => `Eingegeben und gezeichnet von ${from}.`,
    },
  }),
  store: (store) => {
    if (store.kind === 'read-only')
      return { word: 'Nur lesen', detail: 'Der Speicher arbeitet nicht, darum wird nichts ins Auto geschrieben.' };
    return store.persistent
      ? { word: 'OK', detail: 'Dieser Browser behält die Sicherungen.' }
      : {
          word: 'Nicht dauerhaft',
          detail: 'Der Browser darf Sicherungen löschen, wenn die Platte voll ist. Kopien als Datei speichern.',
        };
  },
  job: { read: 'Diagnose', code: 'Codieren', program: 'Programmieren' },
  verdict: (adapter, job) => {
    const verdict = adapter.verdict[job];
    return verdict.may
      ? {
          may: true,
          sentence: {
            read: 'Suchen, Fehler lesen, Optionen lesen.',
            code: 'Optionen ändern, mit Sicherung und Zurücklesen.',
            program: 'Neue Software schreiben.',
          }[job],
        }
      : { may: false, sentence: limitsDe[verdict.reason] };
  },
  genuine: (genuine) => ({ genuine: 'Original', clone: 'Nachbau', unknown: 'Nicht bekannt' })[genuine],
  risk: (risk) =>
    ({
      comfort: '',
      'road-law': 'Straßenrecht',
      'driving-assistance': 'Fahrassistenz',
      safety: 'Sicherheit',
    })[risk],
  riskMeaning: (risk) =>
    ({
      comfort: 'Ändert nur den Komfort.',
      'road-law': 'Auf öffentlichen Straßen nicht überall erlaubt.',
      'driving-assistance': 'Ändert, wie das Auto dem Fahrer hilft.',
      safety: 'Ändert Bremse, Lenkung oder Rückhaltung; nur für Experten.',
    })[risk],
  match: (match) => {
    switch (match.kind) {
      case 'exact':
        return {
          word: 'Genau passend',
          detail: 'Die Definition passt zu diesem Modul; seine Optionen sind schreibbar.',
        };
      case 'near':
        return {
          word: 'Beinahe passend',
          detail: `Zu sehen, nicht zu schreiben. Es weicht ab: ${german.list(match.differs.map(german.said))}.`,
        };
      case 'none':
        return {
          word: 'Keine Definition',
          detail: 'Identität und Fehler sind lesbar; Optionen brauchen eine Definition.',
        };
    }
  },
};
