import { flushSync } from 'svelte';
import { describe, expect, it } from 'vitest';
import type { Definition } from '#contract/definition.ts';
import { StackError } from '#contract/errors.ts';
import type { OperationEventBody } from '#contract/operation.ts';
import type { ModuleView } from '#contract/vehicle-api.ts';
import { Operations } from '#ui/state/operations.svelte.ts';
import { BackupRound, type RoundApp } from '#ui/views/vehicle/backup-all.svelte.ts';
import { identity, moduleView } from '../ui-backups/fixtures.ts';

const named = (moduleId: string, over: Partial<ModuleView> = {}) => moduleView({ moduleId, ...over });
const A = named('A');
const B = named('B');
const C = named('C');
const STRANGER = named('X', { identity: { ...identity, match: { kind: 'none' } } });
const EMPTY = named('E');
const SILENT = named('S', { status: 'not-answering' });

/** An app whose worker the test plays: each backup waits for `end`. */
function bench() {
  const operations = new Operations();
  const asked: string[] = [];
  const cancelled: string[] = [];
  const state = $state({ connected: true, ready: true });
  let refusal: StackError | null = null;
  const app: RoundApp = {
    api: {
      takeBackup: async ({ moduleId }) => {
        asked.push(moduleId);
        if (refusal !== null) throw refusal;
        return { operationId: `op-${moduleId}` };
      },
      cancel: async (operationId) => void cancelled.push(operationId),
    },
    get connected() {
      return state.connected;
    },
    get ready() {
      return state.ready;
    },
    operations,
    command: (_name, work) => work('c'),
    keepData: async () => true,
    definition: ({ moduleId }) => ({ codingBlocks: moduleId === 'E' ? [] : [{}] }) as unknown as Definition,
  };
  const tell = (moduleId: string, body: OperationEventBody) => {
    operations.receive({ operationId: `op-${moduleId}`, sequence: 0, atMs: 0, ...body });
    flushSync();
  };
  const end = async (moduleId: string, result: 'done' | 'cancelled' | 'failed' = 'done') => {
    tell(moduleId, { type: 'started', kind: 'backup', moduleId });
    const error = {
      code: 'backup/unstable',
      message: '',
      details: { did: '0600', first: '00', second: '01' },
    } as const;
    tell(moduleId, { type: 'ended', result, outcome: null, error: result === 'failed' ? error : null });
    await settled();
  };
  return {
    round: new BackupRound(app),
    asked,
    cancelled,
    state,
    end,
    refuse: (error: StackError) => {
      refusal = error;
    },
  };
}

async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) {
    await Promise.resolve();
    flushSync();
  }
}

const states = (round: BackupRound) => Object.fromEntries(round.items.map(({ moduleId, state }) => [moduleId, state]));

describe('backing up all modules', () => {
  it('asks one after the other, the next only when the one before has ended', async () => {
    const { round, asked, end } = bench();
    const over = round.run([A, B]);
    await settled();
    expect(asked).toEqual(['A']);
    expect(states(round)).toEqual({ A: 'running', B: 'waiting' });
    await end('A');
    expect(asked).toEqual(['A', 'B']);
    await end('B');
    await over;
    expect(states(round)).toEqual({ A: 'done', B: 'done' });
    expect(round.isRunning).toBe(false);
  });

  it('one that fails is told with its reason, and the next is asked all the same', async () => {
    const { round, end } = bench();
    const over = round.run([A, B]);
    await settled();
    await end('A', 'failed');
    await end('B');
    await over;
    expect(round.items[0]).toMatchObject({ state: 'failed', error: { code: 'backup/unstable' } });
    expect(states(round)).toEqual({ A: 'failed', B: 'done' });
  });

  it('a silent module is not asked; one without definition or settings is told as left out', async () => {
    const { round, asked, end } = bench();
    const over = round.run([SILENT, STRANGER, EMPTY, A]);
    await settled();
    await end('A');
    await over;
    expect(asked).toEqual(['A']);
    expect(round.items.slice(0, 2)).toMatchObject([
      { moduleId: 'X', state: 'left-out', why: 'no-definition' },
      { moduleId: 'E', state: 'left-out', why: 'no-settings' },
    ]);
    expect(round.asked).toHaveLength(1);
  });

  it('stops between two modules; a second press stops the one under way', async () => {
    const { round, asked, cancelled, end } = bench();
    const over = round.run([A, B, C]);
    await settled();
    round.stop();
    expect(cancelled).toEqual([]);
    round.stop();
    expect(cancelled).toEqual(['op-A']);
    await end('A', 'cancelled');
    await over;
    expect(asked).toEqual(['A']);
    expect(states(round)).toEqual({ A: 'not-reached', B: 'not-reached', C: 'not-reached' });
  });

  it('ends when the adapter is lost: the rest is not asked to fail one by one', async () => {
    const { round, asked, state, end } = bench();
    const over = round.run([A, B]);
    await settled();
    state.connected = false;
    await end('A', 'failed');
    await over;
    expect(asked).toEqual(['A']);
    expect(states(round)).toEqual({ A: 'failed', B: 'not-reached' });
  });

  it('ends with the worker: a run that will never tell its end is not waited for', async () => {
    const { round, state } = bench();
    const over = round.run([A, B]);
    await settled();
    state.ready = false;
    await settled();
    await over;
    expect(states(round)).toEqual({ A: 'not-reached', B: 'not-reached' });
  });

  it('a command that is refused counts as failed', async () => {
    const { round, refuse } = bench();
    refuse(new StackError('operation/busy', 'busy', { operationId: 'x' }));
    await round.run([A]);
    expect(round.items[0]).toMatchObject({ state: 'failed', error: { code: 'operation/busy' } });
  });
});
