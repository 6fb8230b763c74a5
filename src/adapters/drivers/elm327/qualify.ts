import type { Ask } from '#adapters/drivers/interpreter/console.ts';
import { hasStatus, printable } from '#adapters/drivers/interpreter/lines.ts';
import type { Clock } from '#base/clock.ts';
import type { AdapterFinding, AdapterInfo } from '#contract/adapter.ts';
import { isStackError } from '#contract/errors.ts';
import { type ElmIdentity, versionIndex } from './identity.ts';

/** What the device does, found by asking, not by its version (reference: adapters A.9). */
export interface ElmAbilities {
  /** H1: frames come with their id. */
  readonly headers: boolean;
  /** CAF0: frames go out as they are, PCI included. */
  readonly rawFrames: boolean;
  /** AL: eight data bytes. */
  readonly longMessages: boolean;
  /** R0: a frame goes out without waiting for an answer. */
  readonly responsesOff: boolean;
  readonly adaptiveTimingOff: boolean;
  readonly responseTimeout: boolean;
  readonly timerMultiplier: boolean;
  readonly receiveAddress: boolean;
  /** FC SH, SD and SM 1: the chip's flow control with our id and bytes. */
  readonly userFlowControl: boolean;
  /** CFC0: the chip's flow control can be off, so the host may send it. */
  readonly hostFlowControl: boolean;
  readonly variableDlc: boolean;
  readonly silentMonitor: boolean;
  readonly tryProtocol: boolean;
}

type AbilityName = keyof ElmAbilities;

interface Probe {
  /** All must be `OK`, or answered at all where they show a value. */
  readonly commands: readonly string[];
  readonly shows?: true;
  /** Puts back what the probe changed. */
  readonly after?: readonly string[];
  readonly ability?: AbilityName;
  /** The version that brought it; absent where the reference is not sure: its absence then proves nothing. */
  readonly since?: Parameters<typeof versionIndex>[0];
}

/** None of them reaches the bus: settings, and a protocol that is not opened (reference: adapters A.3, A.9, L.2). */
const PROBES: readonly Probe[] = [
  { commands: ['ATL0'] },
  { commands: ['ATS0'] },
  { commands: ['ATH1'], ability: 'headers', since: '1.0' },
  { commands: ['ATAL'], ability: 'longMessages', since: '1.0' },
  { commands: ['ATCAF0'], ability: 'rawFrames', since: '1.0' },
  { commands: ['ATR0'], after: ['ATR1'], ability: 'responsesOff', since: '1.0' },
  { commands: ['ATAT0'], ability: 'adaptiveTimingOff', since: '1.2' },
  { commands: ['ATSTFF'], ability: 'responseTimeout', since: '1.0' },
  { commands: ['ATCRA7E8'], ability: 'receiveAddress', since: '1.3' },
  { commands: ['ATFCSH7E0', 'ATFCSD300000', 'ATFCSM1'], after: ['ATFCSM0'], ability: 'userFlowControl', since: '1.1' },
  { commands: ['ATCFC0'], after: ['ATCFC1'], ability: 'hostFlowControl', since: '1.0' },
  { commands: ['ATCEA01'], after: ['ATCEA'], since: '1.4' },
  { commands: ['ATV1'], after: ['ATV0'], ability: 'variableDlc' },
  { commands: ['ATCSM0'], after: ['ATCSM1'], ability: 'silentMonitor', since: '1.4b' },
  { commands: ['ATCTM5'], after: ['ATCTM1'], ability: 'timerMultiplier', since: '2.1' },
  { commands: ['ATJE'], since: '1.3' },
  { commands: ['ATAMC'], shows: true, since: '2.0' },
];

export interface Qualification {
  readonly abilities: ElmAbilities;
  readonly genuine: AdapterInfo['genuine'];
  readonly findings: readonly AdapterFinding[];
  readonly hasVoltage: boolean;
  /** Of short commands, ms, in the order they were asked. */
  readonly tripsMs: readonly number[];
}

const GENUINE_DESCRIPTION = 'OBDII to RS232 Interpreter';
/** Last programmable parameter of v1.4 and later: its table shows whether the device can hold what its version promises. */
const LAST_PARAMETER = 0x2f;
const PPS_LIMIT_MS = 3000;

/**
 * Asks for everything the driver uses. The device is left with changed settings: opening a bus begins with `ATD`.
 * @param lineRate bit/s the serial line runs at, null where it says nothing (Bluetooth)
 * @throws StackError `adapter/*` when it falls silent for good, `transport/*`, `call/aborted`
 */
export async function qualify(
  ask: Ask,
  clock: Clock,
  identity: ElmIdentity,
  lineRate: number | null,
): Promise<Qualification> {
  const tripsMs: number[] = [];
  const findings: AdapterFinding[] = [];
  const tell = (kind: AdapterFinding['kind'], detail: string) => findings.push({ kind, detail: printable(detail) });
  const taken = async (command: string): Promise<boolean> => {
    const startMs = clock.now();
    const lines = await linesOf(ask, command);
    if (lines === null) return false;
    tripsMs.push(clock.now() - startMs);
    return hasStatus(lines, 'ok');
  };
  /** A command that answers with a value: anything but a refusal. */
  const shown = async (command: string): Promise<boolean> => {
    const lines = await linesOf(ask, command);
    return lines !== null && lines.length > 0 && !hasStatus(lines, 'unknown-command');
  };
  if (identity.version === null) tell('version-never-existed', identity.text);
  await taken('ATD');
  await taken('ATE0');
  const description = printable((await linesOf(ask, 'AT@1'))?.filter((line) => line !== '?').join(' ') ?? '');
  const tryProtocol = await changeOfProtocol(ask, taken, tell);
  const abilities: Partial<Record<AbilityName, boolean>> = { tryProtocol };
  let liesAboutCommands = false;
  for (const { commands, after = [], ability, shows = false, since } of PROBES) {
    const missing = await firstRefused(commands, shows ? shown : taken);
    for (const command of after) await taken(command);
    if (ability) abilities[ability] = missing === null;
    const promised = since !== undefined && identity.version !== null && versionIndex(since) <= identity.version;
    if (missing === null || !promised) continue;
    tell('command-missing', missing);
    liesAboutCommands = true;
  }
  const table = await parameters(ask, identity, lineRate, tell);
  const hasVoltage = /\d\s*V/i.test((await linesOf(ask, 'ATRV'))?.join(' ') ?? '');
  const lies = identity.version === null || liesAboutCommands || table !== 'whole';
  const genuine = lies ? 'clone' : description === GENUINE_DESCRIPTION ? 'genuine' : 'unknown';
  return { abilities: complete(abilities), genuine, findings, hasVoltage, tripsMs };
}

