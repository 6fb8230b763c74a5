/** Installing the app from its own screen instead of the browser's menu (Chromium's `beforeinstallprompt`). */
import { Observable, type Readable } from './observable.ts';

/**
 * - `unavailable`: the browser offers nothing (not Chromium, or it does not count as installable);
 * - `available`: `install()` will ask the person;
 * - `installed`: this window is the installed app, or it was installed just now.
 */
export type InstallState = 'unavailable' | 'available' | 'installed';

export interface Installation {
  readonly state: Readable<InstallState>;
  /** Asks the person; needs a click. `dismissed` also when the browser offers nothing. */
  install(): Promise<'accepted' | 'dismissed'>;
}

/** Not in TypeScript's DOM types (reference: web.dev, BeforeInstallPromptEvent). */
interface InstallPromptEvent extends Event {
  prompt(): Promise<{ readonly outcome: 'accepted' | 'dismissed' }>;
}

/** Listens from now on; call it early, since the browser offers once per page. */
export function watchInstallation(): Installation {
  const standalone = matchMedia('(display-mode: standalone)').matches;
  const state = new Observable<InstallState>(standalone ? 'installed' : 'unavailable');
  let offer: InstallPromptEvent | undefined;

  window.addEventListener('beforeinstallprompt', (event) => {
    // Else a phone shows its own bar over the app.
    event.preventDefault();
    if (!('prompt' in event)) return;
    offer = event as InstallPromptEvent;
    state.set('available');
  });
  window.addEventListener('appinstalled', () => {
    offer = undefined;
    state.set('installed');
  });

  return {
    state,
    async install() {
      if (!offer) return 'dismissed';
      // An offer is good for one question; the browser sends a new one if it may be asked again.
      const asked = offer;
      offer = undefined;
      state.set('unavailable');
      return (await asked.prompt()).outcome;
    },
  };
}
