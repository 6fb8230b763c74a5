import type { ErrorDetails } from '#contract/errors.ts';
import { hexByte } from '#ui/messages/format.ts';
import { CAR, type Sentences } from './entries.ts';

type Refusal = ErrorDetails['diag/negative-response'];

/** Words for one language: what was asked, what a condition is, what to do (reference: diagnostics A.5). */
interface Words {
  readonly asked: Readonly<Record<number, string>>;
  readonly askedOther: (sid: string) => string;
  readonly refused: (asked: string, why: string) => string;
  readonly why: Readonly<Record<number, string>>;
  readonly whyOther: (nrc: string) => string;
  readonly conditions: Readonly<Record<number, string>>;
  readonly makerCondition: (nrc: string) => string;
  readonly certificate: string;
  readonly doNow: Readonly<Record<Action, string>>;
  readonly car: { readonly refused: string; readonly failed: string; readonly unclear: string };
}

type Action =
  | 'conditions'
  | 'condition'
  | 'locked'
  | 'key'
  | 'wait'
  | 'session'
  | 'definition'
  | 'online'
  | 'memory'
  | 'busy'
  | 'voltage-low'
  | 'voltage-high'
  | 'gateway'
  | 'faults'
  | 'pending'
  | 'again';

const ACTIONS: Readonly<Record<number, Action>> = {
  17: 'definition',
  18: 'definition',
  19: 'definition',
  20: 'definition',
  33: 'busy',
  34: 'conditions',
  36: 'again',
  37: 'gateway',
  38: 'faults',
  49: 'definition',
  51: 'locked',
  52: 'online',
  53: 'key',
  54: 'wait',
  55: 'wait',
  56: 'online',
  57: 'online',
  58: 'online',
  114: 'memory',
  120: 'pending',
  126: 'session',
  127: 'session',
  146: 'voltage-high',
  147: 'voltage-low',
  148: 'busy',
};

function actionOf(nrc: number): Action {
  const known = ACTIONS[nrc];
  if (known !== undefined) return known;
  if (nrc >= 0x50 && nrc <= 0x5d) return 'online';
  return (nrc >= 0x81 && nrc <= 0x91) || (nrc >= 0xf0 && nrc <= 0xfe) ? 'condition' : 'again';
}

function wordsOf(words: Words) {
  const asked = (sid: number) => words.asked[sid] ?? words.askedOther(hexByte(sid));
  const why = (nrc: number): string => {
    const known = words.why[nrc] ?? words.conditions[nrc];
    if (known !== undefined) return known;
    if (nrc >= 0x50 && nrc <= 0x5d) return words.certificate;
    return nrc >= 0xf0 && nrc <= 0xfe ? words.makerCondition(hexByte(nrc)) : words.whyOther(hexByte(nrc));
  };
  return {
    /** What was asked of the module, by its service: a noun for sentences. */
    asked,
    /** Why a module says no, as half a sentence. */
    why,
    sentences: ({ sid, nrc }: Refusal): Sentences => [
      words.refused(asked(sid), why(nrc)),
      nrc === 0x72 ? words.car.failed : nrc === 0x78 ? words.car.unclear : words.car.refused,
      words.doNow[actionOf(nrc)],
    ],
  };
}