async function firstRefused(
  commands: readonly string[],
  taken: (command: string) => Promise<boolean>,
): Promise<string | null> {
  for (const command of commands) if (!(await taken(command))) return command;
  return null;
}

/**
 * What a change of protocol sets back can only be seen of the echo without a bus; the bus therefore sends CAF, S, AL and the
 * rest again after every change (reference: adapters A.2).
 */
async function changeOfProtocol(
  ask: Ask,
  taken: (command: string) => Promise<boolean>,
  tell: (kind: AdapterFinding['kind'], detail: string) => void,
): Promise<boolean> {
  const tried = (await taken('ATTP8')) && (await taken('ATTP6'));
  const answer = await ask('ATE0').catch((error: unknown) => {
    if (!isStackError(error, 'adapter/no-answer', 'adapter/stopped')) throw error;
    return null;
  });
  const again = await ask('ATE0').catch((error: unknown) => {
    if (!isStackError(error, 'adapter/no-answer', 'adapter/stopped')) throw error;
    return null;
  });
  // An echo that never went off is another matter.
  if (tried && answer?.echoed === true && again?.echoed === false) tell('forgets-settings', 'ATTP6: echo is on again');
  return tried;
}

/** `ATPPS`, the table of the programmable parameters: long, and it names the line speed (PP 0C). */
async function parameters(
  ask: Ask,
  identity: ElmIdentity,
  lineRate: number | null,
  tell: (kind: AdapterFinding['kind'], detail: string) => void,
): Promise<'whole' | 'missing' | 'cut'> {
  const lines = (await linesOf(ask, 'ATPPS', PPS_LIMIT_MS)) ?? [];
  const entries = [...lines.join(' ').matchAll(/\b([0-9A-F]{2}):\s?([0-9A-F]{2})\s?([NF])\b/gi)].map(
    ([, number = '', value = '', active = '']) => ({
      number: Number.parseInt(number, 16),
      value: Number.parseInt(value, 16),
      active: active.toUpperCase() === 'N',
    }),
  );
  const last = entries.at(-1)?.number;
  if (last === undefined) {
    const promised = identity.version !== null && identity.version >= versionIndex('1.1');
    if (promised) tell('command-missing', 'ATPPS');
    return promised ? 'missing' : 'whole';
  }
  const speed = entries.find(({ number }) => number === 0x0c);
  if (speed && lineRate !== null) compareSpeed(speed.active ? speed.value : null, lineRate, tell);
  const promised = identity.version !== null && identity.version >= versionIndex('1.4');
  const gap = entries.find(({ number }, i) => number !== i);
  if (!promised || (last >= LAST_PARAMETER && gap === undefined && !hasStatus(lines, 'buffer-full'))) return 'whole';
  tell('buffer-smaller', `ATPPS: ${entries.length} of ${LAST_PARAMETER + 1} parameters`);
  return 'cut';
}

/** PP 0C: kbit/s = 4000 / value, 00 = 9600; off = 38400, or 9600 by a pin (reference: adapters A.1). */
function compareSpeed(
  value: number | null,
  lineRate: number,
  tell: (kind: AdapterFinding['kind'], detail: string) => void,
): void {
  const named = value === null ? [38_400, 9600] : [value === 0 ? 9600 : 4_000_000 / value];
  if (named.some((rate) => Math.abs(rate - lineRate) < lineRate * 0.03)) return;
  tell('other-speed', `PP 0C names ${Math.round(named[0] ?? 0)}, the line runs at ${lineRate}`);
}

/** null when no prompt came: a clone that hangs on a command it does not know. */
async function linesOf(ask: Ask, command: string, timeoutMs?: number): Promise<readonly string[] | null> {
  try {
    return (await ask(command, timeoutMs === undefined ? {} : { timeoutMs })).lines;
  } catch (error) {
    if (isStackError(error, 'adapter/no-answer', 'adapter/stopped', 'adapter/garbage')) return null;
    throw error;
  }
}

function complete(found: Partial<Record<AbilityName, boolean>>): ElmAbilities {
  const has = (name: AbilityName) => found[name] === true;
  return {
    headers: has('headers'),
    rawFrames: has('rawFrames') && has('headers'), // without ids and formatting nothing could be told apart
    longMessages: has('longMessages'),
    responsesOff: has('responsesOff'),
    adaptiveTimingOff: has('adaptiveTimingOff'),
    responseTimeout: has('responseTimeout'),
    timerMultiplier: has('timerMultiplier'),
    receiveAddress: has('receiveAddress'),
    userFlowControl: has('userFlowControl'),
    hostFlowControl: has('hostFlowControl'),
    variableDlc: has('variableDlc'),
    silentMonitor: has('silentMonitor'),
    tryProtocol: has('tryProtocol'),
  };
}
