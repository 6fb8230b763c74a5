import { spawnSync } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext } from '@playwright/test';
import { expect, type Page, test } from './fixtures.ts';

/**
 * The platform shell with its real plugins, policy and service worker, on a page of its own (fixture-app/): offline,
 * isolation, and two releases on one origin. "An open job" is what the journal and the host of operations leave
 * behind: the lock `job`, or a row in `openJobs`.
 */

const root = join(import.meta.dirname, '../..');
const builds = join(tmpdir(), `codebay-releases-${process.pid}`);

/** Builds one release of the fixture page once per run. */
function build(release: string): string {
  const out = join(builds, release);
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: join(import.meta.dirname, 'fixture-app'),
    env: { ...process.env, OUT: out, RELEASE: release },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`vite build failed\n${stdout}\n${stderr}`);
  return out;
}

let one: string;
let two: string;

test.beforeAll(() => {
  one = build('one');
  two = build('two');
});
test.afterAll(() => rm(builds, { recursive: true, force: true }));

/** Replaces what the host serves. */
async function deploy(release: string, served: string): Promise<void> {
  await rm(served, { recursive: true, force: true });
  await cp(release, served, { recursive: true });
}

async function open(context: BrowserContext, url: string): Promise<Page> {
  const page = context.pages()[0] ?? (await context.newPage());
  await page.goto(url);
  await page.waitForFunction(() => window.fixture !== undefined);
  return page;
}

const release = (page: Page) => page.evaluate(() => window.fixture.release);
const state = (page: Page) => page.evaluate(() => window.fixture.offline.state.value);
const check = (page: Page) => page.evaluate(() => window.fixture.offline.checkForUpdate());
const apply = (page: Page) => page.evaluate(() => window.fixture.offline.applyUpdate());
const reaches = (page: Page, expected: string) => expect.poll(() => state(page), { timeout: 15_000 }).toBe(expected);

/** First visit, until the release is stored and the page is usable offline. */
async function visit(context: BrowserContext, url: string): Promise<Page> {
  const page = await open(context, url);
  await reaches(page, 'ready');
  return page;
}

/** Writes (or removes) one row of the journal's table of open jobs, as the store would. */
const setOpenJob = (page: Page, name: 'codebay' | 'codebay-training', isOpen: boolean) =>
  page.evaluate(
    ([name, isOpen]) =>
      new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open(name, 10);
        opening.onupgradeneeded = () => opening.result.createObjectStore('openJobs', { keyPath: 'operationId' });
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const transaction = opening.result.transaction('openJobs', 'readwrite');
          const table = transaction.objectStore('openJobs');
          if (isOpen) table.put({ operationId: 'operation-1' });
          else table.clear();
          transaction.oncomplete = () => {
            opening.result.close();
            resolve();
          };
        };
      }),
    [name, isOpen] as const,
  );

const cacheNames = (page: Page) => page.evaluate(async () => (await caches.keys()).filter((n) => !n.endsWith('notes')));
const registered = (page: Page) =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    return { waiting: registration?.waiting?.state ?? null, installing: registration?.installing?.state ?? null };
  });
/** Survives in the page as long as nothing reloads it. */
const mark = (page: Page) => page.evaluate(() => void Object.assign(window, { mark: 'same page' }));
const marked = (page: Page) => page.evaluate(() => 'mark' in window);

test('the first visit starts workers under the policy, and the second is isolated by the service worker', async ({
  openBrowser,
  host,
}) => {
  const { url } = await host({ folder: one });
  const page = await visit(await openBrowser(), url);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
  expect(await page.evaluate(() => window.fixture.askWorker())).toMatchObject({ release: 'one', isIsolated: false });

  const response = await page.reload();
  await page.waitForFunction(() => window.fixture !== undefined);
  expect(response?.headers()).toMatchObject({
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'cross-origin-resource-policy': 'same-origin',
  });
  expect(response?.headers()['content-security-policy']).toContain("frame-ancestors 'none'");
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  expect(await page.evaluate(() => window.fixture.askWorker())).toEqual({
    release: 'one',
    lazy: 'lazy chunk of release one',
    isIsolated: true,
    evalWorks: false,
  });
});

