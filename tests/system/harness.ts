/**
 * Real Chromium with its real `navigator.serial` on the pseudo-terminal of the device process.
 *
 * `start` compiles the udev stand-in, writes the permission into a fresh profile, starts the device
 * process and the browser; `stop` takes all of it down again, as does a failing `start`.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type BrowserContext, chromium, type Page } from '@playwright/test';
import { Chooser, chooserArguments } from './chooser.ts';
import {
  ADAPTER_IDENTITY,
  type AdapterVariant,
  type Command,
  type DeviceEvent,
  type DeviceOptions,
  DeviceProcess,
  type EcuMemory,
  type EcuName,
  type Stat,
} from './device-process.ts';
import { evidence } from './evidence.ts';
import { serveFolder } from './static-server.ts';

const run = promisify(execFile);
const here = import.meta.dirname;
const BROWSER_ARGS = [
  '--headless=new', // Playwright is told headless: false, else it would pick its own headless mode
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface StartOptions {
  /** Where the product is served, for example http://localhost:4173; without it `root` is served on a free port. */
  readonly origin?: string;
  /** A folder to serve, used without `origin`. */
  readonly root?: string;
  /** The page to open, relative to the origin. */
  readonly path?: string;
  readonly device?: DeviceOptions;
  /** Whether the profile already holds the permission for the adapter (true), or the chooser must be answered. */
  readonly granted?: boolean;
  /** Whether the adapter is plugged in from the start (true). */
  readonly plugged?: boolean;
  /** Additional arguments of the browser. */
  readonly args?: readonly string[];
  /** Begins with the browser profile that this preparation left, which is made once for all tests of a run. */
  readonly prepared?: Preparation;
  readonly locale?: string;
  readonly viewport?: { readonly width: number; readonly height: number };
}

/** What a browser has gone through before a test: done once, on a car and an adapter of its own. */
export interface Preparation {
  /** Two preparations of one name are the same. */
  readonly name: string;
  readonly root: string;
  readonly device: DeviceOptions;
  run(harness: Harness): Promise<void>;
}

export interface Harness {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly origin: string;
  /** The folder of the browser's profile. */
  readonly profile: string;
  /** Errors that no page caught, and console errors, in the order in which they came. */
  readonly pageErrors: readonly string[];
  /** Answers the chooser of `requestPort()`; only with `granted: false`. */
  readonly chooser: Chooser | undefined;
  /** Any command of the device process. */
  ecu(command: Command): Promise<Readonly<Record<string, unknown>>>;
  stat(): Promise<Stat>;
  /** What an ECU remembers, read from its file. */
  memory(ecu: EcuName): Promise<EcuMemory>;
  /** Complete requests an ECU received, oldest first. */
  requests(ecu: EcuName): Promise<readonly string[]>;
  /** The next unread event of the device process, waited for. */
  event(name: string): Promise<DeviceEvent>;
  /** Events of the device process that came and were not waited for. */
  unread(name: string): readonly DeviceEvent[];
  /** The last lines between the browser and a command interpreter, "@ms > ATI". */
  serial(): Promise<readonly string[]>;
  plug(): Promise<void>;
  unplug(): Promise<void>;
  /** Closes the browser and starts it again on the same profile; `page` and `context` are new, car and adapter stay. */
  restartBrowser(): Promise<void>;
  stop(): Promise<void>;
}

/** The browser to use: CHROMIUM_PATH, else Debian's. It must be a build that links libudev, as Debian's does. */
export function findChromium(): string | undefined {
  return [process.env.CHROMIUM_PATH, '/usr/bin/chromium'].find((file) => file !== undefined && existsSync(file));
}

/** A folder for one start, removed by its returned function or at the latest when this process ends. */
function workFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'system-lane-'));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.once('exit', remove);
  return {
    folder,
    remove: () => {
      process.off('exit', remove);
      remove();
    },
  };
}

/** What the chooser would have stored: needs no root and no policy. */
async function writeGrant(profile: string, origin: string, variant: AdapterVariant): Promise<void> {
  const { vendorId, productId, serialNumber } = ADAPTER_IDENTITY[variant];
  const port = { name: 'system lane', vendor_id: vendorId, product_id: productId, serial_number: serialNumber };
  const preferences = {
    profile: {
      content_settings: {
        exceptions: { serial_chooser_data: { [`${origin},*`]: { setting: { 'chosen-objects': [port] } } } },
      },
    },
  };
  await mkdir(path.join(profile, 'Default'), { recursive: true });
  await writeFile(path.join(profile, 'Default', 'Preferences'), JSON.stringify(preferences));
}

interface PreparedProfile {
  readonly folder: string;
  /** Data belong to an origin: its server stays until this process ends. */
  readonly origin: string;
}

const preparedProfiles = new Map<string, Promise<PreparedProfile>>();

