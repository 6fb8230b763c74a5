import type { Clock } from '#base/clock.ts';
import type { Adapter, CanConfig, CanLink } from '#contract/adapter.ts';
import type { DefinitionPack } from '#contract/definition.ts';
import type { SecurityMemory } from '#contract/diagnostics.ts';
import { StackError } from '#contract/errors.ts';
import type { IsoTpAddress } from '#contract/isotp.ts';
import type { PermitVerifier } from '#contract/permit.ts';
import type { SerialTransport, UsbIdentity } from '#contract/transport.ts';
import { toIsoTpAddress } from '#definitions/index.ts';
import type { PreciseWait } from '#link/isotp/index.ts';
import { createVehicleLink, type OpenVehicleLink } from './link.ts';
import { TraceRecorder } from './trace-recorder.ts';

/** Every car with a diagnostic CAN on pins 6 and 14 of today (reference: diagnostics B.4). */
export const BIT_RATE: CanConfig['bitRate'] = 500_000;

/** An adapter with an open bus, and all that lives and dies with it. */
export interface Connection {
  readonly adapter: Adapter;
  readonly can: CanLink;
  readonly link: OpenVehicleLink;
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
  readonly transport: SerialTransport;
  readonly usb: UsbIdentity | null;
  readonly simulated: boolean;
  readonly verifier: PermitVerifier;
  readonly memory: SecurityMemory;
  readonly packs: readonly DefinitionPack[];
  readonly sessionId: string;
  readonly releaseLock: (() => Promise<void>) | null;
  readonly preciseWait?: PreciseWait | undefined;
}

/** Opens the bus of a recognised adapter. @throws StackError `adapter/*`, `can/*` */
export async function openConnection(adapter: Adapter, parts: ConnectionParts): Promise<Connection> {
  const { clock, packs, preciseWait, transport, simulated, releaseLock, sessionId } = parts;
  if (adapter.can === undefined)
    throw new StackError('adapter/unsupported', 'this adapter has no CAN', { ability: 'can' });
  const can = await adapter.can.open({ bitRate: BIT_RATE });
  const trace = new TraceRecorder(clock);
  const { driver, product } = adapter.info;
  trace.record({
    kind: 'comment',
    text: `Codebay ${parts.release}  adapter: ${driver} ${product}  bus: CAN ${BIT_RATE}`,
  });
  const link = createVehicleLink({
    clock,
    adapter,
    can,
    simulated,
    verifier: parts.verifier,
    memory: parts.memory,
    trace,
    physicalOf: (id) => physicalOf(packs, id),
    ...(preciseWait ? { preciseWait } : {}),
  });
  return { adapter, can, link, usb: transport.usb ?? parts.usb, simulated, trace, sessionId, releaseLock };
}

/** Gives everything back, in the order in which nothing is used any more. */
export async function closeConnection(connection: Connection): Promise<void> {
  await connection.link.close();
  await connection.adapter.close();
  await connection.releaseLock?.();
}

/** Who answers with an id: from the address tables, so that flow control of a broadcast goes to the right module. */
function physicalOf(packs: readonly DefinitionPack[], responseId: number): IsoTpAddress | null {
  for (const slot of packs.flatMap((pack) => pack.modules)) {
    const address = toIsoTpAddress(slot.address);
    if (address.format === 'normal' && address.responseId === responseId) return address;
  }
  return null;
}
