import type { ConditionData, DecisionStep } from '#simulator/car-data.ts';
import type { EcuCore, ServerRequest, ServerService } from './core.ts';
import { readDataByIdentifier, securityAccess, writeDataByIdentifier } from './data-services.ts';
import {
  clearDiagnosticInformation,
  controlDtcSetting,
  diagnosticSessionControl,
  ecuReset,
  readDtcInformation,
  routineControl,
  testerPresent,
} from './state-services.ts';

const SERVICES = new Map(
  [
    diagnosticSessionControl,
    ecuReset,
    clearDiagnosticInformation,
    readDtcInformation,
    readDataByIdentifier,
    securityAccess,
    writeDataByIdentifier,
    routineControl,
    testerPresent,
    controlDtcSetting,
  ].map((service) => [service.sid, service]),
);

export function serviceOf(sid: number): ServerService | undefined {
  return SERVICES.get(sid);
}

/** NRCs an ECU keeps to itself when the request went to everybody (reference: diagnostics A.1). */
export const SILENT_WHEN_FUNCTIONAL: ReadonlySet<number> = new Set([0x11, 0x12, 0x31, 0x7e, 0x7f]);

/** The first refusal in the ECU's own order, or undefined: the request is executed. */
export function decide(request: ServerRequest, ecu: EcuCore): number | undefined {
  const service = SERVICES.get(request.sid);
  for (const step of ecu.data.decisionOrder) {
    const nrc = service ? STEPS[step](request, ecu, service) : 0x11;
    if (nrc !== undefined) return nrc;
  }
  // Whatever its order leaves out: nothing is executed that cannot be.
  if (!service || request.pdu.length < service.minLengthBytes) return service ? 0x13 : 0x11;
  return undefined;
}

type Step = (request: ServerRequest, ecu: EcuCore, service: ServerService) => number | undefined;

/** A step of the service's own; it looks at bytes only once there are enough of them. */
function own(step: Exclude<DecisionStep, 'service' | 'session' | 'min-length'>): Step {
  return (request, ecu, service) =>
    request.pdu.length < service.minLengthBytes ? 0x13 : service.checks?.[step]?.(request, ecu);
}

const STEPS: Readonly<Record<DecisionStep, Step>> = {
  service: () => undefined,
  session: (_request, ecu, service) => (service.sessions.includes(ecu.ram.session) ? undefined : 0x7f),
  'service-security': own('service-security'),
  'min-length': (request, _ecu, service) => (request.pdu.length < service.minLengthBytes ? 0x13 : undefined),
  'sub-function': (request, ecu, service) =>
    service.subFunctions && !service.subFunctions(ecu).includes(request.sub)
      ? 0x12
      : own('sub-function')(request, ecu, service),
  identifier: own('identifier'),
  'exact-length': own('exact-length'),
  'identifier-security': own('identifier-security'),
  conditions: (request, ecu, service) =>
    ecu.data.conditions.find((rule) => rule.sids.includes(request.sid) && holds(rule, ecu))?.nrc ??
    own('conditions')(request, ecu, service),
  value: own('value'),
};

function holds({ when, limit = 0 }: ConditionData, ecu: EcuCore): boolean {
  const { rpm, speedKmh } = ecu.conditions();
  switch (when) {
    case 'voltage-below':
      return ecu.measureVolts() < limit;
    case 'voltage-above':
      return ecu.measureVolts() > limit;
    case 'engine-runs':
      return rpm > limit;
    case 'vehicle-moves':
      return speedKmh > limit;
  }
}
