import type { ParameterChange } from '#contract/vehicle-api.ts';

/** What the person wants and the car does not have yet, by module. */
interface ModuleStaging {
  readonly changes: ReadonlyMap<string, number | string>;
  /** Whole blocks edited byte by byte (expert), by DID. */
  readonly raw: ReadonlyMap<string, string>;
  readonly touchedWallMs: number;
}

const EMPTY: ModuleStaging = { changes: new Map(), raw: new Map(), touchedWallMs: 0 };

/** Staged changes older than this are marked: the car may have changed meanwhile; everything is read again anyway (fault H03). */
const STALE_MS = 30 * 60_000;

/** Staged changes of all modules. They live as long as the page and are dropped only by the person, or when they are on the car. */
export class Staging {
  #modules = $state.raw<ReadonlyMap<string, ModuleStaging>>(new Map());

  get total(): number {
    let total = 0;
    for (const { changes, raw } of this.#modules.values()) total += changes.size + raw.size;
    return total;
  }

  count(moduleId: string): number {
    const { changes, raw } = this.#of(moduleId);
    return changes.size + raw.size;
  }

  value(moduleId: string, parameterId: string): number | string | undefined {
    return this.#of(moduleId).changes.get(parameterId);
  }

  rawHex(moduleId: string, did: string): string | undefined {
    return this.#of(moduleId).raw.get(did);
  }

  changes(moduleId: string): readonly ParameterChange[] {
    return [...this.#of(moduleId).changes].map(([parameterId, value]) => ({ parameterId, value }));
  }

  rawBlocks(moduleId: string): readonly { readonly did: string; readonly hex: string }[] {
    return [...this.#of(moduleId).raw].map(([did, hex]) => ({ did, hex }));
  }

  isStale(moduleId: string, nowMs: number): boolean {
    return this.count(moduleId) > 0 && nowMs - this.#of(moduleId).touchedWallMs > STALE_MS;
  }

  /** Stages a value; staging what the car already has takes the change away. */
  stage(moduleId: string, parameterId: string, value: number | string, current: number | string | null): void {
    const changes = new Map(this.#of(moduleId).changes);
    if (value === current) changes.delete(parameterId);
    else changes.set(parameterId, value);
    this.#put(moduleId, { ...this.#of(moduleId), changes });
  }

  stageRaw(moduleId: string, did: string, hex: string, current: string): void {
    const raw = new Map(this.#of(moduleId).raw);
    if (hex === current) raw.delete(did);
    else raw.set(did, hex);
    this.#put(moduleId, { ...this.#of(moduleId), raw });
  }

  undo(moduleId: string, parameterId: string): void {
    const changes = new Map(this.#of(moduleId).changes);
    changes.delete(parameterId);
    this.#put(moduleId, { ...this.#of(moduleId), changes });
  }

  discard(moduleId: string): void {
    const modules = new Map(this.#modules);
    modules.delete(moduleId);
    this.#modules = modules;
  }

  discardAll(): void {
    this.#modules = new Map();
  }

  #of(moduleId: string): ModuleStaging {
    return this.#modules.get(moduleId) ?? EMPTY;
  }

  #put(moduleId: string, staging: ModuleStaging): void {
    this.#modules = new Map(this.#modules).set(moduleId, { ...staging, touchedWallMs: Date.now() });
  }
}
