import type { Service } from '#contract/diagnostics.ts';
import { byteOf, expectEnd, positiveResponse, requestPdu } from '#diagnostics/uds/codec.ts';

export interface EcuResetRequest {
  /** 01 hard, 02 key off/on, 03 soft, 04/05 enable/disable rapid power shut-down. */
  readonly type: number;
}

export interface EcuResetResponse {
  /** Seconds the ECU stays off (type 04); null = not told. */
  readonly powerDownS: number | null;
}

/** ECUReset (11), ISO 14229-1 clause 10.3: `11 tt` → `51 tt [powerDownTime]`. Some ECUs restart before they answer. */
export const ecuReset: Service<EcuResetRequest, EcuResetResponse> = {
  sid: 0x11,
  name: 'ECUReset',
  effect: () => 'reset',
  encode: ({ type }) => requestPdu([0x11, byteOf(type, 'reset type', 0x01, 0x7f)]),
  echo: ({ type }) => Uint8Array.of(type),
  decode(pdu, request) {
    const reader = positiveResponse(ecuReset, request, pdu);
    if (reader.remaining === 0) return { powerDownS: null };
    const seconds = reader.uint(1);
    expectEnd(reader, ecuReset.name);
    return { powerDownS: seconds === 0xff ? null : seconds };
  },
};
