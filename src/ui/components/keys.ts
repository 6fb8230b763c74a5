/** Keyboard movement that lists, trees, grids and tabs share. */

/** The next index for an arrow, Home or End key in a list of `count`; undefined for every other key or when it stays. */
export function nextIndex(
  key: string,
  index: number,
  count: number,
  { previous = 'ArrowUp', next = 'ArrowDown', wraps = false } = {},
): number | undefined {
  if (count === 0) return undefined;
  const last = count - 1;
  const target = new Map([
    [previous, wraps && index === 0 ? last : Math.max(0, index - 1)],
    [next, wraps && index === last ? 0 : Math.min(last, index + 1)],
    ['Home', 0],
    ['End', last],
  ]).get(key);
  return target === index ? undefined : target;
}

/** The next name that begins with the typed letter, after `index` and around the end; undefined when none does. */
export function nextByLetter(key: string, index: number, names: readonly string[]): number | undefined {
  if (key.length !== 1 || key.trim() === '') return undefined;
  const letter = key.toLocaleLowerCase();
  for (let step = 1; step <= names.length; step++) {
    const candidate = (index + step) % names.length;
    if (names[candidate]?.toLocaleLowerCase().startsWith(letter)) return candidate;
  }
  return undefined;
}

/** A key together with Ctrl, Alt or Meta belongs to the browser or the app, never to a list. */
export function isPlainKey(event: KeyboardEvent): boolean {
  return !event.ctrlKey && !event.altKey && !event.metaKey;
}
