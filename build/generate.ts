/**
 * `npm run generate`: files that are made from code and kept beside hand-written ones. Each is written only if it
 * changed, so that a build leaves a clean checkout clean.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { generateIndex, generateJsonSchema, jsonText } from './definitions.ts';

const root = join(import.meta.dirname, '..');
const definitions = join(root, 'public/definitions');

/** Writes `content` unless the file holds exactly that already. Returns what was done. */
export async function writeIfChanged(path: string, content: string): Promise<'written' | 'unchanged'> {
  if (existsSync(path) && (await readFile(path, 'utf8')) === content) return 'unchanged';
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return 'written';
}

async function main(): Promise<void> {
  const files = [
    { path: join(definitions, 'schema.json'), content: jsonText(generateJsonSchema()) },
    { path: join(definitions, 'index.json'), content: jsonText(await generateIndex(definitions)) },
  ];
  for (const { path, content } of files)
    console.log(`generate: ${relative(root, path)} ${await writeIfChanged(path, content)}`);
}

if (process.argv[1] === import.meta.filename) await main();
