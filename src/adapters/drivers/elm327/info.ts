import type { AdapterInfo, AdapterLimit, AdapterVerdict } from '#contract/adapter.ts';
import type { ElmIdentity } from './identity.ts';
import type { ElmAbilities, Qualification } from './qualify.ts';

/** Host-side segmentation needs all of these (reference: adapters A.9, `canSegment`). */
export function canSegment(abilities: ElmAbilities): boolean {
  const { longMessages, rawFrames, headers, receiveAddress, userFlowControl } = abilities;
  return longMessages && rawFrames && headers && receiveAddress && userFlowControl;
}

const SINGLE_FRAME_BYTES = 7;
const LONGEST_BYTES = 4095;
/** Genuine chips ±2 % of at most 15 V, clones were seen 0.5 V off (reference: adapters A.3, A.9). */
const GENUINE_ERROR_VOLTS = 0.3;
const CLONE_ERROR_VOLTS = 0.5;

export function supplyErrorVolts({ genuine }: Qualification): number {
  return genuine === 'genuine' ? GENUINE_ERROR_VOLTS : CLONE_ERROR_VOLTS;
}

export function describeAdapter(
  identity: ElmIdentity,
  qualification: Qualification,
  place: { readonly wireless: boolean; readonly baudRate: number | null },
): AdapterInfo {
  const { genuine, findings, abilities } = qualification;
  const long = canSegment(abilities);
  return {
    driver: 'elm327',
    product: genuine === 'clone' ? 'ELM327 clone' : 'ELM327',
    firmware: identity.text,
    serialNumber: null, // AT@2 is free text that many share; nothing tells two of them apart
    genuine,
    chip: genuine === 'genuine' ? 'ELM327' : 'ELM327-like',
    findings,
    longestSendBytes: long ? LONGEST_BYTES : SINGLE_FRAME_BYTES,
    longestReceiveBytes: LONGEST_BYTES,
    listenOnly: false,
    wireless: place.wireless,
    baudRate: place.baudRate,
    acknowledges: true,
    transmitQueueFrames: 1,
    roundTripMs: roundTripOf(qualification.tripsMs),
    verdict: verdictOf(genuine, long, place.wireless),
  };
}

/** Before any check on a car (reference: adapters L.1): reading yes, coding after qualification, programming never. */
function verdictOf(genuine: AdapterInfo['genuine'], long: boolean, wireless: boolean): AdapterInfo['verdict'] {
  const not = (reason: AdapterLimit): AdapterVerdict => ({ may: false, reason });
  return {
    read: { may: true },
    code: not(!long ? 'cannot-send-long-messages' : genuine === 'clone' ? 'clone' : 'not-qualified'),
    program: not(wireless ? 'wireless' : 'too-slow'),
  };
}

function roundTripOf(tripsMs: readonly number[]): AdapterInfo['roundTripMs'] {
  const sorted = [...tripsMs].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return sorted.length === 0 ? null : { median: at(0.5), p99: at(0.99) };
}
