/** A value that can be watched, in the shape of Svelte's store contract: `$value` works on it in a component. */
export interface Readable<T> {
  readonly value: T;
  /** Calls `listener` now and after each change. Returns the way to stop. */
  subscribe(listener: (value: T) => void): () => void;
}

export class Observable<T> implements Readable<T> {
  #value: T;
  readonly #listeners = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  /** Tells everybody, unless the value is the one they know. */
  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener(value);
  }

  subscribe(listener: (value: T) => void): () => void {
    // Its own function, so that two subscriptions of one listener end apart.
    const entry = (next: T) => listener(next);
    this.#listeners.add(entry);
    listener(this.#value);
    return () => this.#listeners.delete(entry);
  }
}
