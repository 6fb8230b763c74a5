import { en as english, de as german } from '#ui/messages/format.ts';
import { CAR, type Entries } from './entries.ts';
import { en as nrcEnglish, de as nrcGerman } from './negative-response.ts';

type ProtocolLayers = 'isotp' | 'diag' | 'security';

const { read, notSent, refused, cut } = CAR.en;
const again = 'Check plug and ignition, then try again.';

export const en: Entries<ProtocolLayers> = {
  'isotp/timeout-n-as': ({ timeoutMs }) => [
    `The adapter could not put a message on the bus within ${english.duration(timeoutMs)}.`,
    cut,
    again,
  ],
  'isotp/timeout-n-bs': ({ timeoutMs, sentBytes }) => [
    `The module stopped taking a long message after ${english.bytes(sentBytes)} and was silent for ${english.duration(timeoutMs)}.`,
    cut,
    again,
  ],
  'isotp/timeout-n-cr': ({ timeoutMs, receivedBytes, expectedBytes }) => [
    `A long answer broke off at ${english.number(receivedBytes)} of ${english.bytes(expectedBytes)}; nothing more came for ${english.duration(timeoutMs)}.`,
    cut,
    again,
  ],
  'isotp/wrong-sn': ({ expected, actual }) => [
    `A part of a long answer was lost: part ${expected} was due, part ${actual} came.`,
    cut,
    'Try again; if it returns, check cable and adapter.',
  ],
  'isotp/invalid-fs': ({ flowStatus }) => [
    `The module answered a long message in a way no standard knows (${english.hexByte(flowStatus)} hex).`,
    cut,
    'Try again; if it returns, save the trace and report it.',
  ],
  'isotp/overflow': ({ lengthBytes }) => [
    `The module has no room for a message of ${english.bytes(lengthBytes)}.`,
    cut,
    'Do not repeat it; save the trace and report this module.',
  ],
  'isotp/wait-limit': ({ waits }) => [
    `The module asked to wait ${english.number(waits)} times without going on.`,
    cut,
    'Switch the ignition off and on, then try again.',
  ],
  'isotp/unexpected-pdu': ({ frame }) => [
    `An answer came in the wrong order (${english.hexSpaced(frame)}).`,
    cut,
    'Disconnect other testers, then try again.',
  ],
  'isotp/refused-while-sending': ({ frame }) => [
    `The module said no while a long message was still being sent (${english.hexSpaced(frame)}).`,
    cut,
    again,
  ],
  'isotp/message-too-long': ({ lengthBytes, maxBytes }) => [
    `A message has ${english.bytes(lengthBytes)}, at most ${english.bytes(maxBytes)} are possible.`,
    cut,
    'Use another adapter for this module, or report it with the trace.',
  ],
  'isotp/busy': () => [
    'A message to this module is still on its way.',
    notSent,
    'Wait until it has ended, then try again.',
  ],
  'diag/timeout': ({ timeoutMs, sends, sid }) => [
    `The module did not answer ${nrcEnglish.asked(sid)} (asked ${english.number(sends)} ${sends === 1 ? 'time' : 'times'}, waited ${english.duration(timeoutMs)}).`,
    read,
    again,
  ],
  'diag/pending-limit': ({ pendings, limitMs, sid }) => [
    `The module said ${english.number(pendings)} times that it works on ${nrcEnglish.asked(sid)}, and was not done after ${english.duration(limitMs)}.`,
    cut,
    'Leave the ignition on, wait a minute, then read the module again.',
  ],
  'diag/negative-response': (details) => nrcEnglish.sentences(details),
  'diag/malformed-response': ({ sid, why }) => [
    `The module answered ${nrcEnglish.asked(sid)} with bytes that do not fit (${english.said(why)}).`,
    cut,
    'Try again; if it returns, save the trace and report this module.',
  ],
  'diag/session-lost': ({ nrc }) => [
    'The module left the diagnostic session.',
    nrc === undefined ? cut : refused,
    'Check that the ignition stayed on, then try again.',
  ],
  'diag/module-lost': ({ moduleId }) => [
    `The module ${moduleId} does not answer any more.`,
    cut,
    'Leave the ignition on, wait 30 s, then read the module again.',
  ],
  'diag/outcome-unknown': ({ sid }) => [
    `The module gave no clear answer to ${nrcEnglish.asked(sid)}.`,
    'The module may or may not have carried it out; it counts as not proven until it is read again.',
    'Leave the ignition on and read the module again before anything else.',
  ],
  'security/no-provider': ({ level }) => [
    `This module wants a key (level ${level}), and Codebay has none for it.`,
    notSent,
    'Use the other options of this module, or the maker’s access.',
  ],
  'security/key-failed': ({ level }) => [
    `The key program could not make a key for level ${level} of this module.`,
    'The module stays locked; no key was sent.',
    'Check that the key program is meant for this module; use the other options meanwhile.',
  ],
  'security/locked-out': ({ level, remainingMs }) => [
    `The module takes no key on level ${level} for another ${english.duration(remainingMs)}.`,
    'The module is locked; no key was sent.',
    'Leave the ignition on and wait; the time is kept when you close this page.',
  ],
  'security/key-refused': ({ level, nrc }) => [
    `The module refused the key on level ${level} (${english.hexByte(nrc)} hex).`,
    'The module stays locked; this request changed nothing.',
    'Stop here: each wrong key lengthens the lock-out. Report the module if the key is your own.',
  ],
  'security/attempt-used': ({ level }) => [
    `The one key for level ${level} in this ignition cycle has been tried and refused.`,
    'The module is locked; no further key was sent.',
    'Switch the ignition off for 30 s and on again before another try.',
  ],
};

