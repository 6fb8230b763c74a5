/** Sample data of the gallery: one imaginary workshop visit. */
import type { BackupGroup, CheckItem, MergeRow, TreeGroup } from '#ui/components/rows.ts';
import type { Fact } from '#ui/components/types.ts';

export const stateLabels = { ok: 'good', warn: 'attention', danger: 'not good', live: 'running', todo: 'to do' };

export const adapterFacts: readonly Fact[] = [
  { label: 'Firmware', value: 'STN2230 5.9.1' },
  { label: 'Answer time', value: '3 ms', note: 'median of 50' },
  { label: 'Make', value: 'Genuine' },
  { label: 'Bus traffic', value: 'CAN 500 kbit/s, 1 240 frames/s' },
  { label: 'After replug', value: 'Keeps permission' },
];

export const computerChecks: readonly CheckItem[] = [
  { id: 'serial', state: 'ok', label: 'Browser can talk to adapters', value: 'Chrome 156' },
  { id: 'offline', state: 'ok', label: 'Works without network', value: 'all parts stored' },
  {
    id: 'storage',
    state: 'warn',
    label: 'Browser may clear backups',
    action: { label: 'Install the app', href: '#install' },
  },
  { id: 'copy', state: 'ok', label: 'Second copy of backups', value: 'folder Workshop' },
  { id: 'awake', state: 'ok', label: 'Screen stays awake in a job', value: 'allowed' },
  { id: 'power', state: 'ok', label: 'Power', value: 'mains, 96 %' },
];

const ok = { state: 'ok', stateLabel: 'OK' } as const;
export const modules: readonly TreeGroup[] = [
  {
    id: 'powertrain',
    name: 'Powertrain',
    detail: 'CAN 500 kbit/s',
    note: '1 not OK',
    rows: [
      {
        id: '01',
        address: '01',
        name: 'Engine control',
        ownName: 'Bosch MG1',
        part: '05E 906 016 T',
        software: '0007',
        state: 'faults',
        stateLabel: '2 faults',
      },
      { id: '02', address: '02', name: 'Gearbox', ownName: 'DQ200', part: '0CW 300 049 H', software: '4704', ...ok },
    ],
  },
  {
    id: 'gateway',
    name: 'Gateway and display',
    detail: 'CAN 500 kbit/s',
    note: '2 not OK',
    rows: [
      {
        id: '17',
        address: '17',
        name: 'Instrument cluster',
        ownName: 'AID',
        part: '5G1 920 794 B',
        software: '0210',
        state: 'boot',
        stateLabel: 'Boot loader',
      },
      { id: '19', address: '19', name: 'Gateway', part: '5Q0 907 530 AH', software: '2160', ...ok },
      {
        id: '5F',
        address: '5F',
        name: 'Infotainment',
        ownName: 'MIB2',
        part: '5G0 035 876 A',
        software: '0478',
        state: 'live',
        stateLabel: 'Reading',
      },
      { id: '75', address: '75', name: 'Emergency call', ownName: 'OCU', state: 'silent', stateLabel: 'Not answering' },
    ],
  },
  {
    id: 'body',
    name: 'Body and comfort',
    detail: 'CAN 500 kbit/s',
    note: '1 not OK',
    rows: [
      {
        id: '08',
        address: '08',
        name: 'Climate',
        ownName: 'Climatronic',
        part: '5G0 907 044 BJ',
        software: '0505',
        ...ok,
      },
      {
        id: '09',
        address: '09',
        name: 'Body electronics',
        ownName: 'BCM',
        part: '5Q0 937 084 CE',
        software: '0114',
        state: 'faults',
        stateLabel: '1 fault',
      },
      {
        id: '42',
        address: '42',
        name: 'Door, driver',
        ownName: 'TSG FS',
        part: '5Q4 959 593 D',
        software: '1011',
        state: 'unknown',
        stateLabel: 'Unknown variant',
      },
      {
        id: '52',
        address: '52',
        name: 'Door, passenger',
        ownName: 'TSG BFS',
        part: '5Q4 959 592 D',
        software: '1011',
        state: 'locked',
        stateLabel: 'Locked',
      },
      { id: '6D', address: '6D', name: 'Tailgate', ownName: 'HDSG', part: '5Q0 959 107', software: '0031', ...ok },
    ],
  },
];

