import type { LocalizedText } from '#contract/definition.ts';
import type { Language } from './language.ts';
import { plainText } from './said.ts';

/** Number and unit stay on one line. */
const NBSP = '\u00A0';
/** Thin groups in large numbers (1 024). */
const GROUP = '\u202F';

interface Words {
  readonly today: string;
  readonly yesterday: string;
  readonly upTo: string;
  readonly ago: (duration: string) => string;
  readonly byte: readonly [one: string, many: string];
  readonly noVin: string;
  readonly quotes: readonly [open: string, close: string];
  /** What bits 0–7 of a fault's status mean (ISO 14229-1 annex D.2). */
  readonly statusBits: readonly string[];
  readonly faultWord: (status: number) => string;
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Numbers, times and bytes as people of one language write them. Wall times are milliseconds since 1970, shown in local time. */
function formatIn(language: Language, locale: string, words: Words) {
  // Made at first use: they take milliseconds each, and the other language's are never needed (goal P12).
  const clock = once(() => new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }));
  const day = once(() => new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long' }));
  const dayOfYear = once(() => new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', year: 'numeric' }));
  const lists = once(() => new Intl.ListFormat(locale, { type: 'conjunction' }));
  const numbers = [0, 1, 2, 3].map((digits) =>
    once(() => new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits })),
  );

  const number = (value: number, digits: 0 | 1 | 2 | 3 = 0) =>
    // Small counts read the same in every language here, and a formatter takes milliseconds to make.
    digits === 0 && Number.isInteger(value) && Math.abs(value) < 1000 && !Object.is(value, -0)
      ? String(value)
      : (numbers[digits]?.() ?? new Intl.NumberFormat(locale))
          .formatToParts(value)
          .map((part) => (part.type === 'group' ? GROUP : part.value))
          .join('');
  const unit = (value: string, name: string) => `${value}${NBSP}${name}`;

  const date = (wallMs: number, nowMs = Date.now()) =>
    (new Date(wallMs).getFullYear() === new Date(nowMs).getFullYear() ? day() : dayOfYear()).format(wallMs);
  const time = (wallMs: number) => clock().format(wallMs);

  /** `0.3 s`, `14 s`, `3 min 20 s`, `2 h 5 min`. */
  const duration = (ms: number): string => {
    const seconds = ms / 1000;
    if (seconds < 10) {
      const tenths = Math.round(seconds * 10) / 10;
      return unit(number(tenths, Number.isInteger(tenths) ? 0 : 1), 's');
    }
    const whole = Math.round(seconds);
    if (whole < 60) return unit(number(whole), 's');
    const [large, small, largeName, smallName] =
      whole < 3600
        ? ([Math.floor(whole / 60), whole % 60, 'min', 's'] as const)
        : ([Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), 'h', 'min'] as const);
    return unit(number(large), largeName) + (small === 0 ? '' : ` ${unit(number(small), smallName)}`);
  };

  /** An honest range, outwards to whole units: `5–12 s`, `12–14 min`, `up to 6 s`. */
  const range = (leastMs: number, mostMs: number): string => {
    const [size, name] = mostMs < 120_000 ? ([1000, 's'] as const) : ([60_000, 'min'] as const);
    const least = Math.floor(leastMs / size);
    const most = Math.max(1, Math.ceil(mostMs / size));
    if (least === 0) return `${words.upTo} ${unit(number(most), name)}`;
    return unit(least === most ? number(most) : `${number(least)}–${number(most)}`, name);
  };

  return {
    /** In the language in force; the text of a definition. */
    pick: (localized: LocalizedText) => localized[language],
    number,
    time,
    date,
    dateTime: (wallMs: number, nowMs = Date.now()) => `${date(wallMs, nowMs)}, ${time(wallMs)}`,
    /** `today 10:42`, `yesterday 10:42`, `3 May 10:42`, `3 May 2025 10:42`. */
    relativeDay: (wallMs: number, nowMs = Date.now()) => {
      const daysAgo = Math.round((startOfDay(nowMs) - startOfDay(wallMs)) / 86_400_000);
      const name = daysAgo === 0 ? words.today : daysAgo === 1 ? words.yesterday : date(wallMs, nowMs);
      return `${name} ${time(wallMs)}`;
    },
    duration,
    range,
    ago: (ms: number) => words.ago(duration(Math.max(0, ms))),
    volts: (volts: number) => unit(number(volts, 1), 'V'),
    /** `512 bytes`, `1.2 kB`, `3.4 MB`; powers of 1000. */
    bytes: (count: number) => {
      if (count < 1000) return unit(number(count), words.byte[count === 1 ? 0 : 1]);
      return count < 1_000_000 ? unit(number(count / 1000, 1), 'kB') : unit(number(count / 1_000_000, 1), 'MB');
    },
    list: (items: readonly string[]) => lists().format(items),
    hexSpaced,
    hexByte,
    vinEnd: (vin: string | null) => (vin === null ? words.noVin : vin.slice(-6)),
    dtc: dtcText,
    /** What the set bits of a fault's status mean, worst first. */
    dtcStatus: (status: number) =>
      STATUS_ORDER.filter((bit) => (status & (1 << bit)) !== 0).map((bit) => words.statusBits[bit] ?? ''),
    /** One word for a list: is it failing now, stored, seen, or only not tested yet? */
    dtcWord: words.faultWord,
    /** Foreign text inside a sentence, visibly quoted. */
    said: (text: string) => `${words.quotes[0]}${plainText(text)}${words.quotes[1]}`,
  };
}

