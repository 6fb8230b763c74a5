import type { Clock } from '#base/clock.ts';
import { Mutex } from '#base/mutex.ts';
import type { Adapter } from '#contract/adapter.ts';
import type { Backup, VoltageReading } from '#contract/backup.ts';
import type { DefinitionPack } from '#contract/definition.ts';
import type { KeyProvider } from '#contract/diagnostics.ts';
import { StackError, toErrorRecord } from '#contract/errors.ts';
import { findChainBreak } from '#contract/journal.ts';
import type { CloseReason, MessagePortLike, SerialTransport, UsbIdentity } from '#contract/transport.ts';
import type {
  ConnectionView,
  GrantedAdapter,
  Hello,
  SerialChoice,
  Started,
  VehicleApi,
  World,
} from '#contract/vehicle-api.ts';
import type { PreciseWait } from '#link/isotp/index.ts';
import { exportBackup, exportRecord, importBackup } from '#procedures/backup/file.ts';
import type { Locks } from '#procedures/context.ts';
import type { OperationHost } from '#procedures/host.ts';
import type { Stores } from '#procedures/ports.ts';
import { createVehicleMemory } from '#procedures/vehicle-memory.ts';
import {
  parseApprove,
  parseModuleCommand,
  parseOperationCommand,
  parsePlanCoding,
  parsePlanRestore,
  parseSerialChoice,
  parseSettings,
} from '#rpc/commands.ts';
import type { EventSender } from '#rpc/events.ts';
import { CommandParser } from '#rpc/parse.ts';
import { type Connection, closeConnection, DEFAULT_BIT_RATE, openConnection } from './connection.ts';
import { readVoltage, type SignedReading, signedReading } from './voltage-source.ts';
import { openWorld, type WorldState } from './world-state.ts';

/** What the composition root brings: everything that differs between a browser worker and a test. */
export interface ServiceParts {
  readonly clock: Clock;
  readonly locks: Locks & { hold(name: 'adapter'): Promise<(() => Promise<void>) | null> };
  readonly events: EventSender;
  readonly release: string;
  readonly preciseWait?: PreciseWait;
  readonly keyProviders: ReadonlyMap<string, KeyProvider>;
  openStores(world: World): Promise<Stores & { close(): Promise<void> }>;
  loadPacks(): Promise<readonly DefinitionPack[]>;
  parseBackup(value: unknown, name: string): Backup;
  grantedAdapters(): Promise<readonly Omit<GrantedAdapter, 'known'>[]>;
  openSerial(usb: UsbIdentity | null, wireless: boolean): Promise<SerialTransport>;
  openSimulated(port: MessagePortLike): Promise<SerialTransport>;
  recognise(transport: SerialTransport, wireless: boolean): Promise<Adapter>;
  newId(): string;
}

/** Every second: sign of life, trace to page and disk, voltage while nothing else runs. */
const TICK_MS = 1000;
const VOLTAGE_EVERY_TICKS = 3;
/** A tick this much late is no busy moment but sleep or a freeze (reference: platform 3). */
const SLEPT_MS = 3000;

type BusChoice = Required<Pick<SerialChoice, 'usb' | 'wireless' | 'bitRate'>>;

/** The virtual car: nothing to choose. */
const PLAIN_CHOICE: BusChoice = { usb: null, wireless: false, bitRate: DEFAULT_BIT_RATE };

/** The vehicle worker without the worker: joins stores, packs, adapter, procedures and events behind `VehicleApi`. */
export class VehicleService implements VehicleApi {
  readonly #parts: ServiceParts;
  readonly #vehicle;
  readonly #ending = new AbortController();
  #packs: readonly DefinitionPack[] = [];
  #state: WorldState | null = null;
  #connection: Connection | null = null;
  #view: ConnectionView = { kind: 'none' };
  /** What a person read on a meter, until it is too old or the adapter is gone. */
  #signed: SignedReading | null = null;
  readonly #worlds = new Mutex();
  #persistent = false;
  #voltage: Hello['voltage'] = { kind: 'unknown', why: 'no-source' };
  #opening: Promise<unknown> = Promise.resolve();

