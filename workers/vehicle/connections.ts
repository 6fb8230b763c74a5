import type { Adapter } from '#contract/adapter.ts';
import { isStackError, StackError } from '#contract/errors.ts';
import type { CloseReason } from '#contract/transport.ts';
import type { ConnectionView, GrantedAdapter, SerialChoice, Started, World } from '#contract/vehicle-api.ts';
import type { AdapterBench } from '#procedures/adapter-check/bench.ts';
import { isAcceptable } from '#procedures/adapter-check/verdict.ts';
import { parseCheckAdapter, parseName, parseSerialChoice } from '#rpc/commands.ts';
import { type Connection, closeConnection, DEFAULT_BIT_RATE, openConnection } from './connection.ts';
import type { ServiceParts } from './parts.ts';
import { type OpenAdapter, openFirst, type PortToOpen } from './serial-choice.ts';

import { AdapterStanding } from './standing.ts';
import type { WorldState } from './world-state.ts';

/** What the service lends to its connections. */
export interface ConnectionHome {
  /** The world that is open now; null before the first. */
  state(): WorldState | null;
  openWorld(world: World): Promise<WorldState>;
  /** Another car may be there now: what is known of the last one goes. */
  otherWorld(): void;
  /** The adapter went away by itself. */
  lost(reason: StackError): void;
}

/** How a connection comes about, for the part that all have in common. */
interface Way {
  readonly world: World;
  readonly wireless: boolean;
  readonly bitRate: Required<SerialChoice>['bitRate'];
  /** The browser opened it by itself, nobody picked it from its list. */
  readonly byItself: boolean;
  open(recognise: (transport: OpenAdapter['transport']) => Promise<Adapter>): Promise<{
    readonly opened: OpenAdapter;
    readonly usb: Connection['usb'];
    readonly releaseLock: Connection['releaseLock'];
  }>;
}

/**
 * The one open adapter: how it is opened and given back, what it may do, and what the page sees of it. Connecting,
 * disconnecting and deciding take turns.
 */
