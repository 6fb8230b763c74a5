import type { Clock } from '#base/clock.ts';
import { fromHex } from '#base/hex.ts';
import type { VoltageReading } from '#contract/backup.ts';
import type { DefinitionPack } from '#contract/definition.ts';
import type { ModuleId } from '#contract/isotp.ts';
import { clientOptionsOf, definitionOf, type VehicleLink, type VehicleMemory } from '#procedures/context.ts';
import { readIdentifier } from '#procedures/reads.ts';
import { plausible } from '#procedures/voltage.ts';

/** A module's own converter; makers state no error for it, so a generous one is said. */
const MODULE_ERROR_VOLTS = 0.2;

/**
 * Voltage from the sources of design 6, best first: the adapter's own reading, else a voltage identifier of a module other
 * than the one being worked on. Never guessed: else unknown.
 */
export async function readVoltage(
  parts: {
    readonly clock: Clock;
    readonly packs: readonly DefinitionPack[];
    readonly vehicle: VehicleMemory;
    readonly link: VehicleLink | null;
    readonly signal: AbortSignal;
  },
  besides: ModuleId | null,
): Promise<VoltageReading> {
  const { clock, packs, vehicle, link, signal } = parts;
  if (link === null) return { kind: 'unknown', why: 'no-source' };
  if (link.supply !== null) {
    const volts = await link.supply.readVolts();
    return plausible({
      kind: 'known',
      volts,
      errorVolts: link.supply.errorVolts,
      source: 'adapter',
      from: 'adapter',
      atMs: clock.now(),
    });
  }
  let asked = false;
  for (const module of vehicle.view?.modules ?? []) {
    const definition = definitionOf(packs, module);
    if (definition?.supply === undefined || module.moduleId === besides || module.status === 'not-answering') continue;
    asked = true;
    const client = await link.client(module.address, clientOptionsOf(definition));
    const read = await readIdentifier(client, definition.supply.did, signal);
    if (read.kind !== 'bytes') continue;
    const bytes = fromHex(read.hex);
    if (bytes.length !== definition.supply.lengthBytes) continue;
    const raw = bytes.reduce((value, byte) => value * 256 + byte, 0);
    return plausible({
      kind: 'known',
      volts: Math.round(raw * definition.supply.factor * 100) / 100,
      errorVolts: MODULE_ERROR_VOLTS,
      source: 'module',
      from: module.shortName,
      atMs: clock.now(),
    });
  }
  return { kind: 'unknown', why: asked ? 'no-answer' : 'no-source' };
}
