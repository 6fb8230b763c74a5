import { en as english, de as german } from './format.ts';

export type HelpSystem = 'windows' | 'mac' | 'linux' | 'chromeos' | 'android' | 'other';

/** One point to look at: what should be so, what to do where it is not, and a command or a name to copy. */
export interface HelpPoint {
  readonly title: string;
  readonly detail: string;
  readonly code?: string;
}

type HelpPoints = Readonly<Record<HelpSystem, readonly HelpPoint[]>>;

/** Connect: the ways in, the adapter at hand, the checks of this computer. */
export const en = {
  title: 'Connect an adapter',
  lead: 'Plug a USB adapter into the car and this computer, or start the simulator.',
  ready: (product: string) => `${product} is ready`,
  opening: 'Connecting',
  lost: 'The adapter went away',
  lostValues: 'Values on screen are from before.',
  foreignTester: {
    title: 'Another tester is asking the modules of this car',
    car: 'Its questions were seen on the bus. Answers may be mixed up.',
    doNow: 'Unplug it or stop it before anything is changed.',
  },
  slow: {
    title: (ms: number) => `This adapter answers slowly: ${english.number(Math.round(ms))} ms`,
    car: 'Everything works and takes longer; its driver holds answers back.',
    doNow: 'Set the latency timer of its port to 1 ms.',
    after: 'Windows: Device Manager, the COM port, Port Settings, Advanced. Then plug it in again.',
  },
  facts: {
    product: 'Adapter',
    firmware: 'Firmware',
    answerTime: 'Answer time',
    make: 'Make',
    bus: 'Bus',
    check: 'Checked',
  },
  ways: 'Ways in',
  otherWays: 'Other ways in',
  usb: { title: 'USB adapter', detail: 'The browser shows a list. Pick the adapter once, it is remembered.' },
  otherUsb: {
    title: 'Another USB adapter',
    detail: 'The browser shows a list. Pick the adapter once, it is remembered.',
  },
  simulator: {
    title: 'Simulator',
    detail: 'A whole car to train on. It has its own data and reaches no real car.',
    button: 'Start simulator',
    again: 'Start simulator again',
  },
  notInList: {
    title: 'Adapter not in the list?',
    detail: 'Cable, driver, permission: the checks for this computer.',
    button: 'Show checks',
    hide: 'Hide checks',
  },
  disconnect: 'Disconnect adapter',
  reconnect: 'Reconnect adapter',
  showAllPorts: 'Show all ports',
  noSerial: 'This browser cannot talk to USB adapters. The simulator works all the same.',
  computer: 'This computer',
  good: (good: number, all: number) => `${english.number(good)} of ${english.number(all)} good`,
  checks: {
    serial: 'Browser can talk to adapters',
    serialNo: 'Use Chrome or Edge on a computer, over https.',
    storage: 'Backups are kept',
    storageMay: 'Browser may clear backups',
    storageAsk: 'Keep them',
    storageAsked: 'The browser keeps them once the app is installed. Save copies as files until then.',
    storageNo: 'Storage does not work',
    storageNoDetail: 'Nothing is written to a car until it does.',
    offline: 'Works without network',
    offlineDetail: {
      unsupported: 'not in this browser',
      installing: 'being stored',
      failed: 'not stored yet',
      ready: 'all parts stored',
      'update-waiting': 'all parts stored, update ready',
      'update-refused': 'all parts stored',
    },
    wake: 'Screen stays awake in a job',
    wakeYes: 'allowed',
    wakeNo: 'set the computer not to sleep',
    install: 'Install the app',
    browser: 'Browser',
  },
  help: {
    title: 'No adapter was chosen',
    lead: 'Nothing is wrong. If it was not in the list, one of these is the reason:',
    page: 'My adapter is not in the list',
    pageLead: 'Go through it from the top: the first lines are the most frequent reasons.',
    first: 'On every computer',
    systems: {
      windows: 'Windows',
      mac: 'macOS',
      linux: 'Linux',
      chromeos: 'ChromeOS',
      android: 'Android',
      other: 'Other systems',
    } satisfies Readonly<Record<HelpSystem, string>>,
    systemsLabel: 'Operating system',
    onSystem: (name: string) => `On ${name}`,
    thisOne: 'this computer',
    more: 'All points, and other systems',
    car: 'The car is not touched by any of this.',
    always: [
      {
        title: 'A light is on at the adapter',
        detail: 'No light: the cable carries no power, or the socket of the car is dead.',
      },
      {
        title: 'The cable is a data cable',
        detail: 'Many charging cables have no data lines. Try the one that came with the adapter, without a hub.',
      },
      {
        title: 'No other program uses it',
        detail: 'Only one program can hold an adapter. Close other diagnostic programs and other tabs of Codebay.',
      },
      {
        title: 'The list may be too short',
        detail: 'It shows the kinds of adapters that Codebay knows. “Show all ports” shows every serial port.',
      },
      {
        title: 'A radio adapter is paired',
        detail: 'Pair a Bluetooth adapter in the settings of the system first, then press “Choose over Bluetooth”.',
      },
    ] as readonly HelpPoint[],
    points: {
      windows: [
        {
          title: 'A COM port appears when you plug it in',
          detail: 'Look in the Device Manager under Ports (COM and LPT).',
        },
        {
          title: 'Its driver is there',
          detail:
            'A yellow mark means that the driver of the chip is missing (FTDI, CH340, CP210x). Take it from the maker. Do not replace it with a general USB driver: then no program finds the adapter any more.',
        },
        {
          title: 'It is in the same socket as before',
          detail: 'Windows remembers an adapter by its place. In another socket it may have to be chosen again.',
        },
        {
          title: 'The computer is not managed',
          detail:
            'A company may forbid serial ports to the browser. Its administrator can allow them for this address.',
          code: 'DefaultSerialGuardSetting · SerialAskForUrls · SerialAllowUsbDevicesForUrls',
        },
      ],
      mac: [
        {
          title: 'The accessory is allowed',
          detail: 'macOS may ask after plugging in. Without the permission no program sees it.',
        },
        {
          title: 'Its driver is allowed',
          detail: 'Drivers of FTDI and CH340 chips may wait for permission in the system settings.',
        },
        {
          title: 'It may be there twice',
          detail: 'Two drivers show the same adapter twice. If one entry does not open, take the other.',
        },
        {
          title: 'It was chosen before and is gone',
          detail:
            'An adapter without a serial number of its own is forgotten when it is pulled. Press “Choose adapter” again.',
        },
      ],
      linux: [
        {
          title: 'The system sees it',
          detail: 'A port appears when you plug it in.',
          code: 'ls -l /dev/ttyACM* /dev/ttyUSB*',
        },
        {
          title: 'Your user may use it',
          detail:
            'The port belongs to a group: dialout on Debian and Ubuntu, uucp on Arch. Join it, then log out and in.',
          code: 'sudo usermod -aG dialout $USER',
        },
        {
          title: 'Nothing else took it',
          detail:
            'ModemManager tries every new port for some seconds; brltty (for Braille displays) keeps some. Wait and try again, or switch off what you do not need.',
        },
        {
          title: 'The browser may see devices',
          detail:
            'A browser from Snap or Flatpak may not see ports. Give it the permission, or take the package of your distribution or of the maker.',
        },
        {
          title: 'It was chosen before and is gone',
          detail:
            'An adapter without a serial number of its own is forgotten when it is pulled. Press “Choose adapter” again.',
        },
      ],
      chromeos: [
        {
          title: 'It belongs to the browser',
          detail:
            'When ChromeOS asks, do not connect the adapter to Linux or Android: then the browser does not see it.',
        },
        {
          title: 'The computer is not managed',
          detail: 'A school or company may forbid serial ports. Its administrator can allow them for this address.',
          code: 'DefaultSerialGuardSetting · SerialAskForUrls · SerialAllowUsbDevicesForUrls',
        },
      ],
      android: [
        {
          title: 'It is a Bluetooth adapter',
          detail:
            'Chrome on Android (138 and newer) offers serial ports over Bluetooth only. An adapter on a cable needs a computer.',
        },
        {
          title: 'It is paired',
          detail: 'Pair it in the settings of Android first, then choose it over Bluetooth here.',
        },
        {
          title: 'It is enough for the job',
          detail: 'Reading works over radio. Programming never does: use a computer and a cable.',
        },
      ],
      other: [
        {
          title: 'The system sees the adapter',
          detail: 'It has to appear as a serial port. Chrome or Edge on Windows, macOS, Linux or ChromeOS can use it.',
        },
      ],
    } satisfies HelpPoints as HelpPoints,
  },
  bluetooth: {
    title: 'Bluetooth adapter',
    detail: 'Untested with real adapters. Pair it in the system first. It may diagnose; over radio it never programs.',
    button: 'Choose over Bluetooth',
  },
  speed: {
    open: 'This car uses another bus speed',
    label: 'Speed of the bus',
    why: 'Nearly every car has 500 kbit/s at its diagnostic plug, many lorries 250. Only say another one if you know it: at the wrong speed the adapter disturbs the bus of a car that is awake. Codebay never tries speeds out.',
    option: (bitRate: number) => `${english.number(bitRate / 1000, bitRate % 1000 === 0 ? 0 : 1)}\u00A0kbit/s`,
    usual: 'usual',
    inForce: (bitRate: number) =>
      `The next connection uses ${english.number(bitRate / 1000, bitRate % 1000 === 0 ? 0 : 1)} kbit/s.`,
    reconnect: 'Connect again at this speed',
  },
  note: {
    otherSpeed: (speed: string) => `The adapter that this browser knows was last used at ${speed}.`,
    otherSpeedWhy: 'Which speed this car has, only you can say: the wrong one disturbs its bus.',
    connectAt: (speed: string) => `Connect at ${speed}`,
    otherTab: 'Another tab uses this adapter.',
    otherTabDo: 'Go to that tab, or disconnect it there first.',
    back: 'It is plugged in again. Press Reconnect adapter.',
  },
  check: {
    button: 'Check this adapter',
    none: 'not yet',
    run: 'Run the check',
    show: 'Show the check',
  },
  scan: 'Scan this car',
  scanOnly: 'The scan only reads, it changes nothing.',
  ignitionOn: 'Switch the ignition on: the bus is silent so far.',
  nothing: 'No adapter is connected. The car is unchanged.',
  connectFirst: 'Connect an adapter or start the simulator first',
  wait: 'Another command is under way',
};

