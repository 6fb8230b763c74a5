/**
 * `npx tsx build/icons.ts`: renders the PNG icons of the manifest from `public/icons/codebay.svg` with the installed
 * Chromium. The results are committed, so that a build needs no browser; run it again when the mark changes.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { findChromium, launchArguments } from '../tests/e2e/chromium.ts';

const folder = join(import.meta.dirname, '../public/icons');
const svg = await readFile(join(folder, 'codebay.svg'), 'utf8');

/** A maskable icon is cut to the system's shape: full bleed, the mark inside the central 80 %. */
const maskable = svg.replace(' rx="9"', '').replace('translate(9 9)', 'translate(12 12) scale(0.8)');
const icons = [
  { name: 'codebay-192.png', size: 192, source: svg },
  { name: 'codebay-512.png', size: 512, source: svg },
  { name: 'codebay-maskable-512.png', size: 512, source: maskable },
];

const executablePath = findChromium();
if (executablePath === undefined) throw new Error('no Chromium found; npm test installs one');
const browser = await chromium.launch({ executablePath, args: [...launchArguments] });
const page = await browser.newPage();
for (const { name, size, source } of icons) {
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(`<style>body{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${source}`);
  await page.screenshot({ path: join(folder, name), omitBackground: true });
  console.log(`icons: ${name}`);
}
await browser.close();
