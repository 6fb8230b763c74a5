import { describe, expect, it } from 'vitest';
import { isStackError } from '#contract/errors.ts';
import { webLocks, webSchemaLocks } from '../../../workers/web-locks.ts';
import { caught } from '../../conformance/store-suite.ts';

/** Web Locks as measured (build notes 5): a lock is free only when the promise of `request()` has settled, not before. */
function fakeLockManager(): LockManager & { held: { name: string; mode: string }[] } {
  const held: { name: string; mode: string }[] = [];
  return {
    held,
    async request(name: string, options: LockOptions, work: (lock: Lock | null) => unknown) {
      const mode = options.mode ?? 'exclusive';
      const taken = held.some((lock) => lock.name === name && (mode === 'exclusive' || lock.mode === 'exclusive'));
      if (!options.ifAvailable) throw new Error('this app never waits for a lock');
      if (taken) return work(null);
      const lock = { name, mode };
      held.push(lock);
      try {
        return await work(lock);
      } finally {
        await new Promise((resolve) => setImmediate(resolve));
        held.splice(held.indexOf(lock), 1);
      }
    },
    query: async () => ({ held: [], pending: [] }),
  } as unknown as LockManager & { held: { name: string; mode: string }[] };
}

describe('locks between tabs', () => {
  it('I2 gives the adapter to one owner; the second is told at once', async () => {
    const manager = fakeLockManager();
    const release = await webLocks(manager).hold('adapter');
    expect(release).not.toBeNull();
    expect(await webLocks(manager).hold('adapter')).toBeNull();
    expect(await webLocks(manager).hold('virtual-car')).not.toBeNull();
    await release?.();
    expect(await webLocks(manager).hold('adapter'), 'free right after the release').not.toBeNull();
  });

  it('I2 runs the work while the lock job is held, and answers null without running it when it is taken', async () => {
    const manager = fakeLockManager();
    const locks = webLocks(manager);
    const ran: string[] = [];
    const outer = await locks.withLock('job', async () => {
      expect(manager.held).toEqual([{ name: 'job', mode: 'exclusive' }]);
      expect(await locks.withLock('job', async () => ran.push('second'))).toBeNull();
      return 'first';
    });
    expect(outer).toEqual({ value: 'first' });
    expect(ran).toEqual([]);
    expect(manager.held).toEqual([]);
  });

  it('frees the lock when the work fails, and passes its error on', async () => {
    const manager = fakeLockManager();
    const failure = new RangeError('no');
    expect(await caught(webLocks(manager).withLock('job', () => Promise.reject(failure)))).toBe(failure);
    expect(manager.held).toEqual([]);
  });

  it('shares the lock schema among connections and gives it to an upgrade only when they are gone', async () => {
    const manager = fakeLockManager();
    const locks = webSchemaLocks(manager);
    const [one, two] = [await locks.hold('shared', 'real'), await locks.hold('shared', 'real')];
    expect(manager.held.map(({ name }) => name)).toEqual(['schema', 'schema']);
    const other = await locks.hold('exclusive', 'training');
    expect(other, 'the database of the virtual car has a lock of its own').not.toBeNull();
    await other?.();
    expect(await locks.hold('exclusive', 'real')).toBeNull();
    await one?.();
    expect(await locks.hold('exclusive', 'real')).toBeNull();
    await two?.();
    const upgrade = await locks.hold('exclusive', 'real');
    expect(upgrade).not.toBeNull();
    expect(await locks.hold('shared', 'real')).toBeNull();
    await upgrade?.();
  });

  it('translates a refusal of the browser itself', async () => {
    const manager = { request: () => Promise.reject(new DOMException('not here', 'SecurityError')) } as never;
    const error = await caught(webLocks(manager).hold('job'));
    expect(isStackError(error, 'transport/unavailable') && error.details).toEqual({
      api: 'locks',
      reason: 'SecurityError: not here',
    });
  });
});
