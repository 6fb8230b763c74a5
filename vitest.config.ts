import { availableParallelism } from 'node:os';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Also on two cores both work: the sweeps are the longest files, and each is one file.
    maxWorkers: Math.max(2, availableParallelism()),
    projects: [
      {
        test: {
          name: 'stack',
          environment: 'node',
          include: ['tests/{unit,conformance,definitions,traces,scenarios,sabotage}/**/*.test.ts'],
          exclude: ['**/*.svelte.test.ts'],
          testTimeout: 120_000,
        },
      },
      {
        plugins: [svelte()],
        resolve: { conditions: ['browser'] },
        test: {
          name: 'ui-state',
          environment: './tests/support/client-environment.ts',
          include: ['tests/**/*.svelte.test.ts'],
        },
      },
    ],
  },
});
