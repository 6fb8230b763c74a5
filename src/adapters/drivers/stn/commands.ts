import { hexNumber, toHex } from '#base/hex.ts';
import type { CanConfig } from '#contract/adapter.ts';

/** A command that configures; `optional` ones may be unknown to the device. */
export interface SetupCommand {
  readonly text: string;
  readonly optional: boolean;
}

/** How ids and address bytes are laid out on the bus at the moment; one setting of the device for all messages. */
export type Addressing =
  | { readonly kind: 'normal' }
  /** The first byte is the target (requests) and the tester's own address (answers). */
  | { readonly kind: 'extended'; readonly target: number; readonly tester: number }
  | { readonly kind: 'mixed'; readonly extension: number };

/** Waiting for a flow control and for a consecutive frame; the defaults of 75 and 150 ms are shorter than ISO's (B.5). */
export const SEGMENT_TIMEOUT_MS = 1000;

/**
 * How long the device listens after the last message, ms. As long as the client follows a chain of 78; the wait is ended by an
 * interrupt as soon as somebody needs the device. The shorter ones for firmware that refuses the longer.
 */
export const LISTEN_MS: readonly number[] = [60_000, 30_000, 10_000, 5000];

/**
 * Protocol and form of the answers (reference: adapters B.3, B.5): whole messages in one line, with header, without spaces.
 * CAF, S, AL and H again after STP, because some devices lose them at a change of protocol (A.2, B.6).
 */
export function setupCommands(config: CanConfig, extendedId: boolean): readonly SetupCommand[] {
  const must = (text: string): SetupCommand => ({ text, optional: false });
  const may = (text: string): SetupCommand => ({ text, optional: true });
  return [
    ...['ATE0', 'ATL0', 'ATS0', 'ATH1', 'ATAL'].map(must),
    ...presetCommands(config.bitRate, extendedId).map(must),
    ...['ATCAF1', 'ATS0', 'ATAL', 'ATH1', 'STCSEGR1', 'STCSEGT1'].map(must),
    may('ATAT0'),
    must(`STCTOR${SEGMENT_TIMEOUT_MS},${SEGMENT_TIMEOUT_MS}`),
    may('STFAC'),
    must('STCFCPC'),
  ];
}

/** HS-CAN ISO 15765 with DLC 8; rates without a preset of their own by STPBR. */
export function presetCommands(bitRate: CanConfig['bitRate'], extendedId: boolean): readonly string[] {
  if (bitRate === 250_000) return [extendedId ? 'STP36' : 'STP35'];
  const preset = extendedId ? 'STP34' : 'STP33';
  return bitRate === 500_000 ? [preset] : [preset, `STPBR${bitRate}`];
}

/** @returns the commands that set the addressing, the tester's address before the mode that uses it */
export function addressingCommands(addressing: Addressing): readonly string[] {
  switch (addressing.kind) {
    case 'normal':
      return ['STCAF0'];
    case 'extended':
      return [`ATTA${hexNumber(addressing.tester, 2)}`, `STCAF1,${hexNumber(addressing.target, 2)}`];
    case 'mixed':
      return [`STCAF2,${hexNumber(addressing.extension, 2)}`];
  }
}

export function sameAddressing(a: Addressing, b: Addressing): boolean {
  return addressingCommands(a).join() === addressingCommands(b).join();
}

/** `7E0`, `18DA10F1`. */
export function idText(id: number, extendedId: boolean): string {
  return hexNumber(id, extendedId ? 8 : 3);
}

/** Who gets our flow control for whose first frame: request id and response id, each with its address byte if it has one. */
export function flowControlPair(
  pair: { readonly requestId: number; readonly responseId: number },
  extendedId: boolean,
  addressing: Addressing,
): string {
  const [toEcu, toUs] = addressBytes(addressing);
  return `STCFCPA${idText(pair.requestId, extendedId)}${toEcu},${idText(pair.responseId, extendedId)}${toUs}`;
}

function addressBytes(addressing: Addressing): readonly [string, string] {
  switch (addressing.kind) {
    case 'normal':
      return ['', ''];
    case 'extended':
      return [hexNumber(addressing.target, 2), hexNumber(addressing.tester, 2)];
    case 'mixed':
      return [hexNumber(addressing.extension, 2), hexNumber(addressing.extension, 2)];
  }
}

export interface IdBlock {
  readonly id: number;
  readonly mask: number;
}

/** More filters than this are not worth it: the driver looks at every id once more anyway. */
const MAX_BLOCKS = 8;

/** The fewest pattern and mask pairs that cover an inclusive id range; one that covers more where it would be too many. */
export function idBlocks(from: number, to: number, extendedId: boolean): readonly IdBlock[] {
  const largest = extendedId ? 0x1fff_ffff : 0x7ff;
  const blocks: IdBlock[] = [];
  for (let at = from; at <= to && blocks.length <= MAX_BLOCKS; ) {
    let size = 1;
    while (at % (size * 2) === 0 && at + size * 2 - 1 <= to && size * 2 <= largest + 1) size *= 2;
    blocks.push({ id: at, mask: largest - (size - 1) });
    at += size;
  }
  if (blocks.length <= MAX_BLOCKS) return blocks;
  let size = 1;
  while (Math.floor(from / size) !== Math.floor(to / size)) size *= 2;
  return [{ id: Math.floor(from / size) * size, mask: largest - (Math.min(size, largest + 1) - 1) }];
}

/** `STFPA7E8,7FF`. */
export function passFilter({ id, mask }: IdBlock, extendedId: boolean): string {
  return `STFPA${idText(id, extendedId)},${idText(mask, extendedId)}`;
}

/** What goes out for one message: everything in one line, or the length first and the bytes when the device asks. */
export type StpxText =
  | { readonly kind: 'line'; readonly command: string }
  | { readonly kind: 'data'; readonly command: string; readonly data: string };

/**
 * `STPX H:7E0,D:22F190,T:60000`, or `STPX H:7E0,L:259,T:60000` and 518 digits after `DATA>` where the line would be longer than
 * the device takes (reference: adapters B.4). Never with R: it counts messages, `7F xx 78` is one of them, and the answer after
 * it would be lost.
 */
export function stpx(
  request: {
    readonly id: number;
    readonly extendedId: boolean;
    readonly pdu: Uint8Array;
    readonly listenMs: number;
  },
  commandChars: number,
): StpxText {
  const header = `STPX H:${idText(request.id, request.extendedId)}`;
  const line = `${header},D:${toHex(request.pdu)},T:${request.listenMs}`;
  if (line.length + 1 <= commandChars) return { kind: 'line', command: line };
  return {
    kind: 'data',
    command: `${header},L:${request.pdu.length},T:${request.listenMs}`,
    data: toHex(request.pdu),
  };
}
