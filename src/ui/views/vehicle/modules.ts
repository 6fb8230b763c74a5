import type { ModuleView, VehicleView } from '#contract/vehicle-api.ts';
import type { TreeGroup } from '#ui/components/rows.ts';
import type { StatusState } from '#ui/components/types.ts';
import type { Texts } from '#ui/messages/index.svelte.ts';

const STATES: Readonly<Record<ModuleView['status'], StatusState>> = {
  ok: 'ok',
  faults: 'faults',
  'not-answering': 'silent',
  'boot-loader': 'boot',
  locked: 'locked',
  'unknown-variant': 'unknown',
  reading: 'live',
  waiting: 'todo',
};

export function moduleState(module: ModuleView): StatusState {
  return STATES[module.status];
}

/** Answers and has nothing to say, is still being asked, or is silent: none of that is counted as "not OK". */
const QUIET: readonly ModuleView['status'][] = ['ok', 'reading', 'waiting', 'not-answering'];

/** The modules by part of the car, in the order of the walk. */
export function moduleGroups(vehicle: VehicleView, text: Texts): readonly TreeGroup[] {
  const groups = new Map<string, ModuleView[]>();
  for (const module of vehicle.modules) {
    const group = groups.get(module.group.en);
    if (group === undefined) groups.set(module.group.en, [module]);
    else group.push(module);
  }
  const missing = vehicle.since?.missingModules ?? [];
  return [...groups].map(([id, modules]): TreeGroup => {
    const notOk = modules.filter(
      ({ status, moduleId }) => !QUIET.includes(status) || missing.includes(moduleId),
    ).length;
    const [first] = modules;
    return {
      id,
      name: first === undefined ? id : text.format.pick(first.group),
      note: notOk === 0 ? undefined : text.vehicle.notOk(notOk),
      rows: modules.map((module) => ({
        id: module.moduleId,
        address: module.label,
        name: text.format.pick(module.title),
        ownName: module.shortName,
        part: module.identity?.part ?? undefined,
        software: module.identity?.softwareVersion ?? undefined,
        state: moduleState(module),
        stateLabel: missing.includes(module.moduleId)
          ? text.vehicle.missing
          : text.status.module(module.status, module.faults?.entries.length ?? 0),
      })),
    };
  });
}

/** A stored fault with the module it is in; `isNew`: not there on the scan before. */
export interface CarFault {
  readonly module: ModuleView;
  readonly code: string;
  readonly status: number;
  readonly isNew: boolean;
}

export function faultsOf(vehicle: VehicleView): readonly CarFault[] {
  const news = vehicle.since?.newFaults ?? [];
  return vehicle.modules.flatMap((module) =>
    (module.faults?.entries ?? []).map(({ code, status }) => ({
      module,
      code,
      status,
      isNew: news.some((fault) => fault.moduleId === module.moduleId && fault.code === code),
    })),
  );
}
