import { expect, test } from './fixtures.ts';
import { Screen } from './screen.ts';

test.describe.configure({ timeout: 120_000 });

/** The body module says "not done yet" for some seconds while it stores its coding: time to interfere. */
const SLOW_WRITE = [
  { on: { ecu: '09', sid: 0x2e, did: 0x0600, nth: 1 }, effect: { kind: 'pending', count: 12, everyMs: 500 } },
] as const;

/** What is there after whatever happened: the backup as received, and a record whose chain holds. */
async function nothingIsLost(screen: Screen): Promise<void> {
  await screen.leaveResult();
  await screen.section('Backups');
  await expect(screen.page.getByRole('listbox', { name: 'Backups' }).getByText('As received')).toBeVisible();
  await screen.section('Sessions');
  await screen.press(screen.button('Verify the record'));
  await expect(screen.page.getByText(/entries, the chain is unbroken\.$/)).toBeVisible();
}

test('B09 the vehicle worker is killed mid-write: a person starts it again, and one next step at a time ends the job', async ({
  page,
}) => {
  const screen = new Screen(page);
  await screen.open();
  await screen.planCoding('Body electronics', 'Mirrors fold when locking');
  await screen.faults(SLOW_WRITE);
  await screen.approve();
  await screen.midWrite();
  const worker = await screen.worker('vehicle');
  await worker.evaluate(() => self.close());

  await expect(page.getByText(/^No sign of life for/)).toBeVisible();
  await screen.press(screen.button('End and start again'));
  await screen.recoveryShown();
  // The virtual car went on meanwhile and stored the bytes: what is missing is their proof.
  expect(await screen.finishJob()).toEqual([
    'Start simulator: check 1 module',
    'Plan to finish 1 job',
    'Finish the interrupted job in Body electronics?',
  ]);
  await screen.result('Written and proven');
  await nothingIsLost(screen);
});

test('B09 the page is reloaded mid-write: its next step finds the module untouched and ends the job', async ({
  page,
}) => {
  const screen = new Screen(page);
  await screen.open();
  await screen.planCoding('Body electronics', 'Mirrors fold when locking');
  await screen.faults(SLOW_WRITE);
  await screen.approve();
  await screen.midWrite();
  page.on('dialog', (dialog) => void dialog.accept()); // "Leave the page?"
  await page.reload();

  await screen.recoveryShown();
  // The virtual car lives in the page and lost its power with it, before it stored anything.
  expect(await screen.finishJob()).toEqual(['Start simulator: check 1 module']);
  await screen.result('Nothing was changed');
  await nothingIsLost(screen);
});
