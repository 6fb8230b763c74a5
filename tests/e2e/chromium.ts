/** Finds the Chromium for the browser lanes, or installs one. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from '@playwright/test';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** Quiet, and runnable as root in a container. No flag here changes what a page may do. */
export const launchArguments: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** `CHROMIUM_PATH`, else the system's browser, else Playwright's own; undefined when there is none. */
export function findChromium(): string | undefined {
  const given = process.env.CHROMIUM_PATH;
  if (given !== undefined && given !== '') {
    if (!existsSync(given)) throw new Error(`CHROMIUM_PATH names ${given}, which does not exist`);
    return given;
  }
  const folders = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)];
  const candidates = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  return [...candidates, chromium.executablePath()].find((path) => path !== '' && existsSync(path));
}

/** Installs a browser with the system's means if it may, else into Playwright's own folder. Says what it does. */
export function installChromium(): string {
  const isDebianRoot = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  const commands = isDebianRoot
    ? ['apt-get update', 'apt-get install --yes --no-install-recommends chromium']
    : ['npx playwright install chromium'];
  for (const command of commands) {
    console.log(`no Chromium found; running: ${command}`);
    const [program = '', ...parameters] = command.split(' ');
    const { status } = spawnSync(program, parameters, { stdio: 'inherit' });
    if (status !== 0) throw new Error(`"${command}" failed; install a Chromium, or name one in CHROMIUM_PATH`);
  }
  const path = findChromium();
  if (path === undefined) throw new Error('still no Chromium; name one in CHROMIUM_PATH');
  return path;
}
