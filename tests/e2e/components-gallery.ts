/** Builds the gallery of components (src/ui/gallery) into .cache/gallery and serves it. */
import { join } from 'node:path';
import { svelte, vitePreprocess } from '@sveltejs/vite-plugin-svelte';
import { build } from 'vite';
import { staticIcons } from '../../build/icons-markup.ts';
import { projectRoot } from '../../build/shell.ts';
import { type Served, serve } from './serve.ts';

export const galleryScreens = [
  'components',
  'connect',
  'vehicle',
  'options',
  'confirm',
  'arm',
  'raw',
  'backups',
  'restore',
  'recovery',
  'report',
  'trace',
] as const;

/** The policy of the app, without its connections: what a component must live with. */
const policy =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html";

export async function serveGallery(): Promise<Served & { readonly page: string }> {
  const folder = join(projectRoot, '.cache/gallery');
  const root = join(projectRoot, 'src/ui/gallery');
  await build({
    configFile: false,
    root,
    base: './',
    logLevel: 'warn',
    plugins: [svelte({ configFile: false, preprocess: [staticIcons(), vitePreprocess()] })],
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: 'chrome130',
      modulePreload: { polyfill: false },
      rolldownOptions: { input: join(root, 'gallery.html') },
    },
  });
  const served = await serve({ folder, headers: { 'Content-Security-Policy': policy } });
  return { ...served, page: `${served.url}gallery.html` };
}
