import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page, test } from './fixtures.ts';
import { Screen } from './screen.ts';

test.describe.configure({ timeout: 300_000 });

/** Hundreds of requests to the virtual car, on a busy machine. */
const CHECK_MS = 120_000;
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Every module thinks for a while about every request: a check that is long enough to be looked at. */
const SLOW_CAR = [{ on: {}, effect: { kind: 'pending', count: 4, everyMs: 500 } }] as const;

/** All rules in the dark theme, contrast in the light one as well. */
async function look(page: Page, state: string): Promise<void> {
  for (const theme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await expect(page.locator(`html[data-theme="${theme}"]`)).toHaveCount(1);
    const builder = new AxeBuilder({ page }).setLegacyMode(true);
    const { violations } = await (theme === 'dark'
      ? builder.withTags(TAGS)
      : builder.withRules('color-contrast')
    ).analyze();
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
    expect.soft(found, `${state}, ${theme}`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: 'dark' });
}

/** The browser's list, left without a choice: headless there is none to leave. */
async function dismissChooser(page: Page): Promise<void> {
  await page.addInitScript(() => {
    navigator.serial.requestPort = () =>
      Promise.reject(new DOMException('No port selected by the user.', 'NotFoundError'));
  });
}

test('the adapter check: reads only, tells what was measured, can be stopped, printed and found again', async ({
  page,
}) => {
  const screen = new Screen(page);
  await screen.open();

  await test.step('without an adapter there is nothing to check, and the way to one', async () => {
    await page.goto('./#/connect/adapter');
    await expect(screen.heading('No adapter is connected')).toBeVisible();
    await expect(screen.button('Check adapter')).toHaveAttribute('aria-disabled', 'true');
    await look(page, 'no adapter');
    await page.getByRole('link', { name: 'Go to Connect' }).click();
    await screen.startSimulator();
  });

  await test.step('before a scan it says that the car has to be scanned first', async () => {
    await page.getByRole('link', { name: 'Check this adapter' }).click();
    await expect(screen.heading('Adapter check')).toBeVisible();
    await expect(page.getByText('never checked on this computer')).toBeVisible();
    const check = screen.button('Check adapter');
    await expect(check).toHaveAttribute('aria-disabled', 'true');
    await expect(check).toHaveAccessibleDescription('Scan the car first');
    await look(page, 'never checked');
    await screen.press(screen.button('Scan this car'));
    await expect(check).toBeEnabled({ timeout: CHECK_MS });
  });

  await test.step('it can be stopped, and concludes nothing then', async () => {
    await screen.faults(SLOW_CAR);
    await screen.press(screen.button('Check adapter'));
    await expect(page.getByRole('progressbar')).toBeVisible();
    await expect(screen.heading('Parts of the check')).toBeVisible();
    await look(page, 'running');
    await screen.press(screen.button('Stop now'));
    await expect(page.getByText('The check was stopped')).toBeVisible({ timeout: CHECK_MS });
    await expect(page.getByText('never checked on this computer')).toBeVisible();
    await look(page, 'stopped');
    await screen.press(screen.button('Close'));
    await expect(page.getByText('The check was stopped')).toHaveCount(0);
    await screen.faults([]);
  });

  await test.step('it ends with numbers, and with the verdict that they bear out', async () => {
    await screen.press(screen.button('Check adapter'));
    await expect(screen.button('Check adapter again')).toBeEnabled({ timeout: CHECK_MS });
    const lines = page.getByRole('region', { name: 'Measured' }).getByRole('listitem');
    await expect(lines).toHaveCount(8);
    for (const line of ['Answer time of a module', 'Speed of long answers', 'Longest answer it brings whole'])
      await expect(lines.filter({ hasText: line })).toContainText(/\d/);
    // A machine that is too busy to pass answers on in time is an adapter that loses them: that is measured, not assumed.
    const isLossy = (await lines.filter({ hasText: /^\s*not good:/ }).count()) > 0;
    await expect(screen.heading(isLossy ? / may diagnose$/ : / may diagnose and code$/)).toBeVisible();
    await expect(page.getByText('Measured on the virtual car.')).toBeVisible();
    await look(page, 'result');
  });

  await test.step('on paper only the check is left, on one sheet', async () => {
    await page.emulateMedia({ media: 'print' });
    await expect(page.getByRole('heading', { level: 1, name: 'Adapter check' })).toBeVisible();
    await expect(page.getByRole('table')).toHaveCount(2);
    await expect(page.getByText('Simulator: this is no check of a real adapter.')).toBeVisible();
    await expect(screen.button('Check adapter again')).toBeHidden();
    await expect(page.getByRole('navigation', { name: 'Sections' })).toBeHidden();
    const pdf = (await page.pdf({ format: 'A4' })).toString('latin1');
    expect(pdf).toContain('/Count 1');
    await page.emulateMedia({ media: null });
  });

  await test.step('it is kept: on Connect with its date, in the list of adapters, at an address of its own', async () => {
    await screen.section('Connect');
    await page.getByRole('link', { name: 'Show the check' }).click();
    const list = page.getByRole('region', { name: 'Adapters checked on this computer' });
    await expect(list.getByRole('button')).toContainText('connected now');
    await expect(page.getByRole('region', { name: 'Status' }).getByText(/^· (reads|codes)$/)).toBeVisible();
    await screen.control({ type: 'unplug' });
    await expect(screen.heading('No adapter is connected')).toBeVisible();
    await screen.press(list.getByRole('button'));
    await expect(page).toHaveURL(/#\/connect\/adapter\/.+/);
    await expect(screen.heading(/ may diagnose( and code)?$/)).toBeVisible();
    await expect(screen.button('Print the check')).toBeEnabled();
    await look(page, 'earlier check');
  });
});

test('S01 a dismissed list is no error: the checks of this system, then of the others, by keyboard', async ({
  page,
}) => {
  await dismissChooser(page);
  const screen = new Screen(page);
  await screen.open();
  await screen.press(screen.button('Choose adapter'));
  const said = page.getByRole('status').filter({ hasText: 'No adapter was chosen' });
  await expect(said).toContainText('Nothing is wrong.');
  await expect(page.getByRole('alert')).toHaveCount(0);
  await expect(screen.button('Choose adapter')).toBeEnabled();
  await look(page, 'dismissed');

  await said.getByRole('link', { name: 'All points, and other systems' }).click();
  await expect(screen.heading('My adapter is not in the list')).toBeVisible();
  await expect(page.getByRole('tab').first()).toHaveAttribute('aria-selected', 'true');
  await expect(page.getByRole('tab').first()).toHaveText('Linux');
  await expect(page.getByText('this computer', { exact: true })).toBeVisible();
  await expect(page.getByText('dialout on Debian')).toBeVisible();
  await look(page, 'help for this system');
  await page.getByRole('tab').first().focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('tab', { name: 'Windows' })).toHaveAttribute('aria-selected', 'true');
  await expect(page.getByText('A COM port appears when you plug it in')).toBeVisible();
  await page.keyboard.press('End');
  await expect(screen.button('Choose over Bluetooth')).toBeVisible();
  await look(page, 'help for Android');

  await screen.section('Help');
  await page.getByRole('tab', { name: 'Guide' }).click();
  await page.getByRole('link', { name: 'Show what to look at' }).click();
  await expect(screen.heading('My adapter is not in the list')).toBeVisible();
});

