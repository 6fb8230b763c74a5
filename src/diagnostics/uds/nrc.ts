/**
 * Negative response codes (ISO 14229-1 annex A; reference: diagnostics A.5).
 *
 * What a client can do about it: `wait` until the ECU is ready · `repeat` the same request, it was not executed · fix the
 * `session` · `unlock` · a `condition` of the vehicle that a person can change · `abort` the step · `defect` of the
 * definition or tool, repeating is pointless.
 */
export type NrcAction = 'wait' | 'repeat' | 'session' | 'unlock' | 'condition' | 'abort' | 'defect';

export interface NrcInfo {
  readonly code: number;
  /** Name of the standard, e.g. `conditionsNotCorrect`. */
  readonly name: string;
  readonly action: NrcAction;
}

export const NRC = {
  generalReject: 0x10,
  incorrectMessageLength: 0x13,
  busyRepeatRequest: 0x21,
  noResponseFromSubnet: 0x25,
  requestOutOfRange: 0x31,
  securityAccessDenied: 0x33,
  invalidKey: 0x35,
  exceedNumberOfAttempts: 0x36,
  requiredTimeDelayNotExpired: 0x37,
  responsePending: 0x78,
  subFunctionNotSupportedInActiveSession: 0x7e,
  serviceNotSupportedInActiveSession: 0x7f,
  resourceTemporarilyNotAvailable: 0x94,
} as const;

const TABLE: readonly (readonly [code: number, name: string, action: NrcAction])[] = [
  [0x10, 'generalReject', 'abort'],
  [0x11, 'serviceNotSupported', 'defect'],
  [0x12, 'subFunctionNotSupported', 'defect'],
  [0x13, 'incorrectMessageLengthOrInvalidFormat', 'defect'],
  [0x14, 'responseTooLong', 'defect'],
  [0x21, 'busyRepeatRequest', 'repeat'],
  [0x22, 'conditionsNotCorrect', 'condition'],
  [0x24, 'requestSequenceError', 'abort'],
  [0x25, 'noResponseFromSubnetComponent', 'repeat'],
  [0x26, 'failurePreventsExecutionOfRequestedAction', 'condition'],
  [0x31, 'requestOutOfRange', 'defect'],
  [0x33, 'securityAccessDenied', 'unlock'],
  [0x34, 'authenticationRequired', 'abort'],
  [0x35, 'invalidKey', 'abort'],
  [0x36, 'exceedNumberOfAttempts', 'wait'],
  [0x37, 'requiredTimeDelayNotExpired', 'wait'],
  [0x38, 'secureDataTransmissionRequired', 'abort'],
  [0x39, 'secureDataTransmissionNotAllowed', 'abort'],
  [0x3a, 'secureDataVerificationFailed', 'abort'],
  [0x50, 'certificateVerificationFailedInvalidTimePeriod', 'abort'],
  [0x51, 'certificateVerificationFailedInvalidSignature', 'abort'],
  [0x52, 'certificateVerificationFailedInvalidChainOfTrust', 'abort'],
  [0x53, 'certificateVerificationFailedInvalidType', 'abort'],
  [0x54, 'certificateVerificationFailedInvalidFormat', 'abort'],
  [0x55, 'certificateVerificationFailedInvalidContent', 'abort'],
  [0x56, 'certificateVerificationFailedInvalidScope', 'abort'],
  [0x57, 'certificateVerificationFailedInvalidCertificate', 'abort'],
  [0x58, 'ownershipVerificationFailed', 'abort'],
  [0x59, 'challengeCalculationFailed', 'abort'],
  [0x5a, 'settingAccessRightsFailed', 'abort'],
  [0x5b, 'sessionKeyCreationDerivationFailed', 'abort'],
  [0x5c, 'configurationDataUsageFailed', 'abort'],
  [0x5d, 'deAuthenticationFailed', 'abort'],
  [0x70, 'uploadDownloadNotAccepted', 'abort'],
  [0x71, 'transferDataSuspended', 'abort'],
  [0x72, 'generalProgrammingFailure', 'abort'],
  [0x73, 'wrongBlockSequenceCounter', 'abort'],
  [0x78, 'requestCorrectlyReceivedResponsePending', 'wait'],
  [0x7e, 'subFunctionNotSupportedInActiveSession', 'session'],
  [0x7f, 'serviceNotSupportedInActiveSession', 'session'],
  [0x81, 'rpmTooHigh', 'condition'],
  [0x82, 'rpmTooLow', 'condition'],
  [0x83, 'engineIsRunning', 'condition'],
  [0x84, 'engineIsNotRunning', 'condition'],
  [0x85, 'engineRunTimeTooLow', 'condition'],
  [0x86, 'temperatureTooHigh', 'condition'],
  [0x87, 'temperatureTooLow', 'condition'],
  [0x88, 'vehicleSpeedTooHigh', 'condition'],
  [0x89, 'vehicleSpeedTooLow', 'condition'],
  [0x8a, 'throttlePedalTooHigh', 'condition'],
  [0x8b, 'throttlePedalTooLow', 'condition'],
  [0x8c, 'transmissionRangeNotInNeutral', 'condition'],
  [0x8d, 'transmissionRangeNotInGear', 'condition'],
  [0x8f, 'brakeSwitchNotClosed', 'condition'],
  [0x90, 'shifterLeverNotInPark', 'condition'],
  [0x91, 'torqueConverterClutchLocked', 'condition'],
  [0x92, 'voltageTooHigh', 'condition'],
  [0x93, 'voltageTooLow', 'condition'],
  [0x94, 'resourceTemporarilyNotAvailable', 'repeat'],
];

const BY_CODE: ReadonlyMap<number, NrcInfo> = new Map(
  TABLE.map(([code, name, action]) => [code, { code, name, action }]),
);

/** Every byte has an entry; what the standard leaves open is aborted and shown raw. */
export function nrcInfo(code: number): NrcInfo {
  const known = BY_CODE.get(code);
  if (known) return known;
  return code >= 0xf0 && code <= 0xfe
    ? { code, name: 'vehicleManufacturerSpecificConditionsNotCorrect', action: 'condition' }
    : { code, name: 'reserved', action: 'abort' };
}

/** The session or the service in it is the problem: 7E or 7F. */
export function isSessionNrc(code: number): boolean {
  return code === NRC.subFunctionNotSupportedInActiveSession || code === NRC.serviceNotSupportedInActiveSession;
}
