import { expect, test } from './fixtures.ts';
import { Screen } from './screen.ts';

// Without the service worker, which has every part from the first visit on: the case of a browser that refused to store them.
test.use({ serviceWorkers: 'block' });

test('B06 a part of the app that cannot be fetched is named, changes nothing, and comes with the next try', async ({
  page,
  expectedProblems,
}) => {
  expectedProblems.push(/Failed to load resource|Help-/);
  // Blocked by the test's browser, `register` resolves with nothing, as no real one does.
  expectedProblems.push(/reading 'addEventListener'/);
  let isMissing = true;
  await page.route(/\/assets\/Help-[^/]+\.js$/, (route) => (isMissing ? route.abort() : route.continue()));
  const screen = new Screen(page);
  await screen.open();
  await screen.section('Help');
  await expect(page.getByText('A part of the app could not be loaded')).toBeVisible();
  await expect(page.getByText('The car is unchanged.')).toBeVisible();
  isMissing = false;
  await screen.press(screen.button('Try again'));
  await expect(screen.heading('Help and settings')).toBeVisible();
});
