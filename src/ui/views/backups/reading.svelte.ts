import type { Clock } from '#base/clock.ts';
import { type ErrorRecord, toErrorRecord } from '#contract/errors.ts';
import type { World } from '#contract/vehicle-api.ts';
import type { LiveView, ReadingStores } from '#store/reading.ts';
import type { SchemaLocks } from '#store/schema-locks.ts';

/** What the page knows of a live query. `undefined`: not there yet. */
export interface LiveState<T> {
  readonly value: T | undefined;
  readonly error: ErrorRecord | null;
}

/**
 * A live query of the page's own look at the disk, for as long as the component lives. Follows the world: real cars and the
 * virtual one have databases of their own. Call it while a component is set up.
 * @param query what to ask; null: nothing now. What it reads of the state makes it ask anew, and the last answer stays until
 * the next one is there, so a query for another thing belongs into another component
 */
export function live<T>(
  world: () => World,
  query: () => ((stores: ReadingStores) => LiveView<T>) | null,
): LiveState<T> {
  let value = $state.raw<T | undefined>(undefined);
  let error = $state.raw<ErrorRecord | null>(null);
  let shownWorld: World | null = null;
  $effect(() => {
    const ask = query();
    const here = world();
    if (shownWorld !== here || ask === null) value = undefined;
    shownWorld = here;
    error = null;
    if (ask === null) return undefined;
    let isOver = false;
    let subscription: { unsubscribe(): void } | null = null;
    const failed = (reason: unknown) => {
      if (!isOver) error = toErrorRecord(reason);
    };
    const { stores, release } = use(here);
    stores.then((opened) => {
      if (isOver) return;
      subscription = ask(opened).subscribe((next) => {
        if (!isOver) value = next;
      }, failed);
    }, failed);
    return () => {
      isOver = true;
      subscription?.unsubscribe();
      release();
    };
  });
  return {
    get value() {
      return value;
    },
    get error() {
      return error;
    },
  };
}

interface Opened {
  readonly stores: Promise<ReadingStores>;
  users: number;
}
const opened = new Map<World, Opened>();
/** From one screen to the next the connection stays. */
const LINGER_MS = 2000;

/** One connection per world, shared, and closed when nobody looks: an open one keeps other tabs from upgrading. */
function use(world: World): { readonly stores: Promise<ReadingStores>; release(): void } {
  const entry = opened.get(world) ?? open(world);
  entry.users++;
  return {
    stores: entry.stores,
    release: () => {
      entry.users--;
      setTimeout(() => {
        if (entry.users > 0 || opened.get(world) !== entry) return;
        opened.delete(world);
        entry.stores.then((stores) => stores.close()).catch(() => undefined); // it never opened: nothing to close
      }, LINGER_MS);
    },
  };
}

function open(world: World): Opened {
  // Loaded when first needed: the first paint does without Dexie.
  const stores = Promise.all([import('#store/reading.ts'), import('#store/schema-locks.ts')]).then(
    ([{ readingStores }, { SCHEMA_LOCKS }]) =>
      readingStores({ world, clock: pageClock, locks: pageLocks(SCHEMA_LOCKS) }),
  );
  const entry = { stores, users: 0 };
  opened.set(world, entry);
  // A refusal (an upgrade in another tab) is an answer for now, not for ever.
  stores.catch(() => opened.get(world) === entry && opened.delete(world));
  return entry;
}

/** Only for the bounded waits while a database opens. */
const pageClock: Clock = {
  now: () => performance.now(),
  wallMs: () => Date.now(),
  sleep: (ms, options) =>
    new Promise((resolve, reject) => {
      const { signal } = options ?? {};
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const abort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', abort, { once: true });
    }),
};

/** The lock `schema` on Web Locks: free for others once `request` has settled, so that is what the release waits for. */
function pageLocks(names: Readonly<Record<World, string>>): SchemaLocks {
  return {
    hold: (mode, world) =>
      new Promise((resolve, reject) => {
        let end = (): void => undefined;
        const ended = new Promise<void>((over) => {
          end = over;
        });
        const request = navigator.locks.request(names[world], { mode, ifAvailable: true }, async (lock) => {
          if (lock === null) return resolve(null);
          resolve(async () => {
            end();
            await request.catch(() => undefined); // the browser took the lock away: then it is free as well
          });
          await ended;
        });
        request.catch(reject);
      }),
  };
}
