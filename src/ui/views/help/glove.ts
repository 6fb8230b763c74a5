const KEY = 'codebay.glove';

/** Large targets for gloves: on `<html data-glove>`, kept for the next start. */
export function isGloveMode(): boolean {
  try {
    return localStorage.getItem(KEY) === 'on';
  } catch {
    return false; // site data is blocked
  }
}

export function setGloveMode(isOn: boolean): void {
  try {
    localStorage.setItem(KEY, isOn ? 'on' : 'off');
  } catch {
    // Site data is blocked: shown now, forgotten later.
  }
  applyGloveMode(isOn);
}

/** Shows the kept choice. The page's entry may call it before the first paint; else the chunk of Help does when it arrives. */
export function applyGloveMode(isOn = isGloveMode()): void {
  document.documentElement.toggleAttribute('data-glove', isOn);
}
