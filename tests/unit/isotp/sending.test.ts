import { describe, expect, it } from 'vitest';
import { toHex } from '#base/hex.ts';
import { StackError } from '#contract/errors.ts';
import { recordMachine } from './machine-recorder.ts';

/** 34 bytes 01…22: a first frame with 6 and four consecutive frames with 7 bytes each. */
const LONG = toHex(Uint8Array.from({ length: 34 }, (_, i) => i + 1));
const FF = '> 7E0 10 22 01 02 03 04 05 06';
const CF1 = '> 7E0 21 07 08 09 0A 0B 0C 0D';
const CF2 = '> 7E0 22 0E 0F 10 11 12 13 14';
const CF3 = '> 7E0 23 15 16 17 18 19 1A 1B';
const CF4 = '> 7E0 24 1C 1D 1E 1F 20 21 22';

const waiting = (bitRate: number | null = null) => {
  const ecu = recordMachine(undefined, {}, bitRate).send(LONG).confirm();
  ecu.take();
  return ecu;
};

describe('sending a segmented message', () => {
  it('BS 0 and STmin 0: everything in one batch', () => {
    expect(waiting().feed('30 00 00').confirm().take()).toEqual([CF1, CF2, CF3, CF4, 'sent']);
  });

  it('takes both BS and STmin from every CTS', () => {
    const ecu = waiting().feed('30 02 00').confirm();
    expect(ecu.take()).toEqual([CF1, CF2]);
    ecu.feed('30 01 05').pass(4.9);
    expect(ecu.take()).toEqual([]);
    ecu.pass(0.1).confirm();
    expect(ecu.take()).toEqual([CF3]);
    ecu.pass(6).feed('30 00 00').confirm();
    expect(ecu.take()).toEqual([CF4, 'sent']);
  });

  it('counts STmin from the moment the frame has left the wire, not from its hand-over', () => {
    const ecu = waiting().feed('30 00 01').pass(3).confirm();
    expect(ecu.machine.nextFrameAtMs).toBe(4);
    expect(ecu.take()).toEqual([CF1]);
  });

  it('a reserved flow status ends it with its number', () => {
    const ecu = waiting().feed('35 00 00');
    expect(ecu.take()).toEqual(['not sent isotp/invalid-fs']);
    expect(ecu.errors[0]?.details).toEqual({ flowStatus: 5 });
  });

  it('a flow control of fewer than 3 bytes does not start anything; N_Bs ends it with what was sent', () => {
    const ecu = waiting().feed('30 00').feed('30').pass(999);
    expect(ecu.take()).toEqual([]);
    ecu.pass(1);
    expect(ecu.take()).toEqual(['not sent isotp/timeout-n-bs']);
    expect(ecu.errors[0]?.details).toEqual({ timeoutMs: 1000, sentBytes: 6 });
  });

  it('N_Bs starts with the confirmation of the first frame', () => {
    const ecu = recordMachine().send(LONG).pass(600).confirm().pass(999);
    expect(ecu.take()).toEqual([FF]);
    expect(ecu.pass(1).take()).toEqual(['not sent isotp/timeout-n-bs']);
  });

  it('N_Bs runs after each block', () => {
    const ecu = waiting().feed('30 02 00').confirm().pass(1000);
    expect(ecu.take()).toEqual([CF1, CF2, 'not sent isotp/timeout-n-bs']);
    expect(ecu.errors[0]?.details).toEqual({ timeoutMs: 1000, sentBytes: 20 });
  });

  it('N_As: a frame the adapter never confirms ends it, and a late confirmation changes nothing', () => {
    const ecu = recordMachine().send('22 F1 90').pass(1000);
    expect(ecu.take()).toEqual(['> 7E0 03 22 F1 90 CC CC CC CC', 'not sent isotp/timeout-n-as']);
    ecu.confirm().send('3E 00');
    expect(ecu.take()).toEqual(['> 7E0 02 3E 00 CC CC CC CC CC']);
  });

  it('a confirmation of an earlier message’s frame does not confirm the next message', () => {
    const ecu = recordMachine().send('22 F1 90');
    const [late = 0] = ecu.unconfirmed;
    ecu.pass(1000).send('3E 00').take();
    ecu.machine.confirmed(late, ecu.nowMs, ecu.nowMs);
    expect(ecu.take()).toEqual([]);
    expect(ecu.confirm().take()).toEqual(['sent']);
  });

  it('N_As is per frame: a batch of 585 frames may take longer than 1000 ms, but not for ever', () => {
    const ecu = recordMachine();
    ecu.machine.send(new Uint8Array(4095), 0);
    ecu.confirm().feed('30 00 00').take();
    ecu.pass(5000);
    expect(ecu.take()).toEqual([]);
    expect(ecu.pass(1000).take()).toEqual(['not sent isotp/timeout-n-as']);
  });

  it('the adapter’s error ends it', () => {
    const ecu = recordMachine()
      .send(LONG)
      .refuse(new StackError('can/bus-error', 'bus off', { flags: '80' }));
    expect(ecu.take()).toEqual([FF, 'not sent can/bus-error']);
  });

  it('a cancelled message sends nothing more, whatever the ECU says', () => {
    const ecu = waiting().feed('30 01 0A').confirm();
    ecu.machine.cancelSend();
    ecu.pass(100).feed('30 00 00').pass(2000);
    expect(ecu.take()).toEqual([CF1]);
  });

  it('above 4095 bytes the first frame carries the escape length, up to the configured maximum', () => {
    const ecu = recordMachine(undefined, { maxSendBytes: 5000 });
    ecu.machine.send(new Uint8Array(4096).fill(0xab), 0);
    expect(ecu.take()).toEqual(['> 7E0 10 00 00 00 10 00 AB AB']);
    const refused = expect.objectContaining({
      code: 'isotp/message-too-long',
      details: { lengthBytes: 5001, maxBytes: 5000 },
    });
    expect(() => recordMachine(undefined, { maxSendBytes: 5000 }).machine.send(new Uint8Array(5001), 0)).toThrow(
      refused,
    );
    expect(() => recordMachine().machine.send(new Uint8Array(4096), 0)).toThrow(
      expect.objectContaining({ code: 'isotp/message-too-long' }),
    );
  });

  it('a second message at the same time is busy, an empty one no message', () => {
    expect(() => waiting().send('3E 00')).toThrow(expect.objectContaining({ code: 'isotp/busy' }));
    expect(() => recordMachine().send('')).toThrow(RangeError);
  });
});

