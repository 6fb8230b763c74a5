import { defineConfig } from 'vitest/config';

/** For the copies of the tree that the sabotage lane makes: scenario tests only, no page. */
export default defineConfig({
  cacheDir: '.vite',
  test: {
    projects: [{ test: { name: 'stack', environment: 'node', include: ['tests/scenarios/*.test.ts'] } }],
    testTimeout: 60_000,
    maxWorkers: 1,
  },
});
