/** The device process (device.py) as seen from a test: commands, events, and its ECUs' memory files. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { within } from './wait.ts';

export type EcuName = 'bcm' | 'cluster' | 'gateway';
/** Adapters that pass on frames, and devices that take commands (lane/adapters.py). */
export type SlcanVariant = 'ack' | 'no-ack';
export type InterpreterVariant = 'elm-genuine' | 'elm-1.4b' | 'elm-clone' | 'stn';
export type AdapterVariant = SlcanVariant | InterpreterVariant;

export interface DeviceOptions {
  /**
   * Which adapter: one that acknowledges (USBtin-like, the default), one that never does (CANable v1), an ELM327 v2.1 or
   * v1.4b, a clone that calls itself v1.5 (all at 38400 bit/s), or an STN2120 (115200 bit/s).
   */
  readonly adapter?: AdapterVariant;
  /** Slots of its transmit queue; 32 with, 27 without acknowledgement unless told. */
  readonly queueFrames?: number;
  /**
   * The rate of a real UART, in bit/s, which hears and says garbage at another one. Without it the rate of an slcan adapter
   * does not matter (USB CDC), and a command interpreter runs at its own.
   */
  readonly uartBaud?: number;
  /** How long security access stays locked after the second wrong key; 10 000 ms unless told. */
  readonly lockoutMs?: number;
  /** Whether its USB descriptor has a serial number (true); without it the browser forgets the permission when it is unplugged. */
  readonly usbSerial?: boolean;
  /** Sends byte by byte, so that the page reads chunks of one byte. */
  readonly dribble?: boolean;
  /** Sent before its first answer after each plugging-in, hex text: what somebody has left behind. */
  readonly greeting?: string;
}

/** What USB tells of each adapter, and what a grant for it must name. */
export const ADAPTER_IDENTITY: Readonly<
  Record<AdapterVariant, { vendorId: number; productId: number; serialNumber: string }>
> = {
  ack: { vendorId: 0x04d8, productId: 0x000a, serialNumber: 'CBSYSACK01' },
  'no-ack': { vendorId: 0xad50, productId: 0x60c4, serialNumber: 'CBSYSNOACK01' },
  'elm-genuine': { vendorId: 0x10c4, productId: 0xea60, serialNumber: 'CBSYSELM21' },
  'elm-1.4b': { vendorId: 0x10c4, productId: 0xea60, serialNumber: 'CBSYSELM14' },
  'elm-clone': { vendorId: 0x1a86, productId: 0x7523, serialNumber: 'CBSYSCLONE' },
  stn: { vendorId: 0x0403, productId: 0x6015, serialNumber: 'CBSYSSTN01' },
};

/** A rule of lane/rules.py. `sid`, `did` and `nrc` are hex text; `count` and `skip` count matching requests. */
export interface RuleTarget {
  readonly ecu: EcuName;
  readonly sid?: string;
  readonly did?: string;
  readonly skip?: number;
  readonly count?: number;
}
export type Rule = RuleTarget &
  (
    | { readonly kind: 'cut-frame' | 'reset-frame' | 'hang-frame'; readonly frame: number }
    | { readonly kind: 'cut-executed' }
    | { readonly kind: 'ignore' }
    | { readonly kind: 'lose-answer' }
    | { readonly kind: 'delay'; readonly ms: number }
    | { readonly kind: 'pending'; readonly times: number; readonly ms: number }
    | { readonly kind: 'nrc'; readonly nrc: string }
  );

/** Everything that can be told to the device process, see README.md. */
export type Command =
  | { readonly do: 'plug' | 'unplug' | 'clearRules' | 'stat' | 'trace' | 'serial' | 'occupy' | 'vacate' }
  | { readonly do: 'reset'; readonly banner?: string }
  | { readonly do: 'say'; readonly hex: string }
  | { readonly do: 'hang'; readonly takes: boolean }
  | ({ readonly do: 'rule' } & Rule)
  | { readonly do: 'memory' | 'requests'; readonly ecu: EcuName }
  | { readonly do: 'set'; readonly ecu: EcuName; readonly did: string; readonly hex: string }
  | { readonly do: 'dtc'; readonly ecu: EcuName; readonly code: string; readonly status: string }
  | { readonly do: 'voltage'; readonly mV: number }
  | { readonly do: 'ignition'; readonly on: boolean };

/** What an ECU remembers; values are upper-case hex text. */
export interface EcuMemory {
  readonly ecu: EcuName;
  /** Writes and clears by a tester that reached the memory. */
  readonly commits: number;
  /** Every executed 2E, oldest first. */
  readonly writes: readonly { readonly did: string; readonly hex: string }[];
  readonly dids: Readonly<Record<string, string>>;
  /** Fault code → status byte. */
  readonly dtcs: Readonly<Record<string, string>>;
}

export interface EcuStat {
  readonly online: boolean;
  readonly session: number;
  readonly unlocked: boolean;
  readonly wrongKeys: number;
  readonly delayLeftMs: number;
  readonly dtcSetting: boolean;
  /** Requests that arrived complete, by SID ("22") and for 22 and 2E also by identifier ("2E:0600"). */
  readonly requests: Readonly<Record<string, number>>;
  readonly functional: number;
  /** Requests that a rule made the ECU ignore. */
  readonly unheard: number;
}

