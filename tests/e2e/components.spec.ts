/** The components by themselves: their keys, their guards, axe in every theme, and the app's policy. */
import { AxeBuilder } from '@axe-core/playwright';
import { galleryScreens, serveGallery } from './components-gallery.ts';
import { expect, type Page, test } from './fixtures.ts';

let gallery: Awaited<ReturnType<typeof serveGallery>>;
test.beforeAll(async () => {
  gallery = await serveGallery();
});
test.afterAll(async () => {
  await gallery.close();
});

const open = async (page: Page, screen: string, more = '') => {
  await page.goto(`${gallery.page}?screen=${screen}${more}`);
  await expect(page.locator('h1').first()).toBeVisible();
};

const findings = async (screen: string, builder: AxeBuilder) => {
  const { violations } = await builder.analyze();
  return violations.map(({ id, nodes }) => `${screen} ${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
};

test('axe finds nothing on any screen of the gallery', async ({ page }) => {
  test.setTimeout(180_000);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  for (const screen of galleryScreens) {
    await open(page, screen);
    expect(await findings(screen, new AxeBuilder({ page }).withTags(tags))).toEqual([]);
  }
});

for (const theme of ['light', 'sunlight'])
  test(`axe finds enough contrast on every screen, ${theme}`, async ({ page }) => {
    test.setTimeout(180_000);
    for (const screen of galleryScreens) {
      await open(page, screen, `&theme=${theme}`);
      expect(await findings(screen, new AxeBuilder({ page }).withRules('color-contrast'))).toEqual([]);
    }
  });

test('nothing is wider than the page at 1280, 800, 390 and 320 px', async ({ page }) => {
  test.setTimeout(180_000);
  const tooWide: string[] = [];
  for (const screen of galleryScreens) {
    await open(page, screen);
    for (const width of [1280, 800, 390, 320]) {
      await page.setViewportSize({ width, height: 800 });
      const overPx = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (overPx > 0) tooWide.push(`${screen} at ${width}: ${overPx} px`);
    }
  }
  expect(tooWide).toEqual([]);
});

test('buttons are at least 48 px high, 76 with gloves', async ({ page }) => {
  for (const [more, least] of [
    ['', 48],
    ['&glove', 76],
  ] as const) {
    await open(page, 'options', more);
    for (const button of await page.getByRole('button', { name: /changes|Changed by us/ }).all())
      expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(least);
  }
});

test('the safe button of the dialog has the focus, Enter on it and Esc write nothing', async ({ page }) => {
  const written = page.getByTestId('written');
  for (const key of ['Enter', 'Escape']) {
    await open(page, 'confirm');
    await expect(page.getByRole('button', { name: 'Keep editing' })).toBeFocused();
    await page.keyboard.press(key);
    await expect(page.getByRole('alertdialog')).toHaveCount(0);
    await expect(written).toHaveText('0');
  }
});

test('Enter on the writing button writes nothing, Space does', async ({ page }) => {
  await open(page, 'confirm');
  await page.waitForTimeout(700);
  const write = page.getByRole('button', { name: 'Write 3 changes' });
  await write.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alertdialog')).toBeVisible();
  await expect(page.getByTestId('written')).toHaveText('0');
  await page.keyboard.press('Space');
  await expect(page.getByTestId('written')).toHaveText('1');
});

test('the second press of a double press does not reach the button that writes', async ({ page }) => {
  await open(page, 'options');
  await page.evaluate(async () => {
    const press = (label: string) =>
      [...document.querySelectorAll('button')].find((button) => button.textContent.includes(label))?.click();
    press('Review 3 changes');
    await new Promise(requestAnimationFrame);
    press('Write 3 changes');
  });
  await expect(page.getByRole('alertdialog')).toBeVisible();
  await expect(page.getByTestId('written')).toHaveText('0');
});

test('a guarded button counts a double press once', async ({ page }) => {
  await open(page, 'components');
  await page.getByRole('button', { name: 'Write 3 changes' }).dblclick();
  await expect(page.getByTestId('presses')).toHaveText('1');
});

test('the dialog leaves the strip uncovered, with and without the simulator tape', async ({ page }) => {
  for (const more of ['', '&simulator'])
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 800 });
      await open(page, 'confirm', more);
      const meter = await page.getByRole('meter').boundingBox();
      const dialog = await page.getByRole('alertdialog').boundingBox();
      expect((dialog?.y ?? 0) + 0.5).toBeGreaterThanOrEqual((meter?.y ?? 0) + (meter?.height ?? 0));
      const scrimTop = await page.evaluate(() => {
        const dialog = document.querySelector('dialog');
        return dialog === null ? 0 : Number.parseFloat(getComputedStyle(dialog, '::backdrop').top);
      });
      expect(scrimTop).toBeGreaterThanOrEqual((meter?.y ?? 0) + (meter?.height ?? 0) - 0.5);
    }
});

test('typing the VIN end arms the press; a press without it erases nothing', async ({ page }) => {
  await open(page, 'arm');
  const erase = page.getByRole('button', { name: 'Erase and program' });
  await erase.click();
  await expect(page.getByTestId('written')).toHaveText('0');
  await page.getByLabel('Type the last 4 of the VIN').fill('4703');
  await erase.click();
  await expect(page.getByTestId('written')).toHaveText('0');
  await page.getByLabel('Type the last 4 of the VIN').fill('4702');
  await erase.press('Enter');
  await expect(page.getByTestId('written')).toHaveText('0');
  await erase.click();
  await expect(page.getByTestId('written')).toHaveText('1');
});

test('holding for 2 s is the equal path, 1 s is not enough', async ({ page }) => {
  await open(page, 'arm');
  await page.getByRole('button', { name: 'Erase and program' }).hover();
  await page.mouse.down();
  await page.waitForTimeout(1000);
  await page.mouse.up();
  await page.waitForTimeout(1300);
  await expect(page.getByTestId('written')).toHaveText('0');
  await page.mouse.down();
  await page.waitForTimeout(2200);
  await page.mouse.up();
  await expect(page.getByTestId('written')).toHaveText('1');
});

test('the module tree moves with arrows, Home, End and letters', async ({ page }) => {
  await open(page, 'vehicle');
  const focused = page.locator('[role="treeitem"]:focus');
  await page.locator('[role="treeitem"][tabindex="0"]').focus();
  await expect(focused).toContainText('Body electronics');
  for (const [key, name] of [
    ['ArrowDown', 'Door, driver'],
    ['Home', 'Engine control'],
    ['ArrowUp', 'Engine control'],
    ['End', 'Tailgate'],
    ['g', 'Gearbox'],
    ['g', 'Gateway'],
  ] as const) {
    await page.keyboard.press(key);
    await expect(focused).toContainText(name);
    await expect(focused).toHaveAttribute('aria-selected', 'true');
  }
  await expect(page.locator('[role="treeitem"][tabindex="0"]')).toHaveCount(1);
});

test('Backspace takes back a staged option', async ({ page }) => {
  await open(page, 'options');
  const row = page.getByRole('group', { name: 'Comfort turn signal' });
  await row.getByRole('spinbutton').focus();
  await page.keyboard.press('ArrowUp');
  await expect(row.getByRole('spinbutton')).toHaveAttribute('aria-valuenow', '6');
  await page.keyboard.press('Backspace');
  await expect(row.getByRole('spinbutton')).toHaveAttribute('aria-valuenow', '3');
  await expect(row.getByRole('button', { name: 'Keep as it is: Comfort turn signal' })).toHaveCount(0);
});

test('the byte grid moves by arrows, Home, End and Ctrl, and takes hex digits', async ({ page }) => {
  await open(page, 'raw');
  const focused = page.locator('[role="gridcell"]:focus');
  await page.locator('[role="gridcell"][tabindex="0"]').focus();
  await expect(focused).toHaveAccessibleName('Byte 4, 63 hex, was 62');
  for (const [key, name] of [
    ['ArrowRight', 'Byte 5, 26 hex'],
    ['ArrowDown', 'Byte 13, 5C hex'],
    ['End', 'Byte 15, 00 hex'],
    ['Home', 'Byte 8, 30 hex'],
    ['Control+End', 'Byte 29, 00 hex'],
    ['ArrowDown', 'Byte 29, 00 hex'],
    ['Control+Home', 'Byte 0, 19 hex'],
  ] as const) {
    await page.keyboard.press(key);
    await expect(focused).toHaveAccessibleName(name);
  }
  await page.keyboard.press('a');
  await page.keyboard.press('5');
  await expect(focused).toHaveAccessibleName('Byte 1, 00 hex');
  await expect(page.getByRole('gridcell', { name: 'Byte 0, A5 hex, was 19' })).toBeVisible();
});

test('a trace of a million lines keeps few rows and reaches its last line', async ({ page }) => {
  await open(page, 'trace');
  const trace = page.getByRole('region', { name: 'Trace' });
  await trace.evaluate((view) => {
    view.scrollTop = view.scrollHeight;
  });
  await expect(trace.getByText('@17999982')).toBeVisible();
  expect(await trace.locator('.line').count()).toBeLessThan(100);
});

test('the report prints on white without the frame, page numbers and VIN end in the margin', async ({ page }) => {
  await open(page, 'report');
  await page.emulateMedia({ media: 'print' });
  await expect(page.getByRole('navigation')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Print report' })).toHaveCount(0);
  await expect(page.getByRole('heading', { name: 'Vehicle report' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Report of today' })).toHaveCount(0);
  expect((await page.locator('article').boundingBox())?.width).toBe(1280);
  const margins = await page.evaluate(() =>
    document.adoptedStyleSheets.map((sheet) => [...sheet.cssRules].map((rule) => rule.cssText).join()),
  );
  expect(margins.join()).toContain('VIN ends 014702');
});
