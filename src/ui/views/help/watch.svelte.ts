import type { Readable } from '#ui/platform/observable.ts';

/** A watched value of the platform as state, for as long as the component lives; undefined while there is none. */
export function watch<T>(source: () => Readable<T> | undefined): { readonly value: T | undefined } {
  let value = $state.raw<T | undefined>(undefined);
  $effect(() => {
    const readable = source();
    if (readable === undefined) {
      value = undefined;
      return undefined;
    }
    return readable.subscribe((next) => {
      value = next;
    });
  });
  return {
    get value() {
      return value;
    },
  };
}
