import type { RestoreRefusal } from '#contract/errors.ts';
import { en as english, de as german } from '#ui/messages/format.ts';
import { plainText } from '#ui/messages/said.ts';
import { CAR, type Entries } from './entries.ts';

type DataLayers = 'definition' | 'backup' | 'restore' | 'file' | 'store' | 'rpc';
type Refusals = Readonly<
  Record<RestoreRefusal, (there: string, here: string) => readonly [happened: string, doNow: string]>
>;

const { idle, notSent, cut } = CAR.en;
const again = 'Try again; if it returns, save the session record and report it.';

const refusals: Refusals = {
  'other-vin': (there, here) => [
    `The backup is of another car: VIN ${there}, this car has ${here}.`,
    'Connect the car of the backup, or choose a backup of this one.',
  ],
  'other-serial': (there, here) => [
    `The backup is of another module: serial number ${there}, this one has ${here}.`,
    'Choose a backup of this module; moving settings to a swapped module is not offered yet.',
  ],
  'other-hardware': (there, here) => [
    `The backup is of other hardware: ${there}, this module has ${here}.`,
    'Choose a backup of this module; settings of other hardware never fit.',
  ],
  'other-software': (there, here) => [
    `The backup is of other software: ${there}, this module has ${here} now.`,
    'Set the wanted options one by one; the backup shows what they were.',
  ],
  'other-definition': (there, here) => [
    `The backup was read with another definition: ${there}, now ${here} is in force.`,
    'Set the wanted options one by one; the backup shows what they were.',
  ],
  'other-address': (there, here) => [
    `The backup is of another module: address ${there}, not ${here}.`,
    'Open the module that the backup is of.',
  ],
  'block-length': (there, here) => [
    `A block of the backup has another length: ${there} bytes there, ${here} bytes here.`,
    'Choose a backup of this module with its present definition.',
  ],
  simulated: () => [
    'The backup and the car are not of the same world: one is the simulator’s, one is real.',
    'Choose a backup of this car.',
  ],
  'nothing-equal': () => ['Nothing in the backup fits this module.', 'Choose a backup of this module.'],
};

