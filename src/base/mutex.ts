/** First come, first served. `run` holds the mutex for as long as the work takes, also when it fails. */
export class Mutex {
  #tail: Promise<void> = Promise.resolve();

  get idle(): Promise<void> {
    return this.#tail;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }
}
