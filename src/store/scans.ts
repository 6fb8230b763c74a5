import * as v from 'valibot';
import type { ScanRecord } from '#contract/records.ts';
import type { ScansPort } from '#procedures/ports.ts';
import { assertWorld } from './journal.ts';
import { ScanSchema } from './schemas/records.ts';
import { type CodebayDatabase, reading, writing } from './tables.ts';

/** Walks over cars, to compare the next one with. Ordered by arrival, never by the wall clock (fault D05). */
export class ScansRepository implements ScansPort {
  readonly #db: CodebayDatabase;
  readonly #simulated: boolean;

  constructor(db: CodebayDatabase, simulated: boolean) {
    this.#db = db;
    this.#simulated = simulated;
  }

  async put(scan: ScanRecord): Promise<void> {
    assertWorld('scans', scan.simulated, this.#simulated);
    const { scans } = this.#db;
    await writing(this.#db, [scans], JSON.stringify(scan).length, async () => {
      await scans.where('id').equals(scan.id).delete();
      await scans.add({ id: scan.id, vin: scan.vin, scan: JSON.parse(JSON.stringify(scan)) as unknown });
    });
  }

  /** The newest one that can be read: a damaged scan is worth nothing, and its loss harms nobody. */
  async latest(vin: string): Promise<ScanRecord | null> {
    const rows = await reading('scans', () => this.#db.scans.where('vin').equals(vin).sortBy('place'));
    for (const row of rows.reverse()) {
      const parsed = v.safeParse(ScanSchema, row.scan);
      if (parsed.success) return parsed.output;
    }
    return null;
  }
}
