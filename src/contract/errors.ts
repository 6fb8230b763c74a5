/**
 * The one error of the stack. Errors are told apart by code, never by wording; codes are `layer/what-happened`.
 * What a person reads is one entry per code in `ui/messages` (a missing entry does not compile).
 * `details` hold the numbers of the case; their shape follows from the code.
 */
export interface ErrorDetails {
  // call: any bounded wait
  'call/aborted': { readonly what: string };
  'call/timeout': { readonly what: string; readonly timeoutMs: number };

  // transport: raw bytes to a device
  'transport/unavailable': { readonly api: 'serial' | 'usb' | 'worker' | 'locks' | 'storage'; readonly reason: string };
  'transport/chooser-dismissed': Record<never, never>;
  'transport/permission-lost': { readonly vendorId?: number; readonly productId?: number };
  'transport/busy': { readonly owner: 'this-app' | 'other-program' | 'unknown' };
  'transport/lost': { readonly reason: string };
  'transport/closed': Record<never, never>;
  'transport/line-errors': { readonly name: string; readonly count: number; readonly windowMs: number };
  'transport/write-failed': { readonly reason: string };
  'transport/close-timeout': { readonly timeoutMs: number };

  // adapter: a driver and its device
  'adapter/no-answer': { readonly command: string; readonly timeoutMs: number };
  'adapter/refused': { readonly command: string };
  'adapter/not-recognised': { readonly received: string };
  'adapter/unsupported': { readonly ability: string };
  'adapter/identity-changed': { readonly expected: string; readonly actual: string };
  'adapter/reset': { readonly banner: string };
  'adapter/garbage': { readonly bytes: number };
  'adapter/queue-overrun': { readonly queueFrames: number };
  /** A command interpreter was interrupted, or interrupted itself, before its answer was complete. */
  'adapter/stopped': { readonly command: string };
  /** The device could not pass on an answer as fast as it came: the answer is lost. */
  'adapter/buffer-full': { readonly command: string };
  /** The device went to sleep, or says that it will. */
  'adapter/asleep': { readonly banner: string };
  /** The verdict on this adapter does not let it do the job. */
  'adapter/may-not': { readonly job: 'read' | 'code' | 'program'; readonly reason: string };
  'adapter/in-use': { readonly by: 'other-tab' | 'this-tab' };

  // can
  'can/bus-error': { readonly flags: string };
  'can/closed': Record<never, never>;

  // isotp (ISO 15765-2 N_Result values)
  'isotp/timeout-n-as': { readonly timeoutMs: number };
  'isotp/timeout-n-bs': { readonly timeoutMs: number; readonly sentBytes: number };
  'isotp/timeout-n-cr': { readonly timeoutMs: number; readonly receivedBytes: number; readonly expectedBytes: number };
  'isotp/wrong-sn': { readonly expected: number; readonly actual: number };
  'isotp/invalid-fs': { readonly flowStatus: number };
  'isotp/overflow': { readonly lengthBytes: number };
  'isotp/wait-limit': { readonly waits: number };
  'isotp/unexpected-pdu': { readonly frame: string };
  'isotp/refused-while-sending': { readonly frame: string };
  'isotp/message-too-long': { readonly lengthBytes: number; readonly maxBytes: number };
  'isotp/busy': Record<never, never>;

  // diag: one request and its answer
  'diag/timeout': {
    readonly sid: number;
    readonly service: string;
    readonly timeoutMs: number;
    readonly sends: number;
  };
  'diag/pending-limit': {
    readonly sid: number;
    readonly service: string;
    readonly pendings: number;
    readonly limitMs: number;
  };
  'diag/negative-response': {
    readonly sid: number;
    readonly service: string;
    readonly nrc: number;
    readonly nrcName: string;
  };
  'diag/malformed-response': {
    readonly sid: number;
    readonly service: string;
    readonly pdu: string;
    readonly why: string;
  };
  'diag/session-lost': { readonly expected: number; readonly nrc?: number };
  'diag/module-lost': { readonly moduleId: string };
  'diag/outcome-unknown': { readonly sid: number; readonly service: string };

  // security access
  'security/no-provider': { readonly level: number };
  /** The provider made no key for this seed; none was sent. */
  'security/key-failed': { readonly level: number; readonly provider: string };
  'security/locked-out': { readonly level: number; readonly untilWallMs: number; readonly remainingMs: number };
  'security/key-refused': { readonly level: number; readonly nrc: number };
  'security/attempt-used': { readonly level: number };

  // gate: requests with an effect
  'gate/permit-unknown': { readonly sid: number };
  'gate/permit-used': { readonly sid: number; readonly stepId: string };
  'gate/permit-foreign': { readonly sid: number; readonly stepId: string; readonly why: string };
  'gate/effect-needs-permit': { readonly sid: number; readonly effect: string };
  'gate/denied': { readonly request: string; readonly rule: string };
  'gate/repeat-limit': { readonly stepId: string; readonly repeats: number };

  // plan and operation
  'plan/unknown': { readonly planId: string };
  'plan/used': { readonly planId: string };
  'plan/stale': {
    readonly what: 'block' | 'identity' | 'definition' | 'vehicle';
    readonly id: string;
    readonly expected: string;
    readonly actual: string;
  };
  'plan/nothing-to-do': Record<never, never>;
  'plan/shop-code-unset': { readonly moduleHolds: string | null };
  'operation/cancelled': Record<never, never>;
  'operation/busy': { readonly operationId: string };
  'operation/unknown': { readonly operationId: string };
  'operation/not-cancellable': { readonly phase: string };
  'job/unfinished': { readonly operationId: string; readonly vin: string | null };
  'verify/mismatch': { readonly did: string; readonly expected: string; readonly actual: string };

