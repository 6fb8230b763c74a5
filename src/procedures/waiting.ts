import type { DiagClient } from '#contract/diagnostics.ts';
import type { ProcedureContext } from '#procedures/context.ts';

const BUSY = 0x21;

/** While the module works (78) or asks for patience (21) the operation says so (U01, U02). Returns the end of it. */
export function tellWaiting(ctx: Pick<ProcedureContext, 'emit'>, client: DiagClient): () => void {
  return client.onEvent((event) => {
    if (event.type === 'pending')
      ctx.emit({ type: 'waiting', reason: 'module-working', untilWallMs: null, count: event.count });
    if (event.type === 'waiting' && event.nrc === BUSY)
      ctx.emit({ type: 'waiting', reason: 'module-busy', untilWallMs: null, count: 1 });
  });
}
