import { ADAPTER_FILTERS } from '#ui/platform/serial.ts';
import { expect, type Page, test } from './fixtures.ts';
import { Screen } from './screen.ts';

test.describe.configure({ timeout: 120_000 });

const MODULE = 'Body electronics';
const OPTION = 'Mirrors fold when locking';
const SLOW_WRITE = [
  { on: { ecu: '09', sid: 0x2e, did: 0x0600 }, effect: { kind: 'pending', count: 12, everyMs: 500 } },
] as const;

/** What the browser tells a page that is covered or left. */
const show = (page: Page, state: 'visible' | 'hidden') =>
  page.evaluate((visibility) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => visibility });
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => visibility === 'hidden' });
    document.dispatchEvent(new Event('visibilitychange'));
  }, state);

test('S01 a chooser that is left without a choice is no failure: what to look at, and all ports', async ({ page }) => {
  // Nothing can be pressed in a real chooser here; it answers as Chromium does when it is left.
  await page.addInitScript(() => {
    const asked: unknown[] = [];
    Object.assign(window, { asked });
    navigator.serial.requestPort = (options) => {
      asked.push(options);
      return Promise.reject(new DOMException('No port selected by the user.', 'NotFoundError'));
    };
  });
  const screen = new Screen(page);
  await screen.open();
  await screen.press(screen.button('Choose adapter'));
  await expect(page.getByText('No adapter was chosen')).toBeVisible();
  await expect(page.getByText('The cable is a data cable')).toBeVisible();
  await expect(page.getByRole('alert')).toHaveCount(0);
  await screen.press(screen.button('Show all ports'));
  await expect
    .poll(() =>
      page.evaluate(() =>
        (window as unknown as { asked: { filters?: unknown[] }[] }).asked.map(({ filters }) => filters?.length ?? 0),
      ),
    )
    .toEqual([ADAPTER_FILTERS.length, 0]);
  await expect(page.getByText('No adapter was chosen')).toBeVisible();
  await screen.startSimulator();
});

test('B08 a browser without Web Serial: the missing thing has its name, the simulator works all the same', async ({
  page,
}) => {
  await page.addInitScript(() => {
    delete (Navigator.prototype as { serial?: unknown }).serial;
  });
  const screen = new Screen(page);
  await screen.open();
  await expect(page.getByText('Use Chrome or Edge on a computer, over https.')).toBeVisible();
  await expect(screen.button('Choose adapter')).toBeDisabled();
  await expect(screen.button('Choose adapter')).toHaveAccessibleDescription(/cannot talk to USB adapters/);
  await screen.startSimulator();
});

test('H01 H03 B04 staged changes survive a walk; a double press on the button that writes is one job; leaving asks while it runs, and only then', async ({
  page,
}) => {
  const questions: string[] = [];
  page.on('dialog', (dialog) => {
    questions.push(dialog.type());
    void dialog.dismiss();
  });
  const screen = new Screen(page);
  await screen.open();
  await screen.startSimulator();
  await screen.scan();
  await screen.openModule(MODULE);
  await screen.toggle(OPTION);
  for (const section of ['Backups', 'Sessions', 'Help', 'Connect', 'Vehicle'] as const) await screen.section(section);
  await screen.press(screen.button(`Open 1 change in ${MODULE}`));
  await expect(page.getByRole('cell', { name: OPTION }).or(screen.option(OPTION)).first()).toBeVisible();

  await screen.review();
  await screen.keepShopCode();
  await screen.faults(SLOW_WRITE);
  const write = screen.planDialog.getByRole('button', { name: 'Write 1 change' });
  await screen.pressInDialog(screen.planDialog, 'Write 1 change');
  await write.click({ timeout: 500 }).catch(() => undefined); // the second press of a glove; the dialog may be gone
  await screen.midWrite();
  expect(questions).toEqual([]);
  await page.evaluate(() => location.reload());
  await expect.poll(() => questions).toEqual(['beforeunload']);
  await screen.result('Written and proven');

  await screen.leaveResult();
  await screen.section('Sessions');
  await expect(page.getByRole('list', { name: /jobs/i }).getByRole('listitem')).toHaveCount(1);
  await page.reload();
  await screen.open();
  expect(questions).toEqual(['beforeunload']);
});

test('B01 a page that is hidden and frozen mid-write is no dead worker; the job ends proven or with its next step', async ({
  page,
  context,
}) => {
  const screen = new Screen(page);
  await screen.open();
  await screen.planCoding(MODULE, OPTION);
  await screen.faults(SLOW_WRITE);
  await screen.approve();
  await screen.midWrite();
  const browser = await context.newCDPSession(page);
  await show(page, 'hidden');
  await browser.send('Page.setWebLifecycleState', { state: 'frozen' });
  const other = await context.newPage(); // something else takes the screen
  await other.goto('about:blank');
  await other.evaluate(() => new Promise((resolve) => setTimeout(resolve, 5000)));
  await browser.send('Page.setWebLifecycleState', { state: 'active' });
  await show(page, 'visible');
  await expect(page.getByText(/^No sign of life/)).toHaveCount(0);
  await screen.result('Written and proven');
});

/** Takes what is left of the disk, down to less than any record needs. */
const fillDisk = (page: Page) =>
  page.evaluate(async () => {
    const opening = indexedDB.open('filler', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('bytes', { autoIncrement: true });
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error);
    });
    const put = (size: number) =>
      new Promise<boolean>((resolve) => {
        const transaction = database.transaction('bytes', 'readwrite', { durability: 'strict' });
        transaction.objectStore('bytes').add(crypto.getRandomValues(new Uint8Array(Math.min(size, 65_536))).slice());
        for (let more = 65_536; more < size; more += 65_536)
          transaction.objectStore('bytes').add(crypto.getRandomValues(new Uint8Array(65_536)));
        transaction.oncomplete = () => resolve(true);
        transaction.onabort = () => resolve(false);
      });
    for (let size = 4 << 20; size >= 128; size >>= 2) while (await put(size));
    database.close();
  });

test('D01 a full disk is told before anything is written', async ({ page, context }) => {
  const screen = new Screen(page);
  await screen.open();
  const browser = await context.newCDPSession(page);
  const { origin } = new URL(page.url());
  await browser.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 24 << 20 });
  await screen.startSimulator();
  await screen.scan();
  await screen.openModule(MODULE);
  await screen.toggle(OPTION);
  await screen.review();
  await fillDisk(page);
  await screen.pressInDialog(screen.shopCodeQuestion, 'Use the code this module holds');
  await expect(page.getByRole('alert')).toContainText(/The disk has no room for .+ more\./, { timeout: 30_000 });
  await expect(page.getByRole('alert')).toContainText('free disk space');
  await expect(screen.dialog).toHaveCount(0);
  await screen.press(screen.button('Close'));

  // With room again the same change is planned anew: the car still holds what it held.
  await page.evaluate(() => void indexedDB.deleteDatabase('filler'));
  await browser.send('Storage.overrideQuotaForOrigin', { origin });
  await screen.review();
  await expect(screen.planDialog.getByRole('row', { name: OPTION })).toContainText(/On\s*Off/);
  await screen.pressInDialog(screen.planDialog, 'Keep editing');
  await screen.section('Sessions');
  await expect(page.getByText('No job was done here yet.')).toBeVisible();
});