test('I10 a typed voltage is signed for ten minutes, never green, and gives way to a measured one', async ({
  page,
}) => {
  const screen = new Screen(page);
  await screen.open();
  await screen.startSimulator();
  await page.getByRole('button', { name: /^Supply voltage: .*Type a meter reading$/ }).click();
  const dialog = page.getByRole('alertdialog', { name: 'Type a meter reading?' });
  const sign = dialog.getByRole('button', { name: /^Sign / });
  await expect(sign).toHaveAccessibleDescription('Type the voltage first');
  await look(page, 'typing a voltage');
  await dialog.getByRole('textbox', { name: 'Voltage at the battery' }).fill('126');
  await expect(dialog.getByRole('paragraph').filter({ hasText: 'A car has between 5 and 20 V.' })).toBeVisible();
  await dialog.getByRole('textbox', { name: 'Voltage at the battery' }).fill('12,7');
  await expect(sign).toHaveAccessibleDescription('Type your name first');
  await dialog.getByRole('textbox', { name: 'Your name' }).fill('Anna');
  await screen.pressInDialog(dialog, /^Sign 12\.7\sV$/);
  await expect(dialog).toHaveCount(0);
  const signed = page.getByRole('button', {
    name: /^Supply voltage: 12\.7 volts, OK, typed and signed by Anna, not measured, (10|9)\smin left\. Type a meter reading$/,
  });
  await expect(signed).toBeVisible();
  await expect(signed).toBeFocused();
  await expect(signed).toContainText(/Signed, (10|9)\smin/);
  await expect(page.getByRole('meter')).toHaveCount(0);
  await look(page, 'signed');

  await screen.scan();
  await expect(page.getByRole('meter', { name: 'Supply voltage' })).toHaveAttribute(
    'aria-valuetext',
    /^1[234]\.\d volts, /,
    {
      timeout: 30_000,
    },
  );
});

test('another bus speed is a person’s word, explained, and holds for the next connection', async ({ page }) => {
  const screen = new Screen(page);
  await screen.open();
  await page.getByText('This car uses another bus speed').click();
  await expect(page.getByText('Codebay never tries speeds out.')).toBeVisible();
  const speed = page.getByRole('combobox', { name: 'Speed of the bus' });
  await expect(speed).toHaveValue('0');
  await expect(speed.getByRole('option').first()).toHaveText('500\u00A0kbit/s (usual)');
  await speed.selectOption({ label: '250\u00A0kbit/s' });
  await expect(page.getByText('The next connection uses 250 kbit/s.')).toBeVisible();
  await look(page, 'bus speed');
});

test('connecting the known adapter at the start can be switched off, and stays off', async ({ page }) => {
  const screen = new Screen(page);
  await screen.open();
  await screen.section('Help');
  const setting = page.getByRole('switch', { name: 'Connect the known adapter at the start' });
  await expect(setting).toBeChecked();
  await setting.click();
  await page.reload();
  await expect(setting).not.toBeChecked();
});

for (const width of [800, 390])
  test(`nothing is wider than a screen of ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 844 });
    const screen = new Screen(page);
    await screen.open();
    const fits = async () =>
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    await fits();
    await screen.startSimulator();
    await fits();
    await page.getByRole('link', { name: 'Check this adapter' }).click();
    await expect(screen.heading('Adapter check')).toBeVisible();
    await fits();
    await page.goto('./#/connect/missing');
    await expect(screen.heading('My adapter is not in the list')).toBeVisible();
    await fits();
  });
