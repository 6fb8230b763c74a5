import type { ModuleId } from '#contract/isotp.ts';
import type { ModuleView, VehicleView } from '#contract/vehicle-api.ts';
import type { VehicleMemory } from '#procedures/context.ts';

/** The car as it is known now, in memory; every change is told to whoever shows it. */
export function createVehicleMemory(
  onVehicle: (view: VehicleView | null) => void,
  onModule: (module: ModuleView) => void,
): VehicleMemory & { clear(): void; markStale(): void } {
  let view: VehicleView | null = null;
  return {
    get view() {
      return view;
    },
    begin(next) {
      view = next;
      onVehicle(view);
    },
    update(patch) {
      if (view === null) return;
      view = { ...view, ...patch };
      onVehicle(view);
    },
    put(module) {
      if (view === null) return;
      const known = view.modules.some((other) => other.moduleId === module.moduleId);
      view = {
        ...view,
        modules: known
          ? view.modules.map((other) => (other.moduleId === module.moduleId ? module : other))
          : [...view.modules, module],
      };
      onModule(module);
    },
    module: (moduleId: ModuleId) => view?.modules.find((module) => module.moduleId === moduleId) ?? null,
    clear() {
      view = null;
      onVehicle(null);
    },
    markStale() {
      if (view === null) return;
      view = { ...view, modules: view.modules.map((module) => ({ ...module, stale: true })) };
      onVehicle(view);
    },
  };
}
