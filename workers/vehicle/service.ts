import { Mutex } from '#base/mutex.ts';
import type { VoltageReading } from '#contract/backup.ts';
import type { DefinitionPack } from '#contract/definition.ts';
import { StackError, toErrorRecord } from '#contract/errors.ts';
import type { ConnectionView, GrantedAdapter, Hello, Started, VehicleApi, World } from '#contract/vehicle-api.ts';
import type { OperationHost } from '#procedures/host.ts';
import { createVehicleMemory } from '#procedures/vehicle-memory.ts';
import {
  parseApprove,
  parseModuleCommand,
  parseOperationCommand,
  parsePlanCoding,
  parsePlanRestore,
  parseSettings,
} from '#rpc/commands.ts';
import { CommandParser } from '#rpc/parse.ts';
import type { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { FileCommands } from './file-commands.ts';
import type { ServiceParts } from './parts.ts';
import { readVoltage, type SignedReading, signedReading } from './voltage-source.ts';
import { openWorld, type WorldState } from './world-state.ts';

/** Every second: sign of life, trace to page and disk, voltage while nothing else runs. */
const TICK_MS = 1000;
const VOLTAGE_EVERY_TICKS = 3;
/** A tick this much late is no busy moment but sleep or a freeze (reference: platform 3). */
const SLEPT_MS = 3000;

/** The vehicle worker without the worker: joins stores, packs, adapter, procedures and events behind `VehicleApi`. */
export class VehicleService implements VehicleApi {
  readonly #parts: ServiceParts;
  readonly #vehicle;
  readonly #connections: Connections;
  readonly #files: FileCommands;
  readonly #ending = new AbortController();
  #packs: readonly DefinitionPack[] = [];
  #state: WorldState | null = null;
  /** What a person read on a meter, until it is too old or the adapter is gone. */
  #signed: SignedReading | null = null;
  readonly #worlds = new Mutex();
  #persistent = false;
  #voltage: Hello['voltage'] = { kind: 'unknown', why: 'no-source' };

  constructor(parts: ServiceParts) {
    this.#parts = parts;
    const { events } = parts;
    this.#vehicle = createVehicleMemory(
      (vehicle) => events.send({ type: 'vehicle', vehicle }),
      (module) => events.send({ type: 'module', module }),
    );
    this.#connections = new Connections(parts, {
      state: () => this.#state,
      openWorld: (world) => this.#world(world),
      otherWorld: () => this.#vehicle.clear(),
      lost: (reason) => this.#lost(reason),
    });
    this.#files = new FileCommands(() => this.#opened, {
      parseBackup: (value, name) => parts.parseBackup(value, name),
      newId: () => parts.newId(),
      storeTrace: () => this.#connections.flushTrace(),
      tellJobs: () => this.#tellJobs(),
    });
    void this.#tick();
  }

  async connectEvents(port: MessagePort): Promise<void> {
    this.#parts.events.connect(port);
  }

  async hello(options: { readonly world: World; readonly storagePersistent: boolean }): Promise<Hello> {
    this.#persistent = options.storagePersistent;
    const state = await this.#world(
      this.#connections.current === null ? options.world : this.#connections.current.simulated ? 'training' : 'real',
    );
    return {
      release: this.#parts.release,
      world: state.world,
      connection: this.#connections.view,
      vehicle: this.#vehicle.view,
      voltage: this.#voltage,
      jobs: await state.host.unfinishedJobs(),
      running: [],
      settings: await state.stores.settings.read(),
      store: state.health,
    };
  }

  async setStoragePersistent(persistent: boolean): Promise<void> {
    this.#persistent = persistent;
    if (this.#state?.health.kind !== 'ok') return;
    this.#state = { ...this.#state, health: { kind: 'ok', persistent } };
    this.#parts.events.send({ type: 'store', health: this.#state.health });
  }

  grantedAdapters(): Promise<readonly GrantedAdapter[]> {
    return this.#connections.granted();
  }

  connectSerial(choice: unknown): Promise<ConnectionView> {
    return this.#connections.connectSerial(choice);
  }

  connectSimulator(port: MessagePort): Promise<ConnectionView> {
    return this.#connections.connectSimulator(port);
  }

  async disconnect(): Promise<void> {
    await this.#connections.disconnect();
    this.#vehicle.clear();
  }

  checkAdapter(command: unknown): Promise<Started> {
    return this.#connections.checkAdapter(command);
  }

  acceptAdapter(command: unknown): Promise<ConnectionView> {
    return this.#connections.acceptAdapter(command);
  }

  async typeVoltage(command: unknown): Promise<VoltageReading> {
    this.#signed = signedReading(command, this.#parts.clock);
    return this.#measureVoltage(null);
  }

  async scan(command: { readonly commandId: string }) {
    const parser = new CommandParser('scan');
    return this.#host.scan({ commandId: parser.text(parser.object(command).commandId, 'commandId') });
  }
  async readModule(command: unknown) {
    return this.#host.readModule(parseModuleCommand('readModule', command));
  }
  async takeBackup(command: unknown) {
    return this.#host.takeBackup(parseModuleCommand('takeBackup', command));
  }
  async planCoding(command: unknown) {
    return this.#host.planCoding(parsePlanCoding(command));
  }
  async planRestore(command: unknown) {
    return this.#host.planRestore(parsePlanRestore(command));
  }
  async planClearFaults(command: unknown) {
    return this.#host.planClearFaults(parseModuleCommand('planClearFaults', command));
  }
  async approve(command: unknown) {
    return this.#host.approve(parseApprove(command));
  }
  async discardPlan(planId: string): Promise<void> {
    this.#host.discardPlan(planId);
  }
  async cancel(operationId: string): Promise<void> {
    this.#host.cancel(operationId);
  }
  async checkJob(command: unknown) {
    return this.#host.checkJob(parseOperationCommand('checkJob', command));
  }
  async planRepair(command: unknown) {
    return this.#host.planRepair(parseOperationCommand('planRepair', command));
  }

  parkJob(command: { readonly operationId: string; readonly name: string }) {
    return this.#files.parkJob(command);
  }
  confirmParked(command: unknown) {
    return this.#files.confirmParked(command);
  }
  exportBackup(backupId: string) {
    return this.#files.exportBackup(backupId);
  }
  importBackup(file: unknown) {
    return this.#files.importBackup(file);
  }
  exportSession(sessionId: string) {
    return this.#files.exportSession(sessionId);
  }
  verifyRecord() {
    return this.#files.verifyRecord();
  }

  settings() {
    return this.#opened.stores.settings.read();
  }

  async saveSettings(settings: unknown) {
    const parsed = parseSettings(settings);
    await this.#opened.stores.settings.write(parsed);
    return parsed;
  }

  async definitionPack(packId: string): Promise<DefinitionPack> {
    const pack = (await this.#loadPacks()).find((known) => known.id === packId);
    if (pack === undefined)
      throw new StackError('definition/no-match', `no definition pack ${packId}`, { moduleId: packId });
    return pack;
  }

  /** Ends everything, for tests and for a page that goes away outside a job: gives the port back (best effort). */
  async end(): Promise<void> {
    this.#ending.abort();
    await this.#connections.drop();
    this.#parts.events.close();
    await this.#state?.close();
  }

  /** @throws StackError `vehicle/not-connected` before the first `hello` or connection */
  get #opened(): WorldState {
    if (this.#state === null) throw new StackError('vehicle/not-connected', 'the stores are not open yet', {});
    return this.#state;
  }

  get #host(): OperationHost {
    return this.#opened.host;
  }

  async #loadPacks(): Promise<readonly DefinitionPack[]> {
    if (this.#packs.length === 0) this.#packs = await this.#parts.loadPacks();
    return this.#packs;
  }

  #world(world: World): Promise<WorldState> {
    return this.#worlds.run(async () => {
      const known = this.#state;
      // A store that could not be opened is tried again: the upgrade of another tab may be over.
      if (known?.world === world && (known.health.kind === 'ok' || known.host.runningOperationId !== null))
        return known;
      await known?.close();
      const { clock, locks, events, release, keyProviders, newId, openStores } = this.#parts;
      const state = await openWorld(world, openStores, this.#persistent, {
        clock,
        locks,
        packs: await this.#loadPacks(),
        toolVersion: release,
        vehicle: this.#vehicle,
        keyProviders,
        link: () => this.#connections.current?.link ?? null,
        newId,
        readVoltage: (besides) => this.#measureVoltage(besides),
        onEvent: (event) => events.send({ type: 'operation', event }),
        onJobsChanged: () => this.#tellJobs(),
      });
      this.#state = state;
      events.send({ type: 'store', health: state.health });
      return state;
    });
  }

  /** What runs ends, values stay on screen and are marked, what was measured or typed is void. */
  #lost(reason: StackError): void {
    this.#state?.host.abandon(reason);
    this.#vehicle.markStale();
    this.#signed = null;
    this.#voltage = { kind: 'unknown', why: 'no-source' };
    this.#parts.events.send({ type: 'voltage', reading: this.#voltage });
  }

  async #measureVoltage(besides: string | null) {
    const reading = await readVoltage(
      {
        clock: this.#parts.clock,
        packs: this.#packs,
        vehicle: this.#vehicle,
        link: this.#connections.current?.link ?? null,
        signed: this.#signed,
        signal: this.#ending.signal,
      },
      besides,
    );
    this.#voltage = reading;
    this.#parts.events.send({ type: 'voltage', reading });
    return reading;
  }

  async #tellJobs(): Promise<void> {
    if (this.#state === null) return;
    try {
      this.#parts.events.send({ type: 'jobs', jobs: await this.#state.host.unfinishedJobs() });
    } catch (error) {
      // The journal cannot be read: that is the store's news, and the operation's own end must still be told.
      this.#parts.events.send({ type: 'store', health: { kind: 'read-only', error: toErrorRecord(error) } });
    }
  }

  async #tick(): Promise<void> {
    const { clock } = this.#parts;
    for (let n = 0; !this.#ending.signal.aborted; n++) {
      const before = { wallMs: clock.wallMs(), ms: clock.now() };
      try {
        await clock.sleep(TICK_MS, { signal: this.#ending.signal });
        const gapMs = Math.max(clock.wallMs() - before.wallMs, clock.now() - before.ms) - TICK_MS;
        if (gapMs > SLEPT_MS) this.#awake(gapMs);
        await this.#everySecond(n);
      } catch (error) {
        if (this.#ending.signal.aborted) return;
        // A tick is information only; its failure shows where it happened (adapter lost, store) and must not end the ticking.
        this.#connections.current?.trace.comment(`tick: ${toErrorRecord(error).code}`);
      }
    }
  }

  async #everySecond(n: number): Promise<void> {
    const connection = this.#connections.current;
    const lastAnswerAgoMs =
      connection === null ? null : Math.round(this.#parts.clock.now() - this.#lastAnswer(connection));
    this.#parts.events.send({ type: 'alive', lastAnswerAgoMs });
    if (connection === null) return;
    this.#connections.refresh();
    await this.#connections.flushTrace();
    const isIdle = this.#state?.host.runningOperationId === null && this.#vehicle.view?.scannedAtWallMs;
    if (isIdle && n % VOLTAGE_EVERY_TICKS === 0) await this.#measureVoltage(null);
  }

  /**
   * The computer slept or the worker was frozen (faults B02, B03): sessions have run out and the car may have changed. Values
   * are marked; a running job goes on only over its own checks (session, identity and old bytes are read again before a write).
   */
  #awake(gapMs: number): void {
    this.#connections.current?.trace.comment(`nothing ran for ${Math.round(gapMs / 1000)} s: sleep or freeze`);
    if (this.#state?.host.runningOperationId === null) this.#vehicle.markStale();
  }

  #lastAnswer(connection: Connection): number {
    return connection.link.lastAnswerMs() ?? this.#parts.clock.now();
  }
}
