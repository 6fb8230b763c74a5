import type { VoltageReading } from '#contract/backup.ts';
import type { Definition, DefinitionPack } from '#contract/definition.ts';
import { type ErrorRecord, isStackError, StackError, toErrorRecord } from '#contract/errors.ts';
import type { Plan } from '#contract/plan.ts';
import { DEFAULT_SETTINGS, type Settings } from '#contract/records.ts';
import type { UsbIdentity } from '#contract/transport.ts';
import type {
  ConnectionView,
  ModuleView,
  SerialChoice,
  ShopCodeChoice,
  StoreHealth,
  UnfinishedJob,
  VehicleApi,
  VehicleView,
  WorkerEvent,
  World,
} from '#contract/vehicle-api.ts';
import { receiveEvents } from '#rpc/events.ts';
import { connectVehicleWorker, type VehicleClient } from '#rpc/vehicle-client.ts';
import type { Installation } from '#ui/platform/install.ts';
import type { Offline } from '#ui/platform/offline.ts';
import type { ChosenPort, PortKind } from '#ui/platform/serial.ts';
import { Operations, type OperationView } from './operations.svelte.ts';
import { askPlan, type PlanRequest } from './plans.ts';
import {
  type BitRate,
  type ConnectNote,
  isSame,
  type LastAdapter,
  lastAdapterOf,
  reconnectChoice,
  startChoice,
  USUAL_BIT_RATE,
} from './ports.ts';
import { Router } from './route.svelte.ts';
import { Staging } from './staging.svelte.ts';

/** What the page's entry brings: how workers start and what the platform can do. */
export interface AppPlatform {
  startVehicleWorker(): Worker;
  /** A fresh port to the virtual car; starts it when needed and holds its lock. Null: another tab has it. */
  openVirtualCar(): Promise<MessagePort | null>;
  /** The browser's chooser, from a click; `all`: without the list of known adapters. */
  requestSerialPort(kind: PortKind): Promise<ChosenPort>;
  /** A granted port was plugged in again. Returns the way to stop listening. */
  onPortBack(listener: (port: ChosenPort) => void): () => void;
  /** Does another tab hold the adapter now? */
  isAdapterTaken(): Promise<boolean>;
  persisted(): Promise<boolean>;
  askPersistent(): Promise<boolean>;
}

/** What a person read on a meter. `stabiliser`: the charger that holds the voltage, empty for none. */
export type TypedVoltage = Parameters<VehicleApi['typeVoltage']>[0];

const MAX_TRACE_CHARS = 400_000;
/** A typed reading is asked for again after this long (design 6c). */
const SIGNED_FOR_MS = 600_000;
/** Which world the page was in, so that a reload finds the unfinished jobs of the virtual car too. */
const WORLD_KEY = 'codebay.world';
/** The worker tells every second that it lives; this long without a message is worth a word. */
const SILENCE_MS = 4000;

/** Everything the screens show, fed by the vehicle worker; commands go back through `api`. One per page. */
export class AppState {
  readonly router = new Router();
  readonly staging = new Staging();
  readonly operations = new Operations();
  readonly platform: AppPlatform;

  #client: VehicleClient | null = null;
  #stopEvents: () => void = () => {};
  #worker: Worker | null = null;
  #starting: Promise<void> | null = null;
  #packs = new Map<string, Promise<DefinitionPack>>();
  #lastMessageAt = Date.now();

