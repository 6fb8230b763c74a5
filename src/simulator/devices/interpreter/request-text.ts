import { fromHex } from '#base/hex.ts';
import type { Answer } from './answer.ts';
import type { Chip } from './chip.ts';
import { isFormatted, longestRequest } from './flow.ts';
import { type Request, startRequest } from './request-job.ts';

/** Since this version one odd digit at the end says how many lines are expected. */
const COUNT_SINCE = 1.3;

/** A line of hex digits is a request: `22F190`, or `22F1901` when one line is expected (reference: adapters A.4). */
export function requestOfHex(chip: Chip, text: string): Answer {
  if (!/^[0-9A-F]{2,}$/.test(text)) return '?';
  const hasCount = text.length % 2 === 1;
  if (hasCount && chip.model.level < COUNT_SINCE) return '?';
  const digits = hasCount ? text.slice(0, -1) : text;
  const payload = fromHex(digits);
  // A full frame by hand leaves no room for the count.
  if (hasCount && !isFormatted(chip) && payload.length === 8) return '?';
  if (payload.length > longestRequest(chip)) return '?';
  const { timeoutMs, timeoutFactor } = chip.settings;
  const request: Request = {
    header: undefined,
    payload: payload.subarray(0, chip.model.requestBytes),
    expected: hasCount ? Number.parseInt(text.slice(-1), 16) : undefined,
    timeoutMs: timeoutMs * timeoutFactor,
  };
  return startRequest(chip, request);
}
