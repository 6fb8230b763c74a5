import type { PlanModule } from '#contract/plan.ts';
import type { Fact } from '#ui/components/types.ts';
import type { Texts } from '#ui/messages/index.svelte.ts';

export interface PrintedMatter {
  readonly vin: string | null;
  readonly module: Pick<PlanModule, 'label' | 'title'>;
  readonly part?: string | null | undefined;
  readonly wallMs: number;
  /** Empty: the shop has no name set. */
  readonly shop: string;
}

/** The head of a printed plan, result or list. */
export function printFacts({ vin, module, part, wallMs, shop }: PrintedMatter, text: Texts): readonly Fact[] {
  const words = text.module.print;
  return [
    { label: words.vin, value: vin ?? text.common.notRead, isCode: true },
    { label: words.module, value: text.format.pick(module.title), note: module.label },
    ...(part == null ? [] : [{ label: words.part, value: part, isCode: true }]),
    { label: words.made, value: text.format.dateTime(wallMs) },
    ...(shop === '' ? [] : [{ label: words.shop, value: shop }]),
  ];
}
