import * as v from 'valibot';
import type { AdapterConsent, AdapterKey, AdapterReport } from '#contract/adapter-check.ts';
import type { KnownAdapter } from '#contract/vehicle-api.ts';
import { type AdaptersPort, REPORTS_KEPT } from '#procedures/ports.ts';
import { assertWorld } from './journal.ts';
import { ConsentSchema, checkedReport, KnownAdapterSchema, ReportSchema } from './schemas/adapter.ts';
import { type CodebayDatabase, reading, writing } from './tables.ts';

/** Adapter checks, and per adapter what was noted of it. Parsed when read: what is damaged was never measured. */
export class AdaptersRepository implements AdaptersPort {
  readonly #db: CodebayDatabase;
  readonly #simulated: boolean;

  constructor(db: CodebayDatabase, simulated: boolean) {
    this.#db = db;
    this.#simulated = simulated;
  }

  async addReport(report: AdapterReport): Promise<void> {
    assertWorld('adapterReports', report.simulated, this.#simulated);
    const checked = checkedReport(report);
    const { adapterReports } = this.#db;
    await writing(this.#db, [adapterReports], JSON.stringify(checked).length, async () => {
      await adapterReports.add({ id: report.id, key: report.key, report: checked });
      const places = await adapterReports.where('key').equals(report.key).primaryKeys();
      await adapterReports.bulkDelete(places.sort((a, b) => a - b).slice(0, -REPORTS_KEPT));
    });
  }

  async reportsOf(key: AdapterKey): Promise<readonly AdapterReport[]> {
    const rows = await reading('adapterReports', () =>
      this.#db.adapterReports.where('key').equals(key).sortBy('place'),
    );
    return rows.reverse().flatMap(({ report }) => reportOf(report, key) ?? []);
  }

  async consentTo(key: AdapterKey): Promise<AdapterConsent | null> {
    const row = await reading('adapters', () => this.#db.adapters.get(key));
    return consentOf(row?.consent, key);
  }

  giveConsent(consent: AdapterConsent): Promise<void> {
    return this.#put(consent.key, { consent: v.parse(ConsentSchema, consent) });
  }

  remember(adapter: KnownAdapter): Promise<void> {
    return this.#put(adapter.key, { known: v.parse(KnownAdapterSchema, adapter) });
  }

  async known(): Promise<readonly KnownAdapter[]> {
    const rows = await reading('adapters', () => this.#db.adapters.toArray());
    return rows
      .flatMap(({ known }) => knownAdapterOf(known) ?? [])
      .sort((a, b) => b.lastOpenedWallMs - a.lastOpenedWallMs);
  }

  async #put(key: AdapterKey, change: { readonly known?: unknown; readonly consent?: unknown }): Promise<void> {
    const { adapters } = this.#db;
    await writing(this.#db, [adapters], JSON.stringify(change).length, async () => {
      await adapters.put({ ...(await adapters.get(key)), ...change, key });
    });
  }
}

const MAX_LISTED = 200;

/** Of all adapters, newest first. */
export async function listReports(db: CodebayDatabase): Promise<readonly AdapterReport[]> {
  const rows = await reading('adapterReports', () => db.adapterReports.reverse().limit(MAX_LISTED).toArray());
  return rows.flatMap(({ report, key }) => reportOf(report, key) ?? []);
}

/** A stored report; null when it is damaged, or not of this adapter. */
export function reportOf(row: unknown, key: AdapterKey): AdapterReport | null {
  const parsed = v.safeParse(ReportSchema, row);
  return parsed.success && parsed.output.key === key ? parsed.output : null;
}

/** A stored consent; null when it is damaged, or for another adapter: nobody consented. */
export function consentOf(row: unknown, key: AdapterKey): AdapterConsent | null {
  const parsed = v.safeParse(ConsentSchema, row);
  return parsed.success && parsed.output.key === key ? parsed.output : null;
}

export function knownAdapterOf(row: unknown): KnownAdapter | null {
  const parsed = v.safeParse(KnownAdapterSchema, row);
  return parsed.success ? parsed.output : null;
}
