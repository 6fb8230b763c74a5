/** The lane proves its command interpreters: ELM327, its clone and STN, with the minimal tester and without the product. */
import { strict as assert } from 'node:assert';
import type { EcuName, InterpreterVariant } from './device-process.ts';
import type { Harness } from './harness.ts';
import { ask, BCM_CODING, BCM_CODING_FOLDING, IDS, lane, type PortInfo, PRELUDE, VIN } from './lane-tester.ts';
import type { SystemTest } from './system-test.ts';
import { until } from './wait.ts';

const ELMS: readonly InterpreterVariant[] = ['elm-genuine', 'elm-1.4b', 'elm-clone'];
const RATES: Readonly<Record<InterpreterVariant, number>> = {
  'elm-genuine': 38_400,
  'elm-1.4b': 38_400,
  'elm-clone': 38_400,
  stn: 115_200,
};
const VIN_ANSWER = `62F190${Buffer.from(VIN).toString('hex').toUpperCase()}`;
const STN_SETUP = ['ATE0', 'ATS0', 'ATH1', 'ATAL', 'STP33', 'STCSEGR1', 'STCSEGT1', 'ATCAF1', 'STCTOR1000,1000'];

/** The answer of the device to one command, its lines. */
const at = (h: Harness, command: string, limitMs?: number) => ask<readonly string[]>(h, 'ask', command, limitMs);

async function answers(h: Harness, pairs: readonly (readonly [string, string])[]) {
  for (const [command, answer] of pairs) {
    assert.equal((await at(h, command)).join(' | '), answer, `answer to ${command}`);
  }
}

async function open(h: Harness, variant: InterpreterVariant): Promise<void> {
  await ask(h, 'open', RATES[variant]);
  await at(h, 'ATE0');
}

/** The ELM with whole frames towards one ECU. */
async function towards(h: Harness, variant: InterpreterVariant, ecu: EcuName): Promise<void> {
  await open(h, variant);
  await ask(h, 'setUp', ...IDS[ecu]);
}

const elm = (h: Harness, ecu: EcuName, bytes: string) => ask<string>(h, 'elmRequest', IDS[ecu][1], bytes);

/** The STN with whole messages towards one ECU. */
async function stnTowards(h: Harness, ecu: EcuName): Promise<void> {
  const [request, response] = IDS[ecu];
  await open(h, 'stn');
  for (const command of [...STN_SETUP, `ATSH${request}`, `ATCRA${response}`, `STCFCPA${request},${response}`]) {
    assert.deepEqual(await at(h, command), ['OK'], command);
  }
}

const stn = async (h: Harness, ecu: EcuName, bytes: string) =>
  (await at(h, `STPX D:${bytes}, R:1, T:2000`)).join(' | ').replace(IDS[ecu][1], '');

const interpreters = (
  name: string,
  variants: readonly InterpreterVariant[],
  run: (h: Harness, variant: InterpreterVariant) => Promise<void>,
): readonly SystemTest[] =>
  variants.map((adapter) => lane(`${adapter}: ${name}`, (harness) => run(harness, adapter), { adapter }));

async function noEvents(h: Harness, ...names: readonly string[]) {
  for (const name of names) assert.deepEqual(h.unread(name), []);
}

