import type { Ask } from '#adapters/drivers/interpreter/console.ts';
import { printable } from '#adapters/drivers/interpreter/lines.ts';
import { isStackError } from '#contract/errors.ts';

/** Versions that Elm Electronics made; v1.5 is none of them (reference: adapters A.3, A.9). */
const VERSIONS = [
  '1.0',
  '1.0a',
  '1.1',
  '1.2',
  '1.2a',
  '1.3',
  '1.3a',
  '1.4',
  '1.4b',
  '2.0',
  '2.1',
  '2.2',
  '2.3',
] as const;

export interface ElmIdentity {
  /** `ELM327 v1.4b`, as `ATI` said; foreign text, bounded. */
  readonly text: string;
  /** Position among the versions that were made; null for one that never existed. */
  readonly version: number | null;
}

/** Where a version stands in their order. */
export function versionIndex(version: (typeof VERSIONS)[number]): number {
  return VERSIONS.indexOf(version);
}

/** Is this the answer of an ELM327 to `ATI`? */
export function parseIdentity(lines: readonly string[]): ElmIdentity | null {
  for (const line of lines) {
    const match = /ELM\s?327\s*v?(\d+\.\d+[a-z]?)?/i.exec(line);
    if (!match) continue;
    const index = (VERSIONS as readonly string[]).indexOf((match[1] ?? '').toLowerCase());
    return { text: printable(line), version: index < 0 ? null : index };
  }
  return null;
}

/** `ATI` may break off what an earlier session left running, or end its half line: then it is asked again. */
const HELLO_TRIES = 3;

/**
 * Who is there? `ATI`, then what only relatives with a driver of their own know (reference: adapters L.2, B.1, B.6). Never
 * `ATZ`: the device may be somebody else's. Nothing of it touches the bus.
 * `settle` waits until a device that was interrupted has said all it has to say.
 * @returns null for a device that is no ELM327, or an STN or vLinker
 */
export async function recognise(ask: Ask, answerMs: number, settle: () => Promise<void>): Promise<ElmIdentity | null> {
  const identity = await hello(ask, answerMs, settle);
  if (identity === null) return null;
  if (await says(ask, 'STI', /^STN[12]\d{3}/i, answerMs)) return null;
  if (await says(ask, 'VTVERS', /MIC3[\dX]/i, answerMs)) return null;
  return identity;
}

async function hello(ask: Ask, timeoutMs: number, settle: () => Promise<void>): Promise<ElmIdentity | null> {
  for (let i = 0; i < HELLO_TRIES; i++) {
    // What was left running was broken off by the A of the first ATI: the rest of it has an answer of its own.
    if (i > 0) await settle();
    try {
      const { lines } = await ask('ATI', { timeoutMs });
      const identity = parseIdentity(lines);
      const unclear = lines.length === 0 || lines.some((line) => line.endsWith('?'));
      if (identity || !unclear) return identity;
    } catch (error) {
      if (isStackError(error, 'adapter/no-answer', 'adapter/garbage')) return null;
      if (!isStackError(error, 'adapter/stopped', 'adapter/reset')) throw error;
    }
  }
  return null;
}

async function says(ask: Ask, command: string, pattern: RegExp, timeoutMs: number): Promise<boolean> {
  try {
    const { lines } = await ask(command, { timeoutMs, expectsBanner: true });
    return lines.some((line) => pattern.test(line));
  } catch (error) {
    // silence to a command it does not know: not one of those
    if (isStackError(error, 'adapter/no-answer', 'adapter/stopped')) return false;
    throw error;
  }
}
