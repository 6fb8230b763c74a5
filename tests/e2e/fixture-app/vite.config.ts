import { defineConfig } from 'vite';
import { shell } from '../../../build/shell.ts';

/** The smallest page on the app's real platform shell: same plugins, same policy, same service worker. */
export default defineConfig(
  shell({
    root: import.meta.dirname,
    out: process.env.OUT ?? '../../../.cache/fixture-app',
    release: process.env.RELEASE ?? 'fixture',
  }),
);
