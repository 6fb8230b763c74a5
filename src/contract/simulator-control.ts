/**
 * What crosses between the page and the virtual car's worker, and the grammar of its faults.
 * The worker parses all of it; nothing here is trusted because of its type.
 */

/** Which requests a fault applies to. Everything left out matches everything. */
export interface FaultTrigger {
  /** Label of the ECU as the car's data names it: `09`, `5F`. */
  readonly ecu?: string;
  /** Service of the request, 0x00–0xFF. */
  readonly sid?: number;
  /** Sub-function without bit 7, of services that have one. */
  readonly sub?: number;
  /** First data identifier (22, 2E) of the request. */
  readonly did?: number;
  /** The first matching request it applies to, counted from 1 since the script was set. Default 1. */
  readonly nth?: number;
  /** How many matching requests it applies to from `nth` on. Default: 1 when `nth` is given, else all. */
  readonly times?: number;
  /** 0–1: applies to this share of them, drawn from the car's seed. Default 1. */
  readonly chance?: number;
}

/** What the ECU's memory holds after an interrupted write: nothing of it, the first half of the bytes, all. */
export type InterruptedMemory = 'old' | 'half' | 'new';

export type FaultEffect =
  /** `7F sid 78` × count, one each `everyMs`, then the normal answer. Behaviour 1. */
  | { readonly kind: 'pending'; readonly count: number; readonly everyMs: number }
  /** `7F sid 78` until the ECU is reset. */
  | { readonly kind: 'pending-forever'; readonly everyMs: number }
  /** Executes, then answers after `delayMs` (from the last of `pendings` × 78); takes other requests meanwhile. Behaviour 2. */
  | { readonly kind: 'late'; readonly pendings: number; readonly delayMs: number }
  /** Refuses without executing. Behaviours 11 (21), 12, 8. */
  | { readonly kind: 'negative'; readonly nrc: number }
  | { readonly kind: 'no-answer'; readonly executes: boolean }
  /** Hears nothing for this long, from this request on. */
  | { readonly kind: 'mute'; readonly forMs: number }
  /** The positive answer names this identifier instead. */
  | { readonly kind: 'wrong-echo'; readonly did: number }
  /** The positive answer is this many bytes longer (filled with 00) or shorter. */
  | { readonly kind: 'answer-length'; readonly byBytes: number }
  /** Executes, then answers with these bytes (hex). Behaviour 20 with a foreign VIN. */
  | { readonly kind: 'answer'; readonly pdu: string }
  /** 2E is accepted, but the byte at `offset` is stored as (byte AND and) OR or. */
  | { readonly kind: 'store-masked'; readonly offset: number; readonly and: number; readonly or: number }
  /** 2E is accepted, but the last byte that differs keeps its old value. */
  | { readonly kind: 'store-partly' }
  /** 2E is answered and reads back, but is kept in RAM: a reset by 11 stores it (`survives`) or loses it; loss of power always loses it. */
  | { readonly kind: 'hold-until-reset'; readonly survives: boolean }
  /** The ECU resets while it executes: no answer. */
  | { readonly kind: 'reset'; readonly memory: InterruptedMemory; readonly silentMs: number }
  /** The whole car loses power while this ECU executes. */
  | { readonly kind: 'power-cut'; readonly memory: InterruptedMemory; readonly offMs: number }
  /** How 11 behaves: with or without its answer, silent this long. Behaviour 7. */
  | { readonly kind: 'reset-style'; readonly answers: boolean; readonly silentMs: number }
  /** The byte at `offset` of the value read by 22 counts up with each read. */
  | { readonly kind: 'unstable-byte'; readonly offset: number }
  /** An answer to another tester (hex PDU) on this ECU's response id, `leadMs` after the request. */
  | { readonly kind: 'foreign-answer'; readonly pdu: string; readonly leadMs: number }
  /** A frame of another node (raw CAN data, hex) `delayMs` after the request. Behaviour 15. */
  | {
      readonly kind: 'other-responder';
      readonly canId: number;
      readonly extended: boolean;
      readonly data: string;
      readonly delayMs: number;
    }
  /** The answer comes a second time. */
  | { readonly kind: 'repeat-answer'; readonly delayMs: number }
  /** Transport quirks for this exchange. Behaviours 4 and 16. */
  | { readonly kind: 'isotp'; readonly quirks: Partial<IsoTpQuirks> }
  /** The conditions of the car change when the request arrives. */
  | {
      readonly kind: 'conditions';
      readonly volts?: number;
      readonly rpm?: number;
      readonly speedKmh?: number;
      readonly ignition?: boolean;
    }
  /** The adapter is pulled when the request has arrived, or when it is executed but not answered. */
  | { readonly kind: 'unplug'; readonly at: 'request' | 'answer' }
  /** The adapter restarts by itself when the request has arrived: it forgets its settings (fault S13). */
  | { readonly kind: 'adapter-reset' }
  /** A soft error of the serial line when the request arrives. */
  | { readonly kind: 'line-error'; readonly name: 'breaks' | 'framing' | 'parity' | 'overruns' | 'unknown' }
  /** The ECU stores this DTC (6 hex digits) unless 85 02 switched that off. */
  | { readonly kind: 'log-dtc'; readonly dtc: string; readonly status: number };

export interface FaultRule {
  readonly on: FaultTrigger;
  readonly effect: FaultEffect;
}

/** Every rule that matches a request applies to it; of two effects of the same kind the first wins. */
export type FaultScript = readonly FaultRule[];

