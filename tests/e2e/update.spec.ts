import { join } from 'node:path';
import { expect, type Page, test } from './fixtures.ts';
import { builtApp, deploy, NEWER_RELEASE, newerRelease, removeNewerRelease } from './newer-release.ts';
import { Screen } from './screen.ts';

test.describe.configure({ timeout: 120_000 });
test.afterAll(removeNewerRelease);

/** The body module says "not done yet" until the test switches it on again. */
const STUCK_WRITE = [
  { on: { ecu: '09', sid: 0x2e, did: 0x0600 }, effect: { kind: 'pending', count: 16, everyMs: 500 } },
] as const;

/** The browser looks for a new release by itself, at any time. */
const lookForUpdate = (page: Page) =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    await registration?.update();
    // Its install runs after the answer; over when neither installing nor waiting.
    return registration?.installing?.state ?? 'nothing';
  });
const registered = (page: Page) =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    return { waiting: registration?.waiting?.state ?? null, installing: registration?.installing?.state ?? null };
  });

test('I7 a release deployed while a job runs is not installed and nothing reloads; after the job a person switches to it', async ({
  page,
  host,
  folder,
}) => {
  const served = join(folder, 'served');
  const newer = await newerRelease();
  await deploy(builtApp, served);
  const { url, requests } = await host({ folder: served });
  const screen = new Screen(page);
  await screen.open(url);
  await expect(page.getByText('all parts stored')).toBeVisible({ timeout: 30_000 });

  await screen.planCoding('Body electronics', 'Mirrors fold when locking');
  await screen.faults(STUCK_WRITE);
  await page.evaluate(() => Object.assign(window, { mark: 'same page' }));
  await screen.approve();
  await screen.midWrite();
  await deploy(newer, served);
  requests.length = 0;
  await lookForUpdate(page);
  expect(requests).toContain('sw.js');
  await expect.poll(() => registered(page)).toEqual({ waiting: null, installing: null });
  await screen.midWrite();
  await screen.faults([]);
  await screen.result('Written and proven');
  expect(await page.evaluate(() => 'mark' in window)).toBe(true);
  expect(await registered(page)).toEqual({ waiting: null, installing: null });

  await screen.leaveResult();
  await screen.section('Help');
  await screen.press(page.getByRole('tab', { name: 'This computer' }));
  await screen.press(screen.button('Look for a newer release'));
  await expect(page.getByText('Everything is stored, and a newer release waits for your word.')).toBeVisible({
    timeout: 30_000,
  });
  expect(await page.evaluate(() => 'mark' in window)).toBe(true);
  await screen.press(screen.button('Switch to the newer release'));
  await page.waitForFunction(() => !('mark' in window));
  await screen.open(url);
  await screen.section('Help');
  await screen.press(page.getByRole('tab', { name: 'This computer' }));
  await expect(page.getByText(`Release ${NEWER_RELEASE}.`)).toBeVisible();
});