export const en = wordsOf({
  asked: {
    16: 'opening a session',
    17: 'restarting',
    20: 'clearing fault codes',
    25: 'reading fault codes',
    33: 'reading',
    34: 'reading',
    36: 'reading',
    39: 'unlocking',
    46: 'writing',
    49: 'a routine',
    59: 'writing',
    62: 'a sign of life',
    133: 'pausing fault codes',
  },
  askedOther: (sid) => `request ${sid} hex`,
  refused: (asked, why) => `The module refused ${asked}: ${why}.`,
  why: {
    16: 'it gives no reason',
    17: 'it does not know this request',
    18: 'it does not know this kind of request',
    19: 'the length does not fit this module',
    20: 'the answer would be too long',
    33: 'it is busy',
    34: 'the conditions are not right',
    36: 'the order of the requests was wrong',
    37: 'the module behind the gateway does not answer',
    38: 'a fault in the module prevents it',
    49: 'it does not accept this item or value in its present state',
    51: 'it is locked',
    52: 'it wants the maker’s online release',
    53: 'the key was wrong',
    54: 'too many keys were tried',
    55: 'its waiting time has not passed',
    56: 'it only takes protected data',
    57: 'it takes no protected data here',
    58: 'it could not check the protected data',
    112: 'it takes no data now',
    113: 'the transfer was broken off',
    114: 'its memory could not be written',
    115: 'a block was out of order',
    120: 'it is still working',
    126: 'not in this session',
    127: 'not in this session',
    148: 'it lacks resources at the moment',
  },
  whyOther: (nrc) => `for a reason no standard names (${nrc} hex)`,
  conditions: {
    129: 'engine speed is too high',
    130: 'engine speed is too low',
    131: 'the engine is running',
    132: 'the engine is not running',
    133: 'the engine has not run long enough',
    134: 'the temperature is too high',
    135: 'the temperature is too low',
    136: 'the car is moving too fast',
    137: 'the car is too slow',
    138: 'the pedal is pressed too far',
    139: 'the pedal is not pressed far enough',
    140: 'the gearbox is not in neutral',
    141: 'the gearbox is not in gear',
    143: 'the brake is not pressed',
    144: 'the lever is not in P',
    145: 'the torque converter clutch is locked',
    146: 'the voltage is too high',
    147: 'the voltage is too low',
  },
  makerCondition: (nrc) => `a condition of the maker is not met (${nrc} hex)`,
  certificate: 'it does not accept the certificate',
  doNow: {
    conditions:
      'Check: ignition on, engine off, car standing, doors and bonnet closed, lever in P, voltage 12.4 to 14.8 V; then try again.',
    condition: 'Change that on the car, then try again.',
    locked:
      'Stop here: the module wants an unlock first, and none is in force. Use its other options or the maker’s access.',
    key: 'Stop here and do not try other keys: each wrong key lengthens the lock-out.',
    wait: 'Leave the ignition on and wait 10 min without another key, then try once.',
    session: 'Check that the ignition stayed on, then try again; read the module first.',
    definition: 'Do not repeat it: the definition does not fit this module. Save the trace and report it.',
    online: 'Use the maker’s online access for this module; Codebay does not go around it.',
    memory: 'Leave the ignition on, check the voltage and read the module before anything else.',
    busy: 'Wait 10 s, then try again.',
    'voltage-low': 'Connect a charger, wait until the voltage is stable, then try again.',
    'voltage-high': 'Turn the charger down or the engine off, then try again.',
    gateway: 'Check fuse and plug of that module, then scan again.',
    faults: 'Read the fault codes of this module and repair that first.',
    pending: 'Leave the ignition on, wait a minute, then read the module again.',
    again: 'Read the module, then try once more; if it returns, save the trace and report it.',
  },
  car: {
    refused: CAR.en.refused,
    failed: 'The module began to write and failed: what it holds now is not proven.',
    unclear: 'The module may still be working on it; it counts as not proven until it is read again.',
  },
});

