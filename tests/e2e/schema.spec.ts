import { join } from 'node:path';
import { expect, type Page, test } from './fixtures.ts';
import { builtApp, deploy, newerRelease, removeNewerRelease } from './newer-release.ts';
import { Screen } from './screen.ts';

test.describe.configure({ timeout: 120_000 });
test.afterAll(removeNewerRelease);

const SLOW_WRITE = [
  { on: { ecu: '09', sid: 0x2e, did: 0x0600 }, effect: { kind: 'pending', count: 30, everyMs: 500 } },
] as const;

/** Schema of the database of the virtual car; Dexie counts in tens. */
const schemaVersion = (page: Page) =>
  page.evaluate(async () => {
    const found = (await indexedDB.databases()).find(({ name }) => name === 'codebay-training');
    return (found?.version ?? 0) / 10;
  });

test('D02 D09 a release with a newer schema, opened in a second tab mid-job, changes nothing until the job is over; then the older one reads only', async ({
  page,
  context,
  host,
  folder,
}) => {
  // Both on one origin, so they share the database; each in its own path, as a trial of a new release would be.
  await deploy(builtApp, join(folder, 'one'));
  await deploy(await newerRelease(), join(folder, 'two'));
  const { url } = await host({ folder });
  const screen = new Screen(page);
  await screen.open(`${url}one/index.html`);
  await screen.planCoding('Body electronics', 'Mirrors fold when locking');
  await screen.faults(SLOW_WRITE);
  await screen.approve();
  await screen.midWrite();

  const second = new Screen(await context.newPage());
  await second.page.goto(`${url}two/index.html`);
  const now = await schemaVersion(page);
  expect(now).toBeGreaterThan(0);
  const refusal = second.page.getByRole('alert');
  await expect(refusal).toContainText('store/busy');
  await expect(refusal).toContainText('This step sent nothing to the car.');
  expect(await schemaVersion(page)).toBe(now);

  // The tab that works is gone in the middle of its write: the job is unfinished, and belongs to the older release.
  await page.close();
  await second.press(refusal.getByRole('button', { name: 'Try again' }));
  await expect(refusal).toContainText('A job is open, so the stored data stays as it is.');
  expect(await schemaVersion(second.page)).toBe(now);
  const repair = new Screen(await context.newPage());
  await repair.page.goto(`${url}one/index.html`);
  await repair.finishJob();
  await repair.page.close();

  // Now the stored data may be renewed.
  await second.press(refusal.getByRole('button', { name: 'Try again' }));
  await expect(refusal).toHaveCount(0);
  await second.startSimulator();
  expect(await schemaVersion(second.page)).toBe(now + 1);
  await second.page.close();

  // D02: the older release cannot know what the newer one stores. It says so and changes nothing.
  const older = new Screen(await context.newPage());
  await older.page.goto(`${url}one/index.html`);
  await expect(older.page.getByRole('alert')).toContainText(
    `The stored data has version ${now + 1}, this page knows up to ${now}.`,
  );
  await expect(older.page.getByRole('region', { name: 'Status' })).toContainText(/read only/i);
  expect(await schemaVersion(older.page)).toBe(now + 1);
});
