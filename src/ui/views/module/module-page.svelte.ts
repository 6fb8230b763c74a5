import type { Backup } from '#contract/backup.ts';
import type { Definition } from '#contract/definition.ts';
import type { ErrorRecord } from '#contract/errors.ts';
import type { ModuleView } from '#contract/vehicle-api.ts';
import { text } from '#ui/messages/index.svelte.ts';
import type { AppState } from '#ui/state/app.svelte.ts';
import type { OperationSummary } from '#store/reading.ts';
import type { ModuleTab } from '#ui/state/route.svelte.ts';
import { type LiveState, live } from '#ui/views/backups/reading.svelte.ts';
import { lastWrite } from './history.ts';
import {
  type BlockState,
  blockStates,
  type OptionState,
  optionStates,
  type StagedLine,
  stagedLines,
} from './options.ts';

/** Modules whose values were asked for, by connection: once each, whatever came of it. */
const asked = new Set<string>();

/** What the tabs of a module share: the module, its definition, its values on the car and the wanted ones, its past on this disk. */
export class ModulePage {
  readonly #app: () => AppState;
  readonly #backups: LiveState<{ readonly backups: readonly Backup[] }>;
  readonly #jobs: LiveState<readonly OperationSummary[]>;

  /** While a component is set up: it asks the disk for as long as that component lives. */
  constructor(app: () => AppState) {
    this.#app = app;
    const world = () => this.app.world;
    this.#backups = live(world, () => {
      const { moduleId } = this;
      const serial = this.module?.identity?.serial;
      return (stores) => stores.backups({ moduleId, ...(serial == null ? {} : { serial }) });
    });
    this.#jobs = live(world, () => (stores) => stores.operations());
  }

  /** Of this module, newest first. */
  get backups(): LiveState<{ readonly backups: readonly Backup[] }> {
    return this.#backups;
  }

  /** Of all modules, newest first. */
  get jobs(): LiveState<readonly OperationSummary[]> {
    return this.#jobs;
  }

  get app(): AppState {
    return this.#app();
  }

  readonly moduleId = $derived.by((): string => {
    const { route } = this.app.router;
    return route.section === 'vehicle' ? (route.moduleId ?? '') : '';
  });
  readonly tab = $derived.by((): ModuleTab => {
    const { route } = this.app.router;
    return route.section === 'vehicle' ? route.tab : 'options';
  });
  readonly module = $derived.by((): ModuleView | null => this.app.module(this.moduleId));
  readonly title = $derived.by((): string => (this.module === null ? '' : text.format.pick(this.module.title)));
  readonly definition = $derived.by((): Definition | null => this.app.definition(this.module));
  readonly blocks = $derived.by((): readonly BlockState[] =>
    this.module === null || this.definition === null ? [] : blockStates(this.module, this.definition, this.app.staging),
  );
  readonly options = $derived.by((): readonly OptionState[] =>
    this.module === null || this.definition === null ? [] : optionStates(this.module, this.definition, this.blocks),
  );
  readonly lines = $derived.by((): readonly StagedLine[] =>
    this.definition === null ? [] : stagedLines(this.definition, this.blocks),
  );
  /** As counted in words: options that differ, else edited blocks. */
  readonly stagedCount = $derived.by((): number =>
    this.lines.length > 0 ? this.lines.length : this.app.staging.count(this.moduleId),
  );
  readonly isNear = $derived.by((): boolean => this.module?.identity?.match.kind === 'near');

  /** When a job of ours last wrote to this module, since it was read for the first time here; null: none did. */
  readonly writtenWallMs = $derived.by((): number | null => {
    const { moduleId } = this;
    const vin = this.app.vehicle?.vin ?? null;
    return lastWrite(this.jobs.value ?? [], vin, moduleId)?.wallMs ?? null;
  });

  /** The last read of this module failed. */
  readonly failure = $derived.by((): ErrorRecord | null => {
    const last = this.app.operations.last(['backup', 'read-module'], this.moduleId);
    return last?.result === 'failed' ? last.error : null;
  });

  /** Why nothing can be asked of the car now. */
  readonly blocked = $derived.by((): string | undefined => {
    const { app } = this;
    if (!app.connected) return text.module.notConnected;
    return app.busy !== null || app.operations.running !== null ? text.module.busy : undefined;
  });

  readonly wantsReading = $derived.by((): boolean => {
    const { module, definition } = this;
    if (module === null || definition === null || definition.codingBlocks.length === 0) return false;
    if (module.status === 'not-answering' || (module.blocks !== null && !module.stale)) return false;
    return this.blocked === undefined && !asked.has(this.#askedKey);
  });

  /** Reads identity, values and faults, and stores what was read as a backup. */
  read(): void {
    asked.add(this.#askedKey);
    const { moduleId } = this;
    void this.app.command('backup', (commandId) => this.app.api.takeBackup({ commandId, moduleId }));
  }

  readFaults(): void {
    const { moduleId } = this;
    void this.app.command('read-module', (commandId) => this.app.api.readModule({ commandId, moduleId }));
  }

  review(): void {
    const { app, moduleId } = this;
    void app.makePlan({
      kind: 'coding',
      moduleId,
      changes: app.staging.changes(moduleId),
      raw: app.staging.rawBlocks(moduleId),
    });
  }

  go(tab: ModuleTab): void {
    this.app.router.go({ section: 'vehicle', moduleId: this.moduleId, tab });
  }

  get #askedKey(): string {
    const { connection } = this.app;
    return `${connection.kind === 'open' ? connection.sessionId : ''} ${this.moduleId}`;
  }
}