  // vehicle
  'vehicle/not-connected': Record<never, never>;
  'vehicle/no-module-answers': { readonly asked: number; readonly traffic: boolean };
  'vehicle/vin-conflict': { readonly vins: readonly string[] };
  'vehicle/module-unknown': { readonly moduleId: string };
  'vehicle/gateway-filters': { readonly modules: readonly string[] };
  'voltage/blocked': { readonly volts: number; readonly lowest: number; readonly highest: number };

  // definition
  'definition/invalid': {
    readonly definitionId: string;
    readonly path: string;
    readonly rule: string;
    readonly problem: string;
  };
  'definition/no-match': { readonly moduleId: string };
  'definition/near-match': { readonly definitionId: string; readonly differs: readonly string[] };
  'definition/value-out-of-range': { readonly parameterId: string; readonly value: string };
  'definition/block-length': { readonly did: string; readonly expectedBytes: number; readonly actualBytes: number };
  'definition/option-unavailable': { readonly parameterId: string; readonly reason: string };

  // backup and restore
  'backup/missing': { readonly what: string };
  'backup/unstable': { readonly did: string; readonly first: string; readonly second: string };
  'backup/not-durable': { readonly backupId: string };
  'backup/corrupt': { readonly why: string };
  'restore/refused': { readonly reason: RestoreRefusal; readonly expected: string; readonly actual: string };

  // files from outside
  'file/malformed': { readonly name: string; readonly at: string; readonly why: string };
  'file/too-large': { readonly name: string; readonly bytes: number; readonly maxBytes: number };
  'file/newer-version': { readonly name: string; readonly version: number; readonly known: number };
  'file/other-world': { readonly name: string; readonly simulated: boolean };

  // store
  'store/unavailable': { readonly reason: string };
  'store/newer-schema': { readonly installed: number; readonly known: number };
  'store/busy': { readonly reason: 'upgrade' | 'job-open' };
  'store/quota': { readonly neededBytes: number };
  'store/corrupt': { readonly table: string; readonly key: string; readonly why: string };
  'store/write-failed': { readonly table: string; readonly reason: string };

  // between page and workers
  'rpc/worker-ended': { readonly worker: string };
  'rpc/malformed-call': { readonly method: string; readonly why: string };
  'rpc/internal': { readonly name: string; readonly message: string };
}

/** Why a backup may not be written to the module at hand (design 5, fault D09). */
export type RestoreRefusal =
  | 'other-vin'
  | 'other-serial'
  | 'other-hardware'
  | 'other-software'
  | 'other-definition'
  | 'other-address'
  | 'block-length'
  | 'simulated'
  | 'nothing-equal';

export type ErrorCode = keyof ErrorDetails;

/** An error as plain data: how it crosses a worker boundary and how the journal keeps it. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails[ErrorCode];
  readonly cause?: ErrorRecord | { readonly name: string; readonly message: string };
}

export class StackError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'StackError';
  readonly code: C;
  readonly details: ErrorDetails[C];

  constructor(code: C, message: string, details: ErrorDetails[C], options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** Narrows an unknown error to a StackError with one of the codes (any code when none is named). */
export function isStackError<C extends ErrorCode>(error: unknown, ...codes: readonly C[]): error is StackError<C> {
  return error instanceof StackError && (codes.length === 0 || codes.includes(error.code as C));
}

/** A negative response with this NRC? */
export function isNegativeResponse(
  error: unknown,
  ...nrcs: readonly number[]
): error is StackError<'diag/negative-response'> {
  return isStackError(error, 'diag/negative-response') && (nrcs.length === 0 || nrcs.includes(error.details.nrc));
}

const MAX_CAUSES = 5;

export function toErrorRecord(error: unknown, depth = 0): ErrorRecord {
  if (error instanceof StackError) {
    const cause = error.cause === undefined || depth >= MAX_CAUSES ? undefined : causeRecord(error.cause, depth + 1);
    return { code: error.code, message: error.message, details: error.details, ...(cause ? { cause } : {}) };
  }
  const name = error instanceof Error ? error.name : typeof error;
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'rpc/internal', message, details: { name, message } };
}

function causeRecord(cause: unknown, depth: number): NonNullable<ErrorRecord['cause']> {
  if (cause instanceof StackError) return toErrorRecord(cause, depth);
  if (cause instanceof Error) return { name: cause.name, message: cause.message };
  return { name: typeof cause, message: String(cause) };
}

/** The other direction. The record comes from our own worker or journal, after its schema was checked there. */
export function fromErrorRecord(record: ErrorRecord): StackError {
  const { cause } = record;
  const inner =
    cause === undefined
      ? undefined
      : 'code' in cause
        ? fromErrorRecord(cause)
        : Object.assign(new Error(cause.message), { name: cause.name });
  return new StackError(record.code, record.message, record.details, inner === undefined ? {} : { cause: inner });
}

/** The error for an aborted wait; keeps a StackError given as the abort reason. */
export function abortError(signal: AbortSignal, what: string): StackError {
  return signal.reason instanceof StackError
    ? signal.reason
    : new StackError('call/aborted', `${what}: cancelled`, { what });
}
