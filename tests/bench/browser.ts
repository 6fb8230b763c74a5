/**
 * P10–P12: the built app (`dist`) in a Chromium. Both sides of a comparison run in turns in the same browser; medians count.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Browser, chromium, type Page } from '@playwright/test';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { build } from 'vite';
import { projectRoot } from '../../build/shell.ts';
import { findChromium, launchArguments } from '../e2e/chromium.ts';
import { Screen } from '../e2e/screen.ts';
import { serve } from '../e2e/serve.ts';
import { assertEqual, type BenchOptions, type BenchRow, median } from './rows.ts';

const SHELL = join(import.meta.dirname, 'shell');
/** The page is busy for this long, again and again, with this much between for its own events. */
const BLOCK_MS = 500;
const GAP_MS = 20;
const KILO = 1000;
/** Of the virtual car's module with the most blocks, as the trace names it. */
const GATEWAY = '710-77A';
/** The first request of a reading and its last answer: the VIN, the faults. */
const [FIRST, LAST] = ['> 22 F1 90', '< 59 02'];

/** @throws Error when there is no build or no Chromium */
export async function browserBench({ smoke }: BenchOptions): Promise<BenchRow[]> {
  const app = resolve(projectRoot, process.env.OUT ?? 'dist');
  if (!existsSync(join(app, 'index.html'))) throw new Error('bench: no build; run npm run build first');
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('bench: no Chromium; npm test installs one');
  const shell = mkdtempSync(join(tmpdir(), 'codebay-shell-'));
  const browser = await chromium.launch({ executablePath, args: [...launchArguments] });
  try {
    await buildShell(shell);
    return [
      ...(await stream(browser, app, smoke ? 1 : 5)),
      ...(await pageToReady(browser, app, shell, smoke ? 1 : 5)),
      {
        id: 'P12',
        what: 'all JS together, gzip',
        value: scripts(app).reduce((sum, path) => sum + gzipped(app, path), 0) / KILO,
        unit: 'kB',
        goal: { atMost: 600 },
      },
    ];
  } finally {
    await browser.close();
    rmSync(shell, { recursive: true, force: true });
  }
}

function buildShell(out: string): Promise<unknown> {
  return build({
    configFile: false,
    root: SHELL,
    base: './',
    logLevel: 'error',
    plugins: [svelte({ configFile: join(projectRoot, 'svelte.config.js') })],
    worker: { format: 'es' },
    build: { outDir: out, emptyOutDir: true, target: 'chrome130', modulePreload: { polyfill: false } },
  });
}

function scripts(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.js'));
}

function gzipped(folder: string, path: string): number {
  return gzipSync(readFileSync(join(folder, path)), { level: 9 }).length;
}

interface Visit {
  /** From the start of the navigation to the first frame with a button that can be pressed. */
  readonly readyMs: number;
  /** Paths of scripts asked for before that. */
  readonly scripts: readonly string[];
}

async function pageToReady(browser: Browser, app: string, shell: string, rounds: number): Promise<BenchRow[]> {
  const sides = { app: await serve({ folder: app }), shell: await serve({ folder: shell }) };
  const times: Record<keyof typeof sides, number[]> = { app: [], shell: [] };
  let asked: readonly string[] = [];
  try {
    for (let round = 0; round < rounds; round++)
      for (const side of ['app', 'shell'] as const) {
        const visit = await firstVisit(browser, sides[side].url);
        times[side].push(visit.readyMs);
        if (side === 'app') asked = visit.scripts;
      }
  } finally {
    await sides.app.close();
    await sides.shell.close();
  }
  const [ours, bare] = [median(times.app), median(times.shell)];
  return [
    {
      id: 'P12',
      what: 'page to ready ÷ bare shell',
      value: ours / bare,
      unit: '×',
      goal: { atMost: 2 },
      note: `${ours.toFixed(0)} ms ÷ ${bare.toFixed(0)} ms`,
    },
    {
      id: 'P12',
      what: 'JS requested before ready, gzip',
      value: asked.reduce((sum, path) => sum + gzipped(app, path), 0) / KILO,
      unit: 'kB',
      goal: { atMost: 160 },
      note: `${asked.length} files`,
    },
  ];
}

/** A browser that was never here: nothing cached, no service worker. */
async function firstVisit(browser: Browser, url: string): Promise<Visit> {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.addInitScript(() => {
      const observer = new MutationObserver(() => {
        if (document.querySelector('#app button:not([aria-disabled])') === null) return;
        observer.disconnect();
        requestAnimationFrame(() => performance.mark('bench:ready'));
      });
      observer.observe(document, { childList: true, subtree: true });
    });
    await page.goto(url);
    await page.waitForFunction(() => performance.getEntriesByName('bench:ready').length > 0);
    const { readyMs, urls } = await page.evaluate(() => {
      const ready = performance.getEntriesByName('bench:ready')[0]?.startTime ?? Number.NaN;
      const before = performance.getEntriesByType('resource').filter(({ startTime }) => startTime < ready);
      return { readyMs: ready, urls: before.map(({ name }) => name) };
    });
    const paths = urls.map((name) => new URL(name).pathname.slice(1)).filter((path) => path.endsWith('.js'));
    return { readyMs, scripts: paths };
  } finally {
    await context.close();
  }
}

