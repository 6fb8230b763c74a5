import type { IsoTpAddress, IsoTpOptions } from '#contract/isotp.ts';
import { filterFor, filterForRange, type IdFilter } from './wire.ts';

const BMW_TESTER_ID = 0x6f1;
const BMW_RESPONSES = 0x6;

/** Where an address puts ids and bytes, as far as the chip must be told. */
export interface Target {
  readonly requestId: number;
  readonly responseId: number;
  readonly extended: boolean;
  /** An address byte stands before the PCI: the host inserts it, and the chip cannot see a first frame behind it. */
  readonly hasAddressByte: boolean;
  readonly responseByte: number | null;
  readonly filter: IdFilter;
  /** Frames as short as their data. */
  readonly variableDlc: boolean;
}

export function isFunctional(address: IsoTpAddress, options: IsoTpOptions): boolean {
  return options.functional === true || (address.format === 'normal-fixed' && address.functional === true);
}

/** The address must be one that frames can carry (checked by the ISO-TP machine). */
export function targetOf(address: IsoTpAddress, options: IsoTpOptions): Target {
  const { requestId, responseId, extended } = idsOf(address);
  const { from, to } = responders(address, options);
  return {
    requestId,
    responseId,
    extended,
    hasAddressByte: address.format === 'extended' || address.format === 'mixed',
    responseByte:
      address.format === 'extended' ? address.source : address.format === 'mixed' ? address.addressExtension : null,
    filter: isFunctional(address, options) ? filterForRange(from, to, extended) : filterFor([responseId], extended),
    variableDlc: options.padding === null,
  };
}

/** Ids that a functional channel listens to. Normal fixed: every ECU that answers our tester address. */
export function responders(
  address: IsoTpAddress,
  options: IsoTpOptions,
): { readonly from: number; readonly to: number } {
  if (options.responseRange) return options.responseRange;
  const { responseId } = idsOf(address);
  if (address.format !== 'normal-fixed') return { from: responseId, to: responseId };
  const from = 0x18da_0000 + address.source * 256;
  return { from, to: from + 0xff };
}

/**
 * Whom a flow control to this responder goes to, where the ids say it by themselves: normal fixed, and the OBD pairs
 * 7E0/7E8 … 7E7/7EF (ISO 15765-4), and BMW's extended addressing, where ECU 12 answers as 612 (reference: adapters A.11).
 * null = not known.
 */
export function physicalByRule(address: IsoTpAddress, responseId: number): IsoTpAddress | null {
  if (address.format === 'normal-fixed')
    return { format: 'normal-fixed', target: responseId & 0xff, source: address.source };
  if (address.format === 'extended' && address.requestId === BMW_TESTER_ID && responseId >> 8 === BMW_RESPONSES)
    return { ...address, responseId, target: responseId & 0xff };
  if (address.format !== 'normal') return null;
  if (!address.extendedId && responseId >= 0x7e8 && responseId <= 0x7ef)
    return { format: 'normal', requestId: responseId - 8, responseId, extendedId: false };
  if (address.extendedId && (responseId & 0x1fff_0000) === 0x18da_0000)
    return { format: 'normal-fixed', target: responseId & 0xff, source: (responseId >> 8) & 0xff };
  return null;
}

function idsOf(address: IsoTpAddress): {
  readonly requestId: number;
  readonly responseId: number;
  readonly extended: boolean;
} {
  if (address.format !== 'normal-fixed')
    return { requestId: address.requestId, responseId: address.responseId, extended: address.extendedId };
  const { target, source, functional } = address;
  return {
    requestId: (functional ? 0x18db_0000 : 0x18da_0000) + target * 256 + source,
    responseId: 0x18da_0000 + source * 256 + target,
    extended: true,
  };
}
