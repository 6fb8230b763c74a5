import { en as english, de as german } from '#ui/messages/format.ts';
import { CAR, type Entries } from './entries.ts';

type DeviceLayers = 'call' | 'transport' | 'adapter' | 'can';

const { idle, notSent, cut } = CAR.en;

export const en: Entries<DeviceLayers> = {
  'call/aborted': ({ what }) => [
    `${english.said(what)} was stopped before it ended.`,
    cut,
    'Start it again when you are ready.',
  ],
  'call/timeout': ({ what, timeoutMs }) => [
    `${english.said(what)} did not end within ${english.duration(timeoutMs)}.`,
    cut,
    'Check cable and ignition, then try again.',
  ],
  'transport/unavailable': ({ api, reason }) => [
    api === 'serial' || api === 'usb'
      ? `The browser offers no way to USB adapters here (${english.said(reason)}).`
      : `The browser lacks something Codebay needs: ${api} (${english.said(reason)}).`,
    idle,
    'Use Chrome or Edge on a computer, over https, outside a frame.',
  ],
  'transport/chooser-dismissed': () => [
    'No adapter was chosen.',
    idle,
    'Choose again, or open the four checks if the adapter is not in the list.',
  ],
  'transport/permission-lost': () => [
    'The browser no longer has permission for this adapter.',
    cut,
    'Press Reconnect adapter and pick it in the list again; adapters without a serial number lose permission when unplugged.',
  ],
  'transport/busy': ({ owner }) => [
    owner === 'this-app'
      ? 'The adapter is already open in Codebay.'
      : owner === 'other-program'
        ? 'Another program on this computer holds the adapter.'
        : 'The adapter does not open; another program on this computer may hold it.',
    idle,
    owner === 'this-app'
      ? 'Go to the tab that uses it, or close that tab and try again.'
      : 'Close other diagnostic programs (on Linux also ModemManager), then try again.',
  ],
  'transport/lost': ({ reason }) => [
    `The adapter was unplugged or went away (${english.said(reason)}).`,
    cut,
    'Leave the ignition as it is, plug the adapter in and press Reconnect adapter.',
  ],
  'transport/closed': () => ['The connection to the adapter is closed.', cut, 'Connect the adapter again.'],
  'transport/line-errors': ({ name, count, windowMs }) => [
    `The USB line lost data ${english.number(count)} times in ${english.duration(windowMs)} (${english.said(name)}).`,
    cut,
    'Use a short data cable straight at the computer, without a hub, and try again.',
  ],
  'transport/write-failed': ({ reason }) => [
    `The adapter did not take the data (${english.said(reason)}).`,
    cut,
    'Unplug the adapter, plug it in and press Reconnect adapter.',
  ],
  'transport/close-timeout': ({ timeoutMs }) => [
    `The adapter did not let go within ${english.duration(timeoutMs)}.`,
    cut,
    'Unplug the adapter and plug it in again.',
  ],
  'adapter/no-answer': ({ timeoutMs }) => [
    `The adapter did not answer for ${english.duration(timeoutMs)}.`,
    cut,
    'Check its light, unplug it, plug it in and press Reconnect adapter.',
  ],
  'adapter/refused': ({ command }) => [
    `The adapter refused the command ${english.said(command)}.`,
    cut,
    'Unplug the adapter, plug it in and connect again; if it returns, use another adapter.',
  ],
  'adapter/not-recognised': ({ received }) => [
    received === ''
      ? 'The device at this port gave no answer that Codebay knows.'
      : `The device at this port answered ${english.said(received)}, which Codebay does not know.`,
    idle,
    'Unplug it and plug it in again. If that changes nothing: another port, or an adapter from the list in Help.',
  ],
  'adapter/unsupported': ({ ability }) => [
    `This adapter cannot do what the job needs (${english.said(ability)}).`,
    notSent,
    'Use another adapter for this job.',
  ],
  'adapter/identity-changed': ({ expected, actual }) => [
    `Another adapter answers: ${english.said(actual)} instead of ${english.said(expected)}.`,
    cut,
    'Plug in the adapter that was used before, or connect this one anew.',
  ],
  'adapter/reset': ({ banner }) => [
    `The adapter restarted by itself (it says ${english.said(banner)}).`,
    cut,
    'Check its power and cable, then press Reconnect adapter.',
  ],
  'adapter/garbage': ({ bytes }) => [
    `The adapter sent ${english.bytes(bytes)} that make no sense.`,
    cut,
    'Unplug the adapter, plug it in and connect again; check the cable if it returns.',
  ],
  'adapter/queue-overrun': ({ queueFrames }) => [
    `The adapter lost messages because its queue of ${english.number(queueFrames)} was full.`,
    cut,
    'Try again; if it returns, use an adapter that confirms what it sends.',
  ],
  'adapter/stopped': ({ command }) => [
    `The adapter stopped in the middle of ${english.said(command)}.`,
    cut,
    'Try again; if it returns, unplug the adapter, plug it in and connect again.',
  ],
  'adapter/buffer-full': () => [
    'The adapter lost an answer because its memory was full.',
    cut,
    'Try again; if it returns, use a faster adapter for this car.',
  ],
  'adapter/asleep': ({ banner }) => [
    `The adapter goes to sleep (it says ${english.said(banner)}).`,
    cut,
    'Switch the ignition on, then press Reconnect adapter.',
  ],
  'adapter/may-not': ({ job }) => [
    {
      read: 'This adapter is not fit to read this car.',
      code: 'This adapter is not proven fit to change options.',
      program: 'This adapter is not proven fit to program.',
    }[job],
    notSent,
    'Run the adapter check on Connect, or use another adapter.',
  ],
  'adapter/in-use': ({ by }) => [
    by === 'other-tab' ? 'Another tab uses this adapter.' : 'This tab already uses the adapter.',
    idle,
    by === 'other-tab' ? 'Go to that tab, or close it and connect here.' : 'Disconnect it first, then connect again.',
  ],
  'can/bus-error': ({ flags }) => [
    `The bus of the car does not work with this adapter (${english.said(flags)}).`,
    cut,
    'Check the plug at the car, switch the ignition on, and check that no other tester is connected.',
  ],
  'can/closed': () => ['The connection to the bus of the car is closed.', cut, 'Connect the adapter again.'],
};

