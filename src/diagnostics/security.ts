import type { Clock } from '#base/clock.ts';
import type { DiagClient, KeyProvider, SecurityMemory, SecurityRecord } from '#contract/diagnostics.ts';
import { isNegativeResponse, StackError } from '#contract/errors.ts';
import type { WritePermit } from '#contract/permit.ts';
import { requestSeed, sendKey } from './uds/services/security-access.ts';

export interface UnlockOptions {
  /** Odd. */
  readonly level: number;
  readonly provider: KeyProvider;
  /** Seed and key are one step: one permit covers both. */
  readonly permit: WritePermit;
  readonly memory: SecurityMemory;
  readonly moduleKey: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** The person asked for a second try after a failed key. */
  readonly confirmedByPerson?: boolean;
}

/** What ECUs commonly make one wait after too many keys; the true time is the ECU's secret (reference: diagnostics A.5, 36). */
const LOCKOUT_MS = 600_000;
/** 37 without a known lock-out: usually the power-up delay. */
const SHORT_DELAY_MS = 10_000;

/**
 * Security access by the rules of reference diagnostics D.1: an all-zero seed is open already; at most one failed key per level
 * and ignition cycle, remembered durably; while a lock-out runs nothing is sent at all, also after a restart.
 * @throws StackError `security/attempt-used`, `security/locked-out`, `security/key-failed`, `security/key-refused`, `diag/*`, `gate/*`
 */
export async function unlock(client: DiagClient, options: UnlockOptions): Promise<'unlocked' | 'already-open'> {
  const { level, provider, permit, memory, moduleKey, signal } = options;
  const call = signal ? { signal } : {};
  const before = (await memory.read(moduleKey, level)) ?? {
    moduleKey,
    level,
    failedKeys: 0,
    lastFailureWallMs: null,
    lockedUntilWallMs: null,
  };
  await assertNotLocked(before, options);
  if (before.failedKeys > 0 && !options.confirmedByPerson)
    throw new StackError(
      'security/attempt-used',
      `a key for level ${level} has failed before; only the person may try again`,
      { level },
    );

  let seed: Uint8Array;
  try {
    ({ seed } = await client.perform(requestSeed, { level }, permit, call));
  } catch (error) {
    // 13 and 35 to the request of a seed are no failed key: none was tried.
    throw await rememberedDelay(error, before, options);
  }
  if (seed.every((byte) => byte === 0)) return 'already-open';
  const key = keyOf(provider, seed, level);
  try {
    await client.perform(sendKey, { level, key }, permit, call);
  } catch (error) {
    throw isNegativeResponse(error, 0x35, 0x13)
      ? await rememberedFailure(error, before, options)
      : await rememberedDelay(error, before, options);
  }
  if (before.failedKeys > 0 || before.lockedUntilWallMs !== null)
    await memory.write({ ...before, failedKeys: 0, lastFailureWallMs: null, lockedUntilWallMs: null });
  return 'unlocked';
}

async function assertNotLocked(record: SecurityRecord, { clock, memory }: UnlockOptions): Promise<void> {
  if (record.lockedUntilWallMs === null) return;
  const nowMs = clock.wallMs();
  const leftMs = record.lockedUntilWallMs - nowMs;
  if (leftMs <= 0) return;
  const remainingMs = Math.min(leftMs, LOCKOUT_MS);
  const untilWallMs = nowMs + remainingMs;
  // More than the whole delay is left: the clock went back (fault D05). Counted anew from here, else it would take a day.
  if (remainingMs < leftMs) await memory.write({ ...record, lockedUntilWallMs: untilWallMs });
  throw new StackError(
    'security/locked-out',
    `level ${record.level} is locked for ${Math.ceil(remainingMs / 1000)} s more`,
    { level: record.level, untilWallMs, remainingMs },
  );
}

/** The provider's key. Nothing of its own error is kept: its words could hold the seed. */
function keyOf(provider: KeyProvider, seed: Uint8Array, level: number): Uint8Array {
  try {
    const key = provider.keyFor(seed, level).slice();
    sendKey.encode({ level, key });
    return key;
  } catch {
    throw new StackError('security/key-failed', `level ${level}: ${provider.id} made no key for this seed`, {
      level,
      provider: provider.id,
    });
  }
}

/** A refused key, written down before anybody can try again. 13 is some makers' way of saying "wrong key" (A.5). */
async function rememberedFailure(
  error: StackError<'diag/negative-response'>,
  before: SecurityRecord,
  { clock, memory, level }: UnlockOptions,
): Promise<StackError> {
  await memory.write({ ...before, failedKeys: before.failedKeys + 1, lastFailureWallMs: clock.wallMs() });
  return new StackError(
    'security/key-refused',
    `the key for level ${level} was refused`,
    { level, nrc: error.details.nrc },
    { cause: error },
  );
}

/** 36 and 37 start a lock-out, which is written down; every other error stays as it is. */
async function rememberedDelay(error: unknown, before: SecurityRecord, options: UnlockOptions): Promise<unknown> {
  const { clock, memory, level } = options;
  if (!isNegativeResponse(error, 0x36, 0x37)) return error;
  const wallMs = clock.wallMs();
  const isLimit = error.details.nrc === 0x36;
  const lastsMs = isLimit || before.failedKeys > 0 ? LOCKOUT_MS : SHORT_DELAY_MS;
  const lockedUntilWallMs = wallMs + lastsMs;
  await memory.write({
    ...before,
    lockedUntilWallMs,
    ...(isLimit ? { failedKeys: before.failedKeys + 1, lastFailureWallMs: wallMs } : {}),
  });
  return new StackError(
    'security/locked-out',
    `level ${level} is locked`,
    { level, untilWallMs: lockedUntilWallMs, remainingMs: lastsMs },
    { cause: error },
  );
}