export const moduleFacts: readonly Fact[] = [
  { label: 'Part', value: '5Q0 937 084 CE', isCode: true },
  { label: 'Software', value: '0114' },
  { label: 'Backup', value: '10:42, 2 copies' },
];

export const moduleTabs = [
  { id: 'options', label: 'Options', count: 64 },
  { id: 'staged', label: 'Staged', count: 3, staged: true },
  { id: 'raw', label: 'Raw' },
  { id: 'faults', label: 'Faults', count: 1 },
  { id: 'identity', label: 'Identity' },
  { id: 'history', label: 'History', count: 5 },
];

export const backups: readonly BackupGroup[] = [
  {
    id: '09',
    name: 'Body electronics',
    address: '09',
    note: '5 backups',
    lines: [
      {
        id: 'b5',
        when: 'Today 10:42',
        title: 'Before writing 3 options',
        detail: 'scan of all modules',
        copies: '2 copies',
        currentLabel: 'On the car now',
      },
      {
        id: 'b4',
        when: '12 Aug 16:03',
        title: 'Before battery registration',
        detail: 'workshop visit, Technician 2',
        copies: '1 copy',
        copiesWarn: true,
      },
      {
        id: 'b3',
        when: '3 May 11:20',
        title: 'After retrofit of mirrors',
        detail: 'written and read back',
        copies: '3 copies',
      },
      {
        id: 'b2',
        when: '3 May 10:58',
        title: 'Before retrofit of mirrors',
        detail: 'first write in this car',
        copies: '3 copies',
      },
      {
        id: 'b1',
        when: '3 May 10:51',
        title: 'As received',
        detail: 'pinned, never deleted',
        copies: '3 copies',
        isPinned: true,
      },
    ],
  },
  {
    id: '01',
    name: 'Engine control',
    address: '01',
    note: '2 backups',
    lines: [
      {
        id: 'e2',
        when: 'Today 10:42',
        title: 'Scan of all modules',
        detail: 'coding and adaptation',
        copies: '2 copies',
        currentLabel: 'On the car now',
      },
      {
        id: 'e1',
        when: '3 May 10:51',
        title: 'As received',
        detail: 'pinned, never deleted',
        copies: '3 copies',
        isPinned: true,
      },
    ],
  },
];

export const merge: readonly MergeRow[] = [
  {
    id: 'turn',
    name: 'Comfort turn signal',
    group: 'Exterior light',
    back: '3 times',
    stay: '5 times',
    chosen: 'back',
    why: 'You, today 10:49',
  },
  {
    id: 'corner',
    name: 'Cornering light with fog lamps',
    group: 'Exterior light',
    back: 'Off',
    stay: 'On',
    chosen: 'back',
    why: 'You, today 10:49',
  },
  {
    id: 'windows',
    name: 'Windows with the remote key',
    group: 'Locking',
    back: 'Off',
    stay: 'On',
    chosen: 'back',
    why: 'You, today 10:49',
  },
  {
    id: 'battery',
    name: 'Battery capacity',
    group: 'Battery',
    back: '59 Ah',
    stay: '68 Ah',
    chosen: 'stay',
    why: 'Another tool, after 12 Aug. Likely a new battery.',
  },
  {
    id: 'wiper',
    name: 'Rear wiper when reversing',
    group: 'Wipers',
    back: 'On',
    stay: 'Off',
    chosen: 'stay',
    why: 'Another tool, after 12 Aug',
  },
  {
    id: 'home',
    name: 'Coming home',
    group: 'Exterior light',
    back: '15 seconds',
    stay: '30 seconds',
    chosen: undefined,
    why: 'You and another tool. Choose one.',
  },
];

const fromHex = (text: string) => Uint8Array.from(text.split(' '), (byte) => Number.parseInt(byte, 16));
export const coding = fromHex(
  '19 00 12 4A 62 26 00 0E 30 04 70 00 88 5C 20 00 01 40 00 90 44 7F 06 0A 13 08 00 60 00 00',
);
export const stagedCoding = coding.with(3, 0x52).with(4, 0x63).with(14, 0x60);
const unknownBytes = new Set([11, 15, 18, 21, 22, 26, 28, 29]);
export const knownBits = Uint8Array.from(coding, (_, index) =>
  unknownBytes.has(index) ? 0 : index === 4 ? 0x7b : 0xff,
);
export const fieldBits = Uint8Array.from(coding, (_, index) => (index === 5 || index === 6 ? 0xff : 0));
