import { hexNumber, toHex, toHexSpaced } from '#base/hex.ts';
import type { CanFrame } from '#simulator/frame-bits.ts';
import type { Settings } from './settings.ts';

type Style = Pick<Settings, 'headers' | 'spaces' | 'showDlc' | 'targetByte'>;

/**
 * The lines in which a frame reaches the host (reference: adapters A.6). `isFormatted`: CAF1 on a protocol with ISO-TP;
 * then, without headers, PCI bytes are read instead of printed: `014`, `0: 49 02 01 31 47 31`, `1: …`.
 */
export function frameLines(style: Style, frame: CanFrame, isFormatted: boolean): readonly string[] {
  const { data } = frame;
  if (frame.rtr) return [`${headerText(style, frame)}RTR`];
  const content = data.subarray(style.targetByte === undefined ? 0 : 1);
  const isSound = !isFormatted || hasPci(content);
  if (!isSound) return [`${headerText(style, frame)}${bytesText(style, data)}<DATA ERROR`];
  if (style.headers || !isFormatted) return [headerText(style, frame) + bytesText(style, data)];
  const [first = 0, second = 0] = content;
  const low = first & 0x0f;
  const gap = style.spaces ? ' ' : '';
  switch (first >> 4) {
    case 0:
      return [bytesText(style, content.subarray(1, 1 + low))];
    case 1:
      return [hexNumber((low << 8) | second, 3), `0:${gap}${bytesText(style, content.subarray(2))}`];
    case 2:
      return [`${hexNumber(low, 1)}:${gap}${bytesText(style, content.subarray(1))}`];
    default:
      return [`FC:${gap}${bytesText(style, content)}`];
  }
}

/** A whole message in one line, without PCI bytes: `7E8 62 F1 90 …` (STCSEGR1). */
export function messageLine(style: Style, frame: Pick<CanFrame, 'id' | 'extended'>, pdu: Uint8Array): string {
  return headerText({ ...style, showDlc: false }, { ...frame, rtr: false, data: pdu }) + bytesText(style, pdu);
}

function headerText({ headers, spaces, showDlc }: Style, { id, extended, data }: CanFrame): string {
  if (!headers) return '';
  const digits = hexNumber(id, extended ? 8 : 3);
  const parts = extended && spaces ? (digits.match(/../g) ?? []) : [digits];
  if (showDlc) parts.push(hexNumber(data.length, 1));
  return spaces ? `${parts.join(' ')} ` : parts.join('');
}

/** Each byte is followed by its space, the last one too. */
function bytesText({ spaces }: Style, bytes: Uint8Array): string {
  if (!spaces) return toHex(bytes);
  return bytes.length === 0 ? '' : `${toHexSpaced(bytes)} `;
}

/** The frame begins like one of ISO 15765-2, with what such a frame needs. */
function hasPci(content: Uint8Array): boolean {
  const first = content[0];
  if (first === undefined) return false;
  const low = first & 0x0f;
  switch (first >> 4) {
    case 0:
      return low >= 1 && low < content.length;
    case 1:
      return content.length >= 7;
    case 2:
      return content.length >= 2;
    case 3:
      return low <= 2 && content.length >= 3;
    default:
      return false;
  }
}