export const de: typeof en = {
  title: 'Adapter verbinden',
  lead: 'Einen USB-Adapter an Auto und Computer stecken, oder den Simulator starten.',
  ready: (product) => `${product} ist bereit`,
  opening: 'Wird verbunden',
  lost: 'Der Adapter ist weg',
  lostValues: 'Die Werte auf dem Bildschirm sind von vorher.',
  foreignTester: {
    title: 'Ein anderer Tester fragt die Module dieses Autos',
    car: 'Seine Fragen wurden auf dem Bus gesehen. Antworten können durcheinandergeraten.',
    doNow: 'Abziehen oder anhalten, bevor etwas geändert wird.',
  },
  slow: {
    title: (ms) => `Dieser Adapter antwortet langsam: ${german.number(Math.round(ms))} ms`,
    car: 'Alles geht und dauert länger; sein Treiber hält Antworten zurück.',
    doNow: 'Die Wartezeit (Latency Timer) seines Anschlusses auf 1 ms stellen.',
    after: 'Windows: Geräte-Manager, der COM-Anschluss, Anschlusseinstellungen, Erweitert. Danach neu einstecken.',
  },
  facts: {
    product: 'Adapter',
    firmware: 'Firmware',
    answerTime: 'Antwortzeit',
    make: 'Herkunft',
    bus: 'Bus',
    check: 'Geprüft',
  },
  ways: 'Wege hinein',
  otherWays: 'Andere Wege hinein',
  usb: { title: 'USB-Adapter', detail: 'Der Browser zeigt eine Liste. Den Adapter einmal wählen, er merkt ihn sich.' },
  otherUsb: {
    title: 'Ein anderer USB-Adapter',
    detail: 'Der Browser zeigt eine Liste. Den Adapter einmal wählen, er merkt ihn sich.',
  },
  simulator: {
    title: 'Simulator',
    detail: 'Ein ganzes Auto zum Üben. Es hat eigene Daten und erreicht kein echtes Auto.',
    button: 'Simulator starten',
    again: 'Simulator neu starten',
  },
  notInList: {
    title: 'Adapter nicht in der Liste?',
    detail: 'Kabel, Treiber, Erlaubnis: die Prüfungen für diesen Computer.',
    button: 'Prüfungen zeigen',
    hide: 'Prüfungen verbergen',
  },
  disconnect: 'Adapter trennen',
  reconnect: 'Adapter neu verbinden',
  showAllPorts: 'Alle Anschlüsse zeigen',
  noSerial: 'Dieser Browser kann nicht mit USB-Adaptern sprechen. Der Simulator geht trotzdem.',
  computer: 'Dieser Computer',
  good: (good, all) => `${german.number(good)} von ${german.number(all)} gut`,
  checks: {
    serial: 'Browser kann mit Adaptern sprechen',
    serialNo: 'Chrome oder Edge auf einem Computer verwenden, über https.',
    storage: 'Sicherungen bleiben erhalten',
    storageMay: 'Browser darf Sicherungen löschen',
    storageAsk: 'Behalten',
    storageAsked: 'Der Browser behält sie, sobald die App installiert ist. Bis dahin Kopien als Datei speichern.',
    storageNo: 'Der Speicher geht nicht',
    storageNoDetail: 'Bis dahin wird nichts in ein Auto geschrieben.',
    offline: 'Geht ohne Netz',
    offlineDetail: {
      unsupported: 'nicht in diesem Browser',
      installing: 'wird gespeichert',
      failed: 'noch nicht gespeichert',
      ready: 'alles gespeichert',
      'update-waiting': 'alles gespeichert, Aktualisierung bereit',
      'update-refused': 'alles gespeichert',
    },
    wake: 'Bildschirm bleibt im Auftrag an',
    wakeYes: 'erlaubt',
    wakeNo: 'Ruhezustand des Computers abschalten',
    install: 'App installieren',
    browser: 'Browser',
  },
  help: {
    title: 'Kein Adapter wurde gewählt',
    lead: 'Das ist kein Fehler. Wenn er nicht in der Liste war, liegt es an einem davon:',
    page: 'Mein Adapter ist nicht in der Liste',
    pageLead: 'Von oben nach unten durchgehen: Die ersten Zeilen sind die häufigsten Gründe.',
    first: 'Auf jedem Computer',
    systems: {
      windows: 'Windows',
      mac: 'macOS',
      linux: 'Linux',
      chromeos: 'ChromeOS',
      android: 'Android',
      other: 'Andere Systeme',
    },
    systemsLabel: 'Betriebssystem',
    onSystem: (name) => `Unter ${name}`,
    thisOne: 'dieser Computer',
    more: 'Alle Punkte und andere Systeme',
    car: 'Das Auto wird von alldem nicht berührt.',
    always: [
      {
        title: 'Am Adapter leuchtet ein Licht',
        detail: 'Kein Licht: Das Kabel führt keinen Strom, oder die Dose im Auto ist tot.',
      },
      {
        title: 'Das Kabel ist ein Datenkabel',
        detail: 'Viele Ladekabel haben keine Datenleitungen. Das Kabel nehmen, das beim Adapter lag, ohne Hub.',
      },
      {
        title: 'Kein anderes Programm verwendet ihn',
        detail:
          'Nur ein Programm kann einen Adapter halten. Andere Diagnoseprogramme und andere Tabs von Codebay schließen.',
      },
      {
        title: 'Die Liste kann zu kurz sein',
        detail:
          'Sie zeigt die Arten von Adaptern, die Codebay kennt. „Alle Anschlüsse zeigen“ zeigt jeden seriellen Anschluss.',
      },
      {
        title: 'Ein Funkadapter ist gekoppelt',
        detail:
          'Einen Bluetooth-Adapter zuerst in den Einstellungen des Systems koppeln, dann „Über Bluetooth wählen“ drücken.',
      },
    ],
    points: {
      windows: [
        {
          title: 'Beim Einstecken erscheint ein COM-Anschluss',
          detail: 'Im Geräte-Manager unter Anschlüsse (COM & LPT) nachsehen.',
        },
        {
          title: 'Sein Treiber ist da',
          detail:
            'Ein gelbes Zeichen heißt, dass der Treiber des Chips fehlt (FTDI, CH340, CP210x). Ihn vom Hersteller nehmen. Nicht durch einen allgemeinen USB-Treiber ersetzen: Dann findet kein Programm den Adapter mehr.',
        },
        {
          title: 'Er steckt in derselben Buchse wie vorher',
          detail:
            'Windows merkt sich einen Adapter nach seinem Platz. In einer anderen Buchse muss er womöglich neu gewählt werden.',
        },
        {
          title: 'Der Computer ist nicht verwaltet',
          detail:
            'Eine Firma kann dem Browser serielle Anschlüsse verbieten. Ihre Verwaltung kann sie für diese Adresse erlauben.',
          code: 'DefaultSerialGuardSetting · SerialAskForUrls · SerialAllowUsbDevicesForUrls',
        },
      ],
      mac: [
        {
          title: 'Das Zubehör ist erlaubt',
          detail: 'macOS fragt womöglich nach dem Einstecken. Ohne die Erlaubnis sieht ihn kein Programm.',
        },
        {
          title: 'Sein Treiber ist erlaubt',
          detail: 'Treiber für FTDI- und CH340-Chips warten womöglich in den Systemeinstellungen auf Erlaubnis.',
        },
        {
          title: 'Er steht vielleicht zweimal da',
          detail: 'Zwei Treiber zeigen denselben Adapter doppelt. Öffnet ein Eintrag nicht, den anderen nehmen.',
        },
        {
          title: 'Er war schon gewählt und ist weg',
          detail: 'Ein Adapter ohne eigene Seriennummer wird beim Ziehen vergessen. Erneut „Adapter wählen“ drücken.',
        },
      ],
      linux: [
        {
          title: 'Das System sieht ihn',
          detail: 'Beim Einstecken erscheint ein Anschluss.',
          code: 'ls -l /dev/ttyACM* /dev/ttyUSB*',
        },
        {
          title: 'Der Benutzer darf ihn verwenden',
          detail:
            'Der Anschluss gehört einer Gruppe: dialout bei Debian und Ubuntu, uucp bei Arch. Ihr beitreten, dann ab- und anmelden.',
          code: 'sudo usermod -aG dialout $USER',
        },
        {
          title: 'Nichts anderes hat ihn genommen',
          detail:
            'ModemManager probiert jeden neuen Anschluss einige Sekunden lang; brltty (für Braillezeilen) behält manche. Warten und erneut versuchen, oder abschalten, was nicht gebraucht wird.',
        },
        {
          title: 'Der Browser darf Geräte sehen',
          detail:
            'Ein Browser aus Snap oder Flatpak sieht womöglich keine Anschlüsse. Ihm die Erlaubnis geben, oder das Paket der Distribution oder des Herstellers nehmen.',
        },
        {
          title: 'Er war schon gewählt und ist weg',
          detail: 'Ein Adapter ohne eigene Seriennummer wird beim Ziehen vergessen. Erneut „Adapter wählen“ drücken.',
        },
      ],
      chromeos: [
        {
          title: 'Er gehört dem Browser',
          detail:
            'Wenn ChromeOS fragt, den Adapter nicht mit Linux oder Android verbinden: Dann sieht ihn der Browser nicht.',
        },
        {
          title: 'Der Computer ist nicht verwaltet',
          detail:
            'Eine Schule oder Firma kann serielle Anschlüsse verbieten. Ihre Verwaltung kann sie für diese Adresse erlauben.',
          code: 'DefaultSerialGuardSetting · SerialAskForUrls · SerialAllowUsbDevicesForUrls',
        },
      ],
      android: [
        {
          title: 'Es ist ein Bluetooth-Adapter',
          detail:
            'Chrome auf Android (ab 138) bietet serielle Anschlüsse nur über Bluetooth. Ein Adapter am Kabel braucht einen Computer.',
        },
        {
          title: 'Er ist gekoppelt',
          detail: 'Ihn zuerst in den Einstellungen von Android koppeln, dann hier über Bluetooth wählen.',
        },
        {
          title: 'Er reicht für die Arbeit',
          detail: 'Lesen geht über Funk. Programmieren nie: dafür einen Computer und ein Kabel nehmen.',
        },
      ],
      other: [
        {
          title: 'Das System sieht den Adapter',
          detail:
            'Er muss als serieller Anschluss erscheinen. Chrome oder Edge unter Windows, macOS, Linux oder ChromeOS kann ihn verwenden.',
        },
      ],
    },
  },
  bluetooth: {
    title: 'Bluetooth-Adapter',
    detail:
      'Mit echten Adaptern nicht erprobt. Zuerst im System koppeln. Er darf diagnostizieren; über Funk programmiert er nie.',
    button: 'Über Bluetooth wählen',
  },
  speed: {
    open: 'Dieses Auto hat ein anderes Bustempo',
    label: 'Tempo des Busses',
    why: 'Fast jedes Auto hat 500 kbit/s an seiner Diagnosedose, viele Lastwagen 250. Ein anderes nur angeben, wenn es bekannt ist: Mit dem falschen Tempo stört der Adapter den Bus eines wachen Autos. Codebay probiert nie Tempos durch.',
    option: (bitRate) => `${german.number(bitRate / 1000, bitRate % 1000 === 0 ? 0 : 1)}\u00A0kbit/s`,
    usual: 'üblich',
    inForce: (bitRate) =>
      `Die nächste Verbindung nimmt ${german.number(bitRate / 1000, bitRate % 1000 === 0 ? 0 : 1)} kbit/s.`,
    reconnect: 'Mit diesem Tempo neu verbinden',
  },
  note: {
    otherSpeed: (speed) => `Der Adapter, den dieser Browser kennt, lief zuletzt mit ${speed}.`,
    otherSpeedWhy: 'Welches Tempo dieses Auto hat, weiß nur der Mensch davor: Das falsche stört seinen Bus.',
    connectAt: (speed) => `Mit ${speed} verbinden`,
    otherTab: 'Ein anderer Tab verwendet diesen Adapter.',
    otherTabDo: 'In jenen Tab gehen, oder ihn dort zuerst trennen.',
    back: 'Er ist wieder eingesteckt. „Adapter neu verbinden“ drücken.',
  },
  check: {
    button: 'Diesen Adapter prüfen',
    none: 'noch nicht',
    run: 'Prüfung ausführen',
    show: 'Prüfung zeigen',
  },
  scan: 'Dieses Auto scannen',
  scanOnly: 'Der Scan liest nur, er ändert nichts.',
  ignitionOn: 'Zündung einschalten: Der Bus ist bisher still.',
  nothing: 'Kein Adapter ist verbunden. Das Auto ist unverändert.',
  connectFirst: 'Zuerst einen Adapter verbinden oder den Simulator starten',
  wait: 'Ein anderer Befehl läuft noch',
};
