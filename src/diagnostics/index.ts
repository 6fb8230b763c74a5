/**
 * Diagnostics: services as bytes, and the client that asks one ECU. Knows ISO 14229; knows nothing of adapters, definitions
 * or plans. Only the client in `client/` sends PDUs.
 */
export { type DiagClientParts, openDiagClient } from './client/client.ts';
export { openFunctionalClient } from './client/functional.ts';
export { type UnlockOptions, unlock } from './security.ts';
export { dtcText } from './uds/dtc.ts';
export { clearDiagnosticInformation } from './uds/services/clear-diagnostic-information.ts';
export { controlDtcSetting } from './uds/services/control-dtc-setting.ts';
export { changeSession, openSession } from './uds/services/diagnostic-session-control.ts';
export { ecuReset } from './uds/services/ecu-reset.ts';
export { readDataByIdentifier } from './uds/services/read-data-by-identifier.ts';
export {
  countDtcs,
  readDtcExtendedData,
  readDtcInformation,
  readDtcSnapshot,
} from './uds/services/read-dtc-information.ts';
export { requestRoutineResults, startRoutine, stopRoutine } from './uds/services/routine-control.ts';
export { requestSeed, sendKey } from './uds/services/security-access.ts';
export { testerPresent } from './uds/services/tester-present.ts';
export { writeDataByIdentifier } from './uds/services/write-data-by-identifier.ts';
export { isBlankVin, isVin, vinCheckDigit } from './vin.ts';
