import { applyChange, type CarState, type CarStateChange, type CarStore } from './car-state.ts';

/** The car's memory in RAM: for tests, and for a worker without a database. */
export class MemoryCarStore implements CarStore {
  /** What is durable now; null until the car was first set up. */
  state: CarState | null;
  /** Every change, in order. */
  readonly changes: CarStateChange[] = [];
  readonly #onCommit: ((count: number, change: CarStateChange) => void | Promise<void>) | undefined;

  /** `onCommit` is called (and awaited) when change number `count`, from 1, is durable and before the ECU answers. */
  constructor(
    options: {
      readonly state?: CarState;
      readonly onCommit?: (count: number, change: CarStateChange) => void | Promise<void>;
    } = {},
  ) {
    this.state = options.state ?? null;
    this.#onCommit = options.onCommit;
  }

  load(): Promise<CarState | null> {
    return Promise.resolve(this.state);
  }

  async commit(change: CarStateChange): Promise<void> {
    if (change.kind === 'factory') this.state = change.state;
    else if (this.state) this.state = applyChange(this.state, change);
    this.changes.push(change);
    await this.#onCommit?.(this.changes.length, change);
  }
}
