import { isStackError, StackError } from '#contract/errors.ts';

export interface ServiceName {
  readonly sid: number;
  readonly name: string;
}

/** Frames lost on the way, flow control missing, a message cut off: a read may simply be asked again (fault T01, S09). */
export function isRepeatable(error: unknown): boolean {
  return isStackError(
    error,
    'isotp/timeout-n-bs',
    'isotp/timeout-n-cr',
    'isotp/timeout-n-as',
    'isotp/wrong-sn',
    'isotp/unexpected-pdu',
    'isotp/wait-limit',
    'isotp/invalid-fs',
    'isotp/refused-while-sending',
  );
}

/**
 * Errors of a sending that prove that the ECU has not got the whole request, so that it cannot have executed it
 * (reference: adapters J.3, J.4): either nothing was handed to the adapter (`message-too-long`, `busy`), or the ECU
 * withheld the flow control that the last frame depends on (N_Bs, WAIT limit, OVFLW, reserved flow status).
 * N_As and a lost adapter prove nothing: the frame may have left.
 */
export function provesUnsent(error: unknown): error is StackError {
  return isStackError(
    error,
    'isotp/message-too-long',
    'isotp/busy',
    'isotp/timeout-n-bs',
    'isotp/wait-limit',
    'isotp/overflow',
    'isotp/invalid-fs',
  );
}

export function timeoutError(service: ServiceName, afterMs: number, sends: number, cause?: unknown): StackError {
  const { sid, name } = service;
  return new StackError(
    'diag/timeout',
    `${name}: no answer within ${Math.round(afterMs)} ms, sent ${sends}×`,
    { sid, service: name, timeoutMs: afterMs, sends },
    cause === undefined ? {} : { cause },
  );
}

export function pendingLimit(service: ServiceName, pendings: number, limitMs: number): StackError {
  const { sid, name } = service;
  return new StackError('diag/pending-limit', `${name}: still working after ${limitMs} ms and ${pendings} answers`, {
    sid,
    service: name,
    pendings,
    limitMs,
  });
}

export function outcomeUnknown(service: ServiceName, cause: unknown): StackError {
  const { sid, name } = service;
  return new StackError(
    'diag/outcome-unknown',
    `${name}: no certain answer, the module may have executed it`,
    { sid, service: name },
    { cause },
  );
}

export function sessionLost(expected: number, why: string, nrc?: number, cause?: unknown): StackError {
  return new StackError(
    'diag/session-lost',
    `the session 0x${expected.toString(16)} ${why}`,
    nrc === undefined ? { expected } : { expected, nrc },
    cause === undefined ? {} : { cause },
  );
}

export function moduleLost(moduleId: string, cause: unknown): StackError {
  return new StackError('diag/module-lost', `${moduleId} does not answer any more`, { moduleId }, { cause });
}
