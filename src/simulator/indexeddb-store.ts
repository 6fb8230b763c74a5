import { StackError } from '#contract/errors.ts';
import type { CarData } from './car-data.ts';
import { applyChange, type CarState, type CarStateChange, type CarStore, parseCarState } from './car-state.ts';

const DATABASE = 'codebay-virtual-car';
const VERSION = 1;
/** Key `car`: carId and variant. */
const CARS = 'car';
/** Key: label of the ECU; value: its memory. One small record per commit. */
const ECUS = 'ecus';

/** The car's memory in its own database, each commit flushed to disk. */
export class IndexedDbCarStore implements CarStore {
  readonly #data: CarData;
  readonly #factory: IDBFactory;
  #database: Promise<IDBDatabase> | undefined;
  #state: CarState | null = null;

  constructor(data: CarData, factory: IDBFactory) {
    this.#data = data;
    this.#factory = factory;
  }

  /** @throws StackError `store/unavailable` */
  async load(): Promise<CarState | null> {
    const database = await this.#open();
    const transaction = database.transaction([CARS, ECUS], 'readonly');
    const car = transaction.objectStore(CARS).get('car');
    const labels = transaction.objectStore(ECUS).getAllKeys();
    const memories = transaction.objectStore(ECUS).getAll();
    await finished(transaction, 'load');
    const ecus: Record<string, unknown> = {};
    for (const [i, label] of labels.result.entries()) ecus[String(label)] = memories.result[i];
    const stored: unknown = car.result;
    this.#state = typeof stored === 'object' && stored !== null ? parseCarState(this.#data, { ...stored, ecus }) : null;
    return this.#state;
  }

  /** @throws StackError `store/unavailable`, `store/write-failed` */
  async commit(change: CarStateChange): Promise<void> {
    const before = this.#state;
    if (!before && change.kind !== 'factory')
      throw new StackError('store/write-failed', 'the virtual car has no memory yet', {
        table: ECUS,
        reason: 'no factory state',
      });
    const state = before ? applyChange(before, change) : change.kind === 'factory' ? change.state : null;
    if (!state) return;
    const database = await this.#open();
    const transaction = database.transaction([CARS, ECUS], 'readwrite', { durability: 'strict' });
    const ecus = transaction.objectStore(ECUS);
    if (change.kind === 'factory') {
      ecus.clear();
      for (const [label, memory] of Object.entries(state.ecus)) ecus.put(memory, label);
      transaction.objectStore(CARS).put({ carId: state.carId, variant: state.variant }, 'car');
    } else {
      ecus.put(state.ecus[change.ecu], change.ecu);
    }
    await finished(transaction, 'commit');
    this.#state = state;
  }

  async close(): Promise<void> {
    const database = await this.#database?.catch(() => undefined);
    this.#database = undefined;
    database?.close();
  }

  #open(): Promise<IDBDatabase> {
    this.#database ??= new Promise((resolve, reject) => {
      const request = this.#factory.open(DATABASE, VERSION);
      const fail = (reason: string) => {
        this.#database = undefined;
        const message = `the virtual car's database: ${reason}`;
        reject(new StackError('store/unavailable', message, { reason }, { cause: request.error ?? undefined }));
      };
      request.onupgradeneeded = () => {
        request.result.createObjectStore(CARS);
        request.result.createObjectStore(ECUS);
      };
      request.onsuccess = () => {
        // Deleting the site's data must not hang on this connection.
        request.result.onversionchange = () => void this.close();
        resolve(request.result);
      };
      request.onerror = () => fail(request.error?.message ?? 'cannot be opened');
      request.onblocked = () => fail('another connection holds it open');
    });
    return this.#database;
  }
}

function finished(transaction: IDBTransaction, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () => {
      const reason = transaction.error?.message ?? 'aborted';
      const details = { table: DATABASE, reason };
      reject(
        new StackError('store/write-failed', `the virtual car's ${what} failed: ${reason}`, details, {
          cause: transaction.error ?? undefined,
        }),
      );
    };
    transaction.oncomplete = () => resolve();
    transaction.onabort = fail;
    transaction.onerror = fail;
  });
}
