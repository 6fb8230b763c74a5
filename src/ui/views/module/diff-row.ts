import type { DiffRow } from '#ui/components/rows.ts';
import type { Texts } from '#ui/messages/index.svelte.ts';
import type { StagedLine } from './options.ts';
import { riskTag } from './risk.ts';

export function diffRow(line: StagedLine, text: Texts): DiffRow {
  return {
    id: line.id,
    name: text.format.pick(line.title),
    risk: riskTag(line.risk, text),
    now: text.format.pick(line.from),
    next: text.format.pick(line.to),
    byte: line.byte === null ? undefined : String(line.byte),
    oldHex: line.oldHex === null ? undefined : text.format.hexSpaced(line.oldHex),
    newHex: line.newHex === null ? undefined : text.format.hexSpaced(line.newHex),
  };
}
