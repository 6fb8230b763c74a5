import { describe, expect, it } from 'vitest';
import { StackError } from '#contract/errors.ts';
import { BMW_12, recordMachine } from './machine-recorder.ts';

/** 2E F1 90 and the 17 characters 1G1JC5444R7252367: 20 bytes. */
const WRITE_VIN = '2E F1 90 31 47 31 4A 43 35 34 34 34 52 37 32 35 32 33 36 37';
const WRITE_VIN_FF = '> 7E0 10 14 2E F1 90 31 47 31';
const WRITE_VIN_CF1 = '> 7E0 21 4A 43 35 34 34 34 52';
const WRITE_VIN_CF2 = '> 7E0 22 37 32 35 32 33 36 37';
const CTS = '30 00 00 CC CC CC CC CC';

describe('worked examples', () => {
  it('reads the VIN: one frame out, first frame in, one flow control, two consecutive frames, 20 bytes', () => {
    const ecu = recordMachine();
    ecu.send('22 F1 90').confirm();
    expect(ecu.take()).toEqual(['> 7E0 03 22 F1 90 CC CC CC CC', 'sent']);
    ecu.feed('10 14 62 F1 90 57 42 41').confirm();
    expect(ecu.take()).toEqual([`> 7E0 ${CTS}`, 'started 20']);
    ecu.feed('21 56 41 37 31 30 38 30').feed('22 30 56 42 32 33 34 35');
    expect(ecu.take()).toEqual(['message 62 F1 90 57 42 41 56 41 37 31 30 38 30 30 56 42 32 33 34 35']);
  });

  it('writes the VIN with BS 8 and STmin 20: the second consecutive frame goes 20 ms after the first has left the wire', () => {
    const ecu = recordMachine();
    ecu.send(WRITE_VIN);
    expect(ecu.take()).toEqual([WRITE_VIN_FF]);
    ecu.confirm().feed('30 08 14 CC CC CC CC CC');
    expect(ecu.take()).toEqual([WRITE_VIN_CF1]);
    ecu.confirm().pass(19.999);
    expect(ecu.take()).toEqual([]);
    ecu.pass(0.001);
    expect(ecu.take()).toEqual([WRITE_VIN_CF2]);
    ecu.confirm();
    expect(ecu.take()).toEqual(['sent']);
  });

  it('30 08 F3 means 300 µs between consecutive frames', () => {
    const ecu = recordMachine();
    ecu.send(WRITE_VIN).confirm().feed('30 08 F3').confirm().take();
    expect(ecu.machine.nextFrameAtMs).toBeCloseTo(0.3, 12);
    ecu.pass(0.29);
    expect(ecu.take()).toEqual([]);
    ecu.pass(0.01);
    expect(ecu.take()).toEqual([WRITE_VIN_CF2]);
  });

  it('BMW extended addressing: the flow control carries the address byte of the ECU', () => {
    const ecu = recordMachine(BMW_12, { padding: 0xff });
    ecu.send('22 F1 90').confirm();
    expect(ecu.take()).toEqual(['> 6F1 12 03 22 F1 90 FF FF FF', 'sent']);
    ecu.feed('F1 10 14 62 F1 90 57 42').confirm();
    expect(ecu.take()).toEqual(['> 6F1 12 30 00 00 FF FF FF FF', 'started 20']);
    ecu.feed('F1 21 41 56 41 37 31 30').feed('F1 22 38 30 30 56 42 32').feed('F1 23 33 34 35');
    expect(ecu.take()).toEqual(['message 62 F1 90 57 42 41 56 41 37 31 30 38 30 30 56 42 32 33 34 35']);
  });

  it('without padding a flow control is 3 bytes and the last frame as short as its data', () => {
    const ecu = recordMachine(undefined, { padding: null });
    ecu.send('22 F1 90').confirm();
    ecu.feed('10 08 62 F1 90 57 42 41').confirm().feed('21 56 41');
    ecu.send('2E 06 00 01 02 03 04 05').confirm().feed('30 00 00').confirm();
    expect(ecu.take()).toEqual([
      '> 7E0 03 22 F1 90',
      'sent',
      '> 7E0 30 00 00',
      'started 8',
      'message 62 F1 90 57 42 41 56 41',
      '> 7E0 10 08 2E 06 00 01 02 03',
      '> 7E0 21 04 05',
      'sent',
    ]);
  });
});

