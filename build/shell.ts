import { join } from 'node:path';
import { svelte, vitePreprocess } from '@sveltejs/vite-plugin-svelte';
import { staticIcons } from './icons-markup.ts';
import type { Plugin, UserConfig } from 'vite';
import { offline } from './offline.ts';
import { workers } from './workers.ts';

/** The project's root folder. */
export const projectRoot = join(import.meta.dirname, '..');

/** One fixed port: the origin owns backups and journal, so a busy port is an error and never another port. */
export const APP_PORT = 4517;

export interface ShellOptions {
  /** Folder of `index.html`, `public/` and `workers/`. */
  readonly root: string;
  /** Where the build goes; emptied first. Absolute, or relative to `root`. */
  readonly out: string;
  /** Names the release: in `__RELEASE__` of the page, in the service worker, and so in the version of the cache. */
  readonly release: string;
}

/** The build of the app's platform shell, also used by the small page on which the platform's tests run. */
export function shell({ root, out, release }: ShellOptions): UserConfig {
  return {
    root,
    base: './',
    define: { __RELEASE__: JSON.stringify(release) },
    plugins: [
      svelte({ configFile: false, preprocess: [staticIcons(), vitePreprocess()] }),
      workers(),
      offline({ release }),
      firstPaint(),
    ],
    worker: { format: 'es' },
    server: { port: APP_PORT, strictPort: true },
    preview: { port: APP_PORT, strictPort: true },
    build: {
      outDir: out,
      emptyOutDir: true,
      target: 'chrome130',
      sourcemap: true,
      // Vite's preload helper touches `document`, which a worker does not have.
      modulePreload: {
        polyfill: false,
        resolveDependencies: (_file, dependencies, { hostType }) => (hostType === 'html' ? dependencies : []),
      },
      rolldownOptions: {
        input: { index: join(root, 'index.html'), sw: join(projectRoot, 'workers/service-worker.ts') },
        output: {
          entryFileNames: (chunk) => (chunk.name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
          chunkFileNames: 'assets/[name]-[hash].js',
          assetFileNames: 'assets/[name]-[hash][extname]',
        },
      },
    },
  };
}

/** Vite writes the entry's script tag anew in a build and drops `blocking`: the theme would flash. */
function firstPaint(): Plugin {
  const tag = '<script type="module" ';
  return {
    name: 'codebay:first-paint',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler: (html) => html.replace(tag, `${tag}blocking="render" `),
    },
  };
}
