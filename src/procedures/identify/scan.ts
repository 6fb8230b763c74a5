import type { DefinitionPack, FunctionalAddress, ModuleSlot } from '#contract/definition.ts';
import { isNegativeResponse, isStackError, StackError } from '#contract/errors.ts';
import { type ModuleId, moduleIdOf } from '#contract/isotp.ts';
import type { ScanRecord } from '#contract/records.ts';
import type { ModuleView, VehicleView } from '#contract/vehicle-api.ts';
import { definitionTitle, slotsOf, toIsoTpAddress } from '#definitions/index.ts';
import { readDataByIdentifier, testerPresent } from '#diagnostics/index.ts';
import { clientOptionsOf, definitionOf, type ProcedureContext } from '#procedures/context.ts';
import { identify } from '#procedures/identify/module.ts';
import { lockoutsOf } from '#procedures/lockouts.ts';
import { identText, readFaults, readIdentifier } from '#procedures/reads.ts';

/** How long answers to a broadcast are collected; some modules answer late (behaviour 15). */
const COLLECT_MS = 700;
/** A module that is asked for the first time: shorter than the normal patience, once repeated by the client. */
const PROBE_TIMEOUT_MS = 600;
/** Pause between modules, so that a sweep does not load the bus (reference: diagnostics B.5, rule 7). */
const PACE_MS = 20;

/**
 * Walks the car: broadcast, VIN from two modules, then every address of the family one by one. Results stream into the
 * vehicle view as they come; a cancel keeps what was found. Reads only.
 * @throws StackError `vehicle/no-module-answers`
 */
export async function scan(ctx: ProcedureContext): Promise<VehicleView> {
  ctx.emit({ type: 'phase-started', phase: 'wake', cancel: 'immediate', total: null });
  const responders = await wake(ctx);
  ctx.emit({ type: 'phase-finished', phase: 'wake' });

  ctx.emit({ type: 'phase-started', phase: 'vin', cancel: 'immediate', total: 2 });
  const everySlot = uniqueSlots(ctx.packs.flatMap((pack) => pack.modules));
  const vinSources = await readVins(ctx, everySlot, responders);
  ctx.emit({ type: 'phase-finished', phase: 'vin' });
  const vin = majority(vinSources.flatMap((source) => source.vin ?? []));
  const slots = uniqueSlots(slotsOf(ctx.packs, vin));

  ctx.vehicle.begin({
    simulated: ctx.stores.simulated,
    vin,
    vinSources,
    vinConflict: conflicting(vinSources),
    scannedAtWallMs: null,
    filteredBy: null,
    modules: slots.map((slot) => waitingModule(slot)),
    since: null,
  });
  ctx.emit({ type: 'phase-started', phase: 'modules', cancel: 'immediate', total: slots.length });
  let answering = 0;
  for (const [i, slot] of slots.entries()) {
    const module = await scanModule(ctx, slot);
    ctx.vehicle.put(module);
    if (module.status !== 'not-answering') answering++;
    ctx.emit({ type: 'progress', phase: 'modules', done: i + 1, total: slots.length, subject: slot.title.en });
    await ctx.clock.sleep(PACE_MS, { signal: ctx.signal });
  }
  if (answering === 0)
    throw new StackError('vehicle/no-module-answers', 'no module of the car answers', {
      asked: slots.length,
      traffic: ctx.link.framesSeen() > 0,
    });
  ctx.emit({ type: 'phase-finished', phase: 'modules' });
  return finish(ctx, slots);
}

async function wake(ctx: ProcedureContext): Promise<ReadonlySet<ModuleId>> {
  const seen = new Set<ModuleId>();
  for (const address of uniqueFunctional(ctx.packs)) {
    const client = await ctx.link.functional(address);
    try {
      await client.broadcast(testerPresent, {}, (response) => seen.add(response.source), {
        signal: ctx.signal,
        collectMs: COLLECT_MS,
      });
    } finally {
      await client.close();
    }
    ctx.emit({ type: 'progress', phase: 'wake', done: seen.size, total: null, subject: address.requestId });
  }
  return seen;
}