export const en: Entries<DataLayers> = {
  'definition/invalid': ({ definitionId, path, rule, problem }) => [
    `The definition ${english.said(definitionId)} is wrong at ${english.said(path)}: ${english.said(problem)} (rule ${english.said(rule)}).`,
    idle,
    'Use the definition that came with the app, or correct the file.',
  ],
  'definition/no-match': () => [
    'No definition fits this module.',
    idle,
    'Read, back up and look at its faults; changing options needs a definition.',
  ],
  'definition/near-match': ({ definitionId, differs }) => [
    `The definition ${english.said(definitionId)} fits this module only nearly (${english.list(differs.map(english.said))}).`,
    idle,
    'Look at the options; they are not written until a definition fits exactly.',
  ],
  'definition/value-out-of-range': ({ parameterId, value }) => [
    `The option ${english.said(parameterId)} cannot be ${english.said(value)}.`,
    idle,
    'Choose one of the values offered.',
  ],
  'definition/block-length': ({ did, expectedBytes, actualBytes }) => [
    `Block ${did} has ${english.bytes(actualBytes)}, the definition says ${english.bytes(expectedBytes)}.`,
    notSent,
    'Do not write this module; save the trace and report it.',
  ],
  'definition/option-unavailable': ({ parameterId, reason }) => [
    `The option ${english.said(parameterId)} is not available: ${english.said(reason)}.`,
    idle,
    'Take this change back or meet what it needs.',
  ],
  'backup/missing': ({ what }) => [
    `There is no backup of what would be overwritten (${english.said(what)}).`,
    notSent,
    'Read the module again, take a backup, then make the plan anew.',
  ],
  'backup/unstable': ({ did, first, second }) => [
    `Block ${did} gave different bytes when read twice: ${english.hexSpaced(first)}, then ${english.hexSpaced(second)}.`,
    notSent,
    'Leave the car alone for a minute and try again; if it returns, this block has bytes that move by themselves.',
  ],
  'backup/not-durable': () => [
    'The backup could not be proven to be on disk.',
    notSent,
    'Free some disk space, check the storage in Help, then try again.',
  ],
  'backup/corrupt': ({ why }) => [
    `The backup does not match its own checksum (${english.said(why)}).`,
    notSent,
    'Use another copy of it, or an older backup.',
  ],
  'restore/refused': ({ reason, expected, actual }) => {
    const [happened, doNow] = refusals[reason](given(expected, 'none'), given(actual, 'none'));
    return [happened, notSent, doNow];
  },
  'file/malformed': ({ name, at, why }) => [
    `The file ${english.said(name)} cannot be read at ${english.said(at)}: ${english.said(why)}.`,
    idle,
    'Nothing of it was kept. Export or copy the file again.',
  ],
  'file/too-large': ({ name, bytes, maxBytes }) => [
    `The file ${english.said(name)} has ${english.bytes(bytes)}, at most ${english.bytes(maxBytes)} are read.`,
    idle,
    'Check that it is the right file.',
  ],
  'file/newer-version': ({ name, version, known }) => [
    `The file ${english.said(name)} has version ${version}, this app knows up to ${known}.`,
    idle,
    'Update Codebay, then open the file again.',
  ],
  'file/other-world': ({ name, simulated }) => [
    simulated
      ? `The file ${english.said(name)} is of the simulator, not of a real car.`
      : `The file ${english.said(name)} is of a real car, not of the simulator.`,
    idle,
    simulated ? 'Open it while the simulator is connected.' : 'Open it while no simulator is connected.',
  ],
  'store/unavailable': ({ reason }) => [
    `The browser’s storage does not open (${english.said(reason)}).`,
    notSent,
    'Reading works, writing to the car does not. Leave private mode, free disk space, then load the page again.',
  ],
  'store/newer-schema': ({ installed, known }) => [
    `The stored data has version ${installed}, this page knows up to ${known}.`,
    notSent,
    'Close all tabs of Codebay and open it again, so that the newer release starts.',
  ],
  'store/busy': ({ reason }) => [
    reason === 'upgrade'
      ? 'Another tab works with the stored data as it is.'
      : 'A job is open, so the stored data stays as it is.',
    notSent,
    reason === 'upgrade'
      ? 'Finish there, close that tab, then try again.'
      : 'Finish or park the open job, then try again.',
  ],
  'store/quota': ({ neededBytes }) => [
    `The disk has no room for ${english.bytes(neededBytes)} more.`,
    notSent,
    'Export old backups, free disk space, then try again.',
  ],
  'store/corrupt': ({ table, key, why }) => [
    `A stored record does not match its checksum (${english.said(table)} ${english.said(key)}: ${english.said(why)}).`,
    notSent,
    'Use an exported copy of it, and save the session record.',
  ],
  'store/write-failed': ({ table, reason }) => [
    `A record could not be stored (${english.said(table)}: ${english.said(reason)}).`,
    cut,
    'Free disk space before anything else is written, then try again.',
  ],
  'rpc/worker-ended': () => [
    'The part of the app that talks to the car has ended.',
    cut,
    'Press Start again; an unfinished job is shown with its next step.',
  ],
  'rpc/malformed-call': ({ method, why }) => [
    `The page gave a command that makes no sense (${english.said(method)}: ${english.said(why)}).`,
    notSent,
    'Load the page again; if it returns, report it.',
  ],
  'rpc/internal': ({ name, message }) => [
    `A step failed inside Codebay (${english.said(name)}: ${english.said(message)}).`,
    cut,
    again,
  ],
};

const car = CAR.de;
const nochmal = 'Erneut versuchen; kommt es wieder, Sitzungsprotokoll speichern und melden.';

