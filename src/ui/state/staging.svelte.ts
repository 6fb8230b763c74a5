import type { ParameterChange } from '#contract/vehicle-api.ts';

/** What the person wants and the car does not have yet, by module. */
interface ModuleStaging {
  readonly changes: ReadonlyMap<string, number | string>;
  /** Whole blocks edited byte by byte (expert), by DID. */
  readonly raw: ReadonlyMap<string, string>;
  readonly touchedWallMs: number;
}

/** What was staged before each change of the person, and what was before each change that was taken back. Newest last. */
interface ModulePast {
  readonly undo: readonly ModuleStaging[];
  readonly redo: readonly ModuleStaging[];
  /** What the newest change was about: values typed letter by letter are one change. */
  readonly subject: string | null;
  readonly atMs: number;
}

const EMPTY: ModuleStaging = { changes: new Map(), raw: new Map(), touchedWallMs: 0 };
const NO_PAST: ModulePast = { undo: [], redo: [], subject: null, atMs: 0 };

/** Staged changes older than this are marked: the car may have changed meanwhile; everything is read again anyway (fault H03). */
const STALE_MS = 30 * 60_000;
/** Changes of the same value that follow each other this closely are taken back together. */
const ONE_CHANGE_MS = 1000;
const MAX_UNDO = 100;

/**
 * Staged changes of all modules. They live as long as the page and are dropped only by the person, or when they are on the car.
 * Each change of the person can be taken back and made again, module by module.
 */
export class Staging {
  #modules = $state.raw<ReadonlyMap<string, ModuleStaging>>(new Map());
  #pasts = $state.raw<ReadonlyMap<string, ModulePast>>(new Map());
  /** The module whose changes are being joined into one. */
  #joined: string | null = null;

  get total(): number {
    let total = 0;
    for (const { changes, raw } of this.#modules.values()) total += changes.size + raw.size;
    return total;
  }

  count(moduleId: string): number {
    return sizeOf(this.#of(moduleId));
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
    this.#put(moduleId, { ...this.#of(moduleId), changes }, `value ${parameterId}`);
  }

  stageRaw(moduleId: string, did: string, hex: string, current: string): void {
    const raw = new Map(this.#of(moduleId).raw);
    if (hex === current) raw.delete(did);
    else raw.set(did, hex);
    this.#put(moduleId, { ...this.#of(moduleId), raw }, null);
  }

  /** Takes one value off what is staged. */
  unstage(moduleId: string, parameterId: string): void {
    const changes = new Map(this.#of(moduleId).changes);
    if (changes.delete(parameterId)) this.#put(moduleId, { ...this.#of(moduleId), changes }, null);
  }

  /** Takes everything of a module off what is staged; `undo` brings it back. */
  unstageAll(moduleId: string): void {
    if (this.count(moduleId) > 0) this.#put(moduleId, EMPTY, null);
  }

  /** What `work` stages in one module is one change, taken back at once. */
  together(moduleId: string, work: () => void): void {
    const before = this.#of(moduleId);
    this.#joined = moduleId;
    try {
      work();
    } finally {
      this.#joined = null;
    }
    this.#remember(moduleId, before, null);
  }

  canUndo(moduleId: string): boolean {
    return this.#pastOf(moduleId).undo.length > 0;
  }

  canRedo(moduleId: string): boolean {
    return this.#pastOf(moduleId).redo.length > 0;
  }

  /** How many changes the next `undo` brings back, where nothing is staged now. */
  undoCount(moduleId: string): number {
    return sizeOf(this.#pastOf(moduleId).undo.at(-1) ?? EMPTY);
  }

  undo(moduleId: string): void {
    const { undo, redo } = this.#pastOf(moduleId);
    const before = undo.at(-1);
    if (before === undefined) return;
    this.#past(moduleId, { ...NO_PAST, undo: undo.slice(0, -1), redo: [...redo, this.#of(moduleId)] });
    this.#set(moduleId, before);
  }

  redo(moduleId: string): void {
    const { undo, redo } = this.#pastOf(moduleId);
    const next = redo.at(-1);
    if (next === undefined) return;
    this.#past(moduleId, { ...NO_PAST, undo: [...undo, this.#of(moduleId)], redo: redo.slice(0, -1) });
    this.#set(moduleId, next);
  }

  /** Forgets a module and its past: what was staged is on the car. */
  discard(moduleId: string): void {
    const modules = new Map(this.#modules);
    modules.delete(moduleId);
    this.#modules = modules;
    this.#past(moduleId, NO_PAST);
  }

  /** Forgets everything: another car. */
  discardAll(): void {
    this.#modules = new Map();
    this.#pasts = new Map();
  }

  #of(moduleId: string): ModuleStaging {
    return this.#modules.get(moduleId) ?? EMPTY;
  }

  #pastOf(moduleId: string): ModulePast {
    return this.#pasts.get(moduleId) ?? NO_PAST;
  }

  #put(moduleId: string, staging: ModuleStaging, subject: string | null): void {
    const before = this.#of(moduleId);
    this.#set(moduleId, staging);
    if (this.#joined !== moduleId) this.#remember(moduleId, before, subject);
  }

  #remember(moduleId: string, before: ModuleStaging, subject: string | null): void {
    const now = this.#of(moduleId);
    if (isSame(before, now)) return;
    const past = this.#pastOf(moduleId);
    const atMs = Date.now();
    const goesOn = subject !== null && past.subject === subject && atMs - past.atMs < ONE_CHANGE_MS;
    const undo = goesOn ? past.undo : [...past.undo, before].slice(-MAX_UNDO);
    const [first] = undo.slice(-1);
    // Back where the change began: there is nothing to take back.
    const isBack = first !== undefined && isSame(first, now);
    this.#past(moduleId, { undo: isBack ? undo.slice(0, -1) : undo, redo: [], subject, atMs });
  }

  #set(moduleId: string, staging: ModuleStaging): void {
    this.#modules = new Map(this.#modules).set(moduleId, { ...staging, touchedWallMs: Date.now() });
  }

  #past(moduleId: string, past: ModulePast): void {
    this.#pasts = new Map(this.#pasts).set(moduleId, past);
  }
}

function sizeOf({ changes, raw }: ModuleStaging): number {
  return changes.size + raw.size;
}

function isSame(a: ModuleStaging, b: ModuleStaging): boolean {
  return isSameMap(a.changes, b.changes) && isSameMap(a.raw, b.raw);
}

function isSameMap<V>(a: ReadonlyMap<string, V>, b: ReadonlyMap<string, V>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}
