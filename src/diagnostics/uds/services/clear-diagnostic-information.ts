import type { Service } from '#contract/diagnostics.ts';
import { expectEnd, positiveResponse, requestPdu } from '#diagnostics/uds/codec.ts';

export interface ClearRequest {
  /** Three bytes: `FF FF FF` all, `FF FF 33` emissions, or one code. */
  readonly group: Uint8Array;
}

/** ClearDiagnosticInformation (14), ISO 14229-1 clause 12.2: `14 g g g` → `54`. May take seconds (78). */
export const clearDiagnosticInformation: Service<ClearRequest, void> = {
  sid: 0x14,
  name: 'ClearDiagnosticInformation',
  effect: () => 'clear',
  encode({ group }) {
    if (group.length !== 3) throw new RangeError(`a group of trouble codes has 3 bytes, not ${group.length}`);
    return requestPdu([0x14], group);
  },
  echo: () => new Uint8Array(),
  decode(pdu, request) {
    expectEnd(positiveResponse(clearDiagnosticInformation, request, pdu), clearDiagnosticInformation.name);
  },
};
