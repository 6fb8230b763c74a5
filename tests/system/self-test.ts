/** The lane proves itself without the product: a minimal tester (www/worker.js) in the product's place. */
import { strict as assert } from 'node:assert';
import type { AdapterVariant, EcuName } from './device-process.ts';
import type { Harness } from './harness.ts';
import { ask, BCM_CODING, BCM_CODING_FOLDING, IDS, lane, type PortInfo, PRELUDE, root, VIN } from './lane-tester.ts';
import type { SystemTest } from './system-test.ts';
import { until } from './wait.ts';

/** A request and its answer as hex text without spaces. */
const request = (harness: Harness, ecu: EcuName, bytes: string, limitMs?: number): Promise<string> =>
  ask(harness, 'request', IDS[ecu][0], IDS[ecu][1], bytes, limitMs);

/** Opens the port in the worker and the channel at 500 kbit/s. */
async function connect(harness: Harness): Promise<void> {
  await ask(harness, 'open', 115_200);
  await ask(harness, 'text', 'S6\rO\r');
  await until('the open channel', async () => (await harness.stat()).adapter.channelOpen);
}

async function conversation(harness: Harness, ecu: EcuName, lines: readonly (readonly [string, string])[]) {
  for (const [bytes, answer] of lines) {
    assert.equal(await request(harness, ecu, bytes), answer.replaceAll(' ', ''), `answer to ${bytes}`);
  }
}