const ablehnungen: Refusals = {
  'other-vin': (there, here) => [
    `Die Sicherung ist von einem anderen Auto: Fahrgestellnummer ${there}, dieses hat ${here}.`,
    'Das Auto der Sicherung verbinden oder eine Sicherung von diesem wählen.',
  ],
  'other-serial': (there, here) => [
    `Die Sicherung ist von einem anderen Modul: Seriennummer ${there}, dieses hat ${here}.`,
    'Eine Sicherung dieses Moduls wählen; Einstellungen in ein getauschtes Modul zu bringen, gibt es noch nicht.',
  ],
  'other-hardware': (there, here) => [
    `Die Sicherung ist von anderer Hardware: ${there}, dieses Modul hat ${here}.`,
    'Eine Sicherung dieses Moduls wählen; Einstellungen anderer Hardware passen nie.',
  ],
  'other-software': (there, here) => [
    `Die Sicherung ist von anderer Software: ${there}, dieses Modul hat jetzt ${here}.`,
    'Die gewünschten Optionen einzeln setzen; die Sicherung zeigt, wie sie waren.',
  ],
  'other-definition': (there, here) => [
    `Die Sicherung wurde mit einer anderen Definition gelesen: ${there}, jetzt gilt ${here}.`,
    'Die gewünschten Optionen einzeln setzen; die Sicherung zeigt, wie sie waren.',
  ],
  'other-address': (there, here) => [
    `Die Sicherung ist von einem anderen Modul: Adresse ${there}, nicht ${here}.`,
    'Das Modul öffnen, von dem die Sicherung ist.',
  ],
  'block-length': (there, here) => [
    `Ein Block der Sicherung hat eine andere Länge: dort ${there} Bytes, hier ${here} Bytes.`,
    'Eine Sicherung dieses Moduls mit seiner jetzigen Definition wählen.',
  ],
  simulated: () => [
    'Sicherung und Auto sind nicht aus derselben Welt: eines ist vom Simulator, eines ist echt.',
    'Eine Sicherung dieses Autos wählen.',
  ],
  'nothing-equal': () => ['Nichts in der Sicherung passt zu diesem Modul.', 'Eine Sicherung dieses Moduls wählen.'],
};

