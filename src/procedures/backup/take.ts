import type { Backup, BackupBlock, IdentRead } from '#contract/backup.ts';
import type { CodingBlock, Definition, DidText } from '#contract/definition.ts';
import type { DiagClient } from '#contract/diagnostics.ts';
import { StackError } from '#contract/errors.ts';
import type { ModuleView } from '#contract/vehicle-api.ts';
import { clientOptionsOf, definitionOf, type ProcedureContext } from '#procedures/context.ts';
import { identify } from '#procedures/identify/module.ts';
import { sameRead } from '#procedures/masked.ts';
import { ensureSession, freshSession, preludeIdentifiers, readFaults, readIdentifier } from '#procedures/reads.ts';
import { tellWaiting } from '#procedures/waiting.ts';

/** One pass over everything that a write to this module could destroy. */
interface Pass {
  readonly coding: readonly IdentRead[];
  readonly prelude: readonly IdentRead[];
}

/**
 * Backs a module up (I1): every coding block and prelude stamp, in two passes, the second after the whole module and in a
 * new session; equal, or explained by the definition's mask. Durable when it returns.
 * @throws StackError `backup/unstable` (fault U14), `backup/missing`, `definition/block-length` (fault U11), `diag/*`, `store/*`
 */
export async function takeBackup(ctx: ProcedureContext, module: ModuleView, reason: Backup['reason']): Promise<Backup> {
  const definition = definitionOf(ctx.packs, module);
  if (definition === null)
    throw new StackError('definition/no-match', `no definition for ${module.moduleId}`, { moduleId: module.moduleId });
  const client = await ctx.link.client(module.address, clientOptionsOf(definition));
  const keep = client.keepSession();
  const silence = tellWaiting(ctx, client);
  try {
    ctx.emit({ type: 'phase-started', phase: 'identity', cancel: 'immediate', total: null });
    const identity = await identify(ctx, client, module);
    ctx.emit({ type: 'phase-finished', phase: 'identity' });
    const session = readSessionOf(definition);
    const first = await onePass(ctx, client, definition, 'first-pass', session);
    const second = await onePass(ctx, client, definition, 'second-pass', session);
    assertStable(definition, first, second);
    // A near match is shown and backed up as it is; only an exact one promises the lengths (fault U11).
    if (identity.match.kind === 'exact')
      for (const read of second.coding)
        assertLength(
          definition.codingBlocks.find((block) => block.did === read.did),
          read,
        );
    const faults = await readFaults(client, ctx.signal);

    ctx.emit({ type: 'phase-started', phase: 'store', cancel: 'never', total: null });
    const reads = [...second.coding, ...second.prelude];
    const blocks = reads.flatMap((read): BackupBlock[] => {
      if (read.kind !== 'bytes') return [];
      const block = definition.codingBlocks.find((known) => known.did === read.did);
      const unstableMask = block?.unstableMask;
      return [
        {
          service: '22',
          did: read.did,
          role: block ? 'coding' : 'prelude',
          hex: read.hex,
          ...(unstableMask ? { unstableMask } : {}),
        },
      ];
    });
    if (!blocks.some((block) => block.role === 'coding'))
      throw new StackError('backup/missing', `${module.shortName}: no coding could be read`, { what: module.moduleId });
    const view = ctx.vehicle.view;
    const backup = await ctx.stores.backups.add({
      simulated: ctx.stores.simulated,
      takenAtWallMs: ctx.clock.wallMs(),
      tool: { name: 'codebay', version: ctx.toolVersion },
      vehicle: { vin: view?.vin ?? identity.vin, sources: view?.vinSources ?? [] },
      module: identity,
      blocks,
      unreadable: reads.filter((read) => read.kind !== 'bytes'),
      faults,
      session,
      securityLevel: client.state.unlockedLevel,
      voltage: await ctx.readVoltage(module.moduleId),
      reason,
      operationId: ctx.operationId,
    });
    ctx.vehicle.put({
      ...module,
      identity,
      status: faults === null || faults.length === 0 ? 'ok' : 'faults',
      faults: faults === null ? null : { entries: faults, readAtWallMs: ctx.clock.wallMs() },
      blocks: { entries: blocks, unreadable: backup.unreadable, readAtWallMs: ctx.clock.wallMs() },
      stale: false,
      lastBackup: { id: backup.id, takenAtWallMs: backup.takenAtWallMs },
    });
    ctx.emit({ type: 'phase-finished', phase: 'store' });
    return backup;
  } finally {
    keep();
    silence();
  }
}

async function onePass(
  ctx: ProcedureContext,
  client: DiagClient,
  definition: Definition,
  phase: 'first-pass' | 'second-pass',
  session: number,
): Promise<Pass> {
  const codingDids = definition.codingBlocks.map((block) => block.did);
  const preludeDids = preludeIdentifiers(definition);
  const total = codingDids.length + preludeDids.length;
  ctx.emit({ type: 'phase-started', phase, cancel: 'immediate', total });
  await freshSession(client, session, ctx.signal);
  let done = 0;
  const readAll = async (dids: readonly DidText[]): Promise<readonly IdentRead[]> => {
    const reads: IdentRead[] = [];
    for (const did of dids) {
      await ensureSession(client, session, ctx.signal);
      reads.push(await readIdentifier(client, did, ctx.signal));
      ctx.emit({ type: 'progress', phase, done: ++done, total, subject: did });
    }
    return reads;
  };
  const pass = { coding: await readAll(codingDids), prelude: await readAll(preludeDids) };
  ctx.emit({ type: 'phase-finished', phase });
  return pass;
}

function assertLength(block: CodingBlock | undefined, read: IdentRead): void {
  if (read.kind !== 'bytes' || block === undefined || read.hex.length === block.lengthBytes * 2) return;
  throw new StackError(
    'definition/block-length',
    `block ${read.did} has ${read.hex.length / 2} bytes, the definition says ${block.lengthBytes}`,
    {
      did: read.did,
      expectedBytes: block.lengthBytes,
      actualBytes: read.hex.length / 2,
    },
  );
}

function assertStable(definition: Definition, first: Pass, second: Pass): void {
  const again = [...second.coding, ...second.prelude];
  for (const [i, read] of [...first.coding, ...first.prelude].entries()) {
    const other = again[i];
    const mask = definition.codingBlocks.find((block) => block.did === read.did)?.unstableMask;
    if (other !== undefined && sameRead(read, other, mask)) continue;
    const text = (one: IdentRead | undefined) => (one?.kind === 'bytes' ? one.hex : (one?.kind ?? 'nothing'));
    throw new StackError('backup/unstable', `block ${read.did} read twice gave different bytes`, {
      did: read.did,
      first: text(read),
      second: text(other),
    });
  }
}

function readSessionOf(definition: Definition): number {
  return definition.codingBlocks.reduce((highest, block) => Math.max(highest, block.readSession), 0x01);
}