test('the policy refuses foreign scripts, strings as scripts and eval', async ({
  openBrowser,
  host,
  expectedProblems,
}) => {
  // Provoked here, by the page itself.
  expectedProblems.push(/policy violation|Content Security Policy|TrustedScript/i);
  const { url } = await host({ folder: one });
  const page = await visit(await openBrowser(), url);
  const thrown = await page.evaluate(() => {
    const attempts: Record<string, () => unknown> = {
      'worker from a string': () => new Worker('assets/x.js'),
      'a second policy': () => window.trustedTypes?.createPolicy('app-worker', {}),
      'a policy of another name': () => window.trustedTypes?.createPolicy('mine', {}),
    };
    return Object.entries(attempts).map(([name, attempt]) => {
      try {
        attempt();
        return `${name}: worked`;
      } catch (error) {
        return `${name}: ${(error as Error).name}`;
      }
    });
  });
  expect(thrown).toEqual([
    'worker from a string: TypeError',
    'a second policy: TypeError',
    'a policy of another name: TypeError',
  ]);
  expect(await page.evaluate(() => window.fixture.evaluate('1 + 1'))).toBe('EvalError');
});

for (const prefix of ['/', '/tools/bay/'])
  test(`B07 after the first visit everything works offline, served from ${prefix}`, async ({ openBrowser, host }) => {
    const served = await host({ folder: one, prefix });
    const context = await openBrowser();
    const page = await visit(context, served.url);
    await served.close();
    await context.setOffline(true);

    for (const address of [served.url, `${served.url}index.html`, `${served.url}?from=mail#/vehicle/1`]) {
      await page.goto('about:blank');
      await page.goto(address);
      await page.waitForFunction(() => window.fixture !== undefined);
      expect(await page.evaluate(() => window.fixture.lazy())).toBe('lazy chunk of release one');
    }
    expect(await page.evaluate(() => window.fixture.askWorker())).toMatchObject({ release: 'one', isIsolated: true });
    expect(await page.evaluate(async () => (await fetch('definitions/example.json')).json())).toEqual({
      example: true,
    });
    await reaches(page, 'ready');
  });

test('I7 B05 a version deployed during a running job is not installed and reloads nothing; after the job it waits', async ({
  openBrowser,
  host,
  folder,
}) => {
  const served = join(folder, 'served');
  await deploy(one, served);
  const { url } = await host({ folder: served });
  const context = await openBrowser();
  const page = await visit(context, url);
  await page.reload();
  await page.waitForFunction(() => window.fixture !== undefined);
  await mark(page);
  await page.evaluate(
    () =>
      new Promise<void>((begun) => {
        void navigator.locks.request('job', () => {
          begun();
          return new Promise<void>((end) => Object.assign(window, { endJob: end }));
        });
      }),
  );

  await deploy(two, served);
  await check(page);
  await reaches(page, 'update-refused');
  await expect.poll(() => registered(page)).toEqual({ waiting: null, installing: null });
  expect(await cacheNames(page)).toHaveLength(1);
  expect(await apply(page)).toBe('nothing');
  expect(await marked(page)).toBe(true);
  expect(await page.evaluate(() => window.fixture.lazy())).toBe('lazy chunk of release one');

  await page.evaluate(() => (window as unknown as { endJob(): void }).endJob());
  await expect.poll(() => page.evaluate(async () => (await navigator.locks.query()).held?.length)).toBe(0);
  await check(page);
  await reaches(page, 'update-waiting');
  expect(await registered(page)).toEqual({ waiting: 'installed', installing: null });
  expect(await marked(page)).toBe(true);
  expect(await release(page)).toBe('one');
});

for (const database of ['codebay', 'codebay-training'] as const)
  test(`I7 a row in openJobs of ${database} keeps a new version out, and its removal lets it in`, async ({
    openBrowser,
    host,
    folder,
  }) => {
    const served = join(folder, 'served');
    await deploy(one, served);
    const { url } = await host({ folder: served });
    const page = await visit(await openBrowser(), url);
    await setOpenJob(page, database, true);
    await deploy(two, served);
    await check(page);
    await reaches(page, 'update-refused');
    expect(await cacheNames(page)).toHaveLength(1);

    await setOpenJob(page, database, false);
    await check(page);
    await reaches(page, 'update-waiting');
  });

test('I7 a database that does not answer within 2 s counts as a job', async ({ openBrowser, host, folder }) => {
  const served = join(folder, 'served');
  await deploy(one, served);
  const { url } = await host({ folder: served });
  const page = await visit(await openBrowser(), url);
  await setOpenJob(page, 'codebay', false);
  // An upgrade that waits for an older connection hangs every open that comes after it.
  await page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const older = indexedDB.open('codebay');
        older.onsuccess = () => {
          const newer = indexedDB.open('codebay', 20);
          newer.onblocked = () => resolve();
          newer.onsuccess = () => newer.result.close();
          Object.assign(window, { unblock: () => older.result.close() });
        };
      }),
  );
  await deploy(two, served);
  await check(page);
  await reaches(page, 'update-refused');
  expect(await registered(page)).toMatchObject({ waiting: null });

  await page.evaluate(() => (window as unknown as { unblock(): void }).unblock());
  await check(page);
  await reaches(page, 'update-waiting');
});

