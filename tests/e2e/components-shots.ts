/**
 * Pictures of the gallery into .cache/shots: `npx tsx tests/e2e/components-shots.ts [screen …]`
 * With `THEMES=dark,light WIDTHS=1280,800` fewer or other ones.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { projectRoot } from '../../build/shell.ts';
import { findChromium, launchArguments } from './chromium.ts';
import { galleryScreens, serveGallery } from './components-gallery.ts';

const asked = process.argv.slice(2);
const screens = galleryScreens.filter((screen) => asked.length === 0 || asked.includes(screen));
const themes = (process.env.THEMES ?? 'dark,light,sunlight').split(',');
const widths = (process.env.WIDTHS ?? '1280,800,390').split(',').map(Number);
const extra = process.env.QUERY ?? '';
const heights = new Map([
  [1280, 800],
  [800, 1100],
  [390, 844],
]);

const folder = join(projectRoot, '.cache/shots');
await mkdir(folder, { recursive: true });
const gallery = await serveGallery();
const executablePath = findChromium();
const browser = await chromium.launch({
  ...(executablePath === undefined ? {} : { executablePath }),
  args: [...launchArguments],
});
const page = await browser.newPage();
page.on('console', (message) => {
  if (message.type() === 'error') console.error(`${page.url()}: ${message.text()}`);
});
page.on('pageerror', (error) => console.error(`${page.url()}: ${error.message}`));
for (const screen of screens)
  for (const theme of themes)
    for (const width of widths) {
      await page.setViewportSize({ width, height: heights.get(width) ?? 800 });
      await page.goto(`${gallery.page}?screen=${screen}&theme=${theme}${extra === '' ? '' : `&${extra}`}`);
      await page.waitForTimeout(80);
      const name = [screen, theme, extra.replace(/\W/g, ''), width].filter((part) => part !== '').join('-');
      await page.screenshot({ path: join(folder, `${name}.png`), fullPage: screen === 'components' });
    }
await browser.close();
await gallery.close();
