import type { Ask } from '#adapters/drivers/interpreter/console.ts';
import { hasStatus, statusError, statusesOf } from '#adapters/drivers/interpreter/lines.ts';
import { hexNumber } from '#base/hex.ts';
import { StackError } from '#contract/errors.ts';

/**
 * K-line through an ELM327 (reference: adapters A.12). Presets are data; `initialiseKLine` says them and wakes the ECU.
 * The driver does not offer `kLine` on its adapter: the contract of a K-line (line bytes, timing, key bytes) is not there
 * yet, and a command interpreter fits it only in part (at most 7 data bytes in a request, 8 with AL).
 */
export type KLinePreset = 'iso14230-fast' | 'iso14230-slow' | 'iso9141';

export interface KLineAddress {
  /** ECU, e.g. 0x10. */
  readonly target: number;
  /** Tester, F1 unless the ECU wants another. */
  readonly source: number;
  /** Five-baud address; default `target` (slow), 33 (ISO 9141-2). */
  readonly initAddress?: number;
}

export interface KLineStart {
  /** Key bytes, where the chip tells them (`ATKW`): `[0xEF, 0x8F]`. */
  readonly keyBytes: readonly [number, number] | null;
}

interface PresetData {
  readonly protocol: string;
  readonly init: 'ATFI' | 'ATSI';
  readonly baud: 'ATIB10' | null;
  readonly fiveBaud: boolean;
  /** Format byte of the header and of the keep-alive; the chip writes the length of requests into its second nibble. */
  readonly format: number;
  /** What the chip keeps the session alive with, behind the header. */
  readonly wakeup: readonly number[];
}

const PRESETS: Readonly<Record<KLinePreset, PresetData>> = {
  'iso14230-fast': { protocol: 'ATSP5', init: 'ATFI', baud: 'ATIB10', fiveBaud: false, format: 0x81, wakeup: [0x3e] },
  'iso14230-slow': { protocol: 'ATSP4', init: 'ATSI', baud: 'ATIB10', fiveBaud: true, format: 0x81, wakeup: [0x3e] },
  iso9141: { protocol: 'ATSP3', init: 'ATSI', baud: 'ATIB10', fiveBaud: true, format: 0x68, wakeup: [0x01, 0x00] },
};

/** ISO 9141-2 does not address ECUs: OBD requests go to 6A (reference: adapters A.3, WM). */
const OBD_FUNCTIONAL = 0x6a;
const OBD_INIT_ADDRESS = 0x33;
/** Five bits a second, W1 to W4, up to three tries inside the chip (reference: adapters N). */
const INIT_LIMIT_MS = 10_000;
/** × 20.48 ms ≈ 3 s: shorter than P3 of any ECU allows, as the reference has it. */
const WAKEUP = 'ATSW96';

/** The commands of a preset, in order, without its init. */
export function kLineCommands(preset: KLinePreset, address: KLineAddress): readonly string[] {
  const { protocol, baud, fiveBaud, format, wakeup } = PRESETS[preset];
  const target = preset === 'iso9141' ? OBD_FUNCTIONAL : address.target;
  const header = [format, target, address.source].map(byteText).join('');
  const message = [format, target, address.source, ...wakeup];
  const initAddress = address.initAddress ?? (preset === 'iso9141' ? OBD_INIT_ADDRESS : address.target);
  return [
    protocol,
    ...(fiveBaud ? [`ATIIA${byteText(initAddress)}`] : []),
    `ATSH${header}`,
    WAKEUP,
    `ATWM${message.map(byteText).join('')}`,
    ...(baud ? [baud] : []),
    'ATSTFF',
    'ATAT0',
  ];
}

/**
 * Configures the chip and wakes the ECU. This does transmit on the K-line. `checkKeyWords: false` (`ATKW0`) for modules that
 * are not OBD ones.
 * @throws StackError `adapter/refused` when a command is unknown, `can/bus-error` with `BUS INIT: ERROR` when no ECU answers
 * (try again after 300 ms at the earliest), `adapter/*`, `transport/*`
 */
export async function initialiseKLine(
  ask: Ask,
  preset: KLinePreset,
  address: KLineAddress,
  options: { readonly checkKeyWords?: boolean } = {},
): Promise<KLineStart> {
  const commands = [...kLineCommands(preset, address), ...(options.checkKeyWords === false ? ['ATKW0'] : [])];
  for (const command of commands) {
    const { lines } = await ask(command);
    if (!hasStatus(lines, 'ok')) throw new StackError('adapter/refused', `the adapter refused ${command}`, { command });
  }
  const { init } = PRESETS[preset];
  const { lines } = await ask(init, { timeoutMs: INIT_LIMIT_MS });
  for (const status of statusesOf(lines)) {
    const error = statusError(status, init);
    if (error) throw error;
  }
  if (!hasStatus(lines, 'bus-init-ok', 'ok'))
    throw new StackError('adapter/refused', `no result of ${init}`, { command: init });
  return { keyBytes: parseKeyBytes((await ask('ATKW')).lines) };
}

/** `1:EF 2:8F`; a chip that does not know them says `1:-- 2:--` or `?`. */
export function parseKeyBytes(lines: readonly string[]): readonly [number, number] | null {
  const match = /1: ?([0-9A-F]{2}) ?2: ?([0-9A-F]{2})/i.exec(lines.join(' '));
  return match ? [Number.parseInt(match[1] ?? '', 16), Number.parseInt(match[2] ?? '', 16)] : null;
}

function byteText(value: number): string {
  return hexNumber(value, 2);
}
