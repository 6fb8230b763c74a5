import type { ReadService } from '#contract/diagnostics.ts';

export interface SeveralIdentifiers {
  /** At least one; the same one may stand there several times. */
  readonly dids: readonly number[];
}

/**
 * ReadDataByIdentifier (22) with several identifiers, ISO 14229-1 clause 11.2: `22 D D D D …` → `62 D D data… D D data…`. What
 * a value is cannot be told without its length, so the answer stays bytes; the check only looks whether it is whole.
 */
export const readSeveralIdentifiers: ReadService<SeveralIdentifiers, Uint8Array> = {
  sid: 0x22,
  name: 'ReadDataByIdentifier',
  effect: () => 'read',
  encode: ({ dids }) => Uint8Array.of(0x22, ...dids.flatMap(bytesOf)),
  echo: ({ dids }) => Uint8Array.from(dids.slice(0, 1).flatMap(bytesOf)),
  decode: (pdu) => pdu.slice(1),
};

function bytesOf(did: number): readonly [number, number] {
  if (!Number.isInteger(did) || did < 0 || did > 0xffff) throw new RangeError(`DID ${did} is not in 0000–FFFF`);
  return [did >> 8, did & 0xff];
}

/** Length of a request for so many identifiers, bytes. */
export function requestBytes(identifiers: number): number {
  return 1 + 2 * identifiers;
}