describe('what arrives while idle', () => {
  it('a single frame is a message, with any padding or with none', () => {
    const ecu = recordMachine();
    ecu.feed('02 7E 00 55 55 55 55 55').feed('02 7E 00').feed('02 7E 00 12 34');
    expect(ecu.take()).toEqual(['message 7E 00', 'message 7E 00', 'message 7E 00']);
  });

  it('a consecutive frame, a flow control, an unknown PCI and an empty frame are ignored', () => {
    const ecu = recordMachine();
    ecu.feed('21 01 02 03 04 05 06 07').feed('30 00 00').feed('40 01').feed('F1 00').feed('');
    expect(ecu.take()).toEqual([]);
  });

  it('SF_DL 0 and an SF_DL above what the frame carries are ignored', () => {
    const ecu = recordMachine();
    ecu.feed('00 01 02 03 04 05 06 07').feed('08 01 02 03 04 05 06 07').feed('04 62 F1 90').feed('0F');
    ecu.feed('03 7F 22 31 00 00 00 00 00 00 00 00'); // a CAN FD frame
    const bmw = recordMachine(BMW_12).feed('F1 07 01 02 03 04 05 06').feed('F1 00 01');
    expect([...ecu.take(), ...bmw.take()]).toEqual([]);
  });

  it('a first frame that does not fill its frame is ignored', () => {
    const ecu = recordMachine();
    ecu.feed('10 14 62 F1 90 57 42').feed('10').feed('10 14');
    expect(ecu.take()).toEqual([]);
  });
});

describe('what arrives while a message is received', () => {
  const receiving = () => {
    const ecu = recordMachine().feed('10 0A 01 02 03 04 05 06').confirm();
    ecu.take();
    return ecu;
  };

  it('a single frame ends it and is processed', () => {
    const ecu = receiving().feed('03 7F 22 31');
    expect(ecu.take()).toEqual(['failed isotp/unexpected-pdu', 'message 7F 22 31']);
    expect(ecu.errors[0]?.details).toEqual({ frame: '03 7F 22 31' });
  });

  it('a first frame ends it and starts the new one, with a flow control of its own', () => {
    const ecu = receiving().feed('10 08 11 12 13 14 15 16').confirm().feed('21 17 18');
    expect(ecu.take()).toEqual([
      'failed isotp/unexpected-pdu',
      `> 7E0 ${CTS}`,
      'started 8',
      'message 11 12 13 14 15 16 17 18',
    ]);
  });

  it('malformed single and first frames, flow controls and unknown PCIs do not end it', () => {
    const ecu = receiving()
      .feed('00 01')
      .feed('10 03 01 02 03 04 05 06')
      .feed('30 00 00')
      .feed('50 00')
      .feed('21 07 08 09 0A');
    expect(ecu.take()).toEqual(['message 01 02 03 04 05 06 07 08 09 0A']);
  });

  it('N_Cr: nothing for 1500 ms after our flow control ends it, with the counts', () => {
    const ecu = receiving().pass(1499.9);
    expect(ecu.take()).toEqual([]);
    ecu.pass(0.2);
    expect(ecu.take()).toEqual(['failed isotp/timeout-n-cr']);
    expect(ecu.errors[0]?.details).toEqual({ timeoutMs: 1500, receivedBytes: 6, expectedBytes: 10 });
    expect(ecu.feed('21 07 08 09 0A').take()).toEqual([]);
  });

  it('N_Cr starts again with every consecutive frame', () => {
    const ecu = recordMachine().feed('10 14 01 02 03 04 05 06').confirm();
    ecu.pass(1400).feed('21 07 08 09 0A 0B 0C 0D').pass(1400).feed('22 0E 0F 10 11 12 13 14');
    expect(ecu.take().at(-1)).toBe('message 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F 10 11 12 13 14');
  });

  it('N_Cr starts when our flow control has left the wire, not when it was confirmed', () => {
    const ecu = recordMachine().feed('10 0A 01 02 03 04 05 06').confirm(300).pass(1799);
    expect(ecu.take().at(-1)).toBe('started 10');
    expect(ecu.pass(1).take()).toEqual(['failed isotp/timeout-n-cr']);
  });

  it('consecutive frames prove our flow control was sent: a refusal that comes after them does not end the message', () => {
    const ecu = recordMachine().feed('10 14 01 02 03 04 05 06').feed('21 07 08 09 0A 0B 0C 0D');
    ecu.refuse(new StackError('can/closed', 'closed', {})).feed('22 0E 0F 10 11 12 13 14');
    expect(ecu.take().at(-1)).toBe('message 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F 10 11 12 13 14');
  });

  it('a flow control that the adapter never confirms ends it after N_Ar', () => {
    const ecu = recordMachine().feed('10 0A 01 02 03 04 05 06').pass(1000);
    expect(ecu.take()).toEqual([`> 7E0 ${CTS}`, 'started 10', 'failed isotp/timeout-n-as']);
  });

  it('a flow control that the adapter refuses ends it with the adapter’s error', () => {
    const ecu = recordMachine()
      .feed('10 0A 01 02 03 04 05 06')
      .refuse(new StackError('can/closed', 'closed', {}));
    expect(ecu.take().at(-1)).toBe('failed can/closed');
  });

  it('asks for its own BS and STmin, and again after each block, but not after the last frame', () => {
    const ecu = recordMachine(undefined, { blockSize: 1, stMin: 0xf5 }).feed('10 14 01 02 03 04 05 06').confirm();
    expect(ecu.take()).toEqual(['> 7E0 30 01 F5 CC CC CC CC CC', 'started 20']);
    ecu.feed('21 07 08 09 0A 0B 0C 0D').confirm();
    expect(ecu.take()).toEqual(['> 7E0 30 01 F5 CC CC CC CC CC']);
    ecu.feed('22 0E 0F 10 11 12 13 14');
    expect(ecu.take()).toEqual(['message 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F 10 11 12 13 14']);
  });

  it('a request has to wait: it is refused as busy', () => {
    const ecu = receiving();
    expect(ecu.machine.sendMustWait).toBe(true);
    expect(() => ecu.send('3E 00')).toThrow(expect.objectContaining({ code: 'isotp/busy' }));
  });
});

