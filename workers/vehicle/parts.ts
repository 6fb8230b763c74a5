import type { Clock } from '#base/clock.ts';
import type { Adapter } from '#contract/adapter.ts';
import type { Backup } from '#contract/backup.ts';
import type { DefinitionPack } from '#contract/definition.ts';
import type { KeyProvider } from '#contract/diagnostics.ts';
import type { MessagePortLike, SerialTransport, UsbIdentity } from '#contract/transport.ts';
import type { GrantedAdapter, World } from '#contract/vehicle-api.ts';
import type { PreciseWait } from '#link/isotp/index.ts';
import type { Locks } from '#procedures/context.ts';
import type { Stores } from '#procedures/ports.ts';
import type { EventSender } from '#rpc/events.ts';
import type { PortToOpen } from './serial-choice.ts';

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
  /** @throws StackError `transport/unavailable`, `transport/permission-lost` */
  grantedPorts(usb: UsbIdentity | null): Promise<readonly PortToOpen[]>;
  openSimulated(port: MessagePortLike): Promise<SerialTransport>;
  recognise(transport: SerialTransport, wireless: boolean): Promise<Adapter>;
  newId(): string;
}
