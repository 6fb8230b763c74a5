const KEY = 'codebay.auto-connect';

/** Does the page open the one adapter it knows when it starts? A matter of this computer, like the theme; on unless switched off. */
export function isAutoConnect(): boolean {
  try {
    return localStorage.getItem(KEY) !== 'off';
  } catch {
    return true; // site data is blocked
  }
}

export function setAutoConnect(isOn: boolean): void {
  try {
    localStorage.setItem(KEY, isOn ? 'on' : 'off');
  } catch {
    // Site data is blocked: in force until the page closes, which is when it would matter.
  }
}
