import type { IsoTpAddress } from '#contract/isotp.ts';

/**
 * Where an address puts ids and address bytes (ISO 15765-2 addressing formats; reference: adapters J.5).
 * With an address byte every frame starts with it, the PCI moves to the second byte and each frame carries one byte less.
 */
export interface FrameLayout {
  readonly requestId: number;
  readonly responseId: number;
  /** 29-bit ids. */
  readonly extended: boolean;
  /** First data byte of what we send; null where the PCI comes first. */
  readonly requestByte: number | null;
  /** First data byte of what we receive. */
  readonly responseByte: number | null;
}

/** @throws RangeError for ids or bytes that no frame can carry: a programming error, definitions are checked before. */
export function layoutOf(address: IsoTpAddress): FrameLayout {
  const layout = layoutByFormat(address);
  const largestId = layout.extended ? 0x1fff_ffff : 0x7ff;
  for (const id of [layout.requestId, layout.responseId])
    if (!isWithin(id, largestId)) throw new RangeError(`CAN id ${id} is not within 0–${largestId}`);
  for (const byte of [layout.requestByte, layout.responseByte])
    if (byte !== null && !isWithin(byte, 0xff)) throw new RangeError(`address byte ${byte} is not within 0–255`);
  return layout;
}

/** How many bytes of payload the frames of this layout carry (classic CAN, 8 bytes). */
export function capacityOf(layout: FrameLayout): { readonly single: number; readonly consecutive: number } {
  const room = layout.requestByte === null ? 7 : 6;
  return { single: room, consecutive: room };
}

function layoutByFormat(address: IsoTpAddress): FrameLayout {
  switch (address.format) {
    case 'normal':
      return {
        requestId: address.requestId,
        responseId: address.responseId,
        extended: address.extendedId,
        requestByte: null,
        responseByte: null,
      };
    case 'normal-fixed': {
      const { target, source, functional } = address;
      if (!isWithin(target, 0xff) || !isWithin(source, 0xff))
        throw new RangeError(`normal fixed addresses ${target} and ${source} are not within 0–255`);
      return {
        requestId: (functional ? 0x18db_0000 : 0x18da_0000) + target * 256 + source,
        responseId: 0x18da_0000 + source * 256 + target,
        extended: true,
        requestByte: null,
        responseByte: null,
      };
    }
    case 'extended':
      return {
        requestId: address.requestId,
        responseId: address.responseId,
        extended: address.extendedId,
        requestByte: address.target,
        responseByte: address.source,
      };
    case 'mixed':
      return {
        requestId: address.requestId,
        responseId: address.responseId,
        extended: address.extendedId,
        requestByte: address.addressExtension,
        responseByte: address.addressExtension,
      };
  }
}

function isWithin(value: number, largest: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= largest;
}
