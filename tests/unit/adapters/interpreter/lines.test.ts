import { describe, expect, it } from 'vitest';
import { LineReader } from '#adapters/drivers/interpreter/line-reader.ts';
import { hasStatus, parseLine, type StatusName, statusError } from '#adapters/drivers/interpreter/lines.ts';

/** Reference: adapters A.7 and B.5, with what its rows ask the driver to do. */
const CATALOGUE: readonly (readonly [string, StatusName, string | null])[] = [
  ['?', 'unknown-command', 'adapter/refused'],
  ['NO DATA', 'no-data', null],
  ['SEARCHING...', 'searching', null],
  ['UNABLE TO CONNECT', 'unable-to-connect', 'can/bus-error'],
  ['BUS INIT: ...OK', 'bus-init-ok', null],
  ['BUS INIT: OK', 'bus-init-ok', null],
  ['BUS INIT: ...ERROR', 'bus-init-failed', 'can/bus-error'],
  ['BUS INIT: ERROR', 'bus-init-failed', 'can/bus-error'],
  ['CAN ERROR', 'can-error', 'can/bus-error'],
  ['BUS BUSY', 'bus-busy', 'can/bus-error'],
  ['BUS ERROR', 'bus-error', 'can/bus-error'],
  ['BUFFER FULL', 'buffer-full', 'adapter/buffer-full'],
  ['DATA ERROR', 'data-error', null],
  ['<DATA ERROR', 'damaged-line', null],
  ['<RX ERROR', 'damaged-line', null],
  ['FB ERROR', 'feedback-error', 'can/bus-error'],
  ['STOPPED', 'stopped', 'adapter/stopped'],
  ['LV RESET', 'reset', 'adapter/reset'],
  ['ACT ALERT', 'sleep-alert', 'adapter/asleep'],
  ['!ACT ALERT', 'sleep-alert', 'adapter/asleep'],
  ['LP ALERT', 'sleep-alert', 'adapter/asleep'],
  ['!LP ALERT', 'sleep-alert', 'adapter/asleep'],
  ['ERR94', 'reset', 'adapter/reset'],
  ['ERR71', 'internal-error', 'adapter/stopped'],
  ['NOT CONNECTED', 'unable-to-connect', 'can/bus-error'],
  ['FC RX TIMEOUT', 'flow-control-timeout', null],
  ['OUT OF MEMORY', 'out-of-memory', null],
  ['UART RX OVERFLOW', 'receive-overflow', null],
  ['OK', 'ok', null],
  ['ELM327 v1.5', 'banner', null],
];

/** All that comes out of the reader, in order. */
function read(chunks: readonly string[]): string[] {
  const out: string[] = [];
  const reader = new LineReader({
    line: (text) => out.push(`line ${text}`),
    prompt: (prompt) => out.push(`prompt ${prompt}`),
    malformed: (bytes) => out.push(`malformed ${bytes}`),
  });
  for (const chunk of chunks) reader.push(Uint8Array.from(chunk, (character) => character.charCodeAt(0)));
  return out;
}

describe('words of a command interpreter', () => {
  it.each(CATALOGUE)('%s is %s and means %s', (text, name, code) => {
    const { text: rest, statuses } = parseLine(text);
    expect(statuses.map((status) => status.name)).toEqual([name]);
    expect(rest).toBe(name === 'banner' ? text : '');
    expect(statuses.map((status) => statusError(status, '22F190')?.code ?? null)).toEqual([code]);
  });

  it.each(CATALOGUE)('%s is the same word at every split of the bytes and after a NUL', (text) => {
    const whole = `${text}\r\r>`;
    for (let at = 1; at < whole.length; at++) {
      const parts = [whole.slice(0, at), '\0', whole.slice(at)];
      expect(read(parts)).toEqual([`line ${text}`, 'prompt >']);
    }
  });

  it.each(CATALOGUE.filter(([, name]) => !['ok', 'banner', 'unknown-command'].includes(name)))(
    '%s is found when it is glued to SEARCHING... or behind half a frame',
    (text, name) => {
      expect(parseLine(`SEARCHING...${text}`).statuses.some((status) => status.name === name)).toBe(true);
      const behind = parseLine(`7E81014${text}`);
      expect(behind.text).toBe('7E81014');
      expect(behind.statuses.map((status) => status.name)).toEqual([name]);
    },
  );

  it('SEARCHING...NO DATA is a time-out and no error (vector N.1 3)', () => {
    expect(read(['SEARCHING...\rNO DATA\r\r>'])).toEqual(['line SEARCHING...', 'line NO DATA', 'prompt >']);
    expect(hasStatus(['SEARCHING...NO DATA'], 'no-data')).toBe(true);
    expect(parseLine('SEARCHING...NO DATA').statuses.map((status) => statusError(status, 'x'))).toEqual([null, null]);
  });

  it('BUS INIT: ...OK is stripped from what follows, also on the same line (vector N.1 4)', () => {
    expect(parseLine('BUS INIT: ...OK').text).toBe('');
    expect(parseLine('C1 EF 8F')).toEqual({ text: 'C1 EF 8F', statuses: [] });
    expect(parseLine('BUS INIT: ...OK C1 EF 8F').text).toBe('C1 EF 8F');
  });

  it('BUS INIT: ...BUS ERROR has failed', () => {
    expect(parseLine('BUS INIT: ...BUS ERROR').statuses[0]?.name).toBe('bus-init-failed');
  });

  it('an answer on the line of SEARCHING... keeps its bytes', () => {
    expect(parseLine('SEARCHING...7E8064100BE3EB811').text).toBe('7E8064100BE3EB811');
  });

  it('spaces that a clone leaves out change no word', () => {
    expect(parseLine('NODATA').statuses[0]?.name).toBe('no-data');
    expect(parseLine('CANERROR').statuses[0]?.name).toBe('can-error');
    expect(parseLine('UNABLETOCONNECT').statuses[0]?.name).toBe('unable-to-connect');
  });

  it('data that only looks like a word stays data', () => {
    expect(parseLine('7E8 03 7F 22 31').statuses).toEqual([]);
    expect(parseLine('OBDII to RS232 Interpreter').statuses).toEqual([]);
  });
});

describe('line reader', () => {
  it('takes CR, LF and CR LF for line ends, drops empty lines and NULs', () => {
    expect(read(['\0\0\r\nELM327 v1.5\r\n\r\n\0>'])).toEqual(['line ELM327 v1.5', 'prompt >']);
  });

  it('a prompt ends the line before it', () => {
    expect(read(['OK>'])).toEqual(['line OK', 'prompt >']);
  });

  it('tells DATA> from > at every split', () => {
    for (let at = 1; at < 7; at++) {
      const text = '\rDATA>';
      expect(read([text.slice(0, at), text.slice(at)])).toEqual(['prompt DATA>']);
    }
  });

  it('a line that never ends is dropped at 16384 characters, the prompt behind it counts', () => {
    expect(read(['A'.repeat(20_000), '\r>'])).toEqual(['malformed 20000', 'prompt >']);
  });

  it('after lost bytes nothing up to the line end is used, the next line is', () => {
    const out: string[] = [];
    const reader = new LineReader({
      line: (text) => out.push(text),
      prompt: () => out.push('>'),
      malformed: () => out.push('malformed'),
    });
    const push = (text: string) => reader.push(Uint8Array.from(text, (character) => character.charCodeAt(0)));
    push('7E8 03 ');
    reader.bytesLost();
    push('22 31\r7E8 03 6E F1 90\r>');
    expect(out).toEqual(['malformed', '7E8 03 6E F1 90', '>']);
  });
});
