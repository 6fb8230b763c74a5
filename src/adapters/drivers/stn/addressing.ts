import { StackError } from '#contract/errors.ts';
import { type IsoTpAddress, type IsoTpOptions, type ModuleId, moduleIdOf } from '#contract/isotp.ts';
import { type Addressing, idBlocks } from './commands.ts';
import type { ChannelNeeds, FlowControlPair } from './settings.ts';

/** Where a channel sends and whom it hears. */
export interface ChannelAddress {
  readonly address: IsoTpAddress;
  readonly moduleId: ModuleId;
  readonly functional: boolean;
  readonly requestId: number;
  /** Ids it hears, inclusive; one and the same on a physical channel. */
  readonly from: number;
  readonly to: number;
  /** First byte of an answer that is our own address, if the device shows it; null where there is none. */
  readonly responseByte: number | null;
  /** Payload bytes of a single frame. */
  readonly singleBytes: number;
  readonly needs: ChannelNeeds;
}

/** Legislated diagnostics: one functional id, eight modules whose answer ids are their request ids plus 8 (J.5, A.3). */
const OBD_FUNCTIONAL = 0x7df;
const OBD_RESPONSES = { from: 0x7e8, to: 0x7ef };

/**
 * @throws RangeError for an address that no frame can carry, StackError `adapter/unsupported` for one this device cannot do:
 * without STCAF only normal addressing; where nobody knows whether its answers show the address byte, only those in which
 * that byte cannot be taken for the first byte of an answer
 */
export function channelAddress(address: IsoTpAddress, options: IsoTpOptions, knowsAddressing: boolean): ChannelAddress {
  const functional = options.functional === true || (address.format === 'normal-fixed' && address.functional === true);
  const { requestId, responseId, extendedId } = idsOf(address, functional);
  const addressing = addressingOf(address);
  if (addressing.kind !== 'normal') assertProvable(addressing, knowsAddressing);
  if (options.padding === null) throw unsupported('frames as short as their data');
  const { from, to } = functional ? responders(address, options, responseId) : { from: responseId, to: responseId };
  const largest = extendedId ? 0x1fff_ffff : 0x7ff;
  for (const id of [requestId, from, to]) assertWithin('CAN id', id, largest);
  return {
    address,
    moduleId: moduleIdOf(address),
    functional,
    requestId,
    from,
    to,
    responseByte: addressing.kind === 'extended' ? addressing.tester : null,
    singleBytes: addressing.kind === 'normal' ? 7 : 6,
    needs: {
      extendedId,
      addressing,
      filters: idBlocks(from, to, extendedId),
      pairs: functional ? functionalPairs(address, requestId, from, to) : [{ requestId, responseId }],
    },
  };
}

/** Who answered on a functional channel, where no physical channel knows better. */
export function responderId(channel: ChannelAddress, responseId: number): ModuleId {
  const { address } = channel;
  if (address.format === 'normal-fixed')
    return moduleIdOf({ format: 'normal-fixed', target: responseId & 0xff, source: address.source });
  return moduleIdOf({ ...address, responseId });
}

function idsOf(
  address: IsoTpAddress,
  functional: boolean,
): { readonly requestId: number; readonly responseId: number; readonly extendedId: boolean } {
  if (address.format !== 'normal-fixed') return address;
  const { target, source } = address;
  assertWithin('address', target, 0xff);
  assertWithin('address', source, 0xff);
  return {
    requestId: (functional ? 0x18db_0000 : 0x18da_0000) + target * 256 + source,
    responseId: 0x18da_0000 + source * 256 + target,
    extendedId: true,
  };
}

function addressingOf(address: IsoTpAddress): Addressing {
  switch (address.format) {
    case 'normal':
    case 'normal-fixed':
      return { kind: 'normal' };
    case 'extended':
      assertWithin('address byte', address.target, 0xff);
      assertWithin('address byte', address.source, 0xff);
      return { kind: 'extended', target: address.target, tester: address.source };
    case 'mixed':
      assertWithin('address byte', address.addressExtension, 0xff);
      return { kind: 'mixed', extension: address.addressExtension };
  }
}

/** No answer begins with F0–FF: a tester address there tells itself apart from data (reference: adapters A.11, J.5). */
const FIRST_TELLTALE_BYTE = 0xf0;

function assertProvable(addressing: Addressing, knowsAddressing: boolean): void {
  if (!knowsAddressing) throw unsupported('STCAF');
  if (addressing.kind === 'extended' && addressing.tester >= FIRST_TELLTALE_BYTE) return;
  throw unsupported(`${addressing.kind} addressing with this address byte`);
}

function responders(
  address: IsoTpAddress,
  options: IsoTpOptions,
  responseId: number,
): { readonly from: number; readonly to: number } {
  if (options.responseRange) return options.responseRange;
  if (address.format !== 'normal-fixed') return { from: responseId, to: responseId };
  const from = 0x18da_0000 + address.source * 256;
  return { from, to: from + 0xff };
}

/**
 * Long answers to a broadcast need a flow control. 29 bit: the device's own rule is right for all. 11 bit: known without a table
 * are the eight of legislated diagnostics; others get theirs from their own channel.
 */
function functionalPairs(address: IsoTpAddress, requestId: number, from: number, to: number): ChannelNeeds['pairs'] {
  if (address.format === 'normal-fixed') return 'automatic';
  if (address.extendedId) return address.format === 'normal' ? 'automatic' : [];
  const pairs: FlowControlPair[] = [];
  if (address.format !== 'normal' || requestId !== OBD_FUNCTIONAL) return pairs;
  for (let responseId = OBD_RESPONSES.from; responseId <= OBD_RESPONSES.to; responseId++)
    if (responseId >= from && responseId <= to) pairs.push({ requestId: responseId - 8, responseId });
  return pairs;
}

function assertWithin(what: string, value: number, largest: number): void {
  if (!Number.isInteger(value) || value < 0 || value > largest)
    throw new RangeError(`${what} ${value} is not within 0–${largest}`);
}

function unsupported(ability: string): StackError {
  return new StackError('adapter/unsupported', `the adapter cannot do ${ability}`, { ability });
}
