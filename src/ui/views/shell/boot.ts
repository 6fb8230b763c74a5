import { toErrorRecord } from '#contract/errors.ts';
import type { Installation } from '#ui/platform/install.ts';
import type { Offline } from '#ui/platform/offline.ts';
import type { AppState } from '#ui/state/app.svelte.ts';
import { fetchAll } from './lazy.ts';

/** A hidden page paints nothing: the worker then starts after this long. */
const PAINT_LIMIT_MS = 1000;

/**
 * What happens once the first screen stands: the vehicle worker starts after the first paint, an adapter that this browser
 * already knows is opened, then the app is stored for use without a network.
 * @returns the way to call it off
 */
export function startUp(app: AppState, installation: Installation, startOffline: () => Offline): () => void {
  app.installation = installation;
  performance.mark('codebay:operable');
  return afterFirstPaint(async () => {
    try {
      await app.start();
    } catch (error) {
      app.failure = { error: toErrorRecord(error) };
    }
    app.offline = startOffline();
    void fetchAll();
    await connectKnownAdapter(app);
  });
}

/** Only the one adapter that is certain, and never while an unfinished job has the screen: its card says what to do. */
async function connectKnownAdapter(app: AppState): Promise<void> {
  if (!app.ready || app.world !== 'real' || app.connection.kind !== 'none' || app.busy !== null) return;
  if (app.jobs.length > 0) return;
  const granted = await app.api.grantedAdapters().catch(() => []);
  const [only, ...others] = granted;
  if (only === undefined || others.length > 0 || app.busy !== null) return;
  await app.connectSerial(only.usb, 'no');
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
