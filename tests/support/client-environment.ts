import type { Environment } from 'vitest/runtime';

/** Compiles runes for the client, so that `$effect` runs, without bringing a DOM library. */
export default { name: 'client', viteEnvironment: 'client', setup: () => ({ teardown() {} }) } satisfies Environment;
