import { describe, expect, it } from 'vitest';
import type { OperationEvent } from '#contract/operation.ts';
import type { Plan, WritePlan } from '#contract/plan.ts';
import type { VehicleApi } from '#contract/vehicle-api.ts';
import { Operations } from '#ui/state/operations.svelte.ts';
import { askPlan, typedConfirmation } from '#ui/state/plans.ts';
import { formatRoute, parseRoute } from '#ui/state/route.svelte.ts';
import { Staging } from '#ui/state/staging.svelte.ts';
import { systemOf } from '#ui/views/connect/computer.ts';

type Body = OperationEvent extends infer E ? (E extends OperationEvent ? Omit<E, 'sequence' | 'atMs'> : never) : never;

function told(...events: readonly Body[]): Operations {
  const operations = new Operations();
  for (const [sequence, event] of events.entries())
    operations.receive({ ...event, sequence, atMs: sequence } as OperationEvent);
  return operations;
}

describe('places', () => {
  it('an address leads to a module and its tab, and back to the same address', () => {
    const route = { section: 'vehicle', moduleId: '70E-778', tab: 'history' } as const;
    expect(formatRoute(route)).toBe('#/vehicle/module/70E-778/history');
    expect(parseRoute(formatRoute(route))).toEqual(route);
  });

  it('what is no place leads to Connect, a tab that does not exist to the options', () => {
    expect(parseRoute('#/<script>')).toEqual({ section: 'connect' });
    expect(parseRoute('#/vehicle/module/%E0%A4%A/raw')).toEqual({ section: 'vehicle', moduleId: null, tab: 'options' });
    expect(parseRoute('#/vehicle/module/70E-778/eval')).toMatchObject({ tab: 'options' });
  });
});

describe('operations', () => {
  it('phases, progress and the end are folded in their order', () => {
    const operations = told(
      { type: 'started', operationId: 'a', kind: 'scan', moduleId: null },
      { type: 'phase-started', operationId: 'a', phase: 'modules', cancel: 'immediate', total: 10 },
      { type: 'progress', operationId: 'a', phase: 'modules', done: 4, total: 10, subject: 'Brakes' },
    );
    expect(operations.running).toMatchObject({ kind: 'scan', phase: 'modules', done: 4, total: 10, result: 'running' });
    operations.receive({
      type: 'ended',
      operationId: 'a',
      sequence: 3,
      atMs: 3,
      result: 'cancelled',
      outcome: null,
      error: null,
    });
    expect(operations.running).toBeNull();
    expect(operations.last(['scan'])?.result).toBe('cancelled');
  });

  it('a wait is shown until the next news, and a cancel at the next step stays asked for', () => {
    const operations = told(
      { type: 'started', operationId: 'a', kind: 'coding', moduleId: 'm' },
      { type: 'waiting', operationId: 'a', reason: 'cancel-at-checkpoint', untilWallMs: null, count: 0 },
      { type: 'progress', operationId: 'a', phase: 'write', done: 1, total: 2, subject: null },
    );
    expect(operations.get('a')).toMatchObject({ waiting: null, cancelAsked: true });
  });

  it('a worker that is gone leaves nothing running', () => {
    const operations = told({ type: 'started', operationId: 'a', kind: 'coding', moduleId: 'm' });
    operations.forgetRunning();
    expect(operations.all).toEqual([]);
  });
});

describe('staging', () => {
  it('H03 changes that are old are marked; without changes nothing is', () => {
    const staging = new Staging();
    expect(staging.isStale('m', Date.now() + 3_600_000)).toBe(false);
    staging.stage('m', 'tear-wipe', 1, 0);
    expect(staging.isStale('m', Date.now() + 60_000)).toBe(false);
    expect(staging.isStale('m', Date.now() + 31 * 60_000)).toBe(true);
  });
});

describe('plans', () => {
  const plan = (over: Partial<WritePlan>) => ({ kind: 'coding', vin: '0CBV1000000000017', ...over }) as Plan;

  it('driving assistance, safety and raw bytes ask for the end of the VIN, comfort and road law for nothing', () => {
    expect(typedConfirmation(plan({ risk: 'comfort', expertRaw: false }))).toBeNull();
    expect(typedConfirmation(plan({ risk: 'road-law', expertRaw: false }))).toBeNull();
    expect(typedConfirmation(plan({ risk: 'driving-assistance', expertRaw: false }))).toBe('0017');
    expect(typedConfirmation(plan({ risk: 'safety', expertRaw: false }))).toBe('0017');
    expect(typedConfirmation(plan({ risk: 'comfort', expertRaw: true }))).toBe('0017');
  });

  it('a coding plan without edited bytes asks for no expert mode', async () => {
    const asked: unknown[] = [];
    const api = { planCoding: async (command: unknown) => void asked.push(command) } as unknown as VehicleApi;
    const request = { kind: 'coding', moduleId: 'm', changes: [{ parameterId: 'p', value: 1 }], raw: [] } as const;
    await askPlan(api, 'c', request, { kind: 'module' });
    expect(asked).toEqual([
      { commandId: 'c', moduleId: 'm', changes: [{ parameterId: 'p', value: 1 }], shopCode: { kind: 'module' } },
    ]);
  });
});

describe('this computer', () => {
  it('S01 help is chosen by the system that the browser names', () => {
    const named = ['Linux x86_64', 'Windows', 'Win32', 'macOS', 'Chrome OS', 'Android', 'Fuchsia'];
    expect(named.map((platform) => systemOf(platform))).toEqual([
      'linux',
      'windows',
      'windows',
      'mac',
      'chromeos',
      'android',
      'other',
    ]);
  });
});
