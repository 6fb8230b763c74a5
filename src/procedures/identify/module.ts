import type { IdentRead, ModuleIdentity } from '#contract/backup.ts';
import { KEY_IDENTIFIERS } from '#contract/backup.ts';
import type { Definition, DidText } from '#contract/definition.ts';
import type { DiagClient } from '#contract/diagnostics.ts';
import type { ModuleView } from '#contract/vehicle-api.ts';
import { matchDefinition } from '#definitions/index.ts';
import { findDefinition, type ProcedureContext } from '#procedures/context.ts';
import { findRead, identText, readIdentifiers } from '#procedures/reads.ts';

/** Order that tells most with the first answers (reference: diagnostics B.1). */
const FIRST_READS: readonly DidText[] = ['F190', 'F187', 'F189', 'F191', 'F18C', 'F197', 'F19E', 'F1A2'];

/** Reads who a module is and matches its definition. One identifier a request; refusals are kept. */
export async function identify(ctx: ProcedureContext, client: DiagClient, module: ModuleView): Promise<ModuleIdentity> {
  const first = await readIdentifiers(client, FIRST_READS, ctx.signal);
  const vin = identText(findRead(first, 'F190'));
  const match = matchDefinition(ctx.packs, {
    moduleId: module.moduleId,
    vin: vin ?? ctx.vehicle.view?.vin ?? null,
    reads: first,
  });
  const definition = match.kind === 'none' ? null : findDefinition(ctx.packs, match.packId, match.definitionId);
  const more = definition ? await readIdentifiers(client, furtherReads(definition), ctx.signal) : [];
  const reads = [...first, ...more];
  return {
    moduleId: module.moduleId,
    address: module.address,
    label: module.label,
    shortName: module.shortName,
    part: identText(findRead(reads, 'F187')),
    hardware: identText(findRead(reads, 'F191')),
    softwareVersion: identText(findRead(reads, 'F189')),
    serial: identText(findRead(reads, 'F18C')),
    vin,
    reads,
    match,
  };
}

/** The five identifiers that must not change between plan and write (H02, S07). */
export async function readKeyIdentity(client: DiagClient, signal: AbortSignal): Promise<readonly IdentRead[]> {
  return readIdentifiers(client, KEY_IDENTIFIERS, signal);
}

function furtherReads(definition: Definition): readonly DidText[] {
  return definition.identification.map((item) => item.did).filter((did) => !FIRST_READS.includes(did));
}
