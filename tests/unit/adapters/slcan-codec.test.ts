import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_LINE_BYTES, SlcanDecoder, type SlcanEvents } from '#adapters/drivers/slcan/decoder.ts';
import { checkFrames, encodeCommand, encodeFrames } from '#adapters/drivers/slcan/encoder.ts';
import { wireBits, worstWireBits } from '#adapters/drivers/slcan/wire-bits.ts';
import { fromHex, toHex } from '#base/hex.ts';
import type { CanFrame } from '#contract/adapter.ts';
import { isStackError } from '#contract/errors.ts';
import { bitsByHand } from '../../support/slcan-device.ts';

/** Everything the decoder says, one line per event. */
function listen(): { readonly events: SlcanEvents; readonly said: string[] } {
  const said: string[] = [];
  return {
    said,
    events: {
      frame: (id, extended, data) => said.push(`${extended ? 'frame29' : 'frame'} ${id.toString(16)} ${toHex(data)}`),
      remoteFrame: () => said.push('remote'),
      ack: () => said.push('ack'),
      nak: () => said.push('nak'),
      transmitAck: (extended) => said.push(extended ? 'Z' : 'z'),
      flags: (value) => said.push(`flags ${value.toString(16)}`),
      errorLine: (text) => said.push(`error ${text}`),
      stateLine: (text, state) => said.push(`state ${state} ${text}`),
      text: (line) => said.push(`text ${line}`),
      malformed: (lengthBytes) => said.push(`malformed ${lengthBytes}`),
    },
  };
}

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

function decode(...chunks: readonly (string | Uint8Array)[]): string[] {
  const { events, said } = listen();
  const decoder = new SlcanDecoder(events);
  for (const chunk of chunks) decoder.push(typeof chunk === 'string' ? bytesOf(chunk) : chunk);
  return said;
}

describe('slcan decoder', () => {
  it('joins t7E88065003 and 003201F4AA into one frame of eight bytes (vector 5)', () => {
    expect(decode('t7E88065003', '003201F4AA\r')).toEqual(['frame 7e8 065003003201F4AA']);
  });

  it('rejects a line with fewer digits than its DLC says', () => {
    expect(decode('t7E88065003\r')).toEqual(['malformed 11']);
    expect(decode('t7E8806500300320\r', 't1232AABB\r')).toEqual(['malformed 16', 'frame 123 AABB']);
  });

  it('reads CR, BEL, z and a frame behind each other as ACK, NAK, TX-ACK and frame 123 (vector 6)', () => {
    expect(decode('\r\x07z\rt1232AABB\r')).toEqual(['ack', 'nak', 'z', 'frame 123 AABB']);
  });

  it('reads extended frames, lower-case digits, empty frames and remote frames', () => {
    expect(decode('T18DAF1102aabb\r', 't0000\r', 'r7E88\r', 'R18DAF1100\r', 'Z\r')).toEqual([
      'frame29 18daf110 AABB',
      'frame 0 ',
      'remote',
      'remote',
      'Z',
    ]);
  });

  it('drops a time stamp of four digits behind the data', () => {
    expect(decode('t1232AABB1F40\r')).toEqual(['frame 123 AABB']);
    expect(decode('t1232AABB1F4\r', 't1232AABB1F4G\r')).toEqual(['malformed 12', 'malformed 13']);
  });

  it('rejects DLC 9 to F, digits that are none, and ids above 11 and 29 bits', () => {
    expect(decode('t1239000000000000000000\r')[0]).toMatch('malformed');
    expect(decode('t12X2AABB\r', 't1232AAGB\r', 't8002AABB\r', 'T200000000\r', 't12\r', 't\r')).toEqual([
      'malformed 9',
      'malformed 9',
      'malformed 9',
      'malformed 10',
      'malformed 3',
      'malformed 1',
    ]);
  });

  it('tells flags, error lines and state lines from texts that only begin like them', () => {
    expect(decode('FA4\r', 'e1a\r', 'e2aB\r', 'sp128000\r', 'sb255000\r')).toEqual([
      'flags a4',
      'error e1a',
      'error e2aB',
      'state p sp128000',
      'state b sb255000',
    ]);
    const hash = 'e1a77fc https://github.com/normaldotcom/canable-fw.git';
    expect(decode(`${hash}\r`, 'F\r', 'e3a\r', 'sx128000\r', 'V1013\r', 'NA123\r')).toEqual([
      `text ${hash}`,
      'text F',
      'text e3a',
      'text sx128000',
      'text V1013',
      'text NA123',
    ]);
  });

  it('bounds a line that never ends, says so once, and reads the next one', () => {
    const endless = 'V'.repeat(MAX_LINE_BYTES * 3);
    expect(decode(endless, endless, '\rt1232AABB\r')).toEqual([`malformed ${endless.length * 2}`, 'frame 123 AABB']);
    expect(decode(`${endless}\rt1232AABB\r`)).toEqual([`malformed ${endless.length}`, 'frame 123 AABB']);
  });

  it('S08 never joins the halves of two lines when bytes between them were lost', () => {
    const { events, said } = listen();
    const decoder = new SlcanDecoder(events);
    decoder.push(bytesOf('t7E8806500300'));
    decoder.bytesLost();
    decoder.push(bytesOf('3201F4AA\rt1232AABB\r'));
    expect(said).toEqual(['malformed 21', 'frame 123 AABB']);
  });

  it('S09 does not take the tail of a lost line for an acknowledgement', () => {
    const { events, said } = listen();
    const decoder = new SlcanDecoder(events);
    decoder.bytesLost();
    decoder.push(bytesOf('\r\r'));
    expect(said).toEqual(['malformed 0', 'ack']);
  });

  it('S11 gives the same events for every split of the same bytes, garbage and malformed lines included', () => {
    const piece = fc.oneof(
      fc.constantFrom('t7E88065003003201F4AA\r', 'T18DAF1102AABB\r', '\r', '\x07', 'z\r', 'Z\r', 'F80\r', 'e1a\r'),
      fc.constantFrom('V1013\r', 't7E880650\r', 't1232AABB1F40\r', 'sb255000\r', '\n', 't12', 'r7E88\r', '\x00\xff'),
      fc.string({ unit: fc.constantFrom(...'tTrRzZF\r\n\x070123456789ABCDEFg'), maxLength: 12 }),
      fc.constant('x'.repeat(MAX_LINE_BYTES + 5)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.integer({ min: 0, max: 700 })), (pieces, cuts) => {
        const whole = bytesOf(pieces.join(''));
        const at = [0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length];
        const chunks = at.slice(1).map((end, i) => whole.subarray(at[i], end));
        const expected = decode(whole);
        expect(decode(...chunks)).toEqual(expected);
        expect(decode(...Array.from(whole, (byte) => Uint8Array.of(byte)))).toEqual(expected);
      }),
      { seed: 11, numRuns: 400 },
    );
  });

  it('S11 gives the same frames for every single cut of a malformed and a good line', () => {
    const text = 't7E8806500300320\r\x07t7E88065003003201F4AA\rT18DAF110\rz\r';
    const expected = decode(text);
    expect(expected).toEqual(['malformed 16', 'nak', 'frame 7e8 065003003201F4AA', 'malformed 9', 'z']);
    for (let cut = 0; cut <= text.length; cut++) expect(decode(text.slice(0, cut), text.slice(cut))).toEqual(expected);
  });
});

