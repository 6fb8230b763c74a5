/** The main job through the screens on a real serial port: scan, backup, change of a 32-byte block, proof, way back. */
import { strict as assert } from 'node:assert';
import { Screen } from '../e2e/screen.ts';
import { BCM_CODING, BCM_CODING_FOLDING, connected, OPTION, PRELUDE_WRITES, PRODUCT, toThePlan } from './car.ts';
import type { SlcanVariant } from './device-process.ts';
import type { SystemTest } from './system-test.ts';

const READY: Readonly<Record<SlcanVariant, string>> = { ack: 'USBtin is ready', 'no-ack': 'CANable is ready' };

const job = (name: string, adapter: SlcanVariant, backFrom: 'result' | 'history'): SystemTest => ({
  name,
  start: { root: PRODUCT, device: { adapter } },
  async run(h) {
    const screen = new Screen(h.page);
    await connected(screen);
    await screen.heading(READY[adapter]).waitFor();
    await toThePlan(screen);
    assert.deepEqual((await h.memory('bcm')).writes, [], 'nothing is written before the approval');

    await screen.approve();
    await screen.result('Written and proven');
    const written = await h.memory('bcm');
    assert.deepEqual(written.writes, [...PRELUDE_WRITES, { did: '0600', hex: BCM_CODING_FOLDING }]);
    const requests = (await h.requests('bcm')).map((request) => request.replaceAll(' ', ''));
    const write = requests.lastIndexOf(`2E0600${BCM_CODING_FOLDING}`);
    assert.ok(
      requests.slice(write).some((request) => request.startsWith('220600')),
      'the block is read back after the write',
    );
    assert.ok(
      requests.slice(0, write).filter((request) => request === '220600').length >= 2,
      'and was read twice before',
    );

    if (backFrom === 'result') {
      await screen.undo();
    } else {
      await screen.press(screen.button('Back to Body electronics'));
      await screen.tab('History');
      const asReceived = h.page.getByRole('listitem').filter({ hasText: 'As received' });
      await screen.press(asReceived.getByRole('button', { name: /^Put back/ }));
      await screen.planShown();
    }
    assert.equal((await h.memory('bcm')).dids['0600'], BCM_CODING_FOLDING, 'a plan writes nothing');
    await screen.approve();
    await screen.result('Put back and proven');

    const back = await h.memory('bcm');
    assert.equal(back.dids['0600'], BCM_CODING);
    assert.equal(back.writes.length, 6);
    const { wire, ecus } = await h.stat();
    assert.equal(wire.dropped, 0);
    assert.deepEqual([ecus.cluster.requests['2E'], ecus.gateway.requests['2E']], [undefined, undefined]);
    await screen.press(screen.button('Back to Body electronics'));
    await screen.option(OPTION).getByRole('switch', { checked: false }).waitFor();
    assert.deepEqual(h.pageErrors, []);
  },
});

export const tests: readonly SystemTest[] = [
  job(
    'an adapter that acknowledges: scan, backup, change of a 32-byte block, proof, put back from the result',
    'ack',
    'result',
  ),
  job('an adapter that never acknowledges: the same, put back from the history', 'no-ack', 'history'),
];
