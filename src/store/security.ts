import * as v from 'valibot';
import type { SecurityMemory, SecurityRecord } from '#contract/diagnostics.ts';
import { SecuritySchema } from './schemas/records.ts';
import { type CodebayDatabase, reading, writing } from './tables.ts';

/** Failed keys and lock-outs; survive restarts (design 4, "Security keys"). */
export class SecurityRepository implements SecurityMemory {
  readonly #db: CodebayDatabase;

  constructor(db: CodebayDatabase) {
    this.#db = db;
  }

  async read(moduleKey: string, level: number): Promise<SecurityRecord | null> {
    const row = await reading('security', () => this.#db.security.get([moduleKey, level]));
    return row === undefined ? null : securityRecord(row, moduleKey, level);
  }

  async write(record: SecurityRecord): Promise<void> {
    const { security } = this.#db;
    await writing(this.#db, [security], JSON.stringify(record).length, () =>
      security.put(v.parse(SecuritySchema, record)),
    );
  }
}

/** A memory that cannot be read counts as one failed key, so that the next try is a person's decision. */
export function securityRecord(row: unknown, moduleKey: string, level: number): SecurityRecord {
  const parsed = v.safeParse(SecuritySchema, row);
  return parsed.success
    ? parsed.output
    : { moduleKey, level, failedKeys: 1, lastFailureWallMs: null, lockedUntilWallMs: null };
}