export interface Stat {
  readonly adapter: {
    readonly plugged: boolean;
    /** The fields from here on are there while it is plugged in. */
    readonly hostOpen?: boolean;
    readonly baud?: number;
    readonly dtr?: boolean;
    readonly rts?: boolean;
    readonly variant?: AdapterVariant;
    readonly channelOpen?: boolean;
    readonly canBitrate?: number | null;
    readonly lines?: number;
    readonly queued?: number;
    readonly droppedBytes?: number;
    /** Of a command interpreter: the rate it runs at, bare carriage returns that ran a command again, bytes that stopped one. */
    readonly deviceBaud?: number;
    readonly repeats?: number;
    readonly stops?: number;
  };
  readonly wire: {
    /** Frames of the tester that reached the bus. */
    readonly testerFrames: number;
    readonly ecuFrames: number;
    /** Frames that the host handed over: testerFrames + dropped + discarded + queued. */
    readonly offered: number;
    /** Frames that met a full queue. */
    readonly dropped: number;
    /** Frames that waited when the channel was closed or the adapter pulled out. */
    readonly discarded: number;
    readonly queuePeak: number;
    readonly busErrors: number;
    /** Wire time of the tester's frames, computed from their bits. */
    readonly testerBusyUs: number;
  };
  readonly rules: readonly Rule[];
  readonly vehicle: { readonly mV: number; readonly ignition: boolean };
  readonly ecus: Readonly<Record<EcuName, EcuStat>>;
}

/**
 * Something that happened by itself: `cut` when a cut rule has unplugged the adapter, `reset` and `hang` when one has restarted or stopped it,
 * `cut-refused` when it could not. Of a command interpreter: `repeat` when a bare carriage return ran its last command again,
 * `stopped` when a byte before its prompt stopped the one that ran.
 */
export interface DeviceEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

type Reply = Readonly<Record<string, unknown>>;

const COMMAND_LIMIT_MS = 15_000;
const EXIT_LIMIT_MS = 3_000;
const here = import.meta.dirname;

/** One running device process. */
export class DeviceProcess {
  readonly #child: ChildProcess;
  readonly #stateFolder: string;
  readonly #waiting = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void }>();
  readonly #events: DeviceEvent[] = [];
  readonly #exited: Promise<void>;
  #arrivals: (() => void)[] = [];
  #count = 0;
  #stderr = '';

  /** `workFolder` receives `dev` (FAKEUDEV_DIR) and `state` (the ECUs' memory); what is in `state` already is kept. */
  constructor(workFolder: string, options: DeviceOptions = {}) {
    this.#stateFolder = path.join(workFolder, 'state');
    const config = {
      udev: path.join(workFolder, 'dev'),
      state: this.#stateFolder,
      adapter: options.adapter ?? 'ack',
      queueFrames: options.queueFrames ?? null,
      uartBaud: options.uartBaud ?? null,
      lockoutMs: options.lockoutMs ?? 10_000,
      dribble: options.dribble ?? false,
      greeting: options.greeting ?? '',
      usbSerial: options.usbSerial ?? true,
    };
    this.#child = spawn('/usr/bin/python3', [path.join(here, 'device.py'), JSON.stringify(config)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', () => resolve());
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-8000);
    });
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => this.#take(line));
    void this.#exited.then(() => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the device process ended\n${this.#stderr}`));
      this.#waiting.clear();
    });
  }

  #take(line: string): void {
    const message = JSON.parse(line) as Reply;
    if (typeof message.event === 'string') {
      this.#events.push(message as DeviceEvent);
      for (const arrived of this.#arrivals.splice(0)) arrived();
      return;
    }
    const id = message.id as number;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (message.ok === true) waiting?.resolve(message);
    else waiting?.reject(new Error(String(message.error)));
  }

  /** Sends a command and returns its reply; fails with the device's own words. */
  async command(command: Command): Promise<Reply> {
    const id = ++this.#count;
    const reply = new Promise<Reply>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    this.#child.stdin?.write(`${JSON.stringify({ ...command, id })}\n`);
    return await within(`the device's reply to ${command.do}`, COMMAND_LIMIT_MS, reply);
  }

  async stat(): Promise<Stat> {
    return (await this.command({ do: 'stat' })) as unknown as Stat;
  }

  /** Complete requests that an ECU received, oldest first: "22 F1 90", functional ones with "functional " before. */
  async requests(ecu: EcuName): Promise<readonly string[]> {
    return (await this.command({ do: 'requests', ecu })).requests as string[];
  }

  /** What an ECU remembers, from its file: also true when everything else is gone. */
  async memory(ecu: EcuName): Promise<EcuMemory> {
    return JSON.parse(await readFile(path.join(this.#stateFolder, `${ecu}.json`), 'utf8')) as EcuMemory;
  }

  /** The next event of this name that was not asked for yet, waited for up to `limitMs`. */
  async event(name: string, limitMs = 20_000): Promise<DeviceEvent> {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const index = this.#events.findIndex((event) => event.event === name);
      if (index >= 0) return this.#events.splice(index, 1)[0] as DeviceEvent;
      const arrival = new Promise<void>((resolve) => {
        this.#arrivals.push(resolve);
      });
      await within(`the device's event ${name}`, Math.max(0, deadline - performance.now()), arrival);
    }
  }

  /** The events of this name that came and were not waited for. */
  unread(name: string): readonly DeviceEvent[] {
    return this.#events.filter((event) => event.event === name);
  }

  /** What the process wrote to stderr (its last 8000 characters). */
  get stderr(): string {
    return this.#stderr;
  }

  /** Ends the process: politely first. */
  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await within('the end of the device process', EXIT_LIMIT_MS, this.#exited).catch(() => this.kill());
  }

  /** Ends the process at once. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
