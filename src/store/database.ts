import type { Clock } from '#base/clock.ts';
import { bounded } from '#contract/call.ts';
import { isStackError, StackError } from '#contract/errors.ts';
import type { World } from '#contract/vehicle-api.ts';
import { openError } from './errors.ts';
import type { SchemaLocks } from './schema-locks.ts';
import { CodebayDatabase, type IndexedDbFactory, SCHEMA, type SchemaVersion } from './tables.ts';

/** Work on the virtual car never shares a database with real cars (design 5). */
export const DATABASE_NAMES: Readonly<Record<World, string>> = { real: 'codebay', training: 'codebay-training' };

export interface OpenOptions {
  readonly world: World;
  readonly clock: Clock;
  readonly locks: SchemaLocks;
  /** Absent = the platform's. */
  readonly factory?: IndexedDbFactory;
  /** Absent = this release's; tests open the schema of another release. */
  readonly schema?: readonly [SchemaVersion, ...SchemaVersion[]];
}

export interface OpenDatabase {
  readonly db: CodebayDatabase;
  /** Resolves once the lock `schema` is really free again. */
  close(): Promise<void>;
}

/** Another tab holds the lock for the milliseconds of its own upgrade or look-up: asked again this often, this long. */
const RETRY_MS = 50;
const RETRY_LIMIT_MS = 2000;
/** Longest wait for one answer of IndexedDB while opening: an upgrade that waits elsewhere hangs every open. */
const ANSWER_LIMIT_MS = 10_000;

/**
 * Opens the database of a world by the protocol of build notes 5. Never asks IndexedDB for a version change before the lock
 * `schema` is held, because a change that waits blocks every later open of that database, in all tabs.
 * @throws StackError `store/busy` (another tab has it open with an older schema: `upgrade`; an unfinished job there: `job-open`),
 * `store/newer-schema`, `store/unavailable` (fault D02), `store/quota`
 */
export async function openDatabase(options: OpenOptions): Promise<OpenDatabase> {
  const { clock } = options;
  const untilMs = clock.now() + RETRY_LIMIT_MS;
  for (;;) {
    try {
      return await tryOpen(options);
    } catch (error) {
      const refused = isStackError(error, 'store/busy') && error.details.reason === 'upgrade';
      if (!refused || clock.now() >= untilMs) throw error;
    }
    await clock.sleep(RETRY_MS);
  }
}

async function tryOpen(options: OpenOptions, upgraded = false): Promise<OpenDatabase> {
  const known = nativeVersion(options);
  const release = await options.locks.hold('shared', options.world);
  if (release === null) throw busy();
  let installed: number;
  try {
    installed = await installedVersion(options);
    if (installed > known) throw newer(installed, known);
    if (installed === known) return await connect(options, release);
  } catch (error) {
    await release();
    throw error;
  }
  await release();
  if (upgraded) throw openError(new Error(`schema ${installed / 10} stayed after the upgrade to ${known / 10}`));
  await upgrade(options);
  // From here as everybody else: another release may have come between the two locks.
  return tryOpen(options, true);
}

/** Holds the lock from the first to the last moment of the connection. */
async function connect(options: OpenOptions, release: () => Promise<void>): Promise<OpenDatabase> {
  const db = new CodebayDatabase(DATABASE_NAMES[options.world], schemaOf(options), options.factory);
  neverOpenAgain(db);
  await openBounded(options, db);
  const native = db.backendDB().version;
  // Dexie opens a newer database with older code without an error.
  if (native !== nativeVersion(options)) {
    db.close({ disableAutoOpen: true });
    throw newer(native, nativeVersion(options));
  }
  // Last line on purpose: the newest listener is asked first, and its `false` keeps Dexie from closing (I7).
  db.on('versionchange', () => false);
  let closing: Promise<void> | null = null;
  return {
    db,
    close: () => {
      closing ??= Promise.resolve().then(() => {
        db.close({ disableAutoOpen: true });
        return release();
      });
      return closing;
    },
  };
}

