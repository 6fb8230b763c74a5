import { readFileSync } from 'node:fs';
import { detectAdapter } from '#adapters/detect.ts';
import { DRIVERS } from '#adapters/registry.ts';
import { openSimulated } from '#adapters/transports/simulated.ts';
import type { Clock } from '#base/clock.ts';
import type { DefinitionPack } from '#contract/definition.ts';
import { StackError } from '#contract/errors.ts';
import type { OperationEvent } from '#contract/operation.ts';
import type { VirtualAdapter } from '#contract/simulator-control.ts';
import type { UnfinishedJob, VehicleView, WorkerEvent } from '#contract/vehicle-api.ts';
import { parsePack } from '#definitions/index.ts';
import type { Locks } from '#procedures/context.ts';
import { EventSender } from '#rpc/events.ts';
import { VirtualCar } from '#simulator/car.ts';
import type { CarData } from '#simulator/car-data.ts';
import type { CarState } from '#simulator/car-state.ts';
import { V1 } from '#simulator/cars/v1.ts';
import { attachDevice, type VirtualDevice } from '#simulator/devices/attach.ts';
import { MemoryCarStore } from '#simulator/memory-store.ts';
import { parseBackup } from '#store/index.ts';
import { VehicleService } from '../../workers/vehicle/service.ts';
import { SIMULATOR_KEY } from '../../workers/vehicle/simulator-key.ts';
import { type MemoryDisk, memoryStores } from './memory-stores.ts';
import { type PortPair, portPair } from './port-pair.ts';
import { VirtualClock } from './virtual-clock.ts';

// Loaded before any virtual clock runs: a module comes from the real disk, in real time.
for (const driver of DRIVERS) await driver.load();

export const V1_PACK: DefinitionPack = parsePack(
  readFileSync(new URL('../../public/definitions/virtual-v1.json', import.meta.url), 'utf8'),
  'virtual-v1.json',
);

/** The part of V1 that a sweep needs: fewer modules, the same rules. */
export function packOf(labels: readonly string[], pack: DefinitionPack = V1_PACK): DefinitionPack {
  return { ...pack, modules: pack.modules.filter((slot) => labels.includes(slot.label)) };
}

export function carOf(labels: readonly string[], data: CarData = V1): CarData {
  return { ...data, ecus: data.ecus.filter((ecu) => labels.includes(ecu.label)) };
}

/** What a run leaves behind, one entry per side effect, in order (design 9: what a kill may come after). */
export type SideEffect =
  | { readonly kind: 'durable'; readonly table: string }
  | { readonly kind: 'frame-out'; readonly line: string }
  | { readonly kind: 'ecu-commit'; readonly detail: string }
  | { readonly kind: 'answer'; readonly line: string };

/** The car with its memory: lives through the death of browsers. */
export class Garage {
  readonly clock = new VirtualClock();
  readonly carStore: MemoryCarStore;
  car!: VirtualCar;
  onCommit: (detail: string) => void = () => {};

  private constructor(state?: CarState) {
    this.carStore = new MemoryCarStore({
      ...(state ? { state } : {}),
      onCommit: (_, change) => this.onCommit(change.kind),
    });
  }

  static async build(
    options: { readonly data?: CarData; readonly state?: CarState; readonly seed?: number } = {},
  ): Promise<Garage> {
    const garage = new Garage(options.state);
    garage.car = await VirtualCar.create({
      data: options.data ?? V1,
      store: garage.carStore,
      clock: garage.clock,
      seed: options.seed ?? 1,
    });
    return garage;
  }

  /** What an ECU holds under an identifier, as hex; straight from its memory, past every protocol. */
  did(label: string, did: string): string {
    const value = this.carStore.state?.ecus[label]?.dids[did];
    if (value === undefined) throw new Error(`ECU ${label} has no ${did}`);
    return value;
  }
}

/** A browser at the car: the vehicle service over a disk, with an adapter. It can be killed at any side effect. */
export class Browser {
  readonly garage: Garage;
  readonly disk: MemoryDisk;
  readonly events: WorkerEvent[] = [];
  readonly sideEffects: SideEffect[] = [];
  readonly service: VehicleService;
  device: VirtualDevice | null = null;
  /** Dies right after this many side effects from `arm()` on. */
  killAfter = Number.POSITIVE_INFINITY;
  #armed = false;
  #dead = false;
  #line: PortPair | null = null;
  readonly #firmware: VirtualAdapter;
  #resolveDeath: () => void = () => {};
  /** Resolves when the browser died; its calls never settle then. */
  readonly died = new Promise<'died'>((resolve) => {
    this.#resolveDeath = () => resolve('died');
  });
  #ids = 0;

