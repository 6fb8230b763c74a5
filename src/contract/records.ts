import type { FaultEntry, ModuleIdentity } from '#contract/backup.ts';
import type { HexText } from '#contract/definition.ts';
import type { ModuleId } from '#contract/isotp.ts';

/** What the shop set once. */
export interface Settings {
  readonly version: 1;
  /** Shop code for VW-type modules, 6 bytes; null = not set: asked, never defaulted, never copied silently. */
  readonly shopCode: HexText | null;
  readonly shopName: string;
  /** Raw editing and protocol words. */
  readonly expert: boolean;
}

export const DEFAULT_SETTINGS: Settings = { version: 1, shopCode: null, shopName: '', expert: false };

/** Result of one walk over the car, kept to compare with the next. */
export interface ScanRecord {
  readonly id: string;
  readonly simulated: boolean;
  readonly vin: string;
  readonly scannedAtWallMs: number;
  readonly complete: boolean;
  readonly modules: readonly ScannedModule[];
}

export interface ScannedModule {
  readonly moduleId: ModuleId;
  readonly status: ModuleStatus;
  readonly identity: ModuleIdentity | null;
  readonly faults: readonly FaultEntry[] | null;
}

export type ModuleStatus = 'ok' | 'faults' | 'not-answering' | 'boot-loader' | 'locked' | 'unknown-variant';