const car = CAR.de;
const nochmal = 'Stecker und Zündung prüfen, dann erneut versuchen.';

export const de: typeof en = {
  'isotp/timeout-n-as': ({ timeoutMs }) => [
    `Der Adapter konnte ${german.duration(timeoutMs)} lang keine Nachricht auf den Bus bringen.`,
    car.cut,
    nochmal,
  ],
  'isotp/timeout-n-bs': ({ timeoutMs, sentBytes }) => [
    `Das Modul nahm eine lange Nachricht nach ${german.bytes(sentBytes)} nicht weiter an und schwieg ${german.duration(timeoutMs)}.`,
    car.cut,
    nochmal,
  ],
  'isotp/timeout-n-cr': ({ timeoutMs, receivedBytes, expectedBytes }) => [
    `Eine lange Antwort brach bei ${german.number(receivedBytes)} von ${german.bytes(expectedBytes)} ab; ${german.duration(timeoutMs)} kam nichts mehr.`,
    car.cut,
    nochmal,
  ],
  'isotp/wrong-sn': ({ expected, actual }) => [
    `Ein Teil einer langen Antwort ging verloren: Teil ${expected} war fällig, Teil ${actual} kam.`,
    car.cut,
    'Erneut versuchen; kommt es wieder, Kabel und Adapter prüfen.',
  ],
  'isotp/invalid-fs': ({ flowStatus }) => [
    `Das Modul antwortete auf eine lange Nachricht so, wie es keine Norm kennt (${german.hexByte(flowStatus)} hex).`,
    car.cut,
    'Erneut versuchen; kommt es wieder, Mitschnitt speichern und melden.',
  ],
  'isotp/overflow': ({ lengthBytes }) => [
    `Das Modul hat keinen Platz für eine Nachricht von ${german.bytes(lengthBytes)}.`,
    car.cut,
    'Nicht wiederholen; Mitschnitt speichern und dieses Modul melden.',
  ],
  'isotp/wait-limit': ({ waits }) => [
    `Das Modul bat ${german.number(waits)}-mal zu warten, ohne weiterzumachen.`,
    car.cut,
    'Zündung aus- und einschalten, dann erneut versuchen.',
  ],
  'isotp/unexpected-pdu': ({ frame }) => [
    `Eine Antwort kam in falscher Reihenfolge (${german.hexSpaced(frame)}).`,
    car.cut,
    'Andere Tester abziehen, dann erneut versuchen.',
  ],
  'isotp/refused-while-sending': ({ frame }) => [
    `Das Modul lehnte ab, während eine lange Nachricht noch gesendet wurde (${german.hexSpaced(frame)}).`,
    car.cut,
    nochmal,
  ],
  'isotp/message-too-long': ({ lengthBytes, maxBytes }) => [
    `Eine Nachricht hat ${german.bytes(lengthBytes)}, möglich sind höchstens ${german.bytes(maxBytes)}.`,
    car.cut,
    'Für dieses Modul einen anderen Adapter verwenden oder es mit dem Mitschnitt melden.',
  ],
  'isotp/busy': () => [
    'Eine Nachricht an dieses Modul ist noch unterwegs.',
    car.notSent,
    'Warten, bis sie zu Ende ist, dann erneut versuchen.',
  ],
  'diag/timeout': ({ timeoutMs, sends, sid }) => [
    `Das Modul antwortete nicht auf ${nrcGerman.asked(sid)} (${german.number(sends)}-mal gefragt, ${german.duration(timeoutMs)} gewartet).`,
    car.read,
    nochmal,
  ],
  'diag/pending-limit': ({ pendings, limitMs, sid }) => [
    `Das Modul meldete ${german.number(pendings)}-mal, dass es arbeitet (${nrcGerman.asked(sid)}), und war nach ${german.duration(limitMs)} nicht fertig.`,
    car.cut,
    'Zündung anlassen, eine Minute warten, dann das Modul erneut lesen.',
  ],
  'diag/negative-response': (details) => nrcGerman.sentences(details),
  'diag/malformed-response': ({ sid, why }) => [
    `Das Modul antwortete auf ${nrcGerman.asked(sid)} mit Bytes, die nicht passen (${german.said(why)}).`,
    car.cut,
    'Erneut versuchen; kommt es wieder, Mitschnitt speichern und dieses Modul melden.',
  ],
  'diag/session-lost': ({ nrc }) => [
    'Das Modul hat die Diagnosesitzung verlassen.',
    nrc === undefined ? car.cut : car.refused,
    'Prüfen, ob die Zündung an blieb, dann erneut versuchen.',
  ],
  'diag/module-lost': ({ moduleId }) => [
    `Das Modul ${moduleId} antwortet nicht mehr.`,
    car.cut,
    'Zündung anlassen, 30 s warten, dann das Modul erneut lesen.',
  ],
  'diag/outcome-unknown': ({ sid }) => [
    `Das Modul gab keine klare Antwort auf ${nrcGerman.asked(sid)}.`,
    'Vielleicht hat das Modul es ausgeführt, vielleicht nicht; es gilt als nicht bewiesen, bis es erneut gelesen ist.',
    'Zündung anlassen und zuerst das Modul erneut lesen.',
  ],
  'security/no-provider': ({ level }) => [
    `Dieses Modul verlangt einen Schlüssel (Stufe ${level}), und Codebay hat keinen dafür.`,
    car.notSent,
    'Die anderen Optionen dieses Moduls nutzen oder den Zugang des Herstellers.',
  ],
  'security/key-failed': ({ level }) => [
    `Das Schlüsselprogramm konnte für Stufe ${level} dieses Moduls keinen Schlüssel bilden.`,
    'Das Modul bleibt gesperrt; es wurde kein Schlüssel gesendet.',
    'Prüfen, ob das Schlüsselprogramm zu diesem Modul gehört; inzwischen die anderen Optionen nutzen.',
  ],
  'security/locked-out': ({ level, remainingMs }) => [
    `Das Modul nimmt auf Stufe ${level} noch ${german.duration(remainingMs)} lang keinen Schlüssel an.`,
    'Das Modul ist gesperrt; es wurde kein Schlüssel gesendet.',
    'Zündung anlassen und warten; die Zeit bleibt auch nach dem Schließen dieser Seite bekannt.',
  ],
  'security/key-refused': ({ level, nrc }) => [
    `Das Modul hat den Schlüssel auf Stufe ${level} abgelehnt (${german.hexByte(nrc)} hex).`,
    'Das Modul bleibt gesperrt; diese Anfrage hat nichts geändert.',
    'Hier aufhören: jeder falsche Schlüssel verlängert die Sperre. Das Modul melden, wenn der Schlüssel der eigene ist.',
  ],
  'security/attempt-used': ({ level }) => [
    `Der eine Schlüssel für Stufe ${level} in diesem Zündzyklus wurde versucht und abgelehnt.`,
    'Das Modul ist gesperrt; es wurde kein weiterer Schlüssel gesendet.',
    'Vor einem neuen Versuch die Zündung 30 s aus- und wieder einschalten.',
  ],
};