  world = $state.raw<World>(storedWorld());
  ready = $state(false);
  release = $state('');
  connection = $state.raw<ConnectionView>({ kind: 'none' });
  vehicle = $state.raw<VehicleView | null>(null);
  voltage = $state.raw<VoltageReading>({ kind: 'unknown', why: 'no-source' });
  jobs = $state.raw<readonly UnfinishedJob[]>([]);
  settings = $state.raw<Settings>(DEFAULT_SETTINGS);
  store = $state.raw<StoreHealth>({ kind: 'ok', persistent: false });
  lastAnswerAgoMs = $state<number | null>(null);
  trace = $state.raw('');
  /** Seconds without any message of the worker; null while it speaks. A person may then end it, nobody else. */
  silentForS = $state<number | null>(null);
  packs = $state.raw<ReadonlyMap<string, DefinitionPack>>(new Map());
  /** A plan waiting for the person's word. */
  plan = $state.raw<Plan | null>(null);
  /** What `plan` was made for. */
  planRequest = $state.raw<PlanRequest | null>(null);
  /** The plan needs a shop code and none is set: the person chooses. */
  shopCodeAsked = $state.raw<{ readonly request: PlanRequest; readonly moduleHolds: string | null } | null>(null);
  /** The plan that was approved last, until the person has seen how it ended. Its run is `job`. */
  approved = $state.raw<{
    readonly operationId: string;
    readonly plan: Plan;
    readonly request: PlanRequest | null;
  } | null>(null);
  /** Why unfinished jobs stopped, as far as this page saw it. */
  causes = $state.raw<ReadonlyMap<string, ErrorRecord>>(new Map());
  /** Unfinished jobs the person set aside for now, to work on another car; they come back with their car. */
  jobsAside = $state.raw<ReadonlySet<string>>(new Set());
  installation = $state.raw<Installation | null>(null);
  offline = $state.raw<Offline | null>(null);
  /** The last command that failed, to be shown where it was given. */
  failure = $state.raw<{ readonly error: ErrorRecord } | null>(null);
  /** What became of a connection that nobody pressed a button for: a quiet line on Connect, no failure. */
  connectNote = $state.raw<ConnectNote | null>(null);
  /** A person's word on the bus of this car; holds until another one is said or the page closes. */
  bitRate = $state.raw<BitRate>(USUAL_BIT_RATE);
  /** The person wants to type a meter reading. */
  voltageAsked = $state(false);
  /** Who signed last on this page, so that the name is typed once. */
  signer = $state('');
  /** When the reading that was typed last ends (wall time); null: none was typed, or what is shown is measured. */
  signedUntilWallMs = $state<number | null>(null);
  /** Command under way, so that a second tap is no second command (fault H01). */
  busy = $state<string | null>(null);

  readonly simulated = $derived(
    this.connection.kind !== 'none' ? this.connection.simulated : this.world === 'training',
  );
  readonly connected = $derived(this.connection.kind === 'open');
  /** Frames were seen when the bus was joined, or modules have answered since. */
  readonly hasTraffic = $derived(
    this.connection.kind === 'open' &&
      (this.connection.traffic ||
        this.vehicle?.modules.some(({ identity, stale }) => identity !== null && !stale) === true),
  );
  /** The run of the approved plan, running or ended. (Making a plan is a run too, with its own id.) */
  readonly job = $derived<OperationView | null>(
    this.approved === null ? null : this.operations.get(this.approved.operationId),
  );
  readonly jobRunning = $derived(this.job?.result === 'running' || (this.approved !== null && this.job === null));
  /** The unfinished job that has the screen: of this car, or of any car while none is known. */
  readonly unfinished = $derived<UnfinishedJob | null>(
    this.jobs.find(
      (job) =>
        job.next.kind !== 'wait' &&
        (this.jobsAside.has(job.operationId)
          ? job.vin !== null && job.vin === this.vehicle?.vin
          : isOf(job, this.vehicle)),
    ) ?? null,
  );

  readonly #shopCodeOfModule = new Set<string>();
  #last: LastAdapter | null = null;

  constructor(platform: AppPlatform) {
    this.platform = platform;
  }

