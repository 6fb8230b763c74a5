import type { ReadService, Service } from '#contract/diagnostics.ts';
import { identifierBytes, positiveResponse, requestPdu } from '#diagnostics/uds/codec.ts';

export interface RoutineRequest {
  readonly rid: number;
  readonly options?: Uint8Array;
}

export interface RoutineResponse {
  /** Status and results as sent; what they mean is the maker's (reference: diagnostics A.4, 31). May be empty. */
  readonly status: Uint8Array;
}

/** RoutineControl (31), ISO 14229-1 clause 14.2: `31 c R R [options]` → `71 c R R [status]`. */
function layout(control: number) {
  const service = {
    sid: 0x31,
    name: 'RoutineControl',
    encode: ({ rid, options }: RoutineRequest) =>
      requestPdu([0x31, control, ...identifierBytes(rid, 'routine')], options),
    echo: ({ rid }: RoutineRequest) => Uint8Array.of(control, ...identifierBytes(rid, 'routine')),
    decode: (pdu: Uint8Array, request: RoutineRequest): RoutineResponse => ({
      status: positiveResponse(service, request, pdu).rest(),
    }),
  };
  return service;
}

export const startRoutine: Service<RoutineRequest, RoutineResponse> = { ...layout(0x01), effect: () => 'routine' };

export const stopRoutine: Service<RoutineRequest, RoutineResponse> = { ...layout(0x02), effect: () => 'routine' };

/** Only asks how a routine ended. */
export const requestRoutineResults: ReadService<RoutineRequest, RoutineResponse> = {
  ...layout(0x03),
  effect: () => 'read',
};
