import type { InterpreterModel, VirtualAdapter } from '#contract/simulator-control.ts';
import type { LineErrors, MessagePortLike } from '#contract/transport.ts';
import type { VirtualCar } from '#simulator/car.ts';
import { attachInterpreterDevice } from './interpreter/device.ts';
import { INTERPRETERS } from './interpreter/models.ts';
import { attachSlcanDevice } from './slcan/device.ts';

/** A simulated adapter at a port, whatever its family. */
export interface VirtualDevice {
  readonly model: VirtualAdapter;
  readonly counters: Readonly<{ framesToBus: number; framesFromBus: number; dropped: number }>;
  readonly plugged: boolean;
  /** The host has the serial line open. */
  readonly lineOpen: boolean;
  /** The device takes part on the bus. */
  readonly channelOpen: boolean;
  /** Pulls the cable: the line is lost, the device forgets everything. */
  unplug(detail?: string): void;
  plug(): void;
  /** Pulls the cable when `bytes` more have reached the device; the last of them still does. */
  unplugAtByte(bytes: number): void;
  /** Reports a soft error of the line; what was on its way to the host is lost, as with a real one. */
  lineError(name: keyof LineErrors): void;
  /** Says that it is about to sleep; absent where a device never does. */
  alert?(alert: 'act' | 'lp'): void;
  /** Takes the device off the bus and closes the port. */
  detach(): void;
}

export interface VirtualDeviceOptions {
  readonly model: VirtualAdapter;
  readonly tickMs: 1 | 16;
  readonly onChange: () => void;
}

/** Plugs an adapter of this model between the car's bus and the port. */
export function attachDevice(car: VirtualCar, port: MessagePortLike, options: VirtualDeviceOptions): VirtualDevice {
  const { model, ...line } = options;
  return isInterpreter(model)
    ? attachInterpreterDevice(car, port, { ...line, model })
    : attachSlcanDevice(car, port, { ...line, firmware: model });
}

function isInterpreter(model: VirtualAdapter): model is InterpreterModel {
  return Object.hasOwn(INTERPRETERS, model);
}
