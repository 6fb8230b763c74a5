import type { StackError } from '#contract/errors.ts';
import { CHAIN_START, JOURNAL_VERSION, type JournalRecord, journalHash } from '#contract/journal.ts';
import { DEFAULT_SETTINGS } from '#contract/records.ts';
import type { Stores } from '#procedures/ports.ts';

/**
 * The stores when the database cannot be opened (fault D02): the app still reads cars, but nothing that must be durable can
 * be, so no backup, no job and no key attempt is possible: each fails with the reason, before anything reaches the car.
 */
export function noStores(simulated: boolean, reason: StackError): Stores {
  const refuse = () => Promise.reject(reason);
  return {
    simulated,
    journal: {
      // A note (a scan took place) is information; it is made up to be dropped. Everything that guards a write is refused.
      append(entry) {
        if (entry.body.type !== 'note') return refuse();
        const head = {
          ...entry,
          journalVersion: JOURNAL_VERSION,
          sequence: 0,
          wallMs: 0,
          monotonicMs: 0,
          previous: CHAIN_START,
        };
        const record: JournalRecord = { ...head, hash: journalHash(head) };
        return Promise.resolve(record);
      },
      recordsOf: async () => [],
      openJobs: async () => [],
      records: async () => [],
    },
    backups: { add: refuse, addImported: refuse, get: async () => null, list: async () => [] },
    scans: { put: async () => undefined, latest: async () => null },
    settings: { read: async () => DEFAULT_SETTINGS, write: refuse },
    security: { read: refuse, write: refuse },
    traces: { append: async () => undefined, read: async () => '' },
    adapters: {
      addReport: refuse,
      reportsOf: async () => [],
      consentTo: async () => null,
      giveConsent: refuse,
      remember: async () => undefined,
      known: async () => [],
    },
  };
}
