import type { World } from '#contract/vehicle-api.ts';

/**
 * The lock `schema` (build notes 5), injected because Node has no Web Locks: held shared while a connection is open,
 * exclusively while a schema is upgraded. It is never waited for: a refusal is an answer. Each database has its own, because the
 * page stays connected to one while the worker creates or upgrades the other.
 */
export interface SchemaLocks {
  /**
   * Takes the lock if it is free right now, else null.
   * @returns the release; the lock is free only when the promise of that call has settled
   */
  hold(mode: 'shared' | 'exclusive', world: World): Promise<(() => Promise<void>) | null>;
}

/** Names of the Web Locks. */
export const SCHEMA_LOCKS: Readonly<Record<World, string>> = { real: 'schema', training: 'schema-training' };
