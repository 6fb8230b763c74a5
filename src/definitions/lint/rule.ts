import type { Definition, DefinitionPack } from '#contract/definition.ts';

/** One thing wrong with a pack. `path` is a JSON path, `problem` a clause for people. */
export interface LintProblem {
  readonly rule: string;
  readonly path: string;
  readonly problem: string;
}

/** Calls `report` for everything that breaks the rule; paths start at what the rule was given. */
export type Report = (path: string, problem: string) => void;

/** Rules stand in records by their name: a function's own name does not outlive the minifier. */
export type PackRule = (pack: DefinitionPack, report: Report) => void;
export type DefinitionRule = (definition: Definition, report: Report, pack: DefinitionPack) => void;

/** Reports every item whose key an earlier item has too. */
export function reportRepeated<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  report: (index: number, key: string) => void,
): void {
  const seen = new Set<string>();
  items.forEach((item, index) => {
    const key = keyOf(item);
    if (seen.has(key)) report(index, key);
    seen.add(key);
  });
}
