import { toErrorRecord } from '#contract/errors.ts';
import { isAutoConnect } from '#ui/platform/auto-connect.ts';
import type { Installation } from '#ui/platform/install.ts';
import type { Offline } from '#ui/platform/offline.ts';
import type { AppState } from '#ui/state/app.svelte.ts';
import { fetchAll } from './lazy.ts';

/** A hidden page paints nothing: the worker then starts after this long. */
const PAINT_LIMIT_MS = 1000;

/**
 * What happens once the first screen stands: the vehicle worker starts after the first paint, the app is stored for use without
 * a network, and the one adapter that this browser knows is opened, unless the person switched that off.
 * @returns the way to call it off
 */
export function startUp(app: AppState, installation: Installation, startOffline: () => Offline): () => void {
  app.installation = installation;
  performance.mark('codebay:operable');
  const stopWatching = app.watchPorts();
  const callOff = afterFirstPaint(async () => {
    try {
      await app.start();
    } catch (error) {
      app.failure = { error: toErrorRecord(error) };
    }
    app.offline = startOffline();
    void fetchAll();
    if (isAutoConnect()) await app.connectKnown();
  });
  return () => {
    stopWatching();
    callOff();
  };
}

function afterFirstPaint(work: () => Promise<void>): () => void {
  let isDone = false;
  const once = () => {
    if (isDone) return;
    isDone = true;
    clearTimeout(limit);
    void work();
  };
  const limit = setTimeout(once, PAINT_LIMIT_MS);
  const frame = requestAnimationFrame(() => setTimeout(once));
  return () => {
    isDone = true;
    clearTimeout(limit);
    cancelAnimationFrame(frame);
  };
}