export const de: typeof en = {
  'definition/invalid': ({ definitionId, path, rule, problem }) => [
    `Die Definition ${german.said(definitionId)} ist falsch bei ${german.said(path)}: ${german.said(problem)} (Regel ${german.said(rule)}).`,
    car.idle,
    'Die mitgelieferte Definition verwenden oder die Datei berichtigen.',
  ],
  'definition/no-match': () => [
    'Keine Definition passt zu diesem Modul.',
    car.idle,
    'Lesen, sichern und Fehler ansehen geht; Optionen ändern braucht eine Definition.',
  ],
  'definition/near-match': ({ definitionId, differs }) => [
    `Die Definition ${german.said(definitionId)} passt nur beinahe zu diesem Modul (${german.list(differs.map(german.said))}).`,
    car.idle,
    'Die Optionen lassen sich ansehen; geschrieben wird erst, wenn eine Definition genau passt.',
  ],
  'definition/value-out-of-range': ({ parameterId, value }) => [
    `Die Option ${german.said(parameterId)} kann nicht ${german.said(value)} sein.`,
    car.idle,
    'Einen der angebotenen Werte wählen.',
  ],
  'definition/block-length': ({ did, expectedBytes, actualBytes }) => [
    `Block ${did} hat ${german.bytes(actualBytes)}, die Definition sagt ${german.bytes(expectedBytes)}.`,
    car.notSent,
    'Dieses Modul nicht beschreiben; Mitschnitt speichern und melden.',
  ],
  'definition/option-unavailable': ({ parameterId, reason }) => [
    `Die Option ${german.said(parameterId)} ist nicht verfügbar: ${german.said(reason)}.`,
    car.idle,
    'Diese Änderung zurücknehmen oder erfüllen, was sie braucht.',
  ],
  'backup/missing': ({ what }) => [
    `Es gibt keine Sicherung von dem, was überschrieben würde (${german.said(what)}).`,
    car.notSent,
    'Das Modul erneut lesen, sichern und den Plan neu machen.',
  ],
  'backup/unstable': ({ did, first, second }) => [
    `Block ${did} gab zweimal gelesen verschiedene Bytes: ${german.hexSpaced(first)}, dann ${german.hexSpaced(second)}.`,
    car.notSent,
    'Das Auto eine Minute in Ruhe lassen und erneut versuchen; kommt es wieder, ändern sich Bytes dieses Blocks von selbst.',
  ],
  'backup/not-durable': () => [
    'Es ließ sich nicht beweisen, dass die Sicherung auf der Platte ist.',
    car.notSent,
    'Plattenplatz schaffen, den Speicher unter Hilfe prüfen, dann erneut versuchen.',
  ],
  'backup/corrupt': ({ why }) => [
    `Die Sicherung passt nicht zu ihrer eigenen Prüfsumme (${german.said(why)}).`,
    car.notSent,
    'Eine andere Kopie davon oder eine ältere Sicherung verwenden.',
  ],
  'restore/refused': ({ reason, expected, actual }) => {
    const [happened, doNow] = ablehnungen[reason](given(expected, 'keine'), given(actual, 'keine'));
    return [happened, car.notSent, doNow];
  },
  'file/malformed': ({ name, at, why }) => [
    `Die Datei ${german.said(name)} ist bei ${german.said(at)} nicht lesbar: ${german.said(why)}.`,
    car.idle,
    'Nichts davon wurde behalten. Die Datei neu exportieren oder kopieren.',
  ],
  'file/too-large': ({ name, bytes, maxBytes }) => [
    `Die Datei ${german.said(name)} hat ${german.bytes(bytes)}, gelesen werden höchstens ${german.bytes(maxBytes)}.`,
    car.idle,
    'Prüfen, ob es die richtige Datei ist.',
  ],
  'file/newer-version': ({ name, version, known }) => [
    `Die Datei ${german.said(name)} hat Version ${version}, diese App kennt bis ${known}.`,
    car.idle,
    'Codebay aktualisieren, dann die Datei erneut öffnen.',
  ],
  'file/other-world': ({ name, simulated }) => [
    simulated
      ? `Die Datei ${german.said(name)} ist vom Simulator, nicht von einem echten Auto.`
      : `Die Datei ${german.said(name)} ist von einem echten Auto, nicht vom Simulator.`,
    car.idle,
    simulated ? 'Öffnen, während der Simulator verbunden ist.' : 'Öffnen, während kein Simulator verbunden ist.',
  ],
  'store/unavailable': ({ reason }) => [
    `Der Speicher des Browsers lässt sich nicht öffnen (${german.said(reason)}).`,
    car.notSent,
    'Lesen geht, Schreiben ins Auto nicht. Privaten Modus verlassen, Platz schaffen, dann die Seite neu laden.',
  ],
  'store/newer-schema': ({ installed, known }) => [
    `Die gespeicherten Daten haben Version ${installed}, diese Seite kennt bis ${known}.`,
    car.notSent,
    'Alle Tabs von Codebay schließen und neu öffnen, damit die neuere Fassung startet.',
  ],
  'store/busy': ({ reason }) => [
    reason === 'upgrade'
      ? 'Ein anderer Tab arbeitet mit den gespeicherten Daten, wie sie sind.'
      : 'Ein Auftrag ist offen, darum bleiben die gespeicherten Daten, wie sie sind.',
    car.notSent,
    reason === 'upgrade'
      ? 'Dort fertig werden, den Tab schließen, dann erneut versuchen.'
      : 'Den offenen Auftrag beenden oder parken, dann erneut versuchen.',
  ],
  'store/quota': ({ neededBytes }) => [
    `Auf der Platte ist kein Platz für weitere ${german.bytes(neededBytes)}.`,
    car.notSent,
    'Alte Sicherungen exportieren, Plattenplatz schaffen, dann erneut versuchen.',
  ],
  'store/corrupt': ({ table, key, why }) => [
    `Ein gespeicherter Eintrag passt nicht zu seiner Prüfsumme (${german.said(table)} ${german.said(key)}: ${german.said(why)}).`,
    car.notSent,
    'Eine exportierte Kopie davon verwenden und das Sitzungsprotokoll speichern.',
  ],
  'store/write-failed': ({ table, reason }) => [
    `Ein Eintrag ließ sich nicht speichern (${german.said(table)}: ${german.said(reason)}).`,
    car.cut,
    'Erst Plattenplatz schaffen, bevor etwas geschrieben wird, dann erneut versuchen.',
  ],
  'rpc/worker-ended': () => [
    'Der Teil der App, der mit dem Auto spricht, ist beendet.',
    car.cut,
    '„Neu starten“ drücken; ein offener Auftrag erscheint mit seinem nächsten Schritt.',
  ],
  'rpc/malformed-call': ({ method, why }) => [
    `Die Seite gab einen Befehl ohne Sinn (${german.said(method)}: ${german.said(why)}).`,
    car.notSent,
    'Die Seite neu laden; kommt es wieder, melden.',
  ],
  'rpc/internal': ({ name, message }) => [
    `Ein Schritt ist in Codebay selbst gescheitert (${german.said(name)}: ${german.said(message)}).`,
    car.cut,
    nochmal,
  ],
};

/** An identifier that a module lacks is empty in the details. */
function given(value: string, none: string): string {
  return value === '' ? none : plainText(value);
}
