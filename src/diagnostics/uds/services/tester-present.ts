import type { ReadService } from '#contract/diagnostics.ts';
import { expectEnd, positiveResponse, requestPdu, SUPPRESS } from '#diagnostics/uds/codec.ts';

export interface TesterPresentRequest {
  /** The ECU shall not answer. */
  readonly suppress?: boolean;
}

/** TesterPresent (3E), ISO 14229-1 clause 10.7: `3E 00` → `7E 00`; `3E 80` → silence. */
export const testerPresent: ReadService<TesterPresentRequest, void> = {
  sid: 0x3e,
  name: 'TesterPresent',
  effect: () => 'read',
  encode: ({ suppress }) => requestPdu([0x3e, suppress ? SUPPRESS : 0x00]),
  echo: () => Uint8Array.of(0x00),
  decode(pdu, request) {
    expectEnd(positiveResponse(testerPresent, request, pdu), testerPresent.name);
  },
};
