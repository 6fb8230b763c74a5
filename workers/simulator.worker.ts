import { toErrorRecord } from '#contract/errors.ts';
import type { SimulatorReport } from '#contract/simulator-control.ts';
import { V1 } from '#simulator/cars/v1.ts';
import { SimulatorHost } from '#simulator/host.ts';
import { IndexedDbCarStore } from '#simulator/indexeddb-store.ts';
import { systemClock } from './system-clock.ts';

/**
 * The virtual car. The page sends `{ port }` (a fresh MessagePort for each vehicle worker, transferred) or
 * `{ control, id? }`; reports go back to it. Types: contract/simulator-control.ts.
 */
const scope = self as unknown as DedicatedWorkerGlobalScope;

/** A shorter timer is no timer; the car's time is exact all the same, only seen a little later. */
const MIN_SLEEP_MS = 1;

function report(message: SimulatorReport): void {
  scope.postMessage(message);
}

const starting = SimulatorHost.create({
  data: V1,
  store: new IndexedDbCarStore(V1, indexedDB),
  clock: systemClock({ coarse: true }),
  seed: crypto.getRandomValues(new Uint32Array(1))[0] ?? 1,
  minSleepMs: MIN_SLEEP_MS,
  report,
});
starting.catch((error: unknown) => {
  const { code, message } = toErrorRecord(error);
  report({ type: 'failed', why: `${code}: ${message}` });
});

scope.addEventListener('message', (event: MessageEvent<unknown>) => {
  // In the order of arrival, also while the car is still being built.
  void starting.then(
    (host) => {
      const port = event.ports[0];
      if (port) host.attach(port);
      else void host.receive(event.data);
    },
    () => undefined, // reported above
  );
});