test('I7 a version that waits when a job begins does not take over at the restart: the version of the job is served', async ({
  openBrowser,
  host,
  folder,
}) => {
  const served = join(folder, 'served');
  await deploy(one, served);
  const { url } = await host({ folder: served });
  const first = await openBrowser();
  const page = await visit(first, url);
  await deploy(two, served);
  await check(page);
  await reaches(page, 'update-waiting');
  await setOpenJob(page, 'codebay', true);
  expect(await apply(page)).toBe('refused');
  await first.close();

  const second = await openBrowser();
  const reopened = await open(second, url);
  // The browser activates the waiting worker while no page is open; give it the time.
  await expect
    .poll(() => reopened.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.waiting ?? null))
    .toBeNull();
  await reopened.reload();
  await reopened.waitForFunction(() => window.fixture !== undefined);
  expect(await release(reopened)).toBe('one');
  expect(await reopened.evaluate(() => crossOriginIsolated)).toBe(true);
  expect(await reopened.evaluate(() => window.fixture.lazy())).toBe('lazy chunk of release one');
  expect(await reopened.evaluate(() => window.fixture.askWorker())).toMatchObject({ release: 'one' });
  expect(await apply(reopened)).toBe('refused');

  await setOpenJob(reopened, 'codebay', false);
  await second.close();

  const third = await openBrowser();
  const updated = await open(third, url);
  expect(await release(updated)).toBe('two');
  expect(await cacheNames(updated)).toHaveLength(1);
  await reaches(updated, 'ready');
});

test('I7 a kept version is left by a click once its job is closed', async ({ openBrowser, host, folder }) => {
  const served = join(folder, 'served');
  await deploy(one, served);
  const { url } = await host({ folder: served });
  const first = await openBrowser();
  const page = await visit(first, url);
  await deploy(two, served);
  await check(page);
  await reaches(page, 'update-waiting');
  await setOpenJob(page, 'codebay', true);
  await first.close();

  const reopened = await open(await openBrowser(), url);
  expect(await release(reopened)).toBe('one');
  await reaches(reopened, 'update-waiting');
  await setOpenJob(reopened, 'codebay', false);
  expect(await apply(reopened)).toBe('updated');
  await reopened.reload();
  await reopened.waitForFunction(() => window.fixture !== undefined);
  expect(await release(reopened)).toBe('two');
});

test('an update is taken over by the click only, and a second tab keeps the chunks of its own version', async ({
  openBrowser,
  host,
  folder,
}) => {
  const served = join(folder, 'served');
  await deploy(one, served);
  const { url } = await host({ folder: served });
  const context = await openBrowser();
  const page = await visit(context, url);
  const other = await context.newPage();
  await other.goto(url);
  await other.waitForFunction(() => window.fixture !== undefined);
  await mark(other);
  await deploy(two, served);
  await check(page);
  await reaches(page, 'update-waiting');
  await page.reload();
  await page.waitForFunction(() => window.fixture !== undefined);
  expect(await release(page)).toBe('one');
  await reaches(page, 'update-waiting');

  expect(await apply(page)).toBe('updated');
  expect(await release(page)).toBe('one');
  await page.reload();
  await page.waitForFunction(() => window.fixture !== undefined);
  expect(await release(page)).toBe('two');
  await reaches(page, 'ready');

  expect(await marked(other)).toBe(true);
  expect(await other.evaluate(() => window.fixture.lazy())).toBe('lazy chunk of release one');
  await check(other);
  await reaches(other, 'update-waiting');
});

test('a half-finished deploy is refused, and what is stored stays', async ({ openBrowser, host, folder }) => {
  const served = join(folder, 'served');
  await deploy(one, served);
  // The host answers a missing file with index.html and 200.
  const { url } = await host({ folder: served, fallback: true });
  const context = await openBrowser();
  const page = await visit(context, url);
  await deploy(two, served);
  await rm(join(served, 'definitions/example.json'));
  await check(page);
  await expect.poll(() => registered(page)).toEqual({ waiting: null, installing: null });
  await reaches(page, 'ready');
  expect(await cacheNames(page)).toHaveLength(1);
  await page.reload();
  await page.waitForFunction(() => window.fixture !== undefined);
  expect(await release(page)).toBe('one');

  await deploy(two, served);
  await check(page);
  await reaches(page, 'update-waiting');
});

