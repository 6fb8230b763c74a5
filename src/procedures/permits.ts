import { equalBytes } from '#base/bytes.ts';
import { StackError } from '#contract/errors.ts';
import type { ModuleId } from '#contract/isotp.ts';
import type { PermitUse, PermitVerifier, WritePermit } from '#contract/permit.ts';

/** One request that a permit covers. `anyTail`: only the given bytes are fixed (a key is not known when the permit is minted). */
export interface PermittedRequest {
  readonly pdu: Uint8Array;
  readonly anyTail?: boolean;
}

interface Grant {
  readonly stepId: string;
  readonly moduleId: ModuleId;
  readonly requests: readonly PermittedRequest[];
  readonly noteRepeat: (nrc: number, count: number) => Promise<void>;
  /** Requests are used in their order, each once. */
  next: number;
  repeats: number;
  revoked: boolean;
}

/** The ECU said ten times that it did not execute: more of the same helps nobody (reference: diagnostics A.5, NRC 21). */
const MAX_REPEATS = 10;

/**
 * Mints and verifies permits. A permit is an empty frozen object that is known by identity: nothing can be copied, guessed or
 * built that passes. Only `host.ts` holds an office; everybody else sees the `PermitVerifier`.
 */
export class PermitOffice implements PermitVerifier {
  readonly #grants = new WeakMap<object, Grant>();

  mint(grant: Pick<Grant, 'stepId' | 'moduleId' | 'requests' | 'noteRepeat'>): WritePermit {
    const permit = Object.freeze({ stepId: grant.stepId }) as WritePermit;
    this.#grants.set(permit, { ...grant, next: 0, repeats: 0, revoked: false });
    return permit;
  }

  /** The step is over: whatever of the permit is left is worth nothing. */
  revoke(permit: WritePermit): void {
    const grant = this.#grants.get(permit);
    if (grant) grant.revoked = true;
  }

  redeem(permit: WritePermit, use: PermitUse): void {
    const grant = this.#find(permit, use);
    const request = grant.requests[grant.next];
    if (grant.revoked || request === undefined)
      throw new StackError('gate/permit-used', `the permit of step ${grant.stepId} is used up`, {
        sid: use.pdu[0] ?? 0,
        stepId: grant.stepId,
      });
    if (!covers(request, use.pdu)) throw foreign(grant, use, 'other bytes');
    grant.next++;
  }

  async repeat(permit: WritePermit, use: PermitUse, nrc: number): Promise<void> {
    const grant = this.#find(permit, use);
    const last = grant.requests[grant.next - 1];
    if (grant.revoked || last === undefined || !covers(last, use.pdu))
      throw foreign(grant, use, 'not the request that was refused');
    if (grant.repeats >= MAX_REPEATS)
      throw new StackError('gate/repeat-limit', `step ${grant.stepId}: refused ${grant.repeats + 1} times`, {
        stepId: grant.stepId,
        repeats: grant.repeats,
      });
    grant.repeats++;
    await grant.noteRepeat(nrc, grant.repeats);
  }

  #find(permit: WritePermit, use: PermitUse): Grant {
    const grant = typeof permit === 'object' && permit !== null ? this.#grants.get(permit) : undefined;
    if (!grant)
      throw new StackError('gate/permit-unknown', 'this permit was not minted here', { sid: use.pdu[0] ?? 0 });
    if (grant.moduleId !== use.moduleId) throw foreign(grant, use, `for ${grant.moduleId}, not ${use.moduleId}`);
    return grant;
  }
}

function covers(request: PermittedRequest, pdu: Uint8Array): boolean {
  return request.anyTail ? equalBytes(request.pdu, pdu.subarray(0, request.pdu.length)) : equalBytes(request.pdu, pdu);
}

function foreign(grant: Grant, use: PermitUse, why: string): StackError {
  return new StackError(
    'gate/permit-foreign',
    `the permit of step ${grant.stepId} does not cover this request: ${why}`,
    {
      sid: use.pdu[0] ?? 0,
      stepId: grant.stepId,
      why,
    },
  );
}
