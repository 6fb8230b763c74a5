import { hexNumber } from '#base/hex.ts';
import type { CompuMethod, LocalizedText } from '#contract/definition.ts';

/** What a person reads for a legal value. */
export type PhysicalValue =
  | { readonly kind: 'text'; readonly text: LocalizedText; readonly factory: boolean }
  | { readonly kind: 'number'; readonly value: number; readonly unit: string }
  | { readonly kind: 'ascii'; readonly text: string };

/** Physical value of a coded one, null when the method does not list it. Total: no loop, no division, no NaN (fault I10). */
export function toPhysical(compu: CompuMethod, coded: number | string): PhysicalValue | null {
  if (compu.kind === 'ascii')
    return typeof coded === 'string' && isLegalText(compu, coded) ? { kind: 'ascii', text: coded } : null;
  if (typeof coded !== 'number') return null;
  if (compu.kind === 'texttable') {
    const value = compu.values.find((known) => known.coded === coded);
    return value ? { kind: 'text', text: value.text, factory: value.factory === true } : null;
  }
  if (!isOnScale(compu, coded)) return null;
  return { kind: 'number', value: withoutNoise(coded * compu.factor + compu.offset), unit: compu.unit };
}

/** Nearest legal coded value for a number as a person types it; null outside the scale. */
export function toCoded(compu: Extract<CompuMethod, { kind: 'linear' }>, physical: number): number | null {
  const steps = Math.round(((physical - compu.offset) / compu.factor - compu.minCoded) / compu.stepCoded);
  const coded = compu.minCoded + steps * compu.stepCoded;
  return Number.isFinite(coded) && isOnScale(compu, coded) ? coded : null;
}

/** How many legal values there are; null for text, which is not counted. */
export function countLegalValues(compu: CompuMethod): number | null {
  if (compu.kind === 'ascii') return null;
  if (compu.kind === 'texttable') return compu.values.length;
  return Math.floor((compu.maxCoded - compu.minCoded) / compu.stepCoded) + 1;
}

/** Is this text one that may be written? Padding at the end is not part of the text. */
export function isLegalText(compu: Extract<CompuMethod, { kind: 'ascii' }>, text: string): boolean {
  return (
    text.length <= compu.lengthBytes &&
    /^[ -~]*$/.test(text) &&
    !text.endsWith(' ') &&
    new RegExp(`^(?:${compu.pattern})$`, 'u').test(text)
  );
}

/** For messages and diffs: `On`, `20 s`, `VAR`, `unknown value 0x8A`. */
export function physicalText(physical: PhysicalValue): LocalizedText {
  switch (physical.kind) {
    case 'text':
      return physical.text;
    case 'ascii':
      return { en: physical.text, de: physical.text };
    case 'number': {
      const unit = physical.unit === '' ? '' : ` ${physical.unit}`;
      const digits = String(physical.value);
      return { en: digits + unit, de: digits.replace('.', ',') + unit };
    }
  }
}

export function unknownText(coded: number | string): LocalizedText {
  const shown =
    typeof coded === 'number' ? `0x${hexNumber(coded, coded > 0xff ? (coded > 0xffff ? 8 : 4) : 2)}` : coded;
  return { en: `unknown value ${shown}`, de: `unbekannter Wert ${shown}` };
}

function isOnScale(compu: Extract<CompuMethod, { kind: 'linear' }>, coded: number): boolean {
  return coded >= compu.minCoded && coded <= compu.maxCoded && (coded - compu.minCoded) % compu.stepCoded === 0;
}

/** 3 × 0.1 is 0.30000000000000004 in binary: twelve digits are more than any compu method means. */
function withoutNoise(value: number): number {
  return Number(value.toPrecision(12));
}
