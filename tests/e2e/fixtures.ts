/**
 * What every browser test imports instead of `@playwright/test`: a page on which any console error, uncaught error or
 * violation of the security policy fails the test, and helpers for tests that need their own browser or host.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, test as base, chromium, expect, type Page } from '@playwright/test';
import { findChromium, launchArguments } from './chromium.ts';
import { type Served, type ServeOptions, serve } from './serve.ts';

export { expect, type Page };

export interface CodebayFixtures {
  /** What went wrong in any page so far, one line each. Must be empty at the end of the test. */
  readonly problems: string[];
  /**
   * Lines that a test provokes itself, and that therefore do not count: `expectedProblems.push(/ERR_INTERNET/)`.
   * As narrow as can be, and each with its reason.
   */
  readonly expectedProblems: RegExp[];
  /** A folder that is removed after the test. */
  readonly folder: string;
  /**
   * A browser whose profile outlives it, for tests that close and reopen it. `profile` names it inside the test.
   * Still open at the end: closed.
   */
  readonly openBrowser: (profile?: string) => Promise<BrowserContext>;
  /** A static host without headers, closed after the test. */
  readonly host: (options: ServeOptions) => Promise<Served>;
}

/** Chromium logs a violation itself; the event also catches those of which it says nothing. */
const reportViolations = () => {
  document.addEventListener('securitypolicyviolation', (event) => {
    console.error(`policy violation: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
  });
};

async function watch(context: BrowserContext, problems: string[]): Promise<void> {
  await context.addInitScript(reportViolations);
  context.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()} (${message.location().url})`);
  });
  context.on('weberror', (error) => problems.push(`uncaught: ${error.error().stack ?? error.error().message}`));
}

export const test = base.extend<CodebayFixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixture's needs from this pattern
  expectedProblems: async ({}, use) => {
    await use([]);
  },
  problems: async ({ expectedProblems }, use) => {
    const problems: string[] = [];
    await use(problems);
    const unexpected = problems.filter((problem) => !expectedProblems.some((pattern) => pattern.test(problem)));
    expect(unexpected, 'errors in the page').toEqual([]);
  },
  // The stock `page` comes from it, so every test has a watched page.
  context: async ({ context, problems }, use) => {
    await watch(context, problems);
    await use(context);
  },
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixture's needs from this pattern
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'codebay-e2e-'));
    await use(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  },
  openBrowser: async ({ folder, problems, contextOptions }, use) => {
    const open = new Set<BrowserContext>();
    await use(async (profile = 'profile') => {
      const executablePath = findChromium();
      if (executablePath === undefined) throw new Error('no Chromium found; npm test installs one');
      const context = await chromium.launchPersistentContext(join(folder, profile), {
        ...contextOptions,
        executablePath,
        args: [...launchArguments],
      });
      open.add(context);
      context.on('close', () => open.delete(context));
      await watch(context, problems);
      return context;
    });
    for (const context of open) await context.close();
  },
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixture's needs from this pattern
  host: async ({}, use) => {
    const hosts: Served[] = [];
    await use(async (options) => {
      const served = await serve(options);
      hosts.push(served);
      return served;
    });
    for (const served of hosts) await served.close();
  },
});
