import { fromHex, toHex } from '#base/hex.ts';
import type { Backup, IdentRead, ModuleIdentity } from '#contract/backup.ts';
import { KEY_IDENTIFIERS } from '#contract/backup.ts';
import type { Definition, RiskClass } from '#contract/definition.ts';
import { StackError } from '#contract/errors.ts';
import type { PlanChange, PlanModule, PlanWarning, WritePlan } from '#contract/plan.ts';
import type { ModuleView, PlanCodingCommand, ShopCodeChoice } from '#contract/vehicle-api.ts';
import { applyChanges, countUnknownBits, diffBlocks } from '#definitions/index.ts';
import { takeBackup } from '#procedures/backup/take.ts';
import { assertShopCode } from '#procedures/coding/shop-code.ts';
import { type BlockWrite, estimate, planBlocks, writeSessionOf, writeSteps } from '#procedures/coding/steps.ts';
import { findDefinition, type ProcedureContext } from '#procedures/context.ts';
import { withUnstableFrom } from '#procedures/masked.ts';
import { linkWarnings } from '#procedures/link-warnings.ts';
import { voltageWarnings } from '#procedures/voltage.ts';

/**
 * Plans a coding: backs the module up, applies the wanted options to the bytes just read, and says in words and bytes what
 * would be written. Nothing is changed on the car.
 * @throws StackError `definition/*`, `plan/nothing-to-do`, `plan/shop-code-unset`, `vehicle/*`, `job/unfinished`, `backup/*`, `security/no-provider`
 */
export async function planCoding(ctx: ProcedureContext, command: PlanCodingCommand): Promise<WritePlan> {
  const { module, definition } = writableModule(ctx, command.moduleId);
  const wanted = definition.codingBlocks.filter(
    ({ id, did }) =>
      command.raw?.some((block) => block.did === did) ||
      command.changes.some((change) =>
        definition.parameters.some((known) => known.id === change.parameterId && known.block === id),
      ),
  );
  await assertShopCode(ctx, module, definition, wanted, command.shopCode);
  const backup = await takeBackup(ctx, module, 'before-write');
  if (command.raw && !ctx.settings.expert)
    throw new StackError('gate/denied', 'raw bytes need the expert setting', {
      request: command.moduleId,
      rule: 'expert-only',
    });
  const writes: BlockWrite[] = [];
  for (const block of definition.codingBlocks) {
    const oldHex = backup.blocks.find((held) => held.did === block.did && held.role === 'coding')?.hex;
    const ours = command.changes.filter(
      (change) => definition.parameters.find((known) => known.id === change.parameterId)?.block === block.id,
    );
    const raw = command.raw?.find((wanted) => wanted.did === block.did);
    if (ours.length === 0 && raw === undefined) continue;
    if (oldHex === undefined)
      throw new StackError('backup/missing', `block ${block.did} could not be read`, { what: block.did });
    const base = raw === undefined ? fromHex(oldHex) : rawBytes(raw.hex, block.lengthBytes, block.did);
    const newHex = toHex(
      applyChanges(base, definition, block.id, ours, {
        software: module.identity?.softwareVersion ?? null,
        part: module.identity?.part ?? null,
      }),
    );
    if (newHex !== oldHex) writes.push({ block, oldHex, newHex });
  }
  return writePlan(ctx, {
    kind: 'coding',
    module,
    definition,
    backup,
    writes,
    shopCode: command.shopCode,
    sourceBackupId: null,
    repairs: null,
    expertRaw: command.raw !== undefined,
    warnings: [],
  });
}

export interface WritePlanInput {
  readonly kind: WritePlan['kind'];
  readonly module: ModuleView;
  readonly definition: Definition;
  readonly backup: Backup;
  readonly writes: readonly BlockWrite[];
  readonly shopCode: ShopCodeChoice;
  readonly sourceBackupId: string | null;
  readonly repairs: string | null;
  readonly expertRaw: boolean;
  readonly warnings: readonly PlanWarning[];
}

