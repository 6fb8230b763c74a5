import { seededRandom } from '#base/random.ts';
import { type CodebayDatabase, writing } from './tables.ts';

/** The part of `navigator.storage` that tells how storage is doing; absent where the browser has none. */
export interface StorageFacts {
  estimate(): Promise<{ readonly usage?: number; readonly quota?: number }>;
  persisted(): Promise<boolean>;
}

export interface StorageHealth {
  /**
   * Proves that so much can still be written (fault D01): writes it, durably, and deletes it. `estimate` proves nothing: it
   * tells a quota whatever the disk holds.
   * @throws StackError `store/quota`, `store/write-failed`, `store/unavailable`
   */
  probeWrite(bytes: number): Promise<void>;
  /** The browser's own figures; null where it tells none. */
  estimate(): Promise<{ readonly usageBytes: number; readonly quotaBytes: number } | null>;
  /** May the browser throw the data away when space is short? False = it may. */
  persisted(): Promise<boolean>;
}

/** Larger probes would themselves be the load. */
const MAX_PROBE_BYTES = 64 * 1024 * 1024;

export function storageHealth(db: CodebayDatabase, facts: StorageFacts | undefined): StorageHealth {
  return {
    async probeWrite(bytes) {
      if (!Number.isInteger(bytes) || bytes < 0 || bytes > MAX_PROBE_BYTES)
        throw new RangeError(`a probe of ${bytes} bytes: 0 to ${MAX_PROBE_BYTES} are possible`);
      const row = { key: 'probe' as const, value: incompressible(bytes) };
      try {
        await writing(db, [db.settings], bytes, () => db.settings.put(row));
      } finally {
        // A probe that failed has left nothing; then this delete may fail as well, and the first error is the news.
        await db.settings.delete('probe').catch(() => undefined);
      }
    },
    async estimate() {
      const { usage, quota } = (await facts?.estimate()) ?? {};
      return usage === undefined || quota === undefined ? null : { usageBytes: usage, quotaBytes: quota };
    },
    persisted: async () => (await facts?.persisted()) ?? false,
  };
}

/** Zeros would be packed to nothing on their way to the disk. */
function incompressible(length: number): Uint8Array {
  const random = seededRandom(length);
  const words = new Uint32Array(Math.ceil(length / 4)).map(() => random.below(2 ** 32));
  return new Uint8Array(words.buffer, 0, length).slice();
}
