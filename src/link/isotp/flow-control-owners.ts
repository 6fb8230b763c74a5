import type { CanLink } from '#contract/adapter.ts';

/**
 * Who sends the flow controls on a link. A flow control goes out exactly once (reference: adapters J.2), but an ECU's
 * answer to a functional request is heard by its own channel as well, and by every other functional channel: its own
 * channel answers, else the functional one that was opened first; the rest listen along.
 */
const claims = new WeakMap<CanLink, FlowControlClaim[]>();

export interface FlowControlClaim {
  readonly functional: boolean;
  /** Would this channel answer a first frame with that id and address byte? */
  covers(responseId: number, responseByte: number | null): boolean;
}

export interface FlowControlOwnership {
  ownedByOthers(responseId: number, responseByte: number | null): boolean;
  release(): void;
}

export function claimFlowControl(link: CanLink, claim: FlowControlClaim): FlowControlOwnership {
  const ofLink = claims.get(link) ?? [];
  claims.set(link, ofLink);
  ofLink.push(claim);
  return {
    ownedByOthers: (responseId, responseByte) => {
      const covering = ofLink.filter((other) => other.covers(responseId, responseByte));
      const owner = covering.find((other) => !other.functional) ?? covering[0];
      return owner !== undefined && owner !== claim;
    },
    release: () => {
      const at = ofLink.indexOf(claim);
      if (at >= 0) ofLink.splice(at, 1);
    },
  };
}