export const de: typeof en = wordsOf({
  asked: {
    16: 'das Öffnen einer Sitzung',
    17: 'den Neustart',
    20: 'das Löschen der Fehlercodes',
    25: 'das Lesen der Fehlercodes',
    33: 'das Lesen',
    34: 'das Lesen',
    36: 'das Lesen',
    39: 'das Entsperren',
    46: 'das Schreiben',
    49: 'eine Routine',
    59: 'das Schreiben',
    62: 'ein Lebenszeichen',
    133: 'das Anhalten der Fehlercodes',
  },
  askedOther: (sid) => `die Anfrage ${sid} hex`,
  refused: (asked, why) => `Das Modul lehnte ${asked} ab: ${why}.`,
  why: {
    16: 'es nennt keinen Grund',
    17: 'es kennt diese Anfrage nicht',
    18: 'es kennt diese Art von Anfrage nicht',
    19: 'die Länge passt nicht zu diesem Modul',
    20: 'die Antwort wäre zu lang',
    33: 'es ist beschäftigt',
    34: 'die Bedingungen stimmen nicht',
    36: 'die Reihenfolge der Anfragen war falsch',
    37: 'das Modul hinter dem Gateway antwortet nicht',
    38: 'ein Fehler im Modul verhindert es',
    49: 'es nimmt diesen Eintrag oder Wert in seinem jetzigen Zustand nicht an',
    51: 'es ist gesperrt',
    52: 'es verlangt die Online-Freigabe des Herstellers',
    53: 'der Schlüssel war falsch',
    54: 'es wurden zu viele Schlüssel versucht',
    55: 'seine Wartezeit ist nicht um',
    56: 'es nimmt nur geschützte Daten',
    57: 'es nimmt hier keine geschützten Daten',
    58: 'es konnte die geschützten Daten nicht prüfen',
    112: 'es nimmt jetzt keine Daten an',
    113: 'die Übertragung wurde abgebrochen',
    114: 'sein Speicher ließ sich nicht beschreiben',
    115: 'ein Block kam außer der Reihe',
    120: 'es arbeitet noch daran',
    126: 'nicht in dieser Sitzung',
    127: 'nicht in dieser Sitzung',
    148: 'ihm fehlen gerade Mittel',
  },
  whyOther: (nrc) => `aus einem Grund, den keine Norm nennt (${nrc} hex)`,
  conditions: {
    129: 'die Drehzahl ist zu hoch',
    130: 'die Drehzahl ist zu niedrig',
    131: 'der Motor läuft',
    132: 'der Motor läuft nicht',
    133: 'der Motor lief nicht lange genug',
    134: 'die Temperatur ist zu hoch',
    135: 'die Temperatur ist zu niedrig',
    136: 'das Auto fährt zu schnell',
    137: 'das Auto ist zu langsam',
    138: 'das Pedal ist zu weit gedrückt',
    139: 'das Pedal ist nicht weit genug gedrückt',
    140: 'das Getriebe ist nicht in Neutral',
    141: 'es ist kein Gang eingelegt',
    143: 'die Bremse ist nicht gedrückt',
    144: 'der Wählhebel steht nicht auf P',
    145: 'die Wandlerkupplung ist geschlossen',
    146: 'die Spannung ist zu hoch',
    147: 'die Spannung ist zu niedrig',
  },
  makerCondition: (nrc) => `eine Bedingung des Herstellers ist nicht erfüllt (${nrc} hex)`,
  certificate: 'es erkennt das Zertifikat nicht an',
  doNow: {
    conditions:
      'Prüfen: Zündung an, Motor aus, Auto steht, Türen und Haube zu, Wählhebel auf P, Spannung 12,4 bis 14,8 V; dann erneut versuchen.',
    condition: 'Das am Auto ändern, dann erneut versuchen.',
    locked:
      'Hier aufhören: das Modul verlangt erst eine Freischaltung, und keine ist in Kraft. Seine anderen Optionen nutzen oder den Zugang des Herstellers.',
    key: 'Hier aufhören und keine anderen Schlüssel versuchen: jeder falsche verlängert die Sperre.',
    wait: 'Zündung anlassen und 10 min ohne weiteren Schlüssel warten, dann einmal versuchen.',
    session: 'Prüfen, ob die Zündung an blieb, das Modul lesen und dann erneut versuchen.',
    definition: 'Nicht wiederholen: die Definition passt nicht zu diesem Modul. Mitschnitt speichern und melden.',
    online: 'Den Online-Zugang des Herstellers verwenden; Codebay umgeht ihn nicht.',
    memory: 'Zündung anlassen, Spannung prüfen und zuerst das Modul lesen.',
    busy: '10 s warten, dann erneut versuchen.',
    'voltage-low': 'Ladegerät anschließen, warten, bis die Spannung steht, dann erneut versuchen.',
    'voltage-high': 'Ladegerät herunterregeln oder Motor abstellen, dann erneut versuchen.',
    gateway: 'Sicherung und Stecker jenes Moduls prüfen, dann erneut suchen.',
    faults: 'Die Fehlercodes dieses Moduls lesen und das zuerst reparieren.',
    pending: 'Zündung anlassen, eine Minute warten, dann das Modul erneut lesen.',
    again: 'Das Modul lesen, dann noch einmal versuchen; kommt es wieder, Mitschnitt speichern und melden.',
  },
  car: {
    refused: CAR.de.refused,
    failed: 'Das Modul begann zu schreiben und scheiterte: was es jetzt hält, ist nicht bewiesen.',
    unclear: 'Das Modul arbeitet vielleicht noch daran; es gilt als nicht bewiesen, bis es erneut gelesen ist.',
  },
});
