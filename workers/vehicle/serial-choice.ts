import type { Adapter } from '#contract/adapter.ts';
import { type AdapterKey, adapterKeyOf } from '#contract/adapter-check.ts';
import { isStackError, StackError } from '#contract/errors.ts';
import type { SerialTransport, UsbIdentity } from '#contract/transport.ts';

/** A port that the browser lets us open. */
export interface PortToOpen {
  readonly usb: UsbIdentity | null;
  /** @throws StackError `transport/*` */
  open(): Promise<SerialTransport>;
}

export interface OpenAdapter {
  readonly transport: SerialTransport;
  readonly adapter: Adapter;
}

/**
 * Opens the first port behind which an adapter is recognised. Several alike are told apart by their handshake, never by their
 * place in the list (faults S05, S07): with `wanted` only the one with this key is kept, the others are closed again.
 * @throws StackError why the first port could not be used; `adapter/identity-changed` when all that answer are others
 */
export async function openFirst(
  ports: readonly PortToOpen[],
  wanted: AdapterKey | null,
  recognise: (transport: SerialTransport) => Promise<Adapter>,
): Promise<OpenAdapter> {
  let failure: unknown = null;
  for (const port of ports) {
    let transport: SerialTransport | null = null;
    try {
      transport = await port.open();
      const adapter = await recognise(transport);
      const key = adapterKeyOf(adapter.info, transport.usb ?? port.usb);
      if (wanted === null || key === wanted) return { transport, adapter };
      await adapter.close();
      throw new StackError('adapter/identity-changed', 'another adapter answers than the one asked for', {
        expected: wanted,
        actual: key,
      });
    } catch (error) {
      await transport?.close();
      // The one asked for may be the one that did not open: that reason says more.
      if (failure === null || isStackError(failure, 'adapter/identity-changed')) failure = error;
    }
  }
  throw failure ?? new StackError('transport/busy', 'no granted port opens', { owner: 'unknown' });
}
