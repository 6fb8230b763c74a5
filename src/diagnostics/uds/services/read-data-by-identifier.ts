import type { ReadService } from '#contract/diagnostics.ts';
import { identifierBytes, positiveResponse, requestPdu } from '#diagnostics/uds/codec.ts';

export interface ReadDataRequest {
  readonly did: number;
}

export interface ReadDataResponse {
  /** At least one byte. */
  readonly data: Uint8Array;
}

/**
 * ReadDataByIdentifier (22), ISO 14229-1 clause 11.2: `22 D D` → `62 D D data…`. One DID a request: the answer to several
 * cannot be split without knowing their lengths.
 */
export const readDataByIdentifier: ReadService<ReadDataRequest, ReadDataResponse> = {
  sid: 0x22,
  name: 'ReadDataByIdentifier',
  effect: () => 'read',
  encode: ({ did }) => requestPdu([0x22, ...identifierBytes(did, 'DID')]),
  echo: ({ did }) => Uint8Array.from(identifierBytes(did, 'DID')),
  decode(pdu, request) {
    const reader = positiveResponse(readDataByIdentifier, request, pdu);
    if (reader.remaining === 0) throw new RangeError('ReadDataByIdentifier: the identifier comes without data');
    return { data: reader.rest() };
  },
};
