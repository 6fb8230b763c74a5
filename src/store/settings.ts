import * as v from 'valibot';
import { StackError } from '#contract/errors.ts';
import { DEFAULT_SETTINGS, type Settings } from '#contract/records.ts';
import type { SettingsPort } from '#procedures/ports.ts';
import { describeIssue } from './schemas/primitives.ts';
import { SettingsSchema } from './schemas/records.ts';
import { type CodebayDatabase, reading, writing } from './tables.ts';

export class SettingsRepository implements SettingsPort {
  readonly #db: CodebayDatabase;

  constructor(db: CodebayDatabase) {
    this.#db = db;
  }

  /** Settings that cannot be read count as never set: each default is the careful choice, and the shop code is asked for. */
  async read(): Promise<Settings> {
    const row = await reading('settings', () => this.#db.settings.get('settings'));
    const parsed = v.safeParse(SettingsSchema, row?.value);
    return parsed.success ? parsed.output : DEFAULT_SETTINGS;
  }

  async write(settings: Settings): Promise<void> {
    const parsed = v.safeParse(SettingsSchema, settings);
    if (!parsed.success) {
      const { at, why } = describeIssue(parsed.issues);
      const reason = `${at}: ${why}`;
      throw new StackError('store/write-failed', `settings: ${reason}`, { table: 'settings', reason });
    }
    const row = { key: 'settings' as const, value: parsed.output };
    await writing(this.#db, [this.#db.settings], JSON.stringify(settings).length, () => this.#db.settings.put(row));
  }
}