  constructor(parts: ServiceParts) {
    this.#parts = parts;
    const { events } = parts;
    this.#vehicle = createVehicleMemory(
      (vehicle) => events.send({ type: 'vehicle', vehicle }),
      (module) => events.send({ type: 'module', module }),
    );
    void this.#tick();
  }

  async connectEvents(port: MessagePort): Promise<void> {
    this.#parts.events.connect(port);
  }

  async hello(options: { readonly world: World; readonly storagePersistent: boolean }): Promise<Hello> {
    this.#persistent = options.storagePersistent;
    const state = await this.#world(
      this.#connection === null ? options.world : this.#connection.simulated ? 'training' : 'real',
    );
    return {
      release: this.#parts.release,
      world: state.world,
      connection: this.#view,
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

  async grantedAdapters(): Promise<readonly GrantedAdapter[]> {
    const known = (await this.#state?.stores.adapters.known()) ?? [];
    return (await this.#parts.grantedAdapters()).map((granted) => ({
      ...granted,
      known: known.filter(
        ({ usb }) => usb?.vendorId === granted.usb?.vendorId && usb?.productId === granted.usb?.productId,
      ),
    }));
  }

  connectSerial(choice: SerialChoice): Promise<ConnectionView> {
    const { usb, wireless = false, bitRate = DEFAULT_BIT_RATE } = parseSerialChoice(choice);
    return this.#alone(() =>
      this.#connect('real', { usb, wireless, bitRate }, async () => {
        const releaseLock = await this.#parts.locks.hold('adapter');
        if (releaseLock === null)
          throw new StackError('adapter/in-use', 'another tab of this app uses the adapter', { by: 'other-tab' });
        try {
          return { transport: await this.#parts.openSerial(usb, wireless), releaseLock };
        } catch (error) {
          await releaseLock();
          throw error;
        }
      }),
    );
  }

  connectSimulator(port: MessagePort): Promise<ConnectionView> {
    return this.#alone(() =>
      this.#connect('training', PLAIN_CHOICE, async () => ({
        transport: await this.#parts.openSimulated(port),
        releaseLock: null,
      })),
    );
  }

  disconnect(): Promise<void> {
    return this.#alone(async () => {
      if (this.#host.runningOperationId !== null)
        throw new StackError('operation/busy', 'an operation is running', {
          operationId: this.#host.runningOperationId,
        });
      await this.#drop();
      this.#show({ kind: 'none' });
      this.#vehicle.clear();
    });
  }

  checkAdapter(): Promise<Started> {
    return Promise.reject(
      new StackError('adapter/unsupported', 'this build has no adapter check', { ability: 'check-adapter' }),
    );
  }

  acceptAdapter(): Promise<ConnectionView> {
    return Promise.reject(
      new StackError('adapter/may-not', 'only an adapter that passed its check can be accepted', {
        job: 'code',
        reason: 'untested',
      }),
    );
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

  async parkJob(command: { readonly operationId: string; readonly name: string }) {
    const records = await this.#stores.journal.recordsOf(command.operationId);
    const job = (await this.#host.unfinishedJobs()).find((open) => open.operationId === command.operationId);
    if (job === undefined || job.next.kind === 'wait')
      throw new StackError('operation/unknown', 'this job cannot be parked now', { operationId: command.operationId });
    const backup = job.backupId === null ? null : await this.#stores.backups.get(job.backupId);
    return exportRecord(`parked-${job.vin ?? 'no-vin'}-${job.operationId}`, {
      format: 'codebay-parked-job',
      version: 1,
      job,
      records,
      backup,
    });
  }

  async confirmParked(command: {
    readonly operationId: string;
    readonly name: string;
    readonly fileSha256: string;
  }): Promise<void> {
    const parser = new CommandParser('confirmParked');
    const { operationId, name, fileSha256 } = parser.object(command);
    const id = parser.text(operationId, 'operationId');
    const file = await this.parkJob({ operationId: id, name: parser.text(name, 'name', 80) });
    if (file.sha256 !== fileSha256)
      throw new StackError('operation/unknown', 'the job changed since its file was made', { operationId: id });
    await this.#stores.journal.append({
      operationId: id,
      simulated: this.#stores.simulated,
      body: { type: 'job-parked', name: parser.text(name, 'name', 80), fileSha256: file.sha256 },
    });
    await this.#tellJobs();
  }

  async exportBackup(backupId: string) {
    const backup = await this.#stores.backups.get(backupId);
    if (backup === null) throw new StackError('backup/missing', `no backup ${backupId} here`, { what: backupId });
    await this.#note('exported', backup.id);
    return exportBackup(backup);
  }

  async importBackup(file: { readonly name: string; readonly text: string }) {
    const parser = new CommandParser('importBackup');
    const { name, text } = parser.object(file);
    if (typeof text !== 'string') return parser.fail('text is no text');
    const backup = importBackup(
      { name: parser.text(name, 'name'), text },
      this.#stores.simulated,
      this.#parts.parseBackup,
    );
    const known = (await this.#stores.backups.addImported(backup)) === 'known';
    if (!known) await this.#note('imported', backup.id);
    return { backup, known };
  }

  async exportSession(sessionId: string) {
    await this.#storeTrace();
    const text = await this.#stores.traces.read(sessionId);
    const { sha256 } = exportRecord(sessionId, text);
    return { name: `session-${sessionId}.trace.txt`, mime: 'text/plain', text, sha256 };
  }

  async verifyRecord() {
    const records = await this.#stores.journal.records(0, Number.MAX_SAFE_INTEGER);
    return { records: records.length, broken: findChainBreak(records) };
  }

  settings() {
    return this.#stores.settings.read();
  }

  async saveSettings(settings: unknown) {
    const parsed = parseSettings(settings);
    await this.#stores.settings.write(parsed);
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
    await this.#drop();
    this.#parts.events.close();
    await this.#state?.close();
  }

  get #host(): OperationHost {
    if (this.#state === null) throw new StackError('vehicle/not-connected', 'the stores are not open yet', {});
    return this.#state.host;
  }

  get #stores(): Stores {
    if (this.#state === null) throw new StackError('vehicle/not-connected', 'the stores are not open yet', {});
    return this.#state.stores;
  }

  /** Connecting, disconnecting and changing the world take turns. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#opening.then(work);
    this.#opening = result.catch(() => undefined);
    return result;
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
        link: () => this.#connection?.link ?? null,
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

  async #connect(
    world: World,
    { usb, wireless, bitRate }: BusChoice,
    open: () => Promise<{ transport: SerialTransport; releaseLock: Connection['releaseLock'] }>,
  ): Promise<ConnectionView> {
    const simulated = world === 'training';
    if (this.#state !== null && this.#host.runningOperationId !== null)
      throw new StackError('operation/busy', 'an operation is running', { operationId: this.#host.runningOperationId });
    await this.#drop();
    if (this.#state !== null && this.#state.world !== world) this.#vehicle.clear();
    const state = await this.#world(world);
    this.#show({ kind: 'opening', simulated, step: 'port' });
    let transport: SerialTransport | null = null;
    let releaseLock: Connection['releaseLock'] = null;
    try {
      ({ transport, releaseLock } = await open());
      this.#show({ kind: 'opening', simulated, step: 'recognise' });
      const adapter = await this.#parts.recognise(transport, wireless);
      this.#show({ kind: 'opening', simulated, step: 'bus' });
      const connection = await openConnection(adapter, {
        clock: this.#parts.clock,
        release: this.#parts.release,
        transport,
        usb,
        simulated,
        verifier: state.host.verifier,
        memory: state.stores.security,
        packs: this.#packs,
        bitRate,
        sessionId: this.#parts.newId(),
        releaseLock,
        preciseWait: this.#parts.preciseWait,
      });
      this.#connection = connection;
      void adapter.closed.then((reason) => this.#lost(connection, reason));
      await this.#note('connected', `${connection.sessionId} ${adapter.info.product}`);
      return this.#show({
        kind: 'open',
        simulated,
        adapter: adapter.info,
        usb: connection.usb,
        bitRate: connection.bus.link.config.bitRate,
        check: null,
        consent: null,
        traffic: connection.bus.link.counters.received > 0,
        sessionId: connection.sessionId,
      });
    } catch (error) {
      await transport?.close();
      await releaseLock?.();
      this.#show({ kind: 'none' });
      throw error;
    }
  }

  /** The adapter went away by itself: what runs ends, values stay on screen and are marked, the way back is shown. */
  async #lost(connection: Connection, reason: CloseReason): Promise<void> {
    if (this.#connection !== connection) return;
    this.#connection = null;
    connection.trace.comment(`adapter ${reason.kind}`);
    this.#state?.host.abandon(
      new StackError('transport/lost', 'the adapter is gone', {
        reason: reason.kind === 'closed' ? 'closed' : reason.detail,
      }),
    );
    this.#vehicle.markStale();
    this.#signed = null;
    this.#voltage = { kind: 'unknown', why: 'no-source' };
    this.#parts.events.send({ type: 'voltage', reading: this.#voltage });
    this.#show({ kind: 'lost', simulated: connection.simulated, reason, usb: connection.usb });
    await this.#flushTrace(connection);
    await closeConnection(connection);
  }

  async #drop(): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    if (connection === null) return;
    await this.#flushTrace(connection);
    await closeConnection(connection);
  }

  #show(view: ConnectionView): ConnectionView {
    this.#view = view;
    this.#parts.events.send({ type: 'connection', connection: view });
    return view;
  }

  async #measureVoltage(besides: string | null) {
    const reading = await readVoltage(
      {
        clock: this.#parts.clock,
        packs: this.#packs,
        vehicle: this.#vehicle,
        link: this.#connection?.link ?? null,
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

  async #note(what: 'connected' | 'imported' | 'exported', detail: string): Promise<void> {
    await this.#stores.journal.append({
      operationId: this.#parts.newId(),
      simulated: this.#stores.simulated,
      body: { type: 'note', what, detail },
    });
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
        this.#connection?.trace.comment(`tick: ${toErrorRecord(error).code}`);
      }
    }
  }

  async #everySecond(n: number): Promise<void> {
    const connection = this.#connection;
    const lastAnswerAgoMs =
      connection === null ? null : Math.round(this.#parts.clock.now() - this.#lastAnswer(connection));
    this.#parts.events.send({ type: 'alive', lastAnswerAgoMs });
    if (connection === null) return;
    const traffic = connection.bus.link.counters.received > 0;
    if (this.#view.kind === 'open' && this.#view.traffic !== traffic) this.#show({ ...this.#view, traffic });
    await this.#flushTrace(connection);
    const isIdle = this.#state?.host.runningOperationId === null && this.#vehicle.view?.scannedAtWallMs;
    if (isIdle && n % VOLTAGE_EVERY_TICKS === 0) await this.#measureVoltage(null);
  }

  /**
   * The computer slept or the worker was frozen (faults B02, B03): sessions have run out and the car may have changed. Values
   * are marked; a running job goes on only over its own checks (session, identity and old bytes are read again before a write).
   */
  #awake(gapMs: number): void {
    this.#connection?.trace.comment(`nothing ran for ${Math.round(gapMs / 1000)} s: sleep or freeze`);
    if (this.#state?.host.runningOperationId === null) this.#vehicle.markStale();
  }

  #lastAnswer(connection: Connection): number {
    return connection.link.lastAnswerMs() ?? this.#parts.clock.now();
  }

  async #flushTrace(connection: Connection): Promise<void> {
    const text = connection.trace.take();
    if (text === '') return;
    this.#parts.events.send({ type: 'trace', text });
    await this.#state?.stores.traces.append(connection.sessionId, text);
  }

  async #storeTrace(): Promise<void> {
    if (this.#connection !== null) await this.#flushTrace(this.#connection);
  }
}
