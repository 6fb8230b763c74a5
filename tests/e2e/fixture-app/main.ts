/// <reference path="../../../src/ui/platform/worker-urls.d.ts" />
import filesUrl from 'worker:files';
import simulatorUrl from 'worker:simulator';
import vehicleUrl from 'worker:vehicle';
import { watchInstallation } from '../../../src/ui/platform/install.ts';
import { startOffline } from '../../../src/ui/platform/offline.ts';
import { release } from '../../../src/ui/platform/release.ts';
import { createWorker, provideWorkerUrls } from '../../../src/ui/platform/scripts.ts';
import { applyTheme } from '../../../src/ui/platform/theme.ts';

applyTheme();
provideWorkerUrls({ vehicle: vehicleUrl, simulator: simulatorUrl, files: filesUrl });

/** What the tests read and press, from `page.evaluate`. */
const fixture = {
  release,
  vehicleUrl,
  offline: startOffline(),
  installation: watchInstallation(),
  states: [] as string[],
  lazy: async () => (await import('./lazy.ts')).text,
  /** The result, or the name of the error. In a task of its own: what the debugger evaluates may use eval. */
  evaluate: (code: string) =>
    new Promise((resolve) => {
      setTimeout(() => {
        try {
          // biome-ignore lint/security/noGlobalEval: a test asks whether the policy stops it
          resolve(globalThis.eval(code));
        } catch (error) {
          resolve((error as Error).name);
        }
      });
    }),
  /** Starts the vehicle worker, asks it about itself, and ends it. */
  askWorker: () =>
    new Promise((resolve, reject) => {
      const worker = createWorker('vehicle');
      worker.onmessage = (event) => {
        worker.terminate();
        resolve(event.data);
      };
      worker.onerror = (event) => reject(new Error(event.message ?? 'the worker did not start'));
    }),
};
fixture.offline.state.subscribe((state) => fixture.states.push(state));

declare global {
  interface Window {
    fixture: typeof fixture;
  }
}
window.fixture = fixture;

const line = document.createElement('h1');
line.textContent = `Release ${release}`;
document.querySelector('#app')?.append(line);
