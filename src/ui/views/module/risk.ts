import type { RiskClass } from '#contract/definition.ts';
import type { Risk } from '#ui/components/types.ts';
import type { Texts } from '#ui/messages/index.svelte.ts';

/** The tag of an option; comfort options carry none. */
export function riskTag(risk: RiskClass, text: Texts): Risk | undefined {
  if (risk === 'comfort') return undefined;
  return { label: text.status.risk(risk), tone: risk === 'safety' ? 'danger' : 'warn' };
}
