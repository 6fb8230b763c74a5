/**
 * The offline shell. It keeps one release whole: all files with checked hashes, served together with the security
 * headers a static host may lack.
 *
 * It never interrupts a job (promise I7). While a job is open, `install` rejects, so that no new release can wait; a
 * release that already waited when the job began is activated by the browser once the last tab is gone, but then
 * goes on serving the release that began the job. A new release is taken over by a person's click only.
 *
 * Classic script, self-contained: the build refuses an import here.
 */

/** Filled in by build/offline.ts: file path relative to the scope → lower-case hex SHA-256. */
declare const __PRECACHE__: {
  readonly version: string;
  readonly release: string;
  readonly files: Readonly<Record<string, string>>;
  readonly csp: string;
};

const scope = self as unknown as ServiceWorkerGlobalScope;
const { version, release, files, csp } = __PRECACHE__;

/** The scope is part of the name: two copies of the app below one origin share the cache storage. */
const PREFIX = `codebay ${new URL(scope.registration.scope).pathname} `;
const CACHE = PREFIX + version;
/** Holds one note: the name of the cache that is being served. */
const NOTES = `${PREFIX}notes`;
const SERVING = at('notes/serving');

const JOB_LOCK = 'job';
/** One row per operation that has begun and is neither closed nor parked. */
const JOB_STORE = 'openJobs';
const JOB_DATABASES = ['codebay', 'codebay-training'];
/** An upgrade that waits in another tab hangs every open of that database; no answer counts as a job. */
const JOB_ANSWER_LIMIT_MS = 2000;

type Refusal = 'job-open' | 'damaged';
class InstallRefused extends Error {
  readonly reason: Refusal;
  constructor(reason: Refusal, message: string) {
    super(message);
    this.reason = reason;
  }
}

function at(path: string): string {
  return new URL(path, scope.registration.scope).href;
}

scope.addEventListener('install', (event) => event.waitUntil(install()));
scope.addEventListener('activate', (event) => event.waitUntil(activate()));
scope.addEventListener('message', (event) => event.waitUntil(answer(event)));
scope.addEventListener('fetch', (event) => {
  const path = pathOf(event.request);
  if (path !== undefined) event.respondWith(serve(event.request, path));
});

async function install(): Promise<void> {
  // Without an active release there is nothing that could be interrupted.
  const isUpdate = scope.registration.active !== null;
  // A rollback installs a release whose cache is still in use: then it must survive a failure here.
  const isNewCache = !(await caches.has(CACHE));
  try {
    if (isUpdate) await refuseWhileJobOpen();
    const cache = await caches.open(CACHE);
    await Promise.all(Object.entries(files).map(([path, hash]) => store(cache, path, hash)));
    if (isUpdate) await refuseWhileJobOpen();
  } catch (error) {
    if (isNewCache) await caches.delete(CACHE);
    const reason: Refusal = error instanceof InstallRefused ? error.reason : 'damaged';
    for (const client of await scope.clients.matchAll({ type: 'window', includeUncontrolled: true }))
      client.postMessage({ type: 'INSTALL_REFUSED', reason, release });
    throw error;
  }
}

async function refuseWhileJobOpen(): Promise<void> {
  if (await jobOpen()) throw new InstallRefused('job-open', `release ${release} waits until the open job is finished`);
}

/** Fetches one file past the HTTP cache. The status proves nothing: hosts answer a missing file with index.html, 200. */
async function store(cache: Cache, path: string, hash: string): Promise<void> {
  const response = await fetch(at(path), { cache: 'no-cache', credentials: 'same-origin' });
  const body = await response.arrayBuffer();
  if (hex(await crypto.subtle.digest('SHA-256', body)) !== hash)
    throw new InstallRefused('damaged', `${path} is not the file of release ${release}`);
  await cache.put(at(path), withHeaders(body, response));
}

