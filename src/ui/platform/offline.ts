/**
 * The page's side of the service worker: keeps the app usable offline, tells when a new release waits, and switches to
 * it by a person's click. Nothing here reloads the page, and a new release never gets in during a job (promise I7).
 */
import { Observable, type Readable } from './observable.ts';
import { release } from './release.ts';
import { registerServiceWorker } from './scripts.ts';

/**
 * - `unsupported`: no service worker here (old browser, insecure origin, development server);
 * - `installing`: the first release is being stored; not yet usable offline;
 * - `failed`: storing the first release failed (line lost, no space, half-finished deploy); usable online, tried again
 *   by `checkForUpdate` and at the next start;
 * - `ready`: usable offline, nothing newer known;
 * - `update-waiting`: a newer release is stored whole; `applyUpdate` switches to it;
 * - `update-refused`: a newer release exists and is kept out while a job is open; call `checkForUpdate` after the job.
 */
export type OfflineState = 'unsupported' | 'installing' | 'failed' | 'ready' | 'update-waiting' | 'update-refused';

export interface Offline {
  readonly state: Readable<OfflineState>;
  /** Asks the host for a newer release, quietly if there is no line. The answer is a change of `state`. */
  checkForUpdate(): Promise<void>;
  /**
   * Switches to the release that waits; from a click only. `updated`: the caller reloads this page, and other tabs may
   * go on with the release they run. `refused`: a job is open. `nothing`: no release waits.
   */
  applyUpdate(): Promise<'updated' | 'refused' | 'nothing'>;
}

const UPDATE_INTERVAL_MS = 60 * 60 * 1000;
/** The service worker gives its open-job question 2 s; starting it is included here. */
const ANSWER_LIMIT_MS = 10_000;

/** Call after the app is ready, so that storing the app does not compete with showing it. */
export function startOffline(): Offline {
  const state = new Observable<OfflineState>('installing');
  if (import.meta.env.DEV || !('serviceWorker' in navigator)) {
    state.set('unsupported');
    return { state, checkForUpdate: async () => undefined, applyUpdate: async () => 'nothing' };
  }
  const updates = new Updates(state);
  const started = updates.start();
  return {
    state,
    async checkForUpdate() {
      await started;
      await updates.check();
    },
    async applyUpdate() {
      await started;
      return updates.apply();
    },
  };
}

class Updates {
  readonly #state: Observable<OfflineState>;
  #registration: ServiceWorkerRegistration | undefined;
  /**
   * The active worker is of a newer release than this page: it kept this one because of a job
   * (workers/service-worker.ts), or another tab has switched already. A reload can bring the newer one.
   */
  #isNewerActive = false;
  #isRefused = false;
  #installsSeen = 0;

  constructor(state: Observable<OfflineState>) {
    this.#state = state;
  }

  async start(): Promise<void> {
    const container = navigator.serviceWorker;
    container.addEventListener('message', (event: MessageEvent<unknown>) => {
      if (reasonOfRefusal(event.data) !== 'job-open') return;
      this.#isRefused = true;
      this.#show();
    });
    container.addEventListener('controllerchange', () => this.#show());
    container.startMessages();
    await this.#register();
    setInterval(() => this.check(), UPDATE_INTERVAL_MS);
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') void this.check();
    });
  }

  async #register(): Promise<void> {
    try {
      this.#registration = await registerServiceWorker();
    } catch {
      this.#state.set('failed');
      return;
    }
    const registration = this.#registration;
    registration.addEventListener('updatefound', () => this.#follow(registration.installing));
    this.#follow(registration.installing);
    await this.#askActive();
    this.#show();
  }

  async check(): Promise<void> {
    // A registration whose first install failed is dead; only a new one tries again.
    if (!hasWorker(this.#registration)) {
      await this.#register();
      return;
    }
    const installsBefore = this.#installsSeen;
    try {
      const registration = await this.#registration?.update();
      // Nothing newer on the host any more: what was refused has been withdrawn.
      if (!registration?.installing && this.#installsSeen === installsBefore) this.#isRefused = false;
      await this.#askActive();
    } catch {
      // No line, or the host answered nonsense: what is stored stays.
    }
    this.#show();
  }

  async apply(): Promise<'updated' | 'refused' | 'nothing'> {
    const waiting = this.#registration?.waiting;
    const worker = waiting ?? (this.#isNewerActive ? this.#registration?.active : undefined);
    if (!worker) return 'nothing';
    const reply = await ask(worker, 'SKIP_WAITING');
    if (!hasField(reply, 'applied', true)) return 'refused';
    if (waiting) await settled(waiting, ['activated', 'redundant']);
    return 'updated';
  }

  /** Watches one install to its end. */
  #follow(worker: ServiceWorker | null): void {
    if (!worker) return;
    this.#installsSeen++;
    worker.addEventListener('statechange', () => {
      if (worker.state === 'installed') this.#isRefused = false;
      if (worker.state === 'activated') void this.#askActive().then(() => this.#show());
      this.#show();
    });
  }

  async #askActive(): Promise<void> {
    const active = this.#registration?.active;
    if (!active) return;
    const reply = await ask(active, 'STATUS');
    // A page without a controller was loaded past the service worker (hard reload) and may be the newer one itself.
    const isControlled = navigator.serviceWorker.controller !== null;
    this.#isNewerActive = reply !== undefined && isControlled && !hasField(reply, 'release', release);
  }

  #show(): void {
    const registration = this.#registration;
    if (!registration) return;
    // A first release waits for nobody: it is on its way from installed to activated.
    if (registration.active && (registration.waiting || this.#isNewerActive)) this.#state.set('update-waiting');
    else if (this.#isRefused) this.#state.set('update-refused');
    else if (registration.active) this.#state.set('ready');
    else this.#state.set(registration.installing || registration.waiting ? 'installing' : 'failed');
  }
}

function hasWorker(registration: ServiceWorkerRegistration | undefined): boolean {
  return Boolean(registration?.active ?? registration?.waiting ?? registration?.installing);
}

/** The answer to one message; undefined when none came in time. */
function ask(worker: ServiceWorker, type: 'STATUS' | 'SKIP_WAITING'): Promise<unknown> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    const timer = setTimeout(() => finish(undefined), ANSWER_LIMIT_MS);
    const finish = (answer: unknown) => {
      clearTimeout(timer);
      port1.close();
      resolve(answer);
    };
    port1.onmessage = (event: MessageEvent<unknown>) => finish(event.data);
    worker.postMessage({ type }, [port2]);
  });
}

/** Waits, at most `ANSWER_LIMIT_MS`, until the worker is in one of the states. */
function settled(worker: ServiceWorker, states: readonly ServiceWorkerState[]): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, ANSWER_LIMIT_MS);
    function finish() {
      clearTimeout(timer);
      worker.removeEventListener('statechange', look);
      resolve();
    }
    function look() {
      if (states.includes(worker.state)) finish();
    }
    worker.addEventListener('statechange', look);
    look();
  });
}

function reasonOfRefusal(message: unknown): unknown {
  if (!hasField(message, 'type', 'INSTALL_REFUSED')) return undefined;
  return typeof message === 'object' && message !== null && 'reason' in message ? message.reason : undefined;
}

function hasField(message: unknown, field: string, value: unknown): boolean {
  return typeof message === 'object' && message !== null && (message as Record<string, unknown>)[field] === value;
}