/** How an ECU's ISO-TP server deviates. Counts are per message, from 1; 0 = never. Times in ms. */
export interface IsoTpQuirks {
  /** The STmin byte of its flow control, as sent: 00–7F ms, F1–F9 × 100 µs. */
  readonly stMin: number;
  readonly blockSize: number;
  /** FC.WAIT frames before each FC.CTS. */
  readonly waits: number;
  readonly waitEveryMs: number;
  /** Answers each first frame with FC.OVERFLOW. */
  readonly overflow: boolean;
  readonly flowControlDelayMs: number;
  readonly dropFlowControl: number;
  /** This flow control or consecutive frame of the client never reaches it. */
  readonly loseFlowControl: number;
  readonly loseConsecutive: number;
  /** A consecutive frame that comes earlier than its STmin is lost, as in a real buffer. */
  readonly strictStMin: boolean;
  /** Filler of its frames, or −1: frames only as long as their content. */
  readonly padding: number;
  readonly dropConsecutive: number;
  readonly duplicateConsecutive: number;
  readonly wrongSnAt: number;
}

/** How a simulated adapter behaves (reference: adapters C.2). */
export type SlcanFirmware = 'canusb' | 'usbtin' | 'canable-v1' | 'canable-v2';

/**
 * Command interpreters (reference: adapters A, B). `elm327-v14b`, `elm327-v23`: genuine. `clone-good`: calls itself v1.5, has
 * every command the client needs, forgets CAF, S and AL at a change of protocol. `clone-bad`: calls itself v2.1, knows neither
 * CAF0, AL, R0 nor FC SM, cuts requests to two bytes and loses the end of long answers. `stn1110`, `stn2120`, `vlinker`.
 */
export type InterpreterModel =
  | 'elm327-v14b'
  | 'elm327-v23'
  | 'clone-good'
  | 'clone-bad'
  | 'stn1110'
  | 'stn2120'
  | 'vlinker';

/** Every adapter the virtual car can be read with. */
export const VIRTUAL_ADAPTERS = [
  'canable-v1',
  'canable-v2',
  'canusb',
  'usbtin',
  'elm327-v14b',
  'elm327-v23',
  'clone-good',
  'clone-bad',
  'stn1110',
  'stn2120',
  'vlinker',
] as const satisfies readonly (SlcanFirmware | InterpreterModel)[];
export type VirtualAdapter = (typeof VIRTUAL_ADAPTERS)[number];

/** Ready-made training situations. `good` switches all faults off. */
export const SCENARIO_NAMES = [
  'good',
  'low-voltage',
  'cable-pulled-while-writing',
  'module-busy',
  'write-normalised',
  'vin-mismatch',
] as const;
export type ScenarioName = (typeof SCENARIO_NAMES)[number];

export type SimulatorControl =
  | { readonly type: 'report' }
  /** Battery voltage, 0–32 V. */
  | { readonly type: 'voltage'; readonly volts: number }
  | { readonly type: 'ignition'; readonly on: boolean }
  | { readonly type: 'engine'; readonly rpm: number }
  | { readonly type: 'speed'; readonly speedKmh: number }
  | { readonly type: 'scenario'; readonly name: ScenarioName }
  /** Replaces the fault script; an empty one switches faults off. */
  | { readonly type: 'faults'; readonly script: FaultScript }
  | { readonly type: 'unplug' }
  | { readonly type: 'plug' }
  /** Pulls the adapter when this many more bytes have reached it. */
  | { readonly type: 'unplug-at-byte'; readonly bytes: number }
  | { readonly type: 'line-error'; readonly name: 'breaks' | 'framing' | 'parity' | 'overruns' | 'unknown' }
  /** A command interpreter says that it is about to sleep (`act`: in a minute, `lp`: in two seconds). */
  | { readonly type: 'adapter-alert'; readonly alert: 'act' | 'lp' }
  /** The adapter model; takes effect with the next port. `tickMs`: how often its bytes reach the host. */
  | { readonly type: 'adapter'; readonly firmware: VirtualAdapter; readonly tickMs: 1 | 16 }
  /** The car as delivered: a variant of its data (`standard` or a name from `variants` of the state). */
  | { readonly type: 'factory-reset'; readonly variant: string }
  | { readonly type: 'power-cut'; readonly offMs: number };

/** Page → worker. A port is transferred; the adapter that was plugged before is pulled. */
export type SimulatorMessage =
  | { readonly port: unknown; readonly control?: undefined }
  | { readonly control: SimulatorControl; readonly id?: number };

export interface SimulatorState {
  readonly carId: string;
  readonly vin: string;
  readonly variant: string;
  readonly variants: readonly string[];
  readonly volts: number;
  readonly ignition: boolean;
  readonly rpm: number;
  readonly speedKmh: number;
  readonly scenario: ScenarioName | 'own';
  readonly faultRules: number;
  readonly adapter: {
    readonly firmware: VirtualAdapter;
    readonly plugged: boolean;
    readonly lineOpen: boolean;
    readonly channelOpen: boolean;
    readonly framesToBus: number;
    readonly framesFromBus: number;
    readonly dropped: number;
  } | null;
  readonly ecus: readonly {
    readonly label: string;
    readonly session: number;
    readonly unlockedLevel: number | null;
    readonly awake: boolean;
  }[];
}

/** Worker → page. `id` repeats the control message's. */
export type SimulatorReport =
  | { readonly type: 'ready'; readonly state: SimulatorState }
  | { readonly type: 'state'; readonly state: SimulatorState; readonly id?: number }
  | { readonly type: 'refused'; readonly why: string; readonly id?: number }
  /** The car cannot go on (its database failed); it no longer answers. */
  | { readonly type: 'failed'; readonly why: string };
