import type { InterpreterModel } from '#contract/simulator-control.ts';
import type { LineSettings, MessagePortLike } from '#contract/transport.ts';
import type { VirtualCar } from '#simulator/car.ts';
import type { VirtualDevice } from '#simulator/devices/attach.ts';
import { type LineOptions, SerialLine } from '#simulator/devices/line.ts';
import type { InterpreterCounters } from './can-side.ts';
import { Chip } from './chip.ts';
import { INTERPRETERS } from './models.ts';
import { UartWire } from './uart.ts';

export interface InterpreterOptions extends LineOptions {
  readonly model: InterpreterModel;
  /** Bit/s at which its UART starts; default: the model's as delivered. */
  readonly baudRate?: number;
}

export interface InterpreterDevice extends VirtualDevice {
  readonly model: InterpreterModel;
  readonly counters: Readonly<InterpreterCounters>;
  /** At which the chip sends and reads. */
  readonly baudRate: number;
  /** `ACT ALERT` announces sleep in a minute; `LP ALERT` comes two seconds before it. */
  alert(alert: 'act' | 'lp'): void;
}

/** Below this the chip's supply fails and it starts anew (reference: adapters A.7, LV RESET). */
const LOW_VOLTS = 7;
const LP_ALERT_MS = 2000;

/** A command interpreter between the car's bus and a MessagePort that carries `SimulatedLineMessage`. */
export function attachInterpreterDevice(
  car: VirtualCar,
  port: MessagePortLike,
  options: InterpreterOptions,
): InterpreterDevice {
  return new InterpreterLine(car, port, options);
}

/** USB to a bridge, from there a UART to the chip; the bridge's rate is the host's, the chip's its own. */
class InterpreterLine extends SerialLine implements InterpreterDevice {
  readonly model: InterpreterModel;
  readonly #chip: Chip;
  readonly #toChip: UartWire;
  readonly #toHost: UartWire;
  readonly #unlisten: () => void;
  #isLow: boolean;
  /** Grows with each byte of the host: a chip that hears something does not fall asleep. */
  #bytes = 0;

  constructor(car: VirtualCar, port: MessagePortLike, options: InterpreterOptions) {
    const model = INTERPRETERS[options.model];
    const data = options.baudRate === undefined ? model : { ...model, baudRate: options.baudRate };
    super(car, port, data.usb, options);
    this.model = options.model;
    this.#isLow = car.conditions.volts < LOW_VOLTS;
    this.#toChip = new UartWire(car.kernel, data.baudRate, ({ byte }) => this.arrive(byte));
    this.#toHost = new UartWire(car.kernel, data.baudRate, ({ byte, isDamaged }) => {
      if (!this.lineOpen) return;
      this.out.push(byte);
      if (isDamaged) this.damaged(byte === 0 ? 'breaks' : 'framing');
      this.scheduleFlush();
    });
    this.#chip = new Chip(data, {
      kernel: car.kernel,
      bus: car.bus,
      conditions: () => car.conditions,
      uart: this.#toHost,
      setBaudRate: (baudRate) => {
        this.#toHost.sendRate = baudRate;
        this.#toChip.readRate = baudRate;
      },
    });
    this.#unlisten = car.onEvent((event) => {
      if (event.type === 'conditions') this.#supply(event.conditions.volts);
    });
    this.begin();
  }

  get counters(): Readonly<InterpreterCounters> {
    return this.#chip.can.counters;
  }
  get channelOpen(): boolean {
    return this.#chip.can.isOpen;
  }
  get baudRate(): number {
    return this.#chip.baudRate;
  }

  alert(alert: 'act' | 'lp'): void {
    if (!this.plugged) return;
    this.#chip.announce(alert === 'act' ? 'ACT ALERT' : 'LP ALERT');
    if (alert === 'act') return;
    const heard = this.#bytes;
    this.car.kernel.after(LP_ALERT_MS, () => {
      if (this.plugged && heard === this.#bytes) this.#chip.sleep();
    });
  }

  protected override crossed(byte: number): void {
    this.#toChip.send(byte);
  }
  protected override lineSet({ baudRate }: LineSettings): void {
    this.#toChip.sendRate = baudRate;
    this.#toHost.readRate = baudRate;
  }
  protected override feed(byte: number): void {
    this.#bytes++;
    this.#chip.feed(byte);
  }
  protected override powerLost(): void {
    this.#toChip.clear();
    this.#chip.powerLost();
  }
  protected override restart(): void {
    this.#chip.restart('by-itself');
  }
  protected override leave(): void {
    this.#unlisten();
    this.#toChip.clear();
    this.#chip.detach();
  }

  #supply(volts: number): void {
    const wasLow = this.#isLow;
    this.#isLow = volts < LOW_VOLTS;
    if (this.plugged && this.#isLow && !wasLow) this.#chip.restart('low-voltage');
  }
}
