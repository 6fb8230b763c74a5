/**
 * Which scripts this page may start. Under `require-trusted-types-for 'script'` a worker or service worker can only be
 * made from a URL that the policy `app-worker` lets through, and that is one of ours, whole and unchanged.
 */

export type WorkerName = 'vehicle' | 'simulator' | 'files';
export type WorkerUrls = Readonly<Record<WorkerName, string>>;

/** The service worker lies at the root of the app, beside index.html: its scope is the app, in any sub-path. */
const SERVICE_WORKER = 'sw.js';

let urls: WorkerUrls | undefined;
const allowed = new Set<string>();
let policy: { createScriptURL(url: string): TrustedScriptURL } | undefined;

/**
 * Names the workers of this build; once, from the page's entry, with the URLs of `worker:vehicle`, `worker:simulator`
 * and `worker:files` (they may be relative to the document, as in development).
 * @throws RangeError when called twice: the set of scripts does not grow while the app runs.
 */
export function provideWorkerUrls(given: WorkerUrls): void {
  if (urls) throw new RangeError('the worker URLs are given once');
  urls = given;
  for (const url of Object.values(given)) allowed.add(absolute(url));
}

/**
 * Starts one of the app's module workers.
 * @throws RangeError before `provideWorkerUrls`.
 */
export function createWorker(name: WorkerName): Worker {
  if (!urls) throw new RangeError('provideWorkerUrls comes first');
  return new Worker(trusted(absolute(urls[name])), { type: 'module', name });
}

/** Registers the service worker. The HTTP cache is passed by, else an update could be seen a day late. */
export function registerServiceWorker(): Promise<ServiceWorkerRegistration> {
  allowed.add(absolute(SERVICE_WORKER));
  return navigator.serviceWorker.register(trusted(absolute(SERVICE_WORKER)), { updateViaCache: 'none' });
}

function absolute(url: string): string {
  return new URL(url, document.baseURI).href;
}

/** The browser wants a TrustedScriptURL where TypeScript's DOM types say string. */
function trusted(url: string): string {
  policy ??= window.trustedTypes?.createPolicy('app-worker', {
    createScriptURL(candidate) {
      if (allowed.has(candidate)) return candidate;
      throw new TypeError(`not a script of this app: ${candidate}`);
    },
  });
  return policy ? (policy.createScriptURL(url) as unknown as string) : url;
}
