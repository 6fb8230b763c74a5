import type { FaultScript, InterpreterModel } from '#contract/simulator-control.ts';
import type { MessagePortLike } from '#contract/transport.ts';
import type { BusFrame } from '#simulator/can-bus.ts';
import { VirtualCar } from '#simulator/car.ts';
import { V1 } from '#simulator/cars/v1.ts';
import {
  attachInterpreterDevice,
  type InterpreterDevice,
  type InterpreterOptions,
} from '#simulator/devices/interpreter/device.ts';
import { INTERPRETERS } from '#simulator/devices/interpreter/models.ts';
import { MemoryCarStore } from '#simulator/memory-store.ts';
import { portPair } from '../../support/port-pair.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

export interface InterpreterBench {
  readonly model: InterpreterModel;
  readonly faults?: FaultScript;
  readonly volts?: number;
  readonly bitRate?: 250_000 | 500_000;
  /** Other than the chip's own. */
  readonly baudRate?: number;
  readonly device?: Partial<InterpreterOptions>;
}

/** A terminal program at a command interpreter: it types text and writes down what comes back, with the time. */
export class InterpreterTerminal {
  readonly clock: VirtualClock;
  readonly car: VirtualCar;
  readonly store: MemoryCarStore;
  readonly device: InterpreterDevice;
  /** Everything but bytes: `opened`, `closed`, `line-error`. */
  readonly messages: Record<string, unknown>[] = [];
  /** Every frame that is on no ECU's response id: `7E0 0322F190…`. */
  readonly sent: string[] = [];
  /** Every frame on an ECU's response id. */
  readonly heard: string[] = [];
  readonly events: BusFrame[] = [];
  readonly #port: MessagePortLike;
  #text = '';
  /** When the last byte came. */
  lastByteMs = 0;
  bytes: number[] = [];

  constructor(clock: VirtualClock, car: VirtualCar, store: MemoryCarStore, options: InterpreterOptions) {
    this.clock = clock;
    this.car = car;
    this.store = store;
    const { near, far } = portPair();
    this.#port = near;
    near.addEventListener('message', ({ data }) => {
      const message = data as Record<string, unknown>;
      if (message.type === 'bytes') this.#got(message.bytes as Uint8Array);
      else this.messages.push(message);
    });
    near.start?.();
    const responseIds = new Set(car.ecus.map(({ data }) => data.responseId));
    car.bus.tap((event) => {
      this.events.push(event);
      const { id, data } = event.frame;
      const text = `${id.toString(16).toUpperCase()} ${Buffer.from(data).toString('hex').toUpperCase()}`;
      (responseIds.has(id) ? this.heard : this.sent).push(text);
    });
    this.device = attachInterpreterDevice(car, far, options);
  }

  /** All text so far; CR as `|`. */
  get text(): string {
    return this.#text;
  }

  post(message: unknown): void {
    this.#port.postMessage(message);
  }

  type(text: string): void {
    this.post({ type: 'bytes', bytes: new TextEncoder().encode(text) });
  }

  async open(baudRate: number): Promise<void> {
    this.post({ type: 'open', line: { baudRate } });
    await this.clock.advance(5);
  }

  async close(): Promise<void> {
    this.post({ type: 'close' });
    await this.clock.advance(5);
  }

  /** Types a line, waits for the prompt (at most `limitMs`), gives what came before it. */
  async say(command: string, limitMs = 15_000): Promise<string> {
    const from = this.#text.length;
    const untilMs = this.clock.now() + limitMs;
    this.type(`${command}\r`);
    while (!this.#text.slice(from).includes('>') && this.clock.now() < untilMs) await this.clock.advance(1);
    return this.#text.slice(from);
  }

  /** As `say`, without prompt, echo and empty lines: `OK`, `7E8 03 …`. */
  async ask(command: string, limitMs?: number): Promise<string> {
    const said = await this.say(command, limitMs);
    return said
      .replaceAll('>', '')
      .split('|')
      .map((line) => line.trim())
      .filter((line) => line !== '' && line !== command)
      .join(' / ');
  }

  /** Several commands that are expected to say OK. */
  async all(commands: string): Promise<void> {
    for (const command of commands.split(' ')) {
      const said = await this.ask(command);
      if (said !== 'OK') throw new Error(`${command}: ${said}`);
    }
  }

  async wait(ms: number): Promise<string> {
    const from = this.#text.length;
    await this.clock.advance(ms);
    return this.#text.slice(from);
  }

  end(): void {
    this.device.detach();
    this.car.close();
  }

  #got(bytes: Uint8Array): void {
    this.lastByteMs = this.clock.now();
    this.bytes.push(...bytes);
    this.#text += new TextDecoder('latin1').decode(bytes).replaceAll('\r', '|').replaceAll('\n', '~');
  }
}

export async function plugInterpreter(bench: InterpreterBench): Promise<InterpreterTerminal> {
  const { model, faults, volts, bitRate, baudRate } = bench;
  const clock = new VirtualClock();
  const store = new MemoryCarStore();
  const car = await VirtualCar.create({
    data: V1,
    store,
    clock,
    seed: 3,
    ...(faults ? { faults } : {}),
    ...(bitRate ? { bitRate } : {}),
    ...(volts === undefined ? {} : { conditions: { volts } }),
  });
  const terminal = new InterpreterTerminal(clock, car, store, { ...bench.device, model });
  await terminal.open(baudRate ?? INTERPRETERS[model].baudRate);
  return terminal;
}
