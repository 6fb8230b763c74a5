import { describe, expect, it } from 'vitest';
import { physicalByRule, targetOf } from '#adapters/drivers/elm327/addressing.ts';
import { answerKind } from '#adapters/drivers/elm327/answers.ts';
import { stMinForLine, stMinMs, withoutStMin } from '#adapters/drivers/elm327/flow-control.ts';
import { readFormatted } from '#adapters/drivers/elm327/formatted.ts';
import { parseIdentity } from '#adapters/drivers/elm327/identity.ts';
import { protocolFor } from '#adapters/drivers/elm327/settings.ts';
import {
  filterFor,
  filterForRange,
  isExact,
  joinFilters,
  parseFrame,
  requestText,
} from '#adapters/drivers/elm327/wire.ts';
import { toHex } from '#base/hex.ts';
import { isStackError } from '#contract/errors.ts';
import { ENGINE, hex, OPTIONS } from './bench.ts';

describe('lines of frames', () => {
  it('H1 S0: 7E8101462F190574241 is a first frame of 7E8 (vector N.1 1)', () => {
    const frame = parseFrame('7E8101462F190574241');
    expect([frame?.id, frame?.extended, toHex(frame?.data ?? new Uint8Array())]).toEqual([
      0x7e8,
      false,
      '101462F190574241',
    ]);
  });

  it('with spaces it is the same frame, and 29-bit ids come in groups', () => {
    expect(parseFrame('7E8 10 14 62 F1 90 57 42 41')).toEqual(parseFrame('7E8101462F190574241'));
    const frame = parseFrame('18 DA F1 10 03 7F 22 31');
    expect([frame?.id, frame?.extended, toHex(frame?.data ?? new Uint8Array())]).toEqual([
      0x18daf110,
      true,
      '037F2231',
    ]);
    expect(parseFrame('18DAF110037F2231')).toEqual(frame);
  });

  it.each(['', '7E', '7E8031', '7E8 03 7F 2', 'FFF0102', '7E8001122334455667788', '3FDAF11001', 'OK', '7E8G1'])(
    '%j is no frame',
    (text) => {
      // 7E8 03 7F 2: an even count of digits, so a 29-bit frame by its shape, whose id is too large
      expect(parseFrame(text)).toBeNull();
    },
  );

  it('a request is its frame with CAF0, without PCI and padding with CAF1', () => {
    const frame = { id: 0x7e0, extended: false, data: hex('0322F190CCCCCCCC') };
    expect([requestText(frame, true), requestText(frame, false)]).toEqual(['0322F190CCCCCCCC', '22F190']);
  });

  it('filters are as narrow as their ids allow', () => {
    expect(filterFor([0x7e8], false)).toEqual({ id: 0x7e8, mask: 0x7ff, extended: false });
    expect(filterForRange(0x7e8, 0x7ef, false)).toEqual({ id: 0x7e8, mask: 0x7f8, extended: false });
    expect(filterForRange(0x600, 0x6ff, false)).toEqual({ id: 0x600, mask: 0x700, extended: false });
    expect(filterForRange(0x18daf100, 0x18daf1ff, true)).toEqual({ id: 0x18daf100, mask: 0x1fffff00, extended: true });
    const joined = joinFilters(filterFor([0x7e8], false), filterFor([0x77a], false));
    expect([isExact(joined), 0x7e8 & joined.mask, 0x77a & joined.mask]).toEqual([false, joined.id, joined.id]);
    expect(isExact(filterFor([0x18daf110], true))).toBe(true);
  });
});

describe('numbered answers without headers', () => {
  it('a length and three lines make 20 bytes that begin with 49 02 01 (vector N.1 2)', () => {
    const [message] = readFormatted([
      '014',
      '0: 49 02 01 31 47 31',
      '1: 4A 43 35 34 34 34 52',
      '2: 37 32 35 32 33 36 37',
    ]);
    expect(toHex(message ?? new Uint8Array())).toBe('490201314731' + '4A433534343452' + '37323532333637');
  });

  it('a missing or doubled line makes no message', () => {
    expect(readFormatted(['014', '0: 49 02 01 31 47 31', '2: 37 32 35 32 33 36 37'])).toEqual([]);
    expect(readFormatted(['014', '0: 49 02 01 31 47 31', '0: 49 02 01 31 47 31', '1: 4A'])).toEqual([]);
  });

  it('the index wraps from F to 0, words and damaged lines are left out', () => {
    const rows = Array.from({ length: 17 }, (_, i) => `${(i % 16).toString(16).toUpperCase()}: 01 02 03 04 05 06 07`);
    const [message] = readFormatted(['SEARCHING...', '075', '0: 62 F1 90 01 02 03', ...rows.slice(1)]);
    expect(message?.length).toBe(0x75);
    expect(readFormatted(['7F 22 78', '62 F1 87 30', 'NO DATA', '7F 22 31 <DATA ERROR']).map(toHex)).toEqual([
      '7F2278',
      '62F18730',
    ]);
  });
});

