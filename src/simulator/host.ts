import type { Clock } from '#base/clock.ts';
import { isStackError } from '#contract/errors.ts';
import type {
  ScenarioName,
  SimulatorControl,
  SimulatorReport,
  SimulatorState,
  VirtualAdapter,
} from '#contract/simulator-control.ts';
import type { MessagePortLike } from '#contract/transport.ts';
import { VirtualCar } from './car.ts';
import type { CarData } from './car-data.ts';
import { type CarStore, isRecord } from './car-state.ts';
import { attachDevice, type VirtualDevice } from './devices/attach.ts';
import { ControlRefused, parseControl } from './parse-control.ts';
import { SCENARIOS } from './scenarios.ts';

export interface SimulatorHostOptions {
  readonly data: CarData;
  readonly store: CarStore;
  readonly clock: Clock;
  readonly seed?: number;
  readonly minSleepMs?: number;
  /** Where reports go: the page. */
  readonly report: (report: SimulatorReport) => void;
}

/** The virtual car with one adapter, as the page sees it: ports and control messages in, reports out. */
export class SimulatorHost {
  readonly car: VirtualCar;
  readonly #report: (report: SimulatorReport) => void;
  #device: VirtualDevice | undefined;
  #firmware: VirtualAdapter = 'canable-v2';
  #tickMs: 1 | 16 = 1;
  #scenario: ScenarioName | 'own' = 'good';
  #reportSet = false;

  /** Builds the car from its memory and reports `ready`. @throws StackError of the store */
  static async create(options: SimulatorHostOptions): Promise<SimulatorHost> {
    const { report, ...rest } = options;
    const car = await VirtualCar.create({
      ...rest,
      onError: (error) => report({ type: 'failed', why: wordsOf(error) }),
    });
    const host = new SimulatorHost(car, report);
    report({ type: 'ready', state: host.state() });
    return host;
  }

  private constructor(car: VirtualCar, report: (report: SimulatorReport) => void) {
    this.car = car;
    this.#report = report;
    car.onEvent((event) => {
      if (event.type === 'conditions' || event.type === 'reset') this.#changed();
    });
  }

  get device(): VirtualDevice | undefined {
    return this.#device;
  }

  /** Plugs a new adapter at this port; the one before is pulled. */
  attach(port: MessagePortLike): VirtualDevice {
    this.#device?.detach();
    this.#device = attachDevice(this.car, port, {
      model: this.#firmware,
      tickMs: this.#tickMs,
      onChange: () => this.#changed(),
    });
    this.#changed();
    return this.#device;
  }

  /** One message of the page that carries no port. Always answered: `state` or `refused`, with its `id`. */
  async receive(message: unknown): Promise<void> {
    const id = isRecord(message) && typeof message.id === 'number' ? { id: message.id } : {};
    try {
      if (!isRecord(message) || !('control' in message)) throw new ControlRefused('neither port nor control');
      await this.control(parseControl(message.control));
      this.#report({ type: 'state', state: this.state(), ...id });
    } catch (error) {
      this.#report({ type: 'refused', why: wordsOf(error), ...id });
    }
  }

  /** @throws RangeError for an unknown variant; StackError of the store */
  async control(control: SimulatorControl): Promise<void> {
    const { car } = this;
    switch (control.type) {
      case 'report':
        return;
      case 'voltage':
        return car.set({ volts: control.volts });
      case 'ignition':
        return car.set({ ignition: control.on });
      case 'engine':
        return car.set({ rpm: control.rpm });
      case 'speed':
        return car.set({ speedKmh: control.speedKmh });
      case 'scenario':
        this.#scenario = control.name;
        car.faults.set(SCENARIOS[control.name].faults);
        return car.set(SCENARIOS[control.name].conditions);
      case 'faults':
        this.#scenario = 'own';
        car.faults.set(control.script);
        return;
      case 'unplug':
        this.#device?.unplug();
        return;
      case 'plug':
        this.#device?.plug();
        return;
      case 'unplug-at-byte':
        this.#device?.unplugAtByte(control.bytes);
        return;
      case 'line-error':
        this.#device?.lineError(control.name);
        return;
      case 'adapter-alert':
        this.#device?.alert?.(control.alert);
        return;
      case 'adapter':
        this.#firmware = control.firmware;
        this.#tickMs = control.tickMs;
        return;
      case 'factory-reset':
        return car.factoryReset(control.variant);
      case 'power-cut':
        return car.powerCut(control.offMs);
    }
  }

  state(): SimulatorState {
    const { car } = this;
    const { volts, ignition, rpm, speedKmh } = car.conditions;
    const device = this.#device;
    return {
      carId: car.data.carId,
      vin: car.data.vin,
      variant: car.state.variant,
      variants: ['standard', ...Object.keys(car.data.variants)],
      volts,
      ignition,
      rpm,
      speedKmh,
      scenario: this.#scenario,
      faultRules: car.faults.ruleCount,
      adapter: device
        ? {
            firmware: device.model,
            plugged: device.plugged,
            lineOpen: device.lineOpen,
            channelOpen: device.channelOpen,
            ...device.counters,
          }
        : null,
      ecus: car.ecus.map((ecu) => ({
        label: ecu.label,
        session: ecu.session,
        unlockedLevel: ecu.ram.unlockedLevel ?? null,
        awake: ecu.awake,
      })),
    };
  }

  /** One report for all that changes in one moment of the car. */
  #changed(): void {
    if (this.#reportSet) return;
    this.#reportSet = true;
    const { kernel } = this.car;
    kernel.at(kernel.nowMs, () => {
      this.#reportSet = false;
      this.#report({ type: 'state', state: this.state() });
    });
  }
}

function wordsOf(error: unknown): string {
  if (isStackError(error)) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
