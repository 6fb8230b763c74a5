import { AxeBuilder } from '@axe-core/playwright';
import type { FaultScript } from '#contract/simulator-control.ts';
import { expect, type Page, test } from './fixtures.ts';
import { Screen } from './screen.ts';

test.describe.configure({ timeout: 180_000 });

const OPTION = 'Mirrors fold when locking';
/** The seed of level 3 is replaced on its way: the key made of it is wrong, and the module counts it. */
const WRONG_SEED: FaultScript = [
  { on: { ecu: '5F', sid: 0x27, sub: 3 }, effect: { kind: 'answer', pdu: '67 03 11 22 33 44' } },
];

async function noFindings(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .setLegacyMode(true)
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)).toEqual([]);
}

async function atTheBody(page: Page): Promise<Screen> {
  const screen = new Screen(page);
  await screen.open();
  await screen.startSimulator();
  await screen.scan();
  await screen.openModule('Body electronics');
  return screen;
}

/** The page comes back with an empty memory, and finds its car again. */
async function reopened(screen: Screen): Promise<void> {
  await screen.page.reload();
  await screen.section('Connect');
  await screen.press(screen.button(/^Start simulator/));
  await expect(screen.heading(/ is ready$/)).toBeVisible();
}

/** From the head unit's options to the approved plan of the one behind a key. */
async function writeBehindTheKey(screen: Screen): Promise<void> {
  await screen.openModule('Head unit');
  await screen.toggle('Developer menu');
  await screen.review();
  await screen.keepShopCode();
  await screen.approve();
}

test('staged changes are taken back and made again, by keys and by buttons; a typed text keeps its own undo', async ({
  page,
}) => {
  const screen = await atTheBody(page);
  await screen.toggle(OPTION);
  const count = page.getByRole('tab', { name: 'Staged 1' });
  await expect(count).toBeVisible();
  await page.keyboard.press('Control+z');
  await expect(count).toHaveCount(0);
  await page.keyboard.press('Control+Shift+z');
  await expect(count).toBeVisible();

  await page.keyboard.press('/');
  await page.keyboard.type('mirror');
  await page.keyboard.press('Control+z');
  await expect(count).toBeVisible();
  await page.keyboard.press('Escape');

  await screen.tab('Staged');
  await screen.press(screen.button('Unstage 1 change'));
  await expect(page.getByText('Nothing is staged', { exact: true })).toBeVisible();
  await screen.press(screen.button('Stage 1 change again'));
  await expect(page.getByRole('cell', { name: OPTION, exact: true })).toBeVisible();
  await screen.press(screen.button(`Keep as it is: ${OPTION}`));
  await expect(page.getByText('Nothing is staged', { exact: true })).toBeVisible();
  await screen.press(screen.button('Undo'));
  await expect(page.getByRole('cell', { name: OPTION, exact: true })).toBeVisible();
  await noFindings(page);
});

test('favourites outlive the page; what we changed is found again with its old value', async ({ page }) => {
  const screen = await atTheBody(page);
  await screen.press(screen.button(`Favourite: ${OPTION}`));
  await screen.press(screen.button('Changed by us'));
  await expect(page.getByText('Nothing here was changed by us')).toBeVisible();
  await screen.press(screen.button('Show all options'));
  await screen.toggle(OPTION);
  await screen.review();
  await screen.keepShopCode();
  await screen.approve();
  await screen.result('Written and proven');
  await screen.leaveResult();
  await expect(page.getByText(/^Last written today/)).toBeVisible();
  await screen.press(screen.button('Changed by us'));
  await expect(page.getByRole('group').filter({ has: page.getByRole('switch') })).toHaveCount(1);
  await expect(screen.option(OPTION).getByText(/^Set by us today .+ As received: On\.$/)).toBeVisible();
  await noFindings(page);

  await reopened(screen);
  await screen.scan();
  await screen.openModule('Body electronics');
  await screen.press(screen.button(/^Favourites 1/));
  await expect(page.getByRole('group').filter({ has: page.getByRole('switch') })).toHaveCount(1);
  await expect(screen.button(`No favourite any more: ${OPTION}`)).toHaveAttribute('aria-pressed', 'true');
});

