/**
 * The colour theme: on `<html data-theme>` before the first paint, so `applyTheme` is the first thing the page's entry
 * does (index.html holds the paint back until the entry ran). Kept in localStorage because only that answers at once.
 */

export type Theme = 'dark' | 'light' | 'sunlight';
export type ThemePreference = Theme | 'system';

const KEY = 'codebay.theme';
const preferences: readonly string[] = ['dark', 'light', 'sunlight', 'system'] satisfies ThemePreference[];

/** What the person chose; `system` when nothing was, or when the browser keeps no site data. */
export function themePreference(): ThemePreference {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(KEY);
  } catch {
    // Site data is blocked: the system's setting it is.
  }
  return stored !== null && preferences.includes(stored) ? (stored as ThemePreference) : 'system';
}

/** Keeps the choice for the next start and shows it. Where site data is blocked it holds until the page is closed. */
export function setThemePreference(preference: ThemePreference): void {
  try {
    localStorage.setItem(KEY, preference);
  } catch {
    // Site data is blocked: shown now, forgotten later.
  }
  show(preference);
}

/** Shows the preferred theme, and follows the system's setting while that is the choice. */
export function applyTheme(): void {
  show(themePreference());
  for (const query of [lightQuery(), contrastQuery()]) query.addEventListener('change', () => show(themePreference()));
}

function show(preference: ThemePreference): void {
  document.documentElement.dataset.theme = preference === 'system' ? systemTheme() : preference;
}

function systemTheme(): Theme {
  if (contrastQuery().matches) return 'sunlight';
  return lightQuery().matches ? 'light' : 'dark';
}

function lightQuery(): MediaQueryList {
  return matchMedia('(prefers-color-scheme: light)');
}

function contrastQuery(): MediaQueryList {
  return matchMedia('(prefers-contrast: more)');
}
