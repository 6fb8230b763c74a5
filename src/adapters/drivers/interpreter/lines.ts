import { StackError } from '#contract/errors.ts';

/**
 * What the words of a command interpreter mean (reference: adapters A.7, B.5). Several can share one line, with each
 * other and with data: `SEARCHING...NO DATA`, `SEARCHING...7E8064100BE3EB811`, `BUS INIT: ...OK`. Pure.
 */
export type StatusName =
  /** The command was taken. */
  | 'ok'
  /** `?`: not understood. Nothing was done, nothing was sent. */
  | 'unknown-command'
  /** The time to answer passed. What was asked went out. */
  | 'no-data'
  | 'searching'
  | 'unable-to-connect'
  | 'bus-init-ok'
  | 'bus-init-failed'
  | 'can-error'
  | 'bus-busy'
  | 'bus-error'
  | 'feedback-error'
  | 'buffer-full'
  /** `DATA ERROR` on a line of its own: an answer with a wrong checksum or form came. */
  | 'data-error'
  /** `<DATA ERROR` and `<RX ERROR` behind a frame: that frame is worth nothing. */
  | 'damaged-line'
  | 'stopped'
  /** `LV RESET`, `ERR94`: the chip began anew, all settings are gone. */
  | 'reset'
  /** `LP ALERT`, `ACT ALERT`: it will go to sleep. */
  | 'sleep-alert'
  /** `ERRxx` other than 94. */
  | 'internal-error'
  /** STN: no flow control after a first frame. */
  | 'flow-control-timeout'
  /** STN: a message longer than the device holds. */
  | 'out-of-memory'
  /** STN: the host sent faster than the device reads. */
  | 'receive-overflow'
  /** `ELM327 v2.1`, `STN1110 v4.0.4`: an identity text. Asked for, or the sign of a restart. */
  | 'banner';

export interface Status {
  readonly name: StatusName;
  /** The words as they came, e.g. `ERR94`. Foreign text, at most 64 printable characters. */
  readonly text: string;
}

export interface ParsedLine {
  /** What is left without the words: data, or text of an unknown kind; '' when the line was only words. */
  readonly text: string;
  readonly statuses: readonly Status[];
}

/** Longest first where one contains another; spaces inside are optional, some clones leave them out. */
const WORDS: readonly (readonly [RegExp, StatusName])[] = [
  [/BUS INIT: ?\.*\s*OK/i, 'bus-init-ok'],
  [/BUS INIT: ?\.*\s*(?:BUS )?ERROR/i, 'bus-init-failed'],
  [/BUS INIT: ?\.*/i, 'searching'],
  [/SEARCHING\.*/i, 'searching'],
  [/UNABLE ?TO ?CONNECT/i, 'unable-to-connect'],
  [/NOT ?CONNECTED/i, 'unable-to-connect'],
  [/FC ?RX ?TIMEOUT/i, 'flow-control-timeout'],
  [/OUT ?OF ?MEMORY/i, 'out-of-memory'],
  [/UART ?RX ?OVERFLOW/i, 'receive-overflow'],
  [/<\s*(?:DATA|RX) ?ERROR/i, 'damaged-line'],
  [/NO ?DATA/i, 'no-data'],
  [/DATA ?ERROR/i, 'data-error'],
  [/RX ?ERROR/i, 'damaged-line'],
  [/CAN ?ERROR/i, 'can-error'],
  [/BUS ?BUSY/i, 'bus-busy'],
  [/BUS ?ERROR/i, 'bus-error'],
  [/FB ?ERROR/i, 'feedback-error'],
  [/BUFFER ?FULL/i, 'buffer-full'],
  [/STOPPED/i, 'stopped'],
  [/LV ?RESET/i, 'reset'],
  [/ERR94/i, 'reset'],
  [/ERR\d\d/i, 'internal-error'],
  [/!?(?:LP|ACT) ?ALERT/i, 'sleep-alert'],
];

