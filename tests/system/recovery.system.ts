/** Interrupted writes on a real port: what the ECU holds, what the screen says of it, and the way out. */
import { strict as assert } from 'node:assert';
import { Screen } from '../e2e/screen.ts';
import {
  BCM_CODING,
  BCM_CODING_FOLDING,
  closed,
  noOpenJobAfterReload,
  PRELUDE_WRITES,
  PRODUCT,
  toThePlan,
} from './car.ts';
import type { SlcanVariant } from './device-process.ts';
import type { Harness } from './harness.ts';
import type { SystemTest } from './system-test.ts';

const WRITE = { ecu: 'bcm', sid: '2E', did: '0600' } as const;
/** The module says "not done yet" for some seconds: time to interfere. */
const SLOW_WRITE = { do: 'rule', kind: 'pending', ...WRITE, times: 40, ms: 250 } as const;

/** The module has the write and says that it is not done yet. */
function working(h: Harness): Promise<void> {
  return h.page
    .getByText(/^The module is working/)
    .first()
    .waitFor();
}

const cutMidway = (adapter: SlcanVariant): SystemTest => ({
  name: `S04 (${adapter}) unplugged after the third of six frames of the write: not written, and the check says so`,
  start: { root: PRODUCT, device: { adapter } },
  async run(h) {
    const screen = new Screen(h.page);
    await toThePlan(screen);
    await h.ecu({ do: 'rule', kind: 'cut-frame', ecu: 'bcm', did: '0600', frame: 3 });
    await screen.approve();
    assert.equal((await h.event('cut')).total, 6);
    await screen.recoveryShown();
    await h.page.getByText('It is not known what the module holds until it is read again.').first().waitFor();
    assert.equal((await h.memory('bcm')).dids['0600'], BCM_CODING);

    await h.plug();
    await closed(screen, 'Nothing was changed');
    const { dids, writes } = await h.memory('bcm');
    assert.equal(dids['0600'], BCM_CODING);
    assert.deepEqual(writes, PRELUDE_WRITES, 'only the stamps were written, once');
    await noOpenJobAfterReload(h);
  },
});

const cutAfterExecution = (adapter: SlcanVariant): SystemTest => ({
  name: `S04 (${adapter}) unplugged when the module had stored and not yet answered: written, and the next steps end the job`,
  start: { root: PRODUCT, device: { adapter } },
  async run(h) {
    const screen = new Screen(h.page);
    await toThePlan(screen);
    await h.ecu({ do: 'rule', kind: 'cut-executed', ecu: 'bcm', did: '0600' });
    await screen.approve();
    await h.event('cut');
    await screen.recoveryShown();
    assert.equal((await h.memory('bcm')).dids['0600'], BCM_CODING_FOLDING);

    await h.plug();
    await closed(screen, 'Written and proven');
    const { dids, writes } = await h.memory('bcm');
    assert.equal(dids['0600'], BCM_CODING_FOLDING);
    assert.equal(writes.filter(({ did }) => did === '0600').length, 1, 'the write is never sent again by itself');
    await noOpenJobAfterReload(h);
  },
});

export const tests: readonly SystemTest[] = [
  cutMidway('ack'),
  cutMidway('no-ack'),
  cutAfterExecution('ack'),
  cutAfterExecution('no-ack'),
  {
    name: 'S07 another module answers after the cut: the repair is refused, the job stays open, the right module closes it',
    start: { root: PRODUCT },
    async run(h) {
      const screen = new Screen(h.page);
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
  },
  {
    name: 'B09 the vehicle worker is ended with the port open and a write under way: its successor opens the port and closes the job',
    start: { root: PRODUCT },
    async run(h) {
      const screen = new Screen(h.page);
      await toThePlan(screen);
      await h.ecu(SLOW_WRITE);
      await screen.approve();
      await working(h);
      const worker = await screen.worker('vehicle');
      await worker.evaluate(() => self.close());
      await h.page.getByText(/^No sign of life for/).waitFor();
      await h.ecu({ do: 'clearRules' });
      await screen.press(screen.button('End and start again'));
      await screen.recoveryShown();
      await closed(screen, 'Written and proven');
      assert.equal((await h.memory('bcm')).dids['0600'], BCM_CODING_FOLDING);
    },
  },
  {
    name: 'the browser is closed in the middle of a write: started again, it shows the job and closes it',
    start: { root: PRODUCT, device: { adapter: 'no-ack' } },
    async run(h) {
      const before = new Screen(h.page);
      await toThePlan(before);
      await h.ecu(SLOW_WRITE);
      await before.approve();
      await working(h);
      await h.restartBrowser();
      const screen = new Screen(h.page);
      await screen.recoveryShown();
      await closed(screen, 'Written and proven');
      const { dids, writes } = await h.memory('bcm');
      assert.equal(dids['0600'], BCM_CODING_FOLDING);
      assert.equal(writes.filter(({ did }) => did === '0600').length, 1);
    },
  },
  {
    name: 'S13 the adapter restarts itself during the write: it is set up again, the module is read again, nothing was changed',
    start: { root: PRODUCT },
    async run(h) {
      const screen = new Screen(h.page);
      await toThePlan(screen);
      await h.ecu({ do: 'rule', kind: 'reset-frame', ecu: 'bcm', did: '0600', frame: 2 });
      await screen.approve();
      await h.event('reset');
      await screen.result('Nothing was changed');
      assert.equal((await h.memory('bcm')).dids['0600'], BCM_CODING);
      await noOpenJobAfterReload(h);
      assert.equal((await h.stat()).adapter.canBitrate, 500_000);
    },
  },
  {
    name: 'S16 the adapter takes the write and nothing reaches the bus: no green, and after a replug the job is closed',
    start: { root: PRODUCT, device: { adapter: 'no-ack' } },
    async run(h) {
      const screen = new Screen(h.page);
      await toThePlan(screen);
      await h.ecu({ do: 'rule', kind: 'hang-frame', ecu: 'bcm', did: '0600', frame: 0 });
      await screen.approve();
      await h.event('hang');
      await screen.recoveryShown();
      assert.equal((await h.memory('bcm')).dids['0600'], BCM_CODING);
      await h.unplug();
      await h.plug();
      await closed(screen, 'Nothing was changed');
    },
  },
];
