import { fromHex } from '#base/hex.ts';
import type { IdentRead } from '#contract/backup.ts';
import type {
  Definition,
  DefinitionMatch,
  DefinitionPack,
  IdentifyPattern,
  LocalizedText,
  ModuleSlot,
  SlotAddress,
} from '#contract/definition.ts';
import { type IsoTpAddress, type ModuleId, moduleIdOf } from '#contract/isotp.ts';
import { definitionSha256 } from './hash.ts';
import { isVirtualPart, isVirtualVin } from './virtual.ts';

/** Identifiers read before the definition is known; identify patterns may ask for no others. */
export const IDENTIFY_IDENTIFIERS: readonly string[] = ['F187', 'F189', 'F191', 'F197', 'F19E', 'F1A2'];

/** What is known of a module when its definition is looked for. */
export interface ModuleEvidence {
  readonly moduleId: ModuleId;
  /** VIN of the module, else of the car; null when neither has one. */
  readonly vin: string | null;
  readonly reads: readonly IdentRead[];
}

interface Candidate {
  readonly pack: DefinitionPack;
  readonly definition: Definition;
  readonly differs: readonly string[];
}

/**
 * Whose module is this? `exact` only if VIN, address and every identify pattern of exactly one definition hold. `near`: the
 * patterns that must hold do, something else differs; shown, never written. A definition without patterns (the generic one)
 * is near to every module that no pack describes. Virtual identities and packs of virtual cars only ever meet each other.
 */
export function matchDefinition(packs: readonly DefinitionPack[], module: ModuleEvidence): DefinitionMatch {
  if (!module.reads.some((read) => read.kind === 'bytes')) return { kind: 'none' };
  const candidates = packs.filter((pack) => mayBeOf(pack, module)).flatMap((pack) => candidatesOf(pack, module));
  const exact = candidates.filter(({ differs }) => differs.length === 0);
  const [first] = exact;
  if (first === undefined) return nearest(candidates) ?? generic(packs, module) ?? { kind: 'none' };
  const head = headOf(first);
  const rivals = exact.filter((other) => definitionSha256(other.definition) !== head.sha256);
  if (rivals.length === 0) return { kind: 'exact', ...head };
  return {
    kind: 'near',
    ...head,
    differs: rivals.map(({ pack, definition }) => `${pack.id}/${definition.id} fits too`),
  };
}

/** Where modules of this car may live: the packs for its VIN; without one for it, the generic packs; without a VIN, all. */
export function slotsOf(packs: readonly DefinitionPack[], vin: string | null): readonly ModuleSlot[] {
  if (vin === null) return packs.flatMap((pack) => pack.modules);
  const family = packs.filter((pack) => pack.vinPrefixes.some((prefix) => vin.startsWith(prefix)));
  const chosen = family.length > 0 ? family : packs.filter((pack) => pack.vinPrefixes.length === 0);
  return chosen.flatMap((pack) => pack.modules);
}

/** A slot's address as numbers. The hex was checked with the pack. */
export function toIsoTpAddress(address: SlotAddress): IsoTpAddress {
  const number = (hex: string) => Number.parseInt(hex, 16);
  if (address.format === 'normal-fixed')
    return { format: 'normal-fixed', target: number(address.target), source: number(address.source) };
  const { extendedId } = address;
  const pair = { requestId: number(address.requestId), responseId: number(address.responseId), extendedId };
  switch (address.format) {
    case 'normal':
      return { format: 'normal', ...pair };
    case 'extended':
      return { format: 'extended', ...pair, target: number(address.target), source: number(address.source) };
    case 'mixed':
      return { format: 'mixed', ...pair, addressExtension: number(address.addressExtension) };
  }
}

/** Title of a definition that says more than its slot does; null for the generic one and for none. */
export function definitionTitle(definition: Definition | null): LocalizedText | null {
  return definition === null || definition.identify.length === 0 ? null : definition.title;
}

function mayBeOf(pack: DefinitionPack, { vin, reads }: ModuleEvidence): boolean {
  const part = identificationText(reads, 'F187');
  if (pack.simulated) {
    if (part === null || !isVirtualPart(part) || (vin !== null && !isVirtualVin(vin))) return false;
  } else if ((part !== null && isVirtualPart(part)) || (vin !== null && isVirtualVin(vin))) return false;
  return vin === null || pack.vinPrefixes.length === 0 || pack.vinPrefixes.some((prefix) => vin.startsWith(prefix));
}

function candidatesOf(pack: DefinitionPack, module: ModuleEvidence): readonly Candidate[] {
  const around: string[] = [];
  if (module.vin === null && pack.vinPrefixes.length > 0) around.push('the VIN is not known');
  if (!pack.modules.some((slot) => moduleIdOf(toIsoTpAddress(slot.address)) === module.moduleId))
    around.push(`${module.moduleId} is no address of ${pack.id}`);
  return pack.definitions.flatMap((definition): readonly Candidate[] => {
    if (definition.identify.length === 0) return [];
    const failed = definition.identify.filter(
      (pattern) => !holds(pattern, identificationText(module.reads, pattern.did)),
    );
    if (failed.some((pattern) => !pattern.near)) return [];
    const differs = failed.map((pattern) => difference(pattern, identificationText(module.reads, pattern.did)));
    return [{ pack, definition, differs: [...differs, ...around] }];
  });
}

/** The one with the fewest differences; the first of equals, in the order of the packs. */
function nearest(candidates: readonly Candidate[]): DefinitionMatch | null {
  const best = candidates.reduce<Candidate | null>(
    (least, next) => (least === null || next.differs.length < least.differs.length ? next : least),
    null,
  );
  return best === null ? null : { kind: 'near', ...headOf(best), differs: best.differs };
}

function generic(packs: readonly DefinitionPack[], module: ModuleEvidence): DefinitionMatch | null {
  for (const pack of packs)
    for (const definition of pack.definitions) {
      if (definition.identify.length > 0) continue;
      const part = identificationText(module.reads, 'F187');
      const differs = [part === null ? 'no part number' : `no definition for part ${part}`];
      return { kind: 'near', ...headOf({ pack, definition, differs }), differs };
    }
  return null;
}

function headOf({ pack, definition }: Candidate): { packId: string; definitionId: string; sha256: string } {
  return { packId: pack.id, definitionId: definition.id, sha256: definitionSha256(definition) };
}

function holds({ rule }: IdentifyPattern, text: string | null): boolean {
  if (text === null) return false;
  switch (rule.kind) {
    case 'equals':
      return text === rule.text;
    case 'prefix':
      return text.startsWith(rule.text);
    case 'range':
      return text.length === rule.from.length && text >= rule.from && text <= rule.to;
  }
}

function difference({ did, rule }: IdentifyPattern, text: string | null): string {
  const wanted =
    rule.kind === 'equals' ? rule.text : rule.kind === 'prefix' ? `${rule.text}…` : `${rule.from} to ${rule.to}`;
  return `${did} is ${text ?? 'not readable'}, expected ${wanted}`;
}

/** Text of an identifier without its padding of 00, 20, FF; null when it was not read or is not printable ASCII. */
function identificationText(reads: readonly IdentRead[], did: string): string | null {
  const read = reads.find((candidate) => candidate.did === did);
  if (read?.kind !== 'bytes') return null;
  const bytes = Array.from(fromHex(read.hex));
  while (bytes.length > 0 && [0x00, 0x20, 0xff].includes(bytes.at(-1) ?? -1)) bytes.pop();
  if (bytes.length === 0 || bytes.some((byte) => byte < 0x20 || byte > 0x7e)) return null;
  return String.fromCharCode(...bytes);
}