describe('small decisions', () => {
  it('reads the version out of ATI, and knows the ones that were never made', () => {
    expect(parseIdentity(['ELM327 v1.4b'])?.version).not.toBeNull();
    expect(parseIdentity(['ELM327 v1.5'])).toEqual({ text: 'ELM327 v1.5', version: null });
    expect(parseIdentity(['OK'])).toBeNull();
  });

  it.each([
    [500_000, false, [], '6'],
    [500_000, true, [], '7'],
    [250_000, false, [], '8'],
    [250_000, true, [], '9'],
    [125_000, false, ['ATPBC004'], 'B'],
    [100_000, false, ['ATPBC005'], 'B'],
    [83_300, false, ['ATPBC006'], 'B'],
    [50_000, true, ['ATPB400A'], 'B'],
    [10_000, false, ['ATPBC032'], 'B'],
  ] as const)('%i bit/s, 29-bit %s: %j and protocol %s', (bitRate, extended, define, number) => {
    expect(protocolFor({ bitRate }, extended, true)).toEqual({ define, number });
  });

  it.each([800_000, 1_000_000] as const)('%i bit/s is refused', (bitRate) => {
    let error: unknown = null;
    try {
      protocolFor({ bitRate }, false, true);
    } catch (thrown) {
      error = thrown;
    }
    expect(isStackError(error, 'adapter/unsupported')).toBe(true);
  });

  it('STmin for the chip: 10 ms at 38400 baud, 4 at 115200, more with 29-bit ids', () => {
    expect([stMinForLine(38_400, false), stMinForLine(115_200, false), stMinForLine(38_400, true)]).toEqual([
      10, 4, 12,
    ]);
  });

  it('STmin of the ECU: 0–7F are ms, F1–F9 one, reserved codes the longest; a flow control loses it, nothing else', () => {
    expect([0, 0x14, 0x7f, 0xf1, 0xf9, 0x80, 0xff].map(stMinMs)).toEqual([0, 20, 127, 1, 1, 127, 127]);
    const frame = { id: 0x7e8, extended: false, data: hex('300214AAAAAAAAAA') };
    expect(toHex(withoutStMin(frame, 0).data)).toBe('300200AAAAAAAAAA');
    expect(withoutStMin({ ...frame, data: hex('3002') }, 0).data).toEqual(hex('3002'));
  });

  it('7F 2E 78 is pending, 7F 2E 33 and 6E … are final, the rest is somebody else’s', () => {
    expect(['7F2E78', '7F2E33', '6EF190', '7F2278', '62F190', '7F'].map((text) => answerKind(hex(text), 0x2e))).toEqual(
      ['pending', 'final', 'final', 'other', 'other', 'other'],
    );
  });

  it('knows whom a flow control goes to where the ids say it', () => {
    expect(physicalByRule(ENGINE, 0x7ea)).toEqual({
      format: 'normal',
      requestId: 0x7e2,
      responseId: 0x7ea,
      extendedId: false,
    });
    expect(physicalByRule(ENGINE, 0x77a)).toBeNull();
    const bmw = {
      format: 'extended',
      requestId: 0x6f1,
      responseId: 0x600,
      extendedId: false,
      target: 0xef,
      source: 0xf1,
    } as const;
    expect(physicalByRule(bmw, 0x612)).toEqual({ ...bmw, responseId: 0x612, target: 0x12 });
    expect(physicalByRule(bmw, 0x712)).toBeNull();
    const functional = { format: 'normal-fixed', target: 0x33, source: 0xf1, functional: true } as const;
    expect(physicalByRule(functional, 0x18daf110)).toEqual({ format: 'normal-fixed', target: 0x10, source: 0xf1 });
    expect(targetOf(functional, OPTIONS)).toMatchObject({
      requestId: 0x18db33f1,
      filter: { id: 0x18daf100, mask: 0x1fffff00 },
    });
  });
});