/** VIN of the first two modules that have one: a car with two VINs is not written (fault V08). */
async function readVins(
  ctx: ProcedureContext,
  slots: readonly ModuleSlot[],
  responders: ReadonlySet<ModuleId>,
): Promise<VehicleView['vinSources']> {
  const found: { moduleId: ModuleId; vin: string | null }[] = [];
  const answered = slots.filter((slot) => responders.has(responseKey(slot)));
  for (const slot of answered.length > 0 ? answered : slots) {
    if (found.length === 2) break;
    const address = toIsoTpAddress(slot.address);
    const client = await ctx.link.client(address);
    try {
      await client.call(readDataByIdentifier, { did: 0xf190 }, { signal: ctx.signal, timeoutMs: PROBE_TIMEOUT_MS * 4 });
    } catch (error) {
      if (
        isStackError(
          error,
          'diag/timeout',
          'diag/negative-response',
          'diag/module-lost',
          'call/timeout',
          'diag/malformed-response',
        )
      )
        continue;
      throw error;
    }
    const vin = identText(await readIdentifier(client, 'F190', ctx.signal));
    found.push({ moduleId: moduleIdOf(address), vin });
    ctx.emit({ type: 'progress', phase: 'vin', done: found.length, total: 2, subject: vin });
  }
  return found;
}

async function scanModule(ctx: ProcedureContext, slot: ModuleSlot): Promise<ModuleView> {
  const waiting = waitingModule(slot);
  ctx.vehicle.put({ ...waiting, status: 'reading' });
  const client = await ctx.link.client(waiting.address);
  try {
    await client.call(testerPresent, {}, { signal: ctx.signal, timeoutMs: PROBE_TIMEOUT_MS * 3 });
  } catch (error) {
    if (isStackError(error, ...SILENCE)) return silent(ctx, waiting);
    // A refusal is an answer: somebody lives here.
    if (!isNegativeResponse(error)) throw error;
  }
  try {
    return await readModule(ctx, waiting);
  } catch (error) {
    // It answered once and went away: the walk goes on without it.
    if (isStackError(error, 'diag/module-lost')) return silent(ctx, waiting);
    throw error;
  }
}

const SILENCE = ['diag/timeout', 'diag/module-lost', 'call/timeout'] as const;

async function silent(ctx: ProcedureContext, module: ModuleView): Promise<ModuleView> {
  await ctx.link.release(module.moduleId);
  return { ...module, status: 'not-answering' };
}

/** Identity and faults of one module, as the scan shows them. */
export async function readModule(ctx: ProcedureContext, module: ModuleView): Promise<ModuleView> {
  const client = await ctx.link.client(module.address);
  const identity = await identify(ctx, client, module);
  const identified: ModuleView = { ...module, identity };
  const definition = definitionOf(ctx.packs, identified);
  if (definition !== null && (definition.timing || definition.padding !== undefined)) {
    await ctx.link.release(module.moduleId);
    await ctx.link.client(module.address, clientOptionsOf(definition));
  }
  const faults = await readFaults(await ctx.link.client(module.address, clientOptionsOf(definition)), ctx.signal);
  const latest = (
    await ctx.stores.backups.list({
      moduleId: module.moduleId,
      ...(identity.serial === null ? {} : { serial: identity.serial }),
    })
  )[0];
  const status =
    identity.match.kind !== 'exact' && definition === null
      ? 'unknown-variant'
      : faults !== null && faults.length > 0
        ? 'faults'
        : 'ok';
  return {
    ...identified,
    title: definitionTitle(definition) ?? module.title,
    status: identity.match.kind === 'near' ? 'unknown-variant' : status,
    faults: faults === null ? null : { entries: faults, readAtWallMs: ctx.clock.wallMs() },
    stale: false,
    lockouts: await lockoutsOf(ctx, definition, identified),
    lastBackup: latest === undefined ? null : { id: latest.id, takenAtWallMs: latest.takenAtWallMs },
  };
}

/** The end of a walk: time, VIN conflict over all modules, what is new since the last scan; stored for the next. */
async function finish(ctx: ProcedureContext, slots: readonly ModuleSlot[]): Promise<VehicleView> {
  const view = ctx.vehicle.view;
  if (view === null) throw new StackError('vehicle/not-connected', 'the car went away', {});
  const vinSources = view.modules.flatMap((module) =>
    module.identity === null ? [] : [{ moduleId: module.moduleId, vin: module.identity.vin }],
  );
  const before = view.vin === null ? null : await ctx.stores.scans.latest(view.vin);
  const record: ScanRecord = {
    id: ctx.newId(),
    simulated: ctx.stores.simulated,
    vin: view.vin ?? '',
    scannedAtWallMs: ctx.clock.wallMs(),
    complete: true,
    modules: view.modules.flatMap(({ moduleId, status, identity, faults }) =>
      status === 'reading' || status === 'waiting'
        ? []
        : [{ moduleId, status, identity, faults: faults?.entries ?? null }],
    ),
  };
  if (view.vin !== null) await ctx.stores.scans.put(record);
  await ctx.stores.journal.append({
    operationId: ctx.operationId,
    simulated: ctx.stores.simulated,
    body: { type: 'note', what: 'scan', detail: `${view.vin ?? 'no VIN'}: ${record.modules.length} modules` },
  });
  ctx.vehicle.update({
    vinSources,
    vinConflict: conflicting(vinSources),
    scannedAtWallMs: record.scannedAtWallMs,
    filteredBy: filteringGateway(slots, view.modules),
    since: before === null ? null : compareScans(before, record),
  });
  return ctx.vehicle.view ?? view;
}