export class Connections {
  readonly #parts: ServiceParts;
  readonly #home: ConnectionHome;
  #current: Connection | null = null;
  #view: ConnectionView = { kind: 'none' };
  /** The adapter that went away last: when it is back without the browser's list, the browser still knows it. */
  #lostKey: string | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: ServiceParts, home: ConnectionHome) {
    this.#parts = parts;
    this.#home = home;
  }

  get current(): Connection | null {
    return this.#current;
  }

  get view(): ConnectionView {
    return this.#view;
  }

  async granted(): Promise<readonly GrantedAdapter[]> {
    const known = (await this.#home.state()?.stores.adapters.known()) ?? [];
    return (await this.#parts.grantedAdapters()).map((granted) => ({
      ...granted,
      known: known.filter(
        ({ usb }) => usb?.vendorId === granted.usb?.vendorId && usb?.productId === granted.usb?.productId,
      ),
    }));
  }

  async connectSerial(choice: unknown): Promise<ConnectionView> {
    const { usb, wireless = false, bitRate = DEFAULT_BIT_RATE, adapter = null, chosen } = parseSerialChoice(choice);
    return this.#connect({
      world: 'real',
      wireless,
      bitRate,
      byItself: chosen === false,
      open: async (recognise) => {
        const releaseLock = await this.#parts.locks.hold('adapter');
        if (releaseLock === null)
          throw new StackError('adapter/in-use', 'another tab of this app uses the adapter', { by: 'other-tab' });
        try {
          const opened = await openFirst(await this.#parts.grantedPorts(usb), adapter, recognise);
          return { opened, usb: opened.transport.usb ?? usb, releaseLock };
        } catch (error) {
          await releaseLock();
          throw error;
        }
      },
    });
  }

  connectSimulator(port: MessagePort): Promise<ConnectionView> {
    const only: PortToOpen = { usb: null, open: () => this.#parts.openSimulated(port) };
    return this.#connect({
      world: 'training',
      wireless: false,
      bitRate: DEFAULT_BIT_RATE,
      byItself: false,
      open: async (recognise) => {
        const opened = await openFirst([only], null, recognise);
        return { opened, usb: opened.transport.usb ?? null, releaseLock: null };
      },
    });
  }

  disconnect(): Promise<void> {
    return this.#alone(async () => {
      this.#assertIdle();
      await this.drop();
      this.#show({ kind: 'none' });
    });
  }

  async checkAdapter(command: unknown): Promise<Started> {
    const parsed = parseCheckAdapter(command);
    const connection = this.#open();
    return this.#state().host.checkAdapter(parsed, this.#benchOf(connection));
  }

  /** First the record, then what it allows (I11). */
  async acceptAdapter(command: unknown): Promise<ConnectionView> {
    const name = parseName('acceptAdapter', command);
    return this.#alone(async () => {
      const connection = this.#open();
      const { standing, adapter } = connection;
      if (!isAcceptable(standing.verdict)) {
        const { code } = standing.verdict;
        const reason = code.may ? 'no consent is needed' : code.reason;
        throw new StackError('adapter/may-not', `nobody can let this adapter change options: ${reason}`, {
          job: 'code',
          reason,
        });
      }
      const { stores } = this.#state();
      const consent = { key: standing.key, job: 'code', name, givenAtWallMs: this.#parts.clock.wallMs() } as const;
      await this.#note('adapter-accepted', `${name}: ${adapter.info.product} (${standing.key})`);
      await stores.adapters.giveConsent(consent);
      standing.accepted(consent);
      return this.#show(this.#viewOf(connection));
    });
  }

  /** Gives the adapter back, whatever is under way. */
  async drop(): Promise<void> {
    const connection = this.#current;
    this.#current = null;
    if (connection === null) return;
    await this.flushTrace(connection);
    await closeConnection(connection);
  }

  /** Tells the page whether the bus is alive and ours alone, when that changed. */
  refresh(): void {
    const connection = this.#current;
    if (connection === null || this.#view.kind !== 'open') return;
    const view = this.#viewOf(connection);
    if (view.traffic !== this.#view.traffic || view.foreignTester !== this.#view.foreignTester) this.#show(view);
  }

  async flushTrace(connection: Connection | null = this.#current): Promise<void> {
    const text = connection?.trace.take() ?? '';
    if (connection === null || text === '') return;
    this.#parts.events.send({ type: 'trace', text });
    await this.#home.state()?.stores.traces.append(connection.sessionId, text);
  }

  #connect(way: Way): Promise<ConnectionView> {
    return this.#alone(async () => {
      const simulated = way.world === 'training';
      this.#assertIdle();
      await this.drop();
      if (this.#home.state() !== null && this.#home.state()?.world !== way.world) this.#home.otherWorld();
      const state = await this.#home.openWorld(way.world);
      this.#show({ kind: 'opening', simulated, step: 'port' });
      let opened: OpenAdapter | null = null;
      let releaseLock: Connection['releaseLock'] = null;
      try {
        const found = await way.open((transport) => {
          this.#show({ kind: 'opening', simulated, step: 'recognise' });
          return this.#parts.recognise(transport, way.wireless);
        });
        ({ opened, releaseLock } = found);
        this.#show({ kind: 'opening', simulated, step: 'bus' });
        const { adapter } = opened;
        const connection = await openConnection(adapter, {
          clock: this.#parts.clock,
          release: this.#parts.release,
          standing: await this.#standingOf(adapter, found.usb, state),
          usb: found.usb,
          simulated,
          verifier: state.host.verifier,
          memory: state.stores.security,
          packs: state.packs,
          bitRate: way.bitRate,
          sessionId: this.#parts.newId(),
          releaseLock,
          preciseWait: this.#parts.preciseWait,
        });
        this.#current = connection;
        void adapter.closed.then((reason) => this.#lost(connection, reason));
        await this.#note('connected', `${connection.sessionId} ${adapter.info.product}`);
        await this.#remember(connection, way);
        return this.#show(this.#viewOf(connection));
      } catch (error) {
        await opened?.transport.close();
        await releaseLock?.();
        this.#show({ kind: 'none' });
        throw error;
      }
    });
  }

  /** What cannot be read was never measured: the car can be read all the same. */
  async #standingOf(adapter: Adapter, usb: Connection['usb'], { stores }: WorldState): Promise<AdapterStanding> {
    const today = () => ({ wallMs: this.#parts.clock.wallMs(), toolVersion: this.#parts.release });
    try {
      return await AdapterStanding.read(adapter.info, usb, stores.adapters, today);
    } catch (error) {
      if (!isStackError(error)) throw error;
      return AdapterStanding.unknown(adapter.info, usb, today);
    }
  }

  /** For the next start: which of several alike it was, and whether the browser found it again by itself after it was pulled. */
  async #remember(connection: Connection, way: Way): Promise<void> {
    const { standing, usb, adapter } = connection;
    const isBack = way.byItself && this.#lostKey === standing.key;
    if (isBack) standing.foundAgain();
    this.#lostKey = null;
    if (connection.simulated) return;
    await this.#state()
      .stores.adapters.remember({
        key: standing.key,
        driver: adapter.info.driver,
        product: adapter.info.product,
        serialNumber: adapter.info.serialNumber,
        usb,
        wireless: adapter.info.wireless,
        bitRate: way.bitRate,
        lastOpenedWallMs: this.#parts.clock.wallMs(),
        survivesReplug: standing.survivesReplug,
      })
      .catch((error: unknown) => connection.trace.comment(`not remembered: ${String(error)}`)); // it only saves a click
  }

  /** The adapter went away by itself: the way back is shown, and who it was. */
  async #lost(connection: Connection, reason: CloseReason): Promise<void> {
    if (this.#current !== connection) return;
    this.#current = null;
    this.#lostKey = connection.standing.key;
    connection.trace.comment(`adapter ${reason.kind}`);
    this.#home.lost(
      new StackError('transport/lost', 'the adapter is gone', {
        reason: reason.kind === 'closed' ? 'closed' : reason.detail,
      }),
    );
    const { simulated, usb, standing } = connection;
    this.#show({ kind: 'lost', simulated, reason, usb, adapter: standing.key });
    await this.flushTrace(connection);
    await closeConnection(connection);
  }

  #benchOf(connection: Connection): AdapterBench {
    const { standing, adapter, usb, bus, link } = connection;
    return {
      key: standing.key,
      info: adapter.info,
      usb,
      survivesReplug: standing.survivesReplug,
      sendsOurFrames: bus.kind === 'can',
      ...(adapter.roundTrips ? { roundTrips: adapter.roundTrips } : {}),
      requestsSent: (moduleId) => link.requestsSent(moduleId),
      checked: async (report) => {
        standing.checked(report);
        if (this.#current === connection) this.#show(this.#viewOf(connection));
      },
    };
  }

  #viewOf(connection: Connection): Extract<ConnectionView, { kind: 'open' }> {
    const { standing, adapter, bus, usb, simulated, sessionId } = connection;
    return {
      kind: 'open',
      simulated,
      adapter: { ...adapter.info, verdict: standing.verdict },
      check: standing.check,
      consent: standing.consent,
      usb,
      bitRate: bus.link.config.bitRate,
      traffic: bus.link.counters.received > 0,
      foreignTester: connection.link.foreignTester(),
      sessionId,
    };
  }

  #show<View extends ConnectionView>(view: View): View {
    this.#view = view;
    this.#parts.events.send({ type: 'connection', connection: view });
    return view;
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** @throws StackError `vehicle/not-connected` */
  #open(): Connection {
    if (this.#current === null) throw new StackError('vehicle/not-connected', 'no adapter is connected', {});
    return this.#current;
  }

  #state(): WorldState {
    const state = this.#home.state();
    if (state === null) throw new StackError('vehicle/not-connected', 'the stores are not open yet', {});
    return state;
  }

  #assertIdle(): void {
    const operationId = this.#home.state()?.host.runningOperationId ?? null;
    if (operationId !== null) throw new StackError('operation/busy', 'an operation is running', { operationId });
  }

  async #note(what: 'connected' | 'adapter-accepted', detail: string): Promise<void> {
    const { stores } = this.#state();
    await stores.journal.append({
      operationId: this.#parts.newId(),
      simulated: stores.simulated,
      body: { type: 'note', what, detail },
    });
  }
}
