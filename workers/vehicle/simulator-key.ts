import type { KeyProvider } from '#contract/diagnostics.ts';

/**
 * The key of the virtual car's locked option. It opens nothing else: only definitions of virtual cars name the provider
 * `simulator`, and those match no real module. No maker's secret is shipped.
 */
export const SIMULATOR_KEY: KeyProvider = {
  id: 'simulator',
  title: 'Virtual car',
  keyFor(seed) {
    if (seed.length !== 4) throw new RangeError(`the virtual car's seed has 4 bytes, not ${seed.length}`);
    return seed.map((byte) => byte ^ 0xa5);
  },
};
