import type { Definition, DefinitionPack, SlotAddress } from '#contract/definition.ts';
import { moduleIdOf } from '#contract/isotp.ts';
import { IDENTIFY_IDENTIFIERS, toIsoTpAddress } from '#definitions/resolve.ts';
import { isVirtualPart, isVirtualVin } from '#definitions/virtual.ts';
import { type DefinitionRule, type PackRule, type Report, reportRepeated } from './rule.ts';

/** Who a definition is for, and where modules live. */
export const identityRules: Readonly<Record<string, DefinitionRule>> = {
  patternsNamePartAndSoftware,
  patternsUseIdentifiersReadFirst,
  patternRangesAreInOrder,
  patternOfThePartIsNeverNear,
  virtualDefinitionsHaveVirtualParts,
  realDefinitionsHaveRealParts,
};

export const addressRules: Readonly<Record<string, PackRule>> = {
  virtualPacksHaveVirtualVins,
  realPacksHaveRealVins,
  packsThatWriteNameTheirCars,
  addressesHaveTheLengthOfTheirFormat,
  slotsAreNotFunctionalIds,
  requestAndResponseDiffer,
  slotAddressesAreUnique,
  slotLabelsAreUnique,
  groupsAreCalledTheSame,
  functionalAnswersAreARange,
  functionalIdsAreUnique,
};

function patternsNamePartAndSoftware(definition: Definition, report: Report): void {
  if (definition.identify.length === 0) return;
  for (const [did, what] of [
    ['F187', 'part number'],
    ['F189', 'software version'],
  ] as const)
    if (!definition.identify.some((pattern) => pattern.did === did))
      report('.identify', `there is no pattern for the ${what} (${did})`);
}

function patternsUseIdentifiersReadFirst(definition: Definition, report: Report): void {
  definition.identify.forEach(({ did }, i) => {
    if (!IDENTIFY_IDENTIFIERS.includes(did))
      report(
        `.identify[${i}].did`,
        `${did} is not read before the definition is known, only ${IDENTIFY_IDENTIFIERS.join(' ')} are`,
      );
  });
}

function patternRangesAreInOrder(definition: Definition, report: Report): void {
  definition.identify.forEach(({ rule }, i) => {
    if (rule.kind === 'range' && (rule.from.length !== rule.to.length || rule.from > rule.to))
      report(`.identify[${i}].rule`, `"${rule.from}" to "${rule.to}" is no range of texts of one length`);
  });
}

/** A module of another part is another module, not a near one. */
function patternOfThePartIsNeverNear(definition: Definition, report: Report): void {
  definition.identify.forEach(({ did, near }, i) => {
    if (did === 'F187' && near) report(`.identify[${i}].near`, 'the part number must hold for a near match too');
  });
}

function virtualDefinitionsHaveVirtualParts(definition: Definition, report: Report, pack: DefinitionPack): void {
  if (!pack.simulated) return;
  definition.identify.forEach(({ did, rule }, i) => {
    if (did === 'F187' && !(rule.kind !== 'range' && isVirtualPart(rule.text)))
      report(`.identify[${i}].rule`, 'parts of virtual cars are named by a text that starts with CBAY');
  });
}

function realDefinitionsHaveRealParts(definition: Definition, report: Report, pack: DefinitionPack): void {
  if (pack.simulated) return;
  definition.identify.forEach(({ did, rule }, i) => {
    const texts = rule.kind === 'range' ? [rule.from, rule.to] : [rule.text];
    if (did === 'F187' && texts.some((text) => isVirtualPart(text) || 'CBAY'.startsWith(text)))
      report(`.identify[${i}].rule`, 'parts that start with CBAY are those of virtual cars');
  });
}

function virtualPacksHaveVirtualVins(pack: DefinitionPack, report: Report): void {
  if (!pack.simulated) return;
  if (pack.vinPrefixes.length === 0) report('.vinPrefixes', 'a pack of virtual cars names them');
  pack.vinPrefixes.forEach((prefix, i) => {
    if (!isVirtualVin(prefix)) report(`.vinPrefixes[${i}]`, 'VINs of virtual cars start with 0CB');
  });
}

function realPacksHaveRealVins(pack: DefinitionPack, report: Report): void {
  pack.vinPrefixes.forEach((prefix, i) => {
    if (!pack.simulated && (isVirtualVin(prefix) || '0CB'.startsWith(prefix)))
      report(`.vinPrefixes[${i}]`, 'VINs that start with 0CB are those of virtual cars');
  });
}

