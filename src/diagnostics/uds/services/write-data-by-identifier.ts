import type { Service } from '#contract/diagnostics.ts';
import { expectEnd, identifierBytes, positiveResponse, requestPdu } from '#diagnostics/uds/codec.ts';

export interface WriteDataRequest {
  readonly did: number;
  readonly data: Uint8Array;
}

/** WriteDataByIdentifier (2E), ISO 14229-1 clause 11.7: `2E D D data…` → `6E D D`. May take seconds (78). */
export const writeDataByIdentifier: Service<WriteDataRequest, void> = {
  sid: 0x2e,
  name: 'WriteDataByIdentifier',
  effect: () => 'write',
  encode({ did, data }) {
    if (data.length === 0) throw new RangeError('WriteDataByIdentifier: nothing to write');
    return requestPdu([0x2e, ...identifierBytes(did, 'DID')], data);
  },
  echo: ({ did }) => Uint8Array.from(identifierBytes(did, 'DID')),
  decode(pdu, request) {
    expectEnd(positiveResponse(writeDataByIdentifier, request, pdu), writeDataByIdentifier.name);
  },
};
