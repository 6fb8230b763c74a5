import { StackError } from '#contract/errors.ts';
import type { Locks } from '#procedures/context.ts';
import { SCHEMA_LOCKS, type SchemaLocks } from '#store/schema-locks.ts';

/** The lock of the virtual car is held by the page that runs its worker; all of design 2, I2. */
export type LockName = 'job' | 'adapter' | 'virtual-car';

export interface WebLocks extends Locks {
  /** Takes the lock if it is free right now, else null. The release resolves when the lock is really free. */
  hold(name: LockName): Promise<(() => Promise<void>) | null>;
}

/** Locks between tabs and workers by name, on `navigator.locks`. Nothing waits: a lock that is taken is an answer. */
export function webLocks(manager: LockManager): WebLocks {
  const hold = (name: LockName) => holdLock(manager, name, 'exclusive');
  return {
    hold,
    async withLock(name, work) {
      const release = await hold(name);
      if (release === null) return null;
      try {
        return { value: await work() };
      } finally {
        await release();
      }
    },
  };
}

export function webSchemaLocks(manager: LockManager): SchemaLocks {
  return { hold: (mode, world) => holdLock(manager, SCHEMA_LOCKS[world], mode) };
}

/**
 * A lock lasts as long as the promise that its callback returned; it is free for others only once `request()` itself has
 * settled, so that is what the release waits for (build notes 5).
 */
function holdLock(manager: LockManager, name: string, mode: LockMode): Promise<(() => Promise<void>) | null> {
  return new Promise((resolve, reject) => {
    let end = (): void => undefined;
    const ended = new Promise<void>((over) => {
      end = over;
    });
    const request = manager.request(name, { mode, ifAvailable: true }, async (lock) => {
      if (lock === null) return resolve(null);
      resolve(async () => {
        end();
        await request.catch(() => undefined); // the browser took the lock away: then it is free as well
      });
      await ended;
    });
    request.catch((error: unknown) => {
      const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      reject(
        new StackError(
          'transport/unavailable',
          `the lock ${name} cannot be asked for: ${reason}`,
          { api: 'locks', reason },
          { cause: error },
        ),
      );
    });
  });
}
