import type { Component } from 'svelte';
import type { AppState } from '#ui/state/app.svelte.ts';

/** A screen that is fetched when it is first needed (all are stored for offline use by the service worker). */
export type Screen = Component<{ readonly app: AppState }>;

const screens = {
  adapter: () => import('#ui/views/adapter/AdapterCheck.svelte'),
  missing: () => import('#ui/views/adapter/Missing.svelte'),
  voltage: () => import('./VoltageDialog.svelte'),
  vehicle: () => import('#ui/views/vehicle/Vehicle.svelte'),
  module: () => import('#ui/views/module/Module.svelte'),
  backups: () => import('#ui/views/backups/Backups.svelte'),
  sessions: () => import('#ui/views/sessions/Sessions.svelte'),
  help: () => import('#ui/views/help/Help.svelte'),
  plan: () => import('#ui/views/dialogs/PlanDialog.svelte'),
  shopCode: () => import('#ui/views/dialogs/ShopCodeDialog.svelte'),
  job: () => import('#ui/views/dialogs/Job.svelte'),
  recovery: () => import('#ui/views/recovery/Recovery.svelte'),
} satisfies Record<string, () => Promise<{ readonly default: Screen }>>;

export type ScreenName = keyof typeof screens;

const asked = new Map<ScreenName, Promise<Screen>>();

/** The same promise each time; a fetch that failed (no line, a new release) is tried again when asked again. */
export function screen(name: ScreenName): Promise<Screen> {
  const known = asked.get(name);
  if (known !== undefined) return known;
  const loading = screens[name]().then((module): Screen => module.default);
  asked.set(name, loading);
  loading.catch(() => asked.delete(name));
  return loading;
}

/** Everything a job may need, fetched before one can begin (promise I7: nothing is missing in the middle). */
export async function fetchAll(): Promise<void> {
  for (const name of Object.keys(screens) as ScreenName[]) await screen(name).catch(() => undefined); // asked again when shown
}
