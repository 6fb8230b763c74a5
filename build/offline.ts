import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Plugin } from 'vite';
import { csp } from './csp.ts';

/** What the build hands to `workers/service-worker.ts` in place of `__PRECACHE__`. */
export interface Precache {
  /** Hash over the file list and the service worker's own code: names the cache. */
  readonly version: string;
  /** Text for people, the value of `RELEASE`. */
  readonly release: string;
  /** Path relative to the app's root → lower-case hex SHA-256 of the file's bytes. */
  readonly files: Readonly<Record<string, string>>;
  /** The header's Content Security Policy. */
  readonly csp: string;
}

const PLACEHOLDER = '__PRECACHE__';

/** Lower-case hex SHA-256; text as UTF-8. */
export function sha256Hex(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Not for offline use: the service worker itself, source maps, and what only tools and editors read. */
export function isPrecached(path: string): boolean {
  return path !== 'sw.js' && !path.endsWith('.map') && !path.split('/').some((part) => part.startsWith('.'));
}

/** All files below `folder`, as sorted paths with `/`. A folder that does not exist has none. */
export async function listFiles(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

/** Sorts the list and derives the version, so that equal content gives an equal service worker, byte for byte. */
export function precacheOf(files: ReadonlyMap<string, string>, code: string, release: string): Precache {
  const sorted = Object.fromEntries([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
  const policy = csp({ delivery: 'header' });
  const version = sha256Hex(JSON.stringify([sorted, code, release, policy])).slice(0, 16);
  return { version, release, files: sorted, csp: policy };
}

/**
 * Puts the policy into the page, and the list of all files with their hashes into `sw.js`. Fails the build when
 * `sw.js` is not self-contained (it runs as a classic script, where an `import` is a syntax error), or when a file on
 * disk differs from its hash, since the service worker would then refuse every install.
 */
export function offline(options: { readonly release: string }): Plugin[] {
  let outDir = '';
  let publicDir = '';
  let precache: Precache | undefined;

  const policy: Plugin = {
    name: 'codebay:csp',
    transformIndexHtml: {
      order: 'post',
      handler: (_html, context) => [
        {
          tag: 'meta',
          attrs: {
            'http-equiv': 'Content-Security-Policy',
            content: csp({ delivery: 'meta', development: context.server !== undefined }),
          },
          injectTo: 'head-prepend',
        },
      ],
    },
  };

  const precaching: Plugin = {
    name: 'codebay:offline',
    apply: 'build',
    enforce: 'post',
    configResolved(config) {
      outDir = join(config.root, config.build.outDir);
      if (config.build.outDir.startsWith('/')) outDir = config.build.outDir;
      publicDir = config.publicDir;
    },
    generateBundle: {
      order: 'post',
      async handler(_options, bundle) {
        const worker = bundle['sw.js'];
        if (worker?.type !== 'chunk') this.error('sw.js is not part of the build');
        const foreign = [...worker.imports, ...worker.dynamicImports];
        if (foreign.length > 0 || worker.exports.length > 0)
          this.error(
            `sw.js must be self-contained, but imports ${foreign.join(', ') || 'nothing and exports something'}`,
          );
        if (worker.code.split(PLACEHOLDER).length !== 2)
          this.error(`sw.js must use ${PLACEHOLDER} exactly once after minifying`);

        const files = new Map<string, string>();
        for (const file of Object.values(bundle))
          files.set(file.fileName, sha256Hex(file.type === 'chunk' ? file.code : file.source));
        if (publicDir !== '')
          for (const path of await listFiles(publicDir))
            files.set(path, sha256Hex(await readFile(join(publicDir, path))));
        for (const path of files.keys()) if (!isPrecached(path)) files.delete(path);

        const list = precacheOf(files, worker.code, options.release);
        worker.code = worker.code.replace(PLACEHOLDER, () => JSON.stringify(list));
        precache = list;
      },
    },
    closeBundle: {
      order: 'post',
      async handler() {
        if (!precache) return;
        for (const [path, expected] of Object.entries(precache.files)) {
          const actual = sha256Hex(await readFile(join(outDir, path)));
          if (actual !== expected) this.error(`${path} was written differently from what sw.js expects`);
        }
      },
    },
  };
  return [policy, precaching];
}