/** Joins the parts of a plan that coding, restore and rollback share. */
export async function writePlan(ctx: ProcedureContext, input: WritePlanInput): Promise<WritePlan> {
  const { module, definition, backup, writes } = input;
  if (writes.length === 0) throw new StackError('plan/nothing-to-do', 'the module already holds these values', {});
  const steps = writeSteps(ctx, definition, backup, writes, input.shopCode);
  const voltage = await ctx.readVoltage(module.moduleId);
  const changes = writes.flatMap(({ block, oldHex, newHex }) =>
    describeChanges(definition, block.id, block.did, oldHex, newHex),
  );
  const unknownBits = writes.reduce(
    (count, { block, oldHex, newHex }) =>
      count + countUnknownBits(fromHex(oldHex), fromHex(newHex), definition, block.id),
    0,
  );
  const shopWarning: readonly PlanWarning[] =
    input.shopCode.kind === 'module' && steps.some((step) => step.kind === 'write' && step.purpose === 'prelude')
      ? [{ kind: 'shop-code-of-module' }]
      : [];
  return {
    kind: input.kind,
    id: ctx.newId(),
    operationId: ctx.newId(),
    simulated: ctx.stores.simulated,
    madeAtWallMs: ctx.clock.wallMs(),
    vin: ctx.vehicle.view?.vin ?? null,
    module: planModule(module),
    identity: keyIdentityOf(backup.module),
    definition: pinned(module),
    steps,
    warnings: [
      ...voltageWarnings(voltage),
      ...linkWarnings(ctx.link),
      ...shopWarning,
      ...(unknownBits > 0 ? [{ kind: 'unknown-bits', count: unknownBits } as const] : []),
      ...input.warnings,
    ],
    voltage,
    estimateMs: estimate(steps),
    backupId: backup.id,
    sourceBackupId: input.sourceBackupId,
    repairs: input.repairs,
    changes,
    blocks: planBlocks(writes),
    keepAwake: definition.keepAwake,
    equalSessions: definition.timing?.equalSessions ?? [],
    writeSession: writeSessionOf(writes),
    reset: definition.resetAfterWrite,
    ignitionCycle: definition.ignitionCycle === 'after-write',
    expertRaw: input.expertRaw,
    risk: highestRisk(changes),
  };
}

/** A module may be written only with an exact match, one VIN in the car, and its values known (design 5). */
export function writableModule(
  ctx: ProcedureContext,
  moduleId: string,
): { readonly module: ModuleView; readonly definition: Definition } {
  const view = ctx.vehicle.view;
  const module = ctx.vehicle.module(moduleId);
  if (view === null || module === null)
    throw new StackError('vehicle/module-unknown', `no module ${moduleId} in this car`, { moduleId });
  if (view.vinConflict)
    throw new StackError('vehicle/vin-conflict', 'modules of this car report different VINs', {
      vins: [...new Set(view.vinSources.flatMap((source) => source.vin ?? []))],
    });
  const match = module.identity?.match ?? { kind: 'none' };
  if (match.kind === 'none')
    throw new StackError('definition/no-match', `no definition fits ${moduleId}`, { moduleId });
  if (match.kind === 'near')
    throw new StackError('definition/near-match', `the definition ${match.definitionId} fits only nearly`, {
      definitionId: match.definitionId,
      differs: match.differs,
    });
  const definition = findDefinition(ctx.packs, match.packId, match.definitionId);
  if (definition === null)
    throw new StackError('definition/no-match', `the definition of ${moduleId} is not loaded`, { moduleId });
  return { module, definition };
}

export function planModule(module: ModuleView): PlanModule {
  return {
    moduleId: module.moduleId,
    address: module.address,
    label: module.label,
    title: module.title,
    moduleKey: moduleKey(module),
  };
}

/** Key of the security memory: the serial number, else VIN and address. */
export function moduleKey(module: ModuleView): string {
  return module.identity?.serial ?? `${module.identity?.vin ?? 'no-vin'} ${module.moduleId}`;
}

/** The key identifiers out of everything that was read of a module. */
export function keyIdentityOf(identity: ModuleIdentity): readonly IdentRead[] {
  return KEY_IDENTIFIERS.map(
    (did) => identity.reads.find((read) => read.did === did) ?? { did, kind: 'silent' as const },
  );
}

export function pinned(module: ModuleView): WritePlan['definition'] {
  const match = module.identity?.match;
  return match === undefined || match.kind === 'none'
    ? null
    : { packId: match.packId, id: match.definitionId, sha256: match.sha256 };
}

function describeChanges(
  definition: Definition,
  blockId: string,
  did: string,
  oldHex: string,
  newHex: string,
): readonly PlanChange[] {
  return diffBlocks(fromHex(oldHex), fromHex(newHex), definition, blockId).map((difference) => ({
    ...difference,
    blockDid: did,
  }));
}

function rawBytes(hex: string, lengthBytes: number, did: string): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes.length !== lengthBytes)
    throw new StackError(
      'definition/block-length',
      `block ${did} has ${lengthBytes} bytes, ${bytes.length} were given`,
      { did, expectedBytes: lengthBytes, actualBytes: bytes.length },
    );
  return bytes;
}

const RISK_ORDER: readonly RiskClass[] = ['comfort', 'road-law', 'driving-assistance', 'safety'];

function highestRisk(changes: readonly PlanChange[]): RiskClass {
  return changes.reduce<RiskClass>(
    (highest, change) => (RISK_ORDER.indexOf(change.risk) > RISK_ORDER.indexOf(highest) ? change.risk : highest),
    'comfort',
  );
}

/** A restore writes the backup's bytes, but never sets a running counter back. */
export function restoredBytes(wanted: string, live: string, unstableMask: string | undefined): string {
  return withUnstableFrom(wanted, live, unstableMask);
}
