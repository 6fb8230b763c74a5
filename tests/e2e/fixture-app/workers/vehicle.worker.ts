import { release } from '../../../../src/ui/platform/release.ts';

/** Says what it is and under which policy it runs: `eval` works in a worker that no policy covers. */
function evalWorks(): boolean {
  try {
    // biome-ignore lint/security/noGlobalEval: the test asks whether the policy stops it
    return globalThis.eval('1 + 1') === 2;
  } catch {
    return false;
  }
}

const lazy = await import('../lazy.ts');
postMessage({ release, lazy: lazy.text, isIsolated: globalThis.crossOriginIsolated, evalWorks: evalWorks() });
