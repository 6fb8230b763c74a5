/** Command interpreters on a real port: the adapter check, the main job, interrupted writes. No command is ever repeated blindly. */
import { strict as assert } from 'node:assert';
import { Screen } from '../e2e/screen.ts';
import {
  BCM_CODING,
  BCM_CODING_FOLDING,
  checkedBefore,
  closed,
  connected,
  MODULE,
  OPTION,
  noOpenJobAfterReload,
  PRELUDE_WRITES,
  PRODUCT,
  toThePlan,
} from './car.ts';
import type { InterpreterVariant } from './device-process.ts';
import type { Harness, Preparation, StartOptions } from './harness.ts';
import type { SystemTest } from './system-test.ts';

/** The module says three times that it is not done yet; an ELM327 before v2 stops listening meanwhile. */
const NOT_YET = { do: 'rule', kind: 'pending', ecu: 'bcm', sid: '2E', did: '0600', times: 3, ms: 900 } as const;

/** The STN may write as it is; the others only after their check, and the copy when a person answers for it. */
const PREPARED: Readonly<Partial<Record<InterpreterVariant, Preparation>>> = {
  'elm-genuine': checkedBefore('elm-genuine', null),
  'elm-clone': checkedBefore('elm-clone', 'Ada Lovelace'),
};

/** Runs a test and then makes sure that no bare carriage return ran a command again (I6). */
const onInterpreter = (
  name: string,
  adapter: InterpreterVariant,
  run: (h: Harness, screen: Screen) => Promise<void>,
  start: Pick<StartOptions, 'device' | 'prepared'> = {},
): SystemTest => ({
  name: `${name} (${adapter})`,
  start: { root: PRODUCT, ...start, device: { adapter, ...start.device } },
  async run(h) {
    await run(h, new Screen(h.page));
    assert.deepEqual(h.unread('repeat'), [], 'a bare carriage return runs the last command again');
    assert.equal((await h.stat()).adapter.repeats ?? 0, 0);
  },
});

/** The same with an adapter that may write. */
const onCheckedInterpreter: typeof onInterpreter = (name, adapter, run) => {
  const prepared = PREPARED[adapter];
  return onInterpreter(name, adapter, run, prepared === undefined ? {} : { prepared });
};

/** The check itself runs while this is prepared; what it left must outlive the browser that ran it. */
const checkRemembered = (adapter: 'elm-genuine' | 'elm-clone', title: string): SystemTest =>
  onCheckedInterpreter('the adapter check passes, reads only, and is remembered', adapter, async (h, screen) => {
    const shown = (text: string | RegExp) => h.page.getByText(text).filter({ visible: true }).first().waitFor();
    await connected(screen);
    await screen.press(h.page.getByRole('link', { name: 'Show the check' }));
    await screen.heading(`${title} may diagnose and code`).waitFor();
    await shown('200 of 200');
    if (adapter === 'elm-clone') await shown(/Ada Lovelace/);
  });

const mainJob = (adapter: InterpreterVariant): SystemTest =>
  onCheckedInterpreter(
    'scan, backup, change of a 32-byte block by a slow module, proof, put back',
    adapter,
    async (h, screen) => {
      await toThePlan(screen);
      await h.ecu(NOT_YET);
      await screen.approve();
      await screen.result('Written and proven');
      const written = await h.memory('bcm');
      assert.deepEqual(written.writes, [...PRELUDE_WRITES, { did: '0600', hex: BCM_CODING_FOLDING }]);
      await screen.undo();
      await screen.approve();
      await screen.result('Put back and proven');
      const back = await h.memory('bcm');
      assert.equal(back.dids['0600'], BCM_CODING);
      assert.equal(back.writes.length, 6, 'each write reached the module once');
      await screen.press(screen.button(`Back to ${MODULE}`));
      assert.deepEqual(h.pageErrors, []);
    },
  );

const cutMidway = (adapter: InterpreterVariant, frame: number): SystemTest =>
  onCheckedInterpreter(
    `S04 unplugged after frame ${frame} of 6 of the write: not written`,
    adapter,
    async (h, screen) => {
      await toThePlan(screen);
      await h.ecu({ do: 'rule', kind: 'cut-frame', ecu: 'bcm', did: '0600', frame });
      await screen.approve();
      assert.equal((await h.event('cut')).total, 6);
      await screen.recoveryShown();
      assert.equal((await h.memory('bcm')).dids['0600'], BCM_CODING);
      await h.plug();
      await closed(screen, 'Nothing was changed');
      const { dids, writes } = await h.memory('bcm');
      assert.equal(dids['0600'], BCM_CODING);
      assert.deepEqual(writes, PRELUDE_WRITES, 'only the stamps were written, once');
      await noOpenJobAfterReload(h);
    },
  );

