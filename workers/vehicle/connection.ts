import type { Clock } from '#base/clock.ts';
import type { Adapter, CanConfig } from '#contract/adapter.ts';
import type { DefinitionPack } from '#contract/definition.ts';
import type { SecurityMemory } from '#contract/diagnostics.ts';
import { StackError } from '#contract/errors.ts';
import type { IsoTpAddress } from '#contract/isotp.ts';
import type { PermitVerifier } from '#contract/permit.ts';
import type { UsbIdentity } from '#contract/transport.ts';
import { toIsoTpAddress } from '#definitions/index.ts';
import type { PreciseWait } from '#link/isotp/index.ts';
import { type Bus, createVehicleLink, type OpenVehicleLink } from './link.ts';
import type { AdapterStanding } from './standing.ts';
import { TraceRecorder } from './trace-recorder.ts';

/** Every car with a diagnostic CAN on pins 6 and 14 of today (reference: diagnostics B.4), where a person says nothing else. */
export const DEFAULT_BIT_RATE: CanConfig['bitRate'] = 500_000;

/** An adapter with an open bus, and all that lives and dies with it. */
export interface Connection {
  readonly adapter: Adapter;
  readonly bus: Bus;
  readonly link: OpenVehicleLink;
  /** What it may do, and why. */
  readonly standing: AdapterStanding;
  readonly usb: UsbIdentity | null;
  readonly simulated: boolean;
  readonly trace: TraceRecorder;
  /** Names the trace of this connection. */
  readonly sessionId: string;
  readonly releaseLock: (() => Promise<void>) | null;
}

export interface ConnectionParts {
  readonly clock: Clock;
  readonly release: string;
  readonly standing: AdapterStanding;
  readonly usb: UsbIdentity | null;
  readonly simulated: boolean;
  readonly verifier: PermitVerifier;
  readonly memory: SecurityMemory;
  readonly packs: readonly DefinitionPack[];
  readonly bitRate: CanConfig['bitRate'];
  readonly sessionId: string;
  readonly releaseLock: (() => Promise<void>) | null;
  readonly preciseWait?: PreciseWait | undefined;
}

/** Opens the bus of a recognised adapter. @throws StackError `adapter/*`, `can/*` */
export async function openConnection(adapter: Adapter, parts: ConnectionParts): Promise<Connection> {
  const { clock, packs, preciseWait, standing, usb, simulated, releaseLock, sessionId } = parts;
  const bus = await openBus(adapter, { bitRate: parts.bitRate });
  const trace = new TraceRecorder(clock);
  const { driver, product } = adapter.info;
  trace.record({
    kind: 'comment',
    text: `Codebay ${parts.release}  adapter: ${driver} ${product}  bus: CAN ${parts.bitRate}`,
  });
  const link = createVehicleLink({
    clock,
    adapter,
    bus,
    simulated,
    verifier: parts.verifier,
    memory: parts.memory,
    trace,
    verdict: (job) => standing.may(job),
    isRequestId: requestIds(packs),
    physicalOf: (id) => physicalOf(packs, id),
    ...(preciseWait ? { preciseWait } : {}),
  });
  return { adapter, bus, link, standing, usb, simulated, trace, sessionId, releaseLock };
}

/** Raw frames where the adapter has them: then the segmentation is ours, and the same for every adapter. */
async function openBus(adapter: Adapter, config: CanConfig): Promise<Bus> {
  if (adapter.can) return { kind: 'can', link: await adapter.can.open(config) };
  if (adapter.isoTp) return { kind: 'isotp', link: await adapter.isoTp.open(config) };
  throw new StackError('adapter/unsupported', 'this adapter has no CAN', { ability: 'can' });
}

/** Gives everything back, in the order in which nothing is used any more. */
export async function closeConnection(connection: Connection): Promise<void> {
  await connection.link.close();
  await connection.adapter.close();
  await connection.releaseLock?.();
}

/** Ids on which testers ask, from the address tables; asked of every frame, so looked up in a set. */
function requestIds(packs: readonly DefinitionPack[]): (id: number, extended: boolean) => boolean {
  const key = (id: number, extended: boolean) => (extended ? -id : id);
  const ids = new Set(
    packs.flatMap((pack) => [
      ...pack.functional.map(({ requestId, extendedId }) => key(Number.parseInt(requestId, 16), extendedId)),
      ...pack.modules.flatMap((slot) => {
        const address = toIsoTpAddress(slot.address);
        return address.format === 'normal' ? [key(address.requestId, address.extendedId)] : [];
      }),
    ]),
  );
  return (id, extended) => ids.has(key(id, extended));
}

/** Who answers with an id: from the address tables, so that flow control of a broadcast goes to the right module. */
function physicalOf(packs: readonly DefinitionPack[], responseId: number): IsoTpAddress | null {
  for (const slot of packs.flatMap((pack) => pack.modules)) {
    const address = toIsoTpAddress(slot.address);
    if (address.format === 'normal' && address.responseId === responseId) return address;
  }
  return null;
}