/** What the page was sent, and when. */
interface Received {
  readonly atMs: number;
  /** Lines of the trace in it. */
  readonly trace: string;
  /** The worker's sign of life, every second, after what it has to tell. */
  readonly isTick: boolean;
}

/** The runner of the bench marks named functions with this helper, also those that are sent to the page. */
const KEEP_NAMES = 'globalThis.__name = (target) => target';

/** Counts what reaches the page from its workers, whoever listens: every channel's end and every worker. */
const countMessages = () => {
  const received: { atMs: number; trace: string; isTick: boolean }[] = [];
  Object.assign(window, { received });
  const note = ({ data }: MessageEvent<{ events?: readonly { type: string; text?: string }[] } | null>) => {
    const events = Array.isArray(data?.events) ? data.events : [];
    received.push({
      atMs: performance.now(),
      trace: events.map(({ type, text }) => (type === 'trace' ? (text ?? '') : '')).join(''),
      isTick: events.some(({ type }) => type === 'alive'),
    });
  };
  window.MessageChannel = class extends MessageChannel {
    constructor() {
      super();
      this.port1.addEventListener('message', note);
      this.port2.addEventListener('message', note);
    }
  };
  window.Worker = class extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      this.addEventListener('message', note);
    }
  };
};

const takeReceived = (page: Page): Promise<Received[]> =>
  page.evaluate(() => (window as unknown as { received: Received[] }).received.splice(0));

/** P11 over a scan of the whole virtual car, P10 over reading one of its modules again. */
async function stream(browser: Browser, app: string, rounds: number): Promise<BenchRow[]> {
  const served = await serve({ folder: app });
  const context = await browser.newContext({ locale: 'en-GB' });
  try {
    const page = await context.newPage();
    await page.addInitScript(KEEP_NAMES);
    await page.addInitScript(countMessages);
    const screen = new Screen(page);
    await screen.open(served.url);
    await screen.startSimulator();
    await takeReceived(page);
    await screen.scan();
    const scan = await takeReceived(page);
    await screen.openModule('Gateway');
    await takeReceived(page);
    const times: Record<'free' | 'blocked', number[]> = { free: [], blocked: [] };
    for (let round = 0; round < rounds; round++)
      for (const kind of ['free', 'blocked'] as const) times[kind].push(await readAgain(page, kind === 'blocked'));
    return [
      {
        id: 'P10',
        what: `page blocked ${BLOCK_MS} ms again and again: throughput of reading a module`,
        value: (100 * median(times.free)) / median(times.blocked),
        unit: '%',
        goal: { atLeast: 99 },
        note: `${READINGS} readings, timed by the worker's trace`,
      },
      {
        id: 'P11',
        what: 'messages to the page in the busiest second of a scan',
        value: busiestSecond(scan.map(({ atMs }) => atMs)),
        unit: '1/s',
        goal: { atMost: 30 },
        note: `${scan.length} in all, answers to commands included`,
      },
    ];
  } finally {
    await context.close();
    await served.close();
  }
}

/** A module is read so often at a time, each by a press of its own; only the time of the readings counts. */
const READINGS = 4;

/** Presses "Read again" several times and, when asked to, keeps the page busy until each is done. Time of the readings in ms. */
async function readAgain(page: Page, blocked: boolean): Promise<number> {
  await twoTicks(page);
  await takeReceived(page);
  for (let reading = 0; reading < READINGS; reading++)
    await page.evaluate(
      async ([blockMs, gapMs]) => {
        const button = [...document.querySelectorAll('button')].find(({ textContent }) =>
          textContent.includes('Read again'),
        );
        if (button === undefined) throw new Error('no button "Read again"');
        const isBusy = () => button.isConnected && button.getAttribute('aria-disabled') === 'true';
        const pause = () => new Promise((resolve) => setTimeout(resolve, gapMs));
        button.click();
        while (!isBusy()) await pause();
        while (isBusy()) {
          const untilMs = performance.now() + blockMs;
          while (performance.now() < untilMs);
          await pause();
        }
      },
      [blocked ? BLOCK_MS : 0, GAP_MS] as const,
    );
  await twoTicks(page);
  const trace = (await takeReceived(page)).map((message) => message.trace).join('');
  const lines = [...trace.matchAll(/^@(\d+)\s+=?([<>]) (\S+) {2}(.*)$/gm)].map(([, at, way, address, pdu]) => ({
    at: Number(at),
    what: address === GATEWAY ? `${way} ${pdu}` : '',
  }));
  const begins = lines.filter(({ what }) => what.startsWith(FIRST));
  const ends = lines.filter(({ what }) => what.startsWith(LAST));
  assertEqual('readings begun', begins.length, READINGS);
  assertEqual('readings ended', ends.length, READINGS);
  return ends.reduce((ms, { at }, reading) => ms + at - (begins[reading]?.at ?? Number.NaN), 0);
}

/** All that happened so far has been told. */
async function twoTicks(page: Page): Promise<void> {
  const ticks = () =>
    (window as unknown as { received: { isTick: boolean }[] }).received.filter(({ isTick }) => isTick).length;
  const before = await page.evaluate(ticks);
  await page.waitForFunction(
    (count) =>
      (window as unknown as { received: { isTick: boolean }[] }).received.filter(({ isTick }) => isTick).length >=
      count,
    before + 2,
  );
}

function busiestSecond(times: readonly number[]): number {
  return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length));
}
