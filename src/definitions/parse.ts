import * as v from 'valibot';
import type { DefinitionPack } from '#contract/definition.ts';
import { StackError } from '#contract/errors.ts';
import { packSha256 } from './hash.ts';
import { lintPack } from './lint.ts';
import { roundTripPack } from './round-trip.ts';
import { MAX_PACK_CHARACTERS, MAX_PACK_DEPTH, type PackIndex, PackIndexSchema, PackSchema } from './schema.ts';
import { JsonError, jsonPath, parseStrictJson } from './strict-json.ts';

const KNOWN_SCHEMA_VERSION = 1;
const MAX_INDEX_CHARACTERS = 512 * 1024;

/**
 * A pack from text: well-formed, of the known shape, everything within bounds. Rules between fields are judged by `lintPack`;
 * a pack from outside goes through `importPack`. `name` is for messages.
 * @throws StackError `file/too-large`, `file/malformed` (not JSON, doubled or forbidden member names, too deep), `file/newer-version`,
 * `definition/invalid` with the JSON path
 */
export function parsePack(text: string, name: string): DefinitionPack {
  const tree = readTree(text, name, MAX_PACK_CHARACTERS);
  const version = memberOf(tree, 'schemaVersion');
  if (typeof version === 'number' && version > KNOWN_SCHEMA_VERSION)
    throw new StackError(
      'file/newer-version',
      `${name} is of schema version ${version}, known is ${KNOWN_SCHEMA_VERSION}`,
      {
        name,
        version,
        known: KNOWN_SCHEMA_VERSION,
      },
    );
  return checkShape(PackSchema, tree, name);
}

/**
 * A pack that did not come with the app: shape, then every lint rule, then the round trip of every parameter (design 5).
 * @throws StackError as `parsePack`; `definition/invalid` names the first rule that is broken
 */
export function importPack(text: string, name: string): DefinitionPack {
  const pack = parsePack(text, name);
  const problem = lintPack(pack)[0] ?? roundTripPack(pack)[0];
  if (problem)
    throw new StackError('definition/invalid', `${name}: ${problem.path}: ${problem.problem} (rule ${problem.rule})`, {
      definitionId: definitionIdAt(pack, problem.path) ?? pack.id,
      path: problem.path,
      rule: problem.rule,
      problem: problem.problem,
    });
  return pack;
}

/** The list of packs that come with the app. @throws StackError as `parsePack` */
export function parsePackIndex(text: string, name = 'index.json'): PackIndex {
  return checkShape(PackIndexSchema, readTree(text, name, MAX_INDEX_CHARACTERS), name);
}

/**
 * A pack that the index lists: the very content that was tested before release, so shape is all that is asked again.
 * @throws StackError as `parsePack`; `file/malformed` when the content is not the one the index names
 */
export function parseListedPack(text: string, entry: PackIndex['packs'][number]): DefinitionPack {
  const pack = parsePack(text, entry.file);
  const actual = packSha256(pack);
  if (pack.id !== entry.id || actual !== entry.sha256)
    throw new StackError('file/malformed', `${entry.file} is not the pack that the index lists`, {
      name: entry.file,
      at: '$',
      why: `content ${actual.slice(0, 12)}…, the index says ${entry.sha256.slice(0, 12)}…`,
    });
  return pack;
}

function readTree(text: string, name: string, maxCharacters: number): unknown {
  if (text.length > maxCharacters)
    throw new StackError('file/too-large', `${name} has ${text.length} characters, at most ${maxCharacters} are read`, {
      name,
      bytes: text.length,
      maxBytes: maxCharacters,
    });
  try {
    return parseStrictJson(text, { maxDepth: MAX_PACK_DEPTH });
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const { at, why } = error;
    throw new StackError('file/malformed', `${name}, ${at}: ${why}`, { name, at, why }, { cause: error });
  }
}

function checkShape<Schema extends v.GenericSchema>(
  schema: Schema,
  tree: unknown,
  name: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, tree, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const keys = (issue.path ?? [])
    .map((item) => item.key)
    .filter((key) => typeof key === 'string' || typeof key === 'number');
  const path = jsonPath(keys);
  const problem = problemOf(issue);
  throw new StackError('definition/invalid', `${name}: ${path}: ${problem}`, {
    definitionId: definitionIdAt(tree, path) ?? textOf(memberOf(tree, 'id')) ?? name,
    path,
    rule: 'shape',
    problem,
  });
}

function problemOf(issue: v.BaseIssue<unknown>): string {
  const received = issue.received.slice(0, 80);
  if (issue.type === 'strict_object' && issue.expected === 'never') return 'this member is not known here';
  if (issue.received === 'undefined') return 'is missing';
  if (issue.kind === 'schema')
    return `${received}, but ${(issue.expected ?? 'something else').slice(0, 200)} is expected`;
  return `${received}: ${issue.message.slice(0, 200)}`;
}

/** The definition a path lies in, by its own id: what a person calls it. */
function definitionIdAt(tree: unknown, path: string): string | undefined {
  const position = /^\$\.definitions\[(\d+)\]/.exec(path)?.[1];
  if (position === undefined) return undefined;
  const definitions = memberOf(tree, 'definitions');
  return Array.isArray(definitions) ? textOf(memberOf(definitions[Number(position)], 'id')) : undefined;
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, 64) : undefined;
}
