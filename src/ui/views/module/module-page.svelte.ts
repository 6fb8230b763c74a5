import type { Definition } from '#contract/definition.ts';
import type { ErrorRecord } from '#contract/errors.ts';
import type { ModuleView } from '#contract/vehicle-api.ts';
import { text } from '#ui/messages/index.svelte.ts';
import type { AppState } from '#ui/state/app.svelte.ts';
import type { ModuleTab } from '#ui/state/route.svelte.ts';
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

/** What the tabs of a module share: the module, its definition, its values on the car and the wanted ones. */
export class ModulePage {
  readonly #app: () => AppState;

  constructor(app: () => AppState) {
    this.#app = app;
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