test('U04 after a refused key one more is sent only by a person who was told what it may cost; then it is right', async ({
  page,
}) => {
  const screen = new Screen(page);
  await screen.open();
  await screen.startSimulator();
  await screen.scan();
  await screen.faults(WRONG_SEED);
  await writeBehindTheKey(screen);
  await screen.result('Nothing was changed');
  await expect(page.getByText(/^The module refused the key on level 3/)).toBeVisible();
  await screen.faults([]);
  await screen.press(screen.button('Try the key once more'));
  await screen.planShown();
  await expect(screen.planDialog.getByText('A key of this module was refused before')).toBeVisible();
  await expect(screen.planDialog.getByText(/the module may lock: for 10 minutes as a rule/)).toBeVisible();
  await expect(screen.planDialog.getByRole('button', { name: 'Keep editing' })).toBeFocused();
  await noFindings(page);
  await screen.pressInDialog(screen.planDialog, 'Try again: write 1 change');
  await screen.result('Written and proven');
});

test('U05 a second refused key locks the module: the rest is counted down, and no button sends a third', async ({
  page,
}) => {
  const screen = new Screen(page);
  await screen.open();
  await screen.startSimulator();
  await screen.scan();
  await screen.faults(WRONG_SEED);
  await writeBehindTheKey(screen);
  await screen.result('Nothing was changed');
  await screen.press(screen.button('Try the key once more'));
  await screen.planShown();
  await screen.pressInDialog(screen.planDialog, 'Try again: write 1 change');
  await expect(page.getByText(/^The module takes no key on level 3 for another/)).toBeVisible();
  const again = screen.button(/^Try the key once more in 9 min \d+ s$/);
  await expect(again).toHaveAttribute('aria-disabled', 'true');
  const before = await again.textContent();
  await expect(again).not.toHaveText(before ?? '');
  await screen.leaveResult();
  await expect(page.getByText(/^This module takes no key for another 9\smin \d+\ss$/).first()).toBeVisible();
  await expect(screen.button('Review 1 change')).toHaveAttribute('aria-disabled', 'true');
  await noFindings(page);
});

test('all modules are backed up one after the other; the one that cannot be is told, and the round can be stopped', async ({
  page,
}) => {
  const screen = new Screen(page);
  await screen.open();
  await screen.startSimulator();
  await screen.scan();
  await screen.faults([{ on: { ecu: '08', sid: 0x22, did: 0x0600 }, effect: { kind: 'unstable-byte', offset: 0 } }]);
  await screen.press(screen.button('Back up all'));
  await expect(page.getByText(/^Backing up /).first()).toBeVisible();
  await expect(page.getByText('8 of 9 modules backed up')).toBeVisible({ timeout: 60_000 });
  const missing = page.getByRole('list', { name: 'Not backed up' });
  await expect(missing.getByRole('listitem')).toHaveCount(1);
  await expect(missing.getByText('Climate')).toBeVisible();
  await expect(page.getByRole('list', { name: 'Left out' }).getByText('Airbag')).toBeVisible();
  await noFindings(page);

  await screen.faults([]);
  await screen.press(screen.button('Back up 1 module again'));
  await expect(page.getByText('1 module backed up')).toBeVisible({ timeout: 30_000 });
  await screen.press(screen.button('Close'));

  await screen.press(screen.button('Back up all'));
  await screen.press(screen.button('Stop after this module'));
  await expect(page.getByText(/^[1-8] of 9 modules backed up$/)).toBeVisible({ timeout: 30_000 });
  await screen.section('Backups');
  await expect(page.getByRole('listbox', { name: 'Backups' }).getByText('As received')).toHaveCount(9);
});

test('a copy that was saved is known by the record, whatever this browser has forgotten', async ({ page }) => {
  const screen = await atTheBody(page);
  await screen.section('Backups');
  const list = page.getByRole('listbox', { name: 'Backups' });
  await expect(list.getByText('1 copy')).toBeVisible();
  const saved = page.waitForEvent('download');
  await screen.press(screen.button('Save as file'));
  await saved;
  await expect(list.getByText('2 copies')).toBeVisible();
  await page.evaluate(() => localStorage.clear());
  await reopened(screen);
  await screen.section('Backups');
  await expect(list.getByText('2 copies')).toBeVisible();
});