function hex(buffer: ArrayBuffer): string {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The headers go into the cache with the file, so that a release that is kept is served with its own policy. */
function withHeaders(body: ArrayBuffer, from: Response): Response {
  const headers = new Headers({
    'Content-Security-Policy': csp,
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  });
  const type = from.headers.get('Content-Type');
  if (type !== null) headers.set('Content-Type', type);
  return new Response(body, { status: from.status, headers });
}

/** The release that served until now goes on doing so while a job is open: `activate` cannot refuse. */
async function activate(): Promise<void> {
  const serving = await servingNote();
  if (serving !== undefined && serving !== CACHE && (await caches.has(serving)) && (await jobOpen())) return;
  await (await caches.open(NOTES)).put(SERVING, new Response(CACHE));
  await dropOtherReleases();
  // The page of the first visit is nobody's yet: a second release would not wait for it but activate beside it at
  // once, and its unloaded chunks would be gone with the next deploy.
  if (serving === undefined) await scope.clients.claim();
}

/** A page of the older release may still need a chunk it has not loaded yet, so its files stay until it is gone. */
async function dropOtherReleases(): Promise<void> {
  if ((await windows()) > 0) return;
  for (const name of await caches.keys())
    if (name.startsWith(PREFIX) && name !== CACHE && name !== NOTES) await caches.delete(name);
}

async function windows(): Promise<number> {
  return (await scope.clients.matchAll({ type: 'window', includeUncontrolled: true })).length;
}

async function servingNote(): Promise<string | undefined> {
  if (!(await caches.has(NOTES))) return undefined;
  const note = await (await caches.open(NOTES)).match(SERVING);
  return note?.text();
}

/** The cache that answers. A kept release is left when its last window is gone and its job is closed. */
async function servingCache(isNavigation: boolean): Promise<string> {
  const serving = await servingNote();
  if (isNavigation && (await windows()) === 0) {
    if (serving === CACHE) await dropOtherReleases();
    else await activate();
    return (await servingNote()) ?? CACHE;
  }
  return serving !== undefined && (await caches.has(serving)) ? serving : CACHE;
}

/** The path inside the scope that this worker answers for, or undefined: then the browser asks the network. */
function pathOf(request: Request): string | undefined {
  if (request.method !== 'GET') return undefined;
  const url = new URL(request.url);
  url.hash = '';
  // The page routes in the fragment; a query on the page itself (a link from elsewhere) changes nothing.
  if (request.mode === 'navigate') url.search = '';
  if (!url.href.startsWith(scope.registration.scope)) return undefined;
  const path = url.href.slice(scope.registration.scope.length) || 'index.html';
  if (Object.hasOwn(files, path)) return path;
  // Another release's asset: one that is kept because of an open job, or whose page is still open.
  return path.startsWith('assets/') && !path.endsWith('.map') ? path : undefined;
}

async function serve(request: Request, path: string): Promise<Response> {
  const serving = await (await caches.open(await servingCache(request.mode === 'navigate'))).match(at(path));
  if (serving) return serving;
  if (path.startsWith('assets/'))
    for (const name of await caches.keys()) {
      const kept = name.startsWith(PREFIX) ? await (await caches.open(name)).match(at(path)) : undefined;
      if (kept) return kept;
    }
  // The browser threw the cached file away.
  const response = await fetch(request);
  return withHeaders(await response.arrayBuffer(), response);
}

/**
 * `STATUS` → `{ release }`, which one this worker is. `SKIP_WAITING` → `{ applied }`: this
 * worker's release is served from the next load on; refused while a job is open. Both answer on the given port.
 */
async function answer(event: ExtendableMessageEvent): Promise<void> {
  const data: unknown = event.data;
  const type = typeof data === 'object' && data !== null && 'type' in data ? data.type : undefined;
  const port = event.ports[0];
  if (type === 'STATUS') {
    port?.postMessage({ release });
  } else if (type === 'SKIP_WAITING') {
    const applied = !(await jobOpen());
    // Active already, but keeping an older release whose job has ended meanwhile.
    if (applied && scope.serviceWorker.state === 'activated') await activate();
    else if (applied) await scope.skipWaiting();
    port?.postMessage({ applied });
  }
}

/**
 * True while an operation runs (lock `job`) or the journal has one that is neither closed nor parked. What cannot be
 * found out counts as a job: a needless delay of an update harms nobody.
 */
async function jobOpen(): Promise<boolean> {
  let timer: number | undefined;
  const noAnswer = new Promise<true>((resolve) => {
    timer = scope.setTimeout(() => resolve(true), JOB_ANSWER_LIMIT_MS);
  });
  try {
    return await Promise.race([askForJob(), noAnswer]);
  } catch {
    return true;
  } finally {
    scope.clearTimeout(timer);
  }
}

async function askForJob(): Promise<boolean> {
  const { held = [], pending = [] } = await scope.navigator.locks.query();
  if ([...held, ...pending].some((lock) => lock.name === JOB_LOCK)) return true;
  // Opening a database that does not exist would create it.
  const existing = (await scope.indexedDB.databases()).map((database) => database.name);
  for (const name of JOB_DATABASES) if (existing.includes(name) && (await hasOpenJob(name))) return true;
  return false;
}

/** Reads one database without a version, so that nothing is created or upgraded. */
function hasOpenJob(name: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const opening = scope.indexedDB.open(name);
    // It was deleted since it was listed: leave no empty one behind.
    opening.onupgradeneeded = () => opening.transaction?.abort();
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      // An answer that comes after the limit must not hold up somebody's upgrade.
      database.onversionchange = () => database.close();
      if (!database.objectStoreNames.contains(JOB_STORE)) {
        database.close();
        resolve(false);
        return;
      }
      const count = database.transaction(JOB_STORE, 'readonly').objectStore(JOB_STORE).count();
      count.onsuccess = () => {
        database.close();
        resolve(count.result > 0);
      };
      count.onerror = () => {
        database.close();
        reject(count.error);
      };
    };
  });
}
