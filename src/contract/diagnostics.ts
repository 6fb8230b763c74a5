import type { CallOptions } from '#contract/call.ts';
import type { ModuleId } from '#contract/isotp.ts';
import type { Effect, WritePermit } from '#contract/permit.ts';
import type { CloseReason } from '#contract/transport.ts';

/** One diagnostic service: bytes in, bytes out, nothing else. `decode` gets the positive response, already checked for SID and echo. */
export interface Service<Request, Response> {
  readonly sid: number;
  /** Name of ISO 14229-1, e.g. `WriteDataByIdentifier`. */
  readonly name: string;
  effect(request: Request): Effect;
  /** @throws RangeError when the request cannot be expressed */
  encode(request: Request): Uint8Array;
  /** Leading bytes of the positive response that must equal these (sub-function without bit 7, DID, RID), after SID + 0x40. */
  echo(request: Request): Uint8Array;
  /** @throws RangeError with what is wrong in the bytes */
  decode(pdu: Uint8Array, request: Request): Response;
}

/** A service that only reads, or opens a session that changes nothing: needs no permit. */
export interface ReadService<Request, Response> extends Service<Request, Response> {
  effect(request: Request): 'read' | 'session';
}

export interface SessionState {
  /** 0x01 default, 0x03 extended, … as last confirmed by the ECU. */
  readonly session: number;
  readonly p2Ms: number;
  readonly p2StarMs: number;
  readonly unlockedLevel: number | null;
}

export type DiagEvent =
  /** NRC 78: the ECU is working on it. */
  | { readonly type: 'pending'; readonly service: string; readonly count: number; readonly elapsedMs: number }
  /** NRC 21 or 37: we wait, then repeat. */
  | { readonly type: 'waiting'; readonly service: string; readonly nrc: number; readonly untilMs: number }
  | { readonly type: 'session-lost'; readonly expected: number }
  | { readonly type: 'session-opened'; readonly session: number }
  /** An answer nobody asked for: late, foreign or from another tester's request (faults T07, T10). */
  | { readonly type: 'stray'; readonly pdu: string; readonly source: ModuleId }
  | { readonly type: 'answered'; readonly atMs: number };

/**
 * One ECU, one outstanding request. All bytes to an ECU pass here.
 *
 * NRC policy (reference: diagnostics A.5, A.8): reads repeat (no answer ≤ 2, NRC 21, NRC 10 once) and re-enter a lost session
 * once; a request with an effect is repeated only under its permit after NRC 21 or 37, else it fails and its state is re-read
 * by the caller. After a request with an effect that got no answer the client listens silently for P2* before it re-uses that SID.
 * A request that surely did not reach the ECU as a whole fails with the code of its sending (`isotp/timeout-n-bs`, …), not with
 * `diag/outcome-unknown`. A session that a read had to open again is `diag/session-lost` to the next write: what was done in it
 * before (unlock, prelude) is gone.
 */
export interface DiagClient {
  readonly moduleId: ModuleId;
  readonly state: SessionState;
  readonly closed: Promise<CloseReason>;
  /** Monotonic time of the last answer of any kind, null before the first. */
  readonly lastAnswerMs: number | null;
  /**
   * @throws StackError `diag/*`, `gate/effect-needs-permit` (the bytes have an effect), `isotp/*`, `call/*`
   */
  call<Request, Response>(
    service: ReadService<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response>;
  /**
   * `timeoutMs` bounds the wait before the first byte only: once it has left, an answer may come and is waited for.
   * @throws StackError as `call`, `gate/*`; `diag/outcome-unknown` (cause: the time-out or transport error) when the ECU may have
   * executed the request: re-read before anything else (I6)
   */
  perform<Request, Response>(
    service: Service<Request, Response>,
    request: Request,
    permit: WritePermit,
    options?: CallOptions,
  ): Promise<Response>;
  /** Keeps the present non-default session open with 3E until the returned function is called. */
  keepSession(): () => void;
  onEvent(listener: (event: DiagEvent) => void): () => void;
  close(): Promise<void>;
}

/** Broadcast reads: 0..n answers from different ECUs. An ECU that does not support the request stays silent. */
export interface FunctionalClient {
  /** Calls `onResponse` for each answer as it comes; resolves when `collectMs` have passed since the last frame was sent. */
  broadcast<Request, Response>(
    service: ReadService<Request, Response>,
    request: Request,
    onResponse: (response: FunctionalResponse<Response>) => void,
    options: CallOptions & { readonly collectMs: number },
  ): Promise<void>;
  close(): Promise<void>;
}

export type FunctionalResponse<Response> =
  | { readonly kind: 'positive'; readonly source: ModuleId; readonly response: Response }
  | { readonly kind: 'negative'; readonly source: ModuleId; readonly nrc: number }
  | { readonly kind: 'malformed'; readonly source: ModuleId; readonly why: string };

/** Timing of one ECU; from its definition, with floors that a session record never lowers. ms. */
export interface DiagTiming {
  readonly p2FloorMs: number;
  readonly p2StarFloorMs: number;
  /** Cap of one whole 78 chain (P4). */
  readonly pendingLimitMs: number;
  readonly s3ClientMs: number;
  /** Sessions a definition names as equal to the extended session (no permit). */
  readonly equalSessions: readonly number[];
}

export const DEFAULT_DIAG_TIMING: DiagTiming = {
  p2FloorMs: 150,
  p2StarFloorMs: 5000,
  pendingLimitMs: 60_000,
  s3ClientMs: 2000,
  equalSessions: [],
};

/** Computes a key from a seed. No secrets are shipped: the simulator's provider, or the user's plug-in data. */
export interface KeyProvider {
  readonly id: string;
  readonly title: string;
  /** @throws RangeError when the seed does not fit */
  keyFor(seed: Uint8Array, level: number): Uint8Array;
}

/**
 * What is remembered of failed keys, per module (its serial number where known) and level, durably: at most one failed key per
 * level and ignition cycle, and a lock-out's end survives a restart.
 */
export interface SecurityRecord {
  readonly moduleKey: string;
  readonly level: number;
  readonly failedKeys: number;
  readonly lastFailureWallMs: number | null;
  readonly lockedUntilWallMs: number | null;
}

export interface SecurityMemory {
  read(moduleKey: string, level: number): Promise<SecurityRecord | null>;
  /** Durable before it resolves. */
  write(record: SecurityRecord): Promise<void>;
}
