import { en as english, de as german } from '#ui/messages/format.ts';
import { CAR, type Entries } from './entries.ts';

type JobLayers = 'gate' | 'plan' | 'operation' | 'job' | 'verify' | 'vehicle' | 'voltage';

const { idle, notSent } = CAR.en;
const report = 'Save the session record and report this.';

/** The rules of the write gate, by the names that it throws; a new rule falls back to its name. */
const denied: Readonly<Record<string, readonly [happened: string, doNow: string]>> = {
  'typed-confirmation': [
    'The typed characters are not the last four of the VIN.',
    'Read them off this car and type them again.',
  ],
  'expert-only': ['Raw bytes need the expert setting.', 'Turn expert mode on in Help, or use the options instead.'],
  'safety-session': ['Codebay never opens the session for airbag disposal.', 'There is no way around this.'],
  'supplier-session': ['Codebay never opens sessions of suppliers.', 'There is no way around this.'],
  'identity-range': ['Codebay does not write the identity of a module.', 'There is no way around this.'],
  'denied-by-definition': ['The definition of this module forbids this write.', 'Use the options offered.'],
  'service-not-used-by-coding': ['Coding never uses a request of this kind.', report],
};

export const en: Entries<JobLayers> = {
  'gate/permit-unknown': ({ sid }) => [
    `A request that changes something (${english.hexByte(sid)} hex) had no approval; Codebay stopped it.`,
    notSent,
    report,
  ],
  'gate/permit-used': ({ sid, stepId }) => [
    `The approval of step ${stepId} was used already; Codebay stopped a second request (${english.hexByte(sid)} hex).`,
    notSent,
    'Read the module, then make a new plan.',
  ],
  'gate/permit-foreign': ({ sid, stepId }) => [
    `A request (${english.hexByte(sid)} hex) was not the one approved in step ${stepId}; Codebay stopped it.`,
    notSent,
    report,
  ],
  'gate/effect-needs-permit': ({ sid }) => [
    `A request that changes something (${english.hexByte(sid)} hex) came where only reading is allowed; Codebay stopped it.`,
    notSent,
    report,
  ],
  'gate/denied': ({ rule, request }) => [
    denied[rule]?.[0] ??
      `Codebay does not send ${english.said(request)}: no rule of the definition allows it (${english.said(rule)}).`,
    notSent,
    denied[rule]?.[1] ?? 'Use the options that the definition of this module offers.',
  ],
  'gate/repeat-limit': ({ stepId, repeats }) => [
    `The module was busy ${english.number(repeats)} times in step ${stepId}.`,
    'The module refused each time, so this step changed nothing.',
    'Wait a minute, read the module, then make a new plan.',
  ],
  'plan/unknown': () => ['This plan is not here any more.', notSent, 'Make it again from the staged changes.'],
  'plan/used': () => ['This plan was run already; a plan runs once.', notSent, 'Make a new plan.'],
  'plan/stale': ({ what, id, expected, actual }) => [
    {
      block: `Block ${id} holds something else than when the plan was made.`,
      identity: `Another module answers than the plan was made for: ${id} is ${english.said(actual)}, not ${english.said(expected)}.`,
      definition: 'The definition of this module has changed since the plan was made.',
      vehicle: `Another car is connected: ${english.said(actual)}, the plan was made for ${english.said(expected)}.`,
    }[what],
    notSent,
    {
      block: 'Read the module again and look at the changes anew.',
      identity: 'Connect the car and module of the plan, or make a new plan for this one.',
      definition: 'Make the plan again and look at it anew.',
      vehicle: 'Connect the car of the plan, or scan this one.',
    }[what],
  ],
  'plan/nothing-to-do': () => ['The module already holds what was wanted.', idle, 'Nothing is left to do.'],
  'plan/shop-code-unset': ({ moduleHolds }) => [
    moduleHolds === null
      ? 'This module wants a shop code, and none is set.'
      : `This module wants a shop code, and none is set; it holds ${english.hexSpaced(moduleHolds)} now.`,
    idle,
    moduleHolds === null ? 'Type the code of your shop.' : 'Type the code of your shop, or keep the one in the module.',
  ],
  'operation/cancelled': () => [
    'You stopped it.',
    'No step was cut in two; steps that had ended before stand.',
    'Start again when you are ready.',
  ],
  'operation/busy': () => [
    'Another job is running, here or in another tab.',
    notSent,
    'Wait until it has ended, then try again.',
  ],
  'operation/unknown': () => ['This job is not running any more.', notSent, 'Look at its result in Sessions.'],
  'operation/not-cancellable': () => [
    'This part cannot be stopped: stopping would leave the module half done.',
    'The module is being worked on; the job goes on.',
    'Wait until this part has ended, and leave ignition and adapter as they are.',
  ],
  'job/unfinished': ({ vin }) => [
    vin === null
      ? 'An earlier job without a known VIN is not finished; until then nothing is written.'
      : `An earlier job on the car with VIN ending ${english.vinEnd(vin)} is not finished; until then nothing is written to it.`,
    notSent,
    'Open the unfinished job and do its next step, or park it.',
  ],
  'verify/mismatch': ({ did, expected, actual }) => [
    `Block ${did} was written but reads back differently: ${english.hexSpaced(actual)} instead of ${english.hexSpaced(expected)}.`,
    'The module holds other values than wanted; nothing is proven.',
    'Put the backup back.',
  ],
  'vehicle/not-connected': () => ['No car is connected.', notSent, 'Connect the adapter, then try again.'],
  'vehicle/no-module-answers': ({ asked, traffic }) => [
    traffic
      ? `None of ${english.number(asked)} modules answered, though there is traffic on the bus.`
      : `None of ${english.number(asked)} modules answered, and the bus is silent.`,
    idle,
    traffic
      ? 'Check that the ignition is on; the gateway may filter diagnosis.'
      : 'Switch the ignition on, check the plug at the car and the adapter’s light, then scan again.',
  ],
  'vehicle/vin-conflict': ({ vins }) => [
    `The modules of this car report different VINs: ${english.list(vins.map(english.said))}.`,
    notSent,
    'Find the module from another car; nothing is written while the VINs differ.',
  ],
  'vehicle/module-unknown': ({ moduleId }) => [`This car has no module ${moduleId}.`, notSent, 'Scan the car again.'],
  'vehicle/gateway-filters': ({ modules }) => [
    `A group of ${english.number(modules.length)} modules is silent together; the security gateway filters them.`,
    idle,
    'Use the maker’s release for the gateway; asking again does not help.',
  ],
  'voltage/blocked': ({ volts, lowest, highest }) => [
    `The voltage is ${english.volts(volts)}, writing needs ${english.volts(lowest)} to ${english.volts(highest)}.`,
    notSent,
    volts < lowest
      ? 'Connect a charger, wait until the voltage is stable, then try again.'
      : 'Turn the charger down or the engine off, then try again.',
  ],
};

