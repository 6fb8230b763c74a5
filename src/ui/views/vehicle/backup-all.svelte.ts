import type { Definition, LocalizedText } from '#contract/definition.ts';
import { type ErrorRecord, toErrorRecord } from '#contract/errors.ts';
import type { ModuleView, VehicleApi } from '#contract/vehicle-api.ts';
import type { OperationView } from '#ui/state/operations.svelte.ts';

/** Why a module was not even asked: nothing about it can be restored, so there is nothing to back up. */
export type LeftOut = 'no-definition' | 'no-settings';

/** One module of the round. `not-reached`: the round ended before it, by the person or because the adapter was lost. */
export type RoundItem = { readonly moduleId: string; readonly title: LocalizedText } & (
  | { readonly state: 'waiting' | 'running' | 'done' | 'not-reached' }
  | { readonly state: 'failed'; readonly error: ErrorRecord }
  | { readonly state: 'left-out'; readonly why: LeftOut }
);

/** What the round needs of the app. */
export interface RoundApp {
  readonly api: Pick<VehicleApi, 'takeBackup' | 'cancel'>;
  readonly connected: boolean;
  /** False once the worker is gone: nothing that ran will tell its end. */
  readonly ready: boolean;
  readonly operations: { get(operationId: string): OperationView | null };
  command<T>(name: string, work: (commandId: string) => Promise<T>): Promise<T | null>;
  keepData(): Promise<boolean>;
  definition(module: ModuleView): Definition | null;
}

/** Answered on the last scan, so that it can be asked again. */
function answers({ status, identity }: ModuleView): boolean {
  return identity !== null && status !== 'not-answering' && status !== 'waiting' && status !== 'reading';
}

/** Backs up module after module. Each backup is a run of its own, taken and kept whatever becomes of the next. */
export class BackupRound {
  items = $state.raw<readonly RoundItem[]>([]);
  isRunning = $state(false);
  stopAsked = $state(false);
  /** The run of the module under way. */
  operationId = $state<string | null>(null);

  readonly #app: RoundApp;

  constructor(app: RoundApp) {
    this.#app = app;
  }

  /** Modules that have something to back up. */
  get asked(): readonly RoundItem[] {
    return this.items.filter(({ state }) => state !== 'left-out');
  }

  get current(): RoundItem | null {
    return this.items.find(({ state }) => state === 'running') ?? null;
  }

  count(state: RoundItem['state']): number {
    return this.items.filter((item) => item.state === state).length;
  }

  /** Call it from a click: the browser is asked to keep what is stored. */
  async run(modules: readonly ModuleView[]): Promise<void> {
    if (this.isRunning) return;
    const { command } = this.#app;
    await command.call(this.#app, 'backup-all', async () => {
      this.isRunning = true;
      this.stopAsked = false;
      this.items = modules.filter(answers).map((module) => this.#planned(module));
      try {
        await this.#app.keepData();
        for (const { moduleId, state } of this.items) {
          if (state !== 'waiting') continue;
          if (this.stopAsked || !this.#app.connected || !this.#app.ready) break;
          await this.#one(moduleId);
        }
      } finally {
        this.items = this.items.map((item) =>
          item.state === 'waiting' || item.state === 'running'
            ? { moduleId: item.moduleId, title: item.title, state: 'not-reached' }
            : item,
        );
        this.operationId = null;
        this.isRunning = false;
      }
    });
  }

  /** First press: after the module under way. Second press: now; what it has read is not kept. */
  stop(): void {
    if (this.stopAsked && this.operationId !== null) void this.#app.api.cancel(this.operationId).catch(() => undefined); // too late: it has ended by itself
    this.stopAsked = true;
  }

  dismiss(): void {
    if (!this.isRunning) this.items = [];
  }

  #planned(module: ModuleView): RoundItem {
    const { moduleId, title, identity } = module;
    if (identity?.match.kind === 'none') return { moduleId, title, state: 'left-out', why: 'no-definition' };
    if (this.#app.definition(module)?.codingBlocks.length === 0)
      return { moduleId, title, state: 'left-out', why: 'no-settings' };
    return { moduleId, title, state: 'waiting' };
  }

  async #one(moduleId: string): Promise<void> {
    this.#set(moduleId, { state: 'running' });
    try {
      const { operationId } = await this.#app.api.takeBackup({ commandId: crypto.randomUUID(), moduleId });
      this.operationId = operationId;
      const end = await this.#ended(operationId);
      if (end?.result === 'done') this.#set(moduleId, { state: 'done' });
      else if (end?.result === 'failed' && end.error !== null)
        this.#set(moduleId, { state: 'failed', error: end.error });
      else {
        this.#set(moduleId, { state: 'not-reached' });
        this.stopAsked = true; // stopped by the person, or the worker is gone
      }
    } catch (error) {
      this.#set(moduleId, { state: 'failed', error: toErrorRecord(error) });
    } finally {
      this.operationId = null;
    }
  }

  #set(
    moduleId: string,
    state:
      | { readonly state: 'running' | 'done' | 'not-reached' }
      | { readonly state: 'failed'; readonly error: ErrorRecord },
  ): void {
    this.items = this.items.map((item) =>
      item.moduleId === moduleId ? { moduleId, title: item.title, ...state } : item,
    );
  }

  /** How a run ended; null: the worker was ended by a person, and its runs with it. */
  #ended(operationId: string): Promise<OperationView | null> {
    return new Promise((resolve) => {
      const stop = $effect.root(() => {
        $effect(() => {
          const operation = this.#app.operations.get(operationId);
          if (this.#app.ready && (operation === null || operation.result === 'running')) return;
          resolve(operation?.result === 'running' ? null : operation);
          queueMicrotask(stop);
        });
      });
    });
  }
}

const rounds = new WeakMap<RoundApp, BackupRound>();

/** The round of this page; it goes on while the person looks at other screens. */
export function backupRound(app: RoundApp): BackupRound {
  const round = rounds.get(app) ?? new BackupRound(app);
  rounds.set(app, round);
  return round;
}