test('one changed byte in a stored file refuses the first install, and the page says that it is not offline', async ({
  openBrowser,
  host,
  folder,
}) => {
  const served = join(folder, 'served');
  await deploy(one, served);
  const path = join(served, 'definitions/example.json');
  const intact = await readFile(path);
  await mkdir(join(served, 'definitions'), { recursive: true });
  await writeFile(path, intact.with(0, 0x5b));
  const { url } = await host({ folder: served });
  const page = await open(await openBrowser(), url);
  await reaches(page, 'failed');
  expect(await cacheNames(page)).toEqual([]);

  await writeFile(path, intact);
  await check(page);
  await reaches(page, 'ready');
});

test('a rollback to the running version while a newer one waits keeps the running one whole', async ({
  openBrowser,
  host,
  folder,
}) => {
  const served = join(folder, 'served');
  await deploy(one, served);
  const { url } = await host({ folder: served });
  const first = await openBrowser();
  const page = await visit(first, url);
  await deploy(two, served);
  await check(page);
  await reaches(page, 'update-waiting');

  // Half-finished: it must not take the running release's stored files with it.
  await deploy(one, served);
  await rm(join(served, 'definitions/example.json'));
  await check(page);
  await expect.poll(async () => (await registered(page)).installing).toBeNull();
  await first.setOffline(true);
  expect(await page.evaluate(() => window.fixture.lazy())).toBe('lazy chunk of release one');
  await first.setOffline(false);

  await deploy(one, served);
  await check(page);
  await expect.poll(async () => (await registered(page)).installing).toBeNull();
  await first.close();

  const second = await openBrowser();
  await second.setOffline(true);
  const reopened = await open(second, url);
  expect(await release(reopened)).toBe('one');
  expect(await reopened.evaluate(() => window.fixture.lazy())).toBe('lazy chunk of release one');
});

test('two copies of the app below one origin keep their own files', async ({ openBrowser, host, folder }) => {
  const both = join(folder, 'both');
  await cp(one, join(both, 'a'), { recursive: true });
  await cp(two, join(both, 'b'), { recursive: true });
  const served = await host({ folder: both });
  const first = await openBrowser();
  await visit(first, `${served.url}a/index.html`);
  await visit(first, `${served.url}b/index.html`);
  await first.close();

  // The first page of a start is when a copy tidies up.
  const second = await openBrowser();
  const page = await open(second, `${served.url}b/`);
  expect(await release(page)).toBe('two');
  await second.setOffline(true);
  await page.goto(`${served.url}a/`);
  await page.waitForFunction(() => window.fixture !== undefined);
  expect(await release(page)).toBe('one');
});

test('a hard reload goes past the service worker and still works', async ({ openBrowser, host }) => {
  const { url } = await host({ folder: one });
  const context = await openBrowser();
  const page = await visit(context, url);
  const session = await context.newCDPSession(page);
  await session.send('Page.reload', { ignoreCache: true });
  await page.waitForFunction(() => window.fixture?.offline.state.value === 'ready');
  expect(await page.evaluate(() => navigator.serviceWorker.controller)).toBeNull();
  expect(await page.evaluate(() => window.fixture.askWorker())).toMatchObject({ release: 'one' });
});

test('the theme is chosen before the first paint: stored choice first, else the system', async ({
  openBrowser,
  host,
}) => {
  const { url } = await host({ folder: one });
  const page = await open(await openBrowser(), url);
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  await page.emulateMedia({ colorScheme: 'light' });
  await expect.poll(theme).toBe('light');
  await page.emulateMedia({ colorScheme: 'light', contrast: 'more' });
  await expect.poll(theme).toBe('sunlight');
  await page.evaluate(() => localStorage.setItem('codebay.theme', 'dark'));
  await page.reload();
  expect(await theme()).toBe('dark');
  expect(await page.locator('head script[blocking=render]').count()).toBe(1);
});

test('the app offers its installation once per offer of the browser, and asks only when told to', async ({
  openBrowser,
  host,
}) => {
  const { url } = await host({ folder: one });
  const page = await open(await openBrowser(), url);
  const seen = await page.evaluate(async () => {
    const { installation } = window.fixture;
    const seen: unknown[] = [installation.state.value, await installation.install()];
    let asked = 0;
    const offer = new Event('beforeinstallprompt', { cancelable: true });
    Object.assign(offer, {
      prompt: async () => {
        asked++;
        return { outcome: 'accepted' };
      },
    });
    window.dispatchEvent(offer);
    seen.push(offer.defaultPrevented, installation.state.value, asked);
    seen.push(await installation.install(), asked, await installation.install(), asked);
    window.dispatchEvent(new Event('appinstalled'));
    seen.push(installation.state.value);
    return seen;
  });
  expect(seen).toEqual(['unavailable', 'dismissed', true, 'available', 0, 'accepted', 1, 'dismissed', 1, 'installed']);
});
