import type { Definition, DefinitionPack } from '#contract/definition.ts';
import { type DefinitionRule, type PackRule, type Report, reportRepeated } from './rule.ts';

/** Words and ids. */
export const textRules: Readonly<Record<string, PackRule>> = {
  textsAreNotEmpty,
  textsHaveNoSpaceAround,
  definitionIdsAreUnique,
};
export const idRules: Readonly<Record<string, DefinitionRule>> = {
  blockIdsAreUnique,
  blockIdentifiersAreUnique,
  parameterIdsAreUnique,
  parameterTitlesAreUniqueInTheirGroup,
  identificationIsUnique,
  preludeIsUnique,
  securityLevelsAreUnique,
  faultCodesAreUnique,
};

/** Members whose value is not for people, or may be empty. */
const NO_TEXT: ReadonlySet<string> = new Set(['unit', 'pattern', 'text', 'from', 'to', 'name']);

/** Title, help, group, reason in both languages; source and licence. */
function textsAreNotEmpty(pack: DefinitionPack, report: Report): void {
  walkTexts(pack, '', (path, text) => {
    if (text.trim() === '') report(path, 'is empty');
  });
}

function textsHaveNoSpaceAround(pack: DefinitionPack, report: Report): void {
  walkTexts(pack, '', (path, text) => {
    if (text.trim() !== '' && text !== text.trim()) report(path, 'starts or ends with a space');
  });
}

function definitionIdsAreUnique(pack: DefinitionPack, report: Report): void {
  reportRepeated(
    pack.definitions,
    ({ id }) => id,
    (i, id) => report(`.definitions[${i}].id`, `"${id}" is another definition already`),
  );
}

function blockIdsAreUnique({ codingBlocks }: Definition, report: Report): void {
  reportRepeated(
    codingBlocks,
    ({ id }) => id,
    (i, id) => report(`.codingBlocks[${i}].id`, `"${id}" is another block already`),
  );
}

function blockIdentifiersAreUnique({ codingBlocks }: Definition, report: Report): void {
  reportRepeated(
    codingBlocks,
    ({ did }) => did,
    (i, did) => report(`.codingBlocks[${i}].did`, `${did} is another block already`),
  );
}

function parameterIdsAreUnique({ parameters }: Definition, report: Report): void {
  reportRepeated(
    parameters,
    ({ id }) => id,
    (i, id) => report(`.parameters[${i}].id`, `"${id}" is another option already`),
  );
}

function parameterTitlesAreUniqueInTheirGroup({ parameters }: Definition, report: Report): void {
  for (const language of ['en', 'de'] as const)
    reportRepeated(
      parameters,
      ({ group, title }) => `${group[language]}: ${title[language]}`,
      (i, name) => report(`.parameters[${i}].title.${language}`, `two options are called "${name}"`),
    );
}

function identificationIsUnique({ identification }: Definition, report: Report): void {
  reportRepeated(
    identification,
    ({ did }) => did,
    (i, did) => report(`.identification[${i}].did`, `${did} is there twice`),
  );
}

function preludeIsUnique({ prelude }: Definition, report: Report): void {
  reportRepeated(
    prelude,
    ({ did }) => did,
    (i, did) => report(`.prelude[${i}].did`, `${did} is there twice`),
  );
}

function securityLevelsAreUnique({ securityLevels }: Definition, report: Report): void {
  reportRepeated(
    securityLevels,
    ({ level }) => String(level),
    (i, level) => report(`.securityLevels[${i}].level`, `level ${level} is there twice`),
  );
}

function faultCodesAreUnique({ faults }: Definition, report: Report): void {
  reportRepeated(
    faults,
    ({ code }) => code,
    (i, code) => report(`.faults[${i}].code`, `${code} is there twice`),
  );
}

function walkTexts(value: unknown, path: string, visit: (path: string, text: string) => void): void {
  if (Array.isArray(value)) for (const [i, item] of value.entries()) walkTexts(item, `${path}[${i}]`, visit);
  else if (typeof value === 'object' && value !== null)
    for (const [key, member] of Object.entries(value)) {
      if (typeof member === 'string' && !NO_TEXT.has(key)) visit(`${path}.${key}`, member);
      else walkTexts(member, `${path}.${key}`, visit);
    }
}
