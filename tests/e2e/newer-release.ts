/** A later release of the app, with a later schema of its database: what a person has after an update. */
import { cp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build, mergeConfig, type Plugin } from 'vite';
import { projectRoot, shell } from '../../build/shell.ts';

export const NEWER_RELEASE = '99.0.0';

/** The release under test: what `npm run build` made, or the folder that `OUT` names. */
export const builtApp = resolve(projectRoot, process.env.OUT ?? 'dist');

const folder = join(tmpdir(), `codebay-newer-${process.pid}`);
let building: Promise<string> | null = null;

/** Built once, at first use. */
export function newerRelease(): Promise<string> {
  building ??= make();
  return building;
}

export async function removeNewerRelease(): Promise<void> {
  building = null;
  await rm(folder, { recursive: true, force: true });
}

/** Replaces what a host serves. */
export async function deploy(release: string, served: string): Promise<void> {
  await rm(served, { recursive: true, force: true });
  await cp(release, served, { recursive: true });
}

async function make(): Promise<string> {
  const config = shell({ root: projectRoot, out: folder, release: NEWER_RELEASE });
  await build(mergeConfig(config, { configFile: false, logLevel: 'error', plugins: [laterSchema()] }));
  return folder;
}

/** The next version of the schema with one more table, as a later release would append it. */
function laterSchema(): Plugin {
  let isAppended = false;
  return {
    name: 'later-schema',
    enforce: 'pre',
    transform(code, id) {
      if (!id.endsWith('/src/store/tables.ts')) return undefined;
      isAppended = true;
      const next = '1 + Math.max(...SCHEMA.map(({ version }) => version))';
      return `${code}\n(SCHEMA as unknown as SchemaVersion[]).push({ version: ${next}, tables: { later: 'key' } });\n`;
    },
    buildEnd() {
      if (!isAppended) throw new Error('the schema is no longer in src/store/tables.ts');
    },
  };
}
