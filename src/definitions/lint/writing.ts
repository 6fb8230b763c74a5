import type { Definition, DefinitionPack } from '#contract/definition.ts';
import type { DefinitionRule, Report } from './rule.ts';

/** What a definition may make the app write, and what it needs for that. */
export const writingRules: Readonly<Record<string, DefinitionRule>> = {
  blocksAreNotInTheIdentityRange,
  blocksAreNotMeasuredOrDefinedAtRunTime,
  blocksAreNotDenied,
  preludeStepsAreStamps,
  preludeIsNotDenied,
  preludeIsThereWhereABlockNeedsIt,
  preludeIsNeededByABlock,
  preludeShopCodeIsReadFromAKnownIdentifier,
  securityLevelsOfBlocksAreDescribed,
  securityLevelsAreNeededByABlock,
  simulatorKeysAreForVirtualCars,
  writeSessionsAreNotTheDefaultSession,
  safetyOptionsAreVerifiedSomewhere,
  noOptionForMileageImmobiliserOrCrashData,
  definitionsWithoutPatternsWriteNothing,
};

/** Identity lives here; only stamps may be written, by a prelude (design 2). */
function blocksAreNotInTheIdentityRange(definition: Definition, report: Report): void {
  definition.codingBlocks.forEach(({ did }, i) => {
    if (did >= 'F180' && did <= 'F19F')
      report(`.codingBlocks[${i}].did`, `${did} identifies the module, it is no coding`);
  });
}

/** Periodic, dynamically defined and OBD identifiers (reference: diagnostics B.1, ranges). */
function blocksAreNotMeasuredOrDefinedAtRunTime(definition: Definition, report: Report): void {
  definition.codingBlocks.forEach(({ did }, i) => {
    if (did >= 'F200' && did <= 'F8FF')
      report(`.codingBlocks[${i}].did`, `${did} is measured or made at run time, it is no coding`);
  });
}

function blocksAreNotDenied(definition: Definition, report: Report): void {
  definition.codingBlocks.forEach(({ did }, i) => {
    if (definition.denied.includes(did))
      report(`.codingBlocks[${i}].did`, `${did} is in the list of denied identifiers`);
  });
}

/** Who coded, calibrated or installed, and when: all else between F180 and F19F is never written. */
const STAMPS: readonly string[] = ['F198', 'F199', 'F19A', 'F19B', 'F19C', 'F19D'];

function preludeStepsAreStamps(definition: Definition, report: Report): void {
  definition.prelude.forEach(({ did }, i) => {
    if (!STAMPS.includes(did)) report(`.prelude[${i}].did`, `${did} is none of ${STAMPS.join(' ')}`);
  });
}

function preludeIsNotDenied(definition: Definition, report: Report): void {
  definition.prelude.forEach(({ did }, i) => {
    if (definition.denied.includes(did)) report(`.prelude[${i}].did`, `${did} is in the list of denied identifiers`);
  });
}

function preludeIsThereWhereABlockNeedsIt(definition: Definition, report: Report): void {
  definition.codingBlocks.forEach(({ needsPrelude }, i) => {
    if (needsPrelude && definition.prelude.length === 0)
      report(`.codingBlocks[${i}].needsPrelude`, 'there is no prelude');
  });
}

function preludeIsNeededByABlock(definition: Definition, report: Report): void {
  if (definition.prelude.length > 0 && !definition.codingBlocks.some((block) => block.needsPrelude))
    report('.prelude', 'no block needs it');
}

/** The backup must show which code the module held (design 2, I1). */
function preludeShopCodeIsReadFromAKnownIdentifier(definition: Definition, report: Report): void {
  definition.prelude.forEach(({ value }, i) => {
    if (value.kind === 'shop-code' && !definition.identification.some((item) => item.did === value.currentFrom))
      report(`.prelude[${i}].value.currentFrom`, `${value.currentFrom} is not in the identification`);
  });
}

function securityLevelsOfBlocksAreDescribed(definition: Definition, report: Report): void {
  definition.codingBlocks.forEach(({ securityLevel }, i) => {
    if (securityLevel !== undefined && !definition.securityLevels.some(({ level }) => level === securityLevel))
      report(`.codingBlocks[${i}].securityLevel`, `level ${securityLevel} is not described`);
  });
}

function securityLevelsAreNeededByABlock(definition: Definition, report: Report): void {
  definition.securityLevels.forEach(({ level }, i) => {
    if (!definition.codingBlocks.some((block) => block.securityLevel === level))
      report(`.securityLevels[${i}].level`, `no block needs level ${level}`);
  });
}

function simulatorKeysAreForVirtualCars(definition: Definition, report: Report, pack: DefinitionPack): void {
  definition.securityLevels.forEach(({ provider }, i) => {
    if (provider === 'simulator' && !pack.simulated)
      report(`.securityLevels[${i}].provider`, 'the simulator has no keys of real modules');
  });
}

function writeSessionsAreNotTheDefaultSession(definition: Definition, report: Report): void {
  const opened = [0x03, ...(definition.timing?.equalSessions ?? [])];
  definition.codingBlocks.forEach(({ writeSession, readSession }, i) => {
    if (!opened.includes(writeSession))
      report(
        `.codingBlocks[${i}].writeSession`,
        `session ${writeSession} is neither 3 nor named in timing.equalSessions`,
      );
    if (readSession !== 0x01 && !opened.includes(readSession))
      report(
        `.codingBlocks[${i}].readSession`,
        `session ${readSession} is neither 1, 3 nor named in timing.equalSessions`,
      );
  });
}

/** Without a proof anywhere the option is a guess, and a guess at brakes or airbags has no place in a pack. */
function safetyOptionsAreVerifiedSomewhere(definition: Definition, report: Report): void {
  definition.parameters.forEach(({ risk, verifiedOn }, i) => {
    if (risk === 'safety' && verifiedOn.length === 0)
      report(`.parameters[${i}].verifiedOn`, 'a safety option needs a module it was proven on');
  });
}

const KEPT_OUT = /odometer|mileage|kilometerstand|immobili[sz]er|wegfahrsperre|crash[ -]?dat/i;

/** Kept out on purpose (design 2). Looks at words: the last defence, after the review. */
function noOptionForMileageImmobiliserOrCrashData(definition: Definition, report: Report): void {
  definition.parameters.forEach(({ id, title }, i) => {
    const word = KEPT_OUT.exec(`${id} ${title.en} ${title.de}`)?.[0];
    if (word !== undefined) report(`.parameters[${i}].title`, `"${word}" is not changed with this app`);
  });
}

/** It fits every module, so that it can only be shown. */
function definitionsWithoutPatternsWriteNothing(definition: Definition, report: Report): void {
  if (definition.identify.length === 0 && writesAnything(definition))
    report('.identify', 'without patterns the definition fits every module, so it must not describe anything to write');
}

function writesAnything(definition: Definition): boolean {
  const { codingBlocks, parameters, prelude, securityLevels, resetAfterWrite } = definition;
  return (
    [codingBlocks, parameters, prelude, securityLevels].some((list) => list.length > 0) || resetAfterWrite !== null
  );
}