describe('what arrives while we send', () => {
  it('a single frame instead of the flow control is the ECU’s refusal: stop and deliver', () => {
    const ecu = waiting().feed('03 7F 2E 33 AA AA AA AA').feed('30 00 00').pass(2000);
    expect(ecu.take()).toEqual(['not sent isotp/refused-while-sending', 'message 7F 2E 33']);
    expect(ecu.errors[0]?.details).toEqual({ frame: '03 7F 2E 33 AA AA AA AA' });
  });

  it('the refusal may come instead of the flow control of a later block', () => {
    const ecu = waiting().feed('30 02 00').confirm().feed('03 7F 36 72');
    expect(ecu.take()).toEqual([CF1, CF2, 'not sent isotp/refused-while-sending', 'message 7F 36 72']);
  });

  it('a malformed single frame is no refusal; first and consecutive frames and unknown PCIs are ignored', () => {
    const ecu = waiting()
      .feed('00')
      .feed('10 14 62 F1 90 57 42 41')
      .feed('21 01 02')
      .feed('70 00')
      .feed('30 00 00')
      .confirm();
    expect(ecu.take()).toEqual([CF1, CF2, CF3, CF4, 'sent']);
  });

  it('the flow control may come before the adapter confirms the first frame', () => {
    const ecu = recordMachine().send(LONG).feed('30 00 00');
    expect(ecu.take()).toEqual([FF]);
    expect(ecu.confirm().take()).toEqual([CF1, CF2, CF3, CF4]);
  });

  it('so may the refusal', () => {
    const ecu = recordMachine().send(LONG).feed('03 7F 2E 7F').confirm();
    expect(ecu.take()).toEqual([FF, 'not sent isotp/refused-while-sending', 'message 7F 2E 7F']);
  });

  it('an answer before our last frame is confirmed is queued, not discarded', () => {
    const ecu = waiting().feed('30 00 00').feed('03 6E 06 00');
    expect(ecu.take()).toEqual([CF1, CF2, CF3, CF4]);
    expect(ecu.confirm().take()).toEqual(['sent', 'message 6E 06 00']);
  });

  it('a segmented answer before our single frame is confirmed is queued, and gets its flow control then', () => {
    const ecu = recordMachine().send('22 F1 90').feed('10 08 62 F1 90 57 42 41');
    expect(ecu.take()).toEqual(['> 7E0 03 22 F1 90 CC CC CC CC']);
    ecu.confirm();
    expect(ecu.take()).toEqual(['sent', '> 7E0 30 00 00 CC CC CC CC CC', 'started 8']);
  });

  it('an answer is delivered even when the confirmation never comes', () => {
    const ecu = recordMachine().send('22 F1 90').feed('03 7F 22 31').pass(1000);
    expect(ecu.take().slice(1)).toEqual(['not sent isotp/timeout-n-as', 'message 7F 22 31']);
  });

  it('an answer that was queued is delivered when the message is cancelled', () => {
    const ecu = recordMachine().send('22 F1 90').feed('03 7F 22 31');
    ecu.machine.cancelSend();
    expect(ecu.take().slice(1)).toEqual(['message 7F 22 31']);
  });

  it('queued frames keep their bytes when the driver uses its buffer again, and there are at most 8', () => {
    const ecu = recordMachine().send('22 F1 90');
    const data = new Uint8Array(8);
    for (let i = 1; i <= 20; i++) {
      data.set([0x02, 0x62, i]);
      ecu.machine.onFrame({ id: 0x7e8, extended: false, data }, 0);
    }
    ecu.confirm();
    expect(ecu.take().slice(2)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((i) => `message 62 0${i}`));
  });

  it('frames between our consecutive frames are ignored: half duplex', () => {
    const ecu = waiting().feed('30 00 0A').confirm();
    ecu.feed('03 7F 2E 10').feed('30 00 00').feed('10 14 62 F1 90 57 42 41').feed('21 00');
    expect(ecu.take()).toEqual([CF1]);
    ecu.pass(10).confirm().pass(10).confirm().pass(10).confirm();
    expect(ecu.take()).toEqual([CF2, CF3, CF4, 'sent']);
  });

  it('a doubled flow control does not let a second block go: it came before the block can have left the wire', () => {
    const ecu = waiting(500_000).feed('30 02 00').pass(0.1).feed('30 02 00').pass(0.4).confirm();
    expect(ecu.take()).toEqual([CF1, CF2]);
    expect(ecu.feed('30 02 00').take()).toEqual([CF3, CF4]);
  });

  it('a flow control after the block left the wire but before its confirmation counts', () => {
    const ecu = waiting(500_000).feed('30 02 00').pass(0.5).feed('30 02 00').pass(1).confirm();
    expect(ecu.take()).toEqual([CF1, CF2, CF3, CF4]);
  });
});
