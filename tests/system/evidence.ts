/** What is worth knowing when something failed. */
import type { Harness } from './harness.ts';

const TRACE_LINES = 40;
const SERIAL_LINES = 80;
const SNAPSHOT_LIMIT_MS = 5_000;

/** What the screen shows, what the page complained of, the last frames on the wire, and what an interpreter was told. */
export async function evidence(harness: Harness): Promise<string> {
  const trace = await harness.ecu({ do: 'trace' }).then(
    (reply) => (reply.trace as string[]).slice(-TRACE_LINES),
    (failure: unknown) => [String(failure)],
  );
  const serial = await harness.serial().catch((failure: unknown) => [String(failure)]);
  const screen = await harness.page
    .locator('body')
    .ariaSnapshot({ timeout: SNAPSHOT_LIMIT_MS })
    .catch((failure: unknown) => String(failure));
  return [
    'screen:',
    screen,
    'page errors:',
    ...harness.pageErrors,
    'last frames on the wire:',
    ...trace,
    ...(serial.length === 0 ? [] : ['last lines of the adapter:', ...serial.slice(-SERIAL_LINES)]),
  ].join('\n');
}
