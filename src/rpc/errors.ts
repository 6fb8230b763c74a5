import * as Comlink from 'comlink';
import { type ErrorRecord, fromErrorRecord, toErrorRecord } from '#contract/errors.ts';

interface ThrownValue {
  readonly value: unknown;
}

/**
 * Comlink's own handler drops codes, details and causes of errors. Call once in every realm, before the first call.
 * The marker of a thrown value is private to Comlink, so its own test is borrowed (reference: build notes 4).
 */
export function installErrorTransfer(): void {
  const stock = Comlink.transferHandlers.get('throw');
  if (stock === undefined) throw new TypeError('Comlink has no handler for thrown values');
  const handler: Comlink.TransferHandler<ThrownValue, ErrorRecord> = {
    canHandle: (value): value is ThrownValue => stock.canHandle(value),
    serialize: ({ value }) => [toErrorRecord(value), []],
    deserialize: (record) => {
      throw fromErrorRecord(record);
    },
  };
  Comlink.transferHandlers.set('throw', handler);
}
