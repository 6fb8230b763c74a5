import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ErrorRecord } from '#contract/errors.ts';
import type { Plan } from '#contract/plan.ts';
import type { ApproveCommand } from '#contract/vehicle-api.ts';
import type { OperationSummary } from '#store/reading.ts';
import { approveWithKey, askPlan, isKeyProblem, type PlanRequest } from '#ui/state/plans.ts';
import { lockedAfterMs, lockedForMs, unlockLevel } from '#ui/views/module/lockout.ts';
import { failedRepair } from '#ui/views/recovery/next-step.ts';

const NOW = 1_790_000_000_000;
const plan = { id: 'p1', operationId: 'o1', steps: [{ kind: 'unlock', level: 3 }] } as unknown as Plan;
const request: PlanRequest = {
  kind: 'coding',
  moduleId: '773-7DD',
  changes: [{ parameterId: 'developer-menu', value: 0 }],
  raw: [],
  tryKeyAgain: true,
};

function lockedOut(untilWallMs: number): ErrorRecord {
  return { code: 'security/locked-out', message: '', details: { level: 3, untilWallMs, remainingMs: 600_000 } };
}

/** The parts of the app that an approval touches; `failure` is what the worker answers instead. */
function app(failure?: Error) {
  const commands: ApproveCommand[] = [];
  const state = {
    commands,
    plan: plan as Plan | null,
    planRequest: request as PlanRequest | null,
    approved: null as { operationId: string; plan: Plan; request: PlanRequest | null } | null,
    api: {
      approve: async (command: ApproveCommand) => {
        commands.push(command);
        if (failure) throw failure;
        return { operationId: 'o1' };
      },
    },
    command: async <T>(_name: string, work: (commandId: string) => Promise<T>): Promise<T | null> =>
      work('c1').catch(() => null),
  };
  return state;
}

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('one more key', () => {
  it('is asked for at the approval, and never by the plan', async () => {
    const planned: unknown[] = [];
    const api = { planCoding: async (command: unknown) => void planned.push(command) };
    await askPlan(api as unknown as Parameters<typeof askPlan>[0], 'c0', request, { kind: 'module' });
    expect(JSON.stringify(planned)).not.toContain('tryKeyAgain');
    const state = app();
    expect(await approveWithKey(state, null)).toBe(true);
    expect(state.commands).toEqual([{ commandId: 'c1', planId: 'p1', typed: null, tryKeyAgain: true }]);
    expect(state).toMatchObject({ plan: null, planRequest: null, approved: { operationId: 'o1' } });
  });

  it('an approval that is refused leaves the plan where it was', async () => {
    const state = app(new Error('busy'));
    expect(await approveWithKey(state, null)).toBe(false);
    expect(state).toMatchObject({ plan: { id: 'p1' }, planRequest: { tryKeyAgain: true }, approved: null });
  });

  it('is offered after 35, after a second start, and after a lock-out; not after other errors', () => {
    const codes = ['security/key-refused', 'security/attempt-used', 'security/locked-out'] as const;
    for (const code of codes) expect(isKeyProblem({ ...lockedOut(0), code })).toBe(true);
    expect(isKeyProblem({ ...lockedOut(0), code: 'security/key-failed' })).toBe(false);
    expect(isKeyProblem(null)).toBe(false);
  });
});

describe('U05 the countdown of a lock-out', () => {
  const module = {
    lockouts: [
      { level: 3, untilWallMs: NOW + 560_000 },
      { level: 1, untilWallMs: NOW + 20_000 },
    ],
  };

  it('counts down the level that a plan needs, and ends', () => {
    expect(unlockLevel(plan)).toBe(3);
    expect(lockedForMs(module, 3)).toBe(560_000);
    vi.advanceTimersByTime(30_000);
    expect(lockedForMs(module, 3)).toBe(530_000);
    expect(lockedForMs(module, 1)).toBeNull();
    expect(lockedForMs(module, 5)).toBeNull();
    expect(lockedForMs(null)).toBeNull();
  });

  it('is known from the end of the job before the module was read again', () => {
    expect(lockedAfterMs(null, lockedOut(NOW + 600_000))).toBe(600_000);
    expect(lockedAfterMs({ lockouts: [] }, lockedOut(NOW - 1))).toBeNull();
    expect(lockedAfterMs({ lockouts: [] }, null)).toBeNull();
  });
});

describe('why the last try to end a job came to nothing', () => {
  const repair = (repairs: string, error: ErrorRecord | undefined) =>
    ({ plan: { kind: 'rollback', repairs }, ended: { kind: 'closed', outcome: { error } } }) as OperationSummary;

  it('is told by the newest repair of that job, also after a reload', () => {
    const error = lockedOut(NOW);
    expect(failedRepair({ operationId: 'a' }, [repair('b', undefined), repair('a', error)])).toBe(error);
    expect(failedRepair({ operationId: 'a' }, [repair('a', undefined), repair('a', error)])).toBeNull();
    expect(failedRepair({ operationId: 'c' }, [repair('a', error)])).toBeNull();
  });
});