/** The profile that a preparation leaves; a failed one fails every test that wants it. */
function preparedProfile(preparation: Preparation): Promise<PreparedProfile> {
  const known = preparedProfiles.get(preparation.name);
  if (known !== undefined) return known;
  const made = makeProfile(preparation);
  preparedProfiles.set(preparation.name, made);
  return made;
}

async function makeProfile({ root, device, run: prepare }: Preparation): Promise<PreparedProfile> {
  const { folder } = workFolder();
  const { origin } = await serveFolder(root);
  const harness = await start({ origin, device });
  try {
    await prepare(harness);
    await harness.context.close();
    await cp(harness.profile, folder, { recursive: true });
    return { folder, origin };
  } catch (failure) {
    throw new Error(`preparing the browser failed: ${String(failure)}\n${await evidence(harness)}`, { cause: failure });
  } finally {
    await harness.stop();
  }
}

/** Starts everything and opens the page. */
export async function start(options: StartOptions): Promise<Harness> {
  const cleanUps: (() => void | Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (let next = cleanUps.pop(); next !== undefined; next = cleanUps.pop()) {
      try {
        await next();
      } catch (failure) {
        failures.push(failure);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'stopping the system lane left something behind');
  };
  try {
    return await assemble(options, cleanUps, stop);
  } catch (failure) {
    await stop().catch((second: unknown) => console.error(second));
    throw failure;
  }
}

async function assemble(
  options: StartOptions,
  cleanUps: (() => void | Promise<void>)[],
  stop: () => Promise<void>,
): Promise<Harness> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('no Chromium: install Debian chromium or set CHROMIUM_PATH');
  const { folder, remove } = workFolder();
  cleanUps.push(remove);
  const library = path.join(folder, 'fakeudev.so');
  const flags = ['-O2', '-Wall', '-Werror', '-shared', '-fPIC', '-fvisibility=hidden'];
  await run('gcc', [...flags, '-o', library, path.join(here, 'fakeudev.c'), '-ldl']);

  const prepared = options.prepared === undefined ? undefined : await preparedProfile(options.prepared);
  let origin = prepared?.origin ?? options.origin;
  if (origin === undefined) {
    if (options.root === undefined) throw new RangeError('start needs an origin or a root');
    const server = await serveFolder(options.root);
    cleanUps.push(() => server.close());
    origin = server.origin;
  }
  const profile = path.join(folder, 'profile');
  await mkdir(profile, { recursive: true });
  if (prepared !== undefined) await cp(prepared.folder, profile, { recursive: true });
  else if (options.granted !== false) await writeGrant(profile, origin, options.device?.adapter ?? 'ack');

  const uiDevTools = options.granted === false ? await chooserArguments() : undefined;
  const chooser = uiDevTools === undefined ? undefined : new Chooser(uiDevTools.port);

  const device = new DeviceProcess(folder, options.device);
  const kill = () => device.kill();
  process.once('exit', kill);
  cleanUps.push(async () => {
    await device.stop();
    process.off('exit', kill);
  });
  await device.command({ do: options.plugged === false ? 'stat' : 'plug' });

  const pageErrors: string[] = [];
  const url = new URL(options.path ?? '/', origin).href;
  const launch = async (): Promise<{ context: BrowserContext; page: Page }> => {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: false,
      args: [...BROWSER_ARGS, ...(uiDevTools?.args ?? []), ...(options.args ?? [])],
      env: { ...process.env, LD_PRELOAD: library, FAKEUDEV_DIR: path.join(folder, 'dev') },
      ...(options.locale === undefined ? {} : { locale: options.locale }),
      ...(options.viewport === undefined ? {} : { viewport: { ...options.viewport } }),
    });
    try {
      // tsx wraps named functions in this helper, also those that a test sends to the page
      await context.addInitScript({ content: 'globalThis.__name ??= (value) => value' });
      const page = context.pages()[0] ?? (await context.newPage());
      page.on('pageerror', (error) => pageErrors.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') pageErrors.push(message.text());
      });
      await page.goto(url);
      return { context, page };
    } catch (failure) {
      await context.close();
      throw failure;
    }
  };
  let browser = await launch();
  cleanUps.push(async () => {
    chooser?.close();
    await browser.context.close();
  });

  return {
    get page() {
      return browser.page;
    },
    get context() {
      return browser.context;
    },
    origin,
    profile,
    pageErrors,
    chooser,
    ecu: (command) => device.command(command),
    stat: () => device.stat(),
    memory: (ecu) => device.memory(ecu),
    requests: (ecu) => device.requests(ecu),
    event: (name) => device.event(name),
    unread: (name) => device.unread(name),
    serial: async () => (await device.command({ do: 'serial' })).serial as string[],
    plug: async () => {
      await device.command({ do: 'plug' });
    },
    unplug: async () => {
      await device.command({ do: 'unplug' });
    },
    restartBrowser: async () => {
      await browser.context.close();
      browser = await launch();
    },
    stop,
  };
}
