import type { IsoTpQuirks } from '#contract/simulator-control.ts';

/**
 * A virtual car as data. Hex strings are upper or lower case with optional spaces between bytes; identifiers are
 * four hex digits. Everything here is how the car left its factory; what changes lives in `CarState`.
 */
export interface CarData {
  readonly carId: string;
  readonly vin: string;
  readonly bitRate: 125_000 | 250_000 | 500_000 | 1_000_000;
  readonly ecus: readonly EcuData[];
  /** Named differences to the car as delivered: other values of identifiers. */
  readonly variants: Readonly<Record<string, readonly VariantPatch[]>>;
}

export interface VariantPatch {
  /** Label of the ECU, or `*` for each that has the identifier. */
  readonly ecu: string;
  readonly did: string;
  readonly value: string;
}

export interface EcuData {
  readonly label: string;
  readonly requestId: number;
  readonly responseId: number;
  readonly functionalIds: readonly number[];
  /** From the request's last frame to the answer's first; a seeded jitter up to `answerJitterMs` is added. */
  readonly answerMs: number;
  readonly answerJitterMs: number;
  readonly p2Ms: number;
  readonly p2StarMs: number;
  readonly s3Ms: number;
  /** How long it hears nothing after 11 and after power-on. */
  readonly resetSilentMs: number;
  /** Diagnostic sessions it knows (others: NRC 12). */
  readonly sessions: readonly number[];
  readonly security: SecurityData;
  readonly dids: Readonly<Record<string, DidData>>;
  /** Writes it refuses without F199 and F198 written before them in this session. */
  readonly preludeDids: readonly string[];
  readonly conditions: readonly ConditionData[];
  readonly dtcs: readonly StoredDtc[];
  readonly clearMs: number;
  readonly decisionOrder: readonly DecisionStep[];
  /** A request while another one runs: NRC 21, or nothing. */
  readonly whileBusy: 'refuse' | 'ignore';
  readonly isotp: Partial<IsoTpQuirks>;
}

export interface SecurityData {
  /** Sub-functions that ask for a seed: 1, 3, … */
  readonly levels: readonly number[];
  readonly seedBytes: number;
  readonly maxWrongKeys: number;
  /** After too many wrong keys; runs with ignition on only and survives loss of power. */
  readonly lockoutMs: number;
  /** After power-on or reset (NRC 37 meanwhile). */
  readonly bootDelayMs: number;
}

export interface DidData {
  /** Factory value, hex; its length is the only length it takes. Absent for `source`. */
  readonly value?: string;
  /** A value of the moment instead: session (1 byte), supply in mV (2), engine speed ×4 (2), km/h (1). */
  readonly source?: 'session' | 'supply-mv' | 'engine-speed' | 'vehicle-speed';
  readonly read: Access;
  readonly write?: Access;
  /** How long 2E takes; more than P2 means 78 before the answer. */
  readonly writeMs?: number;
  /** A value is refused (NRC 31) unless this holds. */
  readonly rule?: 'sum8-last' | 'bcd-date';
  /** Writing it also sets this one. */
  readonly mirroredTo?: string;
}

export interface Access {
  readonly sessions: readonly number[];
  readonly level?: number;
}

/** `nrc` for these services (and identifiers) while the car is in this condition. */
export interface ConditionData {
  readonly when: 'voltage-below' | 'voltage-above' | 'engine-runs' | 'vehicle-moves';
  readonly limit?: number;
  readonly sids: readonly number[];
  readonly nrc: number;
}

export interface StoredDtc {
  /** Six hex digits: `9A0215`. */
  readonly dtc: string;
  readonly status: number;
}

/** The server's decisions (reference: diagnostics I); their order is the ECU's own. */
export const DECISION_STEPS = [
  'service',
  'session',
  'service-security',
  'min-length',
  'sub-function',
  'identifier',
  'exact-length',
  'identifier-security',
  'conditions',
  'value',
] as const;
export type DecisionStep = (typeof DECISION_STEPS)[number];
