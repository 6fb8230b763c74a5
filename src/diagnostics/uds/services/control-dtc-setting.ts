import type { Service } from '#contract/diagnostics.ts';
import { expectEnd, positiveResponse, requestPdu, SUPPRESS } from '#diagnostics/uds/codec.ts';

export interface ControlDtcSettingRequest {
  readonly setting: 'on' | 'off';
  /** Record of the maker, e.g. `FF FF FF`. */
  readonly options?: Uint8Array;
  /** The ECU shall not answer (functional use). */
  readonly suppress?: boolean;
}

/** ControlDTCSetting (85), ISO 14229-1 clause 10.8: `85 01` on, `85 02` off → `C5 xx`. Ends with the session. */
export const controlDtcSetting: Service<ControlDtcSettingRequest, void> = {
  sid: 0x85,
  name: 'ControlDTCSetting',
  effect: () => 'control',
  encode: ({ setting, options, suppress }) =>
    requestPdu([0x85, subFunction(setting) | (suppress ? SUPPRESS : 0)], options),
  echo: ({ setting }) => Uint8Array.of(subFunction(setting)),
  decode(pdu, request) {
    expectEnd(positiveResponse(controlDtcSetting, request, pdu), controlDtcSetting.name);
  },
};

function subFunction(setting: 'on' | 'off'): number {
  return setting === 'on' ? 0x01 : 0x02;
}
