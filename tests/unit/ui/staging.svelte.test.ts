import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Staging } from '#ui/state/staging.svelte.ts';

const M = '70E-778';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Changes of a person, a few seconds apart. */
function staged(...values: readonly (readonly [parameterId: string, value: number | string])[]): Staging {
  const staging = new Staging();
  for (const [parameterId, value] of values) {
    staging.stage(M, parameterId, value, 0);
    vi.advanceTimersByTime(5000);
  }
  return staging;
}

describe('taking staged changes back', () => {
  it('undo takes the newest change back, redo makes it again, in order', () => {
    const staging = staged(['tear-wipe', 1], ['coming-home', 30]);
    staging.undo(M);
    expect(staging.changes(M)).toEqual([{ parameterId: 'tear-wipe', value: 1 }]);
    staging.undo(M);
    expect(staging.count(M)).toBe(0);
    expect(staging.canUndo(M)).toBe(false);
    staging.redo(M);
    staging.redo(M);
    expect(staging.canRedo(M)).toBe(false);
    expect(staging.changes(M)).toEqual([
      { parameterId: 'tear-wipe', value: 1 },
      { parameterId: 'coming-home', value: 30 },
    ]);
  });

  it('everything taken off at once comes back at once', () => {
    const staging = staged(['tear-wipe', 1], ['coming-home', 30]);
    staging.unstageAll(M);
    expect(staging.count(M)).toBe(0);
    expect(staging.undoCount(M)).toBe(2);
    staging.undo(M);
    expect(staging.count(M)).toBe(2);
  });

  it('a new change ends the way forward', () => {
    const staging = staged(['tear-wipe', 1]);
    staging.undo(M);
    staging.stage(M, 'coming-home', 30, 0);
    expect(staging.canRedo(M)).toBe(false);
    staging.redo(M);
    expect(staging.changes(M)).toEqual([{ parameterId: 'coming-home', value: 30 }]);
  });

  it('a name typed letter by letter is one change; letters a while apart are several', () => {
    const staging = new Staging();
    for (const name of ['B', 'BA', 'BAY']) {
      staging.stage(M, 'name', name, '');
      vi.advanceTimersByTime(200);
    }
    vi.advanceTimersByTime(2000);
    staging.stage(M, 'name', 'BAY4', '');
    staging.undo(M);
    expect(staging.value(M, 'name')).toBe('BAY');
    staging.undo(M);
    expect(staging.value(M, 'name')).toBeUndefined();
    expect(staging.canUndo(M)).toBe(false);
  });

  it('a switch put on and off again leaves nothing to take back', () => {
    const staging = new Staging();
    staging.stage(M, 'tear-wipe', 1, 0);
    staging.stage(M, 'tear-wipe', 0, 0);
    expect(staging.count(M)).toBe(0);
    expect(staging.canUndo(M)).toBe(false);
  });

  it('bytes edited whole and the options in them are one change', () => {
    const staging = staged(['tear-wipe', 1]);
    staging.together(M, () => {
      staging.unstage(M, 'tear-wipe');
      staging.stageRaw(M, '0600', '5A', '00');
    });
    expect(staging.rawBlocks(M)).toEqual([{ did: '0600', hex: '5A' }]);
    staging.undo(M);
    expect(staging.rawBlocks(M)).toEqual([]);
    expect(staging.changes(M)).toEqual([{ parameterId: 'tear-wipe', value: 1 }]);
  });

  it('what is on the car is not staged again by undo', () => {
    const staging = staged(['tear-wipe', 1]);
    staging.discard(M);
    expect(staging.canUndo(M)).toBe(false);
    staging.undo(M);
    expect(staging.count(M)).toBe(0);
  });

  it('each module has its own past', () => {
    const staging = staged(['tear-wipe', 1]);
    staging.stage('773-7DD', 'developer-menu', 1, 0);
    staging.undo(M);
    expect(staging.count(M)).toBe(0);
    expect(staging.count('773-7DD')).toBe(1);
  });
});