const car = CAR.de;

export const de: typeof en = {
  'call/aborted': ({ what }) => [
    `${german.said(what)} wurde vor dem Ende angehalten.`,
    car.cut,
    'Erneut starten, sobald alles bereit ist.',
  ],
  'call/timeout': ({ what, timeoutMs }) => [
    `${german.said(what)} war nach ${german.duration(timeoutMs)} nicht zu Ende.`,
    car.cut,
    'Kabel und Zündung prüfen, dann erneut versuchen.',
  ],
  'transport/unavailable': ({ api, reason }) => [
    api === 'serial' || api === 'usb'
      ? `Der Browser bietet hier keinen Weg zu USB-Adaptern (${german.said(reason)}).`
      : `Dem Browser fehlt etwas, das Codebay braucht: ${api} (${german.said(reason)}).`,
    car.idle,
    'Chrome oder Edge am Rechner verwenden, über https und nicht in einem Rahmen.',
  ],
  'transport/chooser-dismissed': () => [
    'Es wurde kein Adapter gewählt.',
    car.idle,
    'Erneut wählen, oder die vier Prüfungen öffnen, wenn der Adapter nicht in der Liste steht.',
  ],
  'transport/permission-lost': () => [
    'Der Browser hat keine Erlaubnis mehr für diesen Adapter.',
    car.cut,
    '„Adapter neu verbinden“ drücken und ihn wieder auswählen; Adapter ohne Seriennummer verlieren die Erlaubnis beim Abziehen.',
  ],
  'transport/busy': ({ owner }) => [
    owner === 'this-app'
      ? 'Der Adapter ist in Codebay schon geöffnet.'
      : owner === 'other-program'
        ? 'Ein anderes Programm auf diesem Rechner hält den Adapter.'
        : 'Der Adapter lässt sich nicht öffnen; vielleicht hält ihn ein anderes Programm.',
    car.idle,
    owner === 'this-app'
      ? 'Zum Tab wechseln, der ihn benutzt, oder diesen Tab schließen und erneut versuchen.'
      : 'Andere Diagnoseprogramme schließen (unter Linux auch ModemManager), dann erneut versuchen.',
  ],
  'transport/lost': ({ reason }) => [
    `Der Adapter wurde abgezogen oder ist verschwunden (${german.said(reason)}).`,
    car.cut,
    'Zündung lassen, wie sie ist, Adapter einstecken und „Adapter neu verbinden“ drücken.',
  ],
  'transport/closed': () => ['Die Verbindung zum Adapter ist geschlossen.', car.cut, 'Adapter neu verbinden.'],
  'transport/line-errors': ({ name, count, windowMs }) => [
    `Die USB-Leitung hat in ${german.duration(windowMs)} ${german.number(count)}-mal Daten verloren (${german.said(name)}).`,
    car.cut,
    'Ein kurzes Datenkabel direkt am Rechner verwenden, ohne Hub, und erneut versuchen.',
  ],
  'transport/write-failed': ({ reason }) => [
    `Der Adapter hat die Daten nicht angenommen (${german.said(reason)}).`,
    car.cut,
    'Adapter abziehen, einstecken und „Adapter neu verbinden“ drücken.',
  ],
  'transport/close-timeout': ({ timeoutMs }) => [
    `Der Adapter hat nach ${german.duration(timeoutMs)} nicht losgelassen.`,
    car.cut,
    'Adapter abziehen und wieder einstecken.',
  ],
  'adapter/no-answer': ({ timeoutMs }) => [
    `Der Adapter hat ${german.duration(timeoutMs)} lang nicht geantwortet.`,
    car.cut,
    'Seine Leuchte prüfen, abziehen, einstecken und „Adapter neu verbinden“ drücken.',
  ],
  'adapter/refused': ({ command }) => [
    `Der Adapter hat den Befehl ${german.said(command)} abgelehnt.`,
    car.cut,
    'Adapter abziehen, einstecken und neu verbinden; kommt es wieder, einen anderen Adapter verwenden.',
  ],
  'adapter/not-recognised': ({ received }) => [
    received === ''
      ? 'Das Gerät an diesem Anschluss gab keine Antwort, die Codebay kennt.'
      : `Das Gerät an diesem Anschluss antwortete ${german.said(received)}; das kennt Codebay nicht.`,
    car.idle,
    'Abziehen und wieder einstecken. Ändert das nichts: anderer Anschluss oder ein Adapter aus der Liste unter Hilfe.',
  ],
  'adapter/unsupported': ({ ability }) => [
    `Dieser Adapter kann nicht, was der Auftrag braucht (${german.said(ability)}).`,
    car.notSent,
    'Für diesen Auftrag einen anderen Adapter verwenden.',
  ],
  'adapter/identity-changed': ({ expected, actual }) => [
    `Ein anderer Adapter antwortet: ${german.said(actual)} statt ${german.said(expected)}.`,
    car.cut,
    'Den zuvor benutzten Adapter einstecken oder diesen neu verbinden.',
  ],
  'adapter/reset': ({ banner }) => [
    `Der Adapter ist von selbst neu gestartet (er meldet ${german.said(banner)}).`,
    car.cut,
    'Seine Versorgung und das Kabel prüfen, dann „Adapter neu verbinden“ drücken.',
  ],
  'adapter/garbage': ({ bytes }) => [
    `Der Adapter hat ${german.bytes(bytes)} ohne Sinn gesendet.`,
    car.cut,
    'Adapter abziehen, einstecken und neu verbinden; kommt es wieder, das Kabel prüfen.',
  ],
  'adapter/queue-overrun': ({ queueFrames }) => [
    `Der Adapter hat Nachrichten verloren, weil seine Warteschlange (${german.number(queueFrames)}) voll war.`,
    car.cut,
    'Erneut versuchen; kommt es wieder, einen Adapter verwenden, der bestätigt, was er sendet.',
  ],
  'adapter/stopped': ({ command }) => [
    `Der Adapter hat mitten in ${german.said(command)} aufgehört.`,
    car.cut,
    'Erneut versuchen; kommt es wieder, Adapter abziehen, einstecken und neu verbinden.',
  ],
  'adapter/buffer-full': () => [
    'Der Adapter hat eine Antwort verloren, weil sein Speicher voll war.',
    car.cut,
    'Erneut versuchen; kommt es wieder, für dieses Auto einen schnelleren Adapter verwenden.',
  ],
  'adapter/asleep': ({ banner }) => [
    `Der Adapter schläft ein (er meldet ${german.said(banner)}).`,
    car.cut,
    'Zündung einschalten, dann „Adapter neu verbinden“ drücken.',
  ],
  'adapter/may-not': ({ job }) => [
    {
      read: 'Dieser Adapter taugt nicht zum Lesen dieses Autos.',
      code: 'Dieser Adapter ist zum Ändern von Optionen nicht geprüft.',
      program: 'Dieser Adapter ist zum Programmieren nicht geprüft.',
    }[job],
    car.notSent,
    'Die Adapterprüfung unter Verbinden ausführen oder einen anderen Adapter verwenden.',
  ],
  'adapter/in-use': ({ by }) => [
    by === 'other-tab' ? 'Ein anderer Tab benutzt diesen Adapter.' : 'Dieser Tab benutzt den Adapter schon.',
    car.idle,
    by === 'other-tab'
      ? 'Zu jenem Tab wechseln, oder ihn schließen und hier verbinden.'
      : 'Erst trennen, dann neu verbinden.',
  ],
  'can/bus-error': ({ flags }) => [
    `Der Bus des Autos arbeitet mit diesem Adapter nicht (${german.said(flags)}).`,
    car.cut,
    'Stecker am Auto prüfen, Zündung einschalten und sicherstellen, dass kein anderer Tester angeschlossen ist.',
  ],
  'can/closed': () => ['Die Verbindung zum Bus des Autos ist geschlossen.', car.cut, 'Adapter neu verbinden.'],
};
