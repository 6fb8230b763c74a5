import type { ModuleView } from '#contract/vehicle-api.ts';
import { Asker } from '#procedures/adapter-check/ask.ts';
import type { AdapterBench } from '#procedures/adapter-check/bench.ts';
import type { KnownValue } from '#procedures/adapter-check/proof.ts';
import { clientOptionsOf, definitionOf, type ProcedureContext } from '#procedures/context.ts';

/** A module that answers now, and what of it can be read in the default session. Longest value first. */
export interface AskedModule {
  readonly module: ModuleView;
  readonly asker: Asker;
  readonly values: readonly KnownValue[];
}

/** `62 D D` and five bytes: the shortest answer that needs more than one frame. */
const FEWEST_LONG_VALUE_BYTES = 5;

/** Bytes of the whole answer that brings a value. */
export function answerBytes({ lengthBytes }: KnownValue): number {
  return 3 + lengthBytes;
}

/** Does a value of so many bytes come in several frames? */
export function isLong(lengthBytes: number): boolean {
  return lengthBytes >= FEWEST_LONG_VALUE_BYTES;
}

export function longValues({ values }: Pick<AskedModule, 'values'>): readonly KnownValue[] {
  return values.filter(({ lengthBytes }) => isLong(lengthBytes));
}

/** The modules of the last scan that still answer, each asked once. Empty: no scan yet, or no car. */
export async function answeringModules(ctx: ProcedureContext, bench: AdapterBench): Promise<readonly AskedModule[]> {
  const answering: AskedModule[] = [];
  for (const module of ctx.vehicle.view?.modules ?? []) {
    if (!UP.has(module.status)) continue;
    const client = await ctx.link.client(module.address, clientOptionsOf(definitionOf(ctx.packs, module)));
    const asker = new Asker(ctx, bench, client);
    if (!(await asker.isThere())) continue;
    await asker.begin();
    answering.push({ module, asker, values: readableValues(ctx, module) });
  }
  return answering;
}

/** Not those in a boot loader: they are left alone. */
const UP: ReadonlySet<ModuleView['status']> = new Set(['ok', 'faults', 'locked', 'unknown-variant']);

/**
 * What the scan read of the module, and the coding blocks that its definition names as readable without a session. Not those
 * with bits that change by themselves: the same value is compared again and again.
 */
function readableValues(ctx: Pick<ProcedureContext, 'packs'>, module: ModuleView): readonly KnownValue[] {
  const byDid = new Map<number, KnownValue>();
  for (const read of module.identity?.reads ?? []) {
    const did = Number.parseInt(read.did, 16);
    if (read.kind === 'bytes') byDid.set(did, { did, lengthBytes: read.hex.length / 2 });
  }
  for (const block of definitionOf(ctx.packs, module)?.codingBlocks ?? []) {
    const did = Number.parseInt(block.did, 16);
    if (block.readSession === 0x01 && block.unstableMask === undefined)
      byDid.set(did, { did, lengthBytes: block.lengthBytes });
  }
  return [...byDid.values()].sort((a, b) => b.lengthBytes - a.lengthBytes);
}