  constructor(
    garage: Garage,
    disk: MemoryDisk,
    options: {
      readonly packs?: readonly DefinitionPack[];
      readonly firmware?: VirtualAdapter;
      readonly name?: string;
      readonly locks?: Locks['withLock'];
    } = {},
  ) {
    this.garage = garage;
    this.disk = disk;
    this.#firmware = options.firmware ?? 'canable-v2';
    disk.onDurable = (table) => this.#effect({ kind: 'durable', table });
    garage.onCommit = (detail) => this.#effect({ kind: 'ecu-commit', detail });
    const clock = this.#mortalClock(garage.clock);
    const eventPorts = portPair();
    eventPorts.far.addEventListener('message', ({ data }) => {
      this.events.push(...(data as { events: readonly WorkerEvent[] }).events); // our own sender's batch
    });
    eventPorts.far.start?.();
    const events = new EventSender(clock);
    events.connect(eventPorts.near);
    this.service = new VehicleService({
      clock,
      events,
      release: 'test',
      keyProviders: new Map([[SIMULATOR_KEY.id, SIMULATOR_KEY]]),
      locks: {
        withLock: options.locks ?? (async (_, work) => ({ value: await work() })),
        hold: async () => async () => {},
      },
      openStores: async () => ({ ...memoryStores(disk, clock), close: async () => {} }),
      loadPacks: async () => options.packs ?? [V1_PACK],
      parseBackup,
      grantedAdapters: async () => [],
      grantedPorts: () =>
        Promise.reject(new StackError('transport/unavailable', 'no serial here', { api: 'serial', reason: 'test' })),
      openSimulated: (port) => openSimulated(port, { baudRate: 115_200 }, { clock }),
      recognise: (transport) => detectAdapter(transport, { clock }),
      newId: () => `${options.name ?? 'b'}${++this.#ids}`,
    });
  }

  async connect(): Promise<void> {
    this.#line = portPair((direction, message) => this.#pass(direction, message));
    this.device = attachDevice(this.garage.car, this.#line.far, {
      model: this.#firmware,
      tickMs: 1,
      onChange: () => undefined,
    });
    await this.service.hello({ world: 'training', storagePersistent: true });
    await this.service.connectSimulator(this.#line.near as unknown as MessagePort); // the service only uses MessagePortLike of it
  }

  /** Connects, scans, waits for the end. */
  async arrive(): Promise<VehicleView> {
    await this.connect();
    await this.done(this.service.scan({ commandId: `scan-${++this.#ids}` }));
    const view = (await this.service.hello({ world: 'training', storagePersistent: true })).vehicle;
    if (view === null) throw new Error('the scan left no vehicle');
    return view;
  }

  /** Waits for the end of a started operation and gives its last event. */
  async done(started: Promise<{ operationId: string }>): Promise<Extract<OperationEvent, { type: 'ended' }>> {
    const { operationId } = await started;
    for (;;) {
      const ended = this.operationEvents(operationId).find((event) => event.type === 'ended');
      if (ended?.type === 'ended') return ended;
      await this.garage.clock.sleep(5);
    }
  }

  operationEvents(operationId: string): readonly OperationEvent[] {
    return this.events.flatMap((event) =>
      event.type === 'operation' && event.event.operationId === operationId ? [event.event] : [],
    );
  }

  async jobs(): Promise<readonly UnfinishedJob[]> {
    return (await this.service.hello({ world: 'training', storagePersistent: true })).jobs;
  }

  commandId(): string {
    return `c${++this.#ids}`;
  }

  /** From now on side effects are counted. */
  arm(killAfter = Number.POSITIVE_INFINITY): void {
    this.#armed = true;
    this.sideEffects.length = 0;
    this.killAfter = killAfter;
  }

  /** The process is gone: nothing it sends or stores arrives, nobody hears of it. */
  kill(): void {
    if (this.#dead) return;
    this.#dead = true;
    this.disk.dead = true;
    this.#line?.cut();
    this.#resolveDeath();
  }

  #effect(effect: SideEffect): void {
    if (this.#dead || !this.#armed) return;
    this.sideEffects.push(effect);
    if (this.sideEffects.length >= this.killAfter) this.kill();
  }

  /** Splits what the host writes into lines, so that a batch of frames can end in the middle. */
  #pass(direction: 'out' | 'in', message: unknown): readonly unknown[] {
    if (this.#dead) return [];
    const bytes = bytesOf(message);
    if (bytes === null || !this.#armed) return [message];
    const passed: unknown[] = [];
    for (const line of linesOf(bytes)) {
      if (this.#dead) break;
      passed.push({ type: 'bytes', bytes: line });
      const text = String.fromCharCode(...line).trim();
      if (/^[tT]/.test(text)) this.#effect({ kind: direction === 'out' ? 'frame-out' : 'answer', line: text });
    }
    return passed;
  }

  #mortalClock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      wallMs: () => clock.wallMs(),
      sleep: async (ms, options) => {
        await clock.sleep(ms, options);
        if (this.#dead) await new Promise(() => {});
      },
    };
  }
}

function bytesOf(message: unknown): Uint8Array | null {
  if (typeof message !== 'object' || message === null || !('bytes' in message)) return null;
  return message.bytes instanceof Uint8Array ? message.bytes : null;
}

function linesOf(bytes: Uint8Array): readonly Uint8Array[] {
  const lines: Uint8Array[] = [];
  let from = 0;
  for (let i = 0; i < bytes.length; i++)
    if (bytes[i] === 0x0d) {
      lines.push(bytes.slice(from, i + 1));
      from = i + 1;
    }
  if (from < bytes.length) lines.push(bytes.slice(from));
  return lines;
}
