import { fromHex, hexNumber, toHexSpaced } from '#base/hex.ts';
import { StackError } from '#contract/errors.ts';
import type { ModuleId } from '#contract/isotp.ts';

/**
 * The conversation on the wire as plain text: session export, golden test and bug report are the same file.
 *
 *     # extended session, then read coding block 0x0600          adapter: slcan  protocol: uds
 *     @0      > 7E0  02 10 03
 *     @18     < 7E8  06 50 03 00 32 01 F4
 *
 * Times are whole milliseconds since the start. A line is a CAN frame, or (`kind: 'pdu'`, marked `=`) a whole message of
 * one ECU: `@18 =< 70E-778  50 03 00 32 01 F4`. Keys and seeds of security access are never traced: their bytes are `**`.
 */
export type TraceLine =
  | { readonly kind: 'comment'; readonly text: string }
  | {
      readonly kind: 'frame';
      readonly atMs: number;
      readonly direction: 'tx' | 'rx';
      readonly id: number;
      readonly extended: boolean;
      readonly data: Uint8Array;
    }
  | {
      readonly kind: 'pdu';
      readonly atMs: number;
      readonly direction: 'tx' | 'rx';
      readonly moduleId: ModuleId;
      readonly pdu: Uint8Array;
      readonly hiddenFrom?: number;
    };

export interface TraceSink {
  record(line: TraceLine): void;
}

export function formatTraceLine(line: TraceLine): string {
  if (line.kind === 'comment') return `# ${line.text.replace(/[\r\n]+/g, ' ')}`;
  const time = `@${Math.round(line.atMs)}`.padEnd(8);
  const arrow = line.direction === 'tx' ? '>' : '<';
  if (line.kind === 'frame')
    return `${time}${arrow} ${hexNumber(line.id, line.extended ? 8 : 3)}  ${toHexSpaced(line.data)}`.trimEnd();
  const shown = line.hiddenFrom === undefined ? line.pdu : line.pdu.subarray(0, line.hiddenFrom);
  const hidden = ' **'.repeat(line.pdu.length - shown.length);
  return `${time}=${arrow} ${line.moduleId}  ${toHexSpaced(shown)}${hidden}`.trimEnd();
}

const FRAME = /^@(\d{1,12})\s+([<>])\s+([0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})\s*((?:\s[0-9A-Fa-f]{2}){0,64})$/;
const PDU = /^@(\d{1,12})\s+=([<>])\s+([0-9A-F/-]{3,24})\s*((?:\s(?:[0-9A-Fa-f]{2}|\*\*)){0,4200})$/;
const MAX_LINES = 1_000_000;

/** @throws StackError `file/malformed` with the line number */
export function parseTrace(text: string, name = 'trace'): TraceLine[] {
  const lines: TraceLine[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    if (index >= MAX_LINES) throw malformed(name, index, `more than ${MAX_LINES} lines`);
    const line = raw.trimEnd();
    if (line === '') continue;
    lines.push(parseLine(line, name, index));
  }
  return lines;
}

function parseLine(line: string, name: string, index: number): TraceLine {
  if (line.startsWith('#')) return { kind: 'comment', text: line.slice(1).trim() };
  const frame = FRAME.exec(line);
  if (frame) {
    const [, at = '', arrow, id = '', data = ''] = frame;
    return {
      kind: 'frame',
      atMs: Number(at),
      direction: arrow === '>' ? 'tx' : 'rx',
      id: Number.parseInt(id, 16),
      extended: id.length === 8,
      data: fromHex(data.trim()),
    };
  }
  const pdu = PDU.exec(line);
  if (pdu) {
    const [, at = '', arrow, moduleId = '', data = ''] = pdu;
    const hidden = data.indexOf('**');
    const bytes = fromHex(data.replaceAll('**', '00').trim());
    const head = {
      kind: 'pdu',
      atMs: Number(at),
      direction: arrow === '>' ? 'tx' : 'rx',
      moduleId,
      pdu: bytes,
    } as const;
    return hidden < 0 ? head : { ...head, hiddenFrom: Math.floor(hidden / 3) };
  }
  throw malformed(name, index, 'not a comment, frame or message line');
}

function malformed(name: string, index: number, why: string): StackError {
  return new StackError('file/malformed', `${name}: line ${index + 1}: ${why}`, { name, at: `line ${index + 1}`, why });
}
