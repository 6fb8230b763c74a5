import type { ErrorCode, ErrorDetails } from '#contract/errors.ts';

/** What is known beside the error and decides the row of the fault catalogue (reference: platform 10). */
export interface FaultFacts {
  /** A write was under way. */
  readonly inJob: boolean;
}

type FaultId<C extends ErrorCode> = string | null | ((details: ErrorDetails[C], facts: FaultFacts) => string | null);

/** Row of the fault catalogue for each code; null where no row is about it. The same in every language. */
export const FAULT_IDS: { readonly [C in ErrorCode]: FaultId<C> } = {
  'call/aborted': null,
  'call/timeout': null,
  'transport/unavailable': 'B08',
  'transport/chooser-dismissed': 'S01',
  'transport/permission-lost': 'S06',
  'transport/busy': 'S02',
  'transport/lost': (_, { inJob }) => (inJob ? 'S04' : 'S03'),
  'transport/closed': null,
  'transport/line-errors': ({ name }) => (name === 'overruns' ? 'S09' : name === 'unknown' ? 'S10' : 'S08'),
  'transport/write-failed': 'S16',
  'transport/close-timeout': 'S17',
  'adapter/no-answer': null,
  'adapter/refused': null,
  'adapter/not-recognised': null,
  'adapter/unsupported': 'S14',
  'adapter/identity-changed': 'S07',
  'adapter/reset': 'S13',
  'adapter/garbage': 'S12',
  'adapter/queue-overrun': 'S09',
  'adapter/stopped': null,
  'adapter/buffer-full': 'S09',
  'adapter/asleep': null,
  'adapter/may-not': 'S14',
  'adapter/in-use': 'S18',
  'can/bus-error': 'T08',
  'can/closed': null,
  'isotp/timeout-n-as': 'T08',
  'isotp/timeout-n-bs': null,
  'isotp/timeout-n-cr': 'T01',
  'isotp/wrong-sn': 'T01',
  'isotp/invalid-fs': null,
  'isotp/overflow': 'T04',
  'isotp/wait-limit': 'T03',
  'isotp/unexpected-pdu': 'T02',
  'isotp/refused-while-sending': null,
  'isotp/message-too-long': 'T06',
  'isotp/busy': null,
  'diag/timeout': null,
  'diag/pending-limit': 'U01',
  'diag/negative-response': ({ nrc }) => faultOfNrc(nrc),
  'diag/malformed-response': 'U11',
  'diag/session-lost': 'U10',
  'diag/module-lost': 'U15',
  'diag/outcome-unknown': 'U12',
  'security/no-provider': 'U04',
  'security/key-failed': 'U04',
  'security/locked-out': 'U05',
  'security/key-refused': 'U04',
  'security/attempt-used': 'U05',
  'gate/permit-unknown': null,
  'gate/permit-used': 'H01',
  'gate/permit-foreign': null,
  'gate/effect-needs-permit': null,
  'gate/denied': null,
  'gate/repeat-limit': 'U02',
  'plan/unknown': null,
  'plan/used': 'H01',
  'plan/stale': ({ what }) => ({ block: 'H03', identity: 'S07', definition: 'I12', vehicle: 'H02' })[what],
  'plan/nothing-to-do': null,
  'plan/shop-code-unset': null,
  'operation/cancelled': null,
  'operation/busy': 'S18',
  'operation/unknown': null,
  'operation/not-cancellable': 'F16',
  'job/unfinished': 'F14',
  'verify/mismatch': 'U13',
  'vehicle/not-connected': null,
  'vehicle/no-module-answers': ({ traffic }) => (traffic ? 'T09' : 'T08'),
  'vehicle/vin-conflict': 'V08',
  'vehicle/module-unknown': null,
  'vehicle/gateway-filters': 'T09',
  'voltage/blocked': ({ volts, lowest }) => (volts < lowest ? 'V01' : 'V02'),
  'definition/invalid': null,
  'definition/no-match': null,
  'definition/near-match': null,
  'definition/value-out-of-range': null,
  'definition/block-length': 'U11',
  'definition/option-unavailable': null,
  'backup/missing': null,
  'backup/unstable': 'U14',
  'backup/not-durable': 'D01',
  'backup/corrupt': 'D03',
  'restore/refused': 'D09',
  'file/malformed': null,
  'file/too-large': 'I11',
  'file/newer-version': null,
  'file/other-world': 'H06',
  'store/unavailable': 'D02',
  'store/newer-schema': 'D02',
  'store/busy': null,
  'store/quota': 'D01',
  'store/corrupt': 'D03',
  'store/write-failed': 'F15',
  'rpc/worker-ended': 'B09',
  'rpc/malformed-call': null,
  'rpc/internal': null,
};

function faultOfNrc(nrc: number): string | null {
  switch (nrc) {
    case 0x78:
      return 'U01';
    case 0x21:
    case 0x94:
      return 'U02';
    case 0x33:
    case 0x35:
      return 'U04';
    case 0x36:
    case 0x37:
      return 'U05';
    case 0x7e:
    case 0x7f:
      return 'U06';
    case 0x13:
    case 0x31:
      return 'U07';
    case 0x92:
    case 0x93:
      return 'U08';
    default:
      return nrc === 0x22 || (nrc >= 0x81 && nrc <= 0x91) ? 'U03' : null;
  }
}