export const tests: readonly SystemTest[] = [
  lane('a worker opens the granted port and the device sees its rate and lines', async (h) => {
    const ports = await ask<readonly PortInfo[]>(h, 'ports');
    assert.deepEqual(ports, [{ usbVendorId: 0x04d8, usbProductId: 0x000a, object: 1 }]);
    assert.equal((await h.stat()).adapter.hostOpen, false);
    await ask(h, 'open', 500_000);
    const { adapter } = await until('the host at the port', async () => {
      const stat = await h.stat();
      return stat.adapter.hostOpen === true && stat;
    });
    assert.deepEqual([adapter.baud, adapter.dtr, adapter.rts], [500_000, true, true]);
    assert.equal(await ask(h, 'close'), 'ok');
    await until('the host gone', async () => (await h.stat()).adapter.hostOpen === false);
    await ask(h, 'open', 115_200);
    await until('the other rate', async () => (await h.stat()).adapter.baud === 115_200);
  }),

  {
    name: 'the real chooser is cancelled and then accepted, and the worker sees the port',
    start: { root, granted: false },
    async run(h) {
      assert.deepEqual(await ask(h, 'ports'), []);
      const requested = async (answer: 'accept' | 'cancel') => {
        await h.page.click('button');
        await h.chooser?.[answer]();
        return await h.page.evaluate(() => (globalThis as unknown as { requested: Promise<string> }).requested);
      };
      assert.equal(await requested('cancel'), 'NotFoundError');
      assert.deepEqual(JSON.parse(await requested('accept')), { usbVendorId: 0x04d8, usbProductId: 0x000a });
      assert.equal((await ask<readonly PortInfo[]>(h, 'ports')).length, 1);
    },
  },

  lane('the acknowledging adapter answers every line and refuses by BEL', async (h) => {
    await ask(h, 'open', 115_200);
    const lines = ['V', 'N', 'O', 'S7x', 'S6', 'O', 'O', 'S6', 'F', 't70E8023E00CCCCCCCCCC', 't70E8', 'Z1', 'C', 'C'];
    const answers = ['V0101', 'NCB01', 'BEL', 'BEL', 'OK', 'OK', 'BEL', 'BEL', 'F00', 'z', 'BEL', 'BEL', 'OK', 'BEL'];
    assert.deepEqual(await ask(h, 'commands', lines), answers);
    assert.deepEqual(await ask(h, 'commands', ['Z1', 'S6', 'O']), ['OK', 'OK', 'OK']);
    await ask(h, 'functional', '710', '3E 00', []);
    assert.match(await ask(h, 'take', 't77A'), /^t77A8027E00CCCCCCCCCC[0-9A-F]{4}$/);
  }),

  lane('the VIN comes from the gateway by flow control, and three identities differ', async (h) => {
    await connect(h);
    const vin = Buffer.from(VIN).toString('hex').toUpperCase();
    for (const ecu of ['bcm', 'cluster', 'gateway'] as const) {
      assert.equal(await request(h, ecu, '22 F1 90'), `62F190${vin}`);
    }
    await conversation(h, 'gateway', [
      ['22 F4 42', '62 F4 42 31 38'],
      ['22 F1 86', '62 F1 86 01'],
      ['22 F1 87', `62F187${Buffer.from('CBAY907530B').toString('hex').toUpperCase()}`],
      ['22 F1 88', '7F 22 31'],
    ]);
    await h.ecu({ do: 'voltage', mV: 13_800 });
    await conversation(h, 'gateway', [['22 F4 42', '62 F4 42 35 E8']]);
    assert.deepEqual((await h.requests('cluster')).slice(0, 1), ['22 F1 90']);
    assert.equal((await h.stat()).ecus.gateway.requests['22:F190'], 1);
  }),

  lane('functional requests reach all ECUs on both identifiers, and refusals stay silent', async (h) => {
    await connect(h);
    const all = ['778', '77E', '77A'];
    for (const id of ['700', '7DF']) {
      assert.deepEqual(await ask(h, 'functional', id, '3E 00', all), { 778: '7E00', '77E': '7E00', '77A': '7E00' });
    }
    assert.deepEqual(await ask(h, 'functional', '700', '22 F1 86', all), {
      778: '62F18601',
      '77E': '62F18601',
      '77A': '62F18601',
    });
    await ask(h, 'functional', '7DF', '3E 80', []);
    await ask(h, 'functional', '7DF', '31 01 02 03', []);
    await ask(h, 'functional', '7DF', '22 F1 88', []);
    await conversation(h, 'bcm', [['31 01 02 03', '7F 31 11']]);
    await until('six functional requests at every ECU', async () =>
      Object.values((await h.stat()).ecus).every(({ functional }) => functional === 6),
    );
    assert.equal((await h.stat()).wire.ecuFrames, 3 * 3 + 1);
  }),

  lane('refusals come in the order of the standard', async (h) => {
    await connect(h);
    await conversation(h, 'bcm', [
      ['22', '7F 22 13'],
      ['11', '7F 11 13'],
      ['23 24 00', '7F 23 11'],
      ['10 02', '7F 10 12'],
      ['10 03 00', '7F 10 13'],
      ['27 03', '7F 27 7F'],
      ['2E 06 00 09', '7F 2E 7F'],
      ['10 03', '50 03 00 32 01 F4'],
      ['2E 06', '7F 2E 13'],
      ['2E F1 90 00', '7F 2E 31'],
      ['2E 06 00 09', '7F 2E 13'],
      [`2E0600${BCM_CODING}`, '7F 2E 31'],
      ['2E F1 99 26 13 22', '7F 2E 31'],
    ]);
    await h.ecu({ do: 'voltage', mV: 8_900 });
    await conversation(h, 'bcm', [['2E F1 99 26 11 22', '7F 2E 93']]);
    await h.ecu({ do: 'voltage', mV: 16_100 });
    await conversation(h, 'bcm', [['2E F1 99 26 11 22', '7F 2E 92']]);
    await conversation(h, 'gateway', [
      ['10 03', '50 03 00 32 01 F4'],
      ['2E 06 00 01 16 A0 00 F4 33 80 02 00 77', '7F 2E 33'],
    ]);
    assert.deepEqual((await h.memory('bcm')).writes, []);
  }),

  lane('a block of 32 bytes is written after its prelude and is in the file before the answer', async (h) => {
    await connect(h);
    await conversation(h, 'bcm', [
      ['22 06 00', `620600${BCM_CODING}`],
      ...PRELUDE,
      [`2E0600${BCM_CODING.replace(/^09/, '08')}`, '7F 2E 31'],
      [`2E0600${BCM_CODING.replace(/^0959/, '095B')}`, '7F 2E 31'],
      [`2E0600${BCM_CODING_FOLDING}`, '6E 06 00'],
    ]);
    const memory = await h.memory('bcm');
    assert.equal(memory.dids['0600'], BCM_CODING_FOLDING);
    assert.deepEqual(
      memory.writes.map(({ did }) => did),
      ['F199', 'F198', '0600'],
    );
    await conversation(h, 'bcm', [
      ['22 06 00', `620600${BCM_CODING_FOLDING}`],
      ['10 03', '50 03 00 32 01 F4'],
      [`2E0600${BCM_CODING}`, '7F 2E 31'],
      ['11 02', '51 02'],
    ]);
    await until('the ECU after its reset', async () => (await h.stat()).ecus.bcm.session === 1);
    await until('an answer after the reset', async () => {
      const answer = await request(h, 'bcm', '22 F1 86', 300).catch(() => undefined);
      return answer === '62F18601';
    });
  }),

  lane('the session ends 5 s after the last request, and tester present keeps it', async (h) => {
    await connect(h);
    await conversation(h, 'cluster', [['10 03', '50 03 00 32 01 F4']]);
    await conversation(h, 'bcm', [['10 03', '50 03 00 32 01 F4']]);
    const began = performance.now();
    await until('the default session of the module that hears nothing', async () => {
      await ask(h, 'functional', '714', '3E 80', []);
      return (await h.stat()).ecus.bcm.session === 1;
    });
    const lasted = performance.now() - began;
    assert.ok(lasted > 4_500, `the session ended after ${lasted} ms`);
    await conversation(h, 'bcm', [['2E F1 99 26 11 22', '7F 2E 7F']]);
    await conversation(h, 'cluster', [['2E 06 00 43 91 00 37 A5 00 1C D8', '6E 06 00']]);
  }),

  lane(
    'security: key, zero seed when open, second wrong key locks, and the delay passes',
    async (h) => {
      await connect(h);
      const keyFor = (seed: string, mask = 0xa5a5a5a5) =>
        ((Number.parseInt(seed.slice(4), 16) ^ mask) >>> 0).toString(16).padStart(8, '0');
      await conversation(h, 'gateway', [['10 03', '50 03 00 32 01 F4']]);
      const seed = await request(h, 'gateway', '27 03');
      assert.match(seed, /^6703(?!00000000)/);
      await conversation(h, 'gateway', [
        [`2704${keyFor(seed)}`, '67 04'],
        ['27 03', '67 03 00 00 00 00'],
        [`2704${keyFor(seed)}`, '7F 27 24'],
        ['2E 06 00 01 96 A0 00 F4 33 80 02 00 77', '6E 06 00'],
        ['10 03', '50 03 00 32 01 F4'],
      ]);
      for (const refusal of ['7F2735', '7F2736']) {
        const other = await request(h, 'gateway', '27 03');
        assert.equal(await request(h, 'gateway', `2704${keyFor(other, 0)}`), refusal);
      }
      await conversation(h, 'gateway', [['27 03', '7F 27 37']]);
      await until('the end of the delay', async () => (await h.stat()).ecus.gateway.delayLeftMs === 0);
      assert.match(await request(h, 'gateway', '27 03'), /^6703/);
    },
    { lockoutMs: 700 },
  ),

  lane('faults are raised, read, held back by 85 02 and cleared in the file', async (h) => {
    await connect(h);
    await conversation(h, 'bcm', [
      ['19 02 09', '59 02 7F 9A 02 15 09 D1 00 87 08'],
      ['19 02 01', '59 02 7F 9A 02 15 09'],
      ['19 01 08', '59 01 7F 01 00 02'],
      ['19 06 FF', '7F 19 12'],
    ]);
    await h.ecu({ do: 'dtc', ecu: 'cluster', code: 'C14000', status: '2F' });
    await conversation(h, 'cluster', [
      ['19 02 08', '59 02 7F C1 40 00 2F'],
      ['10 03', '50 03 00 32 01 F4'],
      ['85 02 FF FF FF', 'C5 02'],
    ]);
    assert.equal((await h.ecu({ do: 'dtc', ecu: 'cluster', code: 'C15500', status: '2F' })).recorded, false);
    await conversation(h, 'cluster', [
      ['14 00 00 33', '7F 14 31'],
      ['14 FF FF FF', '54'],
    ]);
    assert.deepEqual((await h.memory('cluster')).dtcs, {});
  }),

  lane('unplugged while reading: NetworkError, disconnect, and a new port object after the replug', async (h) => {
    await connect(h);
    await h.unplug();
    const lost = await until('both signs of the loss', async () => {
      const happened = await ask<readonly string[]>(h, 'happened');
      return happened.length >= 2 && happened;
    });
    assert.deepEqual(lost.toSorted(), ['disconnect 1', 'read NetworkError: The device has been lost.']);
    assert.deepEqual(await ask(h, 'ports'), []);
    assert.match(await ask(h, 'reopenLost'), /Error/);
    await h.plug();
    await until('the connect event', async () => (await ask<readonly string[]>(h, 'happened')).includes('connect 2'));
    assert.deepEqual(
      (await ask<readonly PortInfo[]>(h, 'ports')).map(({ object }) => object),
      [2],
    );
    await connect(h);
    await conversation(h, 'gateway', [['3E 00', '7E 00']]);
  }),

  ...[0, 1, 3, 5].map((frame) =>
    lane(`a cut after frame ${frame} of 6 of a write leaves the memory as it was`, async (h) => {
      await connect(h);
      await conversation(h, 'bcm', PRELUDE);
      await h.ecu({ do: 'rule', kind: 'cut-frame', ecu: 'bcm', did: '0600', frame });
      const outcome = request(h, 'bcm', `2E0600${BCM_CODING_FOLDING}`).catch((error: unknown) => String(error));
      assert.deepEqual(await h.event('cut'), { event: 'cut', kind: 'cut-frame', ecu: 'bcm', frame, total: 6 });
      assert.match(await outcome, /Error/);
      const memory = await h.memory('bcm');
      assert.equal(memory.dids['0600'], BCM_CODING);
      assert.equal(memory.writes.length, 2);
      assert.equal((await h.stat()).ecus.bcm.requests['2E:0600'], undefined);
      const trace = (await h.ecu({ do: 'trace' })).trace as string[];
      const ofTheWrite = trace.slice(trace.findIndex((line) => line.includes('< 778 03 6E F1 98')) + 1);
      const carried = ofTheWrite.filter((line) => /> 70E [12]/.test(line));
      assert.equal(carried.length, frame);
    }),
  ),

  lane('a cut after the ECU executed and before its answer leaves the new bytes in the memory', async (h) => {
    await connect(h);
    await conversation(h, 'bcm', PRELUDE);
    await h.ecu({ do: 'rule', kind: 'cut-executed', ecu: 'bcm', did: '0600' });
    const outcome = request(h, 'bcm', `2E0600${BCM_CODING_FOLDING}`).catch((error: unknown) => String(error));
    const cut = await h.event('cut');
    assert.equal(cut.request, `2E0600${BCM_CODING_FOLDING}`);
    assert.equal((await h.memory('bcm')).dids['0600'], BCM_CODING_FOLDING);
    assert.match(await outcome, /Error/);
    await h.plug();
    await until('the connect event', async () => (await ask<readonly string[]>(h, 'happened')).includes('connect 2'));
    await connect(h);
    await conversation(h, 'bcm', [['22 06 00', `620600${BCM_CODING_FOLDING}`]]);
  }),

  lane('rules make an ECU silent, slow, pending, busy or lose its answer', async (h) => {
    await connect(h);
    await h.ecu({ do: 'rule', kind: 'nrc', ecu: 'bcm', sid: '22', nrc: '21', count: 2 });
    await conversation(h, 'bcm', [
      ['22 F1 86', '7F 22 21'],
      ['22 F1 86', '7F 22 21'],
      ['22 F1 86', '62 F1 86 01'],
    ]);
    await h.ecu({ do: 'rule', kind: 'pending', ecu: 'cluster', sid: '3E', times: 2, ms: 50 });
    assert.equal(await request(h, 'cluster', '3E 80'), '7F3E78');
    assert.equal(await ask(h, 'next', ...IDS.cluster), '7F3E78');
    assert.equal(await ask(h, 'next', ...IDS.cluster), '7E00');
    await h.ecu({ do: 'rule', kind: 'delay', ecu: 'cluster', sid: '3E', ms: 400 });
    await assert.rejects(request(h, 'cluster', '3E 00', 200), /no answer/);
    assert.equal(await ask(h, 'next', ...IDS.cluster), '7E00');
    await h.ecu({ do: 'rule', kind: 'ignore', ecu: 'cluster', sid: '10', skip: 1 });
    await conversation(h, 'cluster', [['10 03', '50 03 00 32 01 F4']]);
    await assert.rejects(request(h, 'cluster', '10 01', 200), /no answer/);
    assert.equal((await h.stat()).ecus.cluster.session, 3);
    await h.ecu({ do: 'rule', kind: 'lose-answer', ecu: 'cluster', sid: '10' });
    await assert.rejects(request(h, 'cluster', '10 01', 200), /no answer/);
    await until('the executed session change', async () => (await h.stat()).ecus.cluster.session === 1);
    assert.deepEqual((await h.stat()).rules, []);
    await assert.rejects(h.ecu({ do: 'set', ecu: 'bcm', did: '0600', hex: 'xx' }), /ValueError/);
  }),

  lane('nobody answers with the ignition off, at another bit rate or from a wrong UART rate', async (h) => {
    await connect(h);
    await h.ecu({ do: 'ignition', on: false });
    await assert.rejects(request(h, 'bcm', '3E 00', 300), /no answer/);
    await h.ecu({ do: 'ignition', on: true });
    await conversation(h, 'bcm', [['3E 00', '7E 00']]);
    const before = (await h.stat()).wire.testerFrames;
    assert.deepEqual(await ask(h, 'commands', ['C', 'S5', 'O']), ['OK', 'OK', 'OK']);
    await assert.rejects(request(h, 'bcm', '3E 00', 300), /no answer/);
    const { wire, adapter } = await h.stat();
    assert.deepEqual([wire.testerFrames, adapter.queued, wire.busErrors], [before, 1, 1]);
    assert.deepEqual(await ask(h, 'commands', ['F']), ['F80']);
  }),

  lane(
    'a real UART answers garbage at a wrong rate',
    async (h) => {
      await ask(h, 'open', 57_600);
      await ask(h, 'text', 'V\r');
      await until('garbage', async () => (await ask<number>(h, 'received')) > 0);
      assert.deepEqual(await ask(h, 'tokens'), []);
      assert.equal((await h.stat()).adapter.lines, 0);
      assert.equal(await ask(h, 'close'), 'ok');
      await ask(h, 'open', 115_200);
      assert.deepEqual(await ask(h, 'commands', ['V']), ['V0101']);
    },
    { uartBaud: 115_200 },
  ),

  noAck('the adapter without acknowledgement answers V only and repeats its last line on a bare return', async (h) => {
    await ask(h, 'open', 115_200);
    await ask(h, 'text', 'C\rA1\rM0\rS6\rO\rV\r');
    assert.match(await ask(h, 'take', ''), /^[0-9a-f]{7} github\.com\/normaldotcom\/canable/);
    await conversation(h, 'gateway', [['3E 00', '7E 00']]);
    await ask(h, 'text', '\r');
    assert.equal(await ask(h, 'next', ...IDS.gateway), '7E00');
    assert.deepEqual(await ask(h, 'tokens'), []);
    assert.equal((await h.stat()).ecus.gateway.requests['3E'], 2);
  }),

  noAck('without acknowledgement a burst beyond 27 frames is lost without a word', async (h) => {
    await connect(h);
    const burst = (frames: number) => ask(h, 'text', 't123811223344556677AA\r'.repeat(frames));
    await burst(27);
    const calm = await until('an empty queue', async () => {
      const { wire } = await h.stat();
      return wire.testerFrames === 27 && wire;
    });
    assert.deepEqual([calm.offered, calm.dropped], [27, 0]);
    await burst(240);
    const full = await until('an empty queue again', async () => {
      const { wire, adapter } = await h.stat();
      return wire.offered === 267 && adapter.queued === 0 && wire.testerFrames + wire.dropped === 267 && wire;
    });
    assert.ok(full.dropped > 0, `${full.dropped} frames dropped`);
    assert.equal(full.queuePeak, 27);
    assert.deepEqual(await ask(h, 'tokens'), []);
  }),

  noAck('frames take their time on the wire', async (h) => {
    await connect(h);
    await ask(h, 'text', 't123811223344556677AA\r'.repeat(27));
    await until('an empty queue', async () => (await h.stat()).wire.testerFrames === 27);
    const trace = (await h.ecu({ do: 'trace' })).trace as string[];
    const at = trace.map((line) => Number(/^@([\d.]+)/.exec(line)?.[1]));
    const frameMs = (await h.stat()).wire.testerBusyUs / 27 / 1000;
    assert.ok(frameMs > 0.222 && frameMs < 0.27, `${frameMs} ms for 8 bytes at 500 kbit/s`);
    const took = (at.at(-1) ?? 0) - (at[0] ?? 0);
    assert.ok(took >= 25.5 * frameMs, `26 frames took ${took} ms`);
  }),

  lane('the car remembers when the browser is started again on its profile', async (h) => {
    await connect(h);
    await conversation(h, 'bcm', PRELUDE);
    await h.restartBrowser();
    await connect(h);
    await conversation(h, 'bcm', [['22 F1 99', '62 F1 99 26 11 22']]);
  }),
];

function noAck(name: string, run: (harness: Harness) => Promise<void>): SystemTest {
  const adapter: AdapterVariant = 'no-ack';
  return lane(name, run, { adapter });
}