const anyFrame: fc.Arbitrary<CanFrame> = fc.boolean().chain((extended) =>
  fc.record({
    id: fc.integer({ min: 0, max: extended ? 0x1fffffff : 0x7ff }),
    extended: fc.constant(extended),
    data: fc.uint8Array({ maxLength: 8 }),
  }),
);

describe('slcan encoder', () => {
  it('writes a batch as whole lines behind each other', () => {
    const frames = [
      { id: 0x7e0, extended: false, data: fromHex('0210030000000000') },
      { id: 0x18da10f1, extended: true, data: fromHex('AABB') },
      { id: 0x00f, extended: false, data: new Uint8Array() },
    ];
    const text = new TextDecoder().decode(encodeFrames(frames));
    expect(text).toBe('t7E080210030000000000\rT18DA10F12AABB\rt00F0\r');
    expect(new TextDecoder().decode(encodeFrames(frames, 1, 2))).toBe('T18DA10F12AABB\r');
  });

  it('decodes to what was encoded, for any frames', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 20 }), (frames) => {
        const said = frames.map((f) => `${f.extended ? 'frame29' : 'frame'} ${f.id.toString(16)} ${toHex(f.data)}`);
        expect(decode(encodeFrames(frames))).toEqual(said);
      }),
      { seed: 12 },
    );
  });

  it('refuses an id of 800 with 11 bits and nine bytes of data before a byte leaves', () => {
    for (const frame of [
      { id: 0x800, extended: false, data: new Uint8Array() },
      { id: 0x2000_0000, extended: true, data: new Uint8Array() },
      { id: -1, extended: false, data: new Uint8Array() },
      { id: 0x7e0, extended: false, data: new Uint8Array(9) },
    ]) {
      const refused = (): unknown => {
        try {
          checkFrames([frame]);
        } catch (error) {
          return error;
        }
        return null;
      };
      expect(isStackError(refused(), 'adapter/unsupported')).toBe(true);
    }
  });

  it('never makes an empty command: a bare CR makes a CANable repeat its last frame', () => {
    expect(() => encodeCommand('')).toThrow(RangeError);
    expect(() => encodeCommand('\r')).toThrow(RangeError);
    expect(encodeCommand('S6')).toEqual(bytesOf('S6\r'));
  });
});

describe('bits of a frame on the wire', () => {
  it('equals the count made bit by bit, and never exceeds 135 or 160', () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        expect(wireBits(frame)).toBe(bitsByHand(frame));
        expect(wireBits(frame)).toBeLessThanOrEqual(worstWireBits(frame.extended, frame.data.length));
      }),
      { seed: 13, numRuns: 2000 },
    );
    expect(worstWireBits(false, 8)).toBe(135);
    expect(worstWireBits(true, 8)).toBe(160);
  });
});
