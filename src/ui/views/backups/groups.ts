import type { Backup } from '#contract/backup.ts';

/** The backups of one module of one car, newest first: one line of descent. A swapped module begins a line of its own. */
export interface ModuleBackups {
  readonly id: string;
  readonly backups: readonly Backup[];
}

export interface CarBackups {
  readonly vin: string | null;
  readonly modules: readonly ModuleBackups[];
  readonly count: number;
}

export interface BackupQuery {
  /** Words that all must occur somewhere in what is shown of a backup. */
  readonly search: string;
  /** Only this car; undefined: all. */
  readonly vin?: string | null | undefined;
  /** All that can be found of a backup, in one text. */
  readonly textOf: (backup: Backup) => string;
}

/** By car, then module, then time. Cars and modules come in the order of their newest backup. `backups` are newest first. */
export function groupBackups(backups: readonly Backup[], query: BackupQuery): readonly CarBackups[] {
  const words = query.search.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const cars = new Map<string | null, Map<string, Backup[]>>();
  for (const backup of backups) {
    const { vin } = backup.vehicle;
    if (query.vin !== undefined && vin !== query.vin) continue;
    if (words.length > 0) {
      const text = query.textOf(backup).toLowerCase();
      if (!words.every((word) => text.includes(word))) continue;
    }
    const modules = cars.get(vin) ?? new Map<string, Backup[]>();
    cars.set(vin, modules);
    const key = moduleKey(backup);
    const line = modules.get(key);
    if (line === undefined) modules.set(key, [backup]);
    else line.push(backup);
  }
  return [...cars].map(([vin, modules]) => {
    const groups = [...modules].map(([id, line]) => ({ id, backups: line }));
    return { vin, modules: groups, count: groups.reduce((sum, group) => sum + group.backups.length, 0) };
  });
}

/** Address and serial number: what makes two backups of the same car backups of the same module. */
export function moduleKey({ vehicle, module }: Backup): string {
  return [vehicle.vin ?? '', module.moduleId, module.serial ?? ''].join('|');
}

/** Other backups of the same address in the same car, to compare with; newest first. */
export function comparableWith(backup: Backup, backups: readonly Backup[]): readonly Backup[] {
  return backups.filter(
    (other) =>
      other.id !== backup.id &&
      other.module.moduleId === backup.module.moduleId &&
      other.vehicle.vin === backup.vehicle.vin,
  );
}
