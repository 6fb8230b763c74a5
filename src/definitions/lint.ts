import type { DefinitionPack } from '#contract/definition.ts';
import { addressRules, identityRules } from './lint/identity.ts';
import { layoutRules } from './lint/layout.ts';
import type { DefinitionRule, LintProblem, PackRule } from './lint/rule.ts';
import { idRules, textRules } from './lint/text.ts';
import { valueRules } from './lint/values.ts';
import { writingRules } from './lint/writing.ts';

export type { LintProblem } from './lint/rule.ts';

/** Rules of a whole pack, and of each definition: after them, code may take a pack at its word. */
export const PACK_RULES: Readonly<Record<string, PackRule>> = { ...textRules, ...addressRules };
export const DEFINITION_RULES: Readonly<Record<string, DefinitionRule>> = {
  ...idRules,
  ...identityRules,
  ...layoutRules,
  ...valueRules,
  ...writingRules,
};

/** Enough to work on; a pack that is wrong throughout does not fill a screen for ever. */
const MAX_PROBLEMS = 500;

/** Everything wrong with a well-shaped pack, in the order of the rules. Empty = good. */
export function lintPack(pack: DefinitionPack): readonly LintProblem[] {
  const problems: LintProblem[] = [];
  const reporter = (rule: string, root: string) => (path: string, problem: string) => {
    if (problems.length < MAX_PROBLEMS) problems.push({ rule, path: root + path, problem });
  };
  for (const [name, rule] of Object.entries(PACK_RULES)) rule(pack, reporter(name, '$'));
  for (const [name, rule] of Object.entries(DEFINITION_RULES))
    pack.definitions.forEach((definition, i) => {
      rule(definition, reporter(name, `$.definitions[${i}]`), pack);
    });
  return problems;
}
