/** A shop code as typed: its six bytes, or where it goes wrong. */
export type ParsedShopCode =
  | { readonly kind: 'code'; readonly hex: string }
  | { readonly kind: 'empty' }
  /** `position` counts from 1, blanks and dashes included, as the person sees it. */
  | { readonly kind: 'not-hex'; readonly position: number; readonly character: string }
  | { readonly kind: 'length'; readonly digits: number };

export const SHOP_CODE_DIGITS = 12;

/** Reads 12 hex digits; blanks, dashes and colons between bytes are how people write them. */
export function parseShopCode(typed: string): ParsedShopCode {
  let hex = '';
  let position = 0;
  for (const character of typed) {
    position++;
    if (/[\s:-]/.test(character)) continue;
    if (!/^[0-9a-f]$/i.test(character)) return { kind: 'not-hex', position, character };
    hex += character.toUpperCase();
  }
  if (hex === '') return { kind: 'empty' };
  return hex.length === SHOP_CODE_DIGITS ? { kind: 'code', hex } : { kind: 'length', digits: hex.length };
}