describe('faults of the catalogue', () => {
  it('T01 a lost consecutive frame ends the message with both sequence numbers, and no flow control follows', () => {
    const ecu = recordMachine(undefined, { blockSize: 2 }).feed('10 1B 01 02 03 04 05 06').confirm();
    ecu.take();
    ecu.feed('22 0E 0F 10 11 12 13 14').feed('23 15 16 17 18 19 1A 1B');
    expect(ecu.take()).toEqual(['failed isotp/wrong-sn']);
    expect(ecu.errors[0]?.details).toEqual({ expected: 1, actual: 2 });
  });

  it('T01 a lost last consecutive frame ends the message at N_Cr', () => {
    const ecu = recordMachine().feed('10 14 01 02 03 04 05 06').confirm().feed('21 07 08 09 0A 0B 0C 0D').pass(1500);
    expect(ecu.take().at(-1)).toBe('failed isotp/timeout-n-cr');
    expect(ecu.errors[0]?.details).toEqual({ timeoutMs: 1500, receivedBytes: 13, expectedBytes: 20 });
  });

  it('T02 a doubled consecutive frame ends the message: nothing is joined silently', () => {
    const ecu = recordMachine().feed('10 14 01 02 03 04 05 06').confirm();
    ecu.feed('21 07 08 09 0A 0B 0C 0D').feed('21 07 08 09 0A 0B 0C 0D').feed('22 0E 0F 10 11 12 13 14');
    expect(ecu.take()).toEqual([`> 7E0 ${CTS}`, 'started 20', 'failed isotp/wrong-sn']);
  });

  it('T02 swapped consecutive frames end the message', () => {
    const ecu = recordMachine().feed('10 14 01 02 03 04 05 06').confirm();
    ecu.feed('22 0E 0F 10 11 12 13 14').feed('21 07 08 09 0A 0B 0C 0D');
    expect(ecu.take()).toEqual([`> 7E0 ${CTS}`, 'started 20', 'failed isotp/wrong-sn']);
  });

  it('T02 a consecutive frame cut short inside a message never shifts the bytes after it', () => {
    const ecu = recordMachine().feed('10 14 01 02 03 04 05 06').confirm();
    ecu.feed('21 07 08 09').feed('22 0E 0F 10 11 12 13 14');
    expect(ecu.take().at(-1)).toBe('failed isotp/wrong-sn');
  });

  it('T03 twenty WAITs in a row are honoured, each restarts N_Bs, the next CTS goes on', () => {
    const ecu = recordMachine().send(WRITE_VIN).confirm();
    for (let i = 0; i < 20; i++) ecu.pass(900).feed('31 00 00');
    expect(ecu.take()).toEqual([WRITE_VIN_FF]);
    ecu.pass(900).feed(CTS).confirm();
    expect(ecu.take()).toEqual([WRITE_VIN_CF1, WRITE_VIN_CF2, 'sent']);
  });

  it('T03 a WAIT storm ends with the count once the limit is passed', () => {
    const ecu = recordMachine(undefined, { maxWaits: 3 }).send(WRITE_VIN).confirm();
    for (let i = 0; i < 4; i++) ecu.feed('31 00 00');
    expect(ecu.take()).toEqual([WRITE_VIN_FF, 'not sent isotp/wait-limit']);
    expect(ecu.errors[0]?.details).toEqual({ waits: 4 });
  });

  it('T03 the limit counts WAITs in a row: a CTS between them starts anew', () => {
    const ecu = recordMachine(undefined, { maxWaits: 1 }).send(WRITE_VIN).confirm();
    ecu.feed('31 00 00').feed('30 01 00').confirm().feed('31 00 00').feed('30 00 00').confirm();
    expect(ecu.take()).toEqual([WRITE_VIN_FF, WRITE_VIN_CF1, WRITE_VIN_CF2, 'sent']);
  });

  it('T04 OVERFLOW fails at once with the length, and nothing more is sent', () => {
    const ecu = recordMachine().send(WRITE_VIN).confirm().feed('32 00 00');
    ecu.feed(CTS).pass(5000);
    expect(ecu.take()).toEqual([WRITE_VIN_FF, 'not sent isotp/overflow']);
    expect(ecu.errors[0]?.details).toEqual({ lengthBytes: 20 });
  });

  it('T05 a reserved STmin (80) is kept as 127 ms', () => {
    const ecu = recordMachine().send(WRITE_VIN).confirm().feed('30 00 80').confirm().pass(126.9);
    expect(ecu.take()).toEqual([WRITE_VIN_FF, WRITE_VIN_CF1]);
    expect(ecu.pass(0.1).take()).toEqual([WRITE_VIN_CF2]);
  });

  it('T06 a first frame whose length fits a single frame is ignored: 7 with normal, 6 with extended addressing', () => {
    const normal = recordMachine().feed('10 07 01 02 03 04 05 06').feed('10 01 01 02 03 04 05 06');
    const bmw = recordMachine(BMW_12).feed('F1 10 06 01 02 03 04 05');
    expect([...normal.take(), ...bmw.take()]).toEqual([]);
    expect(recordMachine().feed('10 08 01 02 03 04 05 06').take().at(-1)).toBe('started 8');
    expect(recordMachine(BMW_12).feed('F1 10 07 01 02 03 04 05').take().at(-1)).toBe('started 7');
  });

  it('T06 the 32-bit escape length is ignored where 12 bits were enough (4095), accepted above (4096)', () => {
    expect(recordMachine().feed('10 00 00 00 0F FF 01 02').take()).toEqual([]);
    const ecu = recordMachine(undefined, { maxReceiveBytes: 4096 }).feed('10 00 00 00 10 00 01 02');
    expect(ecu.take()).toEqual([`> 7E0 ${CTS}`, 'started 4096']);
  });

  it('T06 a message above the configured maximum is answered with OVERFLOW and dropped; nothing is allocated for it', () => {
    const ecu = recordMachine(undefined, { maxReceiveBytes: 100 });
    ecu.feed('10 65 01 02 03 04 05 06').confirm().feed('21 07 08 09 0A 0B 0C 0D').feed('10 00 FF FF FF FF 01 02');
    expect(ecu.take()).toEqual([
      '> 7E0 32 00 00 CC CC CC CC CC',
      'failed isotp/message-too-long',
      '> 7E0 32 00 00 CC CC CC CC CC',
      'failed isotp/message-too-long',
    ]);
    expect(ecu.errors[1]?.details).toEqual({ lengthBytes: 0xffffffff, maxBytes: 100 });
  });

  it('T07 another ECU’s answer, another id width and another address byte are not ours', () => {
    const ecu = recordMachine().send('22 F1 90').confirm();
    ecu.feed('03 62 F1 90', 0x7e9);
    ecu.machine.onFrame({ id: 0x7e8, extended: true, data: Uint8Array.of(0x01, 0x62) }, 0);
    expect(ecu.take()).toEqual(['> 7E0 03 22 F1 90 CC CC CC CC', 'sent']);
    const bmw = recordMachine(BMW_12).feed('F4 02 7E 00').feed('12 02 7E 00').feed('F1 02 7E 00');
    expect(bmw.take()).toEqual(['message 7E 00']);
  });

  it('T07 another ECU’s consecutive frames do not get into our message', () => {
    const ecu = recordMachine().feed('10 0A 01 02 03 04 05 06').confirm();
    ecu.feed('21 E7 E8 E9 EA', 0x7e9).feed('21 07 08 09 0A');
    expect(ecu.take().at(-1)).toBe('message 01 02 03 04 05 06 07 08 09 0A');
  });
});
