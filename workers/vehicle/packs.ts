import type { DefinitionPack } from '#contract/definition.ts';
import { StackError } from '#contract/errors.ts';
import { parseListedPack, parsePackIndex } from '#definitions/index.ts';

/** No file of definitions is larger; a wrong answer of a host may be. */
const MAX_CHARS = 8 * 1024 * 1024;

/**
 * Loads the shipped definition packs that the index lists, each checked against its hash: from the service worker's store
 * when there is no network.
 * @throws StackError `definition/invalid`, `file/malformed`, `file/too-large`
 */
export async function fetchPacks(base: URL): Promise<readonly DefinitionPack[]> {
  const index = parsePackIndex(await text(new URL('index.json', base)));
  return Promise.all(index.packs.map(async (entry) => parseListedPack(await text(new URL(entry.file, base)), entry)));
}

async function text(url: URL): Promise<string> {
  const name = url.pathname.split('/').at(-1) ?? url.pathname;
  const response = await fetch(url);
  if (!response.ok)
    throw new StackError('file/malformed', `${name}: the host answered ${response.status}`, {
      name,
      at: 'HTTP',
      why: String(response.status),
    });
  const body = await response.text();
  if (body.length > MAX_CHARS)
    throw new StackError('file/too-large', `${name} is too large`, { name, bytes: body.length, maxBytes: MAX_CHARS });
  return body;
}