/** `22F190` → `22 F1 90`. What is no hex stays as it is: it is shown to be looked at. */
export function hexSpaced(hex: string): string {
  return /^(?:[0-9a-f]{2})+$/i.test(hex) ? (hex.match(/../g) ?? []).join(' ').toUpperCase() : hex;
}

/** `0x2E` → `2E`. */
export function hexByte(value: number): string {
  return value.toString(16).toUpperCase().padStart(2, '0');
}

/**
 * Fault code of three bytes (reference: diagnostics A.4, SAE J2012-DA): letter, digit, three hex digits, failure type.
 * `012345` → `P0123-45`. Some makes number their codes otherwise: `raw` is shown beside it.
 */
export function dtcText(code: string): { readonly sae: string; readonly raw: string } {
  if (!/^[0-9a-f]{6}$/i.test(code)) return { sae: code, raw: code };
  const high = Number.parseInt(code.slice(0, 2), 16);
  const letter = 'PCBU'[high >> 6] ?? '';
  const digits = `${(high >> 4) & 3}${(high & 15).toString(16)}${code.slice(2, 4)}`;
  return { sae: `${letter}${digits}-${code.slice(4)}`.toUpperCase(), raw: hexSpaced(code) };
}

/** Bits of the status byte, the ones that say most first; the two "not tested" bits last. */
const STATUS_ORDER = [0, 7, 3, 2, 1, 5, 4, 6] as const;

function startOfDay(wallMs: number): number {
  const date = new Date(wallMs);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** Which word of four stands for a status byte. */
function faultWord(now: string, stored: string, pending: string, seen: string, untested: string) {
  return (status: number): string => {
    if ((status & 0x01) !== 0) return now;
    if ((status & 0x08) !== 0) return stored;
    if ((status & 0x06) !== 0) return pending;
    return (status & 0x20) !== 0 ? seen : untested;
  };
}

export const en = formatIn('en', 'en-GB', {
  today: 'today',
  yesterday: 'yesterday',
  upTo: 'up to',
  ago: (duration) => `${duration} ago`,
  byte: ['byte', 'bytes'],
  noVin: 'not read',
  quotes: ['“', '”'],
  statusBits: [
    'failing now',
    'failed this drive',
    'failed this or last drive',
    'stored',
    'not tested since clear',
    'failed since clear',
    'not tested this drive',
    'lamp on',
  ],
  faultWord: faultWord('failing now', 'stored', 'pending', 'failed since clear', 'not tested'),
});

export const de: typeof en = formatIn('de', 'de-DE', {
  today: 'heute',
  yesterday: 'gestern',
  upTo: 'bis zu',
  ago: (duration) => `vor ${duration}`,
  byte: ['Byte', 'Bytes'],
  noVin: 'nicht gelesen',
  quotes: ['„', '“'],
  statusBits: [
    'liegt jetzt an',
    'auf dieser Fahrt aufgetreten',
    'auf dieser oder der letzten Fahrt aufgetreten',
    'gespeichert',
    'seit dem Löschen nicht geprüft',
    'seit dem Löschen aufgetreten',
    'auf dieser Fahrt nicht geprüft',
    'Lampe an',
  ],
  faultWord: faultWord('liegt jetzt an', 'gespeichert', 'vorläufig', 'seit dem Löschen aufgetreten', 'nicht geprüft'),
});
