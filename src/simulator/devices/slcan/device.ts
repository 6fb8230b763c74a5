import type { SlcanFirmware } from '#contract/simulator-control.ts';
import type { MessagePortLike } from '#contract/transport.ts';
import type { VirtualCar } from '#simulator/car.ts';
import type { VirtualDevice } from '#simulator/devices/attach.ts';
import { type LineOptions, SerialLine } from '#simulator/devices/line.ts';
import { SlcanController, type SlcanCounters } from './controller.ts';
import { FIRMWARES } from './firmware.ts';

export interface SlcanOptions extends LineOptions {
  /** Default `canable-v2`. */
  readonly firmware?: SlcanFirmware;
  /** Other than the firmware's own queue. */
  readonly queueFrames?: number;
}

export interface SlcanDevice extends VirtualDevice {
  readonly model: SlcanFirmware;
  readonly counters: Readonly<SlcanCounters>;
  readonly queueFrames: number;
}

/** An slcan adapter between the car's bus and a MessagePort that carries `SimulatedLineMessage`. */
export function attachSlcanDevice(car: VirtualCar, port: MessagePortLike, options: SlcanOptions = {}): SlcanDevice {
  return new SlcanLine(car, port, options);
}

class SlcanLine extends SerialLine implements SlcanDevice {
  readonly model: SlcanFirmware;
  readonly queueFrames: number;
  readonly #controller: SlcanController;

  constructor(car: VirtualCar, port: MessagePortLike, options: SlcanOptions) {
    const model = options.firmware ?? 'canable-v2';
    const firmware = FIRMWARES[model];
    super(car, port, firmware.usb, options);
    this.model = model;
    this.queueFrames = options.queueFrames ?? firmware.queueFrames;
    this.#controller = new SlcanController(car.kernel, car.bus, firmware, this.queueFrames, this.out, () =>
      this.scheduleFlush(),
    );
    this.begin();
  }

  get counters(): Readonly<SlcanCounters> {
    return this.#controller.counters;
  }
  /** The CAN channel is open (command O). */
  get channelOpen(): boolean {
    return this.#controller.channelOpen;
  }

  protected override feed(byte: number): void {
    this.#controller.feed(byte);
  }
  protected override powerLost(): void {
    this.#controller.reset();
  }
  protected override restart(): void {
    this.#controller.reset();
  }
  protected override leave(): void {
    this.#controller.detach();
  }
}