export const tests: readonly SystemTest[] = [
  ...interpreters('names itself, echoes until told otherwise, and knows what its version knows', ELMS, async (h, v) => {
    await ask(h, 'open', RATES[v]);
    const name = { 'elm-genuine': 'v2.1', 'elm-1.4b': 'v1.4b', 'elm-clone': 'v1.5', stn: '' }[v];
    await answers(h, [
      ['ATZ', `ATZ | ELM327 ${name}`],
      ['at e0', 'at e0 | OK'],
      ['ATI', `ELM327 ${name}`],
      ['AT@1', 'OBDII to RS232 Interpreter'],
      ['STI', '?'],
      ['ATCTM5', v === 'elm-genuine' ? 'OK' : '?'],
      ['ATAMC', v === 'elm-genuine' ? '00' : '?'],
      ['ATCSM0', v === 'elm-clone' ? '?' : 'OK'],
      ['ATRV', v === 'elm-clone' ? '12.0V' : '12.6V'],
      ['ATFCSM1', '?'],
      ['ATFCSH70E', 'OK'],
      ['ATFCSD300000', 'OK'],
      ['ATFCSM1', 'OK'],
      ['ATSP6', 'OK'],
      ['ATDPN', '6'],
      ['ATQQ', '?'],
      ['C', '?'],
      ['not hex', '?'],
    ]);
    const identity = (await ask<readonly PortInfo[]>(h, 'ports'))[0];
    assert.deepEqual(
      [identity?.usbVendorId, identity?.usbProductId],
      v === 'elm-clone' ? [0x1a86, 0x7523] : [0x10c4, 0xea60],
    );
    assert.equal((await h.stat()).wire.testerFrames, 0);
    await noEvents(h, 'repeat', 'stopped');
  }),

  ...interpreters('the VIN in three frames, formatted and raw, by flow control of the chip', ELMS, async (h, v) => {
    await towards(h, v, 'gateway');
    assert.equal(await elm(h, 'gateway', '22 F1 90'), VIN_ANSWER);
    await answers(h, [
      ['03 22 F1 86 00000000', '77A0462F18601CCCCCC'],
      ['ATCAF1', 'OK'],
      ['ATH0', 'OK'],
      ['ATS1', 'OK'],
      ['22F190', '014 | 0: 62 F1 90 30 43 42 | 1: 53 59 53 54 45 58 30 | 2: 30 30 30 30 30 34 32'],
      ['22F1861', '62 F1 86 01'],
      ['2E0600010203040506', '?'],
      ['ATCFC0', 'OK'],
      ['22F190', '014 | 0: 62 F1 90 30 43 42'],
    ]);
    const trace = (await h.ecu({ do: 'trace' })).trace as string[];
    assert.equal(trace.filter((line) => line.endsWith('> 710 30 00 00 00 00 00 00 00')).length, 2);
    await noEvents(h, 'repeat', 'stopped');
  }),

  ...interpreters('a block of 32 bytes goes in frame by frame, by hand', ['elm-genuine', 'elm-clone'], async (h, v) => {
    await towards(h, v, 'bcm');
    for (const [request, answer] of PRELUDE) assert.equal(await elm(h, 'bcm', request), answer.replaceAll(' ', ''));
    assert.equal(await elm(h, 'bcm', `2E0600${BCM_CODING_FOLDING}`), '6E0600');
    assert.equal((await h.memory('bcm')).dids['0600'], BCM_CODING_FOLDING);
    assert.equal(await elm(h, 'bcm', '22 06 00'), `620600${BCM_CODING_FOLDING}`);
    await noEvents(h, 'repeat', 'stopped');
  }),

  lane(
    'elm-clone: a change of the protocol loses formatting, blanks and long messages',
    async (h) => {
      await towards(h, 'elm-clone', 'gateway');
      await answers(h, [
        ['03 22 F1 86 00000000', '77A0462F18601CCCCCC'],
        ['ATSP6', 'OK'],
        ['0322F18600000000', '?'],
        ['22F186', '77A 04 62 F1 86 01'],
      ]);
    },
    { adapter: 'elm-clone' },
  ),

  ...interpreters(
    'a bare carriage return runs the last command again, and the test hears of it',
    ['elm-genuine', 'elm-clone'],
    async (h, v) => {
      await towards(h, v, 'gateway');
      await at(h, '02 3E 00 0000000000');
      assert.deepEqual(await at(h, ''), ['77A027E00CCCCCCCCCC']);
      assert.deepEqual(h.unread('repeat'), [{ event: 'repeat', command: '023E000000000000', garbled: false }]);
      assert.equal((await h.stat()).ecus.gateway.requests['3E'], 2);
      assert.equal((await h.stat()).adapter.repeats, 1);
    },
  ),

  ...interpreters('a byte before the prompt stops what runs', ['elm-clone', 'stn'], async (h, v) => {
    await open(h, v);
    await at(h, 'ATSP6');
    await at(h, 'ATSTFF');
    await ask(h, 'text', '3E00\r');
    await until('the request on the bus', async () => (await h.stat()).wire.testerFrames === 1);
    await ask(h, 'text', ' ');
    assert.match(await ask<string>(h, 'upTo', '>'), /^STOPPED\r\r>$/);
    assert.deepEqual(h.unread('stopped'), [{ event: 'stopped', command: '3E00', byte: '20' }]);
    assert.equal((await at(h, 'ATI')).length, 1);
    await noEvents(h, 'repeat');
  }),

  ...interpreters(
    'at a wrong rate both sides hear rubbish, and the right one is found by trying',
    ['elm-genuine', 'stn'],
    async (h, v) => {
      for (const rate of [9_600, 57_600, 230_400]) {
        await ask(h, 'open', rate);
        await assert.rejects(at(h, 'ATI', 400), /no >|no answer/);
        assert.equal(await ask(h, 'close'), 'ok');
      }
      await ask(h, 'open', RATES[v]);
      await until('its name', async () =>
        (await at(h, 'ATI', 400).catch(() => [])).some((line) => line.startsWith('ELM327')),
      );
      assert.equal((await h.stat()).wire.testerFrames, 0);
      assert.ok((await h.serial()).some((line) => line.includes('bytes at 9600 bit/s heard at')));
    },
  ),

  lane(
    'elm-genuine: bytes take the time of the line, in and out: 3.8 of them in a millisecond at 38400 bit/s',
    async (h) => {
      await open(h, 'elm-genuine');
      /** The quickest of ten: the machine may be busy, the line is not. */
      const quickest = async (command: string) => {
        let ms = Number.POSITIVE_INFINITY;
        let characters = 0;
        for (let time = 0; time < 10; time++) {
          const began = performance.now();
          characters = (await at(h, command)).join('\r').length;
          ms = Math.min(ms, performance.now() - began);
        }
        return { ms, characters };
      };
      const short = await quickest('ATI');
      const table = await quickest('ATPPS'); // the same but for what is printed
      const outMs = (table.characters - short.characters) / 3.84;
      assert.ok(table.ms - short.ms > 0.7 * outMs, `${table.ms} and ${short.ms} ms, ${outMs} ms between them`);
      const began = performance.now();
      assert.deepEqual(await at(h, 'F'.repeat(250)), ['?']);
      assert.ok(performance.now() - began > 250 / 3.84, 'a long line is not heard at once');
    },
    { adapter: 'elm-genuine' },
  ),

  lane(
    'an answer that is pending: v2.1 waits for it, v1.5 gives up and finds it by monitoring',
    async (h) => {
      await towards(h, 'elm-clone', 'cluster');
      await h.ecu({ do: 'rule', kind: 'pending', ecu: 'cluster', sid: '3E', times: 1, ms: 700 });
      assert.deepEqual(await at(h, '02 3E 00 0000000000'), ['77E037F3E78CCCCCCCC']);
      await ask(h, 'text', 'ATMA\r');
      assert.match(await ask<string>(h, 'upTo', '7E00'), /77E027E00$/);
      await ask(h, 'text', ' ');
      assert.match(await ask<string>(h, 'upTo', '>'), /STOPPED/);
    },
    { adapter: 'elm-clone' },
  ),

  lane(
    'elm-genuine: NRC 78 makes it wait longer, and a count of answers takes the pending one for the answer',
    async (h) => {
      await towards(h, 'elm-genuine', 'cluster');
      const pending = { do: 'rule', kind: 'pending', ecu: 'cluster', sid: '3E', times: 1, ms: 700 } as const;
      await h.ecu(pending);
      assert.deepEqual(await at(h, '02 3E 00 0000000000'), ['77E037F3E78CCCCCCCC', '77E027E00CCCCCCCCCC']);
      await h.ecu(pending);
      assert.deepEqual(await at(h, '02 3E 00 00000000 1'), ['77E037F3E78CCCCCCCC']);
    },
    { adapter: 'elm-genuine' },
  ),

  lane(
    'elm-genuine: another bit rate, other protocols and no protocol end in the words of the device',
    async (h) => {
      await open(h, 'elm-genuine');
      await answers(h, [
        ['ATSP8', 'OK'],
        ['3E00', 'CAN ERROR'],
        ['ATSP3', 'OK'],
        ['3E00', 'BUS INIT: ...ERROR'],
        ['ATSP6', 'OK'],
        ['ATCRA123', 'OK'],
        ['3E00', 'NO DATA'],
        ['ATR0', 'OK'],
      ]);
      assert.deepEqual(await at(h, '3E00'), []);
      assert.equal((await h.stat()).adapter.canBitrate, 500_000);
    },
    { adapter: 'elm-genuine' },
  ),

  lane(
    'elm-genuine: it restarts itself and everything it was told is forgotten',
    async (h) => {
      await towards(h, 'elm-genuine', 'bcm');
      for (const [request] of PRELUDE) await elm(h, 'bcm', request);
      await h.ecu({ do: 'rule', kind: 'reset-frame', ecu: 'bcm', did: '0600', frame: 2 });
      const outcome = elm(h, 'bcm', `2E0600${BCM_CODING_FOLDING}`).catch((error: unknown) => String(error));
      await h.event('reset');
      await outcome;
      assert.equal((await h.memory('bcm')).dids['0600'], BCM_CODING);
      assert.ok((await h.serial()).some((line) => line.endsWith('< ELM327 v2.1')));
      assert.deepEqual(await at(h, 'ATI'), ['ATI', 'ELM327 v2.1']);
    },
    { adapter: 'elm-genuine' },
  ),

  lane(
    'stn: names, voltage and whole messages both ways: VIN, prelude, a block of 32 bytes by STPX',
    async (h) => {
      await stnTowards(h, 'bcm');
      await answers(h, [
        ['ATI', 'ELM327 v1.4b'],
        ['STI', 'STN2120 v5.6.5'],
        ['STDI', 'ELS27 r5.0'],
        ['STSN', '212000000042'],
        ['STVR', '12.60'],
        ['STQQ', '?'],
        ['STPX H:70E,Q:1', '?'],
        ['22F190', `778${VIN_ANSWER}`],
      ]);
      for (const [request, answer] of PRELUDE) assert.equal(await stn(h, 'bcm', request), answer.replaceAll(' ', ''));
      assert.equal(await stn(h, 'bcm', `2E0600${BCM_CODING_FOLDING}`), '6E0600');
      assert.equal((await h.memory('bcm')).dids['0600'], BCM_CODING_FOLDING);
      assert.deepEqual(
        (await ask<readonly PortInfo[]>(h, 'ports')).map(({ usbVendorId, usbProductId }) => [
          usbVendorId,
          usbProductId,
        ]),
        [[0x0403, 0x6015]],
      );
      await noEvents(h, 'repeat', 'stopped');
    },
    { adapter: 'stn' },
  ),

  lane(
    'stn: the data of a long request after DATA>, too long a message, and a partner without flow control',
    async (h) => {
      await stnTowards(h, 'bcm');
      await ask(h, 'text', 'STPX H:70E, L:9, R:1, T:1000\r');
      await ask(h, 'upTo', 'DATA>');
      await ask(h, 'text', '22F190F187F18CF189');
      const all = await ask<string>(h, 'upTo', '>');
      assert.match(all, new RegExp(`^778${VIN_ANSWER}F187`));
      await answers(h, [
        ['STPX H:70E, L:4096', 'OUT OF MEMORY'],
        ['STPX H:123, D:22F190F187F18CF189', 'FC RX TIMEOUT'],
        ['STCSEGT0', 'OK'],
        ['22F190F187F18CF189', '?'],
      ]);
      await noEvents(h, 'repeat', 'stopped');
    },
    { adapter: 'stn' },
  ),

  lane(
    'stn: STSBR changes the rate between OK and prompt',
    async (h) => {
      await open(h, 'stn');
      await answers(h, [['STBRT 500', 'OK']]);
      await ask(h, 'text', 'STSBR 500000\r');
      await ask(h, 'upTo', 'OK');
      assert.equal(await ask(h, 'close'), 'ok');
      await ask(h, 'open', 500_000);
      await ask(h, 'upTo', '>');
      assert.deepEqual(await at(h, 'STI'), ['STN2120 v5.6.5']);
      assert.equal((await h.stat()).adapter.deviceBaud, 500_000);
    },
    { adapter: 'stn' },
  ),

  ...interpreters(
    'a cut after three frames of a write, and one after its execution',
    ['elm-clone', 'stn'],
    async (h, v) => {
      const send = (request: string) => (v === 'stn' ? stn(h, 'bcm', request) : elm(h, 'bcm', request));
      const setUp = () => (v === 'stn' ? stnTowards(h, 'bcm') : towards(h, v, 'bcm'));
      await setUp();
      for (const [request] of PRELUDE) await send(request);
      await h.ecu({ do: 'rule', kind: 'cut-frame', ecu: 'bcm', did: '0600', frame: 3 });
      const cut = send(`2E0600${BCM_CODING_FOLDING}`).catch((error: unknown) => String(error));
      assert.equal((await h.event('cut')).total, 6);
      assert.match(await cut, /Error/);
      assert.equal((await h.memory('bcm')).dids['0600'], BCM_CODING);

      await h.plug();
      await until('the new port', async () => (await ask<readonly string[]>(h, 'happened')).includes('connect 2'));
      await setUp();
      for (const [request] of PRELUDE) await send(request);
      await h.ecu({ do: 'rule', kind: 'cut-executed', ecu: 'bcm', did: '0600' });
      const lost = send(`2E0600${BCM_CODING_FOLDING}`).catch((error: unknown) => String(error));
      await h.event('cut');
      assert.match(await lost, /Error/);
      assert.equal((await h.memory('bcm')).dids['0600'], BCM_CODING_FOLDING);
    },
  ),
];
