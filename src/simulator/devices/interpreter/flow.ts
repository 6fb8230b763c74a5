import type { CanFrame } from '#simulator/frame-bits.ts';
import type { Chip } from './chip.ts';
import type { Protocol } from './protocols.ts';
import type { IdPair, Settings } from './settings.ts';

const CLEAR_TO_SEND = Uint8Array.of(0x30, 0x00, 0x00);

/** The chip adds and reads PCI bytes (CAF1 on a protocol with ISO-TP). */
export function isFormatted(chip: Chip): boolean {
  return chip.settings.formatting && (chip.protocol?.isoTp ?? true);
}

/** Bytes that one request may have, as things are set. */
export function longestRequest(chip: Chip): number {
  const { allowLong, segment, targetByte } = chip.settings;
  const address = targetByte === undefined ? 0 : 1;
  if (!isFormatted(chip)) return (allowLong ? 8 : 7) - address;
  return segment && chip.model.st ? chip.model.st.messageBytes : 7 - address;
}

/** A frame of this protocol as it goes on the wire: with its address byte, filled up to eight bytes unless DLC is variable. */
export function wireFrame(settings: Settings, protocol: Protocol, id: number, content: Uint8Array): CanFrame {
  const { targetByte, variableDlc, filler } = settings;
  const bytes = targetByte === undefined ? content : Uint8Array.of(targetByte, ...content);
  return {
    id,
    extended: protocol.extended,
    rtr: false,
    data: padded(bytes, variableDlc || protocol.variableDlc, filler),
  };
}

/** What the PCI of this frame stands in front of: the data after the address byte, where there is one. */
export function pciOf(settings: Settings, frame: CanFrame): Uint8Array {
  return frame.data.subarray(settings.targetByte === undefined ? 0 : 1);
}

export function isFirstFrame(pci: Uint8Array): boolean {
  return pci.length >= 7 && (pci[0] ?? 0) >> 4 === 1;
}

/**
 * The flow control that the chip answers a first frame of `rxId` with; undefined = none. In the modes with an identifier of
 * its own choice a plain chip knows 7E8 to 7EF and 18DAF1xx only: others get it on their own id, where nobody hears it
 * (reference: adapters A.3, FC SM). An STN chip uses address pairs.
 */
export function flowControl(chip: Chip, protocol: Protocol, rxId: number): CanFrame | undefined {
  const { settings } = chip;
  const { flowMode, flowId, flowExtended, flowData, flowFilter } = settings;
  if (!settings.chipFlowControl || !protocol.isoTp) return undefined;
  if (flowFilter.length > 0 && !flowFilter.some((rule) => ((rxId ^ rule.id) & rule.mask) === 0)) return undefined;
  const id = flowMode === 1 ? flowId : chip.model.st ? pairedTx(settings, protocol, rxId) : guessedTx(protocol, rxId);
  if (id === undefined) return undefined;
  if (flowMode === 0 || flowData === undefined) return wireFrame(settings, protocol, id, CLEAR_TO_SEND);
  const extended = flowMode === 1 ? flowExtended : protocol.extended;
  const data = padded(flowData, settings.variableDlc || protocol.variableDlc, settings.filler);
  return { id, extended, rtr: false, data };
}

/** Where flow control for frames to `txId` is expected to come from (STCSEGT); undefined = nowhere. */
export function pairedRx(settings: Settings, protocol: Protocol, txId: number): number | undefined {
  const { flowPairs } = settings;
  if (flowPairs.length > 0) return flowPairs.find((pair: IdPair) => pair.txId === txId)?.rxId;
  return protocol.extended ? swapped(txId) : (txId + 8) & 0x7ff;
}

function pairedTx(settings: Settings, protocol: Protocol, rxId: number): number | undefined {
  const { flowPairs } = settings;
  if (flowPairs.length > 0) return flowPairs.find((pair: IdPair) => pair.rxId === rxId)?.txId;
  return protocol.extended ? swapped(rxId) : (rxId - 8) & 0x7ff;
}

function guessedTx(protocol: Protocol, rxId: number): number {
  if (!protocol.extended) return rxId >= 0x7e8 && rxId <= 0x7ef ? rxId - 8 : rxId;
  return rxId >>> 8 === 0x18daf1 ? swapped(rxId) : rxId;
}

/** 18DA10F1 ⇄ 18DAF110. */
function swapped(id: number): number {
  return ((id & 0x1fff0000) | ((id & 0xff) << 8) | ((id >>> 8) & 0xff)) >>> 0;
}

function padded(content: Uint8Array, isVariable: boolean, filler: number): Uint8Array {
  if (isVariable || content.length >= 8) return content;
  const data = new Uint8Array(8).fill(filler);
  data.set(content);
  return data;
}
