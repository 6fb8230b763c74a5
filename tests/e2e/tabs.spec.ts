import { expect, test } from './fixtures.ts';
import { Screen } from './screen.ts';

test.describe.configure({ timeout: 120_000 });

test('S18 a second tab says who has the virtual car, reads only, and both show the same backups', async ({
  page,
  context,
}) => {
  const first = new Screen(page);
  await first.open();
  await first.startSimulator();
  await first.scan();
  await first.openModule('Climate');

  const second = new Screen(await context.newPage());
  await second.open();
  await second.press(second.button('Start simulator'));
  await expect(second.page.getByRole('alert')).toContainText('tab');
  await expect(second.button('Scan this car')).toBeDisabled();
  for (const tab of [second, first]) {
    await tab.page.bringToFront();
    await tab.section('Backups');
    await expect(tab.page.getByRole('option', { name: /As received/ })).toHaveCount(1);
  }
  // What the first one has done meanwhile shows in the second.
  await first.section('Vehicle');
  await first.openModule('Gateway');
  await second.page.bringToFront();
  await expect(second.page.getByRole('option', { name: /As received/ })).toHaveCount(2);

  // The first tab is closed: the car is free.
  await page.close();
  await second.section('Connect');
  await second.startSimulator();
});
