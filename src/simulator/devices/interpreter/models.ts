import type { InterpreterModel } from '#contract/simulator-control.ts';
import type { UsbIdentity } from '#contract/transport.ts';

/** What a chip of the ELM327 kind is, does and gets wrong (reference: adapters A, B, L.3). */
export interface InterpreterData {
  readonly usb: UsbIdentity;
  /** What `ATI` says. */
  readonly banner: string;
  /** The commands it knows: those of ELM327 up to this version. 1.41 is v1.4b. */
  readonly level: number;
  /** `AT@1`; absent = `?`. */
  readonly description?: string;
  readonly baudRate: number;
  /** Most characters of a command line; more and the line is answered with `?`. */
  readonly commandChars: number;
  /** What waits for the UART while frames are printed; more is `BUFFER FULL`. */
  readonly outputBytes: number;
  /** From the end of a command line to its effect. */
  readonly commandMs: number;
  /** `ATZ` with its test of the lamps. */
  readonly resetMs: number;
  readonly defaultTimeoutMs: number;
  /** Commands it answers with `?` although its level has them: beginnings, without `AT`. */
  readonly lacks: readonly string[];
  /** CAF, S and AL fall back to their defaults with each SP or TP. */
  readonly forgetsAtProtocol: boolean;
  /** Keeps waiting after `7F xx 78` (PP 2A bit 2). */
  readonly waitsAfterPending: boolean;
  /** Only so many bytes of a request reach the bus. */
  readonly requestBytes?: number;
  /** Only so many lines of an answer reach the host. */
  readonly answerLines?: number;
  readonly voltsOff: number;
  /** `SEARCHING...` and the answer share a line. */
  readonly joinsSearching: boolean;
  readonly st?: StData;
}

/** The commands beyond ELM's (reference: adapters B). */
export interface StData {
  /** `STI`. */
  readonly firmware: string;
  /** `STIX` adds this. */
  readonly built: string;
  readonly device: string;
  readonly manufacturer: string;
  readonly serial: string;
  /** The longest ISO-TP message, both ways. */
  readonly messageBytes: number;
  /** Commands it does not know although the family has them: beginnings, without `ST`. */
  readonly lacks: readonly string[];
  /** `VT` commands: `VTVERS`. */
  readonly vt?: Readonly<Record<string, string>>;
}

const ELM_DESCRIPTION = 'OBDII to RS232 Interpreter';

const GENUINE: InterpreterData = {
  usb: { vendorId: 0x10c4, productId: 0xea60 },
  banner: 'ELM327 v1.4b',
  level: 1.41,
  description: ELM_DESCRIPTION,
  baudRate: 38_400,
  commandChars: 128,
  outputBytes: 256,
  commandMs: 1,
  resetMs: 900,
  defaultTimeoutMs: 0x32 * 4.096,
  lacks: [],
  forgetsAtProtocol: false,
  waitsAfterPending: false,
  voltsOff: 0,
  joinsSearching: false,
};

const STN: InterpreterData = {
  ...GENUINE,
  usb: { vendorId: 0x0403, productId: 0x6015 },
  baudRate: 115_200,
  commandChars: 0x1ff,
  outputBytes: 2048,
  commandMs: 0.2,
  resetMs: 450,
  defaultTimeoutMs: 102.4,
};

/** The texts are our own in the form that the real devices use. */
export const INTERPRETERS: Readonly<Record<InterpreterModel, InterpreterData>> = {
  'elm327-v14b': GENUINE,
  'elm327-v23': {
    ...GENUINE,
    usb: { vendorId: 0x1a86, productId: 0x7523 },
    banner: 'ELM327 v2.3',
    level: 2.3,
    outputBytes: 512,
    waitsAfterPending: true,
  },
  'clone-good': {
    ...GENUINE,
    usb: { vendorId: 0x1a86, productId: 0x7523 },
    banner: 'ELM327 v1.5',
    lacks: ['PP', 'BRD', 'BRT'],
    forgetsAtProtocol: true,
    joinsSearching: true,
  },
  'clone-bad': {
    ...GENUINE,
    usb: { vendorId: 0x1a86, productId: 0x7523 },
    banner: 'ELM327 v2.1',
    level: 1.3,
    description: '',
    outputBytes: 128,
    commandMs: 8,
    lacks: ['CAF0', 'AL', 'R0', 'FCSM', 'PP', 'BRD', 'BRT', 'CSM', 'JE'],
    forgetsAtProtocol: true,
    requestBytes: 2,
    answerLines: 3,
    voltsOff: -0.6,
    joinsSearching: true,
  },
  stn1110: {
    ...STN,
    st: {
      firmware: 'STN1110 v4.3.0',
      built: '[2016.05.17]',
      device: 'CBAY STN1110 r1.1',
      manufacturer: 'Codebay training',
      serial: '110100000017',
      messageBytes: 2048,
      lacks: [],
    },
  },
  stn2120: {
    ...STN,
    commandChars: 0x3ff,
    outputBytes: 4096,
    st: {
      firmware: 'STN2120 v5.1.0',
      built: '[2019.11.04]',
      device: 'CBAY STN2120 r1.0',
      manufacturer: 'Codebay training',
      serial: '212000000017',
      messageBytes: 4095,
      lacks: [],
    },
  },
  vlinker: {
    ...STN,
    usb: { vendorId: 0x0403, productId: 0x6001 },
    banner: 'ELM327 v2.3',
    level: 2.3,
    forgetsAtProtocol: true,
    st: {
      firmware: 'STN1170 v4.3.0',
      built: '[2020.01.01]',
      device: 'vLinker FS',
      manufacturer: 'Vgate',
      serial: '000000000017',
      messageBytes: 2048,
      lacks: ['IX', 'DIX', 'MFR', 'SN', 'BR', 'WBR'],
      vt: { VERS: 'MIC3X2X V2.3.08', I: 'vLinker FS', PROI: 'Vgate' },
    },
  },
};
