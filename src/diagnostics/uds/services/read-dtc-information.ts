import type { ReadService } from '#contract/diagnostics.ts';
import { byteOf, expectEnd, positiveResponse, requestPdu } from '#diagnostics/uds/codec.ts';
import { type Dtc, type DtcStatusBits, dtcOf, dtcStatusBits } from '#diagnostics/uds/dtc.ts';

/** ReadDTCInformation (19), ISO 14229-1 clause 12.3. One service object per shape of answer. */
const SID = 0x19;
const NAME = 'ReadDTCInformation';

export type DtcListRequest =
  /** 02: codes of which at least one of these status bits is set. */
  | { readonly kind: 'by-status-mask'; readonly mask: number }
  /** 0A: every code the ECU knows. */
  | { readonly kind: 'supported' };

export interface DtcList {
  /** Status bits the ECU maintains. */
  readonly availabilityMask: number;
  readonly dtcs: readonly Dtc[];
}

/** `19 02 mask` or `19 0A` → `59 xx SAM {d d d status}*`. */
export const readDtcInformation: ReadService<DtcListRequest, DtcList> = {
  sid: SID,
  name: NAME,
  effect: () => 'read',
  encode: (request) =>
    request.kind === 'supported'
      ? requestPdu([SID, 0x0a])
      : requestPdu([SID, 0x02, byteOf(request.mask, 'status mask')]),
  echo: (request) => Uint8Array.of(request.kind === 'supported' ? 0x0a : 0x02),
  decode(pdu, request) {
    const reader = positiveResponse(readDtcInformation, request, pdu);
    const availabilityMask = reader.uint(1);
    if (reader.remaining % 4 !== 0)
      throw new RangeError(`${NAME}: ${reader.remaining} bytes are not whole entries of 4 (code, status)`);
    const dtcs: Dtc[] = [];
    while (reader.remaining > 0) dtcs.push(dtcOf(reader.bytes(3), reader.uint(1)));
    return { availabilityMask, dtcs };
  },
};

export interface DtcCountRequest {
  readonly mask: number;
}

export interface DtcCount {
  readonly availabilityMask: number;
  /** 00 SAE J2012-DA 00, 01 ISO 14229-1, 02 J1939-73, 03 ISO 11992-4, 04 SAE J2012-DA 04. */
  readonly format: number;
  readonly count: number;
}

/** `19 01 mask` → `59 01 SAM format count count`. */
export const countDtcs: ReadService<DtcCountRequest, DtcCount> = {
  sid: SID,
  name: NAME,
  effect: () => 'read',
  encode: ({ mask }) => requestPdu([SID, 0x01, byteOf(mask, 'status mask')]),
  echo: () => Uint8Array.of(0x01),
  decode(pdu, request) {
    const reader = positiveResponse(countDtcs, request, pdu);
    const response = { availabilityMask: reader.uint(1), format: reader.uint(1), count: reader.uint(2) };
    expectEnd(reader, NAME);
    return response;
  },
};

/** FE and FF stand for several records, whose numbers the answer tells. */
const ALL_OBD_RECORDS = 0xfe;

export interface DtcRecordRequest {
  /** The three bytes of the code. */
  readonly code: Uint8Array;
  /** FF = all records. */
  readonly record: number;
}

export interface DtcRecords {
  readonly status: number;
  readonly bits: DtcStatusBits;
  /** As sent: lengths inside are known to a definition only (reference: diagnostics A.4, 19). Empty: none stored. */
  readonly records: Uint8Array;
}

/** `19 04 d d d record` → `59 04 d d d status {record count {DID data}*}*`. */
export const readDtcSnapshot: ReadService<DtcRecordRequest, DtcRecords> = recordService(0x04);

/** `19 06 d d d record` → `59 06 d d d status {record data}*`. */
export const readDtcExtendedData: ReadService<DtcRecordRequest, DtcRecords> = recordService(0x06);

function recordService(subFunction: number): ReadService<DtcRecordRequest, DtcRecords> {
  const service: ReadService<DtcRecordRequest, DtcRecords> = {
    sid: SID,
    name: NAME,
    effect: () => 'read',
    encode({ code, record }) {
      if (code.length !== 3) throw new RangeError(`a trouble code has 3 bytes, not ${code.length}`);
      return requestPdu([SID, subFunction, ...code, byteOf(record, 'record number')]);
    },
    echo: ({ code }) => Uint8Array.of(subFunction, ...code),
    decode(pdu, request) {
      const reader = positiveResponse(service, request, pdu);
      const status = reader.uint(1);
      const records = reader.rest();
      const [first] = records;
      if (request.record < ALL_OBD_RECORDS && first !== undefined && first !== request.record)
        throw new RangeError(`${NAME}: record ${first} instead of ${request.record}`);
      return { status, bits: dtcStatusBits(status), records };
    },
  };
  return service;
}
