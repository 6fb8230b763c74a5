import { defineConfig } from '@playwright/test';
import { findChromium, launchArguments } from './tests/e2e/chromium.ts';

/** Not the app's own port: an app that is in use on this machine keeps its origin, and so its data, to itself. */
const port = Number(process.env.E2E_PORT ?? 4518);
const executablePath = findChromium();

export default defineConfig({
  testDir: 'tests/e2e',
  testMatch: '*.spec.ts',
  outputDir: 'test-results',
  forbidOnly: true,
  // A test that passes the second time is a fault that was not looked at.
  retries: 0,
  // Two browsers at most: one at the app, one at the slow lines of the adapters, which are mostly waiting.
  workers: 2,
  projects: [
    { name: 'app', testIgnore: 'adapters.spec.ts', workers: 1 },
    { name: 'adapters', testMatch: 'adapters.spec.ts', workers: 1 },
  ],
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [['list']],
  use: {
    baseURL: `http://localhost:${port}/`,
    locale: 'en-GB',
    colorScheme: 'dark',
    viewport: { width: 1280, height: 800 },
    trace: 'retain-on-failure',
    launchOptions: { ...(executablePath === undefined ? {} : { executablePath }), args: [...launchArguments] },
  },
  webServer: {
    command: `npx vite preview --port ${port}`,
    url: `http://localhost:${port}/`,
    reuseExistingServer: false,
    timeout: 30_000,
  },
});
