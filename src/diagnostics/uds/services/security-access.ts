import type { Service } from '#contract/diagnostics.ts';
import { byteOf, expectEnd, positiveResponse, requestPdu } from '#diagnostics/uds/codec.ts';

export interface SeedRequest {
  /** The odd sub-function; its key goes with the next even one. */
  readonly level: number;
}

export interface SeedResponse {
  /** All zero, of any length: this level is unlocked already (reference: diagnostics D.1, rule 1). */
  readonly seed: Uint8Array;
}

export interface KeyRequest {
  /** The odd sub-function its seed was requested with. */
  readonly level: number;
  readonly key: Uint8Array;
}

/** SecurityAccess (27) requestSeed, ISO 14229-1 clause 10.4: `27 odd` → `67 odd seed…`. */
export const requestSeed: Service<SeedRequest, SeedResponse> = {
  sid: 0x27,
  name: 'SecurityAccess',
  effect: () => 'unlock',
  encode: ({ level }) => requestPdu([0x27, oddLevel(level)]),
  echo: ({ level }) => Uint8Array.of(level),
  decode(pdu, request) {
    const reader = positiveResponse(requestSeed, request, pdu);
    if (reader.remaining === 0) throw new RangeError('SecurityAccess: the answer holds no seed');
    return { seed: reader.rest() };
  },
};

/** SecurityAccess (27) sendKey: `27 even key…` → `67 even`. */
export const sendKey: Service<KeyRequest, void> = {
  sid: 0x27,
  name: 'SecurityAccess',
  effect: () => 'unlock',
  encode({ level, key }) {
    if (key.length === 0) throw new RangeError('SecurityAccess: a key has at least one byte');
    return requestPdu([0x27, oddLevel(level) + 1], key);
  },
  echo: ({ level }) => Uint8Array.of(level + 1),
  decode(pdu, request) {
    expectEnd(positiveResponse(sendKey, request, pdu), sendKey.name);
  },
};

function oddLevel(level: number): number {
  if (level % 2 !== 1) throw new RangeError(`security level ${level} is not odd`);
  return byteOf(level, 'security level', 0x01, 0x7d);
}
