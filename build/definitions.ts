/**
 * What is generated for `public/definitions/`: the JSON Schema of packs, for editors, and the index that the worker loads.
 * The schema's generator is a development tool, so it stays out of `src/definitions`, which ships.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';
import { type PackIndex, packSha256, parsePack } from '#definitions/index.ts';
import { PackSchema } from '#definitions/schema.ts';

const GENERATED: readonly string[] = ['schema.json', 'index.json'];

/** JSON Schema (draft-07) of a pack. Rules that JSON Schema cannot say (characters, lint) are left to the tests. */
export function generateJsonSchema(): object {
  return {
    title: 'Codebay definition pack',
    ...toJsonSchema(PackSchema, { ignoreActions: ['check'], errorMode: 'throw' }),
  };
}

/** Names of the packs in a folder, in order. */
export async function packFiles(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  return names.filter((name) => name.endsWith('.json') && !GENERATED.includes(name)).sort();
}

/** `index.json` of a folder of packs. @throws StackError when one of them is not well-shaped */
export async function generateIndex(folder: string): Promise<PackIndex> {
  const packs: PackIndex['packs'][number][] = [];
  for (const file of await packFiles(folder)) {
    const pack = parsePack(await readFile(join(folder, file), 'utf8'), file);
    const { id, title, simulated, vinPrefixes, definitions } = pack;
    packs.push({ id, file, title, simulated, vinPrefixes, definitions: definitions.length, sha256: packSha256(pack) });
  }
  return { format: 'codebay-definition-index', version: 1, packs };
}

/** JSON as the formatter of this project leaves it: short lists of texts on one line. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, undefined, 2);
  return `${text.replace(/\[\n\s+("[^\]]{0,80}")\n\s+\]/g, (_, items: string) => `[${items.replace(/\n\s+/g, ' ')}]`)}\n`;
}