const car = CAR.de;
const melden = 'Sitzungsprotokoll speichern und das melden.';

const verboten: Readonly<Record<string, readonly [happened: string, doNow: string]>> = {
  'typed-confirmation': [
    'Die eingegebenen Zeichen sind nicht die letzten vier der Fahrgestellnummer.',
    'Am Auto ablesen und erneut eingeben.',
  ],
  'expert-only': [
    'Rohe Bytes brauchen die Experteneinstellung.',
    'Expertenmodus unter Hilfe einschalten oder die Optionen nutzen.',
  ],
  'safety-session': ['Codebay öffnet nie die Sitzung zum Entsorgen von Airbags.', 'Daran führt kein Weg vorbei.'],
  'supplier-session': ['Codebay öffnet nie Sitzungen von Zulieferern.', 'Daran führt kein Weg vorbei.'],
  'identity-range': ['Codebay schreibt die Identität eines Moduls nicht.', 'Daran führt kein Weg vorbei.'],
  'denied-by-definition': [
    'Die Definition dieses Moduls verbietet dieses Schreiben.',
    'Die angebotenen Optionen nutzen.',
  ],
  'service-not-used-by-coding': ['Codieren benutzt nie eine Anfrage dieser Art.', melden],
};

export const de: typeof en = {
  'gate/permit-unknown': ({ sid }) => [
    `Eine ändernde Anfrage (${german.hexByte(sid)} hex) hatte keine Freigabe; Codebay hat sie angehalten.`,
    car.notSent,
    melden,
  ],
  'gate/permit-used': ({ sid, stepId }) => [
    `Die Freigabe von Schritt ${stepId} war schon verbraucht; Codebay hat eine zweite Anfrage (${german.hexByte(sid)} hex) angehalten.`,
    car.notSent,
    'Das Modul lesen, dann einen neuen Plan machen.',
  ],
  'gate/permit-foreign': ({ sid, stepId }) => [
    `Eine Anfrage (${german.hexByte(sid)} hex) war nicht die in Schritt ${stepId} freigegebene; Codebay hat sie angehalten.`,
    car.notSent,
    melden,
  ],
  'gate/effect-needs-permit': ({ sid }) => [
    `Eine ändernde Anfrage (${german.hexByte(sid)} hex) kam, wo nur gelesen werden darf; Codebay hat sie angehalten.`,
    car.notSent,
    melden,
  ],
  'gate/denied': ({ rule, request }) => [
    verboten[rule]?.[0] ??
      `Codebay sendet ${german.said(request)} nicht: keine Regel der Definition erlaubt es (${german.said(rule)}).`,
    car.notSent,
    verboten[rule]?.[1] ?? 'Die Optionen nutzen, die die Definition dieses Moduls anbietet.',
  ],
  'gate/repeat-limit': ({ stepId, repeats }) => [
    `Das Modul war in Schritt ${stepId} ${german.number(repeats)}-mal beschäftigt.`,
    'Das Modul hat jedes Mal abgelehnt, dieser Schritt hat also nichts geändert.',
    'Eine Minute warten, das Modul lesen, dann einen neuen Plan machen.',
  ],
  'plan/unknown': () => ['Dieser Plan ist nicht mehr da.', car.notSent, 'Aus den vorgemerkten Änderungen neu machen.'],
  'plan/used': () => ['Dieser Plan lief schon; ein Plan läuft einmal.', car.notSent, 'Einen neuen Plan machen.'],
  'plan/stale': ({ what, id, expected, actual }) => [
    {
      block: `Block ${id} enthält etwas anderes als beim Planen.`,
      identity: `Ein anderes Modul antwortet als das geplante: ${id} ist ${german.said(actual)}, nicht ${german.said(expected)}.`,
      definition: 'Die Definition dieses Moduls hat sich seit dem Planen geändert.',
      vehicle: `Ein anderes Auto ist verbunden: ${german.said(actual)}, der Plan gilt für ${german.said(expected)}.`,
    }[what],
    car.notSent,
    {
      block: 'Das Modul erneut lesen und die Änderungen neu ansehen.',
      identity: 'Auto und Modul des Plans verbinden oder für dieses einen neuen Plan machen.',
      definition: 'Den Plan neu machen und neu ansehen.',
      vehicle: 'Das Auto des Plans verbinden oder dieses suchen lassen.',
    }[what],
  ],
  'plan/nothing-to-do': () => ['Das Modul enthält schon, was gewünscht ist.', car.idle, 'Es bleibt nichts zu tun.'],
  'plan/shop-code-unset': ({ moduleHolds }) => [
    moduleHolds === null
      ? 'Dieses Modul verlangt einen Werkstattcode, und keiner ist gesetzt.'
      : `Dieses Modul verlangt einen Werkstattcode, und keiner ist gesetzt; es enthält jetzt ${german.hexSpaced(moduleHolds)}.`,
    car.idle,
    moduleHolds === null
      ? 'Den Code der Werkstatt eingeben.'
      : 'Den Code der Werkstatt eingeben oder den im Modul behalten.',
  ],
  'operation/cancelled': () => [
    'Der Vorgang wurde von Hand angehalten.',
    'Kein Schritt wurde zerschnitten; zuvor beendete Schritte gelten.',
    'Erneut starten, sobald alles bereit ist.',
  ],
  'operation/busy': () => [
    'Ein anderer Auftrag läuft, hier oder in einem anderen Tab.',
    car.notSent,
    'Warten, bis er zu Ende ist, dann erneut versuchen.',
  ],
  'operation/unknown': () => [
    'Dieser Auftrag läuft nicht mehr.',
    car.notSent,
    'Sein Ergebnis unter Sitzungen ansehen.',
  ],
  'operation/not-cancellable': () => [
    'Dieser Teil lässt sich nicht anhalten: das Modul bliebe halb fertig zurück.',
    'Am Modul wird gearbeitet; der Auftrag läuft weiter.',
    'Warten, bis dieser Teil zu Ende ist, und Zündung und Adapter lassen, wie sie sind.',
  ],
  'job/unfinished': ({ vin }) => [
    vin === null
      ? 'Ein früherer Auftrag ohne bekannte Fahrgestellnummer ist nicht zu Ende; bis dahin wird nichts geschrieben.'
      : `Ein früherer Auftrag am Auto mit der Endnummer ${german.vinEnd(vin)} ist nicht zu Ende; bis dahin wird dort nichts geschrieben.`,
    car.notSent,
    'Den offenen Auftrag öffnen und seinen nächsten Schritt tun, oder ihn parken.',
  ],
  'verify/mismatch': ({ did, expected, actual }) => [
    `Block ${did} wurde geschrieben, liest sich aber anders zurück: ${german.hexSpaced(actual)} statt ${german.hexSpaced(expected)}.`,
    'Das Modul enthält andere Werte als gewünscht; nichts ist bewiesen.',
    'Die Sicherung zurückspielen.',
  ],
  'vehicle/not-connected': () => [
    'Es ist kein Auto verbunden.',
    car.notSent,
    'Adapter verbinden, dann erneut versuchen.',
  ],
  'vehicle/no-module-answers': ({ asked, traffic }) => [
    traffic
      ? `Keines von ${german.number(asked)} Modulen hat geantwortet, obwohl auf dem Bus Verkehr ist.`
      : `Keines von ${german.number(asked)} Modulen hat geantwortet, und der Bus ist still.`,
    car.idle,
    traffic
      ? 'Prüfen, ob die Zündung an ist; vielleicht filtert das Gateway die Diagnose.'
      : 'Zündung einschalten, Stecker am Auto und Leuchte des Adapters prüfen, dann erneut suchen.',
  ],
  'vehicle/vin-conflict': ({ vins }) => [
    `Die Module dieses Autos melden verschiedene Fahrgestellnummern: ${german.list(vins.map(german.said))}.`,
    car.notSent,
    'Das Modul aus einem anderen Auto finden; solange sie sich unterscheiden, wird nichts geschrieben.',
  ],
  'vehicle/module-unknown': ({ moduleId }) => [
    `Dieses Auto hat kein Modul ${moduleId}.`,
    car.notSent,
    'Das Auto erneut suchen lassen.',
  ],
  'vehicle/gateway-filters': ({ modules }) => [
    `Eine Gruppe von ${german.number(modules.length)} Modulen schweigt gemeinsam; das Sicherheits-Gateway filtert sie.`,
    car.idle,
    'Die Freigabe des Herstellers für das Gateway nutzen; erneutes Fragen hilft nicht.',
  ],
  'voltage/blocked': ({ volts, lowest, highest }) => [
    `Die Spannung beträgt ${german.volts(volts)}, zum Schreiben braucht es ${german.volts(lowest)} bis ${german.volts(highest)}.`,
    car.notSent,
    volts < lowest
      ? 'Ladegerät anschließen, warten, bis die Spannung steht, dann erneut versuchen.'
      : 'Ladegerät herunterregeln oder Motor abstellen, dann erneut versuchen.',
  ],
};
