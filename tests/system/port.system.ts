/** The port itself: permission, chooser, other owners, loss and return, what it says. */
import { strict as assert } from 'node:assert';
import { Screen } from '../e2e/screen.ts';
import { connected, PRODUCT, toThePlan } from './car.ts';
import type { SystemTest } from './system-test.ts';
import { until } from './wait.ts';

export const tests: readonly SystemTest[] = [
  {
    name: 'S01 the chooser is left without a choice: help without alarm, and the next try connects',
    start: { root: PRODUCT, granted: false },
    async run(h) {
      const screen = new Screen(h.page);
      await screen.press(screen.button('Choose adapter'));
      await h.chooser?.cancel();
      await h.page.getByRole('status').getByText('No adapter was chosen').waitFor();
      assert.equal(await h.page.getByRole('alert').count(), 0);
      await screen.press(screen.button('Choose adapter'));
      await h.chooser?.accept();
      await connected(screen);
      await screen.scan();
    },
  },
  {
    name: 'S02 another program holds the adapter: the screen says so, and it connects when that program has let go',
    start: { root: PRODUCT, plugged: false },
    async run(h) {
      const screen = new Screen(h.page);
      await h.page.getByText('No job', { exact: true }).waitFor();
      await h.plug();
      await h.ecu({ do: 'occupy' });
      await h.page.reload();
      await h.page.getByText(/another program on this computer may hold it/).waitFor();
      await h.page.getByText('S02').first().waitFor({ state: 'attached' }); // in the details
      await h.ecu({ do: 'vacate' });
      await screen.press(screen.button('Reconnect adapter'));
      await connected(screen);
    },
  },
  {
    name: 'S18 a second tab: told that the first one uses the adapter, and it connects after the first has let go',
    start: { root: PRODUCT },
    async run(h) {
      const first = new Screen(h.page);
      await connected(first);
      const page = await h.context.newPage();
      await page.goto(h.origin);
      await page.getByText('Another tab uses this adapter.').waitFor();
      assert.equal((await h.stat()).adapter.channelOpen, true);
      await first.press(first.button('Disconnect adapter'));
      await page.reload();
      await connected(new Screen(page));
      await page.close();
    },
  },
  {
    name: 'S03 unplugged while idle: said within a second, values stay and are marked old',
    start: { root: PRODUCT },
    async run(h) {
      const screen = new Screen(h.page);
      await toThePlan(screen);
      await screen.press(screen.button('Keep editing'));
      await h.unplug();
      const gone = performance.now();
      await h.page.getByRole('button', { name: 'Adapter Adapter lost' }).waitFor();
      const tookMs = performance.now() - gone;
      assert.ok(tookMs < 1000, `${tookMs} ms`);
      await screen.option('Mirrors fold when locking').waitFor();
      await screen.press(screen.button('Unstage 1 change'));
      await h.page.getByText(/^Values are as of /).waitFor();
      await h.page
        .getByRole('navigation', { name: 'Sections' })
        .getByRole('link', { name: /^Vehicle/ })
        .click();
      await screen.module('Body electronics').waitFor();
      await h.page.getByText(/^The adapter is not connected; values are as of/).waitFor();
    },
  },
  {
    name: 'S05 plugged in again it is a new port object: outside a job it is opened again by itself, without the chooser',
    start: { root: PRODUCT },
    async run(h) {
      const screen = new Screen(h.page);
      await connected(screen);
      await screen.scan();
      await h.unplug();
      await h.page.getByRole('button', { name: 'Adapter Adapter lost' }).waitFor();
      await h.plug();
      await screen.section('Connect');
      await connected(screen);
      await screen.scan();
    },
  },
  {
    name: 'S06 an adapter without a USB serial number loses the permission when it is unplugged: Reconnect adapter asks for it again',
    start: { root: PRODUCT, granted: false, device: { usbSerial: false } },
    async run(h) {
      const screen = new Screen(h.page);
      await screen.press(screen.button('Choose adapter'));
      await h.chooser?.accept();
      await connected(screen);
      await h.unplug();
      await h.page.getByRole('button', { name: 'Adapter Adapter lost' }).waitFor();
      await h.plug();
      await screen.press(screen.button('Reconnect adapter'));
      await h.chooser?.accept();
      await connected(screen);
      await screen.scan();
    },
  },
  {
    name: 'S11 every byte of the adapter arrives alone: scan, backup and plan are as ever',
    start: { root: PRODUCT, device: { dribble: true } },
    async run(h) {
      await toThePlan(new Screen(h.page));
      assert.deepEqual(h.pageErrors, []);
    },
  },
  {
    name: 'S12 what somebody has left in the adapter comes before its first answer: it is recognised and the car is read',
    // the tail of a frame, a whole frame, a version that is none, BEL, line noise
    start: { root: PRODUCT, device: { greeting: '3241420D743737383830334530300D5630300D07FFFE0080C3280D' } },
    async run(h) {
      const screen = new Screen(h.page);
      await screen.heading('USBtin is ready').waitFor(); // at the first try: it is greeted once
      await screen.scan();
      await h.ecu({ do: 'say', hex: '0D74373738380DFFFE0D07' }); // and again, whole lines, while nothing is asked
      await screen.openModule('Body electronics');
    },
  },
  {
    name: 'S17 the adapter takes no byte any more: Disconnect ends, the screen lives, and a replug helps',
    start: { root: PRODUCT },
    async run(h) {
      const screen = new Screen(h.page);
      await connected(screen);
      await h.ecu({ do: 'hang', takes: false });
      await screen.press(screen.button('Disconnect adapter'));
      await screen.heading('Connect an adapter').waitFor();
      await h.unplug();
      await h.plug();
      await until('the free port', async () => (await h.stat()).adapter.hostOpen === false);
      // The app opens what is plugged in when it starts: the browser has to have seen the plug by then.
      await until('the port in the browser', () =>
        h.page.evaluate(async () => (await navigator.serial.getPorts()).length === 1),
      );
      await h.page.reload();
      await connected(screen);
    },
  },
];
