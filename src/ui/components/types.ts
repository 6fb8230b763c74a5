/** Shapes that several components share. Data only: words come in from the screens, decisions stay there. */
import type { LucideIcon } from '@lucide/svelte';
import type { Snippet } from 'svelte';

/** One icon of @lucide/svelte, imported by itself: `import Plug from '@lucide/svelte/icons/plug'`. */
export type IconComponent = LucideIcon;

/** What a coloured edge or word may mean. Green (`ok`) only for what was measured, read back or verified. */
export type Tone = 'plain' | 'ok' | 'warn' | 'danger' | 'staged' | 'live';

/** The state of a module, an adapter's ability or a result, as one word with its icon and colour. */
export type StatusState =
  | 'ok'
  | 'faults'
  | 'warn'
  | 'silent'
  | 'boot'
  | 'failed'
  | 'locked'
  | 'unknown'
  | 'live'
  | 'staged'
  | 'todo';

/** The result of one check. */
export type CheckState = 'ok' | 'warn' | 'danger' | 'live' | 'todo';

/** How careful a change wants to be. Comfort options carry no tag at all. */
export interface Risk {
  readonly label: string;
  readonly tone: 'plain' | 'warn' | 'danger';
  readonly icon?: IconComponent | undefined;
}

/** A word over (or beside) a value. */
export interface Fact {
  readonly label: string;
  readonly value: string | Snippet;
  /** Part numbers, hashes and bytes: fixed width. */
  readonly isCode?: boolean | undefined;
  readonly tone?: Tone | undefined;
  /** Quieter words after the value: "median of 50". */
  readonly note?: string | undefined;
}

/** Something the person may do. `onact` or `href`, and `reason` when it cannot be done now. */
export interface Action {
  readonly label: string;
  readonly icon?: IconComponent | undefined;
  readonly href?: string | undefined;
  readonly onact?: (() => void) | undefined;
  /** Why not now: the button stays in its place and says it. */
  readonly reason?: string | undefined;
}
