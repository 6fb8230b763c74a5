import type { ModuleId } from '#contract/isotp.ts';

declare const permitBrand: unique symbol;

/**
 * Leave to send the requests of one step of an approved plan. Minted only by `procedures/host.ts`, after the journal
 * append, the backup check (I1), the compare with the expected old bytes and identity, the voltage rule and the deny rule.
 * There is no way to make one: the verifier knows its own by object identity, not by content.
 */
export interface WritePermit {
  readonly [permitBrand]: true;
  readonly stepId: string;
}

/** What a request does to the ECU (design 4, table "effect"). Of the request, not of the service. */
export type Effect =
  | 'read'
  | 'session'
  | 'unlock'
  | 'control'
  | 'write'
  | 'routine'
  | 'erase'
  | 'transfer'
  | 'reset'
  | 'clear';

/** One use of a permit: exactly this request to this ECU. */
export interface PermitUse {
  readonly moduleId: ModuleId;
  readonly pdu: Uint8Array;
  readonly effect: Effect;
}

/** The client asks before the first byte of a request with an effect leaves. Both throw; nothing is sent then. */
export interface PermitVerifier {
  /** @throws StackError `gate/permit-unknown` (forged), `gate/permit-used`, `gate/permit-foreign` (other step, ECU or bytes) */
  redeem(permit: WritePermit, use: PermitUse): void;
  /**
   * A repeat of the same request, only after an answer that proves the ECU did not execute (NRC 21; 37 after its delay).
   * Bounded, and durably noted in the journal before it resolves.
   * @throws StackError `gate/repeat-limit`, and what `redeem` throws
   */
  repeat(permit: WritePermit, use: PermitUse, nrc: number): Promise<void>;
}

/**
 * The effect of a request by its bytes alone, so that a service that mislabels itself is caught.
 * Unknown services count as 'control': they need a permit that nobody mints. `equalSessions` are the sessions a definition names as
 * equal to the extended one.
 */
export function effectOfRequest(pdu: Uint8Array, equalSessions: readonly number[] = []): Effect {
  const sub = (pdu[1] ?? 0) & 0x7f;
  switch (pdu[0]) {
    case 0x10:
      return sub === 0x01 || sub === 0x03 || equalSessions.includes(sub) ? 'session' : 'control';
    case 0x19:
    case 0x1a:
    case 0x21:
    case 0x22:
    case 0x23:
    case 0x24:
    case 0x3e:
    case 0x01:
    case 0x02:
    case 0x03:
    case 0x06:
    case 0x07:
    case 0x09:
    case 0x0a:
      return 'read';
    case 0x31:
      return sub === 0x03 ? 'read' : 'routine';
    case 0x11:
      return 'reset';
    case 0x14:
    case 0x04:
      return 'clear';
    case 0x27:
      return 'unlock';
    case 0x2e:
    case 0x3b:
    case 0x3d:
      return 'write';
    case 0x34:
    case 0x35:
    case 0x36:
    case 0x37:
    case 0x38:
      return 'transfer';
    default:
      return 'control';
  }
}
