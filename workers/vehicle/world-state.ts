import type { DefinitionPack } from '#contract/definition.ts';
import { isStackError, StackError, toErrorRecord } from '#contract/errors.ts';
import type { StoreHealth, World } from '#contract/vehicle-api.ts';
import { type HostDeps, OperationHost } from '#procedures/host.ts';
import type { Stores } from '#procedures/ports.ts';
import { noStores } from './no-stores.ts';

/** One world: its stores, and the host that works on them. */
export interface WorldState {
  readonly world: World;
  readonly stores: Stores;
  readonly host: OperationHost;
  readonly health: StoreHealth;
  readonly packs: readonly DefinitionPack[];
  close(): Promise<void>;
}

/** Opens the stores of a world; where that fails the app still reads cars and refuses everything that must be durable (D02). */
export async function openWorld(
  world: World,
  openStores: (world: World) => Promise<Stores & { close(): Promise<void> }>,
  persistent: boolean,
  deps: Omit<HostDeps, 'stores'>,
): Promise<WorldState> {
  try {
    const stores = await openStores(world);
    const host = new OperationHost({ ...deps, stores });
    try {
      // A journal that cannot be read to the end of its open jobs must not be written on: it says where it is damaged.
      await host.unfinishedJobs();
    } catch (error) {
      await stores.close();
      throw error;
    }
    const health = { kind: 'ok', persistent } as const;
    return { world, stores, host, health, packs: deps.packs, close: () => stores.close() };
  } catch (error) {
    const reason = isStackError(error)
      ? error
      : new StackError('store/unavailable', String(error), { reason: String(error) }, { cause: error });
    const stores = noStores(world === 'training', reason);
    const host = new OperationHost({ ...deps, stores });
    return {
      world,
      stores,
      host,
      health: { kind: 'read-only', error: toErrorRecord(reason) },
      packs: deps.packs,
      close: async () => undefined,
    };
  }
}
