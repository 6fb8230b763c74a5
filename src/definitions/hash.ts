import { canonicalJson } from '#base/canonical-json.ts';
import { sha256Hex } from '#base/sha256.ts';
import type { Definition, DefinitionPack } from '#contract/definition.ts';

/** SHA-256 of a definition's canonical JSON: what plans and backups pin it by. */
export function definitionSha256(definition: Definition): string {
  return sha256Hex(canonicalJson(definition));
}

/** SHA-256 of a pack's canonical JSON: the same for any formatting of the file. */
export function packSha256(pack: DefinitionPack): string {
  return sha256Hex(canonicalJson(pack));
}
