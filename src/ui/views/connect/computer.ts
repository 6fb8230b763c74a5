import type { StoreHealth } from '#contract/vehicle-api.ts';
import type { CheckItem } from '#ui/components/rows.ts';
import type { HelpSystem } from '#ui/messages/connect.ts';
import type { Texts } from '#ui/messages/index.svelte.ts';
import type { InstallState } from '#ui/platform/install.ts';
import type { OfflineState } from '#ui/platform/offline.ts';

/** What this computer can do, as the browser says it (fault B08). */
export interface Computer {
  readonly serial: boolean;
  readonly wakeLock: boolean;
  readonly browser: string;
  readonly system: HelpSystem;
}

/** Chromium's client hints; absent in other browsers and in TypeScript's DOM types. */
interface ClientHints {
  readonly brands: readonly { readonly brand: string; readonly version: string }[];
  readonly platform: string;
}

export function thisComputer(browser: Navigator): Computer {
  const hints = 'userAgentData' in browser ? (browser.userAgentData as ClientHints) : null;
  const brands = hints?.brands.filter(({ brand }) => !/not.?a.?brand/i.test(brand)) ?? [];
  const named = brands.find(({ brand }) => brand !== 'Chromium') ?? brands[0];
  return {
    serial: 'serial' in browser,
    wakeLock: 'wakeLock' in browser,
    browser: named === undefined ? '' : `${named.brand} ${named.version}`,
    system: systemOf(hints?.platform ?? browser.platform, hints === null ? browser.userAgent : ''),
  };
}

/** From the platform of the client hints or, where there are none, `navigator.platform` and the user agent. */
export function systemOf(platform: string, userAgent = ''): HelpSystem {
  if (/android/i.test(platform) || /android/i.test(userAgent)) return 'android';
  if (/cros|chrome ?os|chromium os/i.test(platform) || /\bCrOS\b/.test(userAgent)) return 'chromeos';
  if (/win/i.test(platform)) return 'windows';
  if (/mac/i.test(platform)) return 'mac';
  return /linux/i.test(platform) ? 'linux' : 'other';
}

/** Every system there is help for, the one at hand first. */
export function systemsFrom(here: HelpSystem): readonly HelpSystem[] {
  const all: readonly HelpSystem[] = ['windows', 'mac', 'linux', 'chromeos', 'android'];
  return [here, ...all.filter((system) => system !== here)];
}

export interface ComputerFacts {
  readonly computer: Computer;
  readonly store: StoreHealth;
  readonly offline: OfflineState | null;
  readonly install: InstallState;
  /** The browser was asked to keep the data on this page, and did not. */
  readonly keepRefused: boolean;
  readonly keepData: () => void;
  readonly installApp: () => void;
}

/** The list on Connect: each line is good or says what it costs and what mends it. */
export function computerChecks(facts: ComputerFacts, text: Texts): readonly CheckItem[] {
  const words = text.connect.checks;
  const { computer, store, offline } = facts;
  const install = { label: words.install, onact: facts.installApp };
  return [
    computer.serial
      ? { id: 'serial', state: 'ok', label: words.serial, value: computer.browser }
      : { id: 'serial', state: 'warn', label: words.serial, detail: words.serialNo },
    store.kind === 'read-only'
      ? { id: 'storage', state: 'danger', label: words.storageNo, detail: words.storageNoDetail }
      : store.persistent
        ? { id: 'storage', state: 'ok', label: words.storage, value: text.status.store(store).word }
        : {
            id: 'storage',
            state: 'warn',
            label: words.storageMay,
            detail: facts.keepRefused ? words.storageAsked : undefined,
            action: facts.keepRefused
              ? facts.install === 'available'
                ? install
                : undefined
              : { label: words.storageAsk, onact: facts.keepData },
          },
    {
      id: 'offline',
      state: offlineState(offline),
      label: words.offline,
      value: words.offlineDetail[offline ?? 'installing'],
    },
    {
      id: 'wake',
      state: computer.wakeLock ? 'ok' : 'warn',
      label: words.wake,
      value: computer.wakeLock ? words.wakeYes : words.wakeNo,
    },
  ];
}

function offlineState(offline: OfflineState | null): CheckItem['state'] {
  if (offline === null || offline === 'installing') return 'live';
  return offline === 'unsupported' || offline === 'failed' ? 'warn' : 'ok';
}