  get api(): VehicleApi {
    if (this.#client === null)
      throw new StackError('rpc/worker-ended', 'the vehicle worker is not started', { worker: 'vehicle' });
    return this.#client.api;
  }

  /**
   * Starts the vehicle worker and asks it for everything. Called after the first paint, and by a person after a worker's end.
   * Commands given meanwhile wait for it.
   */
  start(world: World = this.world): Promise<void> {
    this.#starting = this.#start(world).catch((error: unknown) => {
      this.#starting = null;
      throw error;
    });
    return this.#starting;
  }

  async #start(world: World): Promise<void> {
    this.#stopEvents();
    this.#worker?.terminate();
    this.#worker = this.platform.startVehicleWorker();
    this.#client = connectVehicleWorker(this.#worker);
    const { port1, port2 } = new MessageChannel();
    this.#stopEvents = receiveEvents(
      port1,
      (event) => this.#receive(event),
      () => void this.#refresh(),
    );
    await this.api.connectEvents(port2);
    this.world = world;
    await this.#refresh();
    // The virtual car's jobs are looked for after a reload; without one the page starts in the real world.
    if (world === 'training' && this.store.kind === 'ok' && this.jobs.length === 0 && this.connection.kind === 'none') {
      this.world = 'real';
      await this.#refresh();
    }
    this.ready = true;
  }

  /** A person ended the worker: the journal tells the next one what is unfinished. */
  async restartWorker(): Promise<void> {
    const world = this.world;
    this.#client?.end('ended by the person');
    this.ready = false;
    this.operations.forgetRunning();
    this.connection = { kind: 'none' };
    this.plan = null;
    this.planRequest = null;
    this.shopCodeAsked = null;
    this.approved = null;
    this.busy = null;
    this.silentForS = null;
    this.#lastMessageAt = Date.now();
    await this.start(world);
  }

  /** Looks for signs of life; hidden or frozen pages do not count as silence, so the gap starts anew on return. */
  watchWorker(): () => void {
    const check = () => {
      const gap = Date.now() - this.#lastMessageAt;
      this.silentForS =
        document.visibilityState === 'visible' && this.ready && gap > SILENCE_MS ? Math.floor(gap / 1000) : null;
    };
    const restart = () => {
      this.#lastMessageAt = Date.now();
    };
    const timer = setInterval(check, 1000);
    document.addEventListener('visibilitychange', restart);
    document.addEventListener('resume', restart);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', restart);
      document.removeEventListener('resume', restart);
    };
  }

  module(moduleId: string): ModuleView | null {
    return this.vehicle?.modules.find((module) => module.moduleId === moduleId) ?? null;
  }

  /** The definition a module matched, once its pack is here; asks for the pack on the way. */
  definition(module: ModuleView | null): Definition | null {
    const match = module?.identity?.match;
    if (match === undefined || match.kind === 'none') return null;
    const pack = this.packs.get(match.packId);
    if (pack === undefined) {
      this.#askPack(match.packId);
      return null;
    }
    return pack.definitions.find((definition) => definition.id === match.definitionId) ?? null;
  }

  /**
   * Gives a command: one at a time, its failure is kept for the screen. Returns what it returned, null when it failed.
   * @param name identifies the control, so that only it shows that it is at work
   */
  async command<T>(name: string, work: (commandId: string) => Promise<T>): Promise<T | null> {
    if (this.busy !== null) return null;
    this.busy = name;
    this.failure = null;
    try {
      if (!this.ready) await (this.#starting ?? this.start());
      return await work(crypto.randomUUID());
    } catch (error) {
      this.failure = { error: toErrorRecord(error) };
      return null;
    } finally {
      this.busy = null;
    }
  }

  /**
   * Has a plan made and shows it (`plan`), or asks for the shop code first (`shopCodeAsked`). Call it from a click: before the
   * first write on a machine the browser is asked to keep the data.
   */
  async makePlan(request: PlanRequest, choice?: ShopCodeChoice): Promise<Plan | null> {
    const moduleId = 'moduleId' in request ? request.moduleId : null;
    const shopCode: ShopCodeChoice =
      choice ?? (moduleId !== null && this.#shopCodeOfModule.has(moduleId) ? { kind: 'module' } : { kind: 'settings' });
    if (choice?.kind === 'module' && moduleId !== null) this.#shopCodeOfModule.add(moduleId);
    this.shopCodeAsked = null;
    return this.command('plan', async (commandId) => {
      await this.keepData();
      try {
        this.plan = await askPlan(this.api, commandId, request, shopCode);
        this.planRequest = request;
        return this.plan;
      } catch (error) {
        if (!isStackError(error, 'plan/shop-code-unset')) throw error;
        this.shopCodeAsked = { request, moduleHolds: error.details.moduleHolds };
        return null;
      }
    });
  }

  /** Plans the same again with a shop code from where the person said. */
  async answerShopCode(choice: ShopCodeChoice): Promise<Plan | null> {
    const asked = this.shopCodeAsked;
    return asked === null ? null : this.makePlan(asked.request, choice);
  }

  discardPlan(): void {
    const { plan } = this;
    this.plan = null;
    this.planRequest = null;
    this.shopCodeAsked = null;
    if (plan !== null) void this.api.discardPlan(plan.id).catch(() => undefined); // it expires with the worker anyway
  }

  /** Runs the plan that is shown. @param typed what the person typed where the plan asks for it */
  async approvePlan(typed: string | null): Promise<boolean> {
    const { plan, planRequest } = this;
    if (plan === null) return false;
    const started = await this.command('approve', async (commandId) => {
      this.approved = { operationId: plan.operationId, plan, request: planRequest };
      try {
        return await this.api.approve({ commandId, planId: plan.id, typed });
      } catch (error) {
        this.approved = null;
        throw error;
      }
    });
    if (started === null) return false;
    this.plan = null;
    this.planRequest = null;
    return true;
  }

  /** The person has seen how the job ended. */
  dismissJob(): void {
    const { job, approved } = this;
    this.approved = null;
    if (job === null || approved === null) return;
    this.operations.dismiss(job.operationId);
  }

  /** Asks the browser to keep the data, once it matters. It may refuse; the strip and the dialog say so. */
  async keepData(): Promise<boolean> {
    if (this.store.kind === 'ok' && this.store.persistent) return true;
    const persistent = (await this.platform.persisted()) || (await this.platform.askPersistent());
    await this.api.setStoragePersistent(persistent);
    if (this.store.kind === 'ok') this.store = { kind: 'ok', persistent };
    return persistent;
  }

  /** Resolves when an operation has ended, with how. */
  ended(operationId: string): Promise<OperationView> {
    return new Promise((resolve) => {
      const stop = $effect.root(() => {
        $effect(() => {
          const operation = this.operations.get(operationId);
          if (operation === null || operation.result === 'running') return;
          resolve(operation);
          queueMicrotask(stop);
        });
      });
    });
  }

  /** A look at an unfinished job closed it: its result is shown like that of a run. */
  showResult(operationId: string, plan: Plan): void {
    this.approved = { operationId, plan, request: null };
  }

  /** A job ended and stays open: its recovery card takes over from the result. */
  handOver(): void {
    const { job, approved } = this;
    if (job === null || approved === null) return;
    if (job.error !== null) this.causes = new Map(this.causes).set(approved.plan.operationId, job.error);
    this.dismissJob();
  }

  setJobAside(operationId: string): void {
    this.jobsAside = new Set(this.jobsAside).add(operationId);
  }

  showJobs(): void {
    this.jobsAside = new Set();
  }

  dismissFailure(): void {
    this.failure = null;
  }

  async disconnect(): Promise<void> {
    await this.command('disconnect', async () => {
      await this.api.disconnect();
      this.staging.discardAll();
      await this.#enterWorld('real');
    });
  }

  async connectSimulator(): Promise<boolean> {
    const connected = await this.command('connect-simulator', async () => {
      const port = await this.platform.openVirtualCar();
      if (port === null) {
        await this.#enterWorld('training'); // its backups and records may be read here all the same (fault S18)
        throw new StackError('adapter/in-use', 'the virtual car is open in another tab', { by: 'other-tab' });
      }
      const connection = await this.api.connectSimulator(port);
      await this.#enterWorld('training');
      return connection;
    });
    return connected !== null;
  }

  /**
   * Opens a serial adapter. `no`: the browser holds the grant. `if-needed`: opens the granted one where it is plugged in, else
   * asks (only the press can tell: an unplugged adapter is in no list, whatever the browser remembers; faults S05, S06).
   * `known`, `bluetooth`, `all`: asks the browser, a click is under way.
   */
  async connectSerial(usb: UsbIdentity | null, ask: 'no' | 'if-needed' | PortKind): Promise<boolean> {
    const choice =
      ask === 'no'
        ? { usb, chosen: false }
        : ask === 'if-needed'
          ? ((await this.#grantedChoice(usb)) ?? (await this.#choosePort(this.#last?.wireless ? 'bluetooth' : 'known')))
          : await this.#choosePort(ask);
    if (choice === null) return false;
    this.connectNote = null;
    const connected = await this.command('connect-serial', () => this.#open(choice));
    return connected !== null;
  }

  /** Opens the adapter that is certain without being asked: at the start, or when it comes back. Its failure is a quiet line. */
  async connectQuietly(choice: SerialChoice): Promise<boolean> {
    const connected = await this.command('connect-serial', async () => {
      this.connectNote = null;
      try {
        return await this.#open(choice);
      } catch (error) {
        this.connectNote = { kind: 'failed', error: toErrorRecord(error) };
        return null;
      }
    });
    return connected !== null;
  }

  /** Opens the one adapter that the browser knows, if there is exactly one and nothing speaks against it. Never asks. */
  async connectKnown(): Promise<void> {
    const isFree = () =>
      this.ready &&
      this.world === 'real' &&
      this.connection.kind === 'none' &&
      this.busy === null &&
      this.jobs.length === 0; // the card of an unfinished job has the screen and says what to do
    if (!isFree()) return;
    const granted = await this.api.grantedAdapters().catch(() => []); // no Web Serial, or none granted: nothing to open
    const start = startChoice(granted, await this.platform.isAdapterTaken());
    if (!isFree()) return;
    if (start.kind === 'note') this.connectNote = start.note;
    if (start.kind === 'open') await this.connectQuietly(start.choice);
  }

  /**
   * A lost adapter that is plugged in again is opened again, outside of a job: a job's card has its own button, and the press is
   * the person's word that the car is as it was. Returns the way to stop watching.
   */
  watchPorts(): () => void {
    return this.platform.onPortBack((port) => {
      const { connection } = this;
      if (connection.kind !== 'lost' || connection.simulated || !isSame(port.usb, connection.usb)) return;
      if (this.jobRunning || this.jobs.length > 0) {
        this.connectNote = { kind: 'back' };
        return;
      }
      void this.connectQuietly({
        usb: connection.usb,
        chosen: false,
        ...(this.#last === null ? {} : { adapter: this.#last.key, wireless: this.#last.wireless }),
      });
    });
  }

  async #open(choice: SerialChoice): Promise<ConnectionView> {
    const connection = await this.api.connectSerial({ ...choice, bitRate: this.bitRate });
    await this.#enterWorld('real');
    return connection;
  }

  /** The granted adapter that is plugged in now: the one with this identity, or the only one. Null: none. */
  async #grantedChoice(usb: UsbIdentity | null): Promise<SerialChoice | null> {
    return reconnectChoice(await this.api.grantedAdapters(), usb, this.#last);
  }

  /** The browser's list is no command of ours: nothing waits for it. Null: nothing was chosen, `failure` says why. */
  async #choosePort(kind: PortKind): Promise<SerialChoice | null> {
    this.failure = null;
    try {
      const { usb, wireless } = await this.platform.requestSerialPort(kind);
      return { usb, chosen: true, ...(wireless ? { wireless } : {}) };
    } catch (error) {
      this.failure = { error: toErrorRecord(error) };
      return null;
    }
  }

  /** A meter reading, signed by a person. Where the adapter or a module tells the voltage by itself, that stays in force. */
  async typeVoltage(command: TypedVoltage): Promise<boolean> {
    const reading = await this.command('type-voltage', () => this.api.typeVoltage(command));
    if (reading === null) return false;
    this.voltage = reading;
    this.signer = command.name;
    const isSigned = reading.kind === 'known' && reading.source === 'signed';
    this.signedUntilWallMs = isSigned ? Date.now() + SIGNED_FOR_MS : null;
    return true;
  }

  /** Measures what the open adapter can do; reads only. How it goes is in `operations`, what came of it in `connection`. */
  async checkAdapter(): Promise<boolean> {
    const old = this.operations.last(['check-adapter']);
    if (old !== null) this.operations.dismiss(old.operationId);
    const started = await this.command('check-adapter', (commandId) => this.api.checkAdapter({ commandId }));
    return started !== null;
  }

  /** A person lets the open adapter, a copy that passed its check, change options. */
  async acceptAdapter(name: string): Promise<boolean> {
    const connection = await this.command('accept-adapter', () => this.api.acceptAdapter({ name }));
    if (connection === null) return false;
    this.connection = connection;
    return true;
  }

  dispose(): void {
    this.#stopEvents();
    this.#client?.end('page closed');
    this.#worker?.terminate();
  }

  async #enterWorld(world: World): Promise<void> {
    if (this.world !== world) {
      this.staging.discardAll();
      this.plan = null;
    }
    this.world = world;
    keepWorld(world);
    await this.#refresh();
  }

  async #refresh(): Promise<void> {
    const hello = await this.api.hello({ world: this.world, storagePersistent: await this.platform.persisted() });
    this.release = hello.release;
    this.world = hello.world;
    this.connection = hello.connection;
    this.#last = lastAdapterOf(hello.connection, this.bitRate) ?? this.#last;
    this.vehicle = hello.vehicle;
    this.voltage = hello.voltage;
    this.jobs = hello.jobs;
    this.settings = hello.settings;
    this.store = hello.store;
  }

  #askPack(packId: string): void {
    if (this.#packs.has(packId)) return;
    const asked = this.api.definitionPack(packId);
    this.#packs.set(packId, asked);
    asked.then(
      (pack) => {
        this.packs = new Map(this.packs).set(packId, pack);
      },
      () => this.#packs.delete(packId), // asked again when it is needed again
    );
  }

  #receive(event: WorkerEvent): void {
    this.#lastMessageAt = Date.now();
    this.silentForS = null;
    switch (event.type) {
      case 'connection':
        this.connection = event.connection;
        if (event.connection.kind === 'open') this.connectNote = null;
        this.#last = lastAdapterOf(event.connection, this.bitRate) ?? this.#last;
        return;
      case 'vehicle':
        this.vehicle = event.vehicle;
        return;
      case 'module': {
        const { vehicle } = this;
        if (vehicle === null) return;
        const known = vehicle.modules.some((module) => module.moduleId === event.module.moduleId);
        const modules = known
          ? vehicle.modules.map((module) => (module.moduleId === event.module.moduleId ? event.module : module))
          : [...vehicle.modules, event.module];
        this.vehicle = { ...vehicle, modules };
        return;
      }
      case 'operation': {
        const operation = this.operations.receive(event.event);
        // What is proven on the car is no longer staged.
        const isOurs = operation.operationId === this.approved?.operationId;
        if (
          isOurs &&
          operation.kind === 'coding' &&
          operation.outcome?.state === 'written-verified' &&
          operation.moduleId
        )
          this.staging.discard(operation.moduleId);
        return;
      }
      case 'voltage':
        this.voltage = event.reading;
        return;
      case 'jobs':
        this.jobs = event.jobs;
        return;
      case 'trace':
        this.trace = (this.trace + event.text).slice(-MAX_TRACE_CHARS);
        return;
      case 'store':
        this.store = event.health;
        return;
      case 'alive':
        this.lastAnswerAgoMs = event.lastAnswerAgoMs;
        return;
    }
  }
}

/** An unfinished job has the screen until another car than its own is known. */
function isOf(job: UnfinishedJob, vehicle: VehicleView | null): boolean {
  return job.vin === null || vehicle === null || vehicle.vin === null || vehicle.vin === job.vin;
}

function storedWorld(): World {
  try {
    return localStorage.getItem(WORLD_KEY) === 'training' ? 'training' : 'real';
  } catch {
    return 'real'; // site data is blocked
  }
}

function keepWorld(world: World): void {
  try {
    localStorage.setItem(WORLD_KEY, world);
  } catch {
    // Site data is blocked: a reload starts with the real world.
  }
}