const cutAfterExecution = (adapter: InterpreterVariant): SystemTest =>
  onCheckedInterpreter(
    'S04 unplugged when the module had stored and not yet answered: written',
    adapter,
    async (h, screen) => {
      await toThePlan(screen);
      await h.ecu({ do: 'rule', kind: 'cut-executed', ecu: 'bcm', did: '0600' });
      await screen.approve();
      await h.event('cut');
      await screen.recoveryShown();
      assert.equal((await h.memory('bcm')).dids['0600'], BCM_CODING_FOLDING);
      await h.plug();
      await closed(screen, 'Written and proven');
      const { writes } = await h.memory('bcm');
      assert.equal(writes.filter(({ did }) => did === '0600').length, 1, 'the write is never sent again by itself');
      await noOpenJobAfterReload(h);
    },
  );

export const tests: readonly SystemTest[] = [
  checkRemembered('elm-genuine', 'ELM327'),
  checkRemembered('elm-clone', 'ELM327 clone'),
  mainJob('elm-genuine'),
  mainJob('elm-clone'),
  mainJob('stn'),
  cutMidway('elm-genuine', 3),
  cutMidway('elm-clone', 1),
  cutMidway('stn', 5),
  cutAfterExecution('elm-clone'),
  cutAfterExecution('stn'),

  onCheckedInterpreter(
    'S13 the adapter restarts itself during the write: it is set up again and the job closes unwritten',
    'elm-genuine',
    async (h, screen) => {
      await toThePlan(screen);
      await h.ecu({ do: 'rule', kind: 'reset-frame', ecu: 'bcm', did: '0600', frame: 2 });
      await screen.approve();
      await h.event('reset');
      await closed(screen, 'Nothing was changed');
      const { dids, writes } = await h.memory('bcm');
      assert.equal(dids['0600'], BCM_CODING);
      assert.equal(writes.filter(({ did }) => did === '0600').length, 0);
      await noOpenJobAfterReload(h);
    },
  ),

  onInterpreter(
    'S13 the adapter restarts itself while nobody asks: the next reading sets it up again',
    'stn',
    async (h, screen) => {
      await connected(screen);
      await screen.scan();
      const before = (await h.serial()).length;
      await h.ecu({ do: 'reset' });
      await screen.openModule(MODULE);
      const after = (await h.serial()).slice(before).map((line) => line.replace(/^@\d+ /, ''));
      assert.ok(after.includes('< ELM327 v1.4b') && after.includes('> STP33'), 'it noticed, and set the bus up again');
    },
  ),

  onCheckedInterpreter(
    'S07 another module answers after the cut: the repair is refused, the right module closes the job',
    'elm-genuine',
    async (h, screen) => {
      await toThePlan(screen);
      const serial = (await h.memory('bcm')).dids.F18C as string;
      await h.ecu({ do: 'rule', kind: 'cut-executed', ecu: 'bcm', did: '0600' });
      await screen.approve();
      await h.event('cut');
      await screen.recoveryShown();
      await h.ecu({ do: 'set', ecu: 'bcm', did: 'F18C', hex: Buffer.from('CBSL0000000999').toString('hex') });
      await h.plug();
      const { commits } = await h.memory('bcm');
      await screen.press(screen.nextStep.getByRole('button'));
      await h.page.getByText(/^Another module answers than the plan was made for/).waitFor();
      await h.page.getByText(/^S07/).waitFor({ state: 'attached' }); // in the details
      await screen.recoveryShown();
      assert.equal((await h.memory('bcm')).commits, commits, 'nothing is written to the other module');
      await h.ecu({ do: 'set', ecu: 'bcm', did: 'F18C', hex: serial });
      await closed(screen, 'Written and proven');
    },
  ),

  onInterpreter(
    'S14 a copy that nobody has checked reads and does not write: the plan is refused with its reason',
    'elm-clone',
    async (h, screen) => {
      await connected(screen);
      await screen.heading('ELM327 clone is ready').waitFor();
      await screen.scan();
      await screen.openModule(MODULE);
      await screen.toggle(OPTION);
      await screen.press(screen.button(/^Review \d+ changes?$/));
      await h.page.getByRole('alert').getByText('This adapter is not proven fit to change options.').waitFor();
      await screen.button('Check this adapter').waitFor();
      assert.deepEqual((await h.memory('bcm')).writes, []);
      assert.equal((await h.stat()).ecus.bcm.requests['2E'], undefined);
    },
  ),

  ...(
    [
      ['stn', 9_600],
      ['elm-clone', 115_200],
      ['elm-genuine', 9_600],
    ] as const
  ).map(([adapter, uartBaud]) =>
    onInterpreter(
      `somebody left the adapter at ${uartBaud} bit/s: it is found there, and nothing reaches the bus meanwhile`,
      adapter,
      async (h, screen) => {
        await connected(screen);
        const { wire, adapter: device } = await h.stat();
        assert.deepEqual([device.baud, wire.testerFrames], [uartBaud, 0]);
      },
      { device: { uartBaud } },
    ),
  ),

  onInterpreter(
    'S12 a line of an earlier host waits in the adapter: it is recognised at the first try',
    'elm-genuine',
    async (h, screen) => {
      await screen.heading('ELM327 is ready').waitFor(); // at the first try: it is greeted once
      assert.deepEqual(h.pageErrors, []);
    },
    { device: { greeting: '3F0D0D3E4E4F20444154410D0D3E' } }, // "?", prompt, "NO DATA", prompt
  ),
];
