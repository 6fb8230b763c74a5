import type { DefinitionMatch } from '#contract/definition.ts';

const KEY = 'codebay.favourites';
const MAX_DEFINITIONS = 200;
const MAX_OPTIONS = 500;

type Stars = ReadonlyMap<string, readonly string[]>;

/** Options with a star, by definition: kept in this browser, for every car with such a module. No truth, a convenience. */
class Favourites {
  #stars = $state.raw<Stars>(stored());

  has(match: DefinitionMatch | undefined, parameterId: string): boolean {
    const key = keyOf(match);
    return key !== null && (this.#stars.get(key)?.includes(parameterId) ?? false);
  }

  toggle(match: DefinitionMatch | undefined, parameterId: string): void {
    const key = keyOf(match);
    if (key === null) return;
    const stars = new Map([...this.#stars, ...stored()]); // another tab may have set some meanwhile
    const old = stars.get(key) ?? [];
    const next = old.includes(parameterId)
      ? old.filter((id) => id !== parameterId)
      : [...old, parameterId].slice(-MAX_OPTIONS);
    stars.delete(key);
    if (next.length > 0) stars.set(key, next);
    this.#stars = stars;
    try {
      localStorage.setItem(KEY, JSON.stringify([...stars].slice(-MAX_DEFINITIONS)));
    } catch {
      // Site data is blocked: the stars last as long as the page.
    }
  }
}

export const favourites = new Favourites();

function keyOf(match: DefinitionMatch | undefined): string | null {
  return match === undefined || match.kind === 'none' ? null : `${match.packId}/${match.definitionId}`;
}

function stored(): Stars {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    if (!Array.isArray(list)) return new Map();
    return new Map(list.filter(isEntry).slice(-MAX_DEFINITIONS));
  } catch {
    return new Map(); // blocked site data or foreign content: no stars
  }
}

function isEntry(entry: unknown): entry is [string, string[]] {
  return (
    Array.isArray(entry) &&
    typeof entry[0] === 'string' &&
    Array.isArray(entry[1]) &&
    entry[1].length <= MAX_OPTIONS &&
    entry[1].every((id) => typeof id === 'string')
  );
}