function packsThatWriteNameTheirCars(pack: DefinitionPack, report: Report): void {
  if (pack.vinPrefixes.length === 0 && pack.definitions.some((definition) => definition.codingBlocks.length > 0))
    report('.vinPrefixes', 'a pack with coding blocks says which cars it is for');
}

function addressesHaveTheLengthOfTheirFormat(pack: DefinitionPack, report: Report): void {
  const judge = (path: string, id: string, extendedId: boolean) => {
    if (id.length !== (extendedId ? 8 : 3))
      report(path, `${id} is no ${extendedId ? '29-bit id of eight' : '11-bit id of three'} digits`);
  };
  pack.modules.forEach(({ address }, i) => {
    if (address.format === 'normal-fixed') return;
    judge(`.modules[${i}].address.requestId`, address.requestId, address.extendedId);
    judge(`.modules[${i}].address.responseId`, address.responseId, address.extendedId);
  });
  pack.functional.forEach(({ requestId, responseFrom, responseTo, extendedId }, i) => {
    judge(`.functional[${i}].requestId`, requestId, extendedId);
    judge(`.functional[${i}].responseFrom`, responseFrom, extendedId);
    judge(`.functional[${i}].responseTo`, responseTo, extendedId);
  });
}

/** Legislated functional ids (reference: diagnostics B.4): all modules hear them. */
const FUNCTIONAL_IDS: readonly string[] = ['7DF', '18DB33F1', '18DBFEF1', '18DBEFF1'];

function slotsAreNotFunctionalIds(pack: DefinitionPack, report: Report): void {
  const functional = [...FUNCTIONAL_IDS, ...pack.functional.map(({ requestId }) => requestId)];
  pack.modules.forEach(({ address }, i) => {
    if (address.format === 'normal' && functional.includes(address.requestId))
      report(`.modules[${i}].address.requestId`, `${address.requestId} reaches all modules at once`);
    if (address.format !== 'normal-fixed' && functional.includes(address.responseId))
      report(`.modules[${i}].address.responseId`, `${address.responseId} is a functional request id`);
  });
}

function requestAndResponseDiffer(pack: DefinitionPack, report: Report): void {
  pack.modules.forEach(({ address }, i) => {
    const isSame =
      address.format === 'normal-fixed' ? address.target === address.source : address.requestId === address.responseId;
    if (isSame) report(`.modules[${i}].address`, 'request and response have the same id');
  });
}

function slotAddressesAreUnique(pack: DefinitionPack, report: Report): void {
  reportRepeated(
    pack.modules,
    ({ address }) => idOf(address),
    (i, id) => report(`.modules[${i}].address`, `${id} is another module's address already`),
  );
  const plain = pack.modules.map(({ address }, i) => ({
    i,
    id: address.format === 'normal' ? address.responseId : `#${i}`,
  }));
  reportRepeated(
    plain,
    ({ id }) => id,
    (n, id) => report(`.modules[${n}].address.responseId`, `${id} is another module's answer already`),
  );
}

function slotLabelsAreUnique(pack: DefinitionPack, report: Report): void {
  reportRepeated(
    pack.modules,
    ({ label }) => label,
    (i, label) => report(`.modules[${i}].label`, `"${label}" is another module's label already`),
  );
}

/** Modules are put together by this text: one group must not have two German names. */
function groupsAreCalledTheSame(pack: DefinitionPack, report: Report): void {
  const names = new Map<string, string>();
  pack.modules.forEach(({ group }, i) => {
    reportOtherName(names, group, `.modules[${i}].group`, report);
  });
  pack.definitions.forEach(({ parameters }, d) => {
    const options = new Map<string, string>();
    parameters.forEach(({ group }, p) => {
      reportOtherName(options, group, `.definitions[${d}].parameters[${p}].group`, report);
    });
  });
}

function reportOtherName(
  names: Map<string, string>,
  group: { en: string; de: string },
  path: string,
  report: Report,
): void {
  const known = names.get(group.en);
  if (known !== undefined && known !== group.de) report(`${path}.de`, `"${group.en}" is called "${known}" elsewhere`);
  names.set(group.en, known ?? group.de);
}

function functionalAnswersAreARange(pack: DefinitionPack, report: Report): void {
  pack.functional.forEach(({ responseFrom, responseTo }, i) => {
    if (responseFrom > responseTo) report(`.functional[${i}].responseTo`, `is below ${responseFrom}`);
  });
}

function functionalIdsAreUnique(pack: DefinitionPack, report: Report): void {
  reportRepeated(
    pack.functional,
    ({ requestId }) => requestId,
    (i, id) => report(`.functional[${i}].requestId`, `${id} is there twice`),
  );
}

function idOf(address: SlotAddress): string {
  return moduleIdOf(toIsoTpAddress(address));
}
