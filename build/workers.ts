import { join } from 'node:path';
import type { Plugin } from 'vite';

const PREFIX = 'worker:';
/** Rollup's convention: an id that no other plugin touches begins with a NUL. */
const VIRTUAL = `\0${PREFIX}`;

/**
 * `import url from 'worker:vehicle'` gives the URL of `workers/vehicle.worker.ts`: in development relative to the root
 * of the server, in a build absolute (made from `import.meta.url`). `new URL(url, document.baseURI)` is right in both.
 *
 * The worker becomes a chunk of the one build, so that what it shares with the page is one file. Vite's `?worker&url`
 * makes a second build instead and would carry Dexie twice.
 */
export function workers(options: { readonly folder?: string } = {}): Plugin {
  const folder = options.folder ?? 'workers';
  let development = false;
  let root = '';
  return {
    name: 'codebay:workers',
    configResolved(config) {
      development = config.command === 'serve';
      root = config.root;
    },
    resolveId(id) {
      if (!id.startsWith(PREFIX)) return;
      const name = id.slice(PREFIX.length);
      if (!/^[a-z][a-z-]*$/.test(name)) throw new Error(`${id}: a worker is named in small letters and hyphens`);
      return VIRTUAL + name;
    },
    load(id) {
      if (!id.startsWith(VIRTUAL)) return;
      const name = id.slice(VIRTUAL.length);
      if (development) return `export default ${JSON.stringify(`${folder}/${name}.worker.ts`)}`;
      const reference = this.emitFile({
        type: 'chunk',
        id: join(root, folder, `${name}.worker.ts`),
        name: `${name}.worker`,
      });
      return `export default import.meta.ROLLUP_FILE_URL_${reference}`;
    },
  };
}
