import { expect, type Page, test } from './fixtures.ts';
import { builtApp } from './newer-release.ts';
import { Screen } from './screen.ts';

test.describe.configure({ timeout: 120_000 });

/** The main job may cost this many presses, and no typing. */
const MAX_CLICKS = 12;

/** Fails on any key that reaches the page: the job is done by pressing alone. */
async function forbidTyping(page: Page): Promise<void> {
  await page.addInitScript(() => {
    addEventListener('keydown', ({ key }) => console.error(`typed: ${key}`), { capture: true });
  });
}

/** From the first screen to a restore that is read back and equal, on the virtual car. */
async function mainJob(screen: Screen): Promise<void> {
  await screen.startSimulator();
  await screen.scan();
  await screen.openModule('Body electronics');
  await screen.toggle('Mirrors fold when locking');
  await screen.review();
  await screen.keepShopCode();
  await screen.approve();
  await screen.result('Written and proven');
  await expect(
    screen.page.getByText('The module holds the new settings, read back byte by byte.').first(),
  ).toBeVisible();

  await screen.undo();
  await screen.approve();
  await screen.result('Put back and proven');
  await expect(
    screen.page.getByText('The module holds the settings of the backup, read back byte by byte.').first(),
  ).toBeVisible();
}

test('from a blank profile to a verified restore on the virtual car in at most 12 clicks, without typing', async ({
  page,
}) => {
  await forbidTyping(page);
  const screen = new Screen(page);
  const startedMs = Date.now();
  await screen.open();
  await mainJob(screen);
  const seconds = (Date.now() - startedMs) / 1000;
  console.log(`    main job: ${screen.clicks} clicks, ${seconds.toFixed(1)} s from the address to the proven restore`);
  expect(screen.clicks).toBeLessThanOrEqual(MAX_CLICKS);
});

test('B07 the same without a network, once the app was opened and stored', async ({ page, context, host }) => {
  const served = await host({ folder: builtApp });
  const screen = new Screen(page);
  await screen.open(served.url);
  await expect(page.getByText('all parts stored')).toBeVisible({ timeout: 30_000 });
  // The network is gone for the page, and the host for everybody.
  await context.setOffline(true);
  await served.close();
  await page.reload();
  await mainJob(screen);
  expect(screen.clicks).toBeLessThanOrEqual(MAX_CLICKS);
});
