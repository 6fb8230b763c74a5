import { hexNumber, toHexSpaced } from '#base/hex.ts';
import type { Definition } from '#contract/definition.ts';
import { StackError } from '#contract/errors.ts';

/**
 * The deny rule of the write gate (design 2): a request with an effect passes only if the matched definition names it, or in
 * expert raw mode. Some are refused in any mode. Throws `gate/denied` with the rule's name; there is no override.
 */
export function assertNotDenied(
  pdu: Uint8Array,
  scope: { readonly definition: Definition | null; readonly expertRaw: boolean },
): void {
  const deny = (rule: string): never => {
    throw new StackError('gate/denied', `${toHexSpaced(pdu.subarray(0, 4))} is not allowed: ${rule}`, {
      request: toHexSpaced(pdu.subarray(0, 4)),
      rule,
    });
  };
  const { definition, expertRaw } = scope;
  switch (pdu[0]) {
    case 0x10: {
      const session = (pdu[1] ?? 0) & 0x7f;
      if (session === 0x04) deny('safety-session');
      if (session >= 0x60) deny('supplier-session');
      if (session !== 0x01 && session !== 0x03 && !definition?.timing?.equalSessions?.includes(session))
        deny('session-not-in-definition');
      return;
    }
    case 0x2e: {
      const did = hexNumber(((pdu[1] ?? 0) << 8) | (pdu[2] ?? 0), 4);
      if (definition?.denied.includes(did)) deny('denied-by-definition');
      const isPrelude = definition?.prelude.some((step) => step.did === did) ?? false;
      if (did >= 'F180' && did <= 'F19F' && !isPrelude) deny('identity-range');
      const isCoding = definition?.codingBlocks.some((block) => block.did === did) ?? false;
      if (!isPrelude && !isCoding && !expertRaw) deny('identifier-not-in-definition');
      return;
    }
    case 0x27: {
      const level = ((pdu[1] ?? 0) & 0x7f) - (((pdu[1] ?? 0) & 1) === 0 ? 1 : 0);
      if (!definition?.securityLevels.some((known) => known.level === level)) deny('level-not-in-definition');
      return;
    }
    case 0x11: {
      if (definition?.resetAfterWrite?.type !== ((pdu[1] ?? 0) & 0x7f)) deny('reset-not-in-definition');
      return;
    }
    case 0x14:
      return;
    default:
      deny('service-not-used-by-coding');
  }
}
