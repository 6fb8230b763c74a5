import type { Clock } from '#base/clock.ts';
import type { Adapter, AdapterJob, AdapterVerdict, CanLink, IsoTpBus } from '#contract/adapter.ts';
import type { FunctionalAddress } from '#contract/definition.ts';
import {
  DEFAULT_DIAG_TIMING,
  type DiagClient,
  type FunctionalClient,
  type SecurityMemory,
} from '#contract/diagnostics.ts';
import { StackError } from '#contract/errors.ts';
import {
  DEFAULT_ISOTP_OPTIONS,
  type DiagChannel,
  type IsoTpAddress,
  type IsoTpOptions,
  type ModuleId,
  moduleIdOf,
} from '#contract/isotp.ts';
import type { PermitVerifier } from '#contract/permit.ts';
import type { TraceSink } from '#contract/trace.ts';
import { openDiagClient, openFunctionalClient } from '#diagnostics/index.ts';
import { openIsoTpChannel, type PreciseWait } from '#link/isotp/index.ts';
import type { ClientOptions, VehicleLink } from '#procedures/context.ts';

/** One request of somebody else's may be leftover traffic; it counts for this long. */
const FOREIGN_TESTER_MS = 60_000;

/** How messages reach the car: raw frames that we segment, or an adapter that does. */
export type Bus =
  | { readonly kind: 'can'; readonly link: CanLink }
  | { readonly kind: 'isotp'; readonly link: IsoTpBus };

export interface VehicleLinkParts {
  readonly clock: Clock;
  readonly adapter: Adapter;
  readonly bus: Bus;
  readonly simulated: boolean;
  readonly verifier: PermitVerifier;
  readonly memory: SecurityMemory;
  readonly trace: TraceSink;
  readonly preciseWait?: PreciseWait;
  /** What the adapter may do, as its newest check says; asked anew each time. */
  verdict(job: AdapterJob): AdapterVerdict;
  /** Is this the id of a request, to a module or to all? */
  isRequestId(id: number, extended: boolean): boolean;
  /** Who answers with an id: from the address tables of the packs. */
  physicalOf(responseId: number): IsoTpAddress | null;
}

/** The car in reach, and what only the one who opened it may do. */
export interface OpenVehicleLink extends VehicleLink {
  /** Monotonic time of the last answer of any module; null before the first. */
  lastAnswerMs(): number | null;
  /** Requests that left for a module since the bus was opened, repeats counted. */
  requestsSent(moduleId: ModuleId): number;
  close(): Promise<void>;
}

/** Joins an open CAN bus, ISO-TP channels and diag clients: one client per module, all through the same permit verifier. */
export function createVehicleLink(parts: VehicleLinkParts): OpenVehicleLink {
  const { clock, bus, adapter, trace, verifier } = parts;
  const clients = new Map<ModuleId, DiagClient>();
  const latencyMs = Math.ceil(adapter.info.roundTripMs?.p99 ?? 20);
  const sent = new Map<ModuleId, number>();
  const counted: TraceSink = {
    record(line) {
      if (line.kind === 'pdu' && line.direction === 'tx') sent.set(line.moduleId, (sent.get(line.moduleId) ?? 0) + 1);
      trace.record(line);
    },
  };
  let closed = false;
  void bus.link.closed.then(() => {
    closed = true;
  });

  const assertOpen = () => {
    if (closed) throw new StackError('vehicle/not-connected', 'the adapter is gone', {});
  };

  const openChannel = (address: IsoTpAddress, options: IsoTpOptions): DiagChannel =>
    bus.kind === 'isotp'
      ? bus.link.openChannel(address, options)
      : openIsoTpChannel(bus.link, address, options, clock, {
          latencyMs,
          ...(options.functional === true
            ? { physicalOf: (id) => parts.physicalOf(id) }
            : parts.preciseWait
              ? { preciseWait: parts.preciseWait }
              : {}),
        });

  let foreignRequestMs = Number.NEGATIVE_INFINITY;
  if (bus.kind === 'can')
    bus.link.onFrame(({ id, extended }) => {
      // What we send never comes back as received: a request on the bus is somebody else's.
      if (parts.isRequestId(id, extended)) foreignRequestMs = clock.now();
    });

  const release = async (moduleId: ModuleId): Promise<void> => {
    const client = clients.get(moduleId);
    clients.delete(moduleId);
    await client?.close();
  };

  return {
    simulated: parts.simulated,
    async client(address: IsoTpAddress, options: ClientOptions = {}): Promise<DiagClient> {
      assertOpen();
      const moduleId = moduleIdOf(address);
      const known = clients.get(moduleId);
      if (known) return known;
      const channel = openChannel(address, {
        ...DEFAULT_ISOTP_OPTIONS,
        ...(options.padding === undefined ? {} : { padding: options.padding }),
      });
      const client = openDiagClient({
        channel,
        clock,
        timing: { ...DEFAULT_DIAG_TIMING, ...options.timing },
        verifier,
        trace: counted,
      });
      clients.set(moduleId, client);
      void client.closed.then(() => {
        if (clients.get(moduleId) === client) clients.delete(moduleId);
      });
      return client;
    },
    async functional(address: FunctionalAddress): Promise<FunctionalClient> {
      assertOpen();
      const [requestId, from, to] = [address.requestId, address.responseFrom, address.responseTo].map((text) =>
        Number.parseInt(text, 16),
      );
      if (requestId === undefined || from === undefined || to === undefined)
        throw new RangeError('a functional address has three ids');
      const channel = openChannel(
        { format: 'normal', requestId, responseId: from, extendedId: address.extendedId },
        { ...DEFAULT_ISOTP_OPTIONS, functional: true, responseRange: { from, to } },
      );
      return openFunctionalClient({ channel, clock, trace });
    },
    release,
    lastAnswerMs: () =>
      [...clients.values()].reduce<number | null>(
        (latest, { lastAnswerMs }) => (lastAnswerMs === null ? latest : Math.max(latest ?? 0, lastAnswerMs)),
        null,
      ),
    requestsSent: (moduleId) => sent.get(moduleId) ?? 0,
    framesSeen: () => bus.link.counters.received,
    foreignTester: () => clock.now() - foreignRequestMs < FOREIGN_TESTER_MS,
    verdict: (job) => parts.verdict(job),
    supply: adapter.supply ?? null,
    async close() {
      closed = true;
      await Promise.all([...clients.keys()].map(release));
      await bus.link.close();
    },
  };
}