const BANNER = /^\s*(?:ELM\s?327|STN[12]\d{3})\b.*$/i;
const MAX_STATUS_CHARS = 64;

/**
 * Takes a line apart. Words are found anywhere in it, so that two that were glued together are both seen, and a word behind
 * half a frame as well.
 */
export function parseLine(line: string): ParsedLine {
  const trimmed = line.trim();
  if (/^[0-9A-Fa-f ]+$/.test(trimmed)) return { text: trimmed, statuses: [] };
  if (trimmed === 'OK') return { text: '', statuses: [{ name: 'ok', text: 'OK' }] };
  if (BANNER.test(trimmed)) return { text: trimmed, statuses: [{ name: 'banner', text: printable(trimmed) }] };
  const found: { readonly at: number; readonly status: Status }[] = [];
  let rest = trimmed;
  for (const [pattern, name] of WORDS) {
    for (let match = pattern.exec(rest); match; match = pattern.exec(rest)) {
      found.push({ at: match.index, status: { name, text: printable(match[0]) } });
      // The place stays occupied, so that what was apart does not become one word.
      rest = rest.slice(0, match.index) + '\n'.repeat(match[0].length) + rest.slice(match.index + match[0].length);
    }
  }
  let text = rest.replace(/\n+/g, ' ').trim();
  if (text.endsWith('?')) {
    found.push({ at: trimmed.length, status: { name: 'unknown-command', text: '?' } });
    text = text.slice(0, -1).trim();
  }
  found.sort((a, b) => a.at - b.at);
  return { text, statuses: found.map(({ status }) => status) };
}

/** The names in all these lines. */
export function statusesOf(lines: readonly string[]): readonly Status[] {
  return lines.flatMap((line) => parseLine(line).statuses);
}

export function hasStatus(lines: readonly string[], ...names: readonly StatusName[]): boolean {
  return statusesOf(lines).some(({ name }) => names.includes(name));
}

/**
 * The error that a word stands for, or null where it is a result and no failure: `OK`, `NO DATA`, `SEARCHING...`, a damaged
 * line (its frame is left out), a banner. The three of STN need numbers that only their driver knows: null too.
 */
export function statusError(status: Status, command: string): StackError | null {
  const { name, text } = status;
  switch (name) {
    case 'unknown-command':
      return new StackError('adapter/refused', `the adapter does not know ${command}`, { command });
    case 'stopped':
    case 'internal-error':
      return new StackError('adapter/stopped', `the adapter broke off ${command} (${text})`, { command });
    case 'buffer-full':
      return new StackError(
        'adapter/buffer-full',
        `the answer to ${command} came faster than the adapter passes it on`,
        {
          command,
        },
      );
    case 'can-error':
    case 'bus-busy':
    case 'bus-error':
    case 'feedback-error':
    case 'unable-to-connect':
    case 'bus-init-failed':
      return new StackError('can/bus-error', `the adapter answered ${command} with ${text}`, { flags: text });
    case 'reset':
      return resetError(text);
    case 'sleep-alert':
      return asleepError(text);
    case 'ok':
    case 'no-data':
    case 'searching':
    case 'bus-init-ok':
    case 'data-error':
    case 'damaged-line':
    case 'flow-control-timeout':
    case 'out-of-memory':
    case 'receive-overflow':
    case 'banner':
      return null;
  }
}

export function resetError(banner: string): StackError<'adapter/reset'> {
  return new StackError('adapter/reset', `the adapter restarted by itself (${banner}); its settings are gone`, {
    banner,
  });
}

export function asleepError(banner: string): StackError<'adapter/asleep'> {
  return new StackError('adapter/asleep', `the adapter goes to sleep (${banner})`, { banner });
}

/** Foreign text for people: printable ASCII, at most 64 characters. */
export function printable(text: string): string {
  return text
    .replace(/[^\x20-\x7e]/g, '')
    .trim()
    .slice(0, MAX_STATUS_CHARS);
}