/** Fewer silent modules than this may simply not be fitted. */
const SILENT_GROUP = 3;

/**
 * A security gateway lets OBD modules (7E0–7E7) through and drops the rest: it answers itself while everything behind it is
 * silent. Named instead of asked again and again (fault T09).
 */
export function filteringGateway(slots: readonly ModuleSlot[], modules: readonly ModuleView[]): ModuleId | null {
  const gateway = slots.find((slot) => slot.gateway === true);
  if (gateway === undefined) return null;
  const gatewayId = moduleIdOf(toIsoTpAddress(gateway.address));
  const answers = (module: ModuleView) => module.status !== 'not-answering' && module.status !== 'waiting';
  const behind = modules.filter((module) => module.moduleId !== gatewayId && !/^7E[0-7]-/.test(module.moduleId));
  const itself = modules.find((module) => module.moduleId === gatewayId);
  if (itself === undefined || !answers(itself) || behind.length < SILENT_GROUP) return null;
  return behind.some(answers) ? null : gatewayId;
}

/** What changed between two walks over the same car. */
export function compareScans(before: ScanRecord, now: ScanRecord): NonNullable<VehicleView['since']> {
  const answering = (scanRecord: ScanRecord) =>
    new Set(scanRecord.modules.filter((module) => module.status !== 'not-answering').map((module) => module.moduleId));
  const [was, is] = [answering(before), answering(now)];
  return {
    newModules: [...is].filter((id) => !was.has(id)),
    missingModules: [...was].filter((id) => !is.has(id)),
    newFaults: now.modules.flatMap((module) => {
      const old = before.modules.find((other) => other.moduleId === module.moduleId);
      if (old?.faults === null || old === undefined) return [];
      return (module.faults ?? [])
        .filter((fault) => !old.faults?.some((other) => other.code === fault.code))
        .map((fault) => ({ moduleId: module.moduleId, code: fault.code }));
    }),
  };
}

function waitingModule(slot: ModuleSlot): ModuleView {
  const address = toIsoTpAddress(slot.address);
  return {
    moduleId: moduleIdOf(address),
    address,
    label: slot.label,
    shortName: slot.shortName,
    title: slot.title,
    group: slot.group,
    status: 'waiting',
    identity: null,
    faults: null,
    blocks: null,
    stale: false,
    lockouts: [],
    lastBackup: null,
  };
}

function uniqueSlots(slots: readonly ModuleSlot[]): readonly ModuleSlot[] {
  const byId = new Map<ModuleId, ModuleSlot>();
  for (const slot of slots) {
    const id = moduleIdOf(toIsoTpAddress(slot.address));
    if (!byId.has(id)) byId.set(id, slot);
  }
  return [...byId.values()];
}

function uniqueFunctional(packs: readonly DefinitionPack[]): readonly FunctionalAddress[] {
  const byId = new Map<string, FunctionalAddress>();
  for (const address of packs.flatMap((pack) => pack.functional))
    if (!byId.has(address.requestId)) byId.set(address.requestId, address);
  return [...byId.values()];
}

/** How a functional client names the source of an answer: the response id alone, its request id is not known there. */
function responseKey(slot: ModuleSlot): ModuleId {
  return moduleIdOf(toIsoTpAddress(slot.address));
}

function majority(values: readonly string[]): string | null {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best: string | null = null;
  for (const [value, count] of counts) if (best === null || count > (counts.get(best) ?? 0)) best = value;
  return best;
}

function conflicting(sources: VehicleView['vinSources']): boolean {
  return new Set(sources.flatMap((source) => source.vin ?? [])).size > 1;
}
