import type { Clock } from '#base/clock.ts';
import { fromHex } from '#base/hex.ts';
import type { VoltageReading } from '#contract/backup.ts';
import type { DefinitionPack } from '#contract/definition.ts';
import { isStackError } from '#contract/errors.ts';
import type { ModuleId } from '#contract/isotp.ts';
import { clientOptionsOf, definitionOf, type VehicleLink, type VehicleMemory } from '#procedures/context.ts';
import { readIdentifier } from '#procedures/reads.ts';
import { plausible } from '#procedures/voltage.ts';
import { parseTypedVoltage } from '#rpc/commands.ts';

/** A module's own converter; makers state no error for it, so a generous one is said. */
const MODULE_ERROR_VOLTS = 0.2;

/** A typed reading is asked for again after this long (design 6c). */
const SIGNED_FOR_MS = 600_000;
/** Workshop meters on this range, and the time between the look and the typing. */
const SIGNED_ERROR_VOLTS = 0.1;

/** What a person read on a meter and signed. */
export interface SignedReading {
  readonly reading: Extract<VoltageReading, { kind: 'known' }>;
  readonly untilMs: number;
}

/** @throws StackError `rpc/malformed-call` */
export function signedReading(command: unknown, clock: Clock): SignedReading {
  const { volts, name, stabiliser } = parseTypedVoltage(command);
  const atMs = clock.now();
  const from = stabiliser === '' ? name : `${name}, ${stabiliser}`;
  return {
    reading: { kind: 'known', volts, errorVolts: SIGNED_ERROR_VOLTS, source: 'signed', from, atMs },
    untilMs: atMs + SIGNED_FOR_MS,
  };
}

/**
 * Voltage from the sources of design 6, best first: the adapter's own reading, else a voltage identifier of a module other
 * than the one being worked on, else what a person typed and signed less than ten minutes ago. Never guessed: else unknown.
 */
export async function readVoltage(
  parts: {
    readonly clock: Clock;
    readonly packs: readonly DefinitionPack[];
    readonly vehicle: VehicleMemory;
    readonly link: VehicleLink | null;
    readonly signed: SignedReading | null;
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
    const read = await readIdentifier(client, definition.supply.did, signal).catch(unlessGone);
    if (read?.kind !== 'bytes') continue;
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
  const { signed } = parts;
  if (signed !== null && clock.now() < signed.untilMs) return plausible(signed.reading);
  return { kind: 'unknown', why: asked ? 'no-answer' : 'no-source' };
}

/** A module that is gone tells no voltage; that is no reason for whoever asked to end. */
function unlessGone(error: unknown): null {
  if (isStackError(error, 'diag/module-lost')) return null;
  throw error;
}
