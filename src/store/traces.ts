import type { Clock } from '#base/clock.ts';
import type { TracesPort } from '#procedures/ports.ts';
import { type CodebayDatabase, reading, writing } from './tables.ts';

/** Trace text in pieces, in the order they came. */
export class TracesRepository implements TracesPort {
  readonly #db: CodebayDatabase;
  readonly #clock: Clock;

  constructor(db: CodebayDatabase, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  async append(sessionId: string, text: string): Promise<void> {
    if (text === '') return;
    const row = { sessionId, wallMs: this.#clock.wallMs(), text };
    await writing(this.#db, [this.#db.traces], text.length, () => this.#db.traces.add(row));
  }

  read(sessionId: string): Promise<string> {
    return readTrace(this.#db, sessionId);
  }
}

export async function readTrace(db: CodebayDatabase, sessionId: string): Promise<string> {
  const rows = await reading('traces', () => db.traces.where('sessionId').equals(sessionId).sortBy('place'));
  return rows.map(({ text }) => (typeof text === 'string' ? text : '# a part of this trace is damaged\n')).join('');
}
