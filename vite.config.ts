import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vite';
import { projectRoot, shell } from './build/shell.ts';

const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string };

/** `OUT` and `RELEASE` build a second release beside the first. */
export default defineConfig(
  shell({ root: projectRoot, out: process.env.OUT ?? 'dist', release: process.env.RELEASE ?? version }),
);
