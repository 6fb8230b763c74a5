import { describe, expect, it } from 'vitest';
import { flowControlPair, idBlocks, passFilter, presetCommands, stpx } from '#adapters/drivers/stn/commands.ts';
import { isNeverAnswered, kindOfAnswer, parseMessage } from '#adapters/drivers/stn/reply.ts';
import { fromHex, toHex } from '#base/hex.ts';
import { seededRandom } from '#base/random.ts';

const request = (hex: string, id = 0x7e0, extendedId = false) => ({
  id,
  extendedId,
  pdu: fromHex(hex),
  listenMs: 5000,
});

describe('STN commands', () => {
  it('STPX carries header, data and time; longer than the line it carries the length', () => {
    expect(stpx(request('22F190'), 0x1ff)).toEqual({ kind: 'line', command: 'STPX H:7E0,D:22F190,T:5000' });
    expect(stpx(request('22F190', 0x18da10f1, true), 0x1ff)).toEqual({
      kind: 'line',
      command: 'STPX H:18DA10F1,D:22F190,T:5000',
    });
    const long = '36'.padEnd(518, '0');
    expect(stpx(request(long), 0x1ff)).toEqual({ kind: 'data', command: 'STPX H:7E0,L:259,T:5000', data: long });
  });

  it('the longest line has the limit of characters with its CR', () => {
    for (let bytes = 1; bytes < 600; bytes++) {
      const text = stpx(request('36'.repeat(bytes)), 0x1ff);
      expect(text.kind).toBe(bytes <= 245 ? 'line' : 'data');
      expect(text.command.length + 1).toBeLessThanOrEqual(0x1ff);
    }
  });

  it('presets by rate and id width', () => {
    expect(presetCommands(500_000, false)).toEqual(['STP33']);
    expect(presetCommands(500_000, true)).toEqual(['STP34']);
    expect(presetCommands(250_000, false)).toEqual(['STP35']);
    expect(presetCommands(250_000, true)).toEqual(['STP36']);
    expect(presetCommands(83_300, false)).toEqual(['STP33', 'STPBR83300']);
  });

  it('flow control pairs with and without address bytes', () => {
    const pair = { requestId: 0x6f1, responseId: 0x612 };
    expect(flowControlPair(pair, false, { kind: 'normal' })).toBe('STCFCPA6F1,612');
    expect(flowControlPair(pair, false, { kind: 'extended', target: 0x12, tester: 0xf1 })).toBe('STCFCPA6F112,612F1');
  });

  it('filters cover every id of a range, exactly where eight of them can', () => {
    expect(idBlocks(0x7e8, 0x7ef, false).map((block) => passFilter(block, false))).toEqual(['STFPA7E8,7F8']);
    expect(idBlocks(0, 0x7ff, false).map((block) => passFilter(block, false))).toEqual(['STFPA000,000']);
    expect(idBlocks(0x18daf100, 0x18daf1ff, true).map((block) => passFilter(block, true))).toEqual([
      'STFPA18DAF100,1FFFFF00',
    ]);
    const random = seededRandom(7);
    for (let i = 0; i < 300; i++) {
      const [a, b] = [Math.floor(random.next() * 0x800), Math.floor(random.next() * 0x800)];
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      const blocks = idBlocks(from, to, false);
      const passes = (id: number) => blocks.some((block) => (id & block.mask) === block.id);
      expect(blocks.length).toBeLessThanOrEqual(8);
      const missed = Array.from({ length: to - from + 1 }, (_, at) => from + at).filter((id) => !passes(id));
      expect(missed, `${from}–${to}`).toEqual([]);
      if (blocks.length > 1) {
        const beyond = [from - 1, to + 1].filter((id) => id >= 0 && id <= 0x7ff);
        expect(beyond.some(passes), `${from}–${to}`).toBe(false);
      }
    }
  });
});

describe('STN replies', () => {
  it('one line is one message, with 3 or 8 digits of id, with or without spaces', () => {
    const parse = (line: string, extendedId = false) => {
      const message = parseMessage(line, extendedId);
      return message && `${message.id.toString(16)} ${toHex(message.payload)}`;
    };
    expect(parse('7E862F1905742')).toBe('7e8 62F1905742');
    expect(parse('7e8 62 f1 90')).toBe('7e8 62F190');
    expect(parse('18DAF11062F190', true)).toBe('18daf110 62F190');
    expect(parse(`7E8${'6A'.repeat(4095)}`)).toBe(`7e8 ${'6A'.repeat(4095)}`);
  });

  it.each(['', '7E8', '7E86', '7E862F', '7E862F19', 'G0062', '7E8-62', 'NO DATA', '9E862', `7E8${'00'.repeat(4097)}`])(
    'not a whole 11-bit message: %s',
    (line) => expect(parseMessage(line, false)).toBeNull(),
  );

  it.each(['7E862F190', '18DAF110', '18DAF1106', '28DAF11062', '18DAF11062F'])(
    'not a whole 29-bit message: %s',
    (line) => expect(parseMessage(line, true)).toBeNull(),
  );

  it('7F 2E 78 keeps the wait, 6E and 7F 2E 33 end it, another service does not', () => {
    const kinds = ['7F2E78', '6EF190', '7F2E33', '62F190', '7F2278', '7F', '7F2E'].map((hex) =>
      kindOfAnswer(fromHex(hex), 0x2e),
    );
    expect(kinds).toEqual(['pending', 'final', 'negative', 'other', 'other', 'other', 'other']);
  });

  it('only 3E 80 is never answered', () => {
    const requests = ['3E80', '3E00', '3E', '1083', '3E8000'];
    expect(requests.map((hex) => isNeverAnswered(fromHex(hex)))).toEqual([true, false, false, false, false]);
  });
});
