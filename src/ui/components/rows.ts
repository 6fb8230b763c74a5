/**
 * Rows of the list components. Here and not in the components, because plain TypeScript sees no types inside `.svelte` files;
 * data and callbacks only, words come from the screens.
 */
import type { Action, CheckState, Risk, StatusState } from './types.ts';

/** One backup of one module. */
export interface BackupLine {
  readonly id: string;
  readonly when: string;
  readonly title: string;
  readonly detail?: string | undefined;
  /** As received: never deleted. */
  readonly isPinned?: boolean;
  /** "2 copies". */
  readonly copies: string;
  /** One copy is too few. */
  readonly copiesWarn?: boolean;
  /** "On the car now": fills the dot and says so. */
  readonly currentLabel?: string | undefined;
}

/** The backups of one module, newest first: one line of descent. */
export interface BackupGroup {
  readonly id: string;
  readonly name: string;
  readonly address?: string | undefined;
  /** "5 backups". */
  readonly note?: string | undefined;
  readonly lines: readonly BackupLine[];
}

/** One point that was, is or will be looked at. */
export interface CheckItem {
  readonly id: string;
  readonly state: CheckState;
  readonly label: string;
  readonly detail?: string | undefined;
  /** What was measured, or what to do. */
  readonly value?: string | undefined;
  /** Instead of the value: what mends it. */
  readonly action?: Action | undefined;
}

/** One option that differs between a backup and the car. */
export interface MergeRow {
  readonly id: string;
  readonly name: string;
  readonly group?: string | undefined;
  readonly back: string;
  readonly stay: string;
  /** What was chosen; undefined is an open conflict. */
  readonly chosen: 'back' | 'stay' | undefined;
  /** Who changed it since, or why it has to be chosen. */
  readonly why?: string | undefined;
}

/** One module. */
export interface TreeRow {
  readonly id: string;
  readonly address: string;
  readonly name: string;
  /** The name the module itself or its maker gives: foreign text. */
  readonly ownName?: string | undefined;
  readonly part?: string | undefined;
  readonly software?: string | undefined;
  readonly state: StatusState;
  readonly stateLabel: string;
}

/** The modules of one bus. */
export interface TreeGroup {
  readonly id: string;
  readonly name: string;
  /** "CAN 500 kbit/s". */
  readonly detail?: string | undefined;
  /** At the end: "2 not OK". */
  readonly note?: string | undefined;
  readonly rows: readonly TreeRow[];
}

/** One value that changes, with the bytes that carry it. */
export interface DiffRow {
  readonly id: string;
  readonly name: string;
  readonly risk?: Risk | undefined;
  readonly now: string;
  readonly next: string;
  /** Byte number or numbers in the chosen scheme. */
  readonly byte?: string | undefined;
  readonly oldHex?: string | undefined;
  readonly newHex?: string | undefined;
}