/** Creates or upgrades, alone; with a job open the older release must stay able to finish it (I7). */
async function upgrade(options: OpenOptions): Promise<void> {
  const release = await options.locks.hold('exclusive', options.world);
  if (release === null) throw busy();
  const name = DATABASE_NAMES[options.world];
  const known = nativeVersion(options);
  try {
    const installed = await installedVersion(options);
    if (installed > known) throw newer(installed, known);
    if (installed === known) return;
    if (installed > 0 && (await hasOpenJob(options, name)))
      throw new StackError('store/busy', 'an unfinished job needs the database as it is', { reason: 'job-open' });
    const db = new CodebayDatabase(name, schemaOf(options), options.factory);
    await openBounded(options, db);
    db.close({ disableAutoOpen: true });
  } finally {
    await release();
  }
}

/** `ready` runs at every open, also at those that Dexie does by itself after an InvalidStateError. */
function neverOpenAgain(db: CodebayDatabase): void {
  let opened = false;
  db.on(
    'ready',
    () => {
      if (opened)
        throw new StackError('store/unavailable', 'the connection was lost', { reason: 'the browser closed it' });
      opened = true;
    },
    true,
  );
}

async function openBounded(options: OpenOptions, db: CodebayDatabase): Promise<void> {
  try {
    await bounded(
      options.clock,
      'open the database',
      ANSWER_LIMIT_MS,
      undefined,
      async () => void (await db.open()),
      busy,
    );
  } catch (error) {
    db.close({ disableAutoOpen: true });
    throw openError(error);
  }
}

/** Native version, 0 when there is no such database. `databases()` neither creates nor waits for anything. */
async function installedVersion(options: OpenOptions): Promise<number> {
  const name = DATABASE_NAMES[options.world];
  try {
    const all = await bounded(options.clock, 'list the databases', ANSWER_LIMIT_MS, undefined, () =>
      indexedDbOf(options).databases(),
    );
    return all.find((database) => database.name === name)?.version ?? 0;
  } catch (error) {
    throw openError(error);
  }
}

/** Opens without a version, so that nothing is created or changed. */
function hasOpenJob(options: OpenOptions, name: string): Promise<boolean> {
  const looking = () =>
    new Promise<boolean>((resolve, reject) => {
      const opening = indexedDbOf(options).open(name);
      opening.onupgradeneeded = () => opening.transaction?.abort();
      opening.onerror = () => reject(openError(opening.error));
      opening.onsuccess = () => {
        const database = opening.result;
        database.onversionchange = () => database.close();
        if (!database.objectStoreNames.contains('openJobs')) {
          database.close();
          resolve(false);
          return;
        }
        const transaction = database.transaction('openJobs', 'readonly');
        const count = transaction.objectStore('openJobs').count();
        // Not before the transaction is over: until then the connection lives on and would block the upgrade that follows.
        transaction.oncomplete = () => {
          database.close();
          resolve(count.result > 0);
        };
        transaction.onabort = () => {
          database.close();
          reject(openError(transaction.error));
        };
      };
    });
  return bounded(options.clock, 'look for open jobs', ANSWER_LIMIT_MS, undefined, looking, busy);
}

function indexedDbOf(options: OpenOptions): IDBFactory {
  const factory = options.factory?.indexedDB ?? (globalThis as { readonly indexedDB?: IDBFactory }).indexedDB;
  if (factory === undefined)
    throw new StackError('store/unavailable', 'this browser offers no IndexedDB', { reason: 'no indexedDB' });
  return factory;
}

function schemaOf(options: OpenOptions): readonly [SchemaVersion, ...SchemaVersion[]] {
  return options.schema ?? SCHEMA;
}

/** Dexie multiplies by ten. */
function nativeVersion(options: OpenOptions): number {
  return Math.max(...schemaOf(options).map(({ version }) => version)) * 10;
}

function newer(installed: number, known: number): StackError {
  return new StackError('store/newer-schema', `the database is of schema ${installed / 10}, known is ${known / 10}`, {
    installed: installed / 10,
    known: known / 10,
  });
}

function busy(): StackError {
  return new StackError('store/busy', 'another tab keeps the database at its present schema', { reason: 'upgrade' });
}
