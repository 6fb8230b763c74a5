import type { Definition, ParameterCondition } from '#contract/definition.ts';
import { toPhysical } from '#definitions/compu.ts';
import { type DefinitionRule, type Report, reportRepeated } from './rule.ts';

/** Coded values and the conditions between options. */
export const valueRules: Readonly<Record<string, DefinitionRule>> = {
  textTableValuesAreUnique,
  textTableTextsAreUnique,
  textTableValuesFitTheirBits,
  textTableHasAtMostOneFactoryValue,
  switchesHaveTwoValues,
  linearValuesFitTheirBits,
  linearScaleHasValues,
  conditionsNameAnOptionOfTheSameBlock,
  conditionsNameLegalValues,
};

function textTableValuesAreUnique(definition: Definition, report: Report): void {
  definition.parameters.forEach(({ compu }, i) => {
    if (compu.kind === 'texttable')
      reportRepeated(
        compu.values,
        ({ coded }) => String(coded),
        (n, coded) => report(`.parameters[${i}].compu.values[${n}].coded`, `the value ${coded} is there twice`),
      );
  });
}

function textTableTextsAreUnique(definition: Definition, report: Report): void {
  definition.parameters.forEach(({ compu }, i) => {
    if (compu.kind !== 'texttable') return;
    for (const language of ['en', 'de'] as const)
      reportRepeated(
        compu.values,
        ({ text }) => text[language],
        (n, text) => report(`.parameters[${i}].compu.values[${n}].text.${language}`, `two values are called "${text}"`),
      );
  });
}

function textTableValuesFitTheirBits(definition: Definition, report: Report): void {
  definition.parameters.forEach(({ compu, position }, i) => {
    if (compu.kind !== 'texttable') return;
    compu.values.forEach(({ coded }, n) => {
      if (coded >= 2 ** position.lengthBits)
        report(`.parameters[${i}].compu.values[${n}].coded`, `${coded} does not fit ${position.lengthBits} bits`);
    });
  });
}

function textTableHasAtMostOneFactoryValue(definition: Definition, report: Report): void {
  definition.parameters.forEach(({ compu }, i) => {
    if (compu.kind === 'texttable' && compu.values.filter((value) => value.factory === true).length > 1)
      report(`.parameters[${i}].compu.values`, 'more than one value is the factory value');
  });
}

function switchesHaveTwoValues(definition: Definition, report: Report): void {
  definition.parameters.forEach(({ compu }, i) => {
    if (compu.kind === 'texttable' && compu.control === 'switch' && compu.values.length !== 2)
      report(`.parameters[${i}].compu.control`, `a switch has two values, not ${compu.values.length}`);
  });
}

function linearValuesFitTheirBits(definition: Definition, report: Report): void {
  definition.parameters.forEach(({ compu, position }, i) => {
    if (compu.kind === 'linear' && compu.maxCoded >= 2 ** position.lengthBits)
      report(`.parameters[${i}].compu.maxCoded`, `${compu.maxCoded} does not fit ${position.lengthBits} bits`);
  });
}

function linearScaleHasValues(definition: Definition, report: Report): void {
  definition.parameters.forEach(({ compu }, i) => {
    if (compu.kind !== 'linear') return;
    if (compu.minCoded >= compu.maxCoded) report(`.parameters[${i}].compu.maxCoded`, `is not above ${compu.minCoded}`);
    else if ((compu.maxCoded - compu.minCoded) % compu.stepCoded !== 0)
      report(
        `.parameters[${i}].compu.stepCoded`,
        `steps of ${compu.stepCoded} from ${compu.minCoded} do not reach ${compu.maxCoded}`,
      );
  });
}

/** A block is written by itself, so that a condition across blocks could not be kept. */
function conditionsNameAnOptionOfTheSameBlock(definition: Definition, report: Report): void {
  for (const { path, condition, owner } of conditionsOf(definition)) {
    const other = definition.parameters.find((parameter) => parameter.id === condition.parameter);
    if (other === undefined || other.id === owner.id)
      report(`${path}.parameter`, `there is no other option "${condition.parameter}"`);
    else if (other.block !== owner.block) report(`${path}.parameter`, `"${other.id}" lies in another block`);
  }
}

function conditionsNameLegalValues(definition: Definition, report: Report): void {
  for (const { path, condition, owner } of conditionsOf(definition)) {
    const other = definition.parameters.find((parameter) => parameter.id === condition.parameter);
    if (other && condition.coded.some((coded) => toPhysical(other.compu, coded) === null))
      report(`${path}.coded`, `not all are values of "${other.id}"`);
    if (condition.when?.some((coded) => toPhysical(owner.compu, coded) === null))
      report(`${path}.when`, `not all are values of "${owner.id}"`);
  }
}

function conditionsOf(definition: Definition) {
  return definition.parameters.flatMap((owner, i) =>
    (['requires', 'excludes'] as const).flatMap((rule) =>
      (owner[rule] ?? []).map((condition: ParameterCondition, n) => ({
        path: `.parameters[${i}].${rule}[${n}]`,
        condition,
        owner,
      })),
    ),
  );
}
