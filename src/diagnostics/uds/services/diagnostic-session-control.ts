import type { ReadService, Service } from '#contract/diagnostics.ts';
import { byteOf, expectEnd, positiveResponse, requestPdu } from '#diagnostics/uds/codec.ts';

export interface SessionRequest {
  /** 01 default, 03 extended, … (reference: diagnostics A.3). */
  readonly session: number;
}

export interface SessionResponse {
  readonly session: number;
  /** What the ECU promises; null where an older ECU answers without its timing. */
  readonly p2Ms: number | null;
  readonly p2StarMs: number | null;
}

/**
 * DiagnosticSessionControl (10), ISO 14229-1 clause 10.2: `10 ss` → `50 ss P2 P2 P2* P2*`; P2* in units of 10 ms.
 */
const layout = {
  sid: 0x10,
  name: 'DiagnosticSessionControl',
  encode: ({ session }: SessionRequest) => requestPdu([0x10, byteOf(session, 'session', 0x01, 0x7f)]),
  echo: ({ session }: SessionRequest) => Uint8Array.of(session),
  decode(pdu: Uint8Array, request: SessionRequest): SessionResponse {
    const reader = positiveResponse(layout, request, pdu);
    if (reader.remaining === 0) return { session: request.session, p2Ms: null, p2StarMs: null };
    const response = { session: request.session, p2Ms: reader.uint(2), p2StarMs: reader.uint(2) * 10 };
    expectEnd(reader, layout.name);
    return response;
  },
};

/**
 * Opens a session that changes nothing: 01, 03, or one that a definition names as equal (`DiagTiming.equalSessions`).
 * The client refuses any other with `gate/effect-needs-permit`: those go with `changeSession`.
 */
export const openSession: ReadService<SessionRequest, SessionResponse> = { ...layout, effect: () => 'session' };

/** Opens any session under a permit: programming (02) stops the application and may restart the ECU. */
export const changeSession: Service<SessionRequest, SessionResponse> = { ...layout, effect: () => 'control' };
