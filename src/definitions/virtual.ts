/**
 * Identities that cannot exist in the field, so that no definition of a virtual car can ever match a real one: an unassigned
 * region of the world in the VIN, and a part number no maker uses (design 5).
 */
const VIRTUAL_VIN_START = '0CB';
const VIRTUAL_PART_START = 'CBAY';

export function isVirtualVin(vin: string): boolean {
  return vin.startsWith(VIRTUAL_VIN_START);
}

export function isVirtualPart(part: string): boolean {
  return part.startsWith(VIRTUAL_PART_START);
}
