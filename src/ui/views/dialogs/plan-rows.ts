import type { Definition } from '#contract/definition.ts';
import type { PlanChange, WritePlan } from '#contract/plan.ts';
import type { DiffRow } from '#ui/components/rows.ts';
import type { Texts } from '#ui/messages/index.svelte.ts';
import { spanOf } from '#ui/views/module/options.ts';
import { riskTag } from '#ui/views/module/risk.ts';

/** A plan's changes as a table: in words, with the bytes that carry them where the definition says which. */
export function planRows(plan: WritePlan, definition: Definition | null, text: Texts): readonly DiffRow[] {
  if (plan.changes.length === 0)
    return plan.blocks
      .filter(({ oldHex, newHex }) => oldHex !== newHex)
      .map((block) => ({
        id: block.did,
        name: text.format.pick(block.title),
        now: text.format.hexSpaced(block.oldHex),
        next: text.format.hexSpaced(block.newHex),
      }));
  return plan.changes.map((change, index) => ({
    id: `${change.blockDid} ${change.parameterId ?? index}`,
    name: text.format.pick(change.title),
    risk: riskTag(change.risk, text),
    now: text.format.pick(change.from),
    next: text.format.pick(change.to),
    ...bytesOf(plan, change, definition, text),
  }));
}

function bytesOf(plan: WritePlan, change: PlanChange, definition: Definition | null, text: Texts): Partial<DiffRow> {
  const parameter = definition?.parameters.find(({ id }) => id === change.parameterId);
  const block = plan.blocks.find(({ did }) => did === change.blockDid);
  if (parameter === undefined || block === undefined) return {};
  const { from, to } = spanOf(parameter);
  const hex = (bytes: string) => text.format.hexSpaced(bytes.slice(from * 2, to * 2));
  return { byte: String(from), oldHex: hex(block.oldHex), newHex: hex(block.newHex) };
}
